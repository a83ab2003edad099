//! What is read of a ticket, and how the exports of helpdesks call it: the table in `exports.toml`.

use std::{collections::HashMap, sync::LazyLock};

use enum_map::{Enum, EnumMap};
use serde::Deserialize;
use strum::{EnumIter, EnumString, IntoStaticStr};

/// What is read of a ticket, by the name of its column in our own form of a file.
#[derive(Enum, EnumIter, EnumString, IntoStaticStr, Deserialize, Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Field {
    TicketId,
    CustomerName,
    /// A number of the helpdesk's, where it does not name the customer.
    CustomerId,
    /// Who wrote: a name or an address.
    Requester,
    /// A number of the helpdesk's, where it does not name who wrote.
    RequesterId,
    Subject,
    Description,
    Channel,
    Timestamp,
    Mrr,
    ActualPriority,
    Team,
    Topic,
    Sentiment,
    ChurnRisk,
    Intent,
    Language,
}

impl Field {
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// An export that is recognised by its columns.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(super) struct Export {
    pub(super) name: String,
    /// Where the names are from; for whoever mends the table.
    #[cfg_attr(not(test), expect(dead_code, reason = "for readers of the table"))]
    source: String,
    pub(super) has: Vec<String>,
    pub(super) columns: HashMap<Field, Vec<String>>,
    /// A row is a message, and these are a customer's.
    pub(super) inbound: Option<Inbound>,
    /// Rows of a ticket after its first are no news.
    #[serde(default)]
    pub(super) repeats: bool,
    #[serde(default)]
    pub(super) footers: Vec<String>,
    #[serde(default)]
    pub(super) blank: Vec<String>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(super) struct Inbound {
    pub(super) column: String,
    pub(super) values: Vec<String>,
}

impl Export {
    /// Whether several rows of one ticket are expected.
    pub(super) fn repeats(&self) -> bool {
        self.repeats || self.inbound.is_some()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    export: Vec<Export>,
    aliases: HashMap<Field, Vec<String>>,
}

/// The table, with every name as [`plain`] has it.
pub(super) struct Exports {
    pub(super) all: Vec<Export>,
    pub(super) aliases: EnumMap<Field, Vec<String>>,
}

pub(super) static EXPORTS: LazyLock<Exports> = LazyLock::new(|| {
    let listed: Listed = toml::from_str(include_str!("exports.toml")).expect("a test reads the table");
    let plain = |names: &[String]| names.iter().map(|name| plain(name)).collect::<Vec<_>>();
    let mut all = listed.export;
    for export in &mut all {
        export.has = plain(&export.has);
        for names in export.columns.values_mut() {
            *names = plain(names);
        }
    }
    let aliases = EnumMap::from_fn(|field| listed.aliases.get(&field).map(|names| plain(names)).unwrap_or_default());
    Exports { all, aliases }
});

/// A column's name without case, blanks and punctuation: “Ticket ID” and `ticket_id` are one.
pub(super) fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_export_has_a_text_and_a_source() {
        assert!(EXPORTS.all.len() > 20);
        for export in &EXPORTS.all {
            let texts = [Field::Subject, Field::Description];
            assert!(texts.iter().any(|field| export.columns.contains_key(field)), "{}", export.name);
            assert!(!export.source.is_empty() && export.has.len() > 2, "{}", export.name);
        }
    }

    #[test]
    fn no_alias_stands_for_two_fields() {
        let mut seen = HashMap::new();
        for (field, names) in &EXPORTS.aliases {
            for name in names {
                let before = seen.insert(name.clone(), field);
                assert!(before.is_none_or(|before| before == field), "{name}: {before:?} and {field:?}");
            }
        }
    }
}
