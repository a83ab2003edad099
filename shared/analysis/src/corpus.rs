//! Labelled tickets, for training and for measuring.

use domain::{Agent, Intent, Language, Priority, Sentiment};
use serde::Deserialize;

/// One whole ticket with its labels, as `docs/corpus.md` defines them.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelledTicket {
    pub id: String,
    /// Tickets about one situation share it, and are never on both sides of a split.
    pub scenario: String,
    pub language: Language,
    pub style: String,
    pub subject: String,
    pub body: String,
    pub priority: Priority,
    #[serde(rename = "team")]
    pub agent: Agent,
    pub sentiment: Sentiment,
    #[serde(rename = "churn_risk")]
    pub churn: Risk,
    #[serde(deserialize_with = "intent")]
    pub intent: Option<Intent>,
    /// Whole sentences of the body that carry the churn signal.
    pub churn_quotes: Vec<String>,
    /// Whole sentences of the body that carry the intent.
    pub intent_quotes: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    High,
    None,
}

/// Where a corpus file is wrong.
#[derive(Debug, thiserror::Error)]
pub enum CorpusError {
    #[error("{file}, line {line}: {cause}")]
    Line { file: String, line: usize, cause: serde_json::Error },
    #[error("{file}, line {line}: {id}: {problem}")]
    Label { file: String, line: usize, id: String, problem: &'static str },
}

/// Parses JSON Lines and checks that quotes and labels agree.
///
/// # Errors
/// The first line that is no ticket or contradicts itself, with its file and number.
pub fn parse(file: &str, text: &str) -> Result<Vec<LabelledTicket>, CorpusError> {
    text.lines()
        .enumerate()
        .map(|(index, line)| {
            let (file, line_number) = (file.to_owned(), index + 1);
            let ticket: LabelledTicket = serde_json::from_str(line).map_err(|cause| CorpusError::Line {
                file: file.clone(),
                line: line_number,
                cause,
            })?;
            match contradiction(&ticket) {
                Some(problem) => Err(CorpusError::Label { file, line: line_number, id: ticket.id, problem }),
                None => Ok(ticket),
            }
        })
        .collect()
}

fn contradiction(ticket: &LabelledTicket) -> Option<&'static str> {
    let quotes: Vec<String> = ticket.churn_quotes.iter().chain(&ticket.intent_quotes).cloned().collect();
    let problems = [
        ((ticket.churn == Risk::High) == ticket.churn_quotes.is_empty(), "churn_quotes and churn_risk disagree"),
        (ticket.intent.is_some() == ticket.intent_quotes.is_empty(), "intent_quotes and intent disagree"),
        (domain::quote::verified(&quotes, &ticket.body).is_empty() && !quotes.is_empty(), "no quote is in the body"),
    ];
    problems.into_iter().find(|(wrong, _)| *wrong).map(|(_, problem)| problem)
}

fn intent<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Intent>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text == "none" { Ok(None) } else { text.parse().map(Some).map_err(serde::de::Error::custom) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_corpus_is_sound_and_large_enough() {
        let tickets: Vec<_> = data::training().flat_map(|(name, text)| parse(name, text).unwrap()).collect();
        assert!(tickets.len() >= 300, "{}", tickets.len());
        let ids: std::collections::BTreeSet<_> = tickets.iter().map(|ticket| &ticket.id).collect();
        assert_eq!(ids.len(), tickets.len());
    }

    #[test]
    fn a_contradiction_is_named_with_its_line() {
        let line =
            r#"{"id":"a","scenario":"s","language":"en","style":"chat","subject":"","body":"We leave.","priority":"P3",
            "team":"nexus","sentiment":"neutral","churn_risk":"high","intent":"none","churn_quotes":["We leave."],
            "intent_quotes":[]}"#
                .replace('\n', "");
        assert_eq!(parse("x", &line).unwrap().len(), 1);
        let broken = line.replace("\"high\"", "\"none\"");
        let error = parse("x", &format!("{line}\n{broken}")).unwrap_err();
        assert_eq!(error.to_string(), "x, line 2: a: churn_quotes and churn_risk disagree");
        assert!(parse("x", "{}").unwrap_err().to_string().contains("line 1"));
    }
}
