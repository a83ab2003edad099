//! What alerting runs on: AWS, or memory under `sam local`.

use std::{error::Error, sync::Arc};

use alert::Alerting;
use aws::{
    BucketOutbox, BucketSettings, BucketSite, ConfigBucket, ControlTable, Sdk, SesMailer, SqsQueue, TicketTable,
    lambda::{self, Backend, variable},
};
use memory::Bundled;

pub(crate) async fn build() -> Result<Alerting, Box<dyn Error>> {
    if lambda::backend(variable)? == Backend::Embedded {
        return Ok(embedded(Bundled::new(lambda::scratch(), variable)?));
    }
    let mut environment = lambda::environment();
    let queue = environment.required("ALERTS_QUEUE_URL");
    let bucket = environment.required("CONFIG_BUCKET");
    let mode = environment.required("MODE_PARAMETER");
    let tickets = environment.required("TICKETS_TABLE");
    let control = environment.required("CONTROL_TABLE");
    let site = environment.required("SITE_BUCKET");
    let sender = environment.required("SENDER_EMAIL");
    let configuration_set = environment.required("CONFIGURATION_SET");
    environment.finish()?;
    let sdk = Sdk::from_env().await;
    let bucket = Arc::new(ConfigBucket::new(&sdk, bucket));
    let settings = Arc::new(BucketSettings::new(&sdk, bucket, mode, variable));
    let config = settings.config().await?;
    let log = Arc::new(TicketTable::new(&sdk, tickets, config.policy.retention));
    log.warm().await;
    Ok(Alerting {
        settings,
        alerts: log.clone(),
        control: Arc::new(ControlTable::new(&sdk, control)),
        audit: log,
        mailer: Arc::new(SesMailer::new(
            &sdk,
            sender.parse().map_err(|error| format!("SENDER_EMAIL: {error}"))?,
            configuration_set,
        )),
        outbox: Arc::new(BucketOutbox(BucketSite::new(&sdk, site))),
        queue: Arc::new(SqsQueue::new(&sdk, queue)),
        delivery: config.delivery,
    })
}

fn embedded(bundled: Bundled) -> Alerting {
    Alerting {
        settings: bundled.settings,
        alerts: bundled.log.clone(),
        control: bundled.control,
        audit: bundled.log,
        mailer: bundled.outbox.clone(),
        outbox: bundled.outbox,
        queue: Bundled::queue(),
        delivery: bundled.config.delivery,
    }
}
