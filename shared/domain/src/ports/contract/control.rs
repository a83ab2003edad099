//! Cooldowns and counters.

use std::sync::Arc;

use futures::future::join_all;
use jiff::SignedDuration;

use super::Spawn;
use crate::{
    AlertKey, AlertKind, Band,
    ports::{Control, Cooldown, CooldownKey, Count},
    sample,
};

/// One alert per account and kind; a higher band passes, a retry passes again, time heals.
pub async fn a_cooldown_holds_all_but_a_higher_band(control: &impl Control) {
    let now = sample::now();
    let until = now + SignedDuration::from_hours(1);
    let key = |kind| CooldownKey { account: sample::account_id("Acme"), kind };
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
