//! Identifiers. Each is checked once, where it is made.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

/// A Zendesk ticket number, from 1. Written `#1001`; read with or without the `#`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TicketId(u64);

/// The state of the conversation a triage saw: the id of the newest public end-user comment.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub u64);

/// A Zendesk user.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(pub u64);

/// A Zendesk group: the inbox of a team.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GroupId(pub u64);

/// The customer company: a Zendesk organisation id, or its name where there is no id. Never empty.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountId(Arc<str>);

/// An address an alert may go to: one `@`, something on either side, no space, comma or control character.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

/// Why a text is not the identifier it should be.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum IdError {
    #[error("is not a ticket number such as #1001")]
    Ticket,
    #[error("is empty")]
    Account,
    #[error("is not an e-mail address such as kam@example.com")]
    Email,
}

impl TicketId {
    /// # Errors
    /// [`IdError::Ticket`] for zero, which Zendesk never gives out.
    pub fn new(number: u64) -> Result<Self, IdError> {
        if number == 0 { Err(IdError::Ticket) } else { Ok(Self(number)) }
    }

    /// The bare number, as Zendesk's API wants it.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }
}

impl FromStr for TicketId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let digits = text.strip_prefix('#').unwrap_or(text);
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(IdError::Ticket);
        }
        Self::new(digits.parse().map_err(|_| IdError::Ticket)?)
    }
}

impl fmt::Display for TicketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

impl AccountId {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id as the name of an account that has no other.
    #[must_use]
    pub fn to_name(&self) -> Arc<str> {
        self.0.clone()
    }
}

impl TryFrom<String> for AccountId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        if text.trim().is_empty() { Err(IdError::Account) } else { Ok(Self(text.into())) }
    }
}

impl From<AccountId> for String {
    fn from(id: AccountId) -> Self {
        id.0.as_ref().to_owned()
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl EmailAddress {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control() || ",;<>\"".contains(c));
        match text.split_once('@') {
            Some((local, domain)) if plain && !local.is_empty() && !domain.is_empty() && !domain.contains('@') => {
                Ok(Self(text))
            }
            _ => Err(IdError::Email),
        }
    }
}

impl FromStr for EmailAddress {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        text.to_owned().try_into()
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.0
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_number_reads_with_and_without_its_hash() {
        for (text, number) in [("#1001", Some(1001)), ("7", Some(7)), ("#0", None), ("", None), ("#", None)] {
            assert_eq!(text.parse::<TicketId>().ok().map(TicketId::number), number, "{text:?}");
        }
        for bad in ["T-17", "-4", "+4", " 4", "1.0", "99999999999999999999", "<script>"] {
            assert!(bad.parse::<TicketId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_address_cannot_smuggle_a_second_recipient() {
        assert!("kam@example.com".parse::<EmailAddress>().is_ok());
        for bad in ["", "kam", "@example.com", "kam@", "a@b,c@d", "a@b\nBcc: c@d", "a b@c", "a@b@c", "<a@b>"] {
            assert!(bad.parse::<EmailAddress>().is_err(), "{bad:?}");
        }
    }
}
