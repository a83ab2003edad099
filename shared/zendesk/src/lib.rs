//! Zendesk: its wire formats, and the adapter behind `domain::ports::Helpdesk`. Without features it is pure: a
//! [`Transport`] carries the requests.

pub mod event;
pub mod http;
pub mod lenient;
pub mod request;
pub mod signature;

pub use event::{Actor, Event, EventError, Happening, Legibility};
pub use http::{Authorization, Method, Request, Response, Transport, Unanswered};
pub use request::{FieldIds, update_request};
