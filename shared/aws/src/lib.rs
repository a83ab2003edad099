//! The ports on AWS. SDK types stop here.
//!
//! One [`Sdk`] a process: one HTTP client, one set of connections, one place for time-outs and retries.

mod cached;
mod config_bucket;
mod control;
mod deployment;
mod failure;
mod item;
pub mod lambda;
mod mailer;
mod parameter;
mod queue;
mod sdk;
mod secrets;
mod settings;
mod site;
mod slack;
mod tickets;
mod zendesk;

pub use config_bucket::{ConfigBucket, Snapshot};
pub use control::ControlTable;
pub use deployment::{Articles, Deployment};
pub use mailer::SesMailer;
pub use parameter::Parameters;
pub use queue::SqsQueue;
pub use sdk::Sdk;
pub use secrets::ParameterSecrets;
pub use settings::BucketSettings;
pub use site::{BucketOutbox, BucketSite};
pub use slack::ParameterToken;
pub use tickets::TicketTable;
pub use zendesk::ParameterCredentials;

use std::time::Duration;

/// How long what may change while the product runs is kept: secrets, mode, the customer's files.
const CACHED: Duration = Duration::from_secs(300);
