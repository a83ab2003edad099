//! `metrics_summary.json`: a format that others read.

use domain::Teams;
use serde::Serialize;
use strum::IntoEnumIterator;

use crate::Aggregates;

/// Counts signals, not e-mails.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Metrics {
    pub total_tickets: usize,
    pub guardian_alerts: usize,
    pub opportunity_alerts: usize,
    /// Tickets whose newest triage answered them in public, resolved by it or not.
    pub answered_automatically: usize,
    /// Of those, the ones that were quiet since for 72 hours.
    pub auto_resolved: usize,
    /// 0 to 1, four digits.
    pub auto_resolved_rate: f64,
    /// Every priority, also with zero.
    pub by_priority: serde_json::Map<String, serde_json::Value>,
    /// Every team, also with zero.
    pub by_agent: serde_json::Map<String, serde_json::Value>,
    /// Every topic with tickets.
    pub by_topic: serde_json::Map<String, serde_json::Value>,
    /// Most such questions first.
    pub topics_without_article: Vec<WithoutArticle>,
    pub average_processing_ms: f64,
    pub llm_calls: u32,
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cost_usd: f64,
}

/// A topic with questions for which there was no article.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct WithoutArticle {
    pub topic: String,
    /// P2 and P3 requests that an article may answer.
    pub questions: usize,
    /// Of those the ones for which there was none.
    pub without_article: usize,
}

impl Metrics {
    #[must_use]
    pub fn of(aggregates: &Aggregates, teams: &Teams) -> Self {
        let count = |number: Option<&usize>| number.copied().unwrap_or(0).into();
        Self {
            total_tickets: aggregates.tickets,
            guardian_alerts: aggregates.high_risk,
            opportunity_alerts: aggregates.opportunities,
            answered_automatically: aggregates.answered_automatically,
            auto_resolved: aggregates.auto_resolved,
            auto_resolved_rate: rounded(aggregates.auto_resolved_rate(), 1e4),
            by_priority: domain::Priority::iter()
                .map(|priority| (priority.to_string(), count(aggregates.by_priority.get(&priority))))
                .collect(),
            by_agent: aggregates
                .teams(teams)
                .into_iter()
                .map(|(team, tickets)| (team.to_string(), tickets.into()))
                .collect(),
            by_topic: aggregates.by_topic.values().map(|row| (row.topic.to_string(), row.tickets.into())).collect(),
            topics_without_article: aggregates
                .topics_without_article()
                .into_iter()
                .map(|row| WithoutArticle {
                    topic: row.topic.to_string(),
                    questions: row.questions,
                    without_article: row.without_article(),
                })
                .collect(),
            average_processing_ms: rounded(aggregates.average_ms(), 1e2),
            llm_calls: aggregates.usage.llm_calls,
            input_tokens: aggregates.usage.input_tokens,
            output_tokens: aggregates.usage.output_tokens,
            cost_usd: rounded(aggregates.usage.cost_usd, 1e6),
        }
    }
}

fn rounded(number: f64, steps: f64) -> f64 {
    (number * steps).round() / steps
}

#[cfg(test)]
mod tests {
    use domain::sample;

    use super::*;

    #[test]
    fn the_file() {
        let mut aggregates = Aggregates::default();
        for number in 1..=3 {
            aggregates.add(&sample::record(number, "Acme", sample::now()).summary(), sample::now());
        }
        insta::assert_json_snapshot!(Metrics::of(&aggregates, &sample::policy().teams));
    }
}
