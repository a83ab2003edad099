//! Settings that do not change while the process runs.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    Policy,
    ports::{PortError, Settings, SigningSecrets},
};
use runtime::config::{Config, Configuration};
use secrecy::SecretString;

#[derive(Clone, Debug)]
pub struct FixedSettings(pub Arc<Policy>);

#[async_trait]
impl Settings for FixedSettings {
    async fn policy(&self) -> Result<Arc<Policy>, PortError> {
        Ok(self.0.clone())
    }
}

#[derive(Clone, Debug)]
pub struct FixedConfiguration(pub Arc<Config>);

#[async_trait]
impl Configuration for FixedConfiguration {
    async fn config(&self) -> Result<Arc<Config>, PortError> {
        Ok(self.0.clone())
    }
}

/// Current first.
#[derive(Clone, Debug)]
pub struct FixedSecrets(pub Vec<SecretString>);

#[async_trait]
impl SigningSecrets for FixedSecrets {
    async fn secrets(&self) -> Result<Vec<SecretString>, PortError> {
        Ok(self.0.clone())
    }

    async fn refreshed(&self) -> Result<Vec<SecretString>, PortError> {
        Ok(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use domain::{ports::contract::settings as contract, sample};

    use super::*;

    #[tokio::test]
    async fn they_keep_the_contract() {
        let settings = FixedSettings(Arc::new(sample::policy()));
        assert_eq!(contract::everybody_gets_the_same_policy(&settings).await, sample::policy());
        let secrets = FixedSecrets(vec!["current".to_owned().into(), "previous".to_owned().into()]);
        assert_eq!(contract::there_is_always_a_secret(&secrets).await, ["current", "previous"]);
    }
}
