//! The helpdesk of a laptop and of the tests: a [`DemoZendesk`] behind the adapter that reads and writes a real one.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use domain::{
    Account, AccountId, FieldValues, Priority, Sender, Ticket, TicketId, TicketUpdate, UserId, Version,
    ports::{Applied, Changes, Feed, Helpdesk, PortError, Stretch, Updated},
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use zendesk::{
    Access, Budget, Client, FieldIds, Mapping, Mappings, OrganizationFields, RUNTIME_SCOPES, Request, ZendeskHelpdesk,
    feed::{FeedMode, ZendeskFeed},
    request,
};

use crate::{
    DemoZendesk,
    demo::{Locale, Plan, Setup},
    lock,
};

/// Fields that the customer's policy does not name exist here all the same.
const FIELDS: FieldIds = FieldIds {
    guardian_risk_score: Some(360_002_001),
    opportunity_intent: Some(360_002_002),
    agent_id: Some(360_002_003),
};

pub struct MemoryHelpdesk {
    demo: DemoZendesk,
    fields: FieldIds,
    adapter: ZendeskHelpdesk,
    feed: ZendeskFeed,
    kam_domains: Arc<KamDomains>,
}

impl fmt::Debug for MemoryHelpdesk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryHelpdesk").field("demo", &self.demo).finish_non_exhaustive()
    }
}

/// The mapping of an account whose key account managers are all ours: whoever makes an account known here is the operator.
#[derive(Debug)]
struct KamDomains {
    fields: FieldIds,
    known: Mutex<Vec<String>>,
}

#[async_trait]
impl Mappings for KamDomains {
    async fn mapping(&self) -> Result<Mapping, PortError> {
        let kam_domains = lock(&self.known).clone();
        Ok(Mapping { fields: self.fields, organization: OrganizationFields::default(), kam_domains })
    }
}

/// A ticket as its customer opens it.
#[derive(Clone, PartialEq, Debug)]
pub struct NewTicket {
    pub id: TicketId,
    pub account: AccountId,
    pub subject: Arc<str>,
    pub description: Arc<str>,
    pub channel: Arc<str>,
    pub requester_name: Option<String>,
    pub sender: Sender,
    /// The first comment is private.
    pub opened_privately: bool,
    pub created_at: Timestamp,
}

impl From<Ticket> for NewTicket {
    fn from(ticket: Ticket) -> Self {
        Self {
            id: ticket.id,
            account: ticket.account,
            subject: ticket.subject,
            description: ticket.description,
            channel: ticket.channel,
            requester_name: ticket.requester_name,
            sender: ticket.sender,
            opened_privately: ticket.opened_privately,
            created_at: ticket.created_at,
        }
    }
}

impl MemoryHelpdesk {
    /// Groups and options come to be when they are written: no set-up has to know the customer's teams.
    #[must_use]
    pub fn new(fields: FieldIds) -> Self {
        let fields = FieldIds {
            guardian_risk_score: fields.guardian_risk_score.or(FIELDS.guardian_risk_score),
            opportunity_intent: fields.opportunity_intent.or(FIELDS.opportunity_intent),
            agent_id: fields.agent_id.or(FIELDS.agent_id),
        };
        // Time stands still: a ticket's stamp rises with every change, and says nothing else.
        let now = Timestamp::UNIX_EPOCH;
        let setup =
            Setup { plan: Plan::Unlimited, locale: Locale::English, fields, obliging: true, now, ..Setup::default() };
        let bot = UserId(setup.bot);
        let demo = DemoZendesk::new(setup);
        let access = demo
            .clients()
            .into_iter()
            .find(|client| client.user == bot.0)
            .map(|client| Access::oauth(client.id, client.secret.into(), RUNTIME_SCOPES))
            .expect("the demo has a client for the bot");
        let client = Client::new(Arc::new(demo.clone()), access, Budget::unlimited(), Arc::new(move || now));
        let kam_domains = Arc::new(KamDomains { fields, known: Mutex::default() });
        Self {
            adapter: ZendeskHelpdesk::new(client.clone(), kam_domains.clone(), Some(bot)),
            feed: ZendeskFeed::new(client, FeedMode::List),
            demo,
            fields,
            kam_domains,
        }
    }

    /// The Zendesk behind it.
    #[must_use]
    pub fn demo(&self) -> &DemoZendesk {
        &self.demo
    }

    /// Makes an account known, or replaces what was known of it.
    pub fn set_account(&self, account: Account) {
        if let Some((_, domain)) = account.kam.as_ref().and_then(|kam| kam.as_str().split_once('@')) {
            lock(&self.kam_domains.known).push(domain.to_owned());
        }
        self.demo.set_account(&account);
    }

    /// Opens a ticket, with the comments that came before it. One that exists is left as it is.
    pub fn open(&self, new: NewTicket) {
        self.demo.open(&new);
    }

    /// The customer writes again: a new version of the conversation. Events overtake each other, so a comment on a ticket
    /// that is not open yet waits for it.
    pub fn comment(&self, id: TicketId, text: String) {
        self.demo.comment(id, &text);
    }

    /// Forgets tickets and what was written to them.
    pub fn forget(&self, ids: &[TicketId]) {
        self.demo.forget(ids);
    }

    /// The first comment was redacted: this is left of it. What waits of comments is not known to be free of the same.
    pub fn redact(&self, id: TicketId, description: Arc<str>) {
        self.demo.redact(id, &description);
    }

    /// Somebody sets fields by hand.
    pub fn set_values(&self, id: TicketId, values: FieldValues) {
        let mut changes = Map::new();
        // Zendesk does not let anybody empty a priority.
        if let Some(priority) = values.priority {
            changes.insert("priority".into(), json!(priority_name(priority)));
        }
        changes.insert("group_id".into(), json!(values.group.map(|group| group.0)));
        let intent = values.opportunity_intent.map(request::intent_option);
        let team = values.agent.as_ref().map(request::team_option);
        let custom = [
            (self.fields.guardian_risk_score, json!(values.guardian_risk_score)),
            (self.fields.opportunity_intent, json!(intent)),
            (self.fields.agent_id, json!(team)),
        ];
        let custom: Vec<Value> = custom.into_iter().map(|(id, value)| json!({ "id": id, "value": value })).collect();
        changes.insert("custom_fields".into(), json!(custom));
        self.demo.human_edit(id, &Value::Object(changes));
    }

    /// The requests that changed a ticket, in order.
    #[must_use]
    pub fn calls(&self, id: TicketId) -> Vec<Request> {
        self.demo.calls(id)
    }

    /// The markers of the updates that arrived, in order.
    #[must_use]
    pub fn markers(&self, id: TicketId) -> Vec<Arc<str>> {
        self.demo.markers(id)
    }
}

fn priority_name(priority: Priority) -> &'static str {
    match priority {
        Priority::P0 => "urgent",
        Priority::P1 => "high",
        Priority::P2 => "normal",
        Priority::P3 => "low",
    }
}

#[async_trait]
impl Helpdesk for MemoryHelpdesk {
    async fn ticket(&self, id: TicketId) -> Result<Option<Ticket>, PortError> {
        self.adapter.ticket(id).await
    }

    async fn account(&self, id: &AccountId) -> Result<Account, PortError> {
        self.adapter.account(id).await
    }

    async fn update(&self, update: &TicketUpdate) -> Result<Updated, PortError> {
        self.adapter.update(update).await
    }

    async fn look_up(&self, id: TicketId, marker: &str) -> Result<Option<Applied>, PortError> {
        self.adapter.look_up(id, marker).await
    }
}

#[async_trait]
impl Feed for MemoryHelpdesk {
    async fn changes(&self, stretch: &Stretch) -> Result<Changes, PortError> {
        self.feed.changes(stretch).await
    }

    async fn newest_customer_comment(&self, ticket: TicketId) -> Result<Option<Version>, PortError> {
        self.feed.newest_customer_comment(ticket).await
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        ports::contract::{feed, helpdesk as contract},
        sample,
    };

    use jiff::SignedDuration;

    use super::*;

    fn helpdesk() -> MemoryHelpdesk {
        let helpdesk = MemoryHelpdesk::new(FieldIds::default());
        helpdesk.open(sample::ticket(7).into());
        helpdesk
    }

    #[tokio::test]
    async fn it_keeps_the_contract() {
        let (known, unknown) = (sample::ticket_id(7), sample::ticket_id(8));
        contract::a_write_is_safe(&helpdesk(), known, unknown).await;
        contract::a_cleared_field_is_empty(&helpdesk(), known).await;
        contract::our_note_is_no_new_version(&helpdesk(), known).await;
    }

    #[tokio::test]
    async fn it_keeps_the_contract_of_a_feed() {
        let (helpdesk, since) = (MemoryHelpdesk::new(FieldIds::default()), sample::now());
        let ids: Vec<TicketId> = (1..=250).map(sample::ticket_id).collect();
        for (id, minute) in ids.iter().zip(-50..) {
            let created_at = since + SignedDuration::from_mins(minute);
            helpdesk.open(NewTicket { created_at, ..sample::ticket(id.number()).into() });
        }
        feed::a_walk_names_what_changed(&helpdesk, since, &ids[50..]).await;
        feed::the_newest_comment_is_the_customers(&helpdesk, ids[0], sample::ticket_id(251)).await;
    }

    #[tokio::test]
    async fn the_customer_and_people_change_the_ticket_too() {
        let (helpdesk, id) = (helpdesk(), sample::ticket_id(7));
        let before = helpdesk.ticket(id).await.unwrap().unwrap();
        helpdesk.comment(id, "Any news?".into());
        let after = helpdesk.ticket(id).await.unwrap().unwrap();
        assert!(after.version > before.version && after.updated_stamp != before.updated_stamp);
        assert_eq!(after.follow_ups, ["Any news?"]);
        helpdesk.set_values(id, FieldValues { guardian_risk_score: Some(3), ..FieldValues::default() });
        assert_eq!(helpdesk.ticket(id).await.unwrap().unwrap().values.guardian_risk_score, Some(3));
        assert!(helpdesk.calls(id).is_empty(), "only our requests are kept");
    }

    #[tokio::test]
    async fn a_comment_may_come_before_its_ticket() {
        let (early, id) = (MemoryHelpdesk::new(FieldIds::default()), sample::ticket_id(7));
        early.comment(id, "Any news?".into());
        assert!(early.ticket(id).await.unwrap().is_none());
        let new = NewTicket::from(sample::ticket(7));
        early.open(new.clone());
        let opened = early.ticket(id).await.unwrap().unwrap();
        assert_eq!(opened.follow_ups, ["Any news?"]);
        early.open(new);
        assert_eq!(early.ticket(id).await.unwrap().unwrap(), opened, "kept once");
    }

    #[tokio::test]
    async fn a_forgotten_ticket_is_gone() {
        let (helpdesk, id) = (helpdesk(), sample::ticket_id(7));
        helpdesk.forget(&[id]);
        assert!(helpdesk.ticket(id).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn an_unknown_account_is_only_a_name() {
        let account = helpdesk().account(&sample::account_id("Nobody Ltd")).await.unwrap();
        assert_eq!((&*account.name, account.mrr, account.kam), ("Nobody Ltd", None, None));
    }
}
