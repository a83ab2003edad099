//! The commands that connect a Zendesk: set-up, the import of its Help Center, and the examination.

mod access;
mod cloud;
mod deployment;
pub mod doctor;
pub mod import;
mod place;
mod settings;
pub mod setup;
mod slack;
#[cfg(test)]
mod walk;

pub use access::Account;
pub use cloud::{AwsCli, Cloud, CloudError, NoCloud};
