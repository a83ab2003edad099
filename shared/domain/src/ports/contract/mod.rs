//! What each port promises, as tests every adapter runs.
//!
//! Each function takes a fresh adapter and panics where a promise is broken. Races take a `spawn`, so that an adapter in
//! memory is tried on real threads and one over a network with its own runtime.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a broken promise is a panic")]

pub mod alert_log;
pub mod audit;
pub mod control;
pub mod conversations;
pub mod cursors;
pub mod eraser;
pub mod feed;
pub mod follow_ups;
pub mod helpdesk;
pub mod mailer;
pub mod queue;
pub mod records;
pub mod settings;
pub mod site;
pub mod threads;
pub mod ticket_log;

use futures::future::BoxFuture;

/// Starts a future and resolves with its output.
pub type Spawn<'a, T> = &'a (dyn Fn(BoxFuture<'static, T>) -> BoxFuture<'static, T> + Sync);
