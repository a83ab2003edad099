//! What a function runs on with nothing else there: the bundled customer and the bundled tickets.

use std::{path::PathBuf, sync::Arc};

use edge::config::{self, Config, ConfigError, Defaults, Files};
use jiff::{SignedDuration, Timestamp};

use crate::{
    FixedSecrets, FixedSettings, MemoryControl, MemoryHelpdesk, MemoryQueue, MemoryTicketLog, OutboxMailer,
    SiteDirectory, input,
};

/// One process's worth of everything.
#[derive(Debug)]
pub struct Bundled {
    pub config: Config,
    pub settings: Arc<FixedSettings>,
    /// Signed with Zendesk's public test secret.
    pub secrets: Arc<FixedSecrets>,
    pub log: Arc<MemoryTicketLog>,
    pub control: Arc<MemoryControl>,
    pub helpdesk: Arc<MemoryHelpdesk>,
    pub outbox: Arc<OutboxMailer>,
    pub site: Arc<SiteDirectory>,
}

impl Bundled {
    /// Files go under `folder`. Variables are obeyed as on AWS; the recipients have examples for defaults.
    ///
    /// # Errors
    /// Every variable that cannot be used.
    pub fn new(folder: PathBuf, variables: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let files = Files { policy: data::POLICY, agents: data::AGENTS };
        let config = config::read(files, variables, Defaults::default())?;
        let helpdesk = Arc::new(MemoryHelpdesk::new(config.fields));
        let bundled = input::read(None, |_| {}).expect("the bundled tickets are in order");
        input::fill(&helpdesk, &bundled.rows);
        Ok(Self {
            settings: Arc::new(FixedSettings(Arc::new(config.policy.clone()))),
            secrets: Arc::new(FixedSecrets(vec![zendesk::signature::TEST_SECRET.to_owned().into()])),
            log: Arc::default(),
            control: Arc::default(),
            helpdesk,
            outbox: Arc::new(OutboxMailer::new(folder.join("emails"))),
            site: Arc::new(SiteDirectory::new(folder.join("site"))),
            config,
        })
    }

    /// A queue nobody reads from.
    #[must_use]
    pub fn queue() -> Arc<MemoryQueue> {
        Arc::new(MemoryQueue::new(SignedDuration::from_mins(3), 5, Timestamp::UNIX_EPOCH))
    }
}
