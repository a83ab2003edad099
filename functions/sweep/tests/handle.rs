//! Sweeps over a feed that is told what to say.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    TicketId, TicketState, Version,
    ports::{Changed, Changes, Control, Count, Cursors, Feed, Lease, PortError, Stretch, TicketLog, feed::PAGE},
    sample,
};
use jiff::{SignedDuration, Timestamp};
use memory::{Failing, Fault, MemoryControl, MemoryQueue, MemoryTicketLog, Method};
use runtime::{Cause, Invocation, TicketMessage, message};
use sweep::{Sweep, Swept};

/// A helpdesk that says only what a sweep asks for.
#[derive(Debug, Default)]
struct Story(Mutex<Told>);

#[derive(Debug, Default)]
struct Told {
    tickets: BTreeMap<TicketId, (Changed, Option<Version>)>,
    stretches: Vec<Stretch>,
    asked: Vec<TicketId>,
    throttled: bool,
}

#[async_trait]
impl Feed for Story {
    async fn changes(&self, stretch: &Stretch) -> Result<Changes, PortError> {
        let mut told = self.0.lock().unwrap();
        if told.throttled {
            return Err(PortError::throttled("Zendesk", Duration::from_secs(30), "rate limit reached"));
        }
        told.stretches.push(stretch.clone());
        let skipped = stretch.page.as_ref().map_or(0, |page| page.parse::<usize>().unwrap());
        let all = told.tickets.values().map(|(changed, _)| *changed);
        let mut changed: Vec<Changed> =
            all.filter(|changed| changed.updated_at >= stretch.since).skip(skipped).take(PAGE + 1).collect();
        let next = (changed.len() > PAGE).then(|| (skipped + PAGE).to_string());
        changed.truncate(PAGE);
        Ok(Changes { changed, next })
    }

    async fn newest_customer_comment(&self, ticket: TicketId) -> Result<Option<Version>, PortError> {
        let mut told = self.0.lock().unwrap();
        told.asked.push(ticket);
        Ok(told.tickets.get(&ticket).and_then(|(_, version)| *version))
    }
}

struct Bench {
    story: Arc<Failing<Story>>,
    log: Arc<MemoryTicketLog>,
    control: Arc<Failing<MemoryControl>>,
    tickets: Arc<Failing<MemoryQueue>>,
    sweep: Sweep,
}

fn at(minutes: i64) -> Timestamp {
    sample::now() + SignedDuration::from_mins(minutes)
}

impl Bench {
    fn new() -> Self {
        let story = Arc::new(Failing::new(Story::default()));
        let log = Arc::new(MemoryTicketLog::default());
        let control = Arc::new(Failing::new(MemoryControl::default()));
        let tickets = Arc::new(Failing::new(MemoryQueue::new(SignedDuration::from_mins(3), 40, at(0))));
        let sweep = Sweep {
            feed: story.clone(),
            records: log.clone(),
            cursors: control.clone(),
            control: control.clone(),
            tickets: tickets.clone(),
            look_back: SignedDuration::from_hours(1),
        };
        Self { story, log, control, tickets, sweep }
    }

    /// A ticket opened and last touched by its customer at that minute.
    fn open(&self, number: u64, minute: i64) {
        self.touch(number, minute, minute, number * 100);
    }

    /// The customer's newest comment has that id.
    fn touch(&self, number: u64, created: i64, minute: i64, version: u64) {
        let changed = Changed {
            ticket: sample::ticket_id(number),
            created_at: at(created),
            updated_at: at(minute),
            customer_at: Some(at(minute)),
            commented_at: Some(at(minute)),
            closed: false,
        };
        self.tell(changed, Some(version));
    }

    fn tell(&self, changed: Changed, version: Option<u64>) {
        let told = &mut self.story.inner().0.lock().unwrap();
        told.tickets.insert(changed.ticket, (changed, version.map(Version)));
    }

    /// The sample's record: version is a hundred times the number.
    async fn triage(&self, number: u64, minute: i64) {
        let (ticket, now) = (sample::ticket_id(number), at(minute));
        let lease = Lease { ticket, owner: "test".into(), until: now + SignedDuration::from_mins(1) };
        let record = sample::record(number, "Acme", now);
        let state = TicketState { done: Some(record.version), ..TicketState::default() };
        let expires = now + SignedDuration::from_hours(24 * 30);
        self.log.claim(&lease, now).await.unwrap();
        self.log.finish(&lease, &state, &record, expires, &[]).await.unwrap();
    }

    async fn try_run(&self, minute: i64) -> Result<Swept, PortError> {
        let now = at(minute);
        let deadline = now + SignedDuration::from_secs(60);
        sweep::handle(&self.sweep, &Invocation { request_id: "r".into(), now, deadline }).await
    }

    async fn run(&self, minute: i64) -> Swept {
        self.try_run(minute).await.unwrap()
    }

    /// The numbers of the tickets that wait in the queue, which is empty then.
    fn queued(&self) -> Vec<u64> {
        let queue = self.tickets.inner();
        queue.tick(queue.now() + SignedDuration::from_hours(1));
        let messages = queue.receive(usize::MAX);
        messages
            .iter()
            .map(|message| {
                queue.delete(&message.receipt());
                let body = message::parse(&message.body).unwrap();
                let content: TicketMessage = message::content(&body).unwrap();
                assert_eq!(content.cause, Cause::Swept);
                content.ticket_id.number()
            })
            .collect()
    }

    fn stretches(&self) -> Vec<Stretch> {
        self.story.inner().0.lock().unwrap().stretches.clone()
    }

    fn asked(&self) -> Vec<u64> {
        self.story.inner().0.lock().unwrap().asked.iter().map(|ticket| ticket.number()).collect()
    }
}

#[tokio::test]
async fn a_ticket_that_no_event_told_of_is_queued_once() {
    let bench = Bench::new();
    bench.open(1, 10);
    bench.open(2, 11);
    bench.triage(2, 12).await;
    assert_eq!(bench.run(15).await, Swept { looked_at: 2, found: 1, complete: true });
    assert_eq!(bench.queued(), [1]);
    assert_eq!(bench.run(16).await, Swept { looked_at: 0, found: 0, complete: true }, "the same minutes, read again");
    assert_eq!(bench.queued(), [] as [u64; 0]);
}

#[tokio::test]
async fn a_newer_word_of_the_customer_is_queued() {
    let bench = Bench::new();
    for (number, version) in [(1, 100), (2, 201)] {
        bench.touch(number, 0, 20, version);
        bench.triage(number, 10).await;
    }
    assert_eq!(bench.run(25).await.found, 1);
    assert_eq!((bench.asked(), bench.queued()), (vec![1, 2], vec![2]), "the first did something else than write");
}

#[tokio::test]
async fn a_reply_of_somebody_else_is_looked_into() {
    let bench = Bench::new();
    for (number, version) in [(1, 100), (2, 201)] {
        bench.triage(number, 10).await;
        let changed = Changed { customer_at: Some(at(5)), ..written(number, 20) };
        bench.tell(changed, Some(version));
    }
    assert_eq!(bench.run(25).await.found, 1, "a colleague in copy wrote in one, an agent in the other");
    assert_eq!(bench.queued(), [2]);
}

fn written(number: u64, minute: i64) -> Changed {
    Changed {
        ticket: sample::ticket_id(number),
        created_at: at(0),
        updated_at: at(minute),
        customer_at: Some(at(minute)),
        commented_at: Some(at(minute)),
        closed: false,
    }
}

#[tokio::test]
async fn our_own_write_costs_no_request() {
    let bench = Bench::new();
    bench.triage(1, 10).await;
    bench.tell(Changed { customer_at: Some(at(9)), ..written(1, 11) }, Some(101));
    assert_eq!(bench.run(25).await, Swept { looked_at: 1, found: 0, complete: true });
    assert_eq!(bench.asked(), [] as [u64; 0]);
}

#[tokio::test]
async fn closed_and_past_tickets_are_left_alone() {
    let bench = Bench::new();
    bench.tell(Changed { closed: true, ..written(1, 10) }, Some(100));
    let before = Changed { created_at: at(-5_000), customer_at: None, ..written(2, 10) };
    bench.tell(before, Some(200));
    assert_eq!(bench.run(15).await, Swept { looked_at: 2, found: 0, complete: true });
}

#[tokio::test]
async fn the_last_minute_is_the_next_sweeps() {
    let bench = Bench::new();
    bench.open(1, 15);
    assert_eq!(bench.run(15).await.looked_at, 0, "its event may be on the way");
    assert_eq!(bench.run(20).await.found, 1);
}

#[tokio::test]
async fn a_busy_hour_is_walked_over_some_sweeps() {
    let bench = Bench::new();
    for number in 1..=1_000 {
        bench.open(number, 10);
    }
    let mut queued = Vec::new();
    for sweep in 0..20 {
        let swept = bench.run(15 + sweep).await;
        assert!(swept.found <= 200, "{swept:?}");
        queued.extend(bench.queued());
        if swept.complete {
            break;
        }
    }
    queued.sort_unstable();
    assert_eq!(queued, (1..=1_000).collect::<Vec<u64>>(), "each once");
}

#[tokio::test]
async fn a_minute_has_ten_requests() {
    let bench = Bench::new();
    for number in 1..=60 {
        bench.triage(number, 5).await;
        bench.tell(Changed { customer_at: Some(at(1)), ..written(number, 10) }, Some(number * 100));
    }
    assert!(bench.run(15).await.complete);
    assert_eq!((bench.stretches().len(), bench.asked().len()), (1, 8), "a page counts two");
    assert!(!bench.run(15).await.complete, "the minute is used up");
    assert_eq!(bench.stretches().len(), 1);
    let counter = format!("sweep/{}", at(15).as_second() / 60);
    assert_eq!(bench.control.count(&counter, 1, 10, at(60)).await.unwrap(), Count::Over);
}

#[tokio::test]
async fn queued_tickets_are_spread_over_minutes() {
    let bench = Bench::new();
    for number in 1..=60 {
        bench.open(number, 10);
    }
    bench.tickets.inner().tick(at(15));
    bench.run(15).await;
    let visible_after = |seconds: u64| {
        bench.tickets.inner().tick(at(15) + Duration::from_secs(seconds));
        bench.tickets.inner().receive(100).len()
    };
    assert_eq!([0, 29, 30, 179].map(visible_after), [1, 9, 1, 49]);
}

#[tokio::test]
async fn what_was_given_up_is_found_by_the_second_look() {
    let bench = Bench::new();
    bench.open(1, 10);
    bench.run(15).await;
    assert_eq!(bench.queued(), [1], "and its message ended among the dead letters");
    for minute in (20..370).step_by(5) {
        bench.run(minute).await;
    }
    assert_eq!(bench.queued(), [] as [u64; 0]);
    bench.run(375).await;
    assert_eq!(bench.queued(), [1]);
    bench.triage(1, 376).await;
    for minute in (380..800).step_by(5) {
        bench.run(minute).await;
    }
    assert_eq!(bench.queued(), [] as [u64; 0], "it has a record now");
}

#[tokio::test]
async fn trouble_loses_no_stretch() {
    for (method, fault) in [
        (Method::FeedChanges, Fault::Transient),
        (Method::FeedChanges, Fault::Permanent),
        (Method::FeedNewestCustomerComment, Fault::Transient),
        (Method::QueueSend, Fault::Transient),
        (Method::QueueSend, Fault::Ambiguous),
        (Method::ControlCount, Fault::Transient),
        (Method::CursorsGet, Fault::Transient),
        (Method::CursorsSet, Fault::Transient),
        (Method::CursorsSet, Fault::Ambiguous),
    ] {
        let bench = Bench::new();
        bench.run(1).await;
        bench.open(1, 10);
        bench.touch(2, 0, 11, 201);
        bench.triage(2, 5).await;
        bench.story.plan(method, &[fault]);
        bench.control.plan(method, &[fault]);
        bench.tickets.plan(method, &[fault]);
        assert!(bench.try_run(15).await.is_err(), "{method} {fault:?}");
        assert!(bench.run(400).await.complete, "{method} {fault:?}");
        let mut queued = bench.queued();
        queued.sort_unstable();
        queued.dedup();
        assert_eq!(queued, [1, 2], "{method} {fault:?}");
    }
}

#[tokio::test]
async fn a_used_up_budget_is_no_failure() {
    let bench = Bench::new();
    bench.open(1, 10);
    bench.story.inner().0.lock().unwrap().throttled = true;
    assert_eq!(bench.run(15).await, Swept::default());
    bench.story.inner().0.lock().unwrap().throttled = false;
    assert_eq!(bench.run(20).await.found, 1);
}

#[tokio::test]
async fn a_page_that_is_refused_is_walked_to_anew() {
    let bench = Bench::new();
    for number in 1..=250 {
        bench.open(number, 10);
    }
    assert_eq!(bench.run(15).await.found, 200);
    bench.story.plan(Method::FeedChanges, &[Fault::Permanent]);
    assert!(bench.try_run(20).await.is_err());
    assert_eq!(bench.run(25).await, Swept { looked_at: 50, found: 50, complete: true });
    assert_eq!(bench.queued().len(), 250);
}

#[tokio::test]
async fn of_two_sweeps_at_once_none_goes_back() {
    let bench = Bench::new();
    let before = bench.control.get("sweep").await.unwrap();
    assert_eq!(before, None);
    bench.run(15).await;
    let first = bench.control.get("sweep").await.unwrap().unwrap();
    let late = bench.control.set("sweep", "late", None).await.unwrap();
    assert_eq!(late, domain::ports::Moved::Overtaken);
    bench.run(20).await;
    assert_eq!(bench.control.get("sweep").await.unwrap().unwrap().revision, first.revision + 1);
}

#[tokio::test]
async fn an_unreadable_cursor_is_begun_anew() {
    let bench = Bench::new();
    bench.control.set("sweep", r#"{"v":9}"#, None).await.unwrap();
    bench.open(1, 10);
    assert_eq!(bench.run(15).await.found, 1);
    assert_eq!(bench.run(16).await.looked_at, 0);
}
