//! The real analyst's readings of a few hundred texts, taken once and given back by text.

use std::{collections::HashMap, num::NonZero, time::Duration};

use async_trait::async_trait;
use domain::{
    Account, Policy, Reading, Ticket,
    ports::{Analyst, PortError},
};
use training::parallel;

use crate::{
    input::{self, Row},
    stack,
};

/// What customers write in a simulation, and how the embedded analyst reads it.
#[derive(Debug)]
pub(super) struct Replay {
    pub(super) texts: Vec<Text>,
    readings: HashMap<String, Reading>,
}

#[derive(Clone, Debug)]
pub(super) struct Text {
    pub(super) subject: String,
    pub(super) body: String,
    pub(super) mrr: Option<f64>,
}

impl Replay {
    /// Reads the file's texts, or the bundled ones.
    ///
    /// # Errors
    /// A file that cannot be read or holds no ticket.
    pub(super) fn new(from: input::Origin<'_>, policy: &Policy) -> anyhow::Result<Self> {
        let input = input::read(from, input::tell)?;
        anyhow::ensure!(!input.rows.is_empty(), "{} holds no tickets", input.file);
        let analyst = stack::embedded_analyst(&policy.teams)?;
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        let read = |row: &Row| (key(&row.description), analyst.read(&analyst.listen(&row.opened(), &|| true)));
        let readings = parallel::map(&input.rows, threads, read).into_iter().collect();
        let texts = input.rows.iter().map(|row| Text {
            subject: row.subject.to_string(),
            body: row.description.to_string(),
            mrr: row.mrr,
        });
        Ok(Self { texts: texts.collect(), readings })
    }
}

/// Letters and digits alone: Zendesk gives a text back as HTML, with other blanks.
fn key(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

#[async_trait]
impl Analyst for Replay {
    /// The newest message's reading, whatever came before it.
    async fn read(&self, ticket: &Ticket, _: &Account, _: Duration) -> Result<Reading, PortError> {
        let newest = ticket.messages().last().map(key).unwrap_or_default();
        let found = self.readings.get(&newest).cloned();
        found.ok_or_else(|| PortError::permanent("replayed analyst", "a text that nobody wrote"))
    }
}
