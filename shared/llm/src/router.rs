//! Who reads a ticket, and who stands in.

use std::{sync::Arc, time::Duration};

use analyst::{CustomerText, EmbeddedAnalyst, customer_text::MOST_BYTES, embedded::Labels};
use async_trait::async_trait;
use domain::{
    Account, Fallback, Priority, Reading, SecondOpinion, Ticket,
    ports::{Analyst, PortError},
};
use tokio::{task::yield_now, time::Instant};

use crate::{
    Budget, Config, LanguageModel, Who,
    breaker::Breaker,
    injection,
    reader::{Case, Failed, ModelReader},
    redaction::{Found, Known, Redactor},
};

/// In a cascade the embedded analyst's labels stand from this confidence on: on the exam nine of ten labels are at least as
/// sure, and 93 in 100 of those right.
const SURE: f32 = 0.6;

/// What splitting and encoding one ticket may take. A usual ticket needs 15 ms of a core; ten tickets of a batch at this
/// limit leave half of the triage function's minute for the rest.
const LISTENING: Duration = Duration::from_secs(3);
/// What it may take however little time is left: a usual ticket is then still read as a whole, and better late than badly.
const LISTENING_AT_LEAST: Duration = Duration::from_millis(500);

/// The embedded analyst, and a language model where there is one and the configuration says so.
///
/// The embedded analyst reads every ticket: it takes milliseconds, stands in when the model fails, and is the second
/// opinion that no text can talk to.
pub struct Router {
    embedded: Arc<EmbeddedAnalyst>,
    model: Option<ModelReader>,
    cascade: bool,
    breaker: Breaker,
    budget: Budget,
}

impl Router {
    #[must_use]
    pub fn new(
        config: Config,
        model: Option<Arc<dyn LanguageModel>>,
        embedded: EmbeddedAnalyst,
        budget: Budget,
    ) -> Self {
        let embedded = Arc::new(embedded);
        let model = match config.who {
            Who::Embedded => None,
            Who::Auto | Who::Model | Who::Cascade => {
                model.map(|model| ModelReader::new(model, embedded.clone(), config.redaction))
            }
        };
        Self { embedded, model, cascade: config.who == Who::Cascade, breaker: Breaker::default(), budget }
    }

    /// The ticket's text, made in the time that one ticket may keep its batch waiting.
    async fn listen(&self, ticket: &Ticket, within: Duration) -> CustomerText {
        // The tickets of a batch share one thread: each lets the others go on before and after its own work.
        yield_now().await;
        let (started, limit) = (Instant::now(), within.clamp(LISTENING_AT_LEAST, LISTENING));
        let text = self.embedded.listen(ticket, &|| started.elapsed() < limit);
        yield_now().await;
        text
    }

    /// Opens the connection to the model, if one is asked.
    pub async fn warm(&self) {
        if let Some(model) = &self.model {
            model.warm().await;
        }
    }
}

#[async_trait]
impl Analyst for Router {
    async fn read(&self, ticket: &Ticket, account: &Account, within: Duration) -> Result<Reading, PortError> {
        Ok(hiding_secrets(self.reading(ticket, account, within).await?, ticket))
    }
}

impl Router {
    async fn reading(&self, ticket: &Ticket, account: &Account, within: Duration) -> Result<Reading, PortError> {
        let started = Instant::now();
        let text = self.listen(ticket, within).await;
        let own = Reading { suspicious: suspected(ticket, &text), ..self.embedded.read(&text) };
        let with_draft = |own: Reading| {
            let draft = self.embedded.draft(&text, ticket, account, Labels::of(&own));
            Reading { draft, ..own }
        };
        let model = match &self.model {
            Some(model) if !self.cascade || worth_asking(&own) => model,
            Some(_) | None => return Ok(with_draft(own)),
        };
        if !self.breaker.lets_through() {
            return Ok(with_draft(Reading { fallback: Some(Fallback::Paused), ..own }));
        }
        yield_now().await;
        let case = Case { ticket, account, text: &text };
        let answer = model.read(case, &self.budget, within.saturating_sub(started.elapsed())).await?;
        match &answer {
            Ok(_) => self.breaker.note(false),
            // Says nothing of the service.
            Err(Failed { asked: false, .. }) => {}
            // A refusal is an answer.
            Err(failed) => self.breaker.note(failed.fallback != Fallback::Refused),
        }
        Ok(match answer {
            Ok(reading) => with_second_opinion(reading, own),
            Err(Failed { fallback, usage, redactions, .. }) => {
                with_draft(Reading { fallback: Some(fallback), usage, redactions, ..own })
            }
        })
    }
}

/// Whether the text instructs its reader. Of a short ticket the quoted history and the signature are looked at as well.
fn suspected(ticket: &Ticket, text: &CustomerText) -> bool {
    let short = ticket.texts().map(str::len).sum::<usize>() <= MOST_BYTES;
    let forwarded = text.forwarded().map(|forwarded| forwarded.text.as_str());
    injection::suspected(text.texts().chain(forwarded)) || short && injection::suspected(ticket.texts())
}

/// Names the sentences that could be quoted in a note, and hold what stays in the customer's message alone.
fn hiding_secrets(reading: Reading, ticket: &Ticket) -> Reading {
    let redactor = Redactor::new(Known::default(), []);
    let hides = |found: &Found| !found.kind.is_shown();
    let secrets: Vec<&str> = ticket
        .texts()
        .flat_map(|text| redactor.find(text).into_iter().filter(hides).filter_map(move |found| text.get(found.range)))
        .collect();
    let second = reading.second.iter();
    let graves = reading.grave.iter().chain(second.clone().filter_map(|second| second.grave.as_ref()));
    let questions = reading.draft.iter().flat_map(|draft| &draft.questions).map(|asked| &asked.quote);
    let quotes = reading.priority_quote.iter().chain(second.filter_map(|second| second.priority_quote.as_ref()));
    let hidden = quotes
        .chain(graves.map(|grave| &grave.quote))
        .chain(questions)
        .filter(|quote| secrets.iter().any(|secret| quote.contains(secret)) || redactor.find(quote).iter().any(hides));
    Reading { hidden: hidden.cloned().collect(), ..reading }
}

/// Unsure, or money is at stake.
fn worth_asking(own: &Reading) -> bool {
    let unsure = own.priority.confidence.min(own.agent.confidence) < SURE;
    let urgent = own.priority.value <= Priority::P1;
    unsure || urgent || own.churn.value || own.intent.value.is_some()
}

fn with_second_opinion(reading: Reading, own: Reading) -> Reading {
    Reading {
        suspicious: reading.suspicious || own.suspicious,
        mixed: reading.mixed || own.mixed,
        // The form asks for a team, and the topic is told by whoever knows the topics.
        topic: own.topic,
        second: Some(SecondOpinion {
            priority: own.priority,
            priority_quote: own.priority_quote,
            churn: own.churn,
            intent: own.intent,
            kind: own.kind,
            grave: own.grave,
            notice: own.notice,
        }),
        ..reading
    }
}
