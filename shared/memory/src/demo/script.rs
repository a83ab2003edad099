//! What tests and a local run do to the demo, past its API: customers write, people edit, and what arrived is looked at.

use std::sync::Arc;

use domain::{Account, AccountId, Sender, TicketId};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use zendesk::Request;

use super::{
    AGENT, ApiToken, DemoZendesk, OauthClient, comments, delivery, edit, events, furniture,
    records::Kind,
    state::State,
    tickets::Ticket,
    webhooks,
    write::{self, Origin},
};
use crate::{NewTicket, lock};

/// Tickets for which comments wait: far more than events ever overtake each other, and few enough to keep.
const MOST_EARLY: usize = 1_000;

impl DemoZendesk {
    /// Makes an account known as an organisation, or replaces what was known of it.
    pub fn set_account(&self, account: &Account) {
        let Whose::Organization(id) = whose(&account.id) else { return };
        let fields = json!({
            "mrr": account.mrr, "plan": account.plan, "health": account.health, "kam": account.kam,
        });
        let given = json!({ "name": account.name, "organization_fields": fields });
        furniture::put(&mut lock(&self.state), Kind::Organization, id, given);
    }

    /// Opens a ticket, with the comments that came before it. One that exists is left as it is.
    pub fn open(&self, new: &NewTicket) {
        let mut state = lock(&self.state);
        let number = new.id.number();
        if state.tickets.contains_key(&number) {
            return;
        }
        let requester = requester(&mut state, new);
        let sent = json!({
            "subject": new.subject,
            "comment": { "body": new.description, "public": !new.opened_privately },
            "requester_id": requester,
            "via": { "channel": new.channel },
        });
        let origin = Origin { author: requester, channel: "mail" };
        let sent = super::object(sent);
        // Everything in it is made here, so that nothing is refused.
        let _ = write::open_as(&mut state, number, &sent, origin, new.created_at);
        for text in state.early.remove(&number).unwrap_or_default() {
            comment(&mut state, number, &text);
        }
    }

    /// The customer writes again. A comment on a ticket that is not open yet waits for it.
    pub fn comment(&self, id: TicketId, text: &str) {
        let mut state = lock(&self.state);
        let number = id.number();
        if state.tickets.contains_key(&number) {
            comment(&mut state, number, text);
        } else if state.early.len() < MOST_EARLY || state.early.contains_key(&number) {
            state.early.entry(number).or_default().push(text.to_owned());
        }
    }

    /// An agent blacks out what a ticket's first comment said; this is left of it.
    pub fn redact(&self, id: TicketId, left: &str) {
        comments::redact_first(&mut lock(&self.state), id.number(), left);
    }

    /// An agent changes a ticket by hand: the object of a `PUT`. False if the ticket does not take it.
    pub fn human_edit(&self, id: TicketId, changes: &Value) -> bool {
        edit(&mut lock(&self.state), id.number(), changes).is_ok()
    }

    /// The bot's requests that changed a ticket, in order.
    #[must_use]
    pub fn calls(&self, id: TicketId) -> Vec<Request> {
        self.with_ticket(id, |ticket| ticket.calls.clone()).unwrap_or_default()
    }

    /// The markers of the updates that arrived, in order.
    #[must_use]
    pub fn markers(&self, id: TicketId) -> Vec<Arc<str>> {
        let marker = |custom: &Value| custom.get("marker").and_then(Value::as_str).map(Arc::from);
        self.with_ticket(id, |ticket| ticket.audits.iter().filter_map(|audit| marker(&audit.custom)).collect())
            .unwrap_or_default()
    }

    /// The ticket as the API shows it to an administrator.
    #[must_use]
    pub fn ticket(&self, id: TicketId) -> Option<Value> {
        let state = lock(&self.state);
        state.tickets.get(&id.number()).map(|ticket| super::tickets::shown(&state, ticket))
    }

    /// The comments of a ticket: public or not, by whom, what.
    #[must_use]
    pub fn comments(&self, id: TicketId) -> Vec<(bool, u64, String)> {
        let told = |ticket: &Ticket| {
            let all = ticket.comments.iter();
            all.map(|comment| (comment.public, comment.author, comment.plain_body.clone())).collect()
        };
        self.with_ticket(id, told).unwrap_or_default()
    }

    /// The numbers of all tickets.
    #[must_use]
    pub fn tickets(&self) -> Vec<TicketId> {
        lock(&self.state).tickets.keys().filter_map(|number| TicketId::new(*number).ok()).collect()
    }

    /// Forgets tickets and what was written to them, without telling anybody.
    pub fn forget(&self, ids: &[TicketId]) {
        let mut state = lock(&self.state);
        for id in ids {
            state.tickets.remove(&id.number());
        }
    }

    /// An administrator deletes a ticket for good.
    pub fn erase(&self, id: TicketId) {
        let mut state = lock(&self.state);
        events::deleted(&mut state, id.number(), AGENT, "permanently_deleted");
        state.tickets.remove(&id.number());
    }

    /// An administrator withdraws every OAuth token.
    pub fn withdraw_tokens(&self) {
        lock(&self.state).access.withdraw();
    }

    /// The OAuth clients: the broad one for set-up, the narrow one for running.
    #[must_use]
    pub fn clients(&self) -> Vec<OauthClient> {
        lock(&self.state).access.clients.clone()
    }

    /// The legacy API tokens of the administrator and the agent.
    #[must_use]
    pub fn api_tokens(&self) -> Vec<ApiToken> {
        lock(&self.state).access.api_tokens.clone()
    }

    /// An active webhook for these events, as an administrator makes it in the admin centre, with a secret that both
    /// sides know already.
    pub fn subscribe(&self, url: &str, events: &[&str], secret: &str) {
        let events = events.iter().map(|event| format!("zen:event-type:{event}")).collect();
        webhooks::add(&mut lock(&self.state), url, events, secret);
    }

    /// How many deliveries wait to be sent, and when the next one is due.
    #[must_use]
    pub fn waiting(&self) -> (usize, Option<Timestamp>) {
        let state = lock(&self.state);
        (delivery::waiting(&state), delivery::next_due(&state))
    }

    /// Publishes the bundled knowledge base in the Help Center.
    pub fn publish_articles(&self) {
        furniture::publish_articles(&mut lock(&self.state));
    }

    fn with_ticket<T>(&self, id: TicketId, look: impl FnOnce(&Ticket) -> T) -> Option<T> {
        lock(&self.state).tickets.get(&id.number()).map(look)
    }
}

fn comment(state: &mut State, number: u64, text: &str) {
    let Some(requester) = state.tickets.get(&number).map(|ticket| ticket.values.requester) else { return };
    let sent = Map::from_iter([("comment".to_owned(), json!({ "body": text, "public": true }))]);
    // A closed ticket takes no comment; a customer's mail would open another one.
    let _ = write::change(state, number, &sent, Origin { author: requester, channel: "mail" });
}

enum Whose {
    Organization(u64),
    Requester(u64),
}

fn whose(account: &AccountId) -> Whose {
    let text = account.as_str();
    if let Some(requester) = text.strip_prefix("requester-").and_then(|id| id.parse().ok()) {
        return Whose::Requester(requester);
    }
    Whose::Organization(text.parse().unwrap_or_else(|_| id_of(text)))
}

/// The user who opens a ticket: one for each account, name and standing.
fn requester(state: &mut State, new: &NewTicket) -> u64 {
    let whose = whose(&new.account);
    if new.sender == Sender::Staff {
        return AGENT;
    }
    let (organization, id) = match whose {
        Whose::Requester(id) => (None, id),
        Whose::Organization(id) => {
            if state.record(Kind::Organization, id).is_none() {
                furniture::put(state, Kind::Organization, id, json!({ "name": new.account.to_name() }));
            }
            let name = new.requester_name.as_deref().unwrap_or_default();
            (Some(id), id_of(&format!("requester of {id} {name} {:?}", new.sender)))
        }
    };
    if state.record(Kind::User, id).is_none() {
        let user = json!({
            "name": new.requester_name.as_deref().unwrap_or_default(),
            "email": format!("customer-{id}@example.com"),
            "organization_id": organization,
            "suspended": new.sender == Sender::Suspended,
        });
        furniture::put(state, Kind::User, id, user);
    }
    id
}

/// Always the same 13 digits for a text (FNV-1a), below the account's own ids.
fn id_of(text: &str) -> u64 {
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    1_000_000_000_000 + hash % 7_000_000_000_000
}
