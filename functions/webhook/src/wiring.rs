//! What the webhook runs on: AWS, or memory under `sam local`.

use std::{error::Error, sync::Arc};

use aws::{
    BucketSettings, ConfigBucket, ParameterSecrets, Sdk, SqsQueue,
    lambda::{self, Backend, variable},
};
use memory::Bundled;
use webhook::Webhook;

pub(crate) async fn build() -> Result<Webhook, Box<dyn Error>> {
    if lambda::backend(variable)? == Backend::Embedded {
        let bundled = Bundled::new(lambda::scratch(), variable)?;
        return Ok(Webhook { secrets: bundled.secrets, settings: bundled.settings, tickets: Bundled::queue() });
    }
    let mut environment = lambda::environment();
    let queue = environment.required("TICKETS_QUEUE_URL");
    let bucket = environment.required("CONFIG_BUCKET");
    let mode = environment.required("MODE_PARAMETER");
    let secret = environment.required("WEBHOOK_SECRET_PARAMETER");
    environment.finish()?;
    let sdk = Sdk::from_env().await;
    let bucket = Arc::new(ConfigBucket::new(&sdk, bucket));
    let webhook = Webhook {
        secrets: Arc::new(ParameterSecrets::new(&sdk, secret)),
        settings: Arc::new(BucketSettings::new(&sdk, bucket, mode, variable)),
        tickets: Arc::new(SqsQueue::new(&sdk, queue)),
    };
    // Read ahead, where the processor is free. What fails here is the first request's to tell, with a 503.
    let _ = futures::join!(webhook.secrets.secrets(), webhook.settings.policy());
    Ok(webhook)
}
