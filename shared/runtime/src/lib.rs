//! What two functions share at their edge: the batch loop, the messages between them, configuration and logging.

pub mod account_page;
pub mod backoff;
pub mod batch;
pub mod config;
pub mod invocation;
pub mod links;
pub mod logging;
pub mod message;
pub mod metrics;
pub mod rebuild;
pub mod sealed;
pub mod words;

pub use batch::{Delivery, Handler, Queues, Verdict, handle_batch};
pub use invocation::Invocation;
pub use message::{AlertMessage, Cause, TicketMessage};
