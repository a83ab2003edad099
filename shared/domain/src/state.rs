//! What is remembered of a ticket between two triages.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Reading, Version, plan::Correction, plan::Written};

/// A write whose answer is not known: looked up by its marker before anything else is decided.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Begun {
    pub marker: Arc<str>,
    /// What to remember if it arrived.
    pub written: Option<Written>,
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
}
