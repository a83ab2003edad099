//! A ticket through the model: redact, ask, check, restore.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use analysis::{
    EmbeddedAnalyst,
    answer::{self, Given},
    embedded::Labels,
    prompt::{self, Prompt, Schema, TicketText},
    redaction::{Known, Redactor},
    text,
};
use domain::{
    Account, Agent, Fallback, Reading, Ticket,
    policy::AgentProfile,
    ports::PortError,
    reading::{Redaction, Usage},
};

use crate::{
    Budget,
    client::{Client, Ended},
};

/// Claude with everything it needs to know of the customer's wishes.
pub struct ClaudeAnalyst {
    client: Client,
    prompt: Prompt,
    schema: Schema,
    embedded: Arc<EmbeddedAnalyst>,
    /// Model and prompt, as records name them.
    name: String,
    redaction: bool,
}

/// Why there is no reading, what that cost all the same, and what left the house.
#[derive(Clone, PartialEq, Debug)]
pub struct Failed {
    pub fallback: Fallback,
    /// The service was asked; otherwise our own budget stood before it.
    pub asked: bool,
    pub usage: Usage,
    pub redactions: BTreeMap<Redaction, u32>,
}

impl ClaudeAnalyst {
    #[must_use]
    pub fn new(
        client: Client,
        profiles: &BTreeMap<Agent, AgentProfile>,
        embedded: Arc<EmbeddedAnalyst>,
        redaction: bool,
    ) -> Self {
        let name = format!("{}/{}", client.model().id, prompt::VERSION);
        let prompt = Prompt::new(profiles, embedded.knowledge());
        Self { client, prompt, schema: prompt::schema(), embedded, name, redaction }
    }

    pub async fn warm(&self) {
        self.client.warm().await;
    }

    /// One call, within the budget.
    ///
    /// # Errors
    /// What the budget's counter says. A model that fails is not an error but [`Failed`].
    pub async fn read(
        &self,
        ticket: &Ticket,
        account: &Account,
        budget: &Budget,
        within: Duration,
    ) -> Result<Result<Reading, Failed>, PortError> {
        let (redactor, words) = self.redacted(ticket, account);
        let body = self.embedded.customers_words(ticket);
        let articles = self.prompt.articles(self.embedded.knowledge(), &ticket.subject, &body);
        let request = self.client.body(self.prompt.system(), &self.prompt.ticket(&words, &articles), &self.schema);
        let model = self.client.model();
        let Some(reserved) = budget.reserve(model.price.at_most(request.len(), model.max_tokens())).await? else {
            let (usage, redactions) = (Usage::default(), BTreeMap::new());
            return Ok(Err(Failed { fallback: Fallback::OverBudget, asked: false, usage, redactions }));
        };
        let Ended { outcome, in_doubt } = self.client.message(&request, within).await;
        let usage = outcome.as_ref().map_or_else(|error| error.usage(), |reply| reply.usage);
        if !in_doubt {
            budget.settle(reserved, usage.cost_usd).await;
        }
        let failed = |fallback| Failed { fallback, asked: true, usage, redactions: redactor.counts().clone() };
        let reply = match outcome {
            Ok(reply) => reply,
            Err(error) => {
                tracing::error!(ticket.id = %ticket.id, error = domain::ports::told(&error),
                    "The model did not read ticket {}.", ticket.id);
                return Ok(Err(failed(error.fallback())));
            }
        };
        let given = Given {
            ticket,
            articles: &articles,
            redactor: &redactor,
            signatures: self.embedded.signatures(),
            analyst: &self.name,
        };
        match answer::reading(&reply.text, given) {
            Ok((reading, dropped)) => {
                for part in dropped {
                    tracing::info!(ticket.id = %ticket.id, "Of the model's answer was dropped: {part}.");
                }
                Ok(Ok(self.with_the_articles_words(Reading { usage, ..reading }, ticket, account)))
            }
            Err(error) => {
                tracing::error!(ticket.id = %ticket.id, error = %error, "The model's answer was not usable.");
                Ok(Err(failed(Fallback::Invalid)))
            }
        }
    }

    /// The ticket's words without personal data, quoted history and signatures.
    fn redacted(&self, ticket: &Ticket, account: &Account) -> (Redactor, TicketText) {
        let people: Vec<&str> = ticket.requester_name.as_deref().into_iter().collect();
        let known = Known { people: &people, company: Some(&account.name) };
        let mut redactor = Redactor::new(known, ticket.texts());
        let mut redact = |text: &str| if self.redaction { redactor.redact(text) } else { text.to_owned() };
        let words = TicketText {
            subject: redact(&ticket.subject),
            messages: ticket.messages().map(|message| redact(&text::current(message))).collect(),
            channel: redact(&ticket.channel),
        };
        (redactor, words)
    }

    /// Where an article answers as it stands, its own words are the draft: they may go out unread, a model's may not.
    fn with_the_articles_words(&self, reading: Reading, ticket: &Ticket, account: &Account) -> Reading {
        let labels = Labels {
            priority: reading.priority.value,
            agent: reading.agent.value,
            sentiment: reading.sentiment.value,
            language: reading.language,
        };
        let composed =
            self.embedded.article_draft(ticket, account, labels).filter(|draft| draft.faq && draft.in_language);
        Reading { draft: composed.or(reading.draft), ..reading }
    }
}
