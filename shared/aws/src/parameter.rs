//! Parameters of the Systems Manager, secure ones decrypted.

use aws_sdk_ssm::operation::get_parameter::GetParameterError;
use domain::ports::PortError;
use secrecy::SecretString;

use crate::{Sdk, failure::sort};

const SERVICE: &str = "SSM";

#[derive(Clone, Debug)]
pub struct Parameters {
    client: aws_sdk_ssm::Client,
}

impl Parameters {
    #[must_use]
    pub fn new(sdk: &Sdk) -> Self {
        Self { client: sdk.ssm() }
    }

    /// The parameter's value; none if there is no such parameter.
    ///
    /// # Errors
    /// What SSM says.
    pub async fn get(&self, name: &str) -> Result<Option<SecretString>, PortError> {
        match self.client.get_parameter().name(name).with_decryption(true).send().await {
            Ok(output) => Ok(output.parameter.and_then(|parameter| parameter.value).map(SecretString::from)),
            Err(error) => match error.as_service_error() {
                Some(GetParameterError::ParameterNotFound(_)) => Ok(None),
                _ => Err(sort(SERVICE, error)),
            },
        }
    }

    /// A parameter that has to be there.
    ///
    /// # Errors
    /// As [`Self::get`]; transient if it is missing, since the remedy is to create it.
    pub(crate) async fn required(&self, name: &str) -> Result<SecretString, PortError> {
        let missing = || PortError::transient(SERVICE, format!("there is no parameter {name}; create it"));
        self.get(name).await?.ok_or_else(missing)
    }
}
