//! The analyst over files that may change while the function runs.

use std::{sync::Arc, time::Duration};

use analysis::{EmbeddedAnalyst, Encoder, KnowledgeBase, Model};
use async_trait::async_trait;
use aws::{BucketSettings, ConfigBucket, Snapshot};
use claude::{Budget, Config, Reader};
use domain::{
    Account, Policy, Reading, Ticket,
    ports::{Analyst, PortError, Settings},
};
use tokio::sync::Mutex;

/// Reads with the knowledge base and the team profiles that lie in the config bucket, at most 300 s old.
pub(crate) struct LiveAnalyst {
    bucket: Arc<ConfigBucket>,
    settings: Arc<BucketSettings>,
    model: Config,
    budget: Budget,
    current: Mutex<(Arc<Snapshot>, Arc<Reader>)>,
}

impl LiveAnalyst {
    pub(crate) async fn new(
        bucket: Arc<ConfigBucket>,
        settings: Arc<BucketSettings>,
        model: Config,
        budget: Budget,
    ) -> Result<Self, PortError> {
        let (snapshot, policy) = futures::try_join!(bucket.snapshot(), settings.policy())?;
        let first = reader(snapshot.articles(), &policy, &model, budget.clone())
            .map_err(|problem| PortError::transient("configuration", problem))?;
        first.warm().await;
        Ok(Self { bucket, settings, model, budget, current: Mutex::new((snapshot, Arc::new(first))) })
    }

    /// The reader for the files as they are now. Files that cannot be used are logged once, and the ones before stay.
    async fn reader(&self) -> Result<Arc<Reader>, PortError> {
        let (snapshot, policy) = futures::try_join!(self.bucket.snapshot(), self.settings.policy())?;
        let mut current = self.current.lock().await;
        if !Arc::ptr_eq(&current.0, &snapshot) {
            current.0 = snapshot.clone();
            match reader(snapshot.articles(), &policy, &self.model, self.budget.clone()) {
                Ok(reader) => current.1 = Arc::new(reader),
                Err(problem) => {
                    tracing::error!(problem, "The new knowledge base cannot be used; the one before stays.")
                }
            }
        }
        Ok(current.1.clone())
    }
}

#[async_trait]
impl Analyst for LiveAnalyst {
    async fn read(&self, ticket: &Ticket, account: &Account, within: Duration) -> Result<Reading, PortError> {
        self.reader().await?.read(ticket, account, within).await
    }
}

/// The embedded analyst with these articles, and Claude where the configuration says so.
pub(crate) fn reader<'a>(
    articles: impl Iterator<Item = (&'a str, &'a str)>,
    policy: &Policy,
    model: &Config,
    budget: Budget,
) -> Result<Reader, String> {
    let encoder = Encoder::new(data::ENCODER).map_err(|error| error.to_string())?;
    let weights = Model::read(data::MODEL).map_err(|error| error.to_string())?;
    let knowledge = KnowledgeBase::parse(articles).map_err(|error| format!("knowledge_base: {error}"))?;
    let signatures = policy.agents.iter().map(|(agent, profile)| (*agent, profile.signature.clone())).collect();
    Reader::new(model, &policy.agents, EmbeddedAnalyst::new(encoder, weights, knowledge, signatures), budget)
}
