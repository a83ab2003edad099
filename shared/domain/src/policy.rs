//! What the customer sets: the mode, the thresholds, the recipients and the teams.

use std::num::NonZeroU32;

use jiff::{SignedDuration, tz::TimeZone};
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use strum::{Display, EnumString};

use crate::{AlertKind, EmailAddress, Language, Teams, alert::Withheld, playbooks::Playbooks};

/// A list that a person chooses from, and that Slack takes whole.
pub const MOST_COLLEAGUES: usize = 50;

/// Everything [`decide()`](crate::decide()) and the handlers need to know of the customer's wishes.
#[derive(Clone, PartialEq, Debug)]
pub struct Policy {
    pub mode: Mode,
    /// Send a public answer to a confident P3 FAQ. Works in [`Mode::Act`] only.
    pub auto_reply: bool,
    /// Off: alerts are decided and recorded, and nobody is written to.
    pub delivery: bool,
    /// 0 to 100: the share of tickets that get `mode`; the rest run in shadow.
    pub rollout_percent: u8,
    pub recipients: Recipients,
    pub teams: Teams,
    pub thresholds: Thresholds,
    pub alerts: AlertPolicy,
    /// What to do about an alert, by its reason.
    pub playbooks: Playbooks,
    pub answers: Answers,
    pub notes: Notes,
    /// In which days, hours and times are told to people, and "tomorrow" of a ticket is understood.
    pub time_zone: TimeZone,
    /// What stands before an amount of a customer's money, such as `$` or `CHF `; one line. Nothing is converted.
    pub currency: String,
    /// Where agents work, such as `https://acme.zendesk.com`; tickets in alerts and on the dashboard link there.
    pub helpdesk_url: String,
    /// What a language model may cost a UTC day, in US dollars.
    pub daily_budget_usd: f64,
    /// How long text is kept.
    pub retention: SignedDuration,
}

/// How far the product may go.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize, Display, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", ascii_case_insensitive)]
pub enum Mode {
    /// Records only, alerts nobody.
    #[default]
    Shadow,
    /// Writes our fields, our tags and a private note; sends alerts.
    Suggest,
    /// Also sets priority and group.
    Act,
}

/// Where alerts go when the account has no key account manager, or the team no lead, of its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recipients {
    pub guardian: EmailAddress,
    pub opportunity: EmailAddress,
    /// Of a team without a lead.
    pub lead: EmailAddress,
}

/// The numbers a decision turns on, from `policy.json`. All confidences are 0 to 1.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// A churn signal at least this sure is taken as said.
    pub churn_explicit: f32,
    /// A churn signal at least this sure is taken as likely.
    pub churn_likely: f32,
    /// A sentence at least this sure to be grave stops drafts and automatic answers, and one this sure to give notice of
    /// leaving makes the ticket a P1.
    #[serde(default = "grave_at_least")]
    pub grave_at_least: f32,
    /// What a kind of ticket may cause holds from this confidence on.
    #[serde(default = "kind_at_least")]
    pub kind_at_least: f32,
    /// A label less sure than this is marked unsure, and the ticket is not answered automatically.
    pub unsure_below: f32,
    /// The article must fit at least this well for an automatic answer.
    pub auto_reply_match: f32,
    /// Opportunity confidence, 0 to 10, from which it is a signal.
    pub opportunity_signal: u8,
    /// US dollars a month from which an account counts as growth.
    pub mrr_growth: f64,
    /// US dollars a month from which an account counts as strategic.
    pub mrr_strategic: f64,
    /// No longer looked at, since a priority stands as it was read; an older `policy.json` has it, as the next two.
    #[serde(default)]
    pub p0_at_least: f32,
    #[serde(default)]
    pub p1_at_least: f32,
    /// No longer looked at, since every signal of the second analyst stands.
    #[serde(default)]
    pub hold_at_least: f32,
}

/// What stands where a `policy.json` of an earlier release says nothing.
fn grave_at_least() -> f32 {
    0.5
}

fn kind_at_least() -> f32 {
    0.5
}

/// What of a name fits into one encoded word of a mail's header (RFC 2047), in bytes.
pub const LONGEST_SENDER_NAME: usize = 45;

/// How often people are written to, from `policy.json`.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertPolicy {
    /// After people settled an alert or called it wrong, others of the account and kind that say nothing new wait so long.
    pub cooldown_hours: u32,
    /// Whom a P0 is told whose team has no lead in `agents.json`. None: the recipient of churn alerts.
    #[serde(default)]
    pub lead: Option<EmailAddress>,
    /// E-mails a UTC day, a fifth of them kept for the critical band. `null` for no cap.
    pub daily_cap: Option<u32>,
    /// Whom an alert may be handed to, beside those whom the files name for something else.
    #[serde(default)]
    pub hand_over: Vec<EmailAddress>,
    /// Whom a critical alert that nobody takes goes to as well. None: nobody.
    #[serde(default, rename = "escalate")]
    pub escalation: Option<Escalation>,
    /// Where an answer to an alert goes. None: to the sender's address.
    #[serde(default)]
    pub reply_to: Option<EmailAddress>,
    /// What mail programs show for the sender's address. At most [`LONGEST_SENDER_NAME`] bytes.
    #[serde(default = "sender_name", deserialize_with = "short_name")]
    pub sender_name: String,
    /// Whether recipients get what is open in the morning, too.
    #[serde(default = "yes")]
    pub daily_digest: bool,
    /// Where alerts are posted in Slack as well. None: nowhere.
    #[serde(default)]
    pub slack: Option<ChatPolicy>,
}

/// Where alerts stand in a chat beside the mails, and who may press their buttons.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChatPolicy {
    /// The channel of churn alerts, such as `C0123ABCD`. None: recipients with an account of their own are all that is told.
    #[serde(default)]
    pub guardian: Option<Channel>,
    /// The channel of buying signals.
    #[serde(default)]
    pub opportunity: Option<Channel>,
    /// The channel of P0 tickets.
    #[serde(default)]
    pub outage: Option<Channel>,
    /// A recipient who has an account in the chat is written to alone, and not in the channel.
    #[serde(default = "yes")]
    pub direct: bool,
    #[serde(default)]
    pub may_press: Pressers,
}

/// A channel by its id. Names change, and whoever takes a name over must not read along.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Channel(String);

/// Who may press beside the people an alert was written to.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pressers {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<EmailAddress>,
    /// A user group by its id, such as `S0123ABCD`. Who is in it is asked when somebody presses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

fn sender_name() -> String {
    "Support triage".to_owned()
}

fn short_name<'de, D: Deserializer<'de>>(value: D) -> Result<String, D::Error> {
    let name = words(value)?;
    if name.len() > LONGEST_SENDER_NAME { Err(D::Error::custom("is too long")) } else { Ok(name) }
}

fn yes() -> bool {
    true
}

impl ChatPolicy {
    /// Into a channel by kind, and nobody is written to alone.
    ///
    /// # Errors
    /// What a channel should be.
    pub fn by_channel(guardian: &str, opportunity: &str, outage: &str) -> Result<Self, &'static str> {
        let channel = |id: &str| Channel::try_from(id.to_owned()).map(Some);
        let may_press = Pressers::default();
        let (guardian, opportunity, outage) = (channel(guardian)?, channel(opportunity)?, channel(outage)?);
        Ok(Self { guardian, opportunity, outage, direct: false, may_press })
    }

    #[must_use]
    pub fn channel(&self, kind: AlertKind) -> Option<&str> {
        let channel = match kind {
            AlertKind::Guardian => self.guardian.as_ref(),
            AlertKind::Opportunity => self.opportunity.as_ref(),
            AlertKind::Outage => self.outage.as_ref(),
        };
        channel.map(|Channel(id)| id.as_str())
    }
}

impl TryFrom<String> for Channel {
    type Error = &'static str;

    fn try_from(id: String) -> Result<Self, Self::Error> {
        let is_id = id.starts_with(['C', 'G']) && id.len() >= 3 && id.chars().all(|c| c.is_ascii_alphanumeric());
        if is_id {
            Ok(Self(id))
        } else {
            Err("is no channel id such as C0123ABCD; Slack shows it at the end of a channel's details")
        }
    }
}

/// A second address for what the first leaves lying.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Escalation {
    /// From the alert, or from the end of its snooze.
    pub untaken_hours: NonZeroU32,
    pub to: EmailAddress,
}

/// What frames a public answer, from `policy.json`. The texts are Markdown.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Answers {
    /// The first line: that nobody wrote this, and how to reach somebody. `null` leaves it out.
    pub notice: Option<Notice>,
    /// The last line: who answers. Without a name, the words for customer support in the customer's language.
    #[serde(deserialize_with = "name")]
    pub company: Option<String>,
}

impl Default for Answers {
    fn default() -> Self {
        Self { notice: Some(Notice::default()), company: None }
    }
}

impl Answers {
    /// Who signs an answer in that language.
    #[must_use]
    pub fn signature(&self, language: Language) -> &str {
        self.company.as_deref().unwrap_or(match language {
            Language::Fr => "Le service client",
            Language::De => "Ihr Kundenservice",
            Language::Es => "Atención al cliente",
            _ => "Customer support",
        })
    }
}

/// A text in each language that is answered in.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Notice {
    #[serde(deserialize_with = "words")]
    pub en: String,
    #[serde(deserialize_with = "words")]
    pub fr: String,
    #[serde(deserialize_with = "words")]
    pub de: String,
    #[serde(deserialize_with = "words")]
    pub es: String,
}

impl Default for Notice {
    fn default() -> Self {
        Self {
            en: "This answer was sent automatically. To reach a person, just reply to this message.".to_owned(),
            fr: "Cette réponse a été envoyée automatiquement. Pour joindre une personne de notre équipe, il suffit de \
                 répondre à ce message."
                .to_owned(),
            de: "Diese Antwort wurde automatisch versendet. Wenn Sie mit einem Menschen sprechen möchten, antworten Sie \
                 einfach auf diese Nachricht."
                .to_owned(),
            es: "Esta respuesta se ha enviado automáticamente. Para hablar con una persona, responda a este mensaje."
                .to_owned(),
        }
    }
}

impl Notice {
    #[must_use]
    pub fn text(&self, language: Language) -> &str {
        match language {
            Language::Fr => &self.fr,
            Language::De => &self.de,
            Language::Es => &self.es,
            _ => &self.en,
        }
    }
}

/// What private notes say beside the reasons, from `policy.json`.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Notes {
    /// To the agent, where somebody may harm themselves or others. Plain words.
    #[serde(deserialize_with = "words")]
    pub danger: String,
}

impl Default for Notes {
    fn default() -> Self {
        Self {
            danger:
                "Somebody may be in danger. Take it seriously: tell your lead now, and answer in person. Do not leave \
                     the sender alone with an automatic text or a standard reply."
                    .to_owned(),
        }
    }
}

/// A text that says something.
fn words<'de, D: Deserializer<'de>>(value: D) -> Result<String, D::Error> {
    let text = String::deserialize(value)?;
    if text.trim().is_empty() { Err(D::Error::custom("is empty")) } else { Ok(text.trim().to_owned()) }
}

/// None, or a text that says something.
fn name<'de, D: Deserializer<'de>>(value: D) -> Result<Option<String>, D::Error> {
    let text: Option<String> = Option::deserialize(value)?;
    match text {
        Some(text) if text.trim().is_empty() => Err(D::Error::custom("is empty")),
        text => Ok(text.map(|text| text.trim().to_owned())),
    }
}

/// How much an account is worth, by MRR.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Below the growth threshold, or unknown.
    Standard,
    Growth,
    Strategic,
}

impl Policy {
    /// The switch that keeps people from being written to now, if one does.
    #[must_use]
    pub fn withholds(&self) -> Option<Withheld> {
        if self.mode == Mode::Shadow {
            Some(Withheld::Shadow)
        } else if self.delivery {
            None
        } else {
            Some(Withheld::Delivery)
        }
    }

    /// Whom an alert may be handed to: the account's manager and everybody whom the files name, each once, at most
    /// [`MOST_COLLEAGUES`].
    #[must_use]
    pub fn colleagues(&self, kam: Option<&EmailAddress>) -> Vec<EmailAddress> {
        let Recipients { guardian, opportunity, lead } = &self.recipients;
        let AlertPolicy { hand_over, escalation, slack, .. } = &self.alerts;
        let named = kam.into_iter().chain(hand_over).chain(self.teams.iter().filter_map(|team| team.lead.as_ref()));
        let named = named.chain([lead]).chain(escalation.as_ref().map(|second| &second.to));
        let pressers = slack.iter().flat_map(|slack| &slack.may_press.people);
        let mut colleagues: Vec<EmailAddress> = Vec::new();
        for address in named.chain(pressers).chain([guardian, opportunity]) {
            if colleagues.len() < MOST_COLLEAGUES && !colleagues.contains(address) {
                colleagues.push(address.clone());
            }
        }
        colleagues
    }

    #[must_use]
    pub fn tier(&self, mrr: Option<f64>) -> Tier {
        match mrr {
            Some(mrr) if mrr >= self.thresholds.mrr_strategic => Tier::Strategic,
            Some(mrr) if mrr >= self.thresholds.mrr_growth => Tier::Growth,
            Some(_) | None => Tier::Standard,
        }
    }
}
