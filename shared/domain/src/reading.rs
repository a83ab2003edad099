//! What an analyst understood of a ticket: evidence, never a decision.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};

use crate::{Intent, Kind, Language, Priority, Sentiment, TeamId, TopicId};

/// One analyst's view of one version of a ticket.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Reading {
    /// Which analyst and which version of it, such as `embedded-3`.
    pub analyst: String,
    /// Why this analyst stood in for the one that should have read; none if it was its turn.
    pub fallback: Option<Fallback>,
    pub language: Language,
    pub priority: Scored<Priority>,
    /// The sentence that made the priority what it is; none where no single one did.
    #[serde(default)]
    pub priority_quote: Option<String>,
    pub agent: Scored<TeamId>,
    /// What it is about; none where nothing can be read.
    #[serde(default)]
    pub topic: Option<Scored<TopicId>>,
    pub sentiment: Scored<Sentiment>,
    /// `value`: the customer may leave. `confidence` is the probability of that, also where `value` is false.
    pub churn: Signal<bool>,
    /// `value`: what the customer wants to buy. `confidence` is the probability of any such wish.
    pub intent: Signal<Option<Intent>>,
    /// What sort of ticket it is.
    #[serde(default)]
    pub kind: Scored<Kind>,
    /// The gravest sentence, if one is grave: a machine does not answer beside it.
    #[serde(default)]
    pub grave: Option<Grave>,
    /// The sentence by which the customer gives notice of leaving, beside whatever else is grave. Evaluating others, a
    /// tender or a question about the notice period is none.
    #[serde(default)]
    pub notice: Option<LeavingNotice>,
    /// Part of the text is older or somebody else's: a quoted history, a forward, a transcript.
    #[serde(default)]
    pub mixed: bool,
    /// Why the labels are what they are, in the analyst's words, where it has any.
    pub reason: Option<String>,
    pub draft: Option<Draft>,
    /// Sentences with a secret, or a number that pays or identifies: they stay in the customer's message alone.
    #[serde(default)]
    pub hidden: Vec<String>,
    /// What quotes say in English, by quote, where a language model read a ticket in another language. Shown beside them;
    /// nothing is decided by it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub english: BTreeMap<String, String>,
    /// The text tries to instruct its reader.
    pub suspicious: bool,
    /// The text was too long, or took too long, to be read as a whole.
    #[serde(default)]
    pub cut: bool,
    /// What an analyst that follows no instructions saw in the same text; none where such a one did the reading.
    pub second: Option<SecondOpinion>,
    /// Personal data taken out before the text left the house: how many values of each kind.
    pub redactions: BTreeMap<Redaction, u32>,
    pub usage: Usage,
}

impl Reading {
    /// The ticket's words for its priority, as far as support may see them: what tells of leaving or buying is for others.
    #[must_use]
    pub fn priority_words(&self) -> Option<&str> {
        let second = self.second.as_ref().filter(|second| second.priority.value == self.priority.value);
        let quote = self.priority_quote.as_deref().or(second.and_then(|second| second.priority_quote.as_deref()));
        quote.filter(|quote| self.is_open(quote))
    }

    /// The words of the grave sentence, as far as support may see them.
    #[must_use]
    pub fn grave_words(&self) -> Option<&str> {
        let quote = self.grave.as_ref().map(|grave| grave.quote.as_str());
        quote.filter(|quote| !quote.is_empty() && self.is_open(quote))
    }

    /// What happened, in the analyst's words where it has some, else in the ticket's.
    #[must_use]
    pub fn happened(&self) -> Option<&str> {
        let grave = self.grave.as_ref().map(|grave| grave.quote.as_str()).filter(|quote| !quote.is_empty());
        let quotes = [self.priority_quote.as_deref(), grave];
        let shown = quotes.into_iter().flatten().find(|quote| !self.hidden.iter().any(|hidden| hidden == quote));
        self.reason.as_deref().or(shown)
    }

    /// What those quotes say in English, as far as it is known.
    #[must_use]
    pub fn english_of(&self, quotes: &[String]) -> BTreeMap<String, String> {
        let known = quotes.iter().filter_map(|quote| Some((quote.clone(), self.english.get(quote)?.clone())));
        known.collect()
    }

    /// Whether support may see a quote: it holds no secret, and nothing of what tells of leaving or buying.
    pub(crate) fn is_open(&self, quote: &str) -> bool {
        let second = self.second.iter();
        let signals = self.churn.quotes.iter().chain(&self.intent.quotes);
        let others = second.clone().flat_map(|second| second.churn.quotes.iter().chain(&second.intent.quotes));
        let notices = self.notice.iter().chain(second.filter_map(|second| second.notice.as_ref()));
        let notices = notices.map(|notice| &notice.quote);
        let mut closed = signals.chain(others).chain(notices).chain(&self.hidden);
        !closed.any(|closed| closed.contains(quote) || quote.contains(closed.as_str()))
    }
}

/// The parts of a second reading that a first one cannot talk away.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SecondOpinion {
    pub priority: Scored<Priority>,
    #[serde(default)]
    pub priority_quote: Option<String>,
    pub churn: Signal<bool>,
    pub intent: Signal<Option<Intent>>,
    #[serde(default)]
    pub kind: Scored<Kind>,
    #[serde(default)]
    pub grave: Option<Grave>,
    #[serde(default)]
    pub notice: Option<LeavingNotice>,
}

/// A sentence that nobody may overlook, whatever stands beside it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Grave {
    pub what: Gravity,
    /// 0 to 1.
    pub confidence: f32,
    /// The sentence.
    pub quote: String,
}

/// The customer says that it cancels, does not renew, or goes unless something happens.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct LeavingNotice {
    /// The probability that the sentence gives notice, 0 to 1.
    pub confidence: f32,
    /// The sentence.
    pub quote: String,
}

/// What makes a sentence grave.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, Display, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Gravity {
    /// Everything or everybody is hit, now.
    Outage,
    /// Data or money is gone.
    Loss,
    /// Strangers see or reach what they must not.
    Breach,
    /// The customer goes, or will unless something happens.
    Leaving,
}

impl Gravity {
    /// The words a person reads.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Outage => "an outage",
            Self::Loss => "a loss of data or money",
            Self::Breach => "a breach",
            Self::Leaving => "leaving",
        }
    }
}

/// Why the language model did not read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, Display, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Fallback {
    /// No answer in time, or an error of its service.
    Unreachable,
    /// It failed so often that it is left alone for a moment.
    Paused,
    /// It would not answer this text.
    Refused,
    /// Its answer was not usable.
    Invalid,
    /// The day's budget is used up.
    OverBudget,
    /// The request or the key was not accepted: somebody has to look at the configuration.
    Misconfigured,
}

impl Fallback {
    /// A sentence for a record.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Unreachable => "the language model did not answer; the embedded analyst read instead",
            Self::Paused => "the language model is paused after failures in a row; the embedded analyst read instead",
            Self::Refused => "the language model refused this text; the embedded analyst read instead",
            Self::Invalid => "the language model's answer was not usable; the embedded analyst read instead",
            Self::OverBudget => "the day's budget for the language model is used up; the embedded analyst read instead",
            Self::Misconfigured => {
                "the language model did not accept the request or the key; the embedded analyst read instead"
            }
        }
    }
}

/// A kind of personal data that is recognised.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, Display, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Redaction {
    Email,
    Phone,
    /// Also other numbers of a bank account.
    Iban,
    Card,
    Ip,
    /// Of a network card.
    Mac,
    /// API keys, tokens, passwords and codes.
    Secret,
    /// Tax, identity, passport and social security numbers.
    Identity,
    BirthDate,
    /// A known person's.
    Name,
    /// The account's.
    Company,
}

impl Redaction {
    /// Whether an agent may read such a value in a model's own words. Secrets, and numbers that somebody could pay or
    /// identify themselves with, stay in the customer's message alone.
    #[must_use]
    pub fn is_shown(self) -> bool {
        match self {
            Self::Email | Self::Phone | Self::Ip | Self::Mac | Self::Name | Self::Company => true,
            Self::Iban | Self::Card | Self::Secret | Self::Identity | Self::BirthDate => false,
        }
    }
}

/// A probability in words: a percentage promises more than it knows.
#[must_use]
pub fn sure(probability: f32) -> &'static str {
    match probability {
        0.9.. => "very sure",
        0.7.. => "fairly sure",
        0.5.. => "more likely than not",
        _ => "not sure: read the words",
    }
}

/// A label and how sure the analyst is of it, 0 to 1.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Scored<T> {
    pub value: T,
    pub confidence: f32,
}

impl<T: Default> Default for Scored<T> {
    /// The default label, and nothing known of it.
    fn default() -> Self {
        Self { value: T::default(), confidence: 0.0 }
    }
}

/// A signal with the words that carry it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Signal<T> {
    pub value: T,
    /// 0 to 1.
    pub confidence: f32,
    /// Claimed to be the customer's words; [`decide()`](crate::decide()) drops what does not occur in the ticket.
    pub quotes: Vec<String>,
}

/// A reply grounded in one article of the customer's knowledge base.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Draft {
    /// Markdown, from the greeting to the team's signature.
    pub text: Arc<str>,
    /// File name of the article without its extension.
    pub article: String,
    pub article_title: Arc<str>,
    /// The article answers anybody, without a look at the account.
    pub faq: bool,
    /// Made of the article's own words. A model's words reach no customer unread.
    pub composed: bool,
    /// The answer is in the ticket's language; else only the frame around it is.
    #[serde(default)]
    pub in_language: bool,
    /// How well the article fits the question, 0 to 1.
    pub match_score: f32,
    /// A sentence of the ticket that is neither courtesy nor context nor the question that the article answers.
    #[serde(default)]
    pub unanswered: Option<String>,
    /// What the ticket asks, in its order, where it asks more than one thing.
    #[serde(default)]
    pub questions: Vec<AskedQuestion>,
}

/// A question of a ticket that has several.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AskedQuestion {
    /// The sentence.
    pub quote: String,
    /// The draft's article is known to answer it.
    pub answered: bool,
}

/// What the reading cost. All zero for the embedded analyst.
#[derive(Clone, Copy, PartialEq, Default, Debug, Serialize, Deserialize)]
pub struct Usage {
    /// Calls that were answered, whatever the answer was worth.
    pub llm_calls: u32,
    /// All tokens sent, those from and to the cache included.
    pub input_tokens: u64,
    /// Of the input: read from the cache, at a tenth of the price or less.
    pub cache_read_tokens: u64,
    /// Of the input: written to the cache, at up to twice the price.
    pub cache_write_tokens: u64,
    pub output_tokens: u64,
    /// US dollars.
    pub cost_usd: f64,
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.llm_calls += other.llm_calls;
        self.input_tokens += other.input_tokens;
        self.cache_read_tokens += other.cache_read_tokens;
        self.cache_write_tokens += other.cache_write_tokens;
        self.output_tokens += other.output_tokens;
        self.cost_usd += other.cost_usd;
    }
}
