//! Tickets from a CSV. A bad row is reported with its place and its remedy, and skipped; the others run.

mod field;
mod table;

use std::{
    collections::HashMap,
    fmt,
    fs::File,
    io::{self, Read},
    path::Path,
    sync::Arc,
};

use domain::{Account, AccountId, Intent, Language, Priority, Sender, Sentiment, TeamId, TicketId};
use jiff::{SignedDuration, Timestamp};
use memory::{MemoryHelpdesk, NewTicket};

use self::{
    field::{Fields, checked},
    table::Table,
};

/// The name under which the bundled tickets are reported.
pub const BUNDLED: &str = "the bundled tickets";

/// Far more than a year of tickets; what is larger is a mistake, and is refused before it fills the memory.
const LARGEST: u64 = 256 * 1024 * 1024;

/// When the first ticket was opened, in a file that does not say. Any fixed time will do; a run must not depend on today.
const START: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// One ticket.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    /// Where it begins in the file, from 1.
    pub line: u64,
    /// As the file writes it, for the output.
    pub id_text: String,
    pub id: TicketId,
    pub account: AccountId,
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
            requester_name: None,
            sender: Sender::Customer,
            opened_privately: false,
            created_at: self.timestamp,
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
    pub sentiment: Option<Sentiment>,
    pub churn: Option<bool>,
    /// `Some(None)`: labelled as wanting nothing.
    pub intent: Option<Option<Intent>>,
    pub language: Option<Language>,
}

/// What is wrong with a row, where, and what to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    pub file: String,
    pub line: u64,
    pub column: Option<&'static str>,
    pub problem: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}", self.file, self.line)?;
        if let Some(column) = self.column {
            write!(f, ", column {column}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

/// The file as a whole cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    #[error("{file} is larger than {} MB; split it", LARGEST / 1024 / 1024)]
    TooLarge { file: String },
    #[error("{file} cannot be read: {cause}")]
    Unreadable { file: String, cause: std::io::Error },
    #[error("{file} is empty: the first line must name the columns, at least {}", REQUIRED.join(","))]
    Empty { file: String },
    #[error("{file} is not UTF-8 ({found}): save it as “CSV UTF-8”")]
    Encoding { file: String, found: &'static str },
    #[error("{file}, line 1: column{} {} missing; found {found}{hint}", if missing.len() == 1 { "" } else { "s" }, missing.join(", "))]
    Columns { file: String, missing: Vec<&'static str>, found: String, hint: &'static str },
    #[error("{file} has no ticket that can be used")]
    NoTickets { file: String },
}

const REQUIRED: [&str; 4] = ["ticket_id", "customer_name", "subject", "description"];

/// The rows that can be used and the problems of the others.
#[derive(Clone, PartialEq, Debug)]
pub struct Input {
    pub file: String,
    pub rows: Vec<Row>,
    pub problems: Vec<Problem>,
}

/// Reads a file, standard input for `-`, or the bundled tickets.
///
/// # Errors
/// [`InputError`] if not a single ticket can be used; by then `report` has received every row's problem.
pub fn read(path: Option<&Path>, report: impl Fn(&Problem)) -> Result<Input, InputError> {
    let input = match path {
        None => parse(BUNDLED, data::TICKETS.as_bytes())?,
        Some(path) => {
            let standard = path == Path::new("-");
            let file = if standard { "standard input".to_owned() } else { path.display().to_string() };
            let bytes = if standard { limited(io::stdin().lock(), LARGEST) } else { from_file(path) };
            match bytes.map_err(|cause| InputError::Unreadable { file: file.clone(), cause })? {
                Some(bytes) => parse(&file, &bytes)?,
                None => return Err(InputError::TooLarge { file }),
            }
        }
    };
    input.problems.iter().for_each(report);
    if input.rows.is_empty() { Err(InputError::NoTickets { file: input.file }) } else { Ok(input) }
}

/// None for a file that is too large.
fn from_file(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = File::open(path)?;
    if file.metadata()?.len() > LARGEST { Ok(None) } else { limited(file, LARGEST) }
}

/// All bytes; none if there are more than `most`. A pipe or a device does not say its length beforehand.
fn limited(from: impl Read, most: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let read = from.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(if read as u64 > most { None } else { Some(bytes) })
}

/// Parses the bytes of a CSV.
///
/// # Errors
/// [`InputError`] for what concerns the whole file.
pub fn parse(file: &str, bytes: &[u8]) -> Result<Input, InputError> {
    let mut table = Table::open(file, bytes)?;
    let mut input = Input { file: file.to_owned(), rows: Vec::new(), problems: Vec::new() };
    let mut seen: HashMap<TicketId, u64> = HashMap::new();
    let mut last = START - SignedDuration::from_secs(1);
    while let Some((line, fields)) = table.next() {
        let row = fields.and_then(|fields| row(line, &fields, last)).and_then(|row| match seen.insert(row.id, line) {
            None => Ok(row),
            Some(first) => {
                seen.insert(row.id, first);
                Err((
                    Some("ticket_id"),
                    format!("{} was used on line {first} already; ids must differ, this row is left out", row.id_text),
                ))
            }
        });
        match row {
            Ok(row) => {
                last = row.timestamp;
                input.rows.push(row);
            }
            Err((column, problem)) => {
                input.problems.push(Problem { file: file.to_owned(), line, column, problem });
            }
        }
    }
    input.rows.shrink_to_fit();
    Ok(input)
}

type Fault = (Option<&'static str>, String);

fn row(line: u64, fields: &Fields<'_>, last: Timestamp) -> Result<Row, Fault> {
    let id_text = fields.required("ticket_id")?.to_owned();
    let id = checked("ticket_id", &id_text, id_text.parse(), "write a number such as #1001")?;
    let customer = fields.required("customer_name")?.to_owned();
    let account = checked("customer_name", &customer, customer.clone().try_into(), "name the customer")?;
    Ok(Row {
        line,
        id,
        account,
        subject: fields.required("subject")?.into(),
        description: fields.required("description")?.into(),
        channel: fields.optional("channel")?.unwrap_or("unknown").into(),
        timestamp: match fields.optional("timestamp")? {
            Some(text) => field::timestamp(text)?,
            None => domain::time::later(last, SignedDuration::from_secs(1)),
        },
        mrr: fields.optional("mrr")?.map(field::mrr).transpose()?,
        labels: Labels {
            priority: fields.label("actual_priority", "use P0, P1, P2 or P3")?,
            agent: fields.optional("team")?.map(field::team).transpose()?,
            sentiment: fields.label("sentiment", "use neutral, frustrated or angry")?,
            churn: fields.optional("churn_risk")?.map(field::churn).transpose()?,
            intent: fields.optional("intent")?.map(field::intent).transpose()?,
            language: fields.label("language", "use en, fr, de or es")?,
        },
        id_text,
    })
}

#[cfg(test)]
mod tests;
