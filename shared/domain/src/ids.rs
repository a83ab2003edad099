//! Identifiers. Each is checked once, where it is made.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use crate::topics::{self, TOPICS};

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

/// The customer company: a Zendesk organisation id, or its name where there is no id. Somebody without a company is
/// `requester-<user id>`. Never empty.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountId(Arc<str>);

/// A specialist team, by its id in `agents.json`: lower-case letters, digits and `_`, at most 40 of them. It goes into
/// tags, field options and pages as it stands.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TeamId(Arc<str>);

/// What a ticket is about: one of [`TOPICS`], or the matter of a team that is learnt from examples.
/// Lower-case letters, digits and `-`, at most 40 of them. It goes into pages and files as it stands.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TopicId(Arc<str>);

/// An address an alert may go to: one `@`, something on either side, no space, comma or control character. It is shown as it
/// was written and compared without regard to case: mail providers deliver `Kam@x` and `kam@x` to one person.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
    #[error("is not a team id such as nexus: letters, digits and _ only, at most 40")]
    Team,
    #[error("is not a topic such as order-sync: letters, digits and - only, at most 40")]
    Topic,
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
    /// Somebody without an organisation is an account alone.
    #[must_use]
    pub fn of_requester(requester: UserId) -> Self {
        Self(format!("{REQUESTER}{}", requester.0).into())
    }

    /// Whether it is one person and no company.
    #[must_use]
    pub fn is_requester(&self) -> bool {
        self.0.strip_prefix(REQUESTER).is_some_and(|id| id.parse::<u64>().is_ok())
    }

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

const REQUESTER: &str = "requester-";

/// Longer ids would make a column of the page and a tag that nobody can read.
const LONGEST_ID: usize = 40;

impl TeamId {
    /// The teams of the bundled `agents.json`, in the order of the embedded analyst's classes: it was fitted on tickets
    /// of these three and can name no other.
    pub const BUNDLED: [&'static str; 3] = ["nexus", "cipher", "sentinel"];

    /// [`TeamId::BUNDLED`] as ids.
    #[must_use]
    pub fn bundled() -> [Self; 3] {
        Self::BUNDLED.map(|id| Self(id.into()))
    }

    /// The class of the embedded analyst that stands for this team; none for a team it does not know.
    #[must_use]
    pub fn class(&self) -> Option<usize> {
        Self::BUNDLED.iter().position(|bundled| *bundled == &*self.0)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name a person reads: `field_ops` is “Field ops”.
    #[must_use]
    pub fn title(&self) -> String {
        title(&self.0.replace('_', " "))
    }

    /// The topic that stands for all of the team's matter: `field_ops` is `field-ops`.
    #[must_use]
    pub fn topic(&self) -> TopicId {
        TopicId(self.0.replace('_', "-").trim_matches('-').into())
    }
}

fn title(words: &str) -> String {
    let mut letters = words.trim().chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}", first.to_ascii_uppercase(), letters.as_str()))
}

/// Whether it is made of lower-case letters, digits and the joint, one of them no joint, and not too long.
fn is_id(text: &str, joint: u8) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == joint);
    plain && text.bytes().any(|byte| byte != joint) && text.len() <= LONGEST_ID
}

/// Read in any case, as labels are.
impl FromStr for TeamId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let id = text.to_ascii_lowercase();
        if is_id(&id, b'_') { Ok(Self(id.into())) } else { Err(IdError::Team) }
    }
}

impl TryFrom<String> for TeamId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<TeamId> for String {
    fn from(id: TeamId) -> Self {
        id.0.as_ref().to_owned()
    }
}

impl fmt::Display for TeamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TopicId {
    /// A known topic, by its place among [`TOPICS`].
    #[must_use]
    pub fn known(class: usize) -> Option<Self> {
        TOPICS.get(class).map(|topic| Self(topic.id.into()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name a person reads: `order-sync` is “Order sync”.
    #[must_use]
    pub fn title(&self) -> String {
        title(&self.0.replace('-', " "))
    }

    /// What belongs to it; none of a matter that only a team's examples tell of.
    #[must_use]
    pub fn definition(&self) -> Option<&'static str> {
        topics::class(&self.0).and_then(|class| TOPICS.get(class)).map(|topic| topic.definition)
    }
}

/// Read in any case, as labels are, and with blanks or underscores between the words.
impl FromStr for TopicId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let id = text.trim().to_ascii_lowercase().replace([' ', '_'], "-");
        if is_id(&id, b'-') { Ok(Self(id.into())) } else { Err(IdError::Topic) }
    }
}

impl TryFrom<String> for TopicId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<TopicId> for String {
    fn from(id: TopicId) -> Self {
        id.0.as_ref().to_owned()
    }
}

impl fmt::Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl EmailAddress {
    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As it is compared: the same for every spelling, so that names and keys are made of it. Only ASCII: beyond it two
    /// letters may share their lower case, and somebody else's address would be taken for this one.
    #[must_use]
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl PartialEq for EmailAddress {
    fn eq(&self, other: &Self) -> bool {
        self.folded() == other.folded()
    }
}

impl Eq for EmailAddress {}

impl PartialOrd for EmailAddress {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for EmailAddress {
    fn cmp(&self, other: &Self) -> Ordering {
        self.folded().cmp(&other.folded())
    }
}

impl Hash for EmailAddress {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.folded().hash(state);
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
    use std::collections::{BTreeSet, HashSet};

    use super::*;

    #[test]
    fn a_requester_is_an_account_alone() {
        let alone = AccountId::of_requester(UserId(33));
        assert_eq!((alone.as_str(), alone.is_requester()), ("requester-33", true));
        for company in ["33", "requester-", "requester-services"] {
            assert!(!AccountId::try_from(company.to_owned()).unwrap().is_requester(), "{company}");
        }
    }

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
    fn a_team_id_is_one_lower_case_word() {
        let title = |text: &str| text.parse::<TeamId>().map(|team| (team.to_string(), team.title()));
        assert_eq!(title("NEXUS"), Ok(("nexus".to_owned(), "Nexus".to_owned())));
        assert_eq!(title("field_ops2"), Ok(("field_ops2".to_owned(), "Field ops2".to_owned())));
        for bad in ["", "_", "field ops", "field-ops", "équipe", "a\"b", &"x".repeat(41)] {
            assert!(bad.parse::<TeamId>().is_err(), "{bad:?}");
        }
        assert_eq!(TeamId::bundled().map(|team| team.class()), [Some(0), Some(1), Some(2)]);
    }

    #[test]
    fn a_topic_is_words_joined_by_hyphens() {
        for text in ["order-sync", "Order sync", " ORDER_SYNC "] {
            assert_eq!(text.parse::<TopicId>().unwrap().as_str(), "order-sync", "{text}");
        }
        for bad in ["", "-", "zölle", "a/b", "a\"b", &"x".repeat(41)] {
            assert!(bad.parse::<TopicId>().is_err(), "{bad:?}");
        }
        let topic = TopicId::known(4).unwrap();
        assert_eq!((topic.as_str(), topic.title().as_str()), ("order-sync", "Order sync"));
        assert!(topic.definition().unwrap().contains("orders"));
        let matter = "_loyalty_programme".parse::<TeamId>().unwrap().topic();
        assert_eq!((matter.as_str(), matter.definition()), ("loyalty-programme", None));
    }

    #[test]
    fn an_address_cannot_smuggle_a_second_recipient() {
        assert!("kam@example.com".parse::<EmailAddress>().is_ok());
        for bad in ["", "kam", "@example.com", "kam@", "a@b,c@d", "a@b\nBcc: c@d", "a b@c", "a@b@c", "<a@b>"] {
            assert!(bad.parse::<EmailAddress>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn one_address_has_many_spellings() {
        let [written, other] =
            ["Kam.Lee@Example.com", "kam.lee@example.COM"].map(|text| text.parse::<EmailAddress>().unwrap());
        assert_eq!((&written, &*written.folded()), (&other, "kam.lee@example.com"));
        assert_eq!(HashSet::from([written.clone(), other.clone()]).len(), 1);
        assert_eq!(BTreeSet::from([written.clone(), other]).len(), 1);
        assert_eq!(written.to_string(), "Kam.Lee@Example.com", "shown as it was written");
        // The Kelvin sign, whose lower case is k.
        let [kelvin, plain] = ["\u{212a}am@example.com", "kam@example.com"].map(|text| text.parse::<EmailAddress>());
        assert_ne!(kelvin, plain);
    }
}
