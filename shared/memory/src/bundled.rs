//! What a function runs on with nothing else there: the bundled customer and the bundled tickets.

use std::{path::PathBuf, sync::Arc};

use domain::{Account, Sender, TicketId};
use jiff::{SignedDuration, Timestamp};
use runtime::{
    backoff::RECEIVES,
    config::{self, Config, ConfigError, Defaults, Files},
};
use serde::Deserialize;

use crate::{
    FixedSecrets, FixedSettings, MemoryControl, MemoryHelpdesk, MemoryQueue, MemoryTicketLog, NewTicket, OutboxMailer,
    SiteDirectory,
};

/// One process's worth of everything.
#[derive(Debug)]
pub struct Bundled {
    pub config: Arc<Config>,
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
        let files = Files { policy: data::POLICY, agents: data::AGENTS, playbooks: Some(data::PLAYBOOKS) };
        let config = config::read(files, variables, &Defaults::laptop())?;
        let helpdesk = Arc::new(MemoryHelpdesk::new(config.fields));
        open_tickets(&helpdesk);
        Ok(Self {
            settings: Arc::new(FixedSettings(Arc::new(config.policy.clone()))),
            secrets: Arc::new(FixedSecrets(vec![zendesk::signature::TEST_SECRET.to_owned().into()])),
            log: Arc::default(),
            control: Arc::default(),
            helpdesk,
            outbox: Arc::new(OutboxMailer::new(folder.join("emails"))),
            site: Arc::new(SiteDirectory::new(folder.join("site"))),
            config: Arc::new(config),
        })
    }

    /// A queue nobody reads from.
    #[must_use]
    pub fn queue() -> Arc<MemoryQueue> {
        Arc::new(MemoryQueue::new(SignedDuration::from_mins(3), RECEIVES, Timestamp::UNIX_EPOCH))
    }
}

/// A row of the bundled tickets, as far as the helpdesk needs it. Other people's files are `local`'s to read.
#[derive(Deserialize)]
struct BundledTicket {
    ticket_id: String,
    customer_name: String,
    subject: String,
    description: String,
    channel: String,
    timestamp: Timestamp,
    mrr: Option<f64>,
}

fn open_tickets(helpdesk: &MemoryHelpdesk) {
    for row in csv::Reader::from_reader(data::TICKETS.as_bytes()).into_deserialize::<BundledTicket>() {
        let row = row.expect("the bundled tickets are in order");
        let id: TicketId = row.ticket_id.parse().expect("the bundled tickets have numbers");
        let account = domain::AccountId::try_from(row.customer_name).expect("every bundled ticket has a customer");
        let name = account.to_name();
        helpdesk.set_account(Account { id: account.clone(), name, mrr: row.mrr, plan: None, health: None, kam: None });
        helpdesk.open(NewTicket {
            id,
            account,
            subject: row.subject.into(),
            description: row.description.into(),
            channel: row.channel.into(),
            requester_name: None,
            sender: Sender::Customer,
            opened_privately: false,
            created_at: row.timestamp,
        });
    }
}
