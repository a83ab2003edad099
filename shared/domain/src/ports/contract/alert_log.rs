//! Opening, delivering and settling alerts.

use std::sync::Arc;

use futures::future::join_all;
use jiff::SignedDuration;

use super::Spawn;
use crate::{
    Alert, Delivery,
    alert::HoldReason,
    ports::{AlertLog, Opened, Taken},
    sample,
};

/// The first content stays, and what is settled stays settled.
pub async fn an_alert_is_opened_once_and_settled_once(log: &impl AlertLog) {
    let now = sample::now();
    let (expires, until) = (now + SignedDuration::from_hours(1), now + SignedDuration::from_secs(10));
    let alert = sample::alert(1);
    let key = alert.key();
    assert_eq!(log.take(key, "a", now, until).await.unwrap(), Taken::Settled, "never opened");
    assert_eq!(log.open(&alert, expires).await.unwrap(), Opened::New);
    let other = Alert { subject: "changed".into(), ..alert.clone() };
    assert_eq!(log.open(&other, expires).await.unwrap(), Opened::Waiting);
    assert_eq!(log.take(key, "a", now, until).await.unwrap(), Taken::Mine(Box::new(alert.clone())));
    assert!(matches!(log.take(key, "a", now, until).await.unwrap(), Taken::Mine(_)), "its first answer was lost");
    assert_eq!(log.take(key, "b", now, until).await.unwrap(), Taken::Theirs { until });
    log.release(key, "b").await.unwrap();
    assert_eq!(log.take(key, "b", now, until).await.unwrap(), Taken::Theirs { until }, "not b's to release");
    log.release(key, "a").await.unwrap();
    assert!(matches!(log.take(key, "b", now, until).await.unwrap(), Taken::Mine(_)));
    let sent = Delivery::Sent { id: "m-1".into() };
    log.settle(key, "b", sent.clone()).await.unwrap();
    assert_eq!(log.take(key, "c", now, until).await.unwrap(), Taken::Settled);
    assert_eq!(log.open(&other, expires).await.unwrap(), Opened::Settled);
    assert_eq!(log.alerts(now).await.unwrap(), [Arc::new(Alert { delivery: sent, ..alert })]);
    assert!(log.alerts(expires).await.unwrap().is_empty(), "expired");
}

/// A lease that is over can be taken, and its late owner settles nothing.
pub async fn a_late_deliverer_settles_nothing(log: &impl AlertLog) {
    let now = sample::now();
    let (expires, until) = (now + SignedDuration::from_hours(1), now + SignedDuration::from_secs(10));
    let alert = sample::alert(1);
    log.open(&alert, expires).await.unwrap();
    log.take(alert.key(), "late", now, until).await.unwrap();
    assert!(matches!(log.take(alert.key(), "next", until, expires).await.unwrap(), Taken::Mine(_)));
    log.settle(alert.key(), "late", Delivery::Skipped).await.unwrap();
    assert_eq!(log.alerts(now).await.unwrap()[0].delivery, Delivery::Pending);
}

/// A held alert waits for the digest, which may settle it without a lease.
pub async fn a_held_alert_can_be_digested(log: &impl AlertLog) {
    let now = sample::now();
    let (expires, until) = (now + SignedDuration::from_hours(1), now + SignedDuration::from_secs(10));
    let alert = sample::alert(1);
    log.open(&alert, expires).await.unwrap();
    log.take(alert.key(), "a", now, until).await.unwrap();
    log.settle(alert.key(), "a", Delivery::Held { reason: HoldReason::Cooldown }).await.unwrap();
    assert_eq!(log.take(alert.key(), "b", now, until).await.unwrap(), Taken::Settled, "not for the alert queue");
    log.settle(alert.key(), "digest", Delivery::Digested).await.unwrap();
    assert_eq!(log.alerts(now).await.unwrap()[0].delivery, Delivery::Digested);
}

/// Of many takers at once exactly one delivers.
pub async fn one_of_many_takers_wins(log: Arc<impl AlertLog + 'static>, spawn: Spawn<'_, bool>) {
    let now = sample::now();
    let until = now + SignedDuration::from_secs(10);
    let alert = sample::alert(1);
    log.open(&alert, until).await.unwrap();
    let takers = (0..64).map(|worker| {
        let log = log.clone();
        spawn(Box::pin(async move {
            let taken = log.take(sample::alert(1).key(), &format!("worker-{worker}"), now, until).await.unwrap();
            matches!(taken, Taken::Mine(_))
        }))
    });
    assert_eq!(join_all(takers).await.into_iter().filter(|won| *won).count(), 1);
}
