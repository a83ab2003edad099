//! The policy: the customer's files, and the switches from parameters of their own.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    Policy,
    ports::{PortError, Settings},
};
use runtime::config::{Config, Configuration, Files, Switches, Variables};
use secrecy::ExposeSecret;
use tokio::sync::Mutex;

use crate::{
    CACHED, ConfigBucket, Parameters, Sdk, Snapshot,
    cached::Cached,
    config_bucket::{AGENTS, PLAYBOOKS, POLICY},
};

/// What is set changes within 300 s, without a deployment. A change that cannot be used is logged and not made.
#[derive(Debug)]
pub struct BucketSettings {
    bucket: Arc<ConfigBucket>,
    parameters: Parameters,
    /// What the names of the switches' parameters begin with.
    prefix: String,
    switches: Cached<Switches>,
    variables: Variables,
    last: Mutex<Option<Last>>,
}

/// What a configuration was made of.
#[derive(Debug)]
struct Last {
    snapshot: Arc<Snapshot>,
    switches: Switches,
    config: Arc<Config>,
    policy: Arc<Policy>,
}

impl Last {
    fn turn(&mut self, switches: Switches) {
        let Switches { mode, auto_reply, delivery } = switches;
        let turned = |policy: &Policy| Policy { mode, auto_reply, delivery, ..policy.clone() };
        self.policy = Arc::new(turned(&self.policy));
        self.config = Arc::new(Config { policy: turned(&self.config.policy), ..(*self.config).clone() });
        self.switches = switches;
    }
}

impl BucketSettings {
    #[must_use]
    pub fn new(sdk: &Sdk, bucket: Arc<ConfigBucket>, prefix: String, variables: Variables) -> Self {
        Self {
            bucket,
            parameters: Parameters::new(sdk),
            prefix,
            switches: Cached::default(),
            variables,
            last: Mutex::new(None),
        }
    }

    /// What S3 and SSM say, or what is wrong with the files, only if there is no earlier configuration to go on with.
    async fn current<T>(&self, of: impl Fn(&Last) -> T) -> Result<T, PortError> {
        let snapshot = self.bucket.snapshot();
        let switches = self.switches.get(CACHED, |_| self.turned());
        let (snapshot, switches) = futures::try_join!(snapshot, switches)?;
        let mut last = self.last.lock().await;
        if let Some(last) =
            last.as_ref().filter(|last| Arc::ptr_eq(&last.snapshot, &snapshot) && last.switches == switches)
        {
            return Ok(of(last));
        }
        match (self.read(&snapshot, switches), &mut *last) {
            (Ok(config), last) => {
                let policy = Arc::new(config.policy.clone());
                Ok(of(last.insert(Last { snapshot, switches, config: Arc::new(config), policy })))
            }
            (Err(problem), Some(last)) => {
                tracing::error!(problem, "The new configuration is invalid; using the previous one.");
                runtime::metrics::misconfigured();
                // A mistake in a file is no reason to ignore a switch.
                last.turn(switches);
                last.snapshot = snapshot;
                Ok(of(last))
            }
            (Err(problem), None) => Err(PortError::transient("configuration", problem)),
        }
    }

    /// The switches as they stand now.
    async fn turned(&self) -> Result<Switches, PortError> {
        let name = |switch: &str| format!("{}/{switch}", self.prefix);
        // One by one and not as one call of several: every parameter's own permission is asked for, also where a policy is
        // tried out on an emulator.
        let read = async |switch: &'static str| Ok::<_, PortError>((switch, self.parameters.get(&name(switch)).await?));
        let found = futures::future::try_join_all(Switches::NAMES.map(read)).await?;
        let of = |switch: &str| found.iter().find(|(name, _)| *name == switch).and_then(|(_, value)| value.as_ref());
        let (switches, problems) = Switches::turned(|switch| of(switch).map(|value| value.expose_secret().to_owned()));
        for problem in problems {
            tracing::error!(problem, "A switch cannot be read, so it counts as off.");
            runtime::metrics::misconfigured();
        }
        Ok(switches)
    }

    fn read(&self, snapshot: &Snapshot, switches: Switches) -> Result<Config, String> {
        let file = |name| snapshot.file(name).unwrap_or_default();
        let files = Files { policy: file(POLICY), agents: file(AGENTS), playbooks: snapshot.file(PLAYBOOKS) };
        runtime::config::deployed(files, switches, &self.variables).map_err(|error| error.to_string())
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
