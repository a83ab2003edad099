//! Forgetting a ticket, over embedded adapters that fail on cue.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{
    Account, AuditAction, Conversation, Delivery, ErasureReason, Reading, Ticket, TicketId, TicketState,
    conversation::{self, Matter, Said},
    ports::{Accepted, AlertLog, Analyst, Claim, Conversations, Email, Lease, Mailer, PortError, TicketLog, contract},
    sample,
};
use jiff::{SignedDuration, Timestamp};
use memory::{
    Failing, Fault, Faults, FixedSettings, MemoryControl, MemoryHelpdesk, MemoryQueue, MemoryTicketLog, Method,
    OutboxMailer, pump,
};
use runtime::{
    Cause, Invocation, TicketMessage,
    backoff::RECEIVES,
    message::{self, Envelope},
};
use triage::{Triage, handle};
use zendesk::FieldIds;

/// Hears both signals in every ticket.
struct Signals;

#[async_trait]
impl Analyst for Signals {
    async fn read(&self, _: &Ticket, _: &Account, _: Duration) -> Result<Reading, PortError> {
        Ok(sample::signals())
    }
}

struct Bench {
    faults: Faults,
    triage: Triage,
    log: Arc<Failing<MemoryTicketLog>>,
    control: Arc<Failing<MemoryControl>>,
    helpdesk: Arc<Failing<MemoryHelpdesk>>,
    outbox: Arc<Failing<OutboxMailer>>,
    tickets: Arc<MemoryQueue>,
    alerts: Arc<MemoryQueue>,
    folder: tempfile::TempDir,
}

const ERASING: [Cause; 3] = [Cause::Deleted, Cause::Redacted, Cause::Forgotten];

impl Bench {
    fn new() -> Self {
        let faults = Faults::default();
        let queue = || Arc::new(MemoryQueue::new(SignedDuration::from_secs(60), RECEIVES, sample::now()));
        let log = Arc::new(Failing::sharing(MemoryTicketLog::default(), &faults));
        let control = Arc::new(Failing::sharing(MemoryControl::default(), &faults));
        let helpdesk = Arc::new(Failing::sharing(MemoryHelpdesk::new(FieldIds::default()), &faults));
        let (tickets, alerts) = (queue(), queue());
        let folder = tempfile::tempdir().unwrap();
        let outbox = Arc::new(Failing::sharing(OutboxMailer::new(folder.path().join("emails")), &faults));
        helpdesk.inner().open(sample::ticket(1).into());
        let triage = Triage {
            settings: Arc::new(FixedSettings(Arc::new(sample::policy()))),
            log: log.clone(),
            records: log.clone(),
            alerts: log.clone(),
            follow_ups: log.clone(),
            conversations: control.clone(),
            audit: log.clone(),
            eraser: log.clone(),
            outbox: outbox.clone(),
            helpdesk: helpdesk.clone(),
            analyst: Arc::new(Failing::sharing(Signals, &faults)),
            tickets: tickets.clone(),
            dead_letters: tickets.dead_letters(),
            alert_queue: alerts.clone(),
        };
        Self { faults, triage, log, control, helpdesk, outbox, tickets, alerts, folder }
    }

    /// A ticket that was triaged, with one alert sent, one pending, and a message in the outbox.
    async fn triaged() -> Self {
        let bench = Self::new();
        bench.handle(Cause::Created).await;
        let (sent, _) = sample::alerts(1);
        let (now, until) = (sample::now(), sample::now() + SignedDuration::from_secs(9));
        bench.log.take(sent.key(), "a", now, until).await.unwrap();
        let entry = sample::audit_entry(1, AuditAction::AlertEmail);
        bench.log.settle(sent.key(), "a", Delivery::Sent { id: "m".into() }, &entry).await.unwrap();
        let said = Said::of(&sent, now);
        let opened = Conversation { opened_by: sent.key(), said: vec![said], until: Timestamp::MAX, revision: 1 };
        let name = bench.conversation().unwrap();
        bench.control.inner().go_on(&name, None, &opened, now).await.unwrap();
        let email = Email { name: "1-guardian-elevated".into(), ..contract::mailer::email("kam@example.com") };
        let Accepted::Filed { .. } = bench.outbox.inner().send(&email).await.unwrap() else {
            panic!("nothing is sent")
        };
        assert_eq!((bench.alerts.len(), bench.files()), (2, 2), "a page and the message beside it");
        bench
    }

    /// Sends a message and delivers until the queue is empty.
    async fn handle(&self, cause: Cause) {
        let message = Envelope::new(TicketMessage { ticket_id: id(), cause });
        message::send(&*self.tickets, &message, Duration::ZERO).await.unwrap();
        while let Some(next) = self.tickets.next_visible() {
            self.tickets.tick(next);
            let now = self.tickets.now();
            let deadline = now + SignedDuration::from_secs(30);
            let invocation = Invocation { request_id: "r".into(), now, deadline };
            pump(&self.tickets, |event| async { handle(&self.triage, event, &invocation).await }).await;
        }
    }

    /// Zendesk has it no more.
    fn delete(&self) {
        self.helpdesk.inner().forget(&[id()]);
    }

    fn files(&self) -> usize {
        let of = |kind: &str| std::fs::read_dir(self.folder.path().join(kind)).unwrap().count();
        of("emails") + of("eml")
    }

    fn has_record(&self) -> bool {
        self.log.inner().newest(id()).is_some()
    }

    /// The name of the one in which the alert was sent; none once the alert is gone.
    fn conversation(&self) -> Option<String> {
        let alert = self.log.inner().alert(sample::alert(1).key())?;
        Some(conversation::name(&alert.recipient, &Matter::of(&alert)))
    }

    fn has_alerts(&self) -> bool {
        domain::AlertKey::of(id()).into_iter().any(|key| self.log.inner().alert(key).is_some())
    }

    fn audited(&self) -> Vec<String> {
        let entries = self.log.inner().audit().into_iter().filter(|entry| entry.action == AuditAction::Erased);
        entries.map(|entry| entry.outcome.into_owned()).collect()
    }

    fn writes(&self) -> usize {
        self.helpdesk.inner().calls(id()).len()
    }

    async fn state(&self) -> TicketState {
        let now = self.tickets.now();
        let lease = Lease { ticket: id(), owner: "look".into(), until: now + SignedDuration::from_secs(1) };
        let Claim::Mine(state) = self.log.inner().claim(&lease, now).await.unwrap() else {
            panic!("nobody works on it")
        };
        TicketLog::release(self.log.inner(), &lease).await.unwrap();
        *state
    }
}

fn id() -> TicketId {
    sample::ticket_id(1)
}

#[tokio::test]
async fn a_deleted_ticket_leaves_only_its_audit() {
    let bench = Bench::triaged().await;
    bench.delete();
    bench.handle(Cause::Deleted).await;
    assert!(!bench.has_record() && !bench.has_alerts());
    assert_eq!((bench.files(), bench.audited()), (0, vec!["deleted".to_owned()]));
    assert!(bench.tickets.dead().is_empty());
    let before = bench.log.inner().audit().len();
    for late in [Cause::Commented, Cause::Triggered, Cause::Swept, Cause::Redacted, Cause::Deleted] {
        bench.handle(late).await;
    }
    assert_eq!(bench.log.inner().audit().len(), before, "late messages do nothing");
    assert!(bench.tickets.dead().is_empty() && !bench.has_record());
}

#[tokio::test]
async fn a_ticket_that_is_still_there_is_not_taken_for_deleted() {
    let bench = Bench::triaged().await;
    bench.handle(Cause::Deleted).await;
    assert!(bench.has_record(), "read again");
    assert!(bench.tickets.now() > sample::now() + SignedDuration::from_secs(60), "it was looked for first");
    assert_eq!((bench.audited(), bench.writes()), (vec!["redacted".to_owned()], 1));
    assert!(!bench.state().await.is_deleted());
}

#[tokio::test]
async fn what_is_left_of_a_redacted_ticket_is_read_again() {
    let bench = Bench::triaged().await;
    let first = bench.log.inner().newest(id()).unwrap();
    let left = "Orders have not synced since Monday. We are looking at other vendors. What is your price for two more \
                stores? ▇▇▇";
    bench.helpdesk.inner().redact(id(), left.into());
    bench.handle(Cause::Redacted).await;
    let again = bench.log.inner().newest(id()).unwrap();
    assert_ne!(first.description, again.description);
    assert_eq!(bench.faults.calls(Method::AnalystRead), 2);
    assert_eq!(bench.writes(), 1, "what it would write is there already");
    let (sent, pending) = sample::alerts(1);
    assert!(bench.log.inner().alert(sent.key()).is_none(), "nobody is told twice");
    assert!(bench.log.inner().alert(pending.key()).is_some(), "nobody was told yet");
    assert_eq!(bench.audited(), ["redacted"]);
}

#[tokio::test]
async fn a_second_redaction_counts_too() {
    let bench = Bench::triaged().await;
    bench.handle(Cause::Redacted).await;
    bench.handle(Cause::Redacted).await;
    assert_eq!((bench.audited().len(), bench.faults.calls(Method::AnalystRead)), (2, 3));
}

#[tokio::test]
async fn a_forgotten_ticket_comes_back_only_with_its_customer() {
    let bench = Bench::triaged().await;
    bench.handle(Cause::Forgotten).await;
    assert!(!bench.has_record() && !bench.has_alerts());
    bench.handle(Cause::Triggered).await;
    assert!(!bench.has_record(), "nothing new was written");
    bench.helpdesk.inner().comment(id(), "Hello again.".into());
    bench.handle(Cause::Commented).await;
    let record = bench.log.inner().newest(id()).unwrap();
    assert_ne!(record.resolution, domain::Resolution::Answered);
}

#[tokio::test]
async fn every_fault_of_an_erasure_heals() {
    for cause in ERASING {
        for method in [
            Method::ConversationsErase,
            Method::FollowUpsAlert,
            Method::OutboxDiscard,
            Method::EraserErase,
            Method::HelpdeskTicket,
            Method::TicketLogClaim,
            Method::TicketLogRelease,
            Method::AnalystRead,
        ] {
            for fault in [Fault::Transient, Fault::Ambiguous, Fault::Panic, Fault::PanicAfter] {
                let bench = Bench::triaged().await;
                if cause == Cause::Deleted {
                    bench.delete();
                }
                let conversation = bench.conversation().unwrap();
                bench.faults.plan(method, &[fault]);
                bench.handle(cause).await;
                let said = format!("{cause:?} {method} {fault:?}");
                assert_eq!(bench.has_record(), cause == Cause::Redacted, "{said}");
                assert_eq!(bench.files(), 0, "{said}");
                let left = bench.control.inner().conversation(&conversation, sample::now()).await.unwrap();
                assert_eq!(left, None, "{said}");
                assert!(bench.tickets.dead().is_empty(), "{said}");
                let reason: &str = <&str>::from(cause);
                assert_eq!(bench.audited(), [reason], "{said}");
                let state = bench.state().await;
                assert_eq!(state.erasure.map(|erasure| <&str>::from(erasure.reason)), Some(reason), "{said}");
                assert_eq!(state.alerted, [sample::alert(1).key()], "{said}");
            }
        }
    }
}

#[tokio::test]
async fn a_deleted_ticket_that_nobody_knew_stays_away() {
    let bench = Bench::new();
    bench.delete();
    bench.handle(Cause::Deleted).await;
    assert_eq!(bench.state().await.erasure.map(|erasure| erasure.reason), Some(ErasureReason::Deleted));
    bench.handle(Cause::Created).await;
    assert!(bench.tickets.dead().is_empty(), "a late event is not parked");
}
