//! Who we are to Slack, kept in a secure parameter.

use ::slack::{Credential, Tokens};
use async_trait::async_trait;
use domain::ports::PortError;
use secrecy::ExposeSecret;

use crate::{CACHED, Parameters, Sdk, cached::Cached};

/// A bot token, or the address of an incoming webhook, as plain text. Where there is no such parameter, Slack is off.
#[derive(Debug)]
pub struct ParameterToken {
    parameters: Parameters,
    name: String,
    cached: Cached<Option<Credential>>,
}

impl ParameterToken {
    #[must_use]
    pub fn new(sdk: &Sdk, name: String) -> Self {
        Self { parameters: Parameters::new(sdk), name, cached: Cached::default() }
    }
}

#[async_trait]
impl Tokens for ParameterToken {
    async fn credential(&self) -> Result<Option<Credential>, PortError> {
        self.cached
            .get(CACHED, |_| async {
                let Some(value) = self.parameters.get(&self.name).await? else { return Ok(None) };
                let credential = Credential::parse(value.expose_secret());
                credential
                    .map(Some)
                    .map_err(|problem| PortError::denied("Slack", format!("parameter {}: {problem}", self.name)))
            })
            .await
    }
}
