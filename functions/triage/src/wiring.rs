//! What triage runs on: AWS, or the bundled tickets under `sam local`.

use std::{sync::Arc, time::Duration};

use aws::{
    Articles, BucketOutbox, BucketSite, ControlTable, Deployment, ParameterCredentials, ParameterToken, Parameters,
    Sdk, SqsQueue,
    lambda::{self, Source, variable, wall_clock},
};
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use domain::{
    UserId,
    ports::{Control, Outbox},
};
use lambda_runtime::Error;
use llm::Budget;
use memory::Bundled;
use runtime::{
    Invocation,
    config::{ConfigError, ConfiguredMapping},
};
use secrecy::{ExposeSecret, SecretString};
use slack::WithPosts;
use triage::Triage;
use zendesk::{Access, Client, CredentialSource, HttpTransport, RUNTIME_SCOPES, ZendeskHelpdesk};

use crate::analyst::{LiveAnalyst, ModelChoice, router};

/// One call of Slack, when a ticket is forgotten.
const SLACK_PATIENCE: Duration = Duration::from_secs(5);

pub(crate) struct Function(Triage);

impl lambda::Function for Function {
    type Event = SqsEvent;
    type Answer = SqsBatchResponse;

    async fn deployed(source: Source, sdk: Sdk) -> Result<Self, Error> {
        let mut environment = lambda::environment(&source);
        let tickets = environment.required("TICKETS_QUEUE_URL");
        let dead_letters = environment.required("TICKETS_DEAD_LETTERS_URL");
        let alerts = environment.required("ALERTS_QUEUE_URL");
        let control = environment.required("CONTROL_TABLE");
        let place = environment.required("ZENDESK_SUBDOMAIN");
        let credentials = environment.required("ZENDESK_CREDENTIALS_PARAMETER");
        let bot = environment.optional("BOT_USER_ID").map(UserId);
        let site = environment.required("SITE_BUCKET");
        let slack: Option<String> = environment.optional("SLACK_TOKEN_PARAMETER");
        let slack_api = environment.or("SLACK_API", slack::Api::default());
        let model_key = environment.required("MODEL_KEY_PARAMETER");
        let deployment = Deployment::new(environment, sdk, Articles::Read)?;
        let parameters = Parameters::new(&deployment.sdk);
        let transport = HttpTransport::new(&place).map_err(|problem| format!("ZENDESK_SUBDOMAIN: {problem}"))?;
        let credentials = Arc::new(ParameterCredentials::new(&deployment.sdk, credentials));
        let (warm, key, ()) = futures::join!(deployment.warm(), parameters.get(&model_key), read_ahead(&credentials));
        let (_, key) = (warm?, key?);
        let control = Arc::new(ControlTable::new(&deployment.sdk, control));
        let access = Access::new(credentials, RUNTIME_SCOPES);
        let conversations = control.clone();
        let budget = zendesk::Budget::new(control.clone());
        let client = Client::new(Arc::new(transport), access, budget, Arc::new(wall_clock));
        let mapping = Arc::new(ConfiguredMapping(deployment.settings.clone()));
        let helpdesk = ZendeskHelpdesk::new(client, mapping, bot);
        let choice = model_choice(&*source, key, control)?;
        let analyst = LiveAnalyst::new(deployment.bucket, deployment.settings.clone(), choice).await?;
        let mut outbox: Arc<dyn Outbox> = Arc::new(BucketOutbox(BucketSite::new(&deployment.sdk, site)));
        if let Some(token) = slack {
            let tokens = Arc::new(ParameterToken::new(&deployment.sdk, token));
            let chat = Arc::new(slack::Client::over_http(tokens, SLACK_PATIENCE, slack_api));
            outbox = Arc::new(WithPosts { outbox, alerts: deployment.log.clone(), chat });
        }
        Ok(Self(Triage {
            settings: deployment.settings,
            log: deployment.log.clone(),
            records: deployment.log.clone(),
            alerts: deployment.log.clone(),
            follow_ups: deployment.log.clone(),
            conversations,
            audit: deployment.log.clone(),
            eraser: deployment.log,
            outbox,
            helpdesk: Arc::new(helpdesk),
            analyst: Arc::new(analyst),
            tickets: Arc::new(SqsQueue::new(&deployment.sdk, tickets)),
            dead_letters: Arc::new(SqsQueue::new(&deployment.sdk, dead_letters)),
            alert_queue: Arc::new(SqsQueue::new(&deployment.sdk, alerts)),
        }))
    }

    fn embedded() -> Result<Self, Error> {
        let bundled = Bundled::new(lambda::scratch(), variable)?;
        let choice = model_choice(&variable, None, bundled.control.clone())?;
        let router = router(data::knowledge_base(), &bundled.config.policy, choice)?;
        Ok(Self(Triage {
            settings: bundled.settings,
            log: bundled.log.clone(),
            records: bundled.log.clone(),
            alerts: bundled.log.clone(),
            follow_ups: bundled.log.clone(),
            conversations: bundled.control,
            audit: bundled.log.clone(),
            eraser: bundled.log,
            outbox: bundled.outbox,
            helpdesk: bundled.helpdesk,
            analyst: Arc::new(router),
            tickets: Bundled::queue(),
            dead_letters: Bundled::queue(),
            alert_queue: Bundled::queue(),
        }))
    }

    async fn handle(&self, event: Self::Event, invocation: &Invocation) -> Result<Self::Answer, Error> {
        Ok(triage::handle(&self.0, event, invocation).await)
    }
}

/// Reads Zendesk's credentials with the rest. Missing ones are the first ticket's to tell: they may come later.
async fn read_ahead(credentials: &ParameterCredentials) {
    if let Ok(credentials) = credentials.credentials().await
        && let Some(problem) = credentials.warning()
    {
        tracing::warn!(problem, "Zendesk's API tokens end.");
    }
}

/// What the variables say, with the key from its parameter.
fn model_choice(
    source: &dyn Fn(&str) -> Option<String>,
    key: Option<SecretString>,
    control: Arc<dyn Control>,
) -> Result<ModelChoice, Error> {
    let get = |name: &str| match name {
        "ANTHROPIC_API_KEY" => key.as_ref().map(|key| key.expose_secret().to_owned()),
        _ => source(name),
    };
    let (config, claude) = ConfigError::both(llm::Config::read(get), claude::Config::read(get))?;
    let budget = Budget::new(control, config.budget_usd, wall_clock);
    Ok(ModelChoice { config, model: claude::language_model(&claude)?, budget })
}
