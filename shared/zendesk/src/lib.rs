//! Zendesk: its wire formats, and the adapter behind `domain::ports::Helpdesk`. Without features it is pure: a
//! [`Transport`] carries the requests.

pub mod access;
pub mod articles;
pub mod budget;
pub mod client;
mod comment;
pub mod doctor;
pub mod event;
pub mod feed;
pub mod found;
pub mod helpdesk;
pub mod http;
pub mod lenient;
#[cfg(feature = "http")]
pub mod network;
pub mod request;
#[cfg(test)]
mod script;
pub mod setup;
pub mod signature;
pub mod wire;

pub use access::{Access, CredentialSource, Credentials, RUNTIME_SCOPES, SETUP_SCOPES};
pub use budget::Budget;
pub use client::{ApiError, Client, Clock};
pub use event::{Actor, Event, EventError, Happening, Legibility};
pub use helpdesk::{Mapping, Mappings, OrganizationFields, ZendeskHelpdesk};
pub use http::{Authorization, Method, Request, Response, Transport, Unanswered};
#[cfg(feature = "http")]
pub use network::HttpTransport;
pub use request::{FieldIds, update_request};
