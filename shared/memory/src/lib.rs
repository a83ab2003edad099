//! The ports in memory and on files: what a laptop and the tests run on, keeping the same contracts as AWS.

pub mod bundled;
pub mod control;
pub mod demo;
mod eml;
pub mod failing;
pub mod helpdesk;
pub mod outbox;
pub mod private;
pub mod pump;
pub mod queue;
pub mod settings;
pub mod site;
pub mod slack;
pub mod ticket_log;

pub use bundled::Bundled;
pub use control::MemoryControl;
pub use demo::DemoZendesk;
pub use failing::{Failing, Fault, Faults, Method, Odds};
pub use helpdesk::{MemoryHelpdesk, NewTicket};
pub use outbox::OutboxMailer;
pub use pump::pump;
pub use queue::{DeadLetters, MemoryQueue};
pub use settings::{FixedConfiguration, FixedSecrets, FixedSettings};
pub use site::SiteDirectory;
pub use slack::SlackDirectory;
pub use ticket_log::MemoryTicketLog;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, also after a panic elsewhere: every change under these locks is one assignment or is made whole before.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
