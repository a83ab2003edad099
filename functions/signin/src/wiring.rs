//! What the sign-in runs on: AWS, or nothing under `sam local`.

use std::sync::Arc;

use async_trait::async_trait;
use aws::{
    ParameterSecrets, Parameters, Sdk,
    lambda::{self, Source, variable},
};
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use domain::ports::{PortError, SigningSecrets};
use lambda_runtime::Error;
use memory::Bundled;
use runtime::Invocation;
use secrecy::ExposeSecret;
use signin::{
    HttpTransport, SignIn,
    provider::Known,
    settings::{Settings, SettingsSource},
};

pub(crate) struct Function(SignIn);

impl lambda::Function for Function {
    type Event = ApiGatewayV2httpRequest;
    type Answer = ApiGatewayV2httpResponse;

    async fn deployed(source: Source, sdk: Sdk) -> Result<Self, Error> {
        let mut environment = lambda::environment(&source);
        let site = environment.required("SITE_URL");
        let settings = environment.required("SIGNIN_PARAMETER");
        let keys = environment.required("SESSION_KEYS_PARAMETER");
        environment.finish()?;
        let keys = Arc::new(ParameterSecrets::new(&sdk, keys));
        // Read ahead, where the processor is free. What fails here is the first request's to tell, with a 503.
        let _ = keys.secrets().await;
        let settings = Arc::new(ParameterSettings { parameters: Parameters::new(&sdk), name: settings });
        Ok(Self(sign_in(settings, keys, site)))
    }

    fn embedded() -> Result<Self, Error> {
        let keys = Bundled::new(lambda::scratch(), variable)?.secrets;
        Ok(Self(sign_in(Arc::new(NoSettings), keys, "http://127.0.0.1".to_owned())))
    }

    async fn handle(&self, request: Self::Event, invocation: &Invocation) -> Result<Self::Answer, Error> {
        Ok(signin::handle(&self.0, request, invocation.now).await)
    }
}

fn sign_in(settings: Arc<dyn SettingsSource>, keys: Arc<dyn SigningSecrets>, site: String) -> SignIn {
    SignIn { settings, keys, transport: Arc::new(HttpTransport::default()), known: Arc::new(Known::default()), site }
}

/// The settings in one secure parameter, read for each sign-in: there are few, and a mended mistake counts at once.
struct ParameterSettings {
    parameters: Parameters,
    name: String,
}

#[async_trait]
impl SettingsSource for ParameterSettings {
    async fn settings(&self) -> Result<Settings, PortError> {
        let problem = |text: String| PortError::transient("SSM", format!("parameter {}: {text}", self.name));
        let text = self.parameters.get(&self.name).await?;
        let text = text.ok_or_else(|| problem("is not there; infra/identity.py writes it".to_owned()))?;
        Settings::parse(text.expose_secret()).map_err(|error| problem(error.to_string()))
    }
}

/// Under `sam local` there is no provider to sign in at.
struct NoSettings;

#[async_trait]
impl SettingsSource for NoSettings {
    async fn settings(&self) -> Result<Settings, PortError> {
        Err(PortError::transient("sam local", "has no identity provider"))
    }
}
