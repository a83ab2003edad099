//! The policy: the customer's files, and the mode from a parameter of its own.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    Policy,
    ports::{PortError, Settings},
};
use runtime::config::{Config, Configuration, Files, Variables};
use secrecy::ExposeSecret;
use tokio::sync::Mutex;

use crate::{
    CACHED, ConfigBucket, Parameters, Sdk, Snapshot,
    cached::Cached,
    config_bucket::{AGENTS, POLICY},
};

/// What is set changes within 300 s, without a deployment. A change that cannot be used is logged and not made.
#[derive(Debug)]
pub struct BucketSettings {
    bucket: Arc<ConfigBucket>,
    parameters: Parameters,
    mode_parameter: String,
    mode: Cached<String>,
    variables: Variables,
    last: Mutex<Option<Last>>,
}

/// What a configuration was made of.
#[derive(Debug)]
struct Last {
    snapshot: Arc<Snapshot>,
    mode: String,
    config: Arc<Config>,
    policy: Arc<Policy>,
}

impl BucketSettings {
    #[must_use]
    pub fn new(sdk: &Sdk, bucket: Arc<ConfigBucket>, mode_parameter: String, variables: Variables) -> Self {
        Self {
            bucket,
            parameters: Parameters::new(sdk),
            mode_parameter,
            mode: Cached::default(),
            variables,
            last: Mutex::new(None),
        }
    }

    /// What S3 and SSM say, or what is wrong with the files, only if there is no earlier configuration to go on with.
    async fn current<T>(&self, of: impl Fn(&Last) -> T) -> Result<T, PortError> {
        let snapshot = self.bucket.snapshot();
        let mode = self.mode.get(CACHED, |_| async {
            Ok(self.parameters.required(&self.mode_parameter).await?.expose_secret().trim().to_owned())
        });
        let (snapshot, mode) = futures::try_join!(snapshot, mode)?;
        let mut last = self.last.lock().await;
        if let Some(last) = last.as_ref().filter(|last| Arc::ptr_eq(&last.snapshot, &snapshot) && last.mode == mode) {
            return Ok(of(last));
        }
        match (self.read(&snapshot, &mode), &mut *last) {
            (Ok(config), last) => {
                let policy = Arc::new(config.policy.clone());
                Ok(of(last.insert(Last { snapshot, mode, config: Arc::new(config), policy })))
            }
            (Err(problem), Some(last)) => {
                tracing::error!(problem, "The new configuration is invalid; using the previous one.");
                (last.snapshot, last.mode) = (snapshot, mode);
                Ok(of(last))
            }
            (Err(problem), None) => Err(PortError::transient("configuration", problem)),
        }
    }

    fn read(&self, snapshot: &Snapshot, mode: &str) -> Result<Config, String> {
        let file = |name| snapshot.file(name).unwrap_or_default();
        let files = Files { policy: file(POLICY), agents: file(AGENTS) };
        runtime::config::deployed(files, mode, &self.variables).map_err(|error| error.to_string())
    }
}

#[async_trait]
impl Settings for BucketSettings {
    async fn policy(&self) -> Result<Arc<Policy>, PortError> {
        self.current(|last| last.policy.clone()).await
    }
}

#[async_trait]
impl Configuration for BucketSettings {
    async fn config(&self) -> Result<Arc<Config>, PortError> {
        self.current(|last| last.config.clone()).await
    }
}
