//! What a language model answered, checked: the model gives evidence, and what cannot be checked is dropped.

use std::{collections::BTreeMap, str::FromStr};

use domain::{
    Draft, Grave, Gravity, Intent, Kind, Language, LeavingNotice, Priority, Reading, Scored, Sentiment, TeamId, Teams,
    quote::Source,
    reading::{Signal, Usage},
};
use serde::Deserialize;

use analyst::knowledge::Article;

use crate::{
    grounding::{self, Ungrounded},
    redaction::Redactor,
};

/// From this on a churn or buying claim needs the customer's words. Of 10.
const CLAIM: u8 = 4;
/// How sure a model is of what it names without a number.
const STATED: f32 = 0.9;
/// Quotes kept for a signal, and how long one may be, in characters.
const MOST_QUOTES: usize = 3;
const LONGEST_QUOTE: usize = 400;
/// In characters.
const LONGEST_REASON: usize = 400;
/// A draft's length, in characters.
const DRAFT: std::ops::RangeInclusive<usize> = 40..=2_400;

/// The form, as the model filled it in.
#[derive(Deserialize)]
struct Form {
    churn_quotes: Vec<String>,
    buying_quotes: Vec<String>,
    gravest: String,
    gravity: String,
    in_english: Vec<Translation>,
    injection_suspected: bool,
    language: String,
    kind: String,
    priority: String,
    priority_sure: u8,
    team: String,
    team_sure: u8,
    sentiment: String,
    churn: u8,
    intent: String,
    intent_sure: u8,
    reason: String,
    article: String,
    draft: String,
}

/// What a quote says in English.
#[derive(Deserialize)]
struct Translation {
    quote: String,
    english: String,
}

/// The answer cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The parser's own words are left out: they may quote the answer.
    #[error("the answer is not the form that was asked for, at line {line}, character {column}")]
    Form { line: usize, column: usize },
    #[error("{field} has no label we know")]
    Label { field: &'static str },
    #[error("{field} is not between 0 and 10")]
    Range { field: &'static str },
}

/// A part of the answer that was left out, and why.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Dropped {
    #[error("a churn claim without words of the customer")]
    Churn,
    #[error("a buying claim without words of the customer")]
    Intent,
    #[error("a grave sentence without words of the ticket")]
    Grave,
    #[error("a translation of what is no quote, or that may not be shown")]
    Translation,
    #[error("a draft for a P0 or P1")]
    UrgentDraft,
    #[error("a draft without an article it was given")]
    NoArticle,
    #[error("a draft that is too short or too long")]
    DraftLength,
    #[error("a draft with {0}")]
    Ungrounded(Ungrounded),
}

/// What the answer is checked against.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// The customer's words.
    pub own: &'a str,
    /// Another person's that the customer handed on.
    pub forwarded: &'a str,
    /// Of those words, in case the answer names none.
    pub language: Language,
    /// The articles the model was shown.
    pub articles: &'a [&'a Article],
    pub redactor: &'a Redactor,
    /// Who may be named, and the last line of a draft.
    pub teams: &'a Teams,
    /// Who answered.
    pub analyst: &'a str,
}

impl Given<'_> {
    /// What a draft and a reason may repeat.
    fn said(&self) -> String {
        format!("{}\n{}", self.own, self.forwarded)
    }
}

/// The answer as a reading, and what had to be left out of it.
///
/// # Errors
/// [`AnswerError`]: then nothing of the answer is used.
pub fn reading(text: &str, given: Given<'_>) -> Result<(Reading, Vec<Dropped>), AnswerError> {
    let form: Form =
        serde_json::from_str(text).map_err(|error| AnswerError::Form { line: error.line(), column: error.column() })?;
    let mut dropped = Vec::new();
    let priority: Priority = label("priority", &form.priority)?;
    let agent: TeamId = label("team", &form.team)?;
    if given.teams.get(&agent).is_none() {
        return Err(AnswerError::Label { field: "team" });
    }
    let sentiment: Sentiment = label("sentiment", &form.sentiment)?;
    let wish: Option<Intent> = match form.intent.trim() {
        none if none.eq_ignore_ascii_case("none") => None,
        some => Some(label("intent", some)?),
    };
    let sure = [
        ("priority_sure", form.priority_sure),
        ("team_sure", form.team_sure),
        ("churn", form.churn),
        ("intent_sure", form.intent_sure),
    ];
    if let Some((field, _)) = sure.into_iter().find(|(_, sure)| *sure > 10) {
        return Err(AnswerError::Range { field });
    }
    let kind: Kind = label("kind", &form.kind)?;
    let gravity: Option<Gravity> = match form.gravity.trim() {
        none if none.eq_ignore_ascii_case("none") => None,
        some => Some(label("gravity", &some.to_lowercase())?),
    };
    let language = form.language.trim().parse::<Language>().unwrap_or(given.language);

    let churn_quotes = own_words(quotes(&form.churn_quotes, given.redactor), given);
    let buying_quotes = own_words(quotes(&form.buying_quotes, given.redactor), given);
    let churn = if form.churn >= CLAIM && churn_quotes.is_empty() {
        dropped.push(Dropped::Churn);
        Signal { value: false, confidence: 0.0, quotes: Vec::new() }
    } else {
        Signal { value: form.churn >= CLAIM, confidence: tenths(form.churn), quotes: churn_quotes }
    };
    let intent = if wish.is_some() && buying_quotes.is_empty() {
        dropped.push(Dropped::Intent);
        Signal { value: None, confidence: 0.0, quotes: Vec::new() }
    } else {
        let confidence = wish.map_or(0.0, |_| tenths(form.intent_sure));
        Signal { value: wish, confidence, quotes: wish.map_or_else(Vec::new, |_| buying_quotes) }
    };
    let gravest = quotes(std::slice::from_ref(&form.gravest), given.redactor).into_iter().next();
    let grave = match (gravity, gravest) {
        (Some(what), Some(quote)) => Some(Grave { what, confidence: STATED, quote }),
        (Some(_), None) => {
            dropped.push(Dropped::Grave);
            None
        }
        (None, _) => None,
    };
    let notice = notice(grave.as_ref(), churn.value, given);
    let kept = churn.quotes.iter().chain(&intent.quotes).chain(grave.as_ref().map(|grave| &grave.quote));
    let english = if language == Language::En { BTreeMap::new() } else { english(&form, kept, given) };
    if language != Language::En && english.len() < form.in_english.len() {
        dropped.push(Dropped::Translation);
    }
    let draft = draft(&form, priority, &agent, given).unwrap_or_else(|reason| {
        dropped.push(reason);
        None
    });
    let reading = Reading {
        analyst: given.analyst.to_owned(),
        fallback: None,
        language,
        priority: Scored { value: priority, confidence: tenths(form.priority_sure) },
        priority_quote: priority_quote(priority, grave.as_ref()),
        agent: Scored { value: agent, confidence: tenths(form.team_sure) },
        topic: None,
        // The form asks for no number here, and nothing turns on one.
        sentiment: Scored { value: sentiment, confidence: 1.0 },
        churn,
        intent,
        kind: Scored { value: kind, confidence: STATED },
        grave,
        notice,
        mixed: false,
        reason: reason(&form.reason, given),
        draft,
        hidden: Vec::new(),
        english,
        suspicious: form.injection_suspected,
        cut: false,
        second: None,
        redactions: given.redactor.counts().clone(),
        usage: Usage::default(),
    };
    Ok((reading, dropped))
}

fn label<T: FromStr>(field: &'static str, text: &str) -> Result<T, AnswerError> {
    text.trim().parse().map_err(|_| AnswerError::Label { field })
}

fn tenths(sure: u8) -> f32 {
    f32::from(sure) / 10.0
}

/// The quotes with personal data back in their place. Whether the customer wrote them is for the decision to check.
fn quotes(given: &[String], redactor: &Redactor) -> Vec<String> {
    let restored = given.iter().map(|quote| redactor.restore(quote));
    restored
        .filter(|quote| !quote.trim().is_empty() && quote.chars().count() <= LONGEST_QUOTE)
        .take(MOST_QUOTES)
        .collect()
}

/// Without what only another person said: whoever hands a message on neither leaves nor buys by it.
fn own_words(quotes: Vec<String>, given: Given<'_>) -> Vec<String> {
    let (own, forwarded) = (Source::new([given.own]), Source::new([given.forwarded]));
    let occurs = |source: &Source, quote: &String| !source.verified(std::slice::from_ref(quote)).is_empty();
    quotes.into_iter().filter(|quote| occurs(&own, quote) || !occurs(&forwarded, quote)).collect()
}

/// The form asks for the gravest sentence, and that is what makes a ticket urgent.
fn priority_quote(priority: Priority, grave: Option<&Grave>) -> Option<String> {
    let grave = grave.filter(|grave| priority <= Priority::P1 && grave.what != Gravity::Leaving)?;
    Some(grave.quote.clone())
}

/// The gravest sentence, where it is one of leaving, the customer's own, and the model holds the customer to leave.
fn notice(grave: Option<&Grave>, leaves: bool, given: Given<'_>) -> Option<LeavingNotice> {
    let Grave { confidence, quote, .. } = grave.filter(|grave| leaves && grave.what == Gravity::Leaving)?;
    let quote = own_words(vec![quote.clone()], given).pop()?;
    Some(LeavingNotice { confidence: *confidence, quote })
}

/// The English lines of the quotes that are kept, without anything that a reason may not say either.
fn english<'a>(form: &Form, kept: impl Iterator<Item = &'a String>, given: Given<'_>) -> BTreeMap<String, String> {
    let kept: Vec<&String> = kept.collect();
    let lines = form.in_english.iter().filter_map(|Translation { quote, english }| {
        let quote = given.redactor.restore(quote);
        let line = note(english, LONGEST_QUOTE, given)?;
        kept.contains(&&quote).then_some((quote, line))
    });
    lines.collect()
}

/// The reason as one line, without anything that a draft may not say either.
fn reason(said: &str, given: Given<'_>) -> Option<String> {
    note(said, LONGEST_REASON, given)
}

/// A model's own words as one line, if a person may read them.
fn note(said: &str, longest: usize, given: Given<'_>) -> Option<String> {
    let line = given.redactor.restore_shown(said).split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().take(longest).collect();
    Some(line).filter(|line| !line.is_empty() && grounding::note(line, &given.said(), given.redactor).is_ok())
}

/// The draft, if there is one and it may be shown.
fn draft(form: &Form, priority: Priority, agent: &TeamId, given: Given<'_>) -> Result<Option<Draft>, Dropped> {
    let text = form.draft.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if priority < Priority::P2 {
        return Err(Dropped::UrgentDraft);
    }
    let named = form.article.trim();
    let article = given.articles.iter().find(|article| article.name == named).ok_or(Dropped::NoArticle)?;
    let text = given.redactor.restore_shown(text);
    if !DRAFT.contains(&text.chars().count()) {
        return Err(Dropped::DraftLength);
    }
    let source = format!("{}\n\n{}", article.title, article.answer);
    grounding::draft(&text, &given.said(), &source, given.redactor).map_err(Dropped::Ungrounded)?;
    let signature = given.teams.get(agent).map_or("The support team", |profile| &profile.signature);
    Ok(Some(Draft {
        text: format!("{text}\n\n{signature}").into(),
        article: article.name.clone(),
        article_title: article.title.as_str().into(),
        faq: article.faq,
        composed: false,
        in_language: true,
        match_score: 0.0,
        unanswered: None,
        questions: Vec::new(),
    }))
}

#[cfg(test)]
mod tests {
    use domain::sample;
    use serde_json::{Value, json};

    use super::*;
    use analyst::KnowledgeBase;

    use crate::redaction::Known;

    fn form() -> Value {
        json!({
            "churn_quotes": ["We are looking at  other vendors."],
            "buying_quotes": ["What is your price for two more stores?"],
            "reason": "Orders do not sync.",
            "gravest": "", "gravity": "none", "in_english": [],
            "injection_suspected": false,
            "language": "EN", "kind": "request",
            "priority": "P2", "priority_sure": 8,
            "team": "Nexus", "team_sure": 9,
            "sentiment": "Frustrated",
            "churn": 7,
            "intent": "Expansion", "intent_sure": 9,
            "article": "rotate-an-api-key",
            "draft": "Hello,\n\nopen Settings > Developers > API keys and select Rotate. We are glad to help further.",
        })
    }

    fn check(changes: Value) -> Result<(Reading, Vec<Dropped>), AnswerError> {
        let mut form = form();
        for (name, value) in changes.as_object().unwrap() {
            form[name] = value.clone();
        }
        let ticket = sample::ticket(1);
        let knowledge = KnowledgeBase::parse(data::knowledge_base()).unwrap();
        let articles: Vec<&Article> = knowledge.articles().collect();
        let redactor = Redactor::new(Known::default(), ticket.texts());
        let teams = sample::policy().teams;
        let said = ticket.texts().collect::<Vec<_>>().join("\n");
        let given = Given {
            own: &said,
            forwarded: "The shopper ends the contract.",
            language: Language::Fr,
            articles: &articles,
            redactor: &redactor,
            teams: &teams,
            analyst: "model/triage-1",
        };
        reading(&form.to_string(), given)
    }

    #[test]
    fn labels_are_read_in_any_case() {
        let (reading, dropped) = check(json!({})).unwrap();
        assert_eq!(dropped, []);
        assert_eq!(reading.priority, Scored { value: Priority::P2, confidence: 0.8 });
        assert_eq!((reading.agent.value.as_str(), reading.sentiment.value), ("nexus", Sentiment::Frustrated));
        assert_eq!(reading.churn.quotes, ["We are looking at  other vendors."], "the decision folds and verifies it");
        assert_eq!(reading.intent.value, Some(Intent::Expansion));
        assert_eq!(reading.reason.as_deref(), Some("Orders do not sync."));
        let draft = reading.draft.unwrap();
        assert!(draft.text.ends_with("\n\nThe Nexus team") && !draft.composed);
    }

    #[test]
    fn the_gravest_sentence_is_named_with_its_words() {
        let grave =
            check(json!({ "gravity": "Outage", "gravest": "Nobody can pay.", "kind": "Machine_Alert" })).unwrap().0;
        assert_eq!(
            grave.grave,
            Some(Grave { what: Gravity::Outage, confidence: STATED, quote: "Nobody can pay.".into() })
        );
        assert_eq!(grave.kind, Scored { value: Kind::MachineAlert, confidence: STATED });
        assert_eq!(check(json!({ "gravest": "Nobody can pay." })).unwrap().0.grave, None, "none is grave");
    }

    #[test]
    fn a_foreign_quote_has_an_english_line() {
        let quote = "We are looking at  other vendors.";
        let in_english = |quote: &str, english: &str| json!([{ "quote": quote, "english": english }]);
        let long = "word ".repeat(200);
        for (language, translations, expected) in [
            ("de", in_english(quote, "They  look\nat others."), Some("They look at others.")),
            ("en", in_english(quote, "They look at others."), None),
            ("de", in_english("Nobody can pay.", "Nobody can pay."), None),
            ("de", in_english(quote, ""), None),
            ("de", in_english(quote, "See https://evil.example/login"), None),
            ("de", in_english(quote, "<b>They</b> look"), None),
            ("de", json!([]), None),
        ] {
            let (reading, dropped) = check(json!({ "language": language, "in_english": translations })).unwrap();
            assert_eq!(reading.english.get(quote).map(String::as_str), expected, "{language} {translations}");
            assert_eq!(reading.english.len(), usize::from(expected.is_some()), "{language} {translations}");
            let lost = language == "de" && expected.is_none() && translations != json!([]);
            assert_eq!(dropped.contains(&Dropped::Translation), lost, "{language} {translations}");
        }
        let cut = check(json!({ "language": "de", "in_english": in_english(quote, &long) })).unwrap().0;
        assert_eq!(cut.english[quote].chars().count(), LONGEST_QUOTE);
        let dropped = check(json!({
            "language": "de", "churn_quotes": [], "in_english": in_english(quote, "They look at others."),
        }));
        assert!(dropped.unwrap().0.english.is_empty(), "without its quote there is none");
    }

    #[test]
    fn only_the_customers_own_leaving_is_a_notice() {
        let quote = "We are looking at other vendors.";
        let notice = LeavingNotice { confidence: STATED, quote: quote.into() };
        for (changes, expected) in [
            (json!({ "gravity": "leaving", "gravest": quote }), Some(notice)),
            (json!({ "gravity": "outage", "gravest": quote }), None),
            (json!({ "gravity": "leaving", "gravest": quote, "churn": 3 }), None),
            (json!({ "gravity": "leaving", "gravest": "The shopper ends the contract." }), None),
        ] {
            assert_eq!(check(changes.clone()).unwrap().0.notice, expected, "{changes}");
        }
    }

    #[test]
    fn a_secret_stays_a_placeholder_where_people_read() {
        let said = "Our password: hunter2secret. Ask ann@shop.example.";
        let mut redactor = Redactor::new(Known::default(), [said]);
        assert_eq!(redactor.redact(said), "Our password: [SECRET_1]. Ask [EMAIL_1].");
        assert_eq!(redactor.restore_shown("[SECRET_1] [EMAIL_1]"), "[SECRET_1] ann@shop.example");
        assert_eq!(redactor.restore("[SECRET_1]"), "hunter2secret", "a quote is the customer's");
    }

    #[test]
    fn a_reason_is_one_line_without_a_link() {
        let reason = |text: &str| check(json!({ "reason": text })).unwrap().0.reason;
        assert_eq!(reason("Two\nlines.").as_deref(), Some("Two lines."));
        assert_eq!(reason("See https://evil.example/x"), None);
        assert_eq!(reason("![x](y)"), None);
        assert_eq!(reason(" "), None);
    }

    #[test]
    fn what_cannot_be_checked_is_dropped() {
        let dropped = |changes: Value| {
            let (reading, dropped) = check(changes).unwrap();
            (dropped, reading.churn.value, reading.intent.value.is_some(), reading.draft.is_some())
        };
        let long = "We help. ".repeat(400);
        for (changes, reasons, churn, intent, draft) in [
            (json!({ "churn_quotes": ["We cancel."] }), vec![], true, true, true),
            (json!({ "churn_quotes": [] }), vec![Dropped::Churn], false, true, true),
            (json!({ "churn_quotes": ["The shopper ends the contract."] }), vec![Dropped::Churn], false, true, true),
            (json!({ "buying_quotes": ["The shopper ends the contract."] }), vec![Dropped::Intent], true, false, true),
            (json!({ "churn_quotes": [], "churn": 3 }), vec![], false, true, true),
            (json!({ "buying_quotes": [""] }), vec![Dropped::Intent], true, false, true),
            (json!({ "intent": "NONE" }), vec![], true, false, true),
            (json!({ "gravity": "outage" }), vec![Dropped::Grave], true, true, true),
            (json!({ "priority": "p1" }), vec![Dropped::UrgentDraft], true, true, false),
            (json!({ "article": "no-such-article" }), vec![Dropped::NoArticle], true, true, false),
            (json!({ "draft": long }), vec![Dropped::DraftLength], true, true, false),
            (json!({ "draft": "Hi" }), vec![Dropped::DraftLength], true, true, false),
            (json!({ "draft": "" }), vec![], true, true, false),
            (
                json!({ "draft": "Hello, please open https://evil.example/login and sign in again." }),
                vec![Dropped::Ungrounded(Ungrounded::Link)],
                true,
                true,
                false,
            ),
        ] {
            assert_eq!(dropped(changes.clone()), (reasons, churn, intent, draft), "{changes}");
        }
    }

    #[test]
    fn unusable_labels_are_an_error_and_never_a_default() {
        for (changes, message) in [
            (json!({ "priority": "urgent" }), "priority has no label we know"),
            (json!({ "team": "" }), "team has no label we know"),
            (json!({ "team": "field_ops" }), "team has no label we know"),
            (json!({ "sentiment": "sad" }), "sentiment has no label we know"),
            (json!({ "intent": "discount" }), "intent has no label we know"),
            (json!({ "kind": "poem" }), "kind has no label we know"),
            (json!({ "gravity": "sad" }), "gravity has no label we know"),
            (json!({ "priority_sure": 11 }), "priority_sure is not between 0 and 10"),
            (json!({ "churn": 255 }), "churn is not between 0 and 10"),
            (json!({ "churn": -1 }), "the answer is not the form that was asked for"),
            (json!({ "churn_quotes": "none" }), "the answer is not the form that was asked for"),
        ] {
            let error = check(changes.clone()).unwrap_err().to_string();
            assert!(error.starts_with(message), "{changes}: {error}");
        }
        assert_eq!(check(json!({ "language": "klingon" })).unwrap().0.language, Language::Fr, "as detected");
    }
}
