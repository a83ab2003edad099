//! Why a part of a message is not among the customer's own words.

use strum::{EnumIter, IntoStaticStr};

/// The rule that took a part out. docs/reading.md has the table of them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, EnumIter, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Rule {
    /// In the HTML, but not seen by anybody.
    Hidden,
    /// "Please type your reply above this line" and all below it.
    Delimiter,
    /// A helpdesk's own notice and the comments it repeats.
    Notice,
    /// The line that ties a ticket to a closed one.
    FollowUp,
    /// What a helpdesk writes when tickets are merged.
    Merge,
    /// "On Monday X wrote:" and what follows it.
    Attribution,
    /// A block of From, Sent, To, Subject and what follows it.
    Header,
    /// "Original message" and what follows it.
    Original,
    /// Lines behind `>`.
    Quoted,
    /// A forwarded message.
    Forwarded,
    /// What a bot, an agent or somebody else said in a chat or a call.
    Speaker,
    /// What a chat program says of itself: who joined, when it started.
    Chat,
    /// The banner that a company puts over mail from outside.
    External,
    Signature,
    /// "Sent from my iPhone".
    Device,
    Disclaimer,
    Antivirus,
    Environment,
    Unsubscribe,
    /// Register, seat and directors of a company.
    Company,
    Log,
    Trace,
    Json,
    Markup,
    Encoded,
    Sql,
    Table,
    /// Commands, HTTP requests and whatever is fenced as code.
    Code,
}

/// What became of a part that was taken out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    History,
    Forward,
    Others,
    Machine,
    Boilerplate,
}

impl Rule {
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    #[must_use]
    pub fn class(self) -> Class {
        match self {
            Self::Delimiter
            | Self::Notice
            | Self::Merge
            | Self::Attribution
            | Self::Header
            | Self::Original
            | Self::Quoted => Class::History,
            Self::Forwarded => Class::Forward,
            Self::Speaker => Class::Others,
            Self::Log
            | Self::Trace
            | Self::Json
            | Self::Markup
            | Self::Encoded
            | Self::Sql
            | Self::Table
            | Self::Code => Class::Machine,
            Self::Hidden
            | Self::FollowUp
            | Self::Chat
            | Self::External
            | Self::Signature
            | Self::Device
            | Self::Disclaimer
            | Self::Antivirus
            | Self::Environment
            | Self::Unsubscribe
            | Self::Company => Class::Boilerplate,
        }
    }
}
