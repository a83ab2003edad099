//! Who we are to Zendesk, kept in a secure parameter.

use std::time::Duration;

use ::zendesk::{CredentialSource, Credentials};
use async_trait::async_trait;
use domain::ports::PortError;
use secrecy::ExposeSecret;

use crate::{CACHED, Parameters, Sdk, cached::Cached};

/// `{"client_id": "...", "client_secret": "..."}` in one secure parameter, or the form with an API token.
#[derive(Debug)]
pub struct ParameterCredentials {
    parameters: Parameters,
    name: String,
    cached: Cached<Credentials>,
}

impl ParameterCredentials {
    #[must_use]
    pub fn new(sdk: &Sdk, name: String) -> Self {
        Self { parameters: Parameters::new(sdk), name, cached: Cached::default() }
    }

    async fn not_older_than(&self, age: Duration) -> Result<Credentials, PortError> {
        self.cached
            .get(age, |_| async {
                let value = self.parameters.required(&self.name).await?;
                Credentials::parse(value.expose_secret())
                    .map_err(|problem| PortError::transient("SSM", format!("parameter {}: {problem}", self.name)))
            })
            .await
    }
}

#[async_trait]
impl CredentialSource for ParameterCredentials {
    async fn credentials(&self) -> Result<Credentials, PortError> {
        self.not_older_than(CACHED).await
    }

    async fn refreshed(&self) -> Result<Credentials, PortError> {
        // However often this is asked, the parameter is read every few seconds at most.
        self.not_older_than(Duration::ZERO).await
    }
}
