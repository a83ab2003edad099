//! The deployed functions in a world whose clock we move.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
};

use alert::Alerting;
use async_trait::async_trait;
use aws_lambda_events::{
    apigw::ApiGatewayV2httpRequest,
    sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent},
};
use domain::{
    TicketId, UserId,
    ports::{Accepted, Email, Mailer, Outbox, PortError},
};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use memory::{
    Failing, Faults, FixedSecrets, FixedSettings, MemoryControl, MemoryQueue, MemoryTicketLog, Odds,
    demo::{self, Delivered, DemoZendesk, Outgoing, Plan},
    pump,
};
use runtime::{Invocation, backoff::RECEIVES, config::Config};
use secrecy::SecretString;
use serde_json::json;
use sweep::Sweep;
use triage::Triage;
use webhook::Webhook;
use zendesk::{
    Method,
    access::{Access, RUNTIME_SCOPES},
    budget::Budget,
    client::Client,
    feed::{FeedMode, ZendeskFeed},
    helpdesk::{Mapping, OrganizationFields, ZendeskHelpdesk},
};

use super::{
    clock::Clock,
    people::{Deed, People},
    replay::Replay,
    weather::Weather,
};

/// As on AWS: the functions' time-out, and six times as long for the queues.
const TIMEOUT: SignedDuration = SignedDuration::from_secs(30);
const VISIBILITY: SignedDuration = SignedDuration::from_secs(180);
/// Calls of a function at once.
const TRIAGES: usize = 3;
const ALERTS: usize = 2;
const SWEEP_EVERY: SignedDuration = SignedDuration::from_mins(5);
const DIGEST_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// Trouble goes on for so long after the last deed, and then there is peace for as long.
const AFTERMATH: SignedDuration = SignedDuration::from_hours(1);
/// Whatever is not at rest after this never will be.
const PATIENCE: SignedDuration = SignedDuration::from_hours(24);

/// How often a call of a port goes wrong.
///
/// No panics: a message that panics at its fifth receive is parked, rightly, since nobody knows that it was chance. Killed
/// calls stop at every step all the same.
const ODDS: Odds = Odds { transient: 0.01, ambiguous: 0.006, panic: 0.0, panic_after: 0.0 };
/// How often a call of a function is killed on its way.
const KILLED: f64 = 0.02;

/// What set-up subscribes to.
const SUBSCRIPTIONS: [&str; 7] = [
    "zen:event-type:ticket.created",
    "zen:event-type:ticket.comment_added",
    "zen:event-type:ticket.priority_changed",
    "zen:event-type:ticket.group_assignment_changed",
    "zen:event-type:ticket.permanently_deleted",
    "zen:event-type:ticket.comment_redacted",
    "zen:event-type:messaging_ticket.message_added",
];

/// In a thousand deliveries.
const LOST: u32 = 30;
const TWICE: u32 = 60;
const LATE: u32 = 80;

pub(super) struct World {
    pub(super) log: Arc<Failing<MemoryTicketLog>>,
    pub(super) people: Arc<People>,
    pub(super) weather: Arc<Weather>,
    pub(super) mails: Arc<Failing<Mails>>,
    pub(super) client: Client,
    pub(super) bot: u64,
    demo: DemoZendesk,
    clock: Clock,
    replay: Arc<Replay>,
    faults: Faults,
    tickets: Arc<Failing<MemoryQueue>>,
    alerts: Arc<Failing<MemoryQueue>>,
    webhook: Webhook,
    triage: Triage,
    alerting: Alerting,
    sweep: Sweep,
    rng: Mutex<fastrand::Rng>,
    agenda: BinaryHeap<Reverse<(Timestamp, u64)>>,
    deeds: Vec<Happening>,
    now: Timestamp,
    calls: u64,
    killed: AtomicU64,
}

/// What is on the agenda.
enum Happening {
    Deed(Deed),
    Arrival(Outgoing),
    Sweep,
    Digest,
    ClearUp,
}

/// What a run came to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Course {
    pub(super) simulated: SignedDuration,
    pub(super) calls: u64,
    pub(super) killed: u64,
    pub(super) faults: u64,
}

/// A mail service that takes everything and remembers it.
#[derive(Debug)]
pub(super) struct Mails {
    log: Arc<Failing<MemoryTicketLog>>,
    sent: Mutex<Vec<Mail>>,
}

/// A message the service took.
#[derive(Clone, Debug)]
pub(super) struct Mail {
    pub(super) name: String,
    /// Our log said already that it was sent.
    pub(super) needless: bool,
}

#[async_trait]
impl Mailer for Mails {
    async fn send(&self, email: &Email) -> Result<Accepted, PortError> {
        let known = super::check::settled(self.log.inner(), &email.name);
        let mail = Mail { name: email.name.clone(), needless: known };
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.push(mail);
        Ok(Accepted::Sent { id: format!("mail-{}", sent.len()) })
    }
}

#[async_trait]
impl Outbox for Mails {
    /// What was sent stays sent.
    async fn discard(&self, _: TicketId) -> Result<(), PortError> {
        Ok(())
    }
}

impl Mails {
    pub(super) fn sent(&self) -> Vec<Mail> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl World {
    /// A Zendesk with our webhook, and the functions beside it.
    pub(super) fn new(seed: u64, tickets: usize, config: &Config, replay: Arc<Replay>, start: Timestamp) -> Self {
        let fields = config.fields;
        let setup = demo::Setup { seed, now: start, plan: Plan::Enterprise, fields, ..demo::Setup::default() };
        let bot = setup.bot;
        let (demo, clock) = (DemoZendesk::new(setup), Clock::new(start));
        let people = Arc::new(People::new(demo.clone(), clock.clone(), tickets, seed ^ 1));
        let secret = subscribe(&people);
        let weather = Arc::new(Weather::new(demo.clone(), clock.clone(), people.clone(), seed ^ 2));
        let faults = Faults::by_chance(seed ^ 3, ODDS);
        let queue = || Arc::new(Failing::sharing(MemoryQueue::new(VISIBILITY, RECEIVES, start), &faults));
        let (tickets_queue, alerts_queue) = (queue(), queue());
        let log = Arc::new(Failing::sharing(MemoryTicketLog::default(), &faults));
        let control = Arc::new(Failing::sharing(MemoryControl::default(), &faults));
        let settings = Arc::new(Failing::sharing(FixedSettings(Arc::new(config.policy.clone())), &faults));
        let credentials = demo.clients().into_iter().find(|client| client.user == bot).expect("the demo knows our bot");
        let access = Access::oauth(credentials.id, credentials.secret.into(), RUNTIME_SCOPES);
        let time = clock.clone();
        let client = Client::new(weather.clone(), access, Budget::new(control.clone()), Arc::new(move || time.now()));
        let organization = OrganizationFields::default();
        let mapping = Arc::new(Mapping { fields, organization, kam_domains: Vec::new() });
        let helpdesk = Arc::new(ZendeskHelpdesk::new(client.clone(), mapping, Some(UserId(bot))));
        let mails = Mails { log: log.clone(), sent: Mutex::default() };
        let mails = Arc::new(Failing::sharing(mails, &faults));
        let webhook = Webhook {
            secrets: Arc::new(Failing::sharing(FixedSecrets(vec![secret]), &faults)),
            tickets: tickets_queue.clone(),
            bot_user: Some(UserId(bot)),
        };
        let triage = Triage {
            settings: settings.clone(),
            log: log.clone(),
            records: log.clone(),
            alerts: log.clone(),
            follow_ups: log.clone(),
            conversations: control.clone(),
            audit: log.clone(),
            eraser: log.clone(),
            outbox: mails.clone(),
            helpdesk,
            analyst: replay.clone(),
            tickets: tickets_queue.clone(),
            dead_letters: tickets_queue.inner().dead_letters(),
            alert_queue: alerts_queue.clone(),
        };
        let alerting = Alerting {
            settings,
            alerts: log.clone(),
            follow_ups: log.clone(),
            conversations: control.clone(),
            control: control.clone(),
            mailer: mails.clone(),
            outbox: mails.clone(),
            queue: alerts_queue.clone(),
            dead_letters: alerts_queue.inner().dead_letters(),
            pages: None,
            links: None,
            chat: None,
        };
        let sweep = Sweep {
            feed: Arc::new(ZendeskFeed::new(client.clone(), FeedMode::List)),
            records: log.clone(),
            cursors: control.clone(),
            control,
            tickets: tickets_queue.clone(),
            look_back: SignedDuration::from_hours(1),
        };
        Self {
            log,
            weather,
            mails,
            client,
            bot,
            demo,
            clock,
            replay,
            faults,
            tickets: tickets_queue,
            alerts: alerts_queue,
            webhook,
            triage,
            alerting,
            sweep,
            rng: Mutex::new(fastrand::Rng::with_seed(seed ^ 4)),
            agenda: BinaryHeap::new(),
            deeds: Vec::new(),
            now: start,
            calls: 0,
            killed: AtomicU64::new(0),
            people,
        }
    }

    /// Lets everything happen, until all is at rest.
    ///
    /// # Errors
    /// What will not come to rest.
    pub(super) async fn run(&mut self, seed: u64) -> Result<Course, String> {
        let start = self.now;
        let plan = self.people.plan(start, self.replay.texts.len(), seed ^ 5);
        let last = plan.iter().map(|(at, _)| *at).max().unwrap_or(start);
        for (at, deed) in plan {
            self.put(at, Happening::Deed(deed));
        }
        let end = later(last, AFTERMATH * 2);
        let every = |agenda: &mut Self, step: SignedDuration, happening: fn() -> Happening| {
            let mut at = later(start, step);
            while at <= end {
                agenda.put(at, happening());
                at = later(at, step);
            }
        };
        every(self, SWEEP_EVERY, || Happening::Sweep);
        every(self, DIGEST_EVERY, || Happening::Digest);
        self.put(later(last, AFTERMATH), Happening::ClearUp);
        while let Some(next) = self.next() {
            if next > later(end, PATIENCE) {
                return Err(format!(
                    "{} messages are not at rest",
                    self.tickets.inner().len() + self.alerts.inner().len()
                ));
            }
            self.move_to(next);
            while let Some(happening) = self.due() {
                self.happen(happening).await;
            }
            self.work().await;
            self.take_in_deliveries();
        }
        Ok(Course {
            simulated: self.now.duration_since(start),
            calls: self.calls,
            killed: self.killed.load(Ordering::Relaxed),
            faults: self.faults.drawn() + self.weather.faults(),
        })
    }

    /// The bodies of the dead letters.
    pub(super) fn dead(&self) -> Vec<String> {
        [self.tickets.inner().dead(), self.alerts.inner().dead()].concat()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    /// A minute later for Zendesk, so that whoever asks it about everything meets no limit.
    pub(super) fn at_leisure(&self) {
        self.clock.set(later(self.clock.now(), SignedDuration::from_mins(1)));
        self.demo.set_now(self.clock.now());
    }

    fn put(&mut self, at: Timestamp, happening: Happening) {
        let place = self.deeds.len() as u64;
        self.deeds.push(happening);
        self.agenda.push(Reverse((at, place)));
    }

    fn next(&self) -> Option<Timestamp> {
        let planned = self.agenda.peek().map(|Reverse((at, _))| *at);
        let queued = [&self.tickets, &self.alerts].into_iter().filter_map(|queue| queue.inner().next_visible());
        queued.chain(planned).chain(self.demo.waiting().1).min()
    }

    fn move_to(&mut self, next: Timestamp) {
        self.now = self.now.max(next);
        self.demo.set_now(self.now);
        self.clock.set(self.now);
        self.tickets.inner().tick(self.now);
        self.alerts.inner().tick(self.now);
    }

    fn due(&mut self) -> Option<usize> {
        let Reverse((at, place)) = *self.agenda.peek()?;
        if at > self.now {
            return None;
        }
        self.agenda.pop();
        usize::try_from(place).ok()
    }

    async fn happen(&mut self, place: usize) {
        let Some(happening) = self.deeds.get_mut(place) else { return };
        match std::mem::replace(happening, Happening::ClearUp) {
            Happening::Deed(deed) => self.people.act(&deed, &self.replay.texts),
            Happening::Arrival(outgoing) => self.receive(&outgoing).await,
            Happening::Sweep => {
                let invocation = invocation(self.now);
                let sweep = sweep::handle(&self.sweep, &invocation);
                self.mortal(sweep).await;
            }
            Happening::Digest => {
                let invocation = invocation(self.now);
                let digest = alert::digest(&self.alerting, &invocation);
                self.mortal(digest).await;
            }
            Happening::ClearUp => {
                self.weather.clear_up();
                self.faults.calm();
            }
        }
        self.take_in_deliveries();
    }

    /// What Zendesk tells our webhook, as the network brings it.
    fn take_in_deliveries(&mut self) {
        for outgoing in self.demo.take_deliveries() {
            let (fate, delay) = {
                let rng = &mut *self.rng.lock().unwrap_or_else(PoisonError::into_inner);
                let fate = if self.faults.is_calm() { 1000 } else { rng.u32(0..1000) };
                (fate, rng.i64(0..4))
            };
            let at = later(self.now, SignedDuration::from_secs(delay));
            if fate < LOST {
                // Taken in by somebody in between who never passes it on.
                self.demo.settle(&outgoing, &answered(200, None));
                continue;
            }
            if fate < LOST + TWICE {
                self.put(later(at, SignedDuration::from_secs(2)), Happening::Arrival(outgoing.clone()));
            }
            let late = if (LOST + TWICE..LOST + TWICE + LATE).contains(&fate) { 60 * delay } else { 0 };
            self.put(later(at, SignedDuration::from_secs(late)), Happening::Arrival(outgoing));
        }
    }

    /// Zendesk hears our answer and sends again what it sends again.
    async fn receive(&mut self, outgoing: &Outgoing) {
        let answer = webhook::handle(&self.webhook, event(outgoing), self.now).await;
        let retry_after = answer.headers.get("retry-after").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let status = u16::try_from(answer.status_code).unwrap_or(500);
        self.demo.settle(outgoing, &answered(status, retry_after));
    }

    /// Calls the functions until no message is visible.
    async fn work(&mut self) {
        loop {
            let now = self.now;
            let this = &*self;
            let triages = join_all((0..TRIAGES).map(|_| {
                let invocation = invocation(now);
                pump(this.tickets.inner(), move |event| this.call(event, invocation, Function::Triage))
            }));
            let alerts = join_all((0..ALERTS).map(|_| {
                let invocation = invocation(now);
                pump(this.alerts.inner(), move |event| this.call(event, invocation, Function::Alert))
            }));
            let (triages, alerts) = futures::join!(triages, alerts);
            let handled: usize = triages.into_iter().chain(alerts).sum();
            if handled == 0 {
                return;
            }
            self.calls += 1;
        }
    }

    /// A call of a function that may be killed: nobody hears of its messages again until they are visible.
    async fn call(&self, event: SqsEvent, invocation: Invocation, function: Function) -> SqsBatchResponse {
        let ids: Vec<String> = event.records.iter().filter_map(|record| record.message_id.clone()).collect();
        let answer = match function {
            Function::Triage => self.mortal(triage::handle(&self.triage, event, &invocation)).await,
            Function::Alert => self.mortal(alert::handle(&self.alerting, event, &invocation)).await,
        };
        answer.unwrap_or_else(|| all_failed(ids))
    }

    /// Runs a call to its end, or drops it at one of its waits.
    async fn mortal<T>(&self, call: impl Future<Output = T>) -> Option<T> {
        let mut left = {
            let rng = &mut *self.rng.lock().unwrap_or_else(PoisonError::into_inner);
            if !self.faults.is_calm() && rng.f64() < KILLED { Some(rng.u32(1..60)) } else { None }
        };
        let mut call = pin!(call);
        std::future::poll_fn(|context| {
            if left == Some(0) {
                self.killed.fetch_add(1, Ordering::Relaxed);
                return Poll::Ready(None);
            }
            left = left.map(|left| left - 1);
            call.as_mut().poll(context).map(Some)
        })
        .await
    }
}

#[derive(Clone, Copy)]
enum Function {
    Triage,
    Alert,
}

/// Our webhook, made as set-up makes it. Returns its signing secret.
fn subscribe(people: &People) -> SecretString {
    let subscriptions = SUBSCRIPTIONS;
    let webhook = json!({
        "name": "Ticket triage",
        "status": "active",
        "endpoint": "https://triage.example/webhooks/zendesk",
        "http_method": "POST",
        "request_format": "json",
        "subscriptions": subscriptions,
    });
    let made = people.ask(Method::Post, "/api/v2/webhooks", Some(json!({ "webhook": webhook })));
    let id = made["webhook"]["id"].as_str().expect("the demo makes a webhook").to_owned();
    let secret = people.ask(Method::Get, &format!("/api/v2/webhooks/{id}/signing_secret"), None);
    secret["signing_secret"]["secret"].as_str().expect("every webhook has a secret").to_owned().into()
}

fn event(outgoing: &Outgoing) -> ApiGatewayV2httpRequest {
    let mut event = ApiGatewayV2httpRequest::default();
    event.request_context.http.method = "POST".parse().expect("a method");
    for (name, value) in &outgoing.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<axum::http::HeaderName>(), value.parse()) {
            event.headers.insert(name, value);
        }
    }
    event.body = Some(outgoing.body.clone());
    event
}

fn answered(status: u16, retry_after: Option<String>) -> Delivered {
    let headers = retry_after.map(|seconds| ("retry-after".to_owned(), seconds)).into_iter().collect();
    Delivered::Answered { status, headers, body: String::new() }
}

fn all_failed(ids: Vec<String>) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    let failures = ids.into_iter().map(|id| {
        let mut failure = BatchItemFailure::default();
        failure.item_identifier = id;
        failure
    });
    response.batch_item_failures = failures.collect();
    response
}

fn invocation(now: Timestamp) -> Invocation {
    Invocation { request_id: "simulated".to_owned(), now, deadline: now + TIMEOUT }
}

fn later(at: Timestamp, span: SignedDuration) -> Timestamp {
    domain::time::later(at, span)
}
