//! Counters, conversations and cursors in memory.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use async_trait::async_trait;
use domain::{
    Conversation,
    ports::{Control, Conversations, Count, Cursor, Cursors, Fenced, Leased, Moved, PortError, Thread, Threads},
};
use jiff::Timestamp;

use crate::lock;

#[derive(Debug, Default)]
pub struct MemoryControl {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    conversations: BTreeMap<String, Conversation>,
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
impl Conversations for MemoryControl {
    async fn conversation(&self, name: &str, now: Timestamp) -> Result<Option<Conversation>, PortError> {
        Ok(lock(&self.state).going_on(name, now).cloned())
    }

    async fn go_on(
        &self,
        name: &str,
        seen: Option<&Conversation>,
        next: &Conversation,
        now: Timestamp,
    ) -> Result<Fenced, PortError> {
        let mut state = lock(&self.state);
        let as_seen = match seen {
            // One that ended meanwhile is still the one that was seen.
            Some(seen) => state.conversations.get(name).is_some_and(|stored| stored.revision == seen.revision),
            None => state.going_on(name, now).is_none(),
        };
        if !as_seen {
            return Ok(Fenced::Lost);
        }
        state.conversations.insert(name.to_owned(), next.clone());
        Ok(Fenced::Written)
    }

    async fn erase(&self, name: &str) -> Result<(), PortError> {
        lock(&self.state).conversations.remove(name);
        Ok(())
    }
}

impl State {
    fn going_on(&self, name: &str, now: Timestamp) -> Option<&Conversation> {
        self.conversations.get(name).filter(|conversation| conversation.until > now)
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

    use domain::ports::contract::{control as contract, conversations, cursors, threads};

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn it_keeps_the_contract() {
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

    #[tokio::test(flavor = "multi_thread")]
    async fn it_keeps_the_contract_of_conversations() {
        conversations::a_conversation_goes_on_over_what_was_seen(&MemoryControl::default()).await;
        conversations::one_of_many_goes_on(Arc::new(MemoryControl::default()), &|task| {
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
