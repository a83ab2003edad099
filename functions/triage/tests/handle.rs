//! Triage over embedded adapters that fail on cue.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "handle/erase.rs"]
mod erase;

use std::{
    io::Write,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    Account, AccountId, Alert, AlertKey, AuditAction, FieldValues, Policy, Priority, Reading, Resolution, Scored,
    Ticket, TicketId, TicketUpdate,
    follow_up::{Outcome, Step},
    plan::{Field, Part},
    ports::{Analyst, Applied, Claim, FollowUps, Helpdesk, Lease, PortError, Queue, TicketLog, Updated},
    sample,
};
use jiff::{SignedDuration, Timestamp};
use memory::{
    Failing, Fault, FixedSettings, MemoryControl, MemoryHelpdesk, MemoryQueue, MemoryTicketLog, Method, OutboxMailer,
    pump,
};
use runtime::{
    Cause, Invocation, TicketMessage,
    backoff::RECEIVES,
    message::{self, Envelope},
    metrics::EmbeddedMetrics,
};
use tracing_subscriber::layer::SubscriberExt;
use triage::{Triage, handle};
use zendesk::FieldIds;

/// Reads the two signals of the sample; in a ticket with "faq" in its subject, a question an article answers.
struct Signals;

#[async_trait]
impl Analyst for Signals {
    async fn read(&self, ticket: &Ticket, _: &Account, within: Duration) -> Result<Reading, PortError> {
        assert!((15..22).contains(&within.as_secs()), "of 30 s some are for writing: {within:?}");
        assert!(!ticket.subject.contains("panic"), "on purpose");
        if ticket.subject.contains("faq") {
            let priority = Scored { value: Priority::P3, confidence: 0.9 };
            return Ok(Reading { priority, draft: Some(sample::draft()), ..sample::reading() });
        }
        Ok(Reading { redactions: [(domain::reading::Redaction::Email, 2)].into(), ..sample::signals() })
    }
}

/// The id of the first comment of ticket 1 in the demo.
const FIRST: u64 = 10_000_000_100_002;

struct Bench {
    triage: Triage,
    log: Arc<Failing<MemoryTicketLog>>,
    helpdesk: Arc<Failing<MemoryHelpdesk>>,
    analyst: Arc<Failing<Signals>>,
    tickets: Arc<MemoryQueue>,
    alerts: Arc<Failing<MemoryQueue>>,
}

fn bench(policy: Policy) -> Bench {
    hear_everything();
    let queue = || MemoryQueue::new(SignedDuration::from_secs(60), RECEIVES, sample::now());
    let log = Arc::new(Failing::new(MemoryTicketLog::default()));
    let helpdesk = Arc::new(Failing::new(MemoryHelpdesk::new(FieldIds::default())));
    let analyst = Arc::new(Failing::new(Signals));
    let (tickets, alerts) = (Arc::new(queue()), Arc::new(Failing::new(queue())));
    let triage = Triage {
        settings: Arc::new(FixedSettings(Arc::new(policy))),
        log: log.clone(),
        records: log.clone(),
        alerts: log.clone(),
        follow_ups: log.clone(),
        conversations: Arc::new(MemoryControl::default()),
        audit: log.clone(),
        eraser: log.clone(),
        outbox: Arc::new(OutboxMailer::new("nobody-writes-here".into())),
        helpdesk: helpdesk.clone(),
        analyst: analyst.clone(),
        tickets: tickets.clone(),
        dead_letters: tickets.dead_letters(),
        alert_queue: alerts.clone(),
    };
    let bench = Bench { triage, log, helpdesk, analyst, tickets, alerts };
    bench.open(1, "Orders do not sync");
    bench
}

impl Bench {
    fn open(&self, number: u64, subject: &str) {
        let ticket = Ticket { subject: subject.into(), ..sample::ticket(number) };
        self.helpdesk.inner().open(ticket.into());
    }

    async fn send(&self, number: u64, cause: Cause) {
        let message = TicketMessage { ticket_id: sample::ticket_id(number), cause };
        message::send(&*self.tickets, &Envelope::new(message), Duration::ZERO).await.unwrap();
    }

    /// Delivers what is due. Returns the number of deliveries.
    async fn deliver(&self) -> usize {
        pump(&self.tickets, |event| async { handle(&self.triage, event, &self.invocation()).await }).await
    }

    /// Delivers until the queue is empty, skipping the waits. Returns the number of deliveries.
    async fn drain(&self) -> usize {
        let mut deliveries = 0;
        while let Some(next) = self.tickets.next_visible() {
            self.tickets.tick(next);
            deliveries += self.deliver().await;
        }
        deliveries
    }

    fn waited(&self) -> SignedDuration {
        self.tickets.now().duration_since(sample::now())
    }

    fn invocation(&self) -> Invocation {
        let now: Timestamp = self.tickets.now();
        Invocation { request_id: "r".into(), now, deadline: now + SignedDuration::from_secs(30) }
    }

    fn calls(&self, number: u64) -> usize {
        self.helpdesk.inner().calls(sample::ticket_id(number)).len()
    }

    fn record(&self, number: u64) -> Option<Arc<domain::Record>> {
        self.log.inner().newest(sample::ticket_id(number))
    }

    fn audited(&self, action: AuditAction) -> Vec<String> {
        let entries = self.log.inner().audit().into_iter().filter(|entry| entry.action == action);
        entries.map(|entry| format!("{} {}", entry.target, entry.outcome)).collect()
    }
}

#[tokio::test]
async fn a_ticket_becomes_one_write_two_alerts_and_one_record() {
    let bench = bench(sample::policy());
    bench.send(1, Cause::Created).await;
    assert_eq!(bench.drain().await, 1);
    assert_eq!((bench.calls(1), bench.alerts.inner().len()), (1, 2));
    assert_eq!(bench.record(1).unwrap().priority, Priority::P2);
    assert_eq!(bench.audited(AuditAction::ZendeskUpdate), [format!("triage-1-{FIRST} applied")]);
    assert_eq!(bench.audited(AuditAction::AlertRaised).len(), 2);
    assert_eq!(bench.audited(AuditAction::MessageReceived), ["created triage"]);
}

#[tokio::test]
async fn what_became_of_a_wish_is_known_to_the_next_one() {
    let bench = bench(sample::policy());
    bench.send(1, Cause::Created).await;
    bench.drain().await;
    let raised = |number| {
        let key = AlertKey { ticket: sample::ticket_id(number), ..sample::alerts(1).1.key() };
        bench.log.inner().alert(key).unwrap()
    };
    let first = raised(1);
    let by = "sales@example.com".parse().unwrap();
    let lost = first.after(Step::Settle(Outcome::Lost), &by, sample::now()).unwrap();
    let entry = sample::audit_entry(1, AuditAction::AlertFollowUp);
    bench.log.follow_up(&first, &lost, &entry).await.unwrap();
    bench.tickets.tick(sample::now() + SignedDuration::from_hours(1));
    bench.open(2, "Orders do not sync");
    bench.send(2, Cause::Created).await;
    bench.drain().await;
    let settled = Alert { follow_up: lost, ..(*first).clone() };
    assert!(raised(2).earlier.contains(&settled.earlier()), "{:?}", raised(2).earlier);
}

#[tokio::test]
async fn the_same_message_again_changes_nothing() {
    let bench = bench(sample::policy());
    for _ in 0..3 {
        bench.send(1, Cause::Created).await;
        bench.drain().await;
    }
    assert_eq!((bench.calls(1), bench.alerts.inner().len(), bench.analyst.calls(Method::AnalystRead)), (1, 2, 1));
}

#[tokio::test]
async fn a_hundred_at_once_are_one_triage() {
    let bench = bench(sample::policy());
    for _ in 0..100 {
        bench.send(1, Cause::Created).await;
    }
    bench.drain().await;
    assert_eq!((bench.calls(1), bench.alerts.inner().len(), bench.analyst.calls(Method::AnalystRead)), (1, 2, 1));
    assert!(bench.tickets.dead().is_empty());
}

/// Somebody else holds the ticket for that long.
async fn hold(bench: &Bench, seconds: i64) -> Lease {
    let until = sample::now() + SignedDuration::from_secs(seconds);
    let lease = Lease { ticket: sample::ticket_id(1), owner: "other".into(), until };
    bench.log.claim(&lease, sample::now()).await.unwrap();
    lease
}

#[tokio::test]
async fn a_loser_waits_for_the_release() {
    let bench = bench(sample::policy());
    let lease = hold(&bench, 600).await;
    bench.send(1, Cause::Created).await;
    assert_eq!(bench.deliver().await, 1);
    bench.log.release(&lease).await.unwrap();
    assert_eq!(bench.drain().await, 1);
    assert_eq!(bench.calls(1), 1);
    assert!(bench.tickets.now() <= sample::now() + SignedDuration::from_secs(5), "long before the lease ends");
}

#[tokio::test]
async fn a_dead_owner_is_waited_out() {
    let bench = bench(sample::policy());
    let lease = hold(&bench, 35).await;
    bench.send(1, Cause::Created).await;
    bench.drain().await;
    assert_eq!(bench.calls(1), 1);
    assert_eq!(bench.tickets.now(), lease.until, "no backoff goes past the end of the lease");
}

#[tokio::test]
async fn every_transient_failure_heals_without_a_second_effect() {
    for method in [
        Method::TicketLogClaim,
        Method::TicketLogSave,
        Method::TicketLogFinish,
        Method::TicketLogRelease,
        Method::HelpdeskTicket,
        Method::HelpdeskAccount,
        Method::HelpdeskUpdate,
        Method::AnalystRead,
        Method::QueueSend,
    ] {
        for fault in [Fault::Transient, Fault::Ambiguous] {
            let bench = bench(sample::policy());
            bench.log.plan(method, &[fault]);
            bench.helpdesk.plan(method, &[fault]);
            bench.analyst.plan(method, &[fault]);
            bench.alerts.plan(method, &[fault]);
            bench.send(1, Cause::Created).await;
            bench.drain().await;
            assert_eq!(bench.calls(1), 1, "{method} {fault:?}");
            assert!(bench.record(1).is_some(), "{method} {fault:?}");
            assert!(bench.tickets.dead().is_empty(), "{method} {fault:?}");
            assert_eq!(bench.audited(AuditAction::AlertRaised).len(), 2, "{method} {fault:?}");
            let asked_again =
                method == Method::AnalystRead || (method == Method::TicketLogSave && fault == Fault::Transient);
            let reads = if asked_again { 2 } else { 1 };
            assert_eq!(bench.analyst.calls(Method::AnalystRead), reads, "{method} {fault:?}");
        }
    }
}

#[tokio::test]
async fn four_hours_of_trouble_lose_nothing() {
    let bench = bench(sample::policy());
    bench.helpdesk.plan(Method::HelpdeskTicket, &[Fault::Transient; RECEIVES as usize - 1]);
    bench.send(1, Cause::Created).await;
    assert_eq!(bench.drain().await, RECEIVES as usize);
    assert!(bench.waited() >= SignedDuration::from_hours(4), "{:?}", bench.waited());
    assert_eq!((bench.calls(1), bench.tickets.dead().len()), (1, 0));
}

#[tokio::test]
async fn a_throttled_helpdesk_is_left_alone() {
    let bench = bench(sample::policy());
    let throttled = Arc::new(ThrottledOnce { inner: bench.helpdesk.clone(), throttled: false.into() });
    let bench = Bench { triage: Triage { helpdesk: throttled, ..bench.triage.clone() }, ..bench };
    bench.send(1, Cause::Created).await;
    assert_eq!(bench.drain().await, 2);
    assert!(bench.waited() >= SignedDuration::from_mins(10), "{:?}", bench.waited());
    assert_eq!(bench.calls(1), 1);
}

/// Wants ten minutes of peace at first.
struct ThrottledOnce {
    inner: Arc<Failing<MemoryHelpdesk>>,
    throttled: AtomicBool,
}

#[async_trait]
impl Helpdesk for ThrottledOnce {
    async fn ticket(&self, id: TicketId) -> Result<Option<Ticket>, PortError> {
        if !self.throttled.swap(true, Ordering::Relaxed) {
            return Err(PortError::throttled("helpdesk", Duration::from_secs(600), "429"));
        }
        self.inner.ticket(id).await
    }

    async fn account(&self, id: &AccountId) -> Result<Account, PortError> {
        self.inner.account(id).await
    }

    async fn update(&self, update: &TicketUpdate) -> Result<Updated, PortError> {
        self.inner.update(update).await
    }

    async fn look_up(&self, id: TicketId, marker: &str) -> Result<Option<Applied>, PortError> {
        self.inner.look_up(id, marker).await
    }
}

#[tokio::test]
async fn a_dead_audit_costs_no_second_reading() {
    let bench = bench(sample::policy());
    let audit = Arc::new(Failing::new(MemoryTicketLog::default()));
    audit.plan(Method::AuditAppend, &[Fault::Transient; 100]);
    let bench = Bench { triage: Triage { audit, ..bench.triage.clone() }, ..bench };
    bench.send(1, Cause::Created).await;
    assert_eq!(bench.drain().await, 1);
    assert_eq!((bench.calls(1), bench.analyst.calls(Method::AnalystRead)), (1, 1));
    assert_eq!(bench.audited(AuditAction::Redaction), ["language model 2 email"]);
}

#[tokio::test]
async fn a_failed_write_repeats_no_correction() {
    for fault in [Fault::Transient, Fault::Ambiguous, Fault::Panic, Fault::PanicAfter] {
        let bench = bench(sample::policy());
        bench.send(1, Cause::Created).await;
        bench.drain().await;
        let values = FieldValues { priority: Some(Priority::P3), ..FieldValues::default() };
        bench.helpdesk.inner().set_values(sample::ticket_id(1), values);
        bench.log.plan(Method::TicketLogSave, &[fault]);
        bench.send(1, Cause::FieldChanged).await;
        bench.drain().await;
        assert_eq!(bench.audited(AuditAction::Correction), ["priority P2 to P3"], "{fault:?}");
    }
}

#[tokio::test]
async fn a_permanent_failure_parks_with_its_reason() {
    let bench = bench(sample::policy());
    bench.open(2, "fine");
    bench.helpdesk.plan(Method::HelpdeskTicket, &[Fault::Permanent]);
    bench.send(1, Cause::Created).await;
    assert_eq!(bench.drain().await, 1, "parked at once");
    assert_eq!((bench.tickets.dead().len(), bench.calls(1)), (1, 0));
    assert_eq!(
        bench.audited(AuditAction::TriageParked),
        ["tickets queue fault refused: Helpdesk::ticket refused on cue"]
    );
    bench.send(2, Cause::Created).await;
    bench.drain().await;
    assert_eq!(bench.calls(2), 1, "the next one is served");
}

#[tokio::test]
async fn the_audit_knows_of_unreadable_messages() {
    let bench = bench(sample::policy());
    bench.tickets.send(r#"{"v":9,"ticket_id":1}"#, Duration::ZERO).await.unwrap();
    bench.tickets.send(r#"{"v":1,"ticket_id":1,"cause":["private words"]}"#, Duration::ZERO).await.unwrap();
    bench.tickets.send("private words", Duration::ZERO).await.unwrap();
    bench.drain().await;
    assert_eq!(
        bench.audited(AuditAction::TriageParked),
        [
            "tickets queue message version 9 is not known here",
            "tickets queue not a message of ours: cause is missing or not what it should be"
        ]
    );
    assert_eq!(bench.tickets.dead().len(), 3);
}

#[tokio::test]
async fn a_panic_takes_down_its_own_record_only() {
    let bench = bench(sample::policy());
    bench.open(2, "please panic");
    bench.open(3, "fine");
    for number in [1, 2, 3] {
        bench.send(number, Cause::Created).await;
    }
    bench.deliver().await;
    assert_eq!((bench.calls(1), bench.calls(2), bench.calls(3)), (1, 0, 1));
    bench.drain().await;
    assert_eq!(bench.tickets.dead().len(), 1);
}

#[tokio::test]
async fn a_ticket_that_changed_meanwhile_is_read_again() {
    let bench = bench(sample::policy());
    bench.send(1, Cause::Created).await;
    let changed = Arc::new(ChangesOnce::new(bench.helpdesk.clone()));
    let mut triage = bench.triage.clone();
    triage.helpdesk = changed;
    let bench = Bench { triage, ..bench };
    assert_eq!(bench.drain().await, 2);
    assert_eq!(bench.calls(1), 1);
    assert_eq!(bench.audited(AuditAction::ZendeskUpdate).len(), 2, "a conflict, then applied");
}

/// Somebody edits the ticket between our reading and our first write.
struct ChangesOnce {
    inner: Arc<Failing<MemoryHelpdesk>>,
    changed: AtomicBool,
}

impl ChangesOnce {
    fn new(inner: Arc<Failing<MemoryHelpdesk>>) -> Self {
        Self { inner, changed: false.into() }
    }
}

#[async_trait]
impl Helpdesk for ChangesOnce {
    async fn ticket(&self, id: TicketId) -> Result<Option<Ticket>, PortError> {
        self.inner.ticket(id).await
    }

    async fn account(&self, id: &AccountId) -> Result<Account, PortError> {
        self.inner.account(id).await
    }

    async fn update(&self, update: &TicketUpdate) -> Result<Updated, PortError> {
        if !self.changed.swap(true, Ordering::Relaxed) {
            let edit = serde_json::json!({ "subject": "Edited by hand" });
            assert!(self.inner.inner().demo().human_edit(update.ticket, &edit));
        }
        self.inner.update(update).await
    }

    async fn look_up(&self, id: TicketId, marker: &str) -> Result<Option<Applied>, PortError> {
        self.inner.look_up(id, marker).await
    }
}

#[tokio::test]
async fn a_new_comment_is_a_new_triage_and_writes_only_what_changed() {
    let bench = bench(sample::policy());
    bench.send(1, Cause::Created).await;
    bench.drain().await;
    bench.helpdesk.inner().comment(sample::ticket_id(1), "Any news?".into());
    bench.send(1, Cause::Commented).await;
    bench.drain().await;
    assert_eq!(bench.analyst.calls(Method::AnalystRead), 2);
    assert_eq!(bench.calls(1), 1, "the plan equals the last one");
    assert_eq!(bench.alerts.inner().len(), 2 + 2, "told again of alerts that still wait");
    assert_eq!(bench.audited(AuditAction::AlertRaised).len(), 2, "but raised once");
}

#[tokio::test]
async fn a_humans_change_is_a_correction_once() {
    let bench = bench(sample::policy());
    bench.send(1, Cause::Created).await;
    bench.drain().await;
    let values = FieldValues { priority: Some(Priority::P3), ..FieldValues::default() };
    bench.helpdesk.inner().set_values(sample::ticket_id(1), values);
    for _ in 0..2 {
        bench.send(1, Cause::FieldChanged).await;
        bench.drain().await;
    }
    assert_eq!(bench.audited(AuditAction::Correction), ["priority P2 to P3"]);
    assert_eq!(bench.calls(1), 1);
}

#[tokio::test]
async fn an_unknown_ticket_is_parked_in_the_end() {
    let bench = bench(sample::policy());
    bench.send(99, Cause::Triggered).await;
    assert_eq!(bench.drain().await, 6);
    assert!((78..=155).contains(&bench.waited().as_secs()), "about two minutes: {:?}", bench.waited());
    assert_eq!(bench.audited(AuditAction::TriageParked), ["tickets queue no such ticket"]);
    assert_eq!(bench.tickets.dead(), [r#"{"v":1,"ticket_id":99,"cause":"triggered"}"#]);
}

/// A place that logs is switched off for good if nobody listens when it is first reached, and tests run side by side: so
/// somebody always listens.
fn hear_everything() {
    // Only the first of the tests succeeds.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry());
}

/// What CloudWatch would take metrics from.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    /// Collects until the guard goes.
    fn recorded() -> (Self, tracing::subscriber::DefaultGuard) {
        hear_everything();
        let lines = Self::default();
        let out = lines.clone();
        let metrics = EmbeddedMetrics::new("test".to_owned(), sample::now, move || out.clone());
        (lines, tracing::subscriber::set_default(tracing_subscriber::registry().with(metrics)))
    }

    fn count(&self, what: &str) -> usize {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap().matches(what).count()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_missing_ticket_is_counted() {
    let (metrics, _guard) = Lines::recorded();
    let bench = bench(sample::policy());
    bench.send(99, Cause::Created).await;
    bench.drain().await;
    assert_eq!((metrics.count(r#""NotFound":1"#), metrics.count(r#""MessageAge":"#)), (1, 5));
}

#[tokio::test]
async fn a_ticket_that_appears_late_is_triaged() {
    let bench = bench(sample::policy());
    bench.send(99, Cause::Created).await;
    for _ in 0..4 {
        bench.tickets.tick(bench.tickets.next_visible().unwrap());
        bench.deliver().await;
    }
    assert_eq!(bench.record(99), None);
    bench.open(99, "At last");
    bench.drain().await;
    assert_eq!((bench.calls(99), bench.tickets.dead().len()), (1, 0));
    assert!(bench.audited(AuditAction::TriageParked).is_empty());
}

#[tokio::test]
async fn a_dead_letter_sent_again_is_triaged() {
    let bench = bench(sample::policy());
    bench.send(99, Cause::Created).await;
    bench.drain().await;
    bench.open(99, "At last");
    bench.tickets.send(&bench.tickets.dead()[0], Duration::ZERO).await.unwrap();
    bench.drain().await;
    assert_eq!(bench.calls(99), 1);
}

#[tokio::test]
async fn a_ticket_is_answered_in_public_once_whatever_goes_wrong() {
    let public = |bench: &Bench| {
        let calls = bench.helpdesk.inner().calls(sample::ticket_id(2));
        calls.iter().filter(|call| call.body.as_ref().unwrap()["ticket"]["comment"]["public"] == true).count()
    };
    // The answer to the write is lost; the retry finds it and records what happened.
    let lost = bench(sample::policy());
    lost.open(2, "faq");
    lost.helpdesk.plan(Method::HelpdeskUpdate, &[Fault::Ambiguous]);
    lost.send(2, Cause::Created).await;
    lost.drain().await;
    assert_eq!((public(&lost), lost.record(2).unwrap().resolution), (1, Resolution::Answered));

    // The answer is lost and the customer writes again before the retry: a new version, and no second reply.
    let overtaken = bench(sample::policy());
    overtaken.open(2, "faq");
    overtaken.helpdesk.plan(Method::HelpdeskUpdate, &[Fault::Ambiguous]);
    overtaken.send(2, Cause::Created).await;
    overtaken.deliver().await;
    overtaken.helpdesk.inner().comment(sample::ticket_id(2), "And one more thing".into());
    overtaken.drain().await;
    assert_eq!((public(&overtaken), overtaken.record(2).unwrap().resolution), (1, Resolution::AnswerReady));
}

#[tokio::test]
async fn after_a_lost_answer_our_fields_are_still_ours() {
    let bench = bench(sample::policy());
    bench.helpdesk.plan(Method::HelpdeskUpdate, &[Fault::Ambiguous]);
    bench.send(1, Cause::Created).await;
    bench.drain().await;
    let now = bench.tickets.now();
    let lease = Lease { ticket: sample::ticket_id(1), owner: "test".into(), until: now + SignedDuration::from_secs(1) };
    let Claim::Mine(state) = bench.log.claim(&lease, now).await.unwrap() else { panic!("released") };
    assert_eq!(state.written.unwrap().values.priority, Some(Priority::P2), "what arrived is what we last wrote");
    assert!(bench.audited(AuditAction::Correction).is_empty());
    assert_eq!(bench.audited(AuditAction::ZendeskUpdate), [format!("triage-1-{FIRST} arrived at an earlier attempt")]);
}

/// Answers its first writes as told, and then as usual.
struct Answering {
    inner: Arc<Failing<MemoryHelpdesk>>,
    answers: Mutex<Vec<Updated>>,
    looked_up: Option<Applied>,
}

#[async_trait]
impl Helpdesk for Answering {
    async fn ticket(&self, id: TicketId) -> Result<Option<Ticket>, PortError> {
        if id == sample::ticket_id(401) {
            return Err(PortError::denied("helpdesk", "the token lacks the scope tickets:read"));
        }
        self.inner.ticket(id).await
    }

    async fn account(&self, id: &AccountId) -> Result<Account, PortError> {
        self.inner.account(id).await
    }

    async fn update(&self, update: &TicketUpdate) -> Result<Updated, PortError> {
        let told = self.answers.lock().unwrap().pop();
        if told == Some(Updated::NotFound) {
            return Ok(Updated::NotFound);
        }
        let answer = self.inner.update(update).await?;
        Ok(told.unwrap_or(answer))
    }

    async fn look_up(&self, id: TicketId, marker: &str) -> Result<Option<Applied>, PortError> {
        let known = self.inner.look_up(id, marker).await?;
        Ok(known.map(|known| self.looked_up.clone().unwrap_or(known)))
    }
}

fn answering(answers: Vec<Updated>, looked_up: Option<Applied>) -> Bench {
    let bench = bench(sample::policy());
    let helpdesk = Arc::new(Answering { inner: bench.helpdesk.clone(), answers: answers.into(), looked_up });
    Bench { triage: Triage { helpdesk, ..bench.triage.clone() }, ..bench }
}

#[tokio::test]
async fn what_the_helpdesk_refuses_is_on_the_record_and_not_ours() {
    let refused = vec![Part::Field(Field::Priority), Part::Tags];
    let bench = answering(vec![Updated::Applied(Applied { refused, exposed: false })], None);
    for _ in 0..2 {
        bench.send(1, Cause::Created).await;
        bench.drain().await;
    }
    assert_eq!(bench.calls(1), 1, "the same plan is not tried again");
    let record = bench.record(1).unwrap();
    assert_eq!(record.reasons.last().unwrap(), "Zendesk would not take: priority, tags");
    assert_eq!(
        bench.audited(AuditAction::ZendeskUpdate),
        [format!("triage-1-{FIRST} applied, without priority, tags")]
    );
    let lease = Lease { until: sample::now() + SignedDuration::from_hours(9), ..hold(&bench, 0).await };
    let Claim::Mine(state) = bench.log.claim(&lease, sample::now()).await.unwrap() else { panic!("released") };
    let held = state.written.unwrap().values;
    assert_eq!((held.priority, held.guardian_risk_score.is_some()), (None, true));
}

#[tokio::test]
async fn an_answer_nobody_got_is_none() {
    let refused = Applied { refused: vec![Part::Comment], exposed: false };
    for answer in [Updated::Gone, Updated::Applied(refused)] {
        let bench = answering(vec![answer.clone()], None);
        bench.open(2, "faq");
        bench.send(2, Cause::Created).await;
        bench.drain().await;
        assert_eq!(bench.record(2).unwrap().resolution, Resolution::Routed, "{answer:?}");
    }
}

#[tokio::test]
async fn a_note_that_came_out_public_is_alarmed() {
    let exposed = Applied { refused: Vec::new(), exposed: true };
    for lost in [false, true] {
        let (metrics, _guard) = Lines::recorded();
        let bench = answering(vec![Updated::Applied(exposed.clone())], Some(exposed.clone()));
        if lost {
            bench.helpdesk.plan(Method::HelpdeskUpdate, &[Fault::Ambiguous]);
        }
        bench.send(1, Cause::Created).await;
        bench.drain().await;
        assert_eq!(metrics.count(r#""Exposed":1"#), 1, "answer lost: {lost}");
        let outcome = bench.audited(AuditAction::ZendeskUpdate).concat();
        assert!(outcome.ends_with("the note came out public and was made private"), "{outcome}");
    }
}

#[tokio::test]
async fn a_ticket_that_vanishes_before_the_write_is_looked_for_and_given_up() {
    let bench = answering(vec![Updated::NotFound; 6], None);
    bench.send(1, Cause::Created).await;
    assert_eq!(bench.drain().await, 6);
    assert_eq!((bench.record(1), bench.tickets.dead().len()), (None, 1));
}

#[tokio::test]
async fn denied_access_is_counted_and_waited_for() {
    let (metrics, _guard) = Lines::recorded();
    let bench = answering(Vec::new(), None);
    bench.send(401, Cause::Created).await;
    assert_eq!(bench.drain().await, RECEIVES as usize, "for hours, in which a person mends it");
    assert_eq!((bench.tickets.dead().len(), metrics.count(r#""Denied":1"#)), (1, RECEIVES as usize));
}

#[tokio::test]
async fn a_write_that_arrived_is_not_made_again_whatever_changed_since() {
    let bench = bench(sample::policy());
    bench.helpdesk.plan(Method::HelpdeskUpdate, &[Fault::Ambiguous]);
    bench.send(1, Cause::Created).await;
    assert_eq!(bench.deliver().await, 1);
    let account = sample::account();
    let known = bench.helpdesk.account(&account.id).await.unwrap();
    bench.helpdesk.inner().set_account(Account { mrr: Some(90_000.0), ..known });
    bench.log.plan(Method::TicketLogFinish, &[Fault::Transient]);
    bench.drain().await;
    assert_eq!((bench.calls(1), bench.tickets.dead().len()), (1, 0));
    assert!(bench.record(1).is_some());
}
