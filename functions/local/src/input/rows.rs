//! The tickets of a file, and what only all of them together tell.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use csv::ByteRecord;
use domain::{AccountId, Teams, UserId};
use jiff::{SignedDuration, Timestamp};

use super::{
    Fault, Input, Problem, Row,
    amount::{Amount, Mark},
    columns::Columns,
    draft::{self, Cells, Customer, Draft, NoTicket, folded},
    exports::{Field, plain},
    moment::{Moment, Order},
    notes::{Notes, What},
    number::{Key, Numbers},
};
use crate::say::escaped;

/// When the first ticket was opened, in a file that does not say. Any fixed time will do; a run must not depend on today.
const START: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// Problems that are told one by one.
const MOST_PROBLEMS: usize = 20;

/// The tickets that were read so far.
pub(super) struct Rows<'a> {
    file: Arc<str>,
    pub(super) columns: Columns,
    teams: &'a Teams,
    drafts: Vec<Draft>,
    /// Each ticket's place among the drafts.
    seen: HashMap<Key, usize>,
    place: u64,
    pub(super) notes: Notes,
    pub(super) said: Vec<String>,
    problems: Vec<Problem>,
    skipped: usize,
}

impl<'a> Rows<'a> {
    pub(super) fn new(file: &str, columns: Columns, teams: &'a Teams) -> Self {
        let said = layout(&columns).into_iter().chain(repeated(&columns)).collect();
        Self {
            file: file.into(),
            columns,
            teams,
            drafts: Vec::new(),
            seen: HashMap::new(),
            place: 0,
            notes: Notes::default(),
            said,
            problems: Vec::new(),
            skipped: 0,
        }
    }

    pub(super) fn skip(&mut self, line: u64, column: Option<Field>, problem: Fault) {
        self.skipped += 1;
        if self.problems.len() < MOST_PROBLEMS {
            let column = column.map(|field| self.columns.name(field));
            self.problems.push(Problem { file: self.file.clone(), line, column, problem });
        }
    }

    /// Reads a record and keeps it, if it is a ticket that was not there before.
    pub(super) fn take(&mut self, line: u64, record: &ByteRecord) {
        self.place += 1;
        let mut cells = Cells { columns: &self.columns, teams: self.teams, record, line, notes: &mut self.notes };
        let draft = match cells.draft(self.place) {
            Ok(draft) => draft,
            Err(NoTicket::Bad(fault)) => return self.skip(line, None, fault),
            Err(NoTicket::Passed) => return,
        };
        let repeats = self.columns.export.is_some_and(|export| export.repeats());
        match self.seen.entry(draft.key.clone()) {
            Entry::Vacant(place) => {
                place.insert(self.drafts.len());
                self.drafts.push(draft);
            }
            Entry::Occupied(place) => {
                let Some(first) = self.drafts.get_mut(*place.get()) else { return };
                if repeats {
                    self.notes.add(None, What::Further, line);
                    if is_before(draft.moment, first.moment) {
                        *first = draft;
                    }
                    return;
                }
                let (id, line_before) = (draft::short(&draft.id_text), first.line);
                let fault =
                    format!("{id} was used on line {line_before} already; ids must differ, this row is left out");
                self.skip(line, Some(Field::TicketId), fault);
            }
        }
    }

    /// Settles what depends on all rows: numbers, accounts, the order of dates, the meaning of commas.
    pub(super) fn finish(self) -> Input {
        let Self { file, columns, teams: _, drafts, seen, mut notes, said, problems, skipped, place: _ } = self;
        drop(seen);
        let order = order(&drafts);
        let decimals = decimals(&drafts);
        let mut numbers = Numbers::new(drafts.iter().map(|draft| &draft.key));
        let mut companies: HashMap<String, AccountId> = HashMap::new();
        let mut channels: HashMap<String, Arc<str>> = HashMap::new();
        let mut last = START - SignedDuration::from_secs(1);
        // Collected in place: the rows take the room of the drafts.
        let rows = drafts.into_iter().map(|draft| {
            let id = numbers.number(&draft.key);
            let timestamp = draft.moment.and_then(|moment| moment.settled(order));
            if draft.moment.is_some() && timestamp.is_none() {
                let why = || {
                    "the day or the month may stand first, and no date in the column tells which; write 2026-11-16, or \
                     leave it empty"
                        .to_owned()
                };
                notes.add_with(Some(Field::Timestamp), What::Unusable, draft.line, why);
            }
            let timestamp = timestamp.unwrap_or_else(|| domain::time::later(last, SignedDuration::from_secs(1)));
            last = timestamp;
            let mrr = draft.amount.map(|amount| amount.settled(decimals));
            let account = match draft.customer {
                // The first spelling stands for all of them.
                Customer::Company(name) => {
                    companies.entry(folded(&name)).or_insert_with(|| draft::company(name)).clone()
                }
                Customer::Person(number) => AccountId::of_requester(UserId(number)),
                Customer::Nobody => AccountId::of_requester(UserId(id.number())),
            };
            if mrr.is_some() && account.is_requester() {
                notes.add(Some(Field::Mrr), What::WithoutAccount, draft.line);
            }
            let channel = draft.channel.unwrap_or_else(|| "unknown".to_owned());
            Row {
                line: draft.line,
                id_text: draft.id_text,
                id,
                account,
                requester: draft.requester.map(Into::into),
                subject: draft.subject.into(),
                description: draft.description.into(),
                channel: channels.entry(channel).or_insert_with_key(|channel| channel.as_str().into()).clone(),
                timestamp,
                mrr,
                labels: draft.labels,
            }
        });
        let mut rows: Vec<Row> = rows.collect();
        rows.shrink_to_fit();
        let name = escaped(&file);
        let notes = said.into_iter().chain(notes.told(&columns)).map(|note| format!("{name}: {note}")).collect();
        Input { file: file.to_string(), rows, skipped, problems, notes }
    }
}

/// How a file that is not in our own form was understood; none for our own.
fn layout(columns: &Columns) -> Option<String> {
    let shown = [
        Field::TicketId,
        Field::CustomerName,
        Field::CustomerId,
        Field::Requester,
        Field::RequesterId,
        Field::Subject,
        Field::Description,
    ]
    .into_iter()
    .filter(|field| !columns.of[*field].is_empty());
    let own = |field: &Field| plain(&columns.name(*field)) == plain(field.name());
    let complete = [Field::Subject, Field::Description].iter().all(|field| !columns.of[*field].is_empty());
    if columns.export.is_none() && complete && shown.clone().all(|field| own(&field)) {
        return None;
    }
    let read = shown.map(|field| format!("{} from “{}”", field.name(), columns.name(field)));
    let read = read.collect::<Vec<_>>().join(", ");
    let by = columns.export.map_or_else(String::new, |export| format!("as {}: ", export.name));
    let lacks = if columns.of[Field::Description].is_empty() {
        "; no column holds the message, so subjects are all that is read"
    } else {
        ""
    };
    Some(format!("read {by}{read}{lacks}"))
}

/// Columns of one name that hold one field.
fn repeated(columns: &Columns) -> impl Iterator<Item = String> {
    columns.of.iter().filter_map(|(field, places)| {
        let name = columns.name(field);
        let same = |place: &&usize| columns.names.get(**place).is_some_and(|other| plain(other) == plain(&name));
        let count = places.iter().filter(same).count();
        (count > 1).then(|| format!("column {name} is there {count} times; the first that is filled counts"))
    })
}

fn is_before(one: Option<Moment>, other: Option<Moment>) -> bool {
    match (one, other) {
        (Some(Moment::At(one, _)), Some(Moment::At(other, _))) => one < other,
        _ => false,
    }
}

/// What all dates that tell it say of day and month; none if they differ.
fn order(drafts: &[Draft]) -> Option<Order> {
    let told = drafts.iter().filter_map(|draft| match draft.moment? {
        Moment::At(_, order) => order,
        Moment::Either { .. } => None,
    });
    unanimous(told)
}

/// What all amounts that tell it say of the decimal mark; none if they differ.
fn decimals(drafts: &[Draft]) -> Option<Mark> {
    let told = drafts.iter().filter_map(|draft| match draft.amount? {
        Amount::Sure(_, mark) => mark,
        Amount::Either { .. } => None,
    });
    unanimous(told)
}

fn unanimous<T: PartialEq>(mut told: impl Iterator<Item = T>) -> Option<T> {
    let first = told.next()?;
    told.all(|other| other == first).then_some(first)
}
