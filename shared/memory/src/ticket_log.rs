//! The ticket table in memory: claims, states, records, alerts, audit.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use domain::{
    AccountId, Alert, AlertKey, AuditAction, AuditEntry, Delivery, FollowUp, PastTicket, Record, Summary, TicketId,
    TicketState,
    ports::{
        AlertLog, Audit, Claim, Erased, Eraser, Fenced, FollowUps, Handover, Lease, Opened, PortError, Records,
        Reopened, Taken, TicketLog,
    },
    record::utc_day,
};
use jiff::{Timestamp, civil::Date};

use crate::lock;

#[derive(Debug, Default)]
pub struct MemoryTicketLog {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    tickets: HashMap<TicketId, Box<Entry>>,
    days: BTreeMap<Date, BTreeSet<(Timestamp, TicketId)>>,
    accounts: HashMap<AccountId, BTreeSet<(Timestamp, TicketId)>>,
    alerts: HashMap<AlertKey, Box<AlertEntry>>,
    audit: Vec<AuditEntry>,
    /// Of which a record was stored since this was last asked.
    stored: Vec<TicketId>,
}

#[derive(Debug, Default)]
struct Entry {
    owner: Option<(String, Timestamp)>,
    state: TicketState,
    record: Option<(Arc<Record>, Timestamp)>,
}

#[derive(Debug)]
struct AlertEntry {
    alert: Arc<Alert>,
    expires: Timestamp,
    owner: Option<(String, Timestamp)>,
    /// Who took it for delivery and did not say that nothing was sent.
    takers: BTreeSet<String>,
}

impl MemoryTicketLog {
    /// Every automated action so far, as they came.
    #[must_use]
    pub fn audit(&self) -> Vec<AuditEntry> {
        lock(&self.state).audit.clone()
    }

    /// The same, handed over: the log forgets them.
    #[must_use]
    pub fn take_audit(&self) -> Vec<AuditEntry> {
        std::mem::take(&mut lock(&self.state).audit)
    }

    /// The tickets of which a record was stored since this was last asked, in that order.
    #[must_use]
    pub fn take_recorded(&self) -> Vec<TicketId> {
        std::mem::take(&mut lock(&self.state).stored)
    }

    /// Forgets all but the `most` tickets triaged last, with their alerts. Returns what was forgotten.
    #[must_use]
    pub fn keep_newest(&self, most: usize) -> Vec<TicketId> {
        let mut state = lock(&self.state);
        let recorded: usize = state.days.values().map(BTreeSet::len).sum();
        let oldest: Vec<TicketId> =
            state.days.values().flatten().take(recorded.saturating_sub(most)).map(|(_, ticket)| *ticket).collect();
        for ticket in &oldest {
            if let Some((record, _)) = state.tickets.remove(ticket).and_then(|entry| entry.record) {
                state.unindex(&record);
            }
        }
        if !oldest.is_empty() {
            let forgotten: HashSet<TicketId> = oldest.iter().copied().collect();
            state.alerts.retain(|key, _| !forgotten.contains(&key.ticket));
        }
        oldest
    }

    /// Every ticket with a record, those triaged last at the end.
    #[must_use]
    pub fn recorded(&self) -> Vec<TicketId> {
        lock(&self.state).days.values().flatten().map(|(_, ticket)| *ticket).collect()
    }

    /// The newest record of a ticket, expired or not, without a copy.
    #[must_use]
    pub fn newest(&self, ticket: TicketId) -> Option<Arc<Record>> {
        lock(&self.state).tickets.get(&ticket)?.record.as_ref().map(|(record, _)| record.clone())
    }

    /// An alert, expired or not.
    #[must_use]
    pub fn alert(&self, key: AlertKey) -> Option<Arc<Alert>> {
        lock(&self.state).alerts.get(&key).map(|entry| entry.alert.clone())
    }
}

impl State {
    /// The ticket's entry if the lease still owns it.
    fn owned(&mut self, lease: &Lease) -> Option<&mut Entry> {
        let entry = self.tickets.get_mut(&lease.ticket)?;
        let owns = entry.owner.as_ref().is_some_and(|(owner, _)| *owner == lease.owner);
        owns.then_some(entry)
    }

    fn alive(&self, ticket: TicketId, now: Timestamp) -> Option<&Arc<Record>> {
        let (record, expires) = self.tickets.get(&ticket)?.record.as_ref()?;
        (*expires > now).then_some(record)
    }

    fn index(&mut self, record: &Record) {
        let place = (record.triaged_at, record.ticket);
        self.days.entry(utc_day(record.triaged_at)).or_default().insert(place);
        self.accounts.entry(record.account.clone()).or_default().insert(place);
    }

    fn unindex(&mut self, record: &Record) {
        let place = (record.triaged_at, record.ticket);
        let day = utc_day(record.triaged_at);
        if let Some(tickets) = self.days.get_mut(&day) {
            tickets.remove(&place);
            if tickets.is_empty() {
                self.days.remove(&day);
            }
        }
        if let Some(tickets) = self.accounts.get_mut(&record.account) {
            tickets.remove(&place);
            if tickets.is_empty() {
                self.accounts.remove(&record.account);
            }
        }
    }
}

#[async_trait]
impl TicketLog for MemoryTicketLog {
    async fn claim(&self, lease: &Lease, now: Timestamp) -> Result<Claim, PortError> {
        let mut state = lock(&self.state);
        let entry = state.tickets.entry(lease.ticket).or_default();
        if let Some((_, until)) = entry.owner.as_ref().filter(|(owner, until)| *owner != lease.owner && *until > now) {
            return Ok(Claim::Theirs { until: *until });
        }
        entry.owner = Some((lease.owner.clone(), lease.until));
        Ok(Claim::Mine(Box::new(entry.state.clone())))
    }

    async fn save(&self, lease: &Lease, progress: &TicketState, entries: &[AuditEntry]) -> Result<Fenced, PortError> {
        let mut state = lock(&self.state);
        let Some(entry) = state.owned(lease) else { return Ok(Fenced::Lost) };
        entry.state = progress.clone();
        state.audit.extend_from_slice(entries);
        Ok(Fenced::Written)
    }

    async fn finish(
        &self,
        lease: &Lease,
        progress: &TicketState,
        record: &Record,
        expires: Timestamp,
        entries: &[AuditEntry],
    ) -> Result<Fenced, PortError> {
        let mut state = lock(&self.state);
        let Some(entry) = state.owned(lease) else { return Ok(Fenced::Lost) };
        entry.state = progress.clone();
        entry.owner = None;
        let earlier = entry.record.replace((Arc::new(record.clone()), expires));
        if let Some((earlier, _)) = earlier {
            state.unindex(&earlier);
        }
        state.index(record);
        state.stored.push(record.ticket);
        state.audit.extend_from_slice(entries);
        Ok(Fenced::Written)
    }

    async fn release(&self, lease: &Lease) -> Result<(), PortError> {
        let mut state = lock(&self.state);
        if let Some(entry) = state.owned(lease) {
            entry.owner = None;
            // Events may name tickets that nobody knows; nothing is kept of those.
            if entry.record.is_none() && entry.state == TicketState::default() {
                state.tickets.remove(&lease.ticket);
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Eraser for MemoryTicketLog {
    async fn erase(&self, lease: &Lease, kept: &TicketState, entries: &[AuditEntry]) -> Result<Erased, PortError> {
        let mut state = lock(&self.state);
        let mut kept = kept.clone();
        let Some(entry) = state.owned(lease) else { return Ok(Erased::Lost) };
        let record = entry.record.take();
        if let Some((record, _)) = record {
            state.unindex(&record);
        }
        for key in AlertKey::of(lease.ticket) {
            if state.alerts.remove(&key).is_some_and(|entry| entry.alert.delivery.is_settled()) {
                kept.remember(key);
            }
        }
        if let Some(entry) = state.owned(lease) {
            entry.state = kept.clone();
        }
        state.audit.extend_from_slice(entries);
        Ok(Erased::Stored(Box::new(kept)))
    }
}

#[async_trait]
impl Records for MemoryTicketLog {
    async fn record(&self, ticket: TicketId, now: Timestamp) -> Result<Option<Record>, PortError> {
        let record = lock(&self.state).alive(ticket, now).cloned();
        Ok(record.map(Arc::unwrap_or_clone))
    }

    async fn day(&self, day: Date, now: Timestamp) -> Result<Vec<Summary>, PortError> {
        let state = lock(&self.state);
        let tickets = state.days.get(&day).into_iter().flatten();
        Ok(tickets.filter_map(|(_, ticket)| state.alive(*ticket, now)).map(|record| record.summary()).collect())
    }

    async fn corrections(&self, day: Date, _: Timestamp) -> Result<Vec<AuditEntry>, PortError> {
        let of_day = |entry: &&AuditEntry| entry.action == AuditAction::Correction && utc_day(entry.at) == day;
        let mut found: Vec<AuditEntry> = lock(&self.state).audit.iter().filter(of_day).cloned().collect();
        found.sort_by_key(|entry| entry.at);
        Ok(found)
    }

    async fn past(
        &self,
        account: &AccountId,
        but: TicketId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<PastTicket>, PortError> {
        let state = lock(&self.state);
        let tickets = state.accounts.get(account).into_iter().flatten().rev();
        Ok(tickets
            .filter(|(at, ticket)| *at < now && *ticket != but)
            .filter_map(|(_, ticket)| state.alive(*ticket, now))
            .take(limit)
            .map(|record| record.past())
            .collect())
    }
}

#[async_trait]
impl AlertLog for MemoryTicketLog {
    async fn open(&self, alert: &Alert, expires: Timestamp, entry: &AuditEntry) -> Result<Opened, PortError> {
        let mut state = lock(&self.state);
        match state.alerts.get(&alert.key()) {
            Some(entry) if entry.alert.delivery == Delivery::Pending => Ok(Opened::Waiting),
            Some(_) => Ok(Opened::Settled),
            None => {
                let alert = Arc::new(alert.clone());
                let opened = AlertEntry { alert: alert.clone(), expires, owner: None, takers: BTreeSet::new() };
                state.alerts.insert(alert.key(), Box::new(opened));
                state.audit.push(entry.clone());
                Ok(Opened::New)
            }
        }
    }

    async fn take(&self, key: AlertKey, owner: &str, now: Timestamp, until: Timestamp) -> Result<Taken, PortError> {
        let mut state = lock(&self.state);
        let pending = |entry: &&mut Box<AlertEntry>| entry.alert.delivery == Delivery::Pending && entry.expires > now;
        let Some(entry) = state.alerts.get_mut(&key).filter(pending) else { return Ok(Taken::Settled) };
        if let Some((_, until)) = entry.owner.as_ref().filter(|(holder, until)| holder != owner && *until > now) {
            return Ok(Taken::Theirs { until: *until });
        }
        entry.owner = Some((owner.to_owned(), until));
        entry.takers.insert(owner.to_owned());
        let handover = if entry.takers.len() > 1 { Handover::Possible } else { Handover::Never };
        Ok(Taken::Mine { alert: Box::new(Alert::clone(&entry.alert)), handover })
    }

    async fn settle(
        &self,
        key: AlertKey,
        owner: &str,
        delivery: Delivery,
        entry: &AuditEntry,
    ) -> Result<Fenced, PortError> {
        let mut state = lock(&self.state);
        let Some(settled) = state.alerts.get_mut(&key) else { return Ok(Fenced::Lost) };
        let held = matches!(settled.alert.delivery, Delivery::Held { .. });
        let ours = settled.owner.as_ref().is_some_and(|(holder, _)| holder == owner);
        if !held && !ours {
            return Ok(Fenced::Lost);
        }
        Arc::make_mut(&mut settled.alert).delivery = delivery;
        settled.owner = None;
        settled.takers.clear();
        state.audit.push(entry.clone());
        Ok(Fenced::Written)
    }

    async fn release(&self, key: AlertKey, owner: &str, handover: Handover) -> Result<(), PortError> {
        if let Some(entry) = lock(&self.state).alerts.get_mut(&key)
            && entry.owner.as_ref().is_some_and(|(holder, _)| holder == owner)
        {
            entry.owner = None;
            match handover {
                Handover::Never => {
                    entry.takers.remove(owner);
                }
                Handover::Possible => {}
            }
        }
        Ok(())
    }

    async fn reopen(&self, key: AlertKey, entry: &AuditEntry) -> Result<Reopened, PortError> {
        let mut state = lock(&self.state);
        let unread = |alert: &Alert| matches!(alert.delivery, Delivery::Refused { .. } | Delivery::Skipped { .. });
        let Some(found) = state.alerts.get_mut(&key).filter(|found| unread(&found.alert)) else {
            return Ok(Reopened::Left);
        };
        Arc::make_mut(&mut found.alert).delivery = Delivery::Pending;
        state.audit.push(entry.clone());
        Ok(Reopened::Waiting)
    }

    async fn alerts(&self, now: Timestamp) -> Result<Vec<Arc<Alert>>, PortError> {
        let state = lock(&self.state);
        let mut alerts: Vec<Arc<Alert>> =
            state.alerts.values().filter(|entry| entry.expires > now).map(|entry| entry.alert.clone()).collect();
        alerts.sort_by_key(|alert| (alert.at, alert.key()));
        Ok(alerts)
    }
}

#[async_trait]
impl FollowUps for MemoryTicketLog {
    async fn alert(&self, key: AlertKey, now: Timestamp) -> Result<Option<Alert>, PortError> {
        let state = lock(&self.state);
        let alive = state.alerts.get(&key).filter(|entry| entry.expires > now);
        Ok(alive.map(|entry| Alert::clone(&entry.alert)))
    }

    async fn follow_up(&self, seen: &Alert, next: &FollowUp, entry: &AuditEntry) -> Result<Fenced, PortError> {
        let mut state = lock(&self.state);
        let unchanged = |found: &&mut Box<AlertEntry>| found.alert.follow_up.revision == seen.follow_up.revision;
        let Some(found) = state.alerts.get_mut(&seen.key()).filter(unchanged) else { return Ok(Fenced::Lost) };
        Arc::make_mut(&mut found.alert).follow_up = next.clone();
        state.audit.push(entry.clone());
        Ok(Fenced::Written)
    }
}

#[async_trait]
impl Audit for MemoryTicketLog {
    async fn append(&self, entry: &AuditEntry) -> Result<(), PortError> {
        lock(&self.state).audit.push(entry.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use domain::ports::contract::{Spawn, alert_log, audit, eraser, follow_ups, records, ticket_log};

    use super::*;

    const ON_THREADS: Spawn<'_, bool> = &|task| Box::pin(async { tokio::spawn(task).await.unwrap() });

    fn log() -> MemoryTicketLog {
        MemoryTicketLog::default()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn it_keeps_the_contract_of_the_ticket_log() {
        ticket_log::a_late_worker_cannot_overwrite(&log()).await;
        ticket_log::finish_and_release_free_the_ticket(&log()).await;
        for _ in 0..20 {
            ticket_log::one_of_many_claims_wins(Arc::new(log()), ON_THREADS).await;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn it_keeps_the_contract_of_the_eraser() {
        let alone = log();
        eraser::what_came_from_text_is_gone(&alone, &alone).await;
        eraser::a_ticket_nobody_knew_is_remembered(&log()).await;
        eraser::only_the_owner_erases(&log()).await;
        for _ in 0..20 {
            eraser::an_alert_on_its_way_is_sent_or_erased(Arc::new(log()), ON_THREADS).await;
        }
    }

    #[tokio::test]
    async fn it_keeps_the_contract_of_the_records() {
        records::a_ticket_counts_once(&log()).await;
        records::the_past_belongs_to_the_account(&log()).await;
        records::the_expired_is_gone(&log()).await;
        records::corrections_stand_on_their_day(&log()).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn it_keeps_the_contract_of_the_alert_log() {
        alert_log::an_alert_is_opened_once_and_settled_once(&log()).await;
        alert_log::a_late_deliverer_settles_nothing(&log()).await;
        alert_log::a_held_alert_can_be_digested(&log()).await;
        alert_log::only_what_reached_nobody_is_opened_again(&log()).await;
        alert_log::an_earlier_deliverer_is_remembered(&log()).await;
        for _ in 0..20 {
            alert_log::one_of_many_takers_wins(Arc::new(log()), ON_THREADS).await;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn it_keeps_the_contract_of_the_follow_ups() {
        let alone = log();
        follow_ups::a_change_needs_the_revision_it_saw(&alone, &alone).await;
        follow_ups::delivery_and_follow_up_leave_each_other_alone(&log()).await;
        for _ in 0..20 {
            follow_ups::one_of_many_people_has_it(Arc::new(log()), ON_THREADS).await;
        }
    }

    #[async_trait]
    impl audit::Reader for MemoryTicketLog {
        async fn entries(&self, ticket: TicketId) -> Vec<AuditEntry> {
            self.audit().into_iter().filter(|entry| entry.ticket == ticket).collect()
        }
    }

    #[tokio::test]
    async fn the_largest_ticket_is_kept_with_a_mark() {
        let (log, now) = (log(), domain::sample::now());
        let ticket = domain::Ticket { description: "\u{1}".repeat(65_535).into(), ..domain::sample::ticket(1) };
        let (account, state) = (domain::sample::account(), TicketState::default());
        let context =
            domain::TicketContext { ticket: &ticket, account: &account, history: &[], earlier: &[], state: &state };
        let plan = domain::decide(context, &domain::sample::reading(), &domain::sample::policy(), now);
        let effort = domain::record::Effort { at: now, duration_ms: 0, usage: domain::reading::Usage::default() };
        let record = Record::new(context, plan, effort);
        let lease = Lease { ticket: ticket.id, owner: "owner".into(), until: Timestamp::MAX };
        log.claim(&lease, now).await.unwrap();
        assert_eq!(log.finish(&lease, &state, &record, Timestamp::MAX, &[]).await.unwrap(), Fenced::Written);
        let kept = log.record(ticket.id, now).await.unwrap().unwrap();
        assert!(kept.description.ends_with(domain::kept::MARK), "{} bytes", kept.description.len());
        assert!(kept.description.len() < 25_000, "{} bytes", kept.description.len());
    }

    #[tokio::test]
    async fn the_tickets_triaged_last_are_kept() {
        let log = log();
        for number in 1..=3u32 {
            let ticket = domain::sample::ticket_id(number.into());
            let at = domain::sample::now() + jiff::SignedDuration::from_hours(number.into());
            let lease = Lease { ticket, owner: "a".into(), until: at };
            assert!(matches!(log.claim(&lease, at).await.unwrap(), Claim::Mine(_)));
            let record = domain::sample::record(number.into(), "Acme", at);
            log.finish(&lease, &TicketState::default(), &record, Timestamp::MAX, &[]).await.unwrap();
        }
        assert!(log.keep_newest(3).is_empty());
        assert_eq!(log.keep_newest(1), [1, 2].map(domain::sample::ticket_id));
        assert!(log.newest(domain::sample::ticket_id(2)).is_none());
        assert!(log.newest(domain::sample::ticket_id(3)).is_some());
        let state = lock(&log.state);
        assert_eq!(state.days.values().chain(state.accounts.values()).map(BTreeSet::len).sum::<usize>(), 2);
    }

    #[tokio::test]
    async fn nothing_is_kept_of_a_ticket_unknown() {
        let log = log();
        let now = domain::sample::now();
        let lease = Lease { ticket: domain::sample::ticket_id(1), owner: "a".into(), until: now };
        assert!(matches!(log.claim(&lease, now).await.unwrap(), Claim::Mine(_)));
        TicketLog::release(&log, &lease).await.unwrap();
        assert!(lock(&log.state).tickets.is_empty());
    }

    #[tokio::test]
    async fn it_keeps_the_contract_of_the_audit() {
        let alone = log();
        audit::every_entry_is_kept_in_order(&alone, &alone).await;
        let together = log();
        audit::a_change_and_its_entry_are_one_write(&together, &together).await;
    }
}
