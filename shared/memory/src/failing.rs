//! A port that fails on cue, for tests.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    Account, AccountId, Alert, AlertKey, AuditEntry, Conversation, Delivery, FollowUp, PastTicket, Policy, Reading,
    Record, Summary, Ticket, TicketId, TicketState, TicketUpdate, Version,
    ports::{
        Accepted, AlertLog, Analyst, Applied, Audit, Changes, Claim, Control, Conversations, Count, Cursor, Cursors,
        Email, Erased, Eraser, Feed, Fenced, FollowUps, Handover, Helpdesk, Lease, Leased, Mailer, Moved, Opened,
        Outbox, Page, PortError, Queue, Records, Reopened, Settings, SigningSecrets, Site, Stretch, Taken, TicketLog,
        Updated,
    },
};
use jiff::{Timestamp, civil::Date};
use runtime::config::{Config, Configuration};
use secrecy::SecretString;
use strum::{Display, VariantArray};

use crate::lock;

/// How the next call of a method goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// As usual.
    None,
    /// Does nothing and fails for now.
    Transient,
    /// Does nothing and fails for good.
    Permanent,
    /// Does nothing, and nobody may until a person mends our rights.
    Denied,
    /// Does its work, and then the answer is lost.
    Ambiguous,
    /// Does nothing and panics.
    Panic,
    /// Does its work, and then panics.
    PanicAfter,
}

/// Every method of every port. Text form `AlertLog::open`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Display, VariantArray)]
pub enum Method {
    #[strum(to_string = "AlertLog::open")]
    AlertLogOpen,
    #[strum(to_string = "AlertLog::take")]
    AlertLogTake,
    #[strum(to_string = "AlertLog::settle")]
    AlertLogSettle,
    #[strum(to_string = "AlertLog::release")]
    AlertLogRelease,
    #[strum(to_string = "AlertLog::reopen")]
    AlertLogReopen,
    #[strum(to_string = "AlertLog::alerts")]
    AlertLogAlerts,
    #[strum(to_string = "Analyst::read")]
    AnalystRead,
    #[strum(to_string = "Audit::append")]
    AuditAppend,
    #[strum(to_string = "Configuration::config")]
    ConfigurationConfig,
    #[strum(to_string = "Control::count")]
    ControlCount,
    #[strum(to_string = "Control::uncount")]
    ControlUncount,
    #[strum(to_string = "Control::lease")]
    ControlLease,
    #[strum(to_string = "Control::release")]
    ControlRelease,
    #[strum(to_string = "Conversations::conversation")]
    ConversationsConversation,
    #[strum(to_string = "Conversations::go_on")]
    ConversationsGoOn,
    #[strum(to_string = "Conversations::erase")]
    ConversationsErase,
    #[strum(to_string = "Cursors::get")]
    CursorsGet,
    #[strum(to_string = "Cursors::set")]
    CursorsSet,
    #[strum(to_string = "Feed::changes")]
    FeedChanges,
    #[strum(to_string = "Feed::newest_customer_comment")]
    FeedNewestCustomerComment,
    #[strum(to_string = "Eraser::erase")]
    EraserErase,
    #[strum(to_string = "FollowUps::alert")]
    FollowUpsAlert,
    #[strum(to_string = "FollowUps::follow_up")]
    FollowUpsFollowUp,
    #[strum(to_string = "Helpdesk::ticket")]
    HelpdeskTicket,
    #[strum(to_string = "Helpdesk::account")]
    HelpdeskAccount,
    #[strum(to_string = "Helpdesk::update")]
    HelpdeskUpdate,
    #[strum(to_string = "Helpdesk::look_up")]
    HelpdeskLookUp,
    #[strum(to_string = "Mailer::send")]
    MailerSend,
    #[strum(to_string = "Outbox::discard")]
    OutboxDiscard,
    #[strum(to_string = "Queue::send")]
    QueueSend,
    #[strum(to_string = "Queue::defer")]
    QueueDefer,
    #[strum(to_string = "Records::record")]
    RecordsRecord,
    #[strum(to_string = "Records::day")]
    RecordsDay,
    RecordsCorrections,
    #[strum(to_string = "Records::past")]
    RecordsPast,
    #[strum(to_string = "Settings::policy")]
    SettingsPolicy,
    #[strum(to_string = "SigningSecrets::secrets")]
    SigningSecretsSecrets,
    #[strum(to_string = "SigningSecrets::refreshed")]
    SigningSecretsRefreshed,
    #[strum(to_string = "Site::publish")]
    SitePublish,
    #[strum(to_string = "Site::published")]
    SitePublished,
    #[strum(to_string = "Site::remove")]
    SiteRemove,
    #[strum(to_string = "TicketLog::claim")]
    TicketLogClaim,
    #[strum(to_string = "TicketLog::save")]
    TicketLogSave,
    #[strum(to_string = "TicketLog::finish")]
    TicketLogFinish,
    #[strum(to_string = "TicketLog::release")]
    TicketLogRelease,
}

/// How often a call goes wrong by chance, 0 to 1 each. What is left goes as usual.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct Odds {
    pub transient: f64,
    pub ambiguous: f64,
    pub panic: f64,
    pub panic_after: f64,
}

/// The faults to come and the calls so far. Ports that share one count their calls together.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    planned: HashMap<Method, VecDeque<Fault>>,
    calls: HashMap<Method, usize>,
    chance: Option<Chance>,
}

/// The same seed draws the same faults, as long as the calls come in the same order.
#[derive(Debug)]
struct Chance {
    rng: fastrand::Rng,
    /// None once it is calm.
    odds: Option<Odds>,
    drawn: u64,
}

impl Chance {
    fn fault(&mut self) -> Fault {
        let Some(Odds { transient, ambiguous, panic, panic_after }) = self.odds else { return Fault::None };
        let mut left = self.rng.f64();
        let faults = [
            (transient, Fault::Transient),
            (ambiguous, Fault::Ambiguous),
            (panic, Fault::Panic),
            (panic_after, Fault::PanicAfter),
        ];
        for (share, fault) in faults {
            if left < share {
                self.drawn += 1;
                return fault;
            }
            left -= share;
        }
        Fault::None
    }
}

impl Faults {
    /// Any call may go wrong by chance, and lets others have a turn before it begins and after it ends, so that workers on
    /// one thread come between each other's calls.
    #[must_use]
    pub fn by_chance(seed: u64, odds: Odds) -> Self {
        let chance = Some(Chance { rng: fastrand::Rng::with_seed(seed), odds: Some(odds), drawn: 0 });
        Self(Arc::new(Mutex::new(State { chance, ..State::default() })))
    }

    /// From now on nothing goes wrong by chance.
    pub fn calm(&self) {
        if let Some(chance) = &mut lock(&self.0).chance {
            chance.odds = None;
        }
    }

    /// Whether nothing goes wrong by chance any more.
    #[must_use]
    pub fn is_calm(&self) -> bool {
        lock(&self.0).chance.as_ref().is_none_or(|chance| chance.odds.is_none())
    }

    /// How many calls went wrong by chance.
    #[must_use]
    pub fn drawn(&self) -> u64 {
        lock(&self.0).chance.as_ref().map_or(0, |chance| chance.drawn)
    }

    /// Lets other tasks of this thread have a turn, as often as chance has it.
    async fn pass(&self) {
        let turns = lock(&self.0).chance.as_mut().map_or(0, |chance| chance.rng.u8(0..3));
        for _ in 0..turns {
            give_way().await;
        }
    }

    /// The next calls of `method` go this way, one after the other.
    pub fn plan(&self, method: Method, faults: &[Fault]) {
        lock(&self.0).planned.entry(method).or_default().extend(faults);
    }

    /// How often `method` was called.
    #[must_use]
    pub fn calls(&self, method: Method) -> usize {
        lock(&self.0).calls.get(&method).copied().unwrap_or(0)
    }

    fn next(&self, method: Method) -> Fault {
        let mut state = lock(&self.0);
        *state.calls.entry(method).or_default() += 1;
        let planned = state.planned.get_mut(&method).and_then(VecDeque::pop_front);
        planned.or_else(|| state.chance.as_mut().map(Chance::fault)).unwrap_or(Fault::None)
    }
}

/// Wraps a port: each method first looks whether a fault waits for it.
#[derive(Debug)]
pub struct Failing<P> {
    inner: P,
    faults: Faults,
}

impl<P> Failing<P> {
    pub fn new(inner: P) -> Self {
        Self::sharing(inner, &Faults::default())
    }

    /// One of several ports with the same plan.
    pub fn sharing(inner: P, faults: &Faults) -> Self {
        Self { inner, faults: faults.clone() }
    }

    pub fn inner(&self) -> &P {
        &self.inner
    }

    /// The next calls of `method` go this way, one after the other.
    pub fn plan(&self, method: Method, faults: &[Fault]) {
        self.faults.plan(method, faults);
    }

    /// How often `method` was called.
    #[must_use]
    pub fn calls(&self, method: Method) -> usize {
        self.faults.calls(method)
    }

    async fn call<T>(
        &self,
        method: Method,
        call: impl Future<Output = Result<T, PortError>> + Send,
    ) -> Result<T, PortError> {
        self.faults.pass().await;
        let outcome = self.outcome(method, call).await;
        self.faults.pass().await;
        outcome
    }

    async fn outcome<T>(
        &self,
        method: Method,
        call: impl Future<Output = Result<T, PortError>> + Send,
    ) -> Result<T, PortError> {
        match self.faults.next(method) {
            Fault::None => call.await,
            Fault::Transient => Err(PortError::transient("fault", format!("{method} failed on cue"))),
            Fault::Permanent => Err(PortError::permanent("fault", format!("{method} refused on cue"))),
            Fault::Denied => Err(PortError::denied("fault", format!("{method} denied on cue"))),
            Fault::Ambiguous => {
                call.await?;
                Err(PortError::transient("fault", format!("the answer of {method} was lost on cue")))
            }
            Fault::Panic => panic!("{method} panicked on cue"),
            Fault::PanicAfter => {
                call.await?;
                panic!("{method} panicked on cue, its work done")
            }
        }
    }
}

/// Ready at the second poll.
async fn give_way() {
    let mut waited = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut waited, true) {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

#[async_trait]
impl<P: AlertLog> AlertLog for Failing<P> {
    async fn open(&self, alert: &Alert, expires: Timestamp, entry: &AuditEntry) -> Result<Opened, PortError> {
        self.call(Method::AlertLogOpen, self.inner.open(alert, expires, entry)).await
    }

    async fn take(&self, key: AlertKey, owner: &str, now: Timestamp, until: Timestamp) -> Result<Taken, PortError> {
        self.call(Method::AlertLogTake, self.inner.take(key, owner, now, until)).await
    }

    async fn settle(
        &self,
        key: AlertKey,
        owner: &str,
        delivery: Delivery,
        entry: &AuditEntry,
    ) -> Result<Fenced, PortError> {
        self.call(Method::AlertLogSettle, self.inner.settle(key, owner, delivery, entry)).await
    }

    async fn release(&self, key: AlertKey, owner: &str, handover: Handover) -> Result<(), PortError> {
        self.call(Method::AlertLogRelease, self.inner.release(key, owner, handover)).await
    }

    async fn reopen(&self, key: AlertKey, entry: &AuditEntry) -> Result<Reopened, PortError> {
        self.call(Method::AlertLogReopen, self.inner.reopen(key, entry)).await
    }

    async fn alerts(&self, now: Timestamp) -> Result<Vec<Arc<Alert>>, PortError> {
        self.call(Method::AlertLogAlerts, self.inner.alerts(now)).await
    }
}

#[async_trait]
impl<P: FollowUps> FollowUps for Failing<P> {
    async fn alert(&self, key: AlertKey, now: Timestamp) -> Result<Option<Alert>, PortError> {
        self.call(Method::FollowUpsAlert, self.inner.alert(key, now)).await
    }

    async fn follow_up(&self, seen: &Alert, next: &FollowUp, entry: &AuditEntry) -> Result<Fenced, PortError> {
        self.call(Method::FollowUpsFollowUp, self.inner.follow_up(seen, next, entry)).await
    }
}

#[async_trait]
impl<P: Analyst> Analyst for Failing<P> {
    async fn read(&self, ticket: &Ticket, account: &Account, within: Duration) -> Result<Reading, PortError> {
        self.call(Method::AnalystRead, self.inner.read(ticket, account, within)).await
    }
}

#[async_trait]
impl<P: Audit> Audit for Failing<P> {
    async fn append(&self, entry: &AuditEntry) -> Result<(), PortError> {
        self.call(Method::AuditAppend, self.inner.append(entry)).await
    }
}

#[async_trait]
impl<P: Conversations> Conversations for Failing<P> {
    async fn conversation(&self, name: &str, now: Timestamp) -> Result<Option<Conversation>, PortError> {
        self.call(Method::ConversationsConversation, self.inner.conversation(name, now)).await
    }

    async fn go_on(
        &self,
        name: &str,
        seen: Option<&Conversation>,
        next: &Conversation,
        now: Timestamp,
    ) -> Result<Fenced, PortError> {
        self.call(Method::ConversationsGoOn, self.inner.go_on(name, seen, next, now)).await
    }

    async fn erase(&self, name: &str) -> Result<(), PortError> {
        self.call(Method::ConversationsErase, self.inner.erase(name)).await
    }
}

#[async_trait]
impl<P: Control> Control for Failing<P> {
    async fn count(&self, counter: &str, amount: u64, limit: u64, expires: Timestamp) -> Result<Count, PortError> {
        self.call(Method::ControlCount, self.inner.count(counter, amount, limit, expires)).await
    }

    async fn uncount(&self, counter: &str, amount: u64) -> Result<(), PortError> {
        self.call(Method::ControlUncount, self.inner.uncount(counter, amount)).await
    }

    async fn lease(&self, work: &str, owner: &str, now: Timestamp, until: Timestamp) -> Result<Leased, PortError> {
        self.call(Method::ControlLease, self.inner.lease(work, owner, now, until)).await
    }

    async fn release(&self, work: &str, owner: &str) -> Result<(), PortError> {
        self.call(Method::ControlRelease, self.inner.release(work, owner)).await
    }
}

#[async_trait]
impl<P: Cursors> Cursors for Failing<P> {
    async fn get(&self, name: &str) -> Result<Option<Cursor>, PortError> {
        self.call(Method::CursorsGet, self.inner.get(name)).await
    }

    async fn set(&self, name: &str, text: &str, read: Option<u64>) -> Result<Moved, PortError> {
        self.call(Method::CursorsSet, self.inner.set(name, text, read)).await
    }
}

#[async_trait]
impl<P: Eraser> Eraser for Failing<P> {
    async fn erase(&self, lease: &Lease, state: &TicketState, entries: &[AuditEntry]) -> Result<Erased, PortError> {
        self.call(Method::EraserErase, self.inner.erase(lease, state, entries)).await
    }
}

#[async_trait]
impl<P: Feed> Feed for Failing<P> {
    async fn changes(&self, stretch: &Stretch) -> Result<Changes, PortError> {
        self.call(Method::FeedChanges, self.inner.changes(stretch)).await
    }

    async fn newest_customer_comment(&self, ticket: TicketId) -> Result<Option<Version>, PortError> {
        self.call(Method::FeedNewestCustomerComment, self.inner.newest_customer_comment(ticket)).await
    }
}

#[async_trait]
impl<P: Outbox> Outbox for Failing<P> {
    async fn discard(&self, ticket: TicketId) -> Result<(), PortError> {
        self.call(Method::OutboxDiscard, self.inner.discard(ticket)).await
    }
}

#[async_trait]
impl<P: Helpdesk> Helpdesk for Failing<P> {
    async fn ticket(&self, id: TicketId) -> Result<Option<Ticket>, PortError> {
        self.call(Method::HelpdeskTicket, self.inner.ticket(id)).await
    }

    async fn account(&self, id: &AccountId) -> Result<Account, PortError> {
        self.call(Method::HelpdeskAccount, self.inner.account(id)).await
    }

    async fn update(&self, update: &TicketUpdate) -> Result<Updated, PortError> {
        self.call(Method::HelpdeskUpdate, self.inner.update(update)).await
    }

    async fn look_up(&self, id: TicketId, marker: &str) -> Result<Option<Applied>, PortError> {
        self.call(Method::HelpdeskLookUp, self.inner.look_up(id, marker)).await
    }
}

#[async_trait]
impl<P: Mailer> Mailer for Failing<P> {
    async fn send(&self, email: &Email) -> Result<Accepted, PortError> {
        self.call(Method::MailerSend, self.inner.send(email)).await
    }
}

#[async_trait]
impl<P: Queue> Queue for Failing<P> {
    async fn send(&self, body: &str, delay: Duration) -> Result<(), PortError> {
        self.call(Method::QueueSend, self.inner.send(body, delay)).await
    }

    async fn defer(&self, receipt: &str, delay: Duration) -> Result<(), PortError> {
        self.call(Method::QueueDefer, self.inner.defer(receipt, delay)).await
    }
}

#[async_trait]
impl<P: Records> Records for Failing<P> {
    async fn record(&self, ticket: TicketId, now: Timestamp) -> Result<Option<Record>, PortError> {
        self.call(Method::RecordsRecord, self.inner.record(ticket, now)).await
    }

    async fn day(&self, day: Date, now: Timestamp) -> Result<Vec<Summary>, PortError> {
        self.call(Method::RecordsDay, self.inner.day(day, now)).await
    }

    async fn corrections(&self, day: Date, now: Timestamp) -> Result<Vec<AuditEntry>, PortError> {
        self.call(Method::RecordsCorrections, self.inner.corrections(day, now)).await
    }

    async fn past(
        &self,
        account: &AccountId,
        but: TicketId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<PastTicket>, PortError> {
        self.call(Method::RecordsPast, self.inner.past(account, but, now, limit)).await
    }
}

#[async_trait]
impl<P: Configuration> Configuration for Failing<P> {
    async fn config(&self) -> Result<Arc<Config>, PortError> {
        self.call(Method::ConfigurationConfig, self.inner.config()).await
    }
}

#[async_trait]
impl<P: Settings> Settings for Failing<P> {
    async fn policy(&self) -> Result<Arc<Policy>, PortError> {
        self.call(Method::SettingsPolicy, self.inner.policy()).await
    }
}

#[async_trait]
impl<P: SigningSecrets> SigningSecrets for Failing<P> {
    async fn secrets(&self) -> Result<Vec<SecretString>, PortError> {
        self.call(Method::SigningSecretsSecrets, self.inner.secrets()).await
    }

    async fn refreshed(&self) -> Result<Vec<SecretString>, PortError> {
        self.call(Method::SigningSecretsRefreshed, self.inner.refreshed()).await
    }
}

#[async_trait]
impl<P: Site> Site for Failing<P> {
    async fn publish(&self, page: &Page) -> Result<(), PortError> {
        self.call(Method::SitePublish, self.inner.publish(page)).await
    }

    async fn published(&self, path: &str) -> Result<Option<Vec<u8>>, PortError> {
        self.call(Method::SitePublished, self.inner.published(path)).await
    }

    async fn remove(&self, path: &str) -> Result<(), PortError> {
        self.call(Method::SiteRemove, self.inner.remove(path)).await
    }
}

#[async_trait]
impl<P: TicketLog> TicketLog for Failing<P> {
    async fn claim(&self, lease: &Lease, now: Timestamp) -> Result<Claim, PortError> {
        self.call(Method::TicketLogClaim, self.inner.claim(lease, now)).await
    }

    async fn save(&self, lease: &Lease, state: &TicketState, entries: &[AuditEntry]) -> Result<Fenced, PortError> {
        self.call(Method::TicketLogSave, self.inner.save(lease, state, entries)).await
    }

    async fn finish(
        &self,
        lease: &Lease,
        state: &TicketState,
        record: &Record,
        expires: Timestamp,
        entries: &[AuditEntry],
    ) -> Result<Fenced, PortError> {
        self.call(Method::TicketLogFinish, self.inner.finish(lease, state, record, expires, entries)).await
    }

    async fn release(&self, lease: &Lease) -> Result<(), PortError> {
        self.call(Method::TicketLogRelease, self.inner.release(lease)).await
    }
}

#[cfg(test)]
mod tests {
    use domain::ports::Queue;
    use futures::{FutureExt, executor::block_on, future::join_all};

    use super::*;
    use crate::{DeadLetters, MemoryQueue};

    fn drawn(seed: u64) -> Vec<Option<bool>> {
        let odds = Odds { transient: 0.2, ambiguous: 0.2, panic: 0.1, panic_after: 0.1 };
        let queue = Failing::sharing(DeadLetters::default(), &Faults::by_chance(seed, odds));
        let call = async |body: String| {
            let sent = queue.send(&body, Duration::ZERO);
            std::panic::AssertUnwindSafe(sent).catch_unwind().await.ok().map(|sent| sent.is_ok())
        };
        block_on(join_all((0..200).map(|number| call(number.to_string()))))
    }

    #[test]
    fn a_seed_draws_the_same_faults_again() {
        let first = drawn(7);
        assert_eq!(first, drawn(7));
        assert_ne!(first, drawn(8));
        for kind in [Some(true), Some(false), None] {
            assert!(first.iter().filter(|outcome| **outcome == kind).count() > 10, "{kind:?}");
        }
    }

    #[test]
    fn callers_come_between_each_other() {
        let queue = MemoryQueue::new(jiff::SignedDuration::from_secs(60), 1, domain::sample::now());
        let queue = Failing::sharing(queue, &Faults::by_chance(7, Odds::default()));
        let asked: Vec<String> = (0..20).map(|number| number.to_string()).collect();
        for sent in block_on(join_all(asked.iter().map(|body| queue.send(body, Duration::ZERO)))) {
            sent.unwrap();
        }
        let mut sent: Vec<String> = queue.inner().receive(20).into_iter().map(|message| message.body).collect();
        assert_ne!(sent, asked);
        sent.sort_by_key(|body| body.parse::<u32>().unwrap());
        assert_eq!(sent, asked);
    }

    #[test]
    fn nothing_goes_wrong_once_it_is_calm() {
        let faults = Faults::by_chance(7, Odds { transient: 1.0, ..Odds::default() });
        let queue = Failing::sharing(DeadLetters::default(), &faults);
        assert!(block_on(queue.send("a", Duration::ZERO)).is_err());
        assert!(!faults.is_calm());
        faults.calm();
        assert!(faults.is_calm() && faults.drawn() == 1);
        assert!(block_on(queue.send("a", Duration::ZERO)).is_ok());
    }
}
