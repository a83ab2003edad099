//! A helpdesk in memory: tickets, comments and accounts, and the exact requests it was sent.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use domain::{
    Account, AccountId, FieldValues, Sender, Ticket, TicketId, TicketUpdate, Version,
    ports::{Applied, Changed, Changes, Feed, Helpdesk, PortError, Stretch, Updated, feed::PAGE},
};
use jiff::{SignedDuration, Timestamp};
use zendesk::{FieldIds, Request, update_request};

use crate::lock;

/// Tickets for which comments wait: far more than events ever overtake each other, and few enough to keep.
const MOST_EARLY: usize = 1_000;

#[derive(Debug)]
pub struct MemoryHelpdesk {
    fields: FieldIds,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    tickets: HashMap<TicketId, Box<Entry>>,
    accounts: HashMap<AccountId, Account>,
    /// Comments on tickets that are not open yet.
    early: HashMap<TicketId, Vec<String>>,
}

#[derive(Debug)]
struct Entry {
    ticket: Ticket,
    /// Rises with every change.
    revision: i64,
    updates: Vec<TicketUpdate>,
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
    #[must_use]
    pub fn new(fields: FieldIds) -> Self {
        Self { fields, state: Mutex::default() }
    }

    /// Makes an account known, or replaces what was known of it.
    pub fn set_account(&self, account: Account) {
        lock(&self.state).accounts.insert(account.id.clone(), account);
    }

    /// Opens a ticket, with the comments that came before it. One that exists is left as it is.
    pub fn open(&self, new: NewTicket) {
        let NewTicket { id, created_at, .. } = new;
        let ticket = Ticket {
            id,
            version: Version(1),
            subject: new.subject,
            description: new.description,
            follow_ups: Vec::new(),
            channel: new.channel,
            account: new.account,
            requester_name: new.requester_name,
            sender: new.sender,
            opened_privately: new.opened_privately,
            created_at,
            updated_stamp: created_at.to_string().into(),
            values: FieldValues::default(),
            tags: Arc::default(),
        };
        let entry = Box::new(Entry { ticket, revision: 0, updates: Vec::with_capacity(1) });
        let mut state = lock(&self.state);
        let early = state.early.remove(&id).unwrap_or_default();
        let entry = state.tickets.entry(id).or_insert(entry);
        early.into_iter().for_each(|text| entry.comment(text));
    }

    /// The customer writes again: a new version of the conversation. Events overtake each other, so a comment on a ticket
    /// that is not open yet waits for it.
    pub fn comment(&self, id: TicketId, text: String) {
        let mut state = lock(&self.state);
        if let Some(entry) = state.tickets.get_mut(&id) {
            entry.comment(text);
        } else if state.early.len() < MOST_EARLY || state.early.contains_key(&id) {
            state.early.entry(id).or_default().push(text);
        }
    }

    /// Forgets tickets and what was written to them.
    pub fn forget(&self, ids: &[TicketId]) {
        let mut state = lock(&self.state);
        for id in ids {
            state.tickets.remove(id);
        }
    }

    /// The first comment was redacted: this is left of it. What waits of comments is not known to be free of the same.
    pub fn redact(&self, id: TicketId, description: Arc<str>) {
        self.change(id, |ticket| ticket.description = description);
    }

    /// Somebody sets fields by hand.
    pub fn set_values(&self, id: TicketId, values: FieldValues) {
        self.change(id, |ticket| ticket.values = values);
    }

    fn change(&self, id: TicketId, change: impl FnOnce(&mut Ticket)) {
        if let Some(entry) = lock(&self.state).tickets.get_mut(&id) {
            change(&mut entry.ticket);
            entry.touch();
        }
    }

    /// The requests that changed a ticket, in order: exactly what the wire format makes of the updates.
    #[must_use]
    pub fn calls(&self, id: TicketId) -> Vec<Request> {
        let state = lock(&self.state);
        let updates = state.tickets.get(&id).map(|entry| entry.updates.as_slice()).unwrap_or_default();
        updates.iter().map(|update| update_request(update, &self.fields)).collect()
    }

    /// The markers of the updates that arrived, in order.
    #[must_use]
    pub fn markers(&self, id: TicketId) -> Vec<Arc<str>> {
        let state = lock(&self.state);
        let updates = state.tickets.get(&id).map(|entry| entry.updates.as_slice()).unwrap_or_default();
        updates.iter().map(|update| update.marker.clone()).collect()
    }
}

impl Entry {
    fn comment(&mut self, text: String) {
        self.ticket.version = Version(self.ticket.version.0 + 1);
        self.ticket.follow_ups.push(text);
        self.touch();
    }

    fn touch(&mut self) {
        self.revision += 1;
        self.ticket.updated_stamp = self.updated_at().to_string().into();
    }

    fn updated_at(&self) -> Timestamp {
        domain::time::later(self.ticket.created_at, SignedDuration::from_secs(self.revision))
    }

    fn changed(&self) -> Changed {
        Changed {
            ticket: self.ticket.id,
            created_at: self.ticket.created_at,
            updated_at: self.updated_at(),
            customer_at: None,
            commented_at: None,
            closed: false,
        }
    }
}

#[async_trait]
impl Helpdesk for MemoryHelpdesk {
    async fn ticket(&self, id: TicketId) -> Result<Option<Ticket>, PortError> {
        Ok(lock(&self.state).tickets.get(&id).map(|entry| entry.ticket.clone()))
    }

    async fn account(&self, id: &AccountId) -> Result<Account, PortError> {
        let known = lock(&self.state).accounts.get(id).cloned();
        Ok(known.unwrap_or_else(|| Account {
            id: id.clone(),
            name: id.to_name(),
            mrr: None,
            plan: None,
            health: None,
            kam: None,
        }))
    }

    async fn update(&self, update: &TicketUpdate) -> Result<Updated, PortError> {
        let mut state = lock(&self.state);
        let Some(entry) = state.tickets.get_mut(&update.ticket) else { return Ok(Updated::NotFound) };
        if entry.ticket.updated_stamp != update.updated_stamp {
            return Ok(Updated::Conflict);
        }
        entry.ticket.values = update.changes.clone().applied_to(std::mem::take(&mut entry.ticket.values));
        entry.ticket.tags.clone_from(&update.tags);
        entry.updates.push(update.clone());
        entry.touch();
        Ok(Updated::Applied(Applied::default()))
    }

    async fn look_up(&self, id: TicketId, marker: &str) -> Result<Option<Applied>, PortError> {
        Ok(self.markers(id).iter().any(|known| **known == *marker).then(Applied::default))
    }
}

/// It keeps no time of its own, so it says when a ticket changed and not who changed it.
#[async_trait]
impl Feed for MemoryHelpdesk {
    async fn changes(&self, stretch: &Stretch) -> Result<Changes, PortError> {
        let skipped: usize = stretch.page.as_ref().and_then(|page| page.parse().ok()).unwrap_or(0);
        let state = lock(&self.state);
        let mut changed: Vec<Changed> = state.tickets.values().map(|entry| entry.changed()).collect();
        changed.retain(|changed| changed.updated_at >= stretch.since);
        changed.sort_unstable_by_key(|changed| (changed.updated_at, changed.ticket));
        let next = if changed.len() > skipped + PAGE { Some((skipped + PAGE).to_string()) } else { None };
        Ok(Changes { changed: changed.into_iter().skip(skipped).take(PAGE).collect(), next })
    }

    async fn newest_customer_comment(&self, ticket: TicketId) -> Result<Option<Version>, PortError> {
        Ok(lock(&self.state).tickets.get(&ticket).map(|entry| entry.ticket.version))
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        ports::contract::{feed, helpdesk as contract},
        sample,
    };

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
            let sample = sample::ticket(id.number());
            helpdesk.open(NewTicket {
                id: *id,
                account: sample.account,
                subject: sample.subject,
                description: sample.description,
                channel: sample.channel,
                created_at: since + SignedDuration::from_mins(minute),
            });
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
        assert_eq!((opened.version, &opened.follow_ups[..]), (Version(2), &["Any news?".to_owned()][..]));
        early.open(new);
        assert_eq!(early.ticket(id).await.unwrap().unwrap(), opened, "kept once");
    }

    #[tokio::test]
    async fn early_comments_do_not_grow_without_end() {
        let helpdesk = MemoryHelpdesk::new(FieldIds::default());
        for id in 1..=2 * MOST_EARLY as u64 {
            helpdesk.comment(sample::ticket_id(id), "Any news?".into());
        }
        assert_eq!(lock(&helpdesk.state).early.len(), MOST_EARLY);
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
