//! What is said of a file beside the rows that are lost: each thing once, with a count and the first place.

use indexmap::IndexMap;

use super::{columns::Columns, exports::Field};

/// Something that does not cost a ticket.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum What {
    Unusable,
    NotUtf8,
    Controls,
    Cut,
    TooManyFields,
    Quoting,
    ByAgents,
    Further,
    WithoutAccount,
}

struct Seen {
    count: usize,
    line: u64,
    example: String,
}

#[derive(Default)]
pub(super) struct Notes(IndexMap<(Option<Field>, What), Seen>);

impl Notes {
    pub(super) fn add(&mut self, field: Option<Field>, what: What, line: u64) {
        self.add_with(field, what, line, String::new);
    }

    /// The example is kept of the first only.
    pub(super) fn add_with(&mut self, field: Option<Field>, what: What, line: u64, example: impl FnOnce() -> String) {
        match self.0.get_mut(&(field, what)) {
            Some(seen) => seen.count += 1,
            None => {
                self.0.insert((field, what), Seen { count: 1, line, example: example() });
            }
        }
    }

    /// A sentence for each.
    pub(super) fn told(&self, columns: &Columns) -> Vec<String> {
        self.0.iter().map(|((field, what), seen)| seen.told(*field, *what, columns)).collect()
    }
}

impl Seen {
    fn told(&self, field: Option<Field>, what: What, columns: &Columns) -> String {
        let Self { count, line, example } = self;
        let s = if *count == 1 { "" } else { "s" };
        let (is, are) = if *count == 1 { ("counts", "is") } else { ("count", "are") };
        let place = if *count == 1 { format!("on line {line}") } else { format!("the first on line {line}") };
        let column = field.map_or_else(String::new, |field| format!("column {}: ", columns.name(field)));
        let text = field.map_or_else(|| columns.name(Field::Description), |field| columns.name(field));
        match what {
            What::Unusable => format!("{column}{count} value{s} {is} as empty, {place}: {example}"),
            What::NotUtf8 => format!("{count} cell{s} {are} not UTF-8, {place}, and read as Windows-1252"),
            What::Controls => format!("{column}control characters were replaced in {count} cell{s}, {place}"),
            What::Cut => format!("{column}{count} text{s} {are} too long and cut at the limit, {place}"),
            What::TooManyFields => format!(
                "{count} row{s} with more fields than the header, {place}: what is too much was taken for a part of \
                 {text}; put a text with commas in double quotes"
            ),
            What::Quoting => {
                format!("{count} row{s} with quotes that are not doubled, {place}; they were read as they seem meant")
            }
            What::ByAgents => format!("{count} message{s} that no customer wrote {are} passed over, {place}"),
            What::Further => format!("{count} further row{s} of a ticket {are} passed over, {place}"),
            What::WithoutAccount => {
                format!("{column}not used of {count} ticket{s} without a customer, {place}: an amount is an account's")
            }
        }
    }
}
