//! What triage runs on: AWS, or the bundled tickets under `sam local`.

use std::sync::Arc;

use aws::{
    Articles, BucketOutbox, BucketSite, ControlTable, Deployment, Parameters, SqsQueue,
    lambda::{self, Environment, variable, wall_clock},
};
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use domain::ports::Control;
use lambda_runtime::Error;
use llm::Budget;
use memory::{Bundled, RemoteHelpdesk};
use runtime::{Invocation, config::ConfigError};
use secrecy::{ExposeSecret, SecretString};
use triage::Triage;

use crate::analyst::{LiveAnalyst, ModelChoice, router};

pub(crate) struct Function(Triage);

impl lambda::Function for Function {
    type Event = SqsEvent;
    type Answer = SqsBatchResponse;

    async fn deployed(mut environment: Environment) -> Result<Self, Error> {
        let tickets = environment.required("TICKETS_QUEUE_URL");
        let dead_letters = environment.required("TICKETS_DEAD_LETTERS_URL");
        let alerts = environment.required("ALERTS_QUEUE_URL");
        let control = environment.required("CONTROL_TABLE");
        let helpdesk = environment.required("HELPDESK_URL");
        let site = environment.required("SITE_BUCKET");
        let model_key = environment.required("MODEL_KEY_PARAMETER");
        let deployment = Deployment::new(environment, Articles::Read).await?;
        let parameters = Parameters::new(&deployment.sdk);
        let (_, key) = futures::try_join!(deployment.warm(), parameters.get(&model_key))?;
        let choice = model_choice(key, Arc::new(ControlTable::new(&deployment.sdk, control)))?;
        let analyst = LiveAnalyst::new(deployment.bucket, deployment.settings.clone(), choice).await?;
        let helpdesk = RemoteHelpdesk::new(&helpdesk).map_err(|error| format!("HELPDESK_URL: {error}"))?;
        Ok(Self(Triage {
            settings: deployment.settings,
            log: deployment.log.clone(),
            records: deployment.log.clone(),
            alerts: deployment.log.clone(),
            audit: deployment.log.clone(),
            eraser: deployment.log,
            outbox: Arc::new(BucketOutbox(BucketSite::new(&deployment.sdk, site))),
            helpdesk: Arc::new(helpdesk),
            analyst: Arc::new(analyst),
            tickets: Arc::new(SqsQueue::new(&deployment.sdk, tickets)),
            dead_letters: Arc::new(SqsQueue::new(&deployment.sdk, dead_letters)),
            alert_queue: Arc::new(SqsQueue::new(&deployment.sdk, alerts)),
        }))
    }

    fn embedded() -> Result<Self, Error> {
        let bundled = Bundled::new(lambda::scratch(), variable)?;
        let choice = model_choice(None, bundled.control)?;
        let router = router(data::knowledge_base(), &bundled.config.policy, choice)?;
        Ok(Self(Triage {
            settings: bundled.settings,
            log: bundled.log.clone(),
            records: bundled.log.clone(),
            alerts: bundled.log.clone(),
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

/// What the variables say, with the key from its parameter.
fn model_choice(key: Option<SecretString>, control: Arc<dyn Control>) -> Result<ModelChoice, Error> {
    let get = |name: &str| match name {
        "ANTHROPIC_API_KEY" => key.as_ref().map(|key| key.expose_secret().to_owned()),
        _ => variable(name),
    };
    let (config, claude) = ConfigError::both(llm::Config::read(get), claude::Config::read(get))?;
    let budget = Budget::new(control, config.budget_usd, wall_clock);
    Ok(ModelChoice { config, model: claude::language_model(&claude)?, budget })
}
