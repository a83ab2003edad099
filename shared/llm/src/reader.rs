//! A ticket through the model: redact, ask, check, restore.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use analyst::{CustomerText, EmbeddedAnalyst, embedded::Labels};
use domain::{
    Account, Fallback, Reading, Ticket,
    ports::PortError,
    reading::{Redaction, Usage},
};

use crate::{
    Budget, LanguageModel, Outcome, Request,
    answer::{self, Given},
    prompt::{self, Prompt, Schema, TicketText},
    redaction::{self, Known, Redactor},
};

/// A language model with everything it needs to know of the customer's wishes.
pub(crate) struct ModelReader {
    model: Arc<dyn LanguageModel>,
    prompt: Prompt,
    schema: Schema,
    embedded: Arc<EmbeddedAnalyst>,
    /// Model and prompt, as records name them.
    name: String,
    redaction: bool,
}

/// One ticket to read.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) ticket: &'a Ticket,
    pub(crate) account: &'a Account,
    pub(crate) text: &'a CustomerText,
}

/// Why there is no reading, what that cost all the same, and what left the house.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Failed {
    pub(crate) fallback: Fallback,
    /// The service was asked; otherwise our own budget stood before it.
    pub(crate) asked: bool,
    pub(crate) usage: Usage,
    pub(crate) redactions: BTreeMap<Redaction, u32>,
}

impl ModelReader {
    pub(crate) fn new(model: Arc<dyn LanguageModel>, embedded: Arc<EmbeddedAnalyst>, redaction: bool) -> Self {
        let name = format!("{}/{}", model.name(), prompt::VERSION);
        let prompt = Prompt::new(embedded.teams(), embedded.knowledge());
        Self { model, prompt, schema: prompt::schema(embedded.teams()), embedded, name, redaction }
    }

    pub(crate) async fn warm(&self) {
        redaction::warm();
        self.model.warm().await;
    }

    /// One call, within the budget.
    ///
    /// # Errors
    /// What the budget's counter says. A model that fails is not an error but [`Failed`].
    pub(crate) async fn read(
        &self,
        case: Case<'_>,
        budget: &Budget,
        within: Duration,
    ) -> Result<Result<Reading, Failed>, PortError> {
        let Case { ticket, account, text } = case;
        let (redactor, words) = self.redacted(case);
        let question = self.embedded.question(text, text.language());
        let articles = self.prompt.articles(self.embedded.knowledge(), question);
        let asked = self.prompt.ticket(&words, &articles);
        let request = Request { system: self.prompt.system(), ticket: &asked, schema: &self.schema };
        let Some(reserved) = budget.reserve(self.model.most_it_can_cost(&request)).await? else {
            let (usage, redactions) = (Usage::default(), BTreeMap::new());
            return Ok(Err(Failed { fallback: Fallback::OverBudget, asked: false, usage, redactions }));
        };
        let Outcome { result, in_doubt } = self.model.ask(&request, within).await;
        let usage = result.as_ref().map_or_else(|failure| failure.usage, |reply| reply.usage);
        if !in_doubt {
            budget.settle(reserved, usage.cost_usd).await;
        }
        let failed = |fallback| Failed { fallback, asked: true, usage, redactions: redactor.counts().clone() };
        let reply = match result {
            Ok(reply) => reply,
            Err(failure) => {
                tracing::error!(
                    ticket.id = %ticket.id,
                    error = domain::ports::told(&*failure.cause),
                    "The model did not read a ticket."
                );
                return Ok(Err(failed(failure.fallback)));
            }
        };
        let own = text.texts().collect::<Vec<_>>().join("\n");
        let forwarded = text.forwarded().map_or("", |forwarded| forwarded.text.as_str());
        let given = Given {
            own: &own,
            forwarded,
            language: text.language(),
            articles: &articles,
            redactor: &redactor,
            teams: self.embedded.teams(),
            analyst: &self.name,
        };
        match answer::reading(&reply.text, given) {
            Ok((reading, dropped)) => {
                for part in dropped {
                    tracing::info!(ticket.id = %ticket.id, part = %part, "Dropped part of the model's answer.");
                }
                // Where an article answers as it stands, its own words are the draft: they may go out unread, a model's
                // may not.
                let composed = self.embedded.draft(text, ticket, account, Labels::of(&reading));
                let draft = composed.filter(|draft| draft.faq && draft.in_language).or(reading.draft);
                Ok(Ok(Reading { usage, draft, cut: text.is_cut(), ..reading }))
            }
            Err(error) => {
                tracing::error!(ticket.id = %ticket.id, error = %error, "The model's answer was not usable.");
                Ok(Err(failed(Fallback::Invalid)))
            }
        }
    }

    /// The customer's words without personal data.
    fn redacted(&self, case: Case<'_>) -> (Redactor, TicketText) {
        let Case { ticket, account, text } = case;
        let people: Vec<&str> = ticket.requester_name.as_deref().into_iter().collect();
        let known = Known { people: &people, company: Some(&account.name) };
        let channel = prompt::channel(&ticket.channel);
        let forwarded = text.forwarded().map(|forwarded| forwarded.text.as_str());
        let mut redactor = Redactor::new(known, text.texts().chain(forwarded).chain([channel]));
        let mut redact = |text: &str| if self.redaction { redactor.redact(text) } else { text.to_owned() };
        let words = TicketText {
            subject: redact(text.subject()),
            messages: text.messages().iter().map(|message| redact(message)).collect(),
            forwarded: forwarded.into_iter().map(&mut redact).collect(),
            channel: redact(channel),
        };
        (redactor, words)
    }
}
