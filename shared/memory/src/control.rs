//! Counters, cooldowns and cursors in memory.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use async_trait::async_trait;
use domain::{
    AlertKey,
    ports::{
        Control, Cooldown, CooldownKey, Cooldowns, Count, Cursor, Cursors, Leased, Moved, PortError, Thread, Threads,
    },
};
use jiff::Timestamp;

use crate::lock;

#[derive(Debug, Default)]
pub struct MemoryControl {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    cooldowns: BTreeMap<CooldownKey, (AlertKey, Timestamp)>,
    counters: BTreeMap<String, u64>,
    leases: BTreeMap<String, WorkLease>,
    cursors: BTreeMap<String, Cursor>,
    threads: BTreeMap<String, Thread>,
}

#[derive(Debug)]
struct WorkLease {
    owner: String,
    until: Timestamp,
    /// Who held it since it was last given back.
    holders: BTreeSet<String>,
}

#[async_trait]
impl Cooldowns for MemoryControl {
    async fn cool_down(
        &self,
        key: &CooldownKey,
        alert: AlertKey,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Cooldown, PortError> {
        let mut state = lock(&self.state);
        match state.cooldowns.get(key) {
            Some((holder, until)) if *until > now && *holder == alert => Ok(Cooldown::Passed),
            Some((holder, until)) if *until > now && holder.band >= alert.band => Ok(Cooldown::Held { until: *until }),
            Some(_) | None => {
                state.cooldowns.insert(key.clone(), (alert, until));
                Ok(Cooldown::Passed)
            }
        }
    }

    async fn lift(&self, key: &CooldownKey, alert: AlertKey) -> Result<(), PortError> {
        let cooldowns = &mut lock(&self.state).cooldowns;
        if cooldowns.get(key).is_some_and(|(holder, _)| *holder == alert) {
            cooldowns.remove(key);
        }
        Ok(())
    }
}

#[async_trait]
impl Control for MemoryControl {
    async fn count(&self, counter: &str, amount: u64, limit: u64, _expires: Timestamp) -> Result<Count, PortError> {
        let mut state = lock(&self.state);
        let used = state.counters.entry(counter.to_owned()).or_default();
        match used.checked_add(amount).filter(|sum| *sum <= limit) {
            Some(sum) => {
                *used = sum;
                Ok(Count::Within { used: sum })
            }
            None => Ok(Count::Over),
        }
    }

    async fn uncount(&self, counter: &str, amount: u64) -> Result<(), PortError> {
        if let Some(used) = lock(&self.state).counters.get_mut(counter) {
            *used = used.saturating_sub(amount);
        }
        Ok(())
    }

    async fn lease(&self, work: &str, owner: &str, now: Timestamp, until: Timestamp) -> Result<Leased, PortError> {
        let mut state = lock(&self.state);
        let lease = state.leases.entry(work.to_owned()).or_insert_with(|| WorkLease {
            owner: owner.to_owned(),
            until,
            holders: BTreeSet::new(),
        });
        if lease.owner != owner && lease.until > now {
            return Ok(Leased::Theirs { until: lease.until });
        }
        lease.owner = owner.to_owned();
        lease.until = until;
        lease.holders.insert(owner.to_owned());
        Ok(Leased::Mine { taken_over: lease.holders.len() > 1 })
    }

    async fn release(&self, work: &str, owner: &str) -> Result<(), PortError> {
        let mut state = lock(&self.state);
        if state.leases.get(work).is_some_and(|lease| lease.owner == owner) {
            state.leases.remove(work);
        }
        Ok(())
    }
}

#[async_trait]
impl Cursors for MemoryControl {
    async fn get(&self, name: &str) -> Result<Option<Cursor>, PortError> {
        Ok(lock(&self.state).cursors.get(name).cloned())
    }

    async fn set(&self, name: &str, text: &str, read: Option<u64>) -> Result<Moved, PortError> {
        let cursors = &mut lock(&self.state).cursors;
        let revision = read.unwrap_or(0) + 1;
        let current = cursors.get(name);
        if current.map(|cursor| cursor.revision) == read {
            cursors.insert(name.to_owned(), Cursor { text: text.to_owned(), revision });
            return Ok(Moved::Written);
        }
        let repeated = current.is_some_and(|cursor| cursor.revision == revision && cursor.text == text);
        Ok(if repeated { Moved::Written } else { Moved::Overtaken })
    }
}

#[async_trait]
impl Threads for MemoryControl {
    async fn thread(&self, name: &str, now: Timestamp) -> Result<Option<Thread>, PortError> {
        Ok(lock(&self.state).threads.get(name).filter(|thread| thread.until > now).cloned())
    }

    async fn keep(&self, name: &str, thread: &Thread) -> Result<(), PortError> {
        lock(&self.state).threads.insert(name.to_owned(), thread.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::ports::contract::{control as contract, cursors, threads};

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn it_keeps_the_contract() {
        contract::a_cooldown_holds_all_but_a_higher_band(&MemoryControl::default()).await;
        contract::a_retry_after_the_cooldown_renews_it(&MemoryControl::default()).await;
        contract::only_its_own_alert_lifts_a_cooldown(&MemoryControl::default()).await;
        contract::an_amount_comes_back(&MemoryControl::default()).await;
        contract::an_amount_of_zero_only_asks(&MemoryControl::default()).await;
        contract::work_is_leased_to_one_at_a_time(&MemoryControl::default()).await;
        contract::one_of_many_leases_wins(Arc::new(MemoryControl::default()), &|task| {
            Box::pin(async { tokio::spawn(task).await.unwrap() })
        })
        .await;
        contract::a_count_never_passes_its_limit(Arc::new(MemoryControl::default()), &|task| {
            Box::pin(async { tokio::spawn(task).await.unwrap() })
        })
        .await;
    }

    #[tokio::test]
    async fn it_keeps_the_contract_of_threads() {
        threads::a_conversation_ends(&MemoryControl::default()).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn it_keeps_the_contract_of_cursors() {
        cursors::nobody_goes_back(&MemoryControl::default()).await;
        cursors::one_of_many_writers_goes_on(Arc::new(MemoryControl::default()), &|task| {
            Box::pin(async { tokio::spawn(task).await.unwrap() })
        })
        .await;
    }
}
