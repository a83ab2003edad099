//! Cooldowns and counters.

use std::sync::Arc;

use futures::future::join_all;
use jiff::SignedDuration;

use super::Spawn;
use crate::{
    AlertKey, AlertKind, Band,
    ports::{Control, Cooldown, CooldownKey, Cooldowns, Count, Leased},
    sample,
};

/// One alert per account and kind; a higher band passes, a retry passes again, time heals.
pub async fn a_cooldown_holds_all_but_a_higher_band(control: &impl Cooldowns) {
    let now = sample::now();
    let until = now + SignedDuration::from_hours(1);
    let key = |kind| CooldownKey::Account { account: sample::account_id("Acme"), kind };
    let alert = |ticket, band| AlertKey { ticket: sample::ticket_id(ticket), kind: AlertKind::Guardian, band };
    let guardian = key(AlertKind::Guardian);
    let ask =
        async |alert, at| control.cool_down(&guardian, alert, at, at + SignedDuration::from_hours(1)).await.unwrap();
    assert_eq!(ask(alert(1, Band::Elevated), now).await, Cooldown::Passed);
    assert_eq!(ask(alert(1, Band::Elevated), now).await, Cooldown::Passed, "a retry of the same alert");
    assert_eq!(ask(alert(2, Band::Elevated), now).await, Cooldown::Held { until });
    assert_eq!(ask(alert(2, Band::Critical), now).await, Cooldown::Passed);
    assert_eq!(ask(alert(3, Band::Critical), now).await, Cooldown::Held { until });
    assert_eq!(ask(alert(1, Band::Elevated), now).await, Cooldown::Held { until }, "no longer the holder");
    assert_eq!(ask(alert(3, Band::Elevated), until).await, Cooldown::Passed, "the hour is over");
    let other = control.cool_down(&key(AlertKind::Opportunity), alert(4, Band::Elevated), now, until).await.unwrap();
    assert_eq!(other, Cooldown::Passed, "kinds do not hold each other");
    let outage = |topic: &str| CooldownKey::Outage { team: sample::team("nexus"), topic: topic.parse().ok() };
    for (ticket, topic, answer) in [
        (5, "webhooks", Cooldown::Passed),
        (6, "webhooks", Cooldown::Held { until }),
        (7, "order-sync", Cooldown::Passed),
        (8, "", Cooldown::Passed),
    ] {
        let asked = control.cool_down(&outage(topic), alert(ticket, Band::Critical), now, until).await.unwrap();
        assert_eq!(asked, answer, "a P0 about {topic}");
    }
}

/// A retry within the cooldown it started does not prolong it; one after its end starts a new one.
pub async fn a_retry_after_the_cooldown_renews_it(control: &impl Cooldowns) {
    let now = sample::now();
    let at = |minutes| now + SignedDuration::from_mins(minutes);
    let key = CooldownKey::Account { account: sample::account_id("Acme"), kind: AlertKind::Guardian };
    let ask = async |ticket, minute| {
        let alert = AlertKey { ticket: sample::ticket_id(ticket), kind: AlertKind::Guardian, band: Band::Elevated };
        control.cool_down(&key, alert, at(minute), at(minute + 60)).await.unwrap()
    };
    assert_eq!(ask(1, 0).await, Cooldown::Passed);
    assert_eq!(ask(1, 30).await, Cooldown::Passed, "a retry");
    assert_eq!(ask(2, 31).await, Cooldown::Held { until: at(60) }, "the retry prolonged nothing");
    assert_eq!(ask(1, 60).await, Cooldown::Passed, "a retry after the end");
    assert_eq!(ask(2, 61).await, Cooldown::Held { until: at(120) }, "its message has just gone out");
}

/// A message that reached nobody must not keep the account's next alert back.
pub async fn only_its_own_alert_lifts_a_cooldown(control: &impl Cooldowns) {
    let now = sample::now();
    let until = now + SignedDuration::from_hours(1);
    let key = CooldownKey::Account { account: sample::account_id("Lifted"), kind: AlertKind::Guardian };
    let alert =
        |ticket| AlertKey { ticket: sample::ticket_id(ticket), kind: AlertKind::Guardian, band: Band::Elevated };
    control.lift(&key, alert(1)).await.expect("nothing to lift is no error");
    assert_eq!(control.cool_down(&key, alert(1), now, until).await.unwrap(), Cooldown::Passed);
    control.lift(&key, alert(2)).await.unwrap();
    assert_eq!(control.cool_down(&key, alert(2), now, until).await.unwrap(), Cooldown::Held { until }, "another's");
    control.lift(&key, alert(1)).await.unwrap();
    assert_eq!(control.cool_down(&key, alert(2), now, until).await.unwrap(), Cooldown::Passed);
}

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
