//! The customer behind a ticket: an organisation, or a person who belongs to none.

use domain::{Account, AccountId, EmailAddress, Health};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Mapping;
use crate::wire::{Organization, Ticket, User};

/// The account of a person without an organisation, so that two strangers are two accounts.
const REQUESTER: &str = "requester-";
/// A plan's name is a few words; what is longer is a note somebody keeps there.
const LONGEST_PLAN: usize = 100;

/// The keys of the organisation fields that say what an account is worth.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OrganizationFields {
    pub mrr: String,
    pub plan: String,
    pub health: String,
    pub kam: String,
}

impl Default for OrganizationFields {
    fn default() -> Self {
        let [mrr, plan, health, kam] = ["mrr", "plan", "health", "kam"].map(str::to_owned);
        Self { mrr, plan, health, kam }
    }
}

/// An account as Zendesk has it, before it is known which fields mean what.
#[derive(Clone, Debug)]
pub(super) struct Customer {
    pub(super) id: AccountId,
    name: Option<String>,
    fields: Map<String, Value>,
}

/// The account of a ticket.
pub(super) fn of(ticket: &Ticket, number: u64) -> Option<AccountId> {
    let id = match (ticket.organization_id, ticket.requester_id) {
        (Some(organization), _) => organization.to_string(),
        (None, Some(requester)) => format!("{REQUESTER}{requester}"),
        // Nobody knows whose it is, so it is like no other.
        (None, None) => format!("ticket-{number}"),
    };
    AccountId::try_from(id).ok()
}

/// The user behind a requester's account.
pub(super) fn requester(account: &str) -> Option<u64> {
    account.strip_prefix(REQUESTER)?.parse().ok()
}

impl Customer {
    pub(super) fn organization(organization: &Organization) -> Option<Self> {
        let id = AccountId::try_from(organization.id?.to_string()).ok()?;
        Some(Self { id, name: organization.name.clone(), fields: organization.organization_fields.clone() })
    }

    pub(super) fn person(user: &User) -> Option<Self> {
        let id = AccountId::try_from(format!("{REQUESTER}{}", user.id?)).ok()?;
        Some(Self { id, name: user.name.clone(), fields: Map::new() })
    }

    /// Everybody who came with a ticket.
    pub(super) fn all(users: &[User], organizations: &[Organization]) -> Vec<Self> {
        let people = users.iter().filter_map(Self::person);
        organizations.iter().filter_map(Self::organization).chain(people).collect()
    }

    pub(super) fn account(&self, id: &AccountId, mapping: &Mapping) -> Account {
        let Mapping { organization: keys, kam_domains, .. } = mapping;
        let text =
            |key: &str| self.fields.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
        let name = self.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
        Account {
            id: id.clone(),
            name: name.map_or_else(|| id.to_name(), Into::into),
            mrr: self.fields.get(&keys.mrr).and_then(amount),
            plan: text(&keys.plan).filter(|plan| plan.chars().count() <= LONGEST_PLAN).map(str::to_owned),
            health: text(&keys.health).and_then(|text| health(text, &keys.health)),
            kam: text(&keys.kam).and_then(|address| kam(address, kam_domains)),
        }
    }
}

/// A number or the text of one, as decimal fields come.
fn amount(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    number.filter(|number: &f64| number.is_finite() && *number >= 0.0)
}

/// A drop-down's value is a tag, unique in the account, and so often begins with its field's key.
fn health(text: &str, key: &str) -> Option<Health> {
    let text = text.to_ascii_lowercase().replace([' ', '-'], "_");
    let bare = text.strip_prefix(key).and_then(|rest| rest.strip_prefix('_'));
    text.parse().ok().or_else(|| bare?.parse().ok())
}

/// An address that whoever edits an organisation cannot point anywhere.
fn kam(address: &str, domains: &[String]) -> Option<EmailAddress> {
    let (_, domain) = address.split_once('@')?;
    let allowed = domains.iter().any(|allowed| allowed.trim().eq_ignore_ascii_case(domain));
    if allowed { address.parse().ok() } else { None }
}
