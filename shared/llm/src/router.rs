//! Who reads a ticket, and who stands in.

use std::{sync::Arc, time::Duration};

use analyst::EmbeddedAnalyst;
use async_trait::async_trait;
use domain::{
    Account, Fallback, Priority, Reading, SecondOpinion, Teams, Ticket,
    ports::{Analyst, PortError},
};

use crate::{
    Budget, Config, LanguageModel, Who,
    breaker::Breaker,
    injection,
    reader::{Failed, ModelReader},
};

/// In a cascade the embedded analyst's labels stand from this confidence on: on the exam nine of ten labels are at least as
/// sure, and 93 in 100 of those right.
const SURE: f32 = 0.6;

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
        teams: &Teams,
        embedded: EmbeddedAnalyst,
        budget: Budget,
    ) -> Self {
        let embedded = Arc::new(embedded);
        let model = match config.who {
            Who::Embedded => None,
            Who::Auto | Who::Model | Who::Cascade => {
                model.map(|model| ModelReader::new(model, teams, embedded.clone(), config.redaction))
            }
        };
        Self { embedded, model, cascade: config.who == Who::Cascade, breaker: Breaker::default(), budget }
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
        let own = Reading { suspicious: injection::suspected(ticket.texts()), ..self.embedded.read(ticket, account) };
        let Some(model) = self.model.as_ref().filter(|_| !self.cascade || worth_asking(&own)) else { return Ok(own) };
        if !self.breaker.lets_through() {
            return Ok(Reading { fallback: Some(Fallback::Paused), ..own });
        }
        let answer = model.read(ticket, account, &self.budget, within).await?;
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
                Reading { fallback: Some(fallback), usage, redactions, ..own }
            }
        })
    }
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
        second: Some(SecondOpinion { priority: own.priority, churn: own.churn, intent: own.intent }),
        ..reading
    }
}
