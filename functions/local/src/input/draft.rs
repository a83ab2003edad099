//! A row of any file as a ticket, as far as the row alone can tell.

use std::borrow::Cow;

use csv::ByteRecord;
use domain::{AccountId, Teams};

use super::{
    Fault, Labels,
    amount::{self, Amount},
    columns::Columns,
    exports::{Field, plain},
    label,
    moment::{self, Moment},
    notes::{Notes, What},
    number::{Key, hashed},
    text,
};
use crate::say::escaped;

/// Zendesk's own limit for a comment, in characters.
const LONGEST_TEXT: usize = 65_535;
/// Subjects, names and the like, in characters.
const LONGEST_LINE: usize = 1_000;

/// Words that people and exports leave in an empty cell; in labels, `none` is a value.
const BLANK_LABELS: [&str; 6] = ["-", "–", "—", "n/a", "#n/a", "null"];
const BLANK: [&str; 10] =
    ["none", "na", "nil", "nan", "unknown", "not set", "no organization", "no organisation", "(none)", "?"];

/// A ticket before what depends on other rows: its number, the order of its date, the meaning of its comma.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) line: u64,
    pub(super) key: Key,
    pub(super) id_text: String,
    pub(super) customer: Customer,
    pub(super) requester: Option<String>,
    pub(super) subject: String,
    pub(super) description: String,
    pub(super) channel: Option<String>,
    pub(super) moment: Option<Moment>,
    pub(super) amount: Option<Amount>,
    pub(super) labels: Labels,
}

/// Whose ticket it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Customer {
    Company(String),
    /// By the number of its user.
    Person(u64),
    Nobody,
}

/// A record with what is known of its file.
pub(super) struct Cells<'a> {
    pub(super) columns: &'a Columns,
    /// Who may be named as a label.
    pub(super) teams: &'a Teams,
    pub(super) record: &'a ByteRecord,
    pub(super) line: u64,
    pub(super) notes: &'a mut Notes,
}

/// What a record is, if it is not a ticket.
pub(super) enum NoTicket {
    /// Nothing that anybody misses.
    Passed,
    Bad(Fault),
}

impl Cells<'_> {
    /// Reads the record. `row` is its place among the rows, from 1.
    pub(super) fn draft(&mut self, row: u64) -> Result<Draft, NoTicket> {
        if self.record.iter().all(|cell| cell.trim_ascii().is_empty()) || self.is_footer() {
            return Err(NoTicket::Passed);
        }
        if self.columns.texts().all(|place| place >= self.record.len()) {
            let (found, expected) = (self.record.len(), self.columns.names.len());
            let s = if found == 1 { "" } else { "s" };
            return Err(NoTicket::Bad(format!(
                "has {found} field{s} where the header has {expected}, and no text; put a text with commas in double quotes"
            )));
        }
        if self.is_ours() {
            self.notes.add(None, What::ByAgents, self.line);
            return Err(NoTicket::Passed);
        }
        let id = self.cell(Field::TicketId, LONGEST_LINE);
        let key = id.as_deref().map_or(Key::Row(row), Key::of);
        let requester = self.filled(Field::Requester);
        Ok(Draft {
            line: self.line,
            id_text: id.unwrap_or_else(|| Key::shown(row)),
            key,
            customer: self.customer(requester.as_deref()),
            requester,
            subject: self.cell(Field::Subject, LONGEST_LINE).unwrap_or_default(),
            description: self.cell(Field::Description, LONGEST_TEXT).unwrap_or_default(),
            channel: self.filled(Field::Channel),
            moment: self.moment(),
            amount: self.amount(),
            labels: self.labels(),
        })
    }

    /// A total, a date or a notice below the rows of a report.
    fn is_footer(&self) -> bool {
        let footers = self.columns.export.map(|export| export.footers.as_slice()).unwrap_or_default();
        let first = self.record.get(0).map(|cell| String::from_utf8_lossy(cell.trim_ascii()));
        let filled = self.record.iter().filter(|cell| !cell.trim_ascii().is_empty()).count();
        filled < 3 && first.is_some_and(|first| footers.iter().any(|footer| first.starts_with(footer)))
    }

    /// Where a row is a message: whether none of a customer's.
    fn is_ours(&self) -> bool {
        let inbound = self.columns.export.and_then(|export| export.inbound.as_ref());
        let (Some(inbound), Some(place)) = (inbound, self.columns.direction) else { return false };
        let direction = plain(&String::from_utf8_lossy(self.record.get(place).unwrap_or_default()));
        !inbound.values.iter().any(|value| plain(value) == direction)
    }

    /// The first of the field's columns that is filled.
    fn cell(&mut self, field: Field, limit: usize) -> Option<String> {
        let blank = self.columns.export.map(|export| export.blank.as_slice()).unwrap_or_default();
        for place in &self.columns.of[field] {
            let (text, mended) = text::clean(self.record.get(*place).unwrap_or_default(), limit);
            if text.is_empty() || blank.iter().any(|word| *word == text) {
                continue;
            }
            if mended.decoded {
                self.notes.add(None, What::NotUtf8, self.line);
            }
            if mended.controls {
                self.notes.add(Some(field), What::Controls, self.line);
            }
            if mended.cut {
                self.notes.add(Some(field), What::Cut, self.line);
            }
            return Some(text.into_owned());
        }
        None
    }

    /// The same, where words such as `n/a` say nothing.
    fn filled(&mut self, field: Field) -> Option<String> {
        let says = |text: &String| {
            let word = text.to_lowercase();
            !BLANK_LABELS.contains(&word.as_str()) && !BLANK.contains(&word.as_str())
        };
        self.cell(field, LONGEST_LINE).filter(says)
    }

    fn customer(&mut self, requester: Option<&str>) -> Customer {
        if let Some(name) = self.filled(Field::CustomerName) {
            return Customer::Company(name);
        }
        if let Some(number) = self.filled(Field::CustomerId) {
            let bare = number.bytes().all(|byte| byte.is_ascii_digit());
            return Customer::Company(if bare { format!("organisation {number}") } else { number });
        }
        match (self.filled(Field::RequesterId), requester) {
            (Some(id), _) => Customer::Person(id.parse().unwrap_or_else(|_| hashed(&folded(&id)))),
            (None, Some(requester)) => Customer::Person(hashed(&folded(requester))),
            (None, None) => Customer::Nobody,
        }
    }

    /// Notes a value that is left out, and why.
    fn unusable(&mut self, field: Field, text: &str, problem: &str) {
        self.notes.add_with(Some(field), What::Unusable, self.line, || format!("{} {problem}", short(text)));
    }

    fn moment(&mut self) -> Option<Moment> {
        let text = self.filled(Field::Timestamp)?;
        let found = moment::moment(&text);
        if found.is_none() {
            self.unusable(
                Field::Timestamp,
                &text,
                "is not a time between 1970 and 2100; write 2026-11-16T07:12:00Z, or leave it empty",
            );
        }
        found
    }

    fn amount(&mut self) -> Option<Amount> {
        let text = self.filled(Field::Mrr)?;
        match amount::amount(&text) {
            Ok(amount) => Some(amount),
            Err(problem) => {
                let fix = "write dollars a month such as 1200, or leave it empty";
                self.unusable(Field::Mrr, &text, &format!("{problem}; {fix}"));
                None
            }
        }
    }

    fn labels(&mut self) -> Labels {
        let teams = self.teams;
        Labels {
            priority: self.label(Field::ActualPriority, label::priority),
            agent: self.label(Field::Team, |text| label::team(text, teams)),
            topic: self.label(Field::Topic, |text| label::topic(text, teams)),
            sentiment: self.label(Field::Sentiment, label::sentiment),
            churn: self.label(Field::ChurnRisk, label::churn),
            intent: self.label(Field::Intent, label::intent),
            language: self.label(Field::Language, label::language),
        }
    }

    fn label<T>(&mut self, field: Field, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let text = self.cell(field, LONGEST_LINE)?;
        if BLANK_LABELS.contains(&text.to_lowercase().as_str()) {
            return None;
        }
        match parse(&text) {
            Ok(label) => Some(label),
            Err(fix) => {
                self.unusable(field, &text, &format!("is not known; {fix}, or leave it empty"));
                None
            }
        }
    }
}

/// The record with what is too much in it given to the longest text: a text with commas was not quoted. What was in the
/// description stays in it, and what stands behind it is in its place again.
pub(super) fn aligned<'a>(record: &'a ByteRecord, columns: &Columns, delimiter: u8) -> Option<Cow<'a, ByteRecord>> {
    let expected = columns.names.len();
    if record.iter().skip(expected).all(|cell| cell.trim_ascii().is_empty()) {
        return None;
    }
    let (place, extra) = (columns.texts().next()?, record.len() - expected);
    let mut whole = ByteRecord::new();
    let mut text = Vec::new();
    for (index, cell) in record.iter().enumerate() {
        if (place..=place + extra).contains(&index) {
            text.extend_from_slice(cell);
            if index < place + extra {
                text.push(delimiter);
                continue;
            }
            whole.push_field(&text);
        } else {
            whole.push_field(cell);
        }
    }
    Some(Cow::Owned(whole))
}

/// Spellings of one name: without case, double blanks and what cannot be seen.
pub(super) fn folded(name: &str) -> String {
    let seen = |c: &char| !matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let lower: String = name.chars().filter(seen).flat_map(char::to_lowercase).collect();
    lower.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The account of a company.
pub(super) fn company(name: String) -> AccountId {
    name.try_into().expect("a cell that is filled")
}

/// Quoted, in one line, and short enough for a message.
pub(super) fn short(text: &str) -> String {
    let start: String = text.chars().take(40).collect();
    let more = if start.len() < text.len() { "…" } else { "" };
    format!("“{}{more}”", escaped(&start))
}
