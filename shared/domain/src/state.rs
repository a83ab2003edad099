//! What is remembered of a ticket between two triages.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Reading, Version, plan::Correction, plan::Written};

/// Read with the claim, written back under it.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
pub struct TicketState {
    /// The newest version whose triage is complete.
    pub done: Option<Version>,
    /// A reading not yet turned into a finished record, so that no retry asks the analyst again.
    pub reading: Option<Box<(Version, Reading)>>,
    /// The marker of a write that was begun; whether it arrived is not known yet.
    pub begun: Option<Arc<str>>,
    pub written: Option<Written>,
    /// A public reply went out: never a second one.
    pub answered: bool,
    /// Corrections already in the audit.
    pub corrections: Vec<Correction>,
}
