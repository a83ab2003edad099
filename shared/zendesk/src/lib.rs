//! Zendesk's wire formats: the webhook signature, the events, the update request. Pure; who sends a request is elsewhere.

pub mod event;
pub mod request;
pub mod signature;

pub use event::{Actor, Event, EventError, Happening};
pub use request::{FieldIds, Request, update_request};
