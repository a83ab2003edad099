//! What may change while the product runs.

use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;

use crate::{Policy, ports::PortError};

/// The customer's policy, mode included. Cached for at most 300 s, so that the mode works as a kill switch.
#[async_trait]
pub trait Settings: Send + Sync {
    async fn policy(&self) -> Result<Arc<Policy>, PortError>;
}

/// The secrets a webhook may be signed with: the current one first, during a rotation also the previous one.
#[async_trait]
pub trait SigningSecrets: Send + Sync {
    /// Cached for at most 300 s. Never empty.
    async fn secrets(&self) -> Result<Vec<SecretString>, PortError>;

    /// Past the cache, at most once in 10 s: for a signature that fits none of the known secrets.
    async fn refreshed(&self) -> Result<Vec<SecretString>, PortError>;
}
