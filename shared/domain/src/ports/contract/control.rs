//! Counters and leases.

use std::sync::Arc;

use futures::future::join_all;
use jiff::SignedDuration;

use super::Spawn;
use crate::{
    ports::{Control, Count, Leased},
    sample,
};

/// However many count at once, no more than the limit get through.
pub async fn a_count_never_passes_its_limit(control: Arc<impl Control + 'static>, spawn: Spawn<'_, bool>) {
    let expires = sample::now() + SignedDuration::from_hours(1);
    let counts = (0..64).map(|_| {
        let control = control.clone();
        spawn(Box::pin(async move {
            matches!(control.count("alerts/today", 1, 10, expires).await.unwrap(), Count::Within { .. })
        }))
    });
    assert_eq!(join_all(counts).await.into_iter().filter(|within| *within).count(), 10);
    assert_eq!(control.count("alerts/tomorrow", 1, 10, expires).await.unwrap(), Count::Within { used: 1 });
    assert_eq!(control.count("alerts/tomorrow", 1, 1, expires).await.unwrap(), Count::Over);
}

/// An amount is counted as a whole or not at all, and what was not used comes back.
pub async fn an_amount_comes_back(control: &impl Control) {
    let expires = sample::now() + SignedDuration::from_hours(1);
    let count = async |amount| control.count("model/today", amount, 100, expires).await.unwrap();
    assert_eq!(count(70).await, Count::Within { used: 70 });
    assert_eq!(count(31).await, Count::Over, "not a part of it");
    control.uncount("model/today", 50).await.unwrap();
    assert_eq!(count(80).await, Count::Within { used: 100 });
    control.uncount("model/today", 1_000).await.unwrap();
    assert_eq!(count(100).await, Count::Within { used: 100 }, "never below zero");
    control.uncount("model/never", 1).await.unwrap();
}

/// Nothing is counted, and the answer says whether the limit is passed.
pub async fn an_amount_of_zero_only_asks(control: &impl Control) {
    let expires = sample::now() + SignedDuration::from_hours(1);
    let count = async |amount, limit| control.count("digest/now", amount, limit, expires).await.unwrap();
    assert_eq!(count(0, 0).await, Count::Within { used: 0 });
    assert_eq!(count(1, 1).await, Count::Within { used: 1 });
    assert_eq!(count(0, 0).await, Count::Over);
    assert_eq!(count(0, 1).await, Count::Within { used: 1 });
}

/// Two workers, one piece of work: the second waits until the lease is over, and then knows that it takes over.
pub async fn work_is_leased_to_one_at_a_time(control: &impl Control) {
    let at = |seconds| sample::now() + SignedDuration::from_secs(seconds);
    let lease = async |owner, from| control.lease("digest/kam", owner, at(from), at(from + 10)).await.unwrap();
    assert_eq!(lease("first", 0).await, Leased::Mine { taken_over: false });
    assert_eq!(lease("first", 0).await, Leased::Mine { taken_over: false }, "its first answer was lost");
    assert_eq!(lease("second", 9).await, Leased::Theirs { until: at(10) });
    control.release("digest/kam", "second").await.unwrap();
    assert_eq!(lease("second", 9).await, Leased::Theirs { until: at(10) }, "not the second's to give back");
    assert_eq!(lease("second", 10).await, Leased::Mine { taken_over: true });
    assert_eq!(lease("second", 10).await, Leased::Mine { taken_over: true }, "its first answer was lost");
    control.release("digest/kam", "first").await.unwrap();
    assert_eq!(lease("third", 11).await, Leased::Theirs { until: at(20) }, "a late worker gives nothing back");
    control.release("digest/kam", "second").await.unwrap();
    assert_eq!(lease("third", 11).await, Leased::Mine { taken_over: false }, "done and given back");
    let other = control.lease("digest/sales", "third", at(11), at(20)).await.unwrap();
    assert_eq!(other, Leased::Mine { taken_over: false });
    control.release("digest/nobody", "third").await.unwrap();
}

/// Of many leases at once exactly one is given.
pub async fn one_of_many_leases_wins(control: Arc<impl Control + 'static>, spawn: Spawn<'_, bool>) {
    let until = sample::now() + SignedDuration::from_secs(10);
    let leases = (0..64).map(|worker| {
        let control = control.clone();
        spawn(Box::pin(async move {
            let lease = control.lease("digest/race", &format!("worker-{worker}"), sample::now(), until).await.unwrap();
            matches!(lease, Leased::Mine { .. })
        }))
    });
    assert_eq!(join_all(leases).await.into_iter().filter(|won| *won).count(), 1);
}
