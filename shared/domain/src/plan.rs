//! What was decided: data, performed by the shell one effect at a time.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Alert, FieldValues, Record, TicketId};

/// The effects of one triage.
#[derive(Clone, PartialEq, Debug)]
pub struct Plan {
    /// The record, and in it the update: none in shadow, and when it would repeat what we last wrote.
    pub record: Record,
    /// What to remember once the update went through.
    pub written: Option<Written>,
    /// At most one of each kind; none in shadow.
    pub alerts: Vec<Alert>,
}

/// The one write to the helpdesk. `None` leaves a field as it is.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TicketUpdate {
    pub ticket: TicketId,
    /// As read with the ticket; the helpdesk refuses the write if the ticket changed since.
    pub updated_stamp: String,
    /// Kept with the write, so that an ambiguous one can be looked up.
    pub marker: String,
    pub values: FieldValues,
    /// Set the ticket to pending: we answered, the customer is next.
    pub pending: bool,
    /// The ticket's whole set of tags after the write: others' kept, ours replaced.
    pub tags: BTreeSet<String>,
    pub comment: Option<Comment>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Comment {
    pub public: bool,
    /// Markdown.
    pub text: String,
}

/// What we wanted the ticket to look like, whoever owns its fields: equal wants need no second write.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Wanted {
    pub values: FieldValues,
    pub tags: BTreeSet<String>,
    /// SHA-256 of the comment, hexadecimal, so that the state keeps no text.
    pub comment: String,
}

/// What we last wrote, to tell our own values from other people's.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Written {
    pub wanted: Wanted,
    /// The values that really went out.
    pub values: FieldValues,
}

/// A person (or another tool) decided otherwise.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Correction {
    pub field: String,
    pub ours: String,
    pub theirs: String,
}
