//! Zendesk behind [`Helpdesk`]. docs/zendesk-api.md says what is read and written, and what each answer means.

mod account;
mod conversation;
mod machine;
mod read;
mod write;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use domain::{
    Account, AccountId, Ticket, TicketId, TicketUpdate, UserId,
    ports::{Applied, Helpdesk, PortError, Updated},
    time::earlier,
};
use jiff::{SignedDuration, Timestamp};

use self::{account::Customer, read::Seen};
use crate::{
    client::{ApiError, Client},
    request::FieldIds,
    wire::{Comment, CommentPage, Organization, OrganizationAnswer, TicketAnswer, User, UserAnswer},
};

pub use self::account::OrganizationFields;

/// How long an account is not asked for again.
const ACCOUNT_AGE: SignedDuration = SignedDuration::from_mins(5);
/// Accounts and tickets remembered; a function works on far fewer at a time.
const MOST_REMEMBERED: usize = 1_000;
/// Pages of a hundred comments: the 5,000 that Zendesk lets a ticket have.
const MOST_PAGES: usize = 50;

/// What the customer's Zendesk calls our fields, and its own.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Mapping {
    pub fields: FieldIds,
    pub organization: OrganizationFields,
    /// Domains a key account manager's address may be in; none, and no address is taken.
    pub kam_domains: Vec<String>,
}

/// The mapping as of now: it is part of the customer's policy and may change while a function runs.
#[async_trait]
pub trait Mappings: Send + Sync {
    async fn mapping(&self) -> Result<Mapping, PortError>;
}

/// One that does not change.
#[async_trait]
impl Mappings for Mapping {
    async fn mapping(&self) -> Result<Mapping, PortError> {
        Ok(self.clone())
    }
}

/// One Zendesk account.
pub struct ZendeskHelpdesk {
    client: Client,
    mappings: Arc<dyn Mappings>,
    bot: Option<UserId>,
    remembered: Mutex<Remembered>,
}

#[derive(Default)]
struct Remembered {
    customers: HashMap<AccountId, (Timestamp, Customer)>,
    /// What an update has to know besides its plan, of the tickets read last.
    seen: HashMap<TicketId, Seen>,
}

/// A ticket's comments, oldest first, and the people who wrote them.
struct Conversation {
    comments: Vec<Comment>,
    users: Vec<User>,
}

impl ZendeskHelpdesk {
    /// `bot` is our own user: what it writes is never a customer's word.
    #[must_use]
    pub fn new(client: Client, mappings: Arc<dyn Mappings>, bot: Option<UserId>) -> Self {
        Self { client, mappings, bot, remembered: Mutex::default() }
    }

    /// The ticket with requester and organisation; none if there is none.
    async fn answer(&self, id: TicketId) -> Result<Option<TicketAnswer>, ApiError> {
        let path = format!("/api/v2/tickets/{}.json?include=users,organizations", id.number());
        let answer: TicketAnswer = match self.client.get(&path).await {
            Err(ApiError::NotFound { .. } | ApiError::Gone) => return Ok(None),
            answer => answer?,
        };
        // A deleted ticket can be read for a while.
        let deleted = answer.ticket.status.as_deref().is_some_and(|status| status.eq_ignore_ascii_case("deleted"));
        Ok(if deleted { None } else { Some(answer) })
    }

    /// Read after the ticket and never beside it: a comment that comes in between then makes the ticket's stamp an old
    /// one and not the conversation a short one.
    async fn conversation(&self, id: TicketId) -> Result<Option<Conversation>, ApiError> {
        let list = format!("/api/v2/tickets/{}/comments.json?include=users&page[size]=100", id.number());
        let mut path = list.clone();
        let mut found = Conversation { comments: Vec::new(), users: Vec::new() };
        for _ in 0..MOST_PAGES {
            let page: CommentPage = match self.client.get(&path).await {
                Err(ApiError::NotFound { .. } | ApiError::Gone) => return Ok(None),
                page => page?,
            };
            found.add(page.comments, page.users);
            match crate::wire::next_page(&list, page.meta.as_ref()) {
                Some(next) if next != path => path = next,
                Some(_) | None => return Ok(Some(found)),
            }
        }
        // There is more than there can be. The newest page says what the customer wants now.
        let newest: CommentPage = self.client.get(&format!("{list}&sort=-created_at")).await?;
        let known = found.comments.iter().filter_map(|comment| comment.id).max();
        let mut comments = newest.comments;
        comments.retain(|comment| comment.id > known);
        comments.sort_by_key(|comment| comment.id);
        found.add(comments, newest.users);
        Ok(Some(found))
    }

    fn remember(&self, id: TicketId, seen: Seen, users: &[User], organizations: &[Organization]) {
        let now = self.client.now();
        let mut remembered = self.remembered();
        for customer in Customer::all(users, organizations) {
            let id = customer.id.clone();
            remembered.keep(&id, customer, now);
        }
        make_room(&mut remembered.seen);
        remembered.seen.insert(id, seen);
    }

    fn remembered_customer(&self, id: &AccountId) -> Option<Customer> {
        let oldest = earlier(self.client.now(), ACCOUNT_AGE);
        let remembered = self.remembered();
        let (read, customer) = remembered.customers.get(id)?;
        if *read > oldest { Some(customer.clone()) } else { None }
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        // Whole after a panic: each entry is put in at once.
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn fetch_customer(&self, id: &AccountId) -> Result<Option<Customer>, ApiError> {
        let text = id.as_str();
        let customer = if let Ok(number) = text.parse::<u64>() {
            let answer = self.client.get::<OrganizationAnswer>(&format!("/api/v2/organizations/{number}.json")).await;
            answer.map(|answer| Customer::organization(&answer.organization))
        } else if let Some(number) = account::requester(text) {
            let answer = self.client.get::<UserAnswer>(&format!("/api/v2/users/{number}.json")).await;
            answer.map(|answer| Customer::person(&answer.user))
        } else {
            return Ok(None);
        };
        let customer = match customer {
            Err(ApiError::NotFound { .. } | ApiError::Gone) => return Ok(None),
            customer => customer?,
        };
        if let Some(customer) = &customer {
            self.remembered().keep(id, customer.clone(), self.client.now());
        }
        Ok(customer)
    }
}

impl Remembered {
    fn keep(&mut self, id: &AccountId, customer: Customer, now: Timestamp) {
        make_room(&mut self.customers);
        self.customers.insert(id.clone(), (now, customer));
    }
}

impl Conversation {
    fn add(&mut self, comments: Vec<Comment>, users: Vec<User>) {
        self.comments.extend(comments);
        self.users.extend(users);
    }
}

/// Forgetting everything now and then is simpler than forgetting the oldest, and costs a request each.
fn make_room<K, V>(map: &mut HashMap<K, V>) {
    if map.len() >= MOST_REMEMBERED {
        map.clear();
    }
}

#[async_trait]
impl Helpdesk for ZendeskHelpdesk {
    async fn ticket(&self, id: TicketId) -> Result<Option<Ticket>, PortError> {
        let mapping = self.mappings.mapping().await?;
        let Some(answer) = self.answer(id).await? else { return Ok(None) };
        let Some(mut conversation) = self.conversation(id).await? else { return Ok(None) };
        conversation.users.extend(answer.users.iter().cloned());
        let events = if conversation::needs_chat(&answer.ticket, &conversation, self.bot) {
            self.chat_events(id).await?
        } else {
            Vec::new()
        };
        let reading =
            read::Reading { id, mapping: &mapping, answer: &answer, conversation: &conversation, bot: self.bot };
        let ticket = reading.ticket(&events, self.client.now())?;
        let seen = Seen::of(&answer.ticket, &mapping.fields);
        self.remember(id, seen, &conversation.users, &answer.organizations);
        Ok(Some(ticket))
    }

    async fn account(&self, id: &AccountId) -> Result<Account, PortError> {
        let mapping = self.mappings.mapping().await?;
        let customer = match self.remembered_customer(id) {
            Some(customer) => Some(customer),
            None => self.fetch_customer(id).await?,
        };
        let Some(customer) = customer else {
            let name = id.to_name();
            return Ok(Account { id: id.clone(), name, mrr: None, plan: None, health: None, kam: None });
        };
        Ok(customer.account(id, &mapping))
    }

    async fn update(&self, update: &TicketUpdate) -> Result<Updated, PortError> {
        let mapping = self.mappings.mapping().await?;
        self.write(update, &mapping.fields).await
    }

    async fn look_up(&self, id: TicketId, marker: &str) -> Result<Option<Applied>, PortError> {
        self.find_write(id, marker).await
    }
}

#[cfg(test)]
mod tests;
