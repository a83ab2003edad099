//! What is remembered of a ticket between two triages.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use crate::{AlertKey, Reading, Version, plan::Correction, plan::Written};

/// A write whose answer is not known: looked up by its marker before anything else is decided.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Begun {
    pub marker: Arc<str>,
    /// What to remember if it arrived.
    pub written: Option<Written>,
}

/// Why what was held of a ticket was erased.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ErasureReason {
    /// Text of it was made unreadable at the helpdesk: what is left there is read again.
    Redacted,
    /// The helpdesk deleted it for good: it never comes back.
    Deleted,
    /// Somebody asked for it. The customer may write again.
    Forgotten,
}

/// The last time that what was held of a ticket was erased.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Erasure {
    pub reason: ErasureReason,
    /// The message that asked for it, which may come again.
    pub message: String,
}

/// Read with the claim, written back under it.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
pub struct TicketState {
    /// The newest version whose triage is complete.
    pub done: Option<Version>,
    /// A reading not yet turned into a finished record, so that no retry asks the analyst again.
    pub reading: Option<Box<(Version, Reading)>>,
    /// A write that was begun; whether it arrived is not known yet.
    pub begun: Option<Begun>,
    pub written: Option<Written>,
    /// The version a public reply was begun for: no other version ever gets one.
    pub answered: Option<Version>,
    /// Corrections already in the audit.
    pub corrections: Vec<Correction>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erasure: Option<Erasure>,
    /// Alerts that were settled when they were erased: nobody is told again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerted: Vec<AlertKey>,
}

impl TicketState {
    /// What stays when all that came from the ticket's text is erased, so that nothing is done twice.
    #[must_use]
    pub fn skeleton(self, erasure: Erasure) -> Self {
        let done = match erasure.reason {
            // What is left of the text is read again.
            ErasureReason::Redacted => None,
            ErasureReason::Deleted | ErasureReason::Forgotten => self.done,
        };
        Self { done, reading: None, erasure: Some(erasure), ..self }
    }

    /// Whether the ticket is gone for good: no message about it means anything any more.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.erasure.as_ref().is_some_and(|erasure| erasure.reason == ErasureReason::Deleted)
    }

    /// Remembers an alert that is about to be erased.
    pub fn remember(&mut self, alert: AlertKey) {
        if !self.alerted.contains(&alert) {
            self.alerted.push(alert);
        }
    }
}
