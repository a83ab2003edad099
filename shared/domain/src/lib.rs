//! What a support ticket means and what to do about it: plain values, the pure decision, and the ports to the outside.
//!
//! Invariant: no AWS, HTTP, Lambda, async runtime, clock or environment in here. Time is an argument.

pub mod account;
pub mod alert;
pub mod change;
pub mod contact;
pub mod conversation;
pub mod deadline;
pub mod decide;
pub mod fingerprint;
mod fold;
pub mod follow_up;
pub mod guardian;
pub mod ids;
pub mod kept;
pub mod kind;
pub mod labels;
pub mod opportunity;
pub mod outage;
pub mod plan;
pub mod playbooks;
pub mod policy;
pub mod ports;
pub mod priority;
pub mod quote;
pub mod reading;
pub mod record;
pub mod reply;
pub mod rollout;
#[cfg(any(test, feature = "contract"))]
pub mod sample;
pub mod second_opinion;
pub mod shown;
pub mod state;
pub mod tags;
pub mod teams;
pub mod ticket;
pub mod time;
pub mod topics;

pub use account::{Account, Health, PastTicket};
pub use alert::{Alert, AlertKey, AlertKind, Band, Delivery, EarlierAlert, Signal};
pub use change::{Change, FieldChanges};
pub use contact::Contact;
pub use conversation::Conversation;
pub use deadline::Deadline;
pub use decide::{TicketContext, decide};
pub use follow_up::{FollowUp, Stage};
pub use ids::{AccountId, EmailAddress, GroupId, TeamId, TicketId, TopicId, UserId, Version};
pub use labels::{Intent, Kind, Language, Priority, Sentiment};
pub use plan::{Plan, TicketUpdate};
pub use policy::{Mode, Policy};
pub use reading::{Draft, Fallback, Grave, Gravity, LeavingNotice, Reading, Scored, SecondOpinion};
pub use record::{AuditAction, AuditEntry, Decision, Record, Resolution, Standing, Summary};
pub use state::{Begun, Erasure, ErasureReason, TicketState};
pub use teams::{AgentProfile, Teams};
pub use ticket::{FieldValues, Sender, Ticket};
