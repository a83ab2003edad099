//! Which columns of a file hold what is read of a ticket.

use std::str::FromStr;

use enum_map::EnumMap;
use strum::IntoEnumIterator;

use super::exports::{EXPORTS, Export, Field, plain};
use crate::say::escaped;

/// Where a field stands, as the command line has it: `subject=Betreff`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Assignment {
    pub field: Field,
    /// As the file calls it; empty: in no column.
    pub column: String,
}

impl FromStr for Assignment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (field, column) = text.split_once('=').ok_or("write FIELD=COLUMN, such as subject=Betreff")?;
        let field = field.trim().to_lowercase();
        let found = field.parse().map_err(|_| {
            let names = Field::iter().map(Field::name);
            let near =
                nearest(&field, names.clone()).map_or_else(String::new, |near| format!("; did you mean {near}?"));
            format!("there is no field {}{near} Fields are {}", escaped(&field), names.collect::<Vec<_>>().join(", "))
        })?;
        Ok(Self { field: found, column: column.trim().to_owned() })
    }
}

/// The columns of each field, the first to be asked first.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    pub(super) names: Vec<String>,
    pub(super) of: EnumMap<Field, Vec<usize>>,
    pub(super) export: Option<&'static Export>,
    /// Where an export with a row for each message says whose it is.
    pub(super) direction: Option<usize>,
}

/// A column that `--map` names is not there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Missing {
    pub(super) assignment: Assignment,
}

impl Columns {
    /// Fits a header to what is read. Whatever is assigned is taken from there; then come the names of the export it is,
    /// our own, and the usual words.
    pub(super) fn new(names: Vec<String>, assigned: &[Assignment]) -> Result<Self, Missing> {
        let plains: Vec<String> = names.iter().map(|name| plain(name)).collect();
        let export = export(&plains);
        let places = |wanted: &str| {
            let found = plains.iter().enumerate().filter(move |(_, name)| !name.is_empty() && *name == wanted);
            found.map(|(place, _)| place).collect::<Vec<_>>()
        };
        let mut of: EnumMap<Field, Vec<usize>> = EnumMap::default();
        for field in Field::iter() {
            let subject = of[Field::Subject].clone();
            let of: &mut Vec<usize> = &mut of[field];
            let mut assigned = assigned.iter().filter(|assigned| assigned.field == field).peekable();
            if assigned.peek().is_some() {
                for assignment in assigned.filter(|assignment| !assignment.column.is_empty()) {
                    let exact = names.iter().position(|name| *name == assignment.column);
                    let place = exact.or_else(|| places(&plain(&assignment.column)).first().copied());
                    of.push(place.ok_or_else(|| Missing { assignment: assignment.clone() })?);
                }
                continue;
            }
            let named = export.and_then(|export| export.columns.get(&field));
            of.extend(named.into_iter().flatten().flat_map(|name| places(name)));
            // Unless the export has it for something else: Help Scout's customer is a person.
            let own = plain(field.name());
            let claimed = export.is_some_and(|export| export.columns.values().flatten().any(|name| *name == own));
            if !claimed {
                of.extend(places(&own));
            }
            if of.is_empty() {
                of.extend(EXPORTS.aliases[field].iter().flat_map(|name| places(name)));
            }
            // Without a column of that name, subjects stand under the word topic more often than labels do.
            if field == Field::Topic {
                of.retain(|place| !subject.contains(place));
            }
            let mut seen = Vec::new();
            of.retain(|place| !seen.contains(place) && (seen.push(*place), true).1);
        }
        let inbound = export.and_then(|export| export.inbound.as_ref());
        let direction = inbound.and_then(|inbound| places(&plain(&inbound.column)).first().copied());
        Ok(Self { names, of, export, direction })
    }

    /// Whether a ticket may be in it: there is a column with text.
    pub(super) fn has_text(&self) -> bool {
        self.texts().next().is_some()
    }

    /// How much of a ticket it names.
    pub(super) fn fit(&self) -> usize {
        self.of.values().filter(|places| !places.is_empty()).count() + self.export.map_or(0, |export| export.has.len())
    }

    /// The columns of subject and description.
    pub(super) fn texts(&self) -> impl Iterator<Item = usize> {
        [Field::Description, Field::Subject].into_iter().flat_map(|field| self.of[field].iter().copied())
    }

    /// As the file calls the field's first column.
    pub(super) fn name(&self, field: Field) -> String {
        let name = self.of[field].first().and_then(|place| self.names.get(*place));
        name.map_or_else(|| field.name().to_owned(), |name| escaped(name))
    }

    /// The column most like a word, of those in the file.
    pub(super) fn nearest(&self, word: &str) -> Option<&str> {
        nearest(&plain(word), self.names.iter().map(String::as_str))
    }

    /// A column that was perhaps meant for the field.
    pub(super) fn guess(&self, field: Field) -> Option<&str> {
        let words = EXPORTS.aliases[field].iter().map(String::as_str).chain([field.name()]);
        let scored = words.filter_map(|word| {
            let near = self.nearest(word)?;
            Some((strsim::jaro_winkler(&plain(word), &plain(near)), near))
        });
        scored.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, near)| near)
    }
}

/// The one with the most columns in the file. A file in our own form is no export, whatever else it holds.
fn export(plains: &[String]) -> Option<&'static Export> {
    let there = |name: &String| plains.contains(name);
    let own = [Field::TicketId, Field::CustomerName, Field::Subject, Field::Description];
    if own.iter().all(|field| there(&plain(field.name()))) {
        return None;
    }
    EXPORTS.all.iter().filter(|export| export.has.iter().all(there)).max_by_key(|export| export.has.len())
}

fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let scored = names.map(|name| (strsim::jaro_winkler(word, &plain(name)), name));
    // As `.env`'s hint has it: below, the likeness is chance.
    scored.filter(|(score, _)| *score > 0.8).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(header: &str, assigned: &[&str]) -> Columns {
        let assigned: Vec<Assignment> = assigned.iter().map(|text| text.parse().unwrap()).collect();
        Columns::new(header.split(',').map(str::to_owned).collect(), &assigned).unwrap()
    }

    #[test]
    fn fields_are_found_by_any_of_their_names() {
        for (header, field, expected) in [
            ("TICKET ID,Customer Name", Field::TicketId, vec![0]),
            ("TICKET ID,Customer Name", Field::CustomerName, vec![1]),
            ("Betreff,Beschreibung,Kunde", Field::Description, vec![1]),
            ("'subject',“body”", Field::Subject, vec![0]),
            ("Priority [list],Id", Field::ActualPriority, vec![]),
            ("title,summary,body", Field::Subject, vec![0, 1]),
            ("subject,description,subject", Field::Subject, vec![0, 2]),
            ("Organization,Organisation", Field::CustomerName, vec![0, 1]),
            ("subject,topic", Field::Topic, vec![1]),
            ("topic,body", Field::Subject, vec![0]),
            ("topic,body", Field::Topic, vec![]),
        ] {
            assert_eq!(columns(header, &[]).of[field], expected, "{header}");
        }
    }

    #[test]
    fn an_assigned_column_is_taken_alone() {
        let found = columns("subject,Betreff,Firma,Text", &["subject=betreff", "customer_name=Firma", "channel="]);
        assert_eq!((&found.of[Field::Subject], &found.of[Field::CustomerName]), (&vec![1], &vec![2]));
        assert!(found.of[Field::Channel].is_empty());
        let missing = Columns::new(vec!["a".into()], &["subject=b".parse().unwrap()]).unwrap_err();
        assert_eq!(missing.assignment.column, "b");
    }

    #[test]
    fn an_assignment_names_a_field() {
        for (text, problem) in
            [("subject", "write FIELD=COLUMN"), ("subjct=x", "did you mean subject?"), ("=x", "Fields are")]
        {
            let error = text.parse::<Assignment>().unwrap_err();
            assert!(error.contains(problem), "{error}");
        }
        assert_eq!("Subject = My, column".parse::<Assignment>().unwrap().column, "My, column");
    }

    #[test]
    fn our_own_form_is_no_export() {
        let own = columns("ticket_id,customer_name,subject,description,Status,Source,Created time", &[]);
        assert!(own.export.is_none());
        let freshdesk = columns("Ticket ID,Subject,Description,Status,Source,Created time", &[]);
        assert_eq!(freshdesk.export.map(|export| export.name.as_str()), Some("Freshdesk"));
    }
}
