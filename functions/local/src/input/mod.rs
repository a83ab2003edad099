//! Tickets from a file: CSV as the world writes it, the exports of helpdesks, JSON. What is wrong with a value costs the
//! value, and is said; only a row that cannot be a ticket is skipped.

mod amount;
mod columns;
mod dialect;
mod draft;
mod exports;
mod json;
mod label;
mod mend;
mod moment;
mod notes;
mod number;
mod reader;
mod rows;
mod sniff;
mod source;
mod table;
mod text;

use std::{fmt, io, path::Path, sync::Arc};

use domain::{
    Account, AccountId, FieldValues, Intent, Language, Priority, Sender, Sentiment, TeamId, Teams, Ticket, TicketId,
    TopicId, Version, ports::JsonError,
};
use jiff::Timestamp;
use memory::{MemoryHelpdesk, NewTicket};

pub use self::{columns::Assignment, exports::Field};
use crate::{say::escaped, stack};

/// The name under which the bundled tickets are reported.
pub const BUNDLED: &str = "the bundled tickets";

/// One ticket.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    /// Where it begins in the file, from 1.
    pub line: u64,
    /// As the file writes it, for the output.
    pub id_text: String,
    /// The same, or a number that was made for a text.
    pub id: TicketId,
    pub account: AccountId,
    /// Who wrote, where the file says so.
    pub requester: Option<Arc<str>>,
    pub subject: Arc<str>,
    pub description: Arc<str>,
    pub channel: Arc<str>,
    /// The file's, or a second after the row before.
    pub timestamp: Timestamp,
    /// US dollars a month.
    pub mrr: Option<f64>,
    pub labels: Labels,
}

impl Row {
    /// As the ticket its customer opened.
    #[must_use]
    pub fn ticket(&self) -> NewTicket {
        NewTicket {
            id: self.id,
            account: self.account.clone(),
            subject: self.subject.clone(),
            description: self.description.clone(),
            channel: self.channel.clone(),
            requester_name: self.requester.as_deref().map(str::to_owned),
            sender: Sender::Customer,
            opened_privately: false,
            created_at: self.timestamp,
        }
    }

    /// The same as a triage finds it, without what only a helpdesk knows.
    #[must_use]
    pub fn opened(&self) -> Ticket {
        Ticket {
            id: self.id,
            version: Version(1),
            subject: self.subject.clone(),
            description: self.description.clone(),
            follow_ups: Vec::new(),
            channel: self.channel.clone(),
            account: self.account.clone(),
            requester_name: self.requester.as_deref().map(str::to_owned),
            requester_phone: None,
            sender: Sender::Customer,
            opened_privately: false,
            touched: false,
            created_at: self.timestamp,
            updated_stamp: "".into(),
            values: FieldValues::default(),
            tags: [].into(),
        }
    }

    /// The customer, as far as the file knows it, with that MRR.
    #[must_use]
    pub fn account(&self, mrr: Option<f64>) -> Account {
        Account { id: self.account.clone(), name: self.account.to_name(), mrr, plan: None, health: None, kam: None }
    }
}

/// Opens every ticket at the helpdesk and makes its customer known.
pub fn fill(helpdesk: &MemoryHelpdesk, rows: &[Row]) {
    for row in rows {
        helpdesk.set_account(row.account(row.mrr));
        helpdesk.open(row.ticket());
    }
}

/// What somebody says the ticket is: for `eval` and `train`, and never for triage.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Labels {
    pub priority: Option<Priority>,
    pub agent: Option<TeamId>,
    pub topic: Option<TopicId>,
    pub sentiment: Option<Sentiment>,
    pub churn: Option<bool>,
    /// `Some(None)`: labelled as wanting nothing.
    pub intent: Option<Option<Intent>>,
    pub language: Option<Language>,
}

/// What is wrong with a row that is skipped, where, and what to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    pub file: Arc<str>,
    pub line: u64,
    /// As the file calls it.
    pub column: Option<String>,
    pub problem: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}", escaped(&self.file), self.line)?;
        if let Some(column) = &self.column {
            write!(f, ", column {column}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

/// The file as a whole cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    #[error("{} is larger than {} MB; split it", escaped(file), source::LARGEST / 1024 / 1024)]
    TooLarge { file: String },
    #[error("{} cannot be read: {cause}", escaped(file))]
    Unreadable { file: String, cause: io::Error },
    #[error(
        "{} is empty: the first line must name the columns, such as ticket_id,customer_name,subject,description",
        escaped(file)
    )]
    Empty { file: String },
    #[error("{} seems to be {found}", escaped(file))]
    Foreign { file: String, found: &'static str },
    #[error("{} is no JSON with tickets: {cause}", escaped(file))]
    Json { file: String, cause: JsonError },
    #[error(
        "{}: no column holds the text of tickets. Its columns are {found}. Name it, such as {remedy}",
        escaped(file)
    )]
    NoText { file: String, found: String, remedy: String },
    #[error("{} has no column “{column}”; its columns are {found}.{}", escaped(file), near.as_ref().map_or_else(String::new, |near| format!(" Did you mean “{near}”?")))]
    NoColumn { file: String, column: String, found: String, near: Option<String> },
    #[error("{} has no ticket that can be used", escaped(file))]
    NoTickets { file: String },
}

/// The tickets of a file, and what is to be said of it.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Input {
    pub file: String,
    pub rows: Vec<Row>,
    /// Rows that are no ticket.
    pub skipped: usize,
    /// Of these, the first few.
    pub problems: Vec<Problem>,
    /// What cost no ticket.
    pub notes: Vec<String>,
}

/// Where tickets come from: a file, standard input for `-`, or the bundled ones; and what its columns are, where their
/// names do not tell.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    pub path: Option<&'a Path>,
    pub map: &'a [Assignment],
    /// Who may be named as a label.
    pub teams: &'a Teams,
}

/// Something to be told about a file.
#[derive(Clone, Copy, Debug)]
pub enum Told<'a> {
    Note(&'a str),
    Skipped(&'a Problem),
    /// So many rows more, in this file.
    MoreSkipped(usize, &'a str),
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Note(note) => write!(f, "note: {note}"),
            Self::Skipped(problem) => write!(f, "skipped: {problem}"),
            Self::MoreSkipped(count, file) => write!(f, "skipped: {count} more rows of {}", escaped(file)),
        }
    }
}

/// Tells on standard error.
pub fn tell(told: Told<'_>) {
    eprintln!("{told}");
}

/// Reads the tickets.
///
/// # Errors
/// [`InputError`] if not a single ticket can be used; by then `tell` has received what is wrong.
pub fn read(from: Origin<'_>, tell: impl Fn(Told<'_>)) -> Result<Input, InputError> {
    let input = match from.path {
        None => bundled(),
        Some(path) => {
            let (file, bytes) = source::bytes(path)?;
            reader::parse(&file, &bytes, from)?
        }
    };
    input.notes.iter().for_each(|note| tell(Told::Note(note)));
    input.problems.iter().for_each(|problem| tell(Told::Skipped(problem)));
    let more = input.skipped - input.problems.len();
    if more > 0 {
        tell(Told::MoreSkipped(more, &input.file));
    }
    if input.rows.is_empty() { Err(InputError::NoTickets { file: input.file }) } else { Ok(input) }
}

/// The bundled tickets.
#[must_use]
pub fn bundled() -> Input {
    let from = Origin { path: None, map: &[], teams: stack::teams() };
    reader::parse(BUNDLED, data::TICKETS.as_bytes(), from).expect("the bundled tickets are in our own form")
}

/// What is wrong with a row.
type Fault = String;

#[cfg(test)]
mod tests;
