//! One ticket from its webhook to the report, with a fault in every call of every port, one at a time.
//!
//! Whatever fails, and however, the end is the same: one write to the helpdesk, one record, nothing left in a queue, no
//! alert without its mail, and a second mail only where the fault lies between the mail service's answer and our write.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeMap,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, Once},
    time::Duration,
};

use alert::Alerting;
use async_trait::async_trait;
use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use domain::{
    Account, Alert, AlertKey, AlertKind, AuditAction, Band, Delivery, Reading, Ticket, TicketId,
    alert::HoldReason,
    ports::{Accepted, AlertLog, Analyst, Claim, Email, Lease, Mailer, PortError, Queue, SigningSecrets, TicketLog},
    sample,
};
use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};
use memory::{
    DeadLetters, Failing, Fault, Faults, FixedConfiguration, FixedSettings, MemoryControl, MemoryHelpdesk, MemoryQueue,
    MemoryTicketLog, Method, OutboxMailer, SiteDirectory, pump,
};
use report::{Aggregates, Reporting, Window};
use runtime::{Invocation, backoff::RECEIVES, config::Config, words::ticket_link};
use secrecy::SecretString;
use strum::VariantArray;
use triage::Triage;
use webhook::Webhook;
use zendesk::{
    FieldIds, OrganizationFields,
    signature::{SIGNATURE_HEADER, TEST_SECRET, TIMESTAMP_HEADER, sign},
};

const TICKET: u64 = 1001;
/// Its alert was held earlier and waits for the digest.
const HELD: u64 = 50;
/// Its alert was raised, and the message to the alert function got lost.
const LOST: u64 = 51;
const BROKEN: [Fault; 4] = [Fault::Transient, Fault::Ambiguous, Fault::Panic, Fault::PanicAfter];

/// How a walk comes to call a method. A new method does not compile before it is told here.
enum Reached {
    /// On every walk.
    Always,
    /// Once this went wrong.
    After(Method, Fault),
    /// With a message in the queue that nobody can read.
    WithAStray,
    /// Not by a ticket.
    Never(&'static str),
}

fn reached(method: Method) -> Reached {
    match method {
        Method::AlertLogOpen
        | Method::AlertLogTake
        | Method::AlertLogSettle
        | Method::AlertLogAlerts
        | Method::AnalystRead
        | Method::ConfigurationConfig
        | Method::ConversationsConversation
        | Method::ConversationsGoOn
        | Method::ControlCount
        | Method::ControlLease
        | Method::ControlRelease
        | Method::HelpdeskTicket
        | Method::HelpdeskAccount
        | Method::HelpdeskUpdate
        | Method::MailerSend
        | Method::RecordsRecord
        | Method::RecordsDay
        | Method::RecordsCorrections
        | Method::RecordsPast
        | Method::SettingsPolicy
        | Method::SigningSecretsSecrets
        | Method::SigningSecretsRefreshed
        | Method::SitePublish
        | Method::TicketLogClaim
        | Method::TicketLogSave
        | Method::TicketLogFinish => Reached::Always,
        Method::AlertLogRelease => Reached::After(Method::ConversationsGoOn, Fault::Transient),
        Method::HelpdeskLookUp => Reached::After(Method::HelpdeskUpdate, Fault::Ambiguous),
        Method::TicketLogRelease => Reached::After(Method::HelpdeskTicket, Fault::Transient),
        Method::QueueDefer => Reached::After(Method::HelpdeskTicket, Fault::Transient),
        Method::AuditAppend | Method::QueueSend => Reached::WithAStray,
        Method::ConversationsErase | Method::EraserErase | Method::OutboxDiscard => {
            Reached::Never("this ticket is not erased: `every_fault_of_an_erasure_heals` walks through that")
        }
        Method::CursorsGet | Method::CursorsSet | Method::FeedChanges | Method::FeedNewestCustomerComment => {
            Reached::Never("only a sweep asks what changed")
        }
        Method::ControlUncount => Reached::After(Method::ConversationsGoOn, Fault::Transient),
        Method::AlertLogReopen => Reached::Never("only a person opens an alert again"),
        Method::SitePublished | Method::SiteRemove => {
            Reached::Never("one page for all has no account pages: functions/report/tests/account.rs has their faults")
        }
        Method::FollowUpsAlert | Method::FollowUpsFollowUp => {
            Reached::Never("only a person follows an alert up, and no alert of this account was sent before")
        }
    }
}

/// One fault: in the call with that number of one method.
#[derive(Clone, Copy, Debug)]
struct Row {
    method: Method,
    call: usize,
    fault: Fault,
}

impl Row {
    /// The message is with the mail service, and nothing of ours says so.
    fn lies_between_mail_and_write(self) -> bool {
        match self.method {
            Method::MailerSend => matches!(self.fault, Fault::Ambiguous | Fault::PanicAfter),
            // A write that fails is tried again at once; only a worker that dies cannot.
            // The third call is the first of two in the digest, which leaves the other when it dies.
            Method::AlertLogSettle => self.fault == Fault::Panic || (self.fault == Fault::PanicAfter && self.call == 3),
            _ => false,
        }
    }

    /// A morning's mail is out, and nothing of ours counts it.
    fn may_repeat_a_morning(self) -> bool {
        let died = matches!(self.fault, Fault::Panic | Fault::PanicAfter);
        match self.method {
            Method::MailerSend => matches!(self.fault, Fault::Ambiguous | Fault::PanicAfter),
            Method::ControlCount => died,
            _ => false,
        }
    }

    /// The analyst answered, and nothing of ours says so.
    fn may_read_twice(self) -> bool {
        match self.method {
            Method::AnalystRead => true,
            Method::TicketLogSave => self.call == 1 && matches!(self.fault, Fault::Transient | Fault::Panic),
            _ => false,
        }
    }
}

/// Hears both signals, after a redaction.
struct Signals;

#[async_trait]
impl Analyst for Signals {
    async fn read(&self, _: &Ticket, _: &Account, _: Duration) -> Result<Reading, PortError> {
        Ok(Reading { redactions: [(domain::reading::Redaction::Email, 2)].into(), ..sample::signals() })
    }
}

/// A mail service that keeps what it took.
#[derive(Default)]
struct Letters(Mutex<Vec<Email>>);

#[async_trait]
impl Mailer for Letters {
    async fn send(&self, email: &Email) -> Result<Accepted, PortError> {
        let mut taken = self.0.lock().unwrap();
        taken.push(email.clone());
        Ok(Accepted::Sent { id: format!("m-{}", taken.len()) })
    }
}

/// Just rotated: what is cached is no longer what Zendesk signs with.
struct Rotated;

#[async_trait]
impl SigningSecrets for Rotated {
    async fn secrets(&self) -> Result<Vec<SecretString>, PortError> {
        Ok(vec!["an older secret".to_owned().into()])
    }

    async fn refreshed(&self) -> Result<Vec<SecretString>, PortError> {
        Ok(vec![TEST_SECRET.to_owned().into()])
    }
}

/// A queue of dead letters that can fail like any other.
struct Dead(Arc<DeadLetters>);

#[async_trait]
impl Queue for Dead {
    async fn send(&self, body: &str, delay: Duration) -> Result<(), PortError> {
        self.0.send(body, delay).await
    }

    async fn defer(&self, receipt: &str, delay: Duration) -> Result<(), PortError> {
        self.0.defer(receipt, delay).await
    }
}

/// Everything, over adapters in memory that fail by one plan.
struct Walk {
    faults: Faults,
    webhook: Webhook,
    triage: Triage,
    alerting: Alerting,
    reporting: Reporting,
    tickets: Arc<Failing<MemoryQueue>>,
    alerts: Arc<Failing<MemoryQueue>>,
    log: Arc<Failing<MemoryTicketLog>>,
    helpdesk: Arc<Failing<MemoryHelpdesk>>,
    letters: Arc<Failing<Letters>>,
    folder: tempfile::TempDir,
    now: Timestamp,
    /// In the queue as something nobody can read.
    stray: Option<&'static str>,
}

impl Walk {
    fn new() -> Self {
        let faults = Faults::default();
        let folder = tempfile::tempdir().unwrap();
        let queue = || {
            Arc::new(Failing::sharing(
                MemoryQueue::new(SignedDuration::from_secs(180), RECEIVES, sample::now()),
                &faults,
            ))
        };
        let (tickets, alerts) = (queue(), queue());
        let log = Arc::new(Failing::sharing(MemoryTicketLog::default(), &faults));
        let control = Arc::new(Failing::sharing(MemoryControl::default(), &faults));
        let helpdesk = Arc::new(Failing::sharing(MemoryHelpdesk::new(FieldIds::default()), &faults));
        let letters = Arc::new(Failing::sharing(Letters::default(), &faults));
        let settings = Arc::new(Failing::sharing(FixedSettings(Arc::new(sample::policy())), &faults));
        let site = Arc::new(Failing::sharing(SiteDirectory::new(folder.path().to_owned()), &faults));
        let config = Config {
            policy: sample::policy(),
            fields: FieldIds::default(),
            organization_fields: OrganizationFields::default(),
            kam_domains: Vec::new(),
        };
        helpdesk.inner().open(sample::ticket(TICKET).into());
        Self {
            webhook: Webhook {
                secrets: Arc::new(Failing::sharing(Rotated, &faults)),
                tickets: tickets.clone(),
                bot_user: None,
            },
            triage: Triage {
                settings: settings.clone(),
                log: log.clone(),
                records: log.clone(),
                alerts: log.clone(),
                follow_ups: log.clone(),
                conversations: control.clone(),
                audit: log.clone(),
                eraser: log.clone(),
                outbox: Arc::new(OutboxMailer::new(folder.path().join("emails"))),
                helpdesk: helpdesk.clone(),
                analyst: Arc::new(Failing::sharing(Signals, &faults)),
                dead_letters: Arc::new(Failing::sharing(Dead(tickets.inner().dead_letters()), &faults)),
                tickets: tickets.clone(),
                alert_queue: alerts.clone(),
            },
            alerting: Alerting {
                settings,
                alerts: log.clone(),
                follow_ups: log.clone(),
                conversations: control.clone(),
                control,
                mailer: letters.clone(),
                outbox: letters.clone(),
                dead_letters: Arc::new(Failing::sharing(Dead(alerts.inner().dead_letters()), &faults)),
                queue: alerts.clone(),
                pages: None,
                links: None,
                chat: None,
            },
            reporting: Reporting {
                configuration: Arc::new(Failing::sharing(FixedConfiguration(Arc::new(config)), &faults)),
                records: log.clone(),
                alerts: log.clone(),
                site,
                pages: report::ONE_PAGE,
                acting: report::Acting::Nowhere,
            },
            faults,
            tickets,
            alerts,
            log,
            helpdesk,
            letters,
            folder,
            now: sample::now(),
            stray: None,
        }
    }

    /// Sets the scene and plans what leads to the method.
    async fn to(method: Method) -> Self {
        let mut walk = Self::new();
        let log = walk.log.inner();
        let expires = sample::now() + SignedDuration::from_hours(720);
        for (number, account) in [(HELD, "Bolt"), (LOST, "Crate")] {
            let alert = Alert { account: sample::account_id(account), ..sample::alert(number) };
            log.open(&alert, expires, &sample::audit_entry(number, AuditAction::AlertRaised)).await.unwrap();
        }
        let key = sample::alert(HELD).key();
        log.take(key, "scene", sample::now(), expires).await.unwrap();
        let held = Delivery::Held { reason: HoldReason::Cooldown };
        log.settle(key, "scene", held, &sample::audit_entry(HELD, AuditAction::AlertEmail)).await.unwrap();
        match reached(method) {
            Reached::Always => {}
            Reached::After(earlier, fault) => walk.faults.plan(earlier, &[fault]),
            Reached::WithAStray => {
                let stray = r#"{"v":99,"ticket_id":77}"#;
                walk.tickets.inner().send(stray, Duration::ZERO).await.unwrap();
                walk.stray = Some(stray);
            }
            Reached::Never(why) => panic!("no walk leads to {method}: {why}"),
        }
        walk
    }

    /// From the webhook to the published report.
    async fn go(&mut self) -> Aggregates {
        self.deliver_webhook().await;
        self.drain().await;
        self.send_digests().await;
        self.publish().await
    }

    /// As Zendesk does: again after a 503, with the same signature.
    async fn deliver_webhook(&mut self) {
        let request = request(self.now);
        for _ in 0..3 {
            match webhook::handle(&self.webhook, request.clone(), self.now).await.status_code {
                200 => return,
                503 => self.now += SignedDuration::from_secs(5),
                status => panic!("{status}"),
            }
        }
        panic!("Zendesk gave up");
    }

    fn invocation(&self) -> Invocation {
        let deadline = self.now + SignedDuration::from_secs(30);
        Invocation { request_id: "r".into(), now: self.now, deadline }
    }

    /// Delivers until both queues are empty, skipping every wait. A batch that panics comes again.
    async fn drain(&mut self) {
        for _ in 0..100 {
            let queues = [self.tickets.inner(), self.alerts.inner()];
            let Some(next) = queues.iter().filter_map(|queue| queue.next_visible()).min() else { return };
            self.now = self.now.max(next);
            queues.iter().for_each(|queue| queue.tick(self.now));
            let invocation = self.invocation();
            let triaged = pump(queues[0], |event| triage::handle(&self.triage, event, &invocation));
            let _ = AssertUnwindSafe(triaged).catch_unwind().await;
            let alerted = pump(queues[1], |event| alert::handle(&self.alerting, event, &invocation));
            let _ = AssertUnwindSafe(alerted).catch_unwind().await;
        }
        panic!("the queues never get empty");
    }

    /// Once an hour for three hours, each call tried again twice after a failure.
    async fn send_digests(&mut self) {
        for _ in 0..3 {
            self.now += SignedDuration::from_hours(1);
            for _ in 0..3 {
                let event = serde_json::from_str(r#"{"action": "digest"}"#).unwrap();
                let invocation = self.invocation();
                let called = alert::handle_event(&self.alerting, event, &invocation);
                if let Ok(Ok(_)) = AssertUnwindSafe(called).catch_unwind().await {
                    break;
                }
                self.now += SignedDuration::from_mins(1);
            }
        }
    }

    /// A failed report is run again.
    async fn publish(&mut self) -> Aggregates {
        for _ in 0..2 {
            let called = report::handle(&self.reporting, Window::last_30_days(self.now), self.now);
            if let Ok(Ok(aggregates)) = AssertUnwindSafe(called).catch_unwind().await {
                return aggregates;
            }
            self.now += SignedDuration::from_mins(1);
        }
        panic!("the report was never published");
    }

    fn alert_words(&self, number: u64, kind: AlertKind) -> &'static str {
        let bands = [Band::Elevated, Band::Critical];
        let keys = bands.map(|band| AlertKey { ticket: sample::ticket_id(number), kind, band });
        keys.into_iter()
            .find_map(|key| self.log.inner().alert(key))
            .map_or("never raised", |alert| alert.delivery.word())
    }

    /// The outcomes in the audit of an action on a ticket.
    fn audited(&self, number: u64, action: AuditAction) -> Vec<String> {
        let ticket: TicketId = sample::ticket_id(number);
        let entries = self.log.inner().audit().into_iter();
        let ours = entries.filter(|entry| entry.ticket == ticket && entry.action == action);
        ours.map(|entry| entry.outcome.into_owned()).collect()
    }

    /// Messages by thread.
    fn mailed(&self) -> BTreeMap<String, Vec<Email>> {
        let mut threads: BTreeMap<String, Vec<Email>> = BTreeMap::new();
        for email in self.letters.inner().0.lock().unwrap().iter() {
            threads.entry(email.thread.clone()).or_default().push(email.clone());
        }
        threads
    }

    /// What has to be so whatever failed.
    async fn check(&self, row: Option<Row>, aggregates: &Aggregates) {
        let said = row.map_or("no fault".to_owned(), |row| format!("{row:?}"));
        let ticket = sample::ticket_id(TICKET);
        let calls = self.helpdesk.inner().calls(ticket);
        assert_eq!(calls.len(), 1, "writes to the helpdesk: {said}");
        let commented = |call: &zendesk::Request| {
            call.body.as_ref().and_then(|body| body.pointer("/ticket/comment")).is_some_and(|note| note.is_object())
        };
        assert!(calls.iter().all(commented), "one comment: {said}");
        assert!(self.log.inner().newest(ticket).is_some(), "a record: {said}");
        assert_eq!(aggregates.tickets, 1, "one record: {said}");
        for queue in [&self.tickets, &self.alerts] {
            assert!(queue.inner().is_empty(), "an empty queue: {said}");
        }
        let dead: Vec<_> = [&self.tickets, &self.alerts].into_iter().flat_map(|queue| queue.inner().dead()).collect();
        assert_eq!(dead.is_empty(), self.stray.is_none(), "dead letters: {said} {dead:?}");
        assert!(dead.iter().all(|body| Some(body.as_str()) == self.stray), "only the stray: {said} {dead:?}");
        let lease = Lease { ticket, owner: "afterwards".into(), until: self.now + SignedDuration::from_secs(1) };
        let claim = self.log.inner().claim(&lease, self.now).await.unwrap();
        assert!(matches!(claim, Claim::Mine(_)), "a free ticket: {said}");

        let kinds = [AlertKind::Guardian, AlertKind::Opportunity];
        assert_eq!(kinds.map(|kind| self.alert_words(TICKET, kind)), ["sent", "sent"], "{said}");
        let waited = [HELD, LOST].map(|number| self.alert_words(number, AlertKind::Guardian));
        assert_eq!(waited, ["digested", "digested"], "{said}");
        self.check_mail(row, &said);

        for (action, times) in [
            (AuditAction::Redaction, 1),
            (AuditAction::AlertRaised, 2),
            (AuditAction::AlertEmail, 2),
            (AuditAction::ZendeskUpdate, 1),
            (AuditAction::Correction, 0),
        ] {
            assert_eq!(self.audited(TICKET, action).len(), times, "{action} in the audit: {said}");
        }
        let reads = self.faults.calls(Method::AnalystRead);
        assert!(reads == 1 || (reads == 2 && row.is_some_and(Row::may_read_twice)), "{reads} readings: {said}");
        for page in [report::DASHBOARD, report::METRICS] {
            assert!(self.folder.path().join(page).exists(), "{page}: {said}");
        }
    }

    /// One message for each alert, and another only where nothing of ours could know of the first.
    fn check_mail(&self, row: Option<Row>, said: &str) {
        let mailed = self.mailed();
        let threads: Vec<&str> = mailed.keys().map(String::as_str).collect();
        let mornings = ["daily-kam-example-com", "daily-sales-example-com"];
        let expected = [&["1001-guardian", "1001-opportunity"][..], &mornings, &["digest-kam-example-com"]].concat();
        assert_eq!(threads, expected, "{said}");
        for thread in mornings {
            let letters = mailed.get(thread).map_or(0, Vec::len);
            let again = row.is_some_and(Row::may_repeat_a_morning);
            assert!(letters == 1 || (letters == 2 && again), "{letters} mails in {thread}: {said}");
        }
        let alerts = [
            ("1001-guardian", TICKET),
            ("1001-opportunity", TICKET),
            ("digest-kam-example-com", HELD),
            ("digest-kam-example-com", LOST),
        ];
        for (thread, number) in alerts {
            let link = ticket_link(&sample::policy().helpdesk_url, sample::ticket_id(number));
            let letters = mailed.get(thread).into_iter().flatten().filter(|email| email.text.contains(&link)).count();
            if letters == 1 {
                continue;
            }
            assert_eq!(letters, 2, "mails for ticket {number} in {thread}: {said}");
            assert!(row.is_some_and(Row::lies_between_mail_and_write), "a second mail in {thread}: {said}");
            let outcomes = self.audited(number, AuditAction::AlertEmail);
            assert!(outcomes.iter().any(|outcome| outcome.ends_with("may be a duplicate")), "{outcomes:?}: {said}");
        }
    }
}

/// The event of a created ticket, signed at that time.
fn request(at: Timestamp) -> ApiGatewayV2httpRequest {
    let mut request: ApiGatewayV2httpRequest =
        serde_json::from_str(include_str!("../../../../events/ticket-created.json")).unwrap();
    let signature = sign(&TEST_SECRET.into(), &at.to_string(), request.body.as_deref().unwrap().as_bytes());
    request.headers.insert(SIGNATURE_HEADER, signature.parse().unwrap());
    request.headers.insert(TIMESTAMP_HEADER, at.to_string().parse().unwrap());
    request
}

/// Planned panics say nothing; all others do as before.
fn keep_planned_panics_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let planned = panic.payload_as_str().is_some_and(|text| text.contains("on cue"));
            if !planned {
                before(panic);
            }
        }));
    });
}

#[tokio::test]
async fn every_fault_ends_the_same() {
    keep_planned_panics_quiet();
    let mut rows = 0;
    // All of them, so that one run shows what a change broke.
    let mut failed = Vec::new();
    for method in Method::VARIANTS.iter().copied() {
        if let Reached::Never(why) = reached(method) {
            println!("{method} has no rows: {why}");
            continue;
        }
        let mut undisturbed = Walk::to(method).await;
        let aggregates = undisturbed.go().await;
        undisturbed.check(None, &aggregates).await;
        let calls = undisturbed.faults.calls(method);
        assert!(calls > 0, "{method} is never called: its rows would prove nothing");
        for call in 1..=calls {
            for fault in BROKEN {
                let row = Row { method, call, fault };
                let mut walk = Walk::to(method).await;
                walk.faults.plan(method, &vec![Fault::None; call - 1]);
                walk.faults.plan(method, &[fault]);
                let walked = async {
                    let aggregates = walk.go().await;
                    walk.check(Some(row), &aggregates).await;
                };
                if AssertUnwindSafe(walked).catch_unwind().await.is_err() {
                    failed.push(row);
                }
                rows += 1;
            }
        }
    }
    println!("{rows} faults, one at a time");
    assert!(failed.is_empty(), "{failed:#?}");
}
