//! The labels of a ticket. Their text forms are formats that others read.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumCount, EnumIter, EnumString, IntoStaticStr};

/// How urgent. `P0` is the most urgent and the smallest value.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    EnumIter,
    IntoStaticStr,
)]
#[strum(ascii_case_insensitive)]
pub enum Priority {
    /// System down, all customers hit, data loss, breach, payments impossible.
    P0,
    /// Major feature broken, business blocked, a critical fault that came back, a threat to leave over a fault.
    P1,
    /// Degraded with a workaround, delays, one customer's integration, expert configuration.
    P2,
    /// How-to, feature request, cosmetic, general or price question.
    P3,
}

/// The tone of the writer. It weighs in the risk score and never in the priority.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    EnumIter,
    IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", ascii_case_insensitive)]
pub enum Sentiment {
    Neutral,
    Frustrated,
    #[serde(alias = "aggressive")]
    #[strum(serialize = "aggressive", to_string = "angry")]
    Angry,
}

/// What the writer wants to buy.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    EnumIter,
    IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", ascii_case_insensitive)]
pub enum Intent {
    PricingRequest,
    Upgrade,
    Expansion,
    CustomService,
}

/// The language a ticket is written in: one that the product reads, or another. The first four it writes as well.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    EnumIter,
    IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", ascii_case_insensitive)]
pub enum Language {
    En,
    Fr,
    De,
    Es,
    It,
    Pt,
    Nl,
    Pl,
    Tr,
    Ru,
    Ar,
    Ja,
    Zh,
    Ko,
    Th,
    /// None of these: nobody here can say more of the text than that.
    Other,
}

impl Language {
    /// Replies have a frame and a notice in it.
    #[must_use]
    pub fn is_written(self) -> bool {
        matches!(self, Self::En | Self::Fr | Self::De | Self::Es)
    }
}

/// What sort of ticket it is. [`crate::kind`] says what each may cause.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Debug,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    EnumCount,
    EnumIter,
    IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", ascii_case_insensitive)]
pub enum Kind {
    /// A customer wants something or tells of something.
    #[default]
    Request,
    /// Out of office, acknowledgement, bounce, newsletter, notice of an invoice.
    Automatic,
    /// All is well now, and nothing is asked.
    Thanks,
    /// A monitor or a job reports: firing, resolved or done.
    MachineAlert,
    /// Somebody sells to us, looks for work, or took us for the shop they bought from.
    Solicitation,
    /// Phishing, a scam or spam.
    Phishing,
    /// A weakness or a leak, reported by whoever saw it.
    SecurityReport,
    /// A lawyer, a court or an authority writes.
    LegalLetter,
    /// A person asks for their own data, or for its erasure.
    DataRequest,
    /// Somebody may harm themselves or others.
    PersonInDanger,
    /// No words, or a picture and no words.
    Empty,
}

impl Kind {
    /// The words a person reads.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Automatic => "automatic message",
            Self::Thanks => "thanks",
            Self::MachineAlert => "machine alert",
            Self::Solicitation => "solicitation",
            Self::Phishing => "phishing or spam",
            Self::SecurityReport => "security report",
            Self::LegalLetter => "legal letter",
            Self::DataRequest => "data-subject request",
            Self::PersonInDanger => "person in danger",
            Self::Empty => "empty",
        }
    }
}

impl Intent {
    /// The words a person reads.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::PricingRequest => "pricing request",
            Self::Upgrade => "upgrade",
            Self::Expansion => "expansion",
            Self::CustomService => "custom service",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_read_in_any_case_and_print_in_one() {
        assert_eq!("p0".parse(), Ok(Priority::P0));
        assert_eq!(Priority::P3.to_string(), "P3");
        assert_eq!("Aggressive".parse(), Ok(Sentiment::Angry));
        assert_eq!(Sentiment::Angry.to_string(), "angry");
        assert_eq!("pricing_request".parse(), Ok(Intent::PricingRequest));
        assert!("urgent".parse::<Priority>().is_err());
    }
}
