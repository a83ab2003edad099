//! What a run shows while it runs, and at its end.

use std::time::Duration;

use crate::say;
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use domain::{Priority, Record, Teams, reading::Usage};
use indicatif::{ProgressBar, ProgressStyle};
use report::Aggregates;
use runtime::words;
use strum::IntoEnumIterator;

/// Up to this many tickets, each gets a line; above it, the bar has to do.
const MOST_LINES: usize = 1_000;

/// Topics named in the table at the end.
const MOST_TOPICS: usize = 6;

/// A bar on a terminal, and lines above it (or alone, where there is no terminal).
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    lines: bool,
}

impl Progress {
    #[must_use]
    pub fn new(tickets: usize) -> Self {
        let bar = ProgressBar::new(tickets as u64);
        let style = ProgressStyle::with_template("{bar:32} {pos}/{len} tickets, {per_sec}, {eta} left");
        bar.set_style(style.expect("a fixed template"));
        Self { bar, lines: tickets <= MOST_LINES }
    }

    pub fn ticket(&self, id_text: &str, record: Option<&Record>) {
        if self.lines || record.is_none() {
            let id_text = say::escaped(id_text);
            let line = record.map_or_else(|| format!("{id_text:>8}  failed"), |record| line(&id_text, record));
            self.bar.suspend(|| say::line(line));
        }
        self.bar.inc(1);
    }

    /// A ticket is done, and nothing is to be said of it.
    pub fn step(&self) {
        self.bar.inc(1);
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn line(id_text: &str, record: &Record) -> String {
    let risk = match record.guardian.risk_score {
        score if record.guardian.is_high_risk() => format!("risk {score}"),
        _ => String::new(),
    };
    let wish = record.opportunity.intent.map_or("", domain::Intent::title);
    let resolution = match record.resolution {
        domain::Resolution::Answered => "answered",
        domain::Resolution::AnswerReady => "answer ready",
        domain::Resolution::Routed => "",
    };
    let line = format!(
        "{id_text:>8}  {}  {:<8}  {:<2}  {risk:<7}  {wish:<15}  {resolution:<13}  {}",
        record.priority,
        record.agent.title(),
        record.language,
        say::escaped(&clipped(&record.subject))
    );
    line.trim_end().to_owned()
}

fn clipped(subject: &str) -> String {
    let words = subject.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.chars().count() <= 60 { words } else { words.chars().take(59).chain(['…']).collect() }
}

/// The table at the end of a run.
#[must_use]
pub fn summary(aggregates: &Aggregates, teams: &Teams, took: Duration) -> String {
    let count = |number: Option<&usize>| words::count(number.copied().unwrap_or(0));
    let list = |parts: Vec<String>| parts.join(" · ");
    let share = |part: usize| match aggregates.tickets {
        0 => words::count(part),
        all => format!("{} of {} ({:.0} %)", words::count(part), words::count(all), 100.0 * part as f64 / all as f64),
    };
    let priorities = Priority::iter().map(|p| format!("{p} {}", count(aggregates.by_priority.get(&p)))).collect();
    let teams = aggregates.teams(teams).into_iter();
    let teams = teams.map(|(team, tickets)| format!("{} {}", team.title(), words::count(tickets)));
    let languages = aggregates.by_language.iter().map(|(language, tickets)| format!("{language} {tickets}")).collect();
    let seconds = took.as_secs_f64();
    let time = format!(
        "{seconds:.1} s, {} tickets a second",
        words::count((aggregates.tickets as f64 / seconds.max(1e-3)) as usize)
    );
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.add_rows([
        ["priorities".to_owned(), list(priorities)],
        ["teams".to_owned(), list(teams.collect())],
        ["languages".to_owned(), list(languages)],
        ["Guardian signals".to_owned(), words::count(aggregates.high_risk)],
        ["Opportunity signals".to_owned(), words::count(aggregates.opportunities)],
        ["answered automatically".to_owned(), share(aggregates.answered_automatically)],
        ["auto-resolved".to_owned(), share(aggregates.auto_resolved)],
        ["answers ready".to_owned(), words::count(aggregates.answer_ready)],
        ["time".to_owned(), time],
    ]);
    let without = aggregates.topics_without_article();
    if !without.is_empty() {
        let shown = without.iter().take(MOST_TOPICS).map(|topic| {
            format!(
                "{} {} of {}",
                topic.topic.title(),
                words::count(topic.without_article()),
                words::count(topic.questions)
            )
        });
        let more = without.len().saturating_sub(MOST_TOPICS);
        let more = (more > 0).then(|| format!("{more} more in {}", report::METRICS));
        table.add_row(["questions without an article".to_owned(), list(shown.chain(more).collect())]);
    }
    if let Some(model) = model(aggregates.usage, aggregates.fallbacks) {
        table.add_row(["language model".to_owned(), model]);
    }
    table.to_string()
}

/// What the language model did and cost; none where it was not asked.
#[must_use]
pub fn model(usage: Usage, fallbacks: usize) -> Option<String> {
    let tokens = |number: u64| words::count(usize::try_from(number).unwrap_or(usize::MAX));
    let mut parts = Vec::new();
    if usage.llm_calls > 0 {
        let calls = usage.llm_calls;
        parts.push(format!("{} call{}", tokens(calls.into()), if calls == 1 { "" } else { "s" }));
        let cached = tokens(usage.cache_read_tokens);
        parts.push(format!("{} tokens in ({cached} from the cache)", tokens(usage.input_tokens)));
        parts.push(format!("{} out", tokens(usage.output_tokens)));
        parts.push(format!("${:.4}", usage.cost_usd));
    }
    if fallbacks > 0 {
        parts.push(format!("{} read by the fallback", words::count(fallbacks)));
    }
    (!parts.is_empty()).then(|| parts.join(" · "))
}

#[cfg(test)]
mod tests {
    use domain::sample;

    use super::*;

    #[test]
    fn a_line_shows_the_labels_and_never_breaks() {
        let record =
            Record { subject: "a\nb \u{1b}[3\u{202e}m ".repeat(30).into(), ..sample::record(7, "Acme", sample::now()) };
        let line = line("#7", &record);
        assert!(line.starts_with("      #7  P2  Nexus     en  risk 7   expansion"), "{line}");
        assert!(!line.contains(['\n', '\u{1b}', '\u{202e}']) && line.chars().count() < 250, "{line}");
    }
}
