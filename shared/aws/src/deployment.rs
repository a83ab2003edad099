//! What the functions that work on tickets have in common: the customer's settings and the table of tickets.

use std::sync::Arc;

use domain::ports::PortError;
use runtime::config::{Config, ConfigError, Configuration, Defaults, Variables};

use crate::{BucketSettings, ConfigBucket, Sdk, TicketTable, lambda::Environment};

/// One function's share of a deployment.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// For what this function alone talks to.
    pub sdk: Sdk,
    pub bucket: Arc<ConfigBucket>,
    pub settings: Arc<BucketSettings>,
    pub log: Arc<TicketTable>,
    pub variables: Variables,
}

/// Whether a function reads the knowledge base too. Its role may forbid it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Articles {
    Read,
    Left,
}

impl Deployment {
    /// Reads `CONFIG_BUCKET`, `SWITCHES`, `TICKETS_TABLE` and the [`Variables`]; nothing is asked of AWS yet.
    ///
    /// # Errors
    /// Whatever is wrong with the environment, also with what was read of it before, in one message.
    pub fn new(mut environment: Environment, sdk: Sdk, articles: Articles) -> Result<Self, ConfigError> {
        let bucket = environment.required("CONFIG_BUCKET");
        let switches = environment.required("SWITCHES");
        let tickets = environment.required("TICKETS_TABLE");
        let variables = Variables::read(environment, &Defaults::deployment())?;
        let bucket = ConfigBucket::new(&sdk, bucket);
        let bucket = Arc::new(match articles {
            Articles::Read => bucket.with_articles(),
            Articles::Left => bucket,
        });
        Ok(Self {
            settings: Arc::new(BucketSettings::new(&sdk, bucket.clone(), switches, variables.clone())),
            log: Arc::new(TicketTable::new(&sdk, tickets, variables.retention)),
            sdk,
            bucket,
            variables,
        })
    }

    /// Reads the settings and opens the connection to the table, so that the first call waits for neither.
    ///
    /// # Errors
    /// Settings that cannot be read: a function that cannot work does not start, and its alarm says so.
    pub async fn warm(&self) -> Result<Arc<Config>, PortError> {
        let (config, ()) = futures::join!(self.settings.config(), self.log.warm());
        config
    }
}

#[cfg(test)]
mod tests {
    use runtime::config::Reader;

    use super::*;

    #[tokio::test]
    async fn an_empty_environment_is_named_in_full() {
        let mut environment: Environment = Reader::new(Box::new(|_| None));
        let queue = environment.required("ALERTS_QUEUE_URL");
        assert_eq!(queue, "");
        let sdk = Sdk::from_env().await;
        let problems = Deployment::new(environment, sdk, Articles::Left).unwrap_err().0;
        let names =
            ["ALERTS_QUEUE_URL", "CONFIG_BUCKET", "SWITCHES", "TICKETS_TABLE", "GUARDIAN_EMAIL", "OPPORTUNITY_EMAIL"];
        assert_eq!(problems, names.map(|name| format!("{name}: is not set")));
    }
}
