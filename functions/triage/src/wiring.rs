//! What triage runs on: AWS, or the bundled tickets under `sam local`.

use std::{error::Error, sync::Arc};

use aws::{
    BucketSettings, ConfigBucket, ControlTable, Parameters, Sdk, SqsQueue, TicketTable,
    lambda::{self, Backend, variable, wall_clock},
};
use domain::ports::Control;
use llm::Budget;
use memory::{Bundled, RemoteHelpdesk};
use runtime::config::ConfigError;
use secrecy::{ExposeSecret, SecretString};
use triage::Triage;

use crate::analyst::{LiveAnalyst, ModelChoice, router};

pub(crate) async fn build() -> Result<Triage, Box<dyn Error>> {
    match lambda::backend(variable)? {
        Backend::Aws => on_aws().await,
        Backend::Embedded => Ok(embedded()?),
    }
}

async fn on_aws() -> Result<Triage, Box<dyn Error>> {
    let mut environment = lambda::environment();
    let queue = environment.required("TICKETS_QUEUE_URL");
    let alert_queue = environment.required("ALERTS_QUEUE_URL");
    let bucket = environment.required("CONFIG_BUCKET");
    let mode = environment.required("MODE_PARAMETER");
    let model_key = environment.required("MODEL_KEY_PARAMETER");
    let tickets = environment.required("TICKETS_TABLE");
    let control = environment.required("CONTROL_TABLE");
    let helpdesk = environment.required("HELPDESK_URL");
    // Read with the policy; without them alerts would go to the example addresses.
    environment.required("GUARDIAN_EMAIL");
    environment.required("OPPORTUNITY_EMAIL");
    environment.finish()?;
    let sdk = Sdk::from_env().await;
    let bucket = Arc::new(ConfigBucket::new(&sdk, bucket).with_articles());
    let settings = Arc::new(BucketSettings::new(&sdk, bucket.clone(), mode, variable));
    let parameters = Parameters::new(&sdk);
    let (config, key) = futures::try_join!(settings.config(), parameters.get(&model_key))?;
    let choice = model_choice(key, Arc::new(ControlTable::new(&sdk, control)))?;
    let log = Arc::new(TicketTable::new(&sdk, tickets, config.policy.retention));
    let helpdesk = RemoteHelpdesk::new(&helpdesk).map_err(|error| format!("HELPDESK_URL: {error}"))?;
    let analyst = LiveAnalyst::new(bucket, settings.clone(), choice);
    let (analyst, ()) = futures::join!(analyst, log.warm());
    Ok(Triage {
        settings,
        log: log.clone(),
        records: log.clone(),
        alerts: log.clone(),
        audit: log,
        helpdesk: Arc::new(helpdesk),
        analyst: Arc::new(analyst?),
        tickets: Arc::new(SqsQueue::new(&sdk, queue)),
        alert_queue: Arc::new(SqsQueue::new(&sdk, alert_queue)),
    })
}

fn embedded() -> Result<Triage, Box<dyn Error>> {
    let bundled = Bundled::new(lambda::scratch(), variable)?;
    let choice = model_choice(None, bundled.control)?;
    let router = router(data::knowledge_base(), &bundled.config.policy, choice)?;
    Ok(Triage {
        settings: bundled.settings,
        log: bundled.log.clone(),
        records: bundled.log.clone(),
        alerts: bundled.log.clone(),
        audit: bundled.log,
        helpdesk: bundled.helpdesk,
        analyst: Arc::new(router),
        tickets: Bundled::queue(),
        alert_queue: Bundled::queue(),
    })
}

/// What the variables say, with the key from its parameter.
fn model_choice(key: Option<SecretString>, control: Arc<dyn Control>) -> Result<ModelChoice, Box<dyn Error>> {
    let get = |name: &str| match name {
        "ANTHROPIC_API_KEY" => key.as_ref().map(|key| key.expose_secret().to_owned()),
        _ => variable(name),
    };
    let (config, claude) = ConfigError::both(llm::Config::read(get), claude::Config::read(get))?;
    let budget = Budget::new(control, config.budget_usd, wall_clock);
    Ok(ModelChoice { config, model: claude::language_model(&claude)?, budget })
}
