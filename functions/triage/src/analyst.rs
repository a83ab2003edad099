//! The analyst over files that may change while the function runs.

use std::{sync::Arc, time::Duration};

use analyst::{EmbeddedAnalyst, KnowledgeBase, Weights};
use async_trait::async_trait;
use aws::{BucketSettings, ConfigBucket, Snapshot};
use domain::{
    Account, Policy, Reading, Ticket,
    ports::{Analyst, PortError, Settings},
};
use llm::{Budget, Config, LanguageModel, Router};
use tokio::sync::Mutex;

/// The language model, if there is one, and how far it may go.
#[derive(Clone)]
pub(crate) struct ModelChoice {
    pub(crate) config: Config,
    pub(crate) model: Option<Arc<dyn LanguageModel>>,
    pub(crate) budget: Budget,
}

/// Reads with the knowledge base and the team profiles of the config bucket, at most 300 s old.
pub(crate) struct LiveAnalyst {
    bucket: Arc<ConfigBucket>,
    settings: Arc<BucketSettings>,
    choice: ModelChoice,
    current: Mutex<(Arc<Snapshot>, Arc<Router>)>,
}

impl LiveAnalyst {
    pub(crate) async fn new(
        bucket: Arc<ConfigBucket>,
        settings: Arc<BucketSettings>,
        choice: ModelChoice,
    ) -> Result<Self, PortError> {
        let (snapshot, policy) = futures::try_join!(bucket.snapshot(), settings.policy())?;
        let first = router(snapshot.articles(), &policy, choice.clone())
            .map_err(|problem| PortError::transient("configuration", problem))?;
        first.warm().await;
        Ok(Self { bucket, settings, choice, current: Mutex::new((snapshot, Arc::new(first))) })
    }

    /// The router for the current files. Invalid files are logged once, and the previous ones stay in use.
    async fn router(&self) -> Result<Arc<Router>, PortError> {
        let (snapshot, policy) = futures::try_join!(self.bucket.snapshot(), self.settings.policy())?;
        let mut current = self.current.lock().await;
        if !Arc::ptr_eq(&current.0, &snapshot) {
            current.0 = snapshot.clone();
            match router(snapshot.articles(), &policy, self.choice.clone()) {
                Ok(router) => current.1 = Arc::new(router),
                Err(problem) => {
                    tracing::error!(problem, "The new knowledge base is invalid; using the previous one.");
                }
            }
        }
        Ok(current.1.clone())
    }
}

#[async_trait]
impl Analyst for LiveAnalyst {
    async fn read(&self, ticket: &Ticket, account: &Account, within: Duration) -> Result<Reading, PortError> {
        self.router().await?.read(ticket, account, within).await
    }
}

/// The embedded analyst with these articles, and the language model where the configuration says so.
pub(crate) fn router<'a>(
    articles: impl Iterator<Item = (&'a str, &'a str)>,
    policy: &Policy,
    choice: ModelChoice,
) -> Result<Router, String> {
    let weights = Weights::bundled().map_err(|error| error.to_string())?;
    let knowledge = KnowledgeBase::parse(articles).map_err(|error| format!("knowledge_base: {error}"))?;
    let embedded = EmbeddedAnalyst::new(weights, knowledge.in_turns(), policy.teams.clone());
    Ok(Router::new(choice.config, choice.model, embedded, choice.budget))
}
