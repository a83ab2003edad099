//! What the webhook runs on: AWS, or memory under `sam local`.

use std::sync::Arc;

use aws::{
    ParameterSecrets, Sdk, SqsQueue,
    lambda::{self, Source, variable},
};
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use domain::ports::SigningSecrets;
use lambda_runtime::Error;
use memory::Bundled;
use runtime::{Invocation, config::Reader};
use webhook::Webhook;

pub(crate) struct Function(Webhook);

impl lambda::Function for Function {
    type Event = ApiGatewayV2httpRequest;
    type Answer = ApiGatewayV2httpResponse;

    async fn deployed(source: Source, sdk: Sdk) -> Result<Self, Error> {
        let mut environment = lambda::environment(&source);
        let tickets = environment.required("TICKETS_QUEUE_URL");
        let secret = environment.required("WEBHOOK_SECRET_PARAMETER");
        let bot_user = webhook::bot_user(&mut environment);
        environment.finish()?;
        let secrets = Arc::new(ParameterSecrets::new(&sdk, secret));
        // Read ahead, where the processor is free. What fails here is the first request's to tell, with a 503.
        let _ = secrets.secrets().await;
        Ok(Self(Webhook { secrets, tickets: Arc::new(SqsQueue::new(&sdk, tickets)), bot_user }))
    }

    fn embedded() -> Result<Self, Error> {
        let mut environment = Reader::new(variable);
        let bot_user = webhook::bot_user(&mut environment);
        environment.finish()?;
        let bundled = Bundled::new(lambda::scratch(), variable)?;
        Ok(Self(Webhook { secrets: bundled.secrets, tickets: Bundled::queue(), bot_user }))
    }

    async fn handle(&self, request: Self::Event, invocation: &Invocation) -> Result<Self::Answer, Error> {
        Ok(webhook::handle(&self.0, request, invocation.now).await)
    }
}
