//! The sweep beside the functions of a laptop, and over the Zendesk in memory.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use domain::{
    Sender,
    ports::{Changed, Feed, Stretch, told},
    sample,
};
use jiff::{SignedDuration, Timestamp};
use local::stack::{self, Environment, Setup, Shared};
use memory::{
    MemoryControl,
    demo::{self, DemoZendesk},
};
use runtime::Invocation;
use sweep::Sweep;
use zendesk::{
    Access, Budget, Client, RUNTIME_SCOPES, SETUP_SCOPES,
    feed::{FeedMode, ZendeskFeed},
};

fn at(minutes: i64) -> Timestamp {
    sample::now() + SignedDuration::from_mins(minutes)
}

fn invocation(now: Timestamp) -> Invocation {
    Invocation { request_id: "sweep".into(), now, deadline: now + SignedDuration::from_secs(60) }
}

fn demo() -> DemoZendesk {
    let demo = DemoZendesk::new(demo::Setup { now: at(0), ..demo::Setup::default() });
    for number in 1..=130u64 {
        let minute = i64::try_from(number).unwrap() / 10;
        demo.set_now(at(minute));
        let ticket = sample::ticket(number);
        demo.open(&memory::NewTicket {
            id: ticket.id,
            account: ticket.account,
            subject: ticket.subject,
            description: ticket.description,
            channel: ticket.channel,
            requester_name: None,
            sender: Sender::Customer,
            opened_privately: false,
            created_at: at(minute),
        });
    }
    demo.set_now(at(20));
    demo
}

/// The bot's client, or the administrator's, who sets up.
fn client(demo: &DemoZendesk, id: &str, scopes: &'static [&'static str]) -> Client {
    let known = demo.clients();
    let found = known.iter().find(|client| client.id == id).unwrap();
    let access = Access::oauth(found.id.clone(), found.secret.clone().into(), scopes);
    Client::new(Arc::new(demo.clone()), access, Budget::unlimited(), Arc::new(|| at(20)))
}

async fn walked(feed: &ZendeskFeed, since: Timestamp) -> Vec<Changed> {
    let mut stretch = Stretch { since, page: None };
    let mut all = Vec::new();
    loop {
        let changes = feed.changes(&stretch).await.unwrap();
        all.extend(changes.changed);
        match changes.next {
            Some(next) => stretch.page = Some(next),
            None => return all,
        }
    }
}

#[tokio::test]
async fn the_list_names_what_changed_in_a_zendesk() {
    let demo = demo();
    let feed = ZendeskFeed::new(client(&demo, "triage", RUNTIME_SCOPES), FeedMode::List);
    let changed = walked(&feed, at(2)).await;
    assert_eq!(changed.len(), 111, "those of minute 2 and later");
    assert!(changed.iter().all(|changed| changed.customer_at.is_some() && !changed.closed));
    let newest = feed.newest_customer_comment(sample::ticket_id(7)).await.unwrap();
    assert!(newest.is_some());
    assert_eq!(feed.newest_customer_comment(sample::ticket_id(999)).await.unwrap(), None);
}

#[tokio::test]
async fn the_export_is_an_administrators() {
    let demo = demo();
    let feed = ZendeskFeed::new(client(&demo, "triage-set-up", SETUP_SCOPES), FeedMode::Export);
    assert_eq!(walked(&feed, at(2)).await.len(), 111);
    let bots = ZendeskFeed::new(client(&demo, "triage", RUNTIME_SCOPES), FeedMode::Export);
    let refused = bots.changes(&Stretch { since: at(2), page: None }).await.unwrap_err();
    assert!(told(&refused).contains("set Sweep to list"), "{}", told(&refused));
}

#[tokio::test]
async fn a_lost_event_is_healed_on_a_laptop() {
    let folder = tempfile::tempdir().unwrap();
    let environment = Environment::of([("ANALYST".to_owned(), "embedded".to_owned())]);
    let (output, teams) = (folder.path(), stack::teams());
    let setup = Setup { output, analyst: None, delivery: false, capped: false, teams };
    let shared = Shared::new(setup, &environment).unwrap();
    let rows = local::input::bundled().rows;
    let row = &rows[0];
    shared.helpdesk.set_account(row.account(row.mrr));
    shared.helpdesk.open(row.ticket());
    let now = row.timestamp + SignedDuration::from_mins(10);
    let stack = shared.stack(now);
    let control = Arc::new(MemoryControl::default());
    let sweep = Sweep {
        feed: shared.helpdesk.clone(),
        records: shared.log.clone(),
        cursors: control.clone(),
        control,
        tickets: stack.tickets.clone(),
        look_back: SignedDuration::from_hours(1),
    };
    assert_eq!(sweep::handle(&sweep, &invocation(now)).await.unwrap().found, 1);
    stack.drain().await;
    assert!(stack.dead().is_empty());
    let record = shared.log.newest(row.id).unwrap();
    assert_eq!(record.ticket, row.id);
    let later = now + SignedDuration::from_mins(5);
    assert_eq!(sweep::handle(&sweep, &invocation(later)).await.unwrap().found, 0);
}
