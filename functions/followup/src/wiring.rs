//! What the follow-up runs on: AWS, or memory under `sam local`.

use std::{sync::Arc, time::Duration};

use aws::{
    ParameterSecrets, ParameterToken, Sdk, SqsQueue, TicketTable,
    lambda::{self, Source, variable},
};
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use domain::ports::SigningSecrets;
use followup::{FollowingUp, PageDoor, SlackDoor};
use jiff::SignedDuration;
use lambda_runtime::Error;
use memory::Bundled;
use runtime::{Invocation, rebuild::Announcing};
use slack::{Api, Client};

/// One call of Slack. A press waits for three at most, one after the other, and Slack for 3 s.
const SLACK_PATIENCE: Duration = Duration::from_millis(800);

pub(crate) struct Function(FollowingUp);

impl lambda::Function for Function {
    type Event = ApiGatewayV2httpRequest;
    type Answer = ApiGatewayV2httpResponse;

    async fn deployed(source: Source, sdk: Sdk) -> Result<Self, Error> {
        let mut environment = lambda::environment(&source);
        let secret = environment.required("FOLLOWUP_SECRET_PARAMETER");
        let tickets = environment.required("TICKETS_TABLE");
        let queue = environment.required("ALERTS_QUEUE_URL");
        let token = environment.optional("SLACK_TOKEN_PARAMETER");
        let slack_api = environment.or("SLACK_API", Api::default());
        let signing = environment.optional("SLACK_SIGNING_PARAMETER");
        let sessions = environment.optional("SESSION_KEYS_PARAMETER");
        let rebuilds = environment.required("REBUILDS_QUEUE_URL");
        environment.finish()?;
        let secrets = Arc::new(ParameterSecrets::new(&sdk, secret));
        // How long readings are kept and how far back alerts are listed; this function does neither.
        let table = Arc::new(TicketTable::new(&sdk, tickets, SignedDuration::ZERO));
        // Both ahead, where the processor is free. What fails here is the first request's to tell, with a 503.
        let _ = futures::join!(secrets.secrets(), table.warm());
        let slack = token.zip(signing).map(|(token, signing)| SlackDoor {
            secrets: Arc::new(ParameterSecrets::optional(&sdk, signing)),
            client: Client::over_http(Arc::new(ParameterToken::new(&sdk, token)), SLACK_PATIENCE, slack_api),
        });
        let alert_queue = Arc::new(SqsQueue::new(&sdk, queue));
        let page = match sessions {
            Some(sessions) => PageDoor::Sessions(Arc::new(ParameterSecrets::new(&sdk, sessions))),
            None => PageDoor::Asking,
        };
        let alerts = Arc::new(Announcing::new(table, Arc::new(SqsQueue::new(&sdk, rebuilds))));
        Ok(Self(FollowingUp { secrets, alerts, alert_queue, slack, page }))
    }

    fn embedded() -> Result<Self, Error> {
        let bundled = Bundled::new(lambda::scratch(), variable)?;
        let (secrets, alerts) = (bundled.secrets, bundled.log);
        let alert_queue = Bundled::queue();
        Ok(Self(FollowingUp { secrets, alerts, alert_queue, slack: None, page: PageDoor::Shut }))
    }

    async fn handle(&self, request: Self::Event, invocation: &Invocation) -> Result<Self::Answer, Error> {
        Ok(followup::handle(&self.0, request, invocation.now).await)
    }
}
