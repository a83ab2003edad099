//! Opening, delivering and settling alerts.

use std::sync::Arc;

use futures::future::join_all;
use jiff::SignedDuration;

use super::Spawn;
use crate::{
    Alert, AuditAction, AuditEntry, Delivery,
    alert::{HoldReason, Withheld},
    ports::{AlertLog, Fenced, Handover, Opened, Reopened, Taken},
    sample,
};

fn entry() -> AuditEntry {
    sample::audit_entry(1, AuditAction::AlertEmail)
}

/// The first content stays, and what is settled stays settled.
pub async fn an_alert_is_opened_once_and_settled_once(log: &impl AlertLog) {
    let now = sample::now();
    let (expires, until) = (now + SignedDuration::from_hours(1), now + SignedDuration::from_secs(10));
    let alert = sample::alert(1);
    let key = alert.key();
    assert_eq!(log.take(key, "a", now, until).await.unwrap(), Taken::Settled, "never opened");
    assert_eq!(log.open(&alert, expires, &entry()).await.unwrap(), Opened::New);
    let other = Alert { subject: "changed".into(), ..alert.clone() };
    assert_eq!(log.open(&other, expires, &entry()).await.unwrap(), Opened::Waiting);
    let mine = Taken::Mine { alert: Box::new(alert.clone()), handover: Handover::Never };
    assert_eq!(log.take(key, "a", now, until).await.unwrap(), mine);
    assert_eq!(log.take(key, "a", now, until).await.unwrap(), mine, "its first answer was lost");
    assert_eq!(log.take(key, "b", now, until).await.unwrap(), Taken::Theirs { until });
    log.release(key, "b", Handover::Never).await.unwrap();
    assert_eq!(log.take(key, "b", now, until).await.unwrap(), Taken::Theirs { until }, "not b's to release");
    log.release(key, "a", Handover::Never).await.unwrap();
    assert_eq!(log.take(key, "b", now, until).await.unwrap(), mine);
    let sent = Delivery::Sent { id: "m-1".into() };
    assert_eq!(log.settle(key, "b", sent.clone(), &entry()).await.unwrap(), Fenced::Written);
    assert_eq!(log.take(key, "c", now, until).await.unwrap(), Taken::Settled);
    assert_eq!(log.open(&other, expires, &entry()).await.unwrap(), Opened::Settled);
    assert_eq!(log.alerts(now).await.unwrap(), [Arc::new(Alert { delivery: sent, ..alert })]);
    assert!(log.alerts(expires).await.unwrap().is_empty(), "expired");
}

/// A lease that is over can be taken, and its late owner settles nothing.
pub async fn a_late_deliverer_settles_nothing(log: &impl AlertLog) {
    let now = sample::now();
    let (expires, until) = (now + SignedDuration::from_hours(1), now + SignedDuration::from_secs(10));
    let alert = sample::alert(1);
    log.open(&alert, expires, &entry()).await.unwrap();
    log.take(alert.key(), "late", now, until).await.unwrap();
    assert!(matches!(log.take(alert.key(), "next", until, expires).await.unwrap(), Taken::Mine { .. }));
    assert_eq!(
        log.settle(alert.key(), "late", Delivery::Skipped { by: Withheld::Delivery }, &entry()).await.unwrap(),
        Fenced::Lost
    );
    assert_eq!(log.alerts(now).await.unwrap()[0].delivery, Delivery::Pending);
}

/// What reached nobody can be sent again; what somebody has, or will get, is left alone.
pub async fn only_what_reached_nobody_is_opened_again(log: &impl AlertLog) {
    let now = sample::now();
    let (expires, until) = (now + SignedDuration::from_hours(1), now + SignedDuration::from_secs(10));
    let alert = sample::alert(1);
    let key = alert.key();
    assert_eq!(log.reopen(key, &entry()).await.unwrap(), Reopened::Left, "never opened");
    log.open(&alert, expires, &entry()).await.unwrap();
    assert_eq!(log.reopen(key, &entry()).await.unwrap(), Reopened::Left, "it waits already");
    let unread = [Delivery::Refused { reason: "no such address".into() }, Delivery::Skipped { by: Withheld::Shadow }];
    for (delivery, owner) in unread.into_iter().zip(["a", "b"]) {
        log.take(key, owner, now, until).await.unwrap();
        assert_eq!(log.settle(key, owner, delivery, &entry()).await.unwrap(), Fenced::Written);
        assert_eq!(log.reopen(key, &entry()).await.unwrap(), Reopened::Waiting);
    }
    let mine = Taken::Mine { alert: Box::new(alert), handover: Handover::Never };
    assert_eq!(log.take(key, "c", now, until).await.unwrap(), mine, "like a new one");
    log.settle(key, "c", Delivery::Sent { id: "m-1".into() }, &entry()).await.unwrap();
    assert_eq!(log.reopen(key, &entry()).await.unwrap(), Reopened::Left, "somebody has it");
}

/// A held alert waits for the digest, which may settle it without a lease.
pub async fn a_held_alert_can_be_digested(log: &impl AlertLog) {
    let now = sample::now();
    let (expires, until) = (now + SignedDuration::from_hours(1), now + SignedDuration::from_secs(10));
    let alert = sample::alert(1);
    log.open(&alert, expires, &entry()).await.unwrap();
    log.take(alert.key(), "a", now, until).await.unwrap();
    let held = Delivery::Held { reason: HoldReason::Cooldown };
    assert_eq!(log.settle(alert.key(), "a", held, &entry()).await.unwrap(), Fenced::Written);
    assert_eq!(log.take(alert.key(), "b", now, until).await.unwrap(), Taken::Settled, "not for the alert queue");
    assert_eq!(log.settle(alert.key(), "digest", Delivery::Digested, &entry()).await.unwrap(), Fenced::Written);
    assert_eq!(log.alerts(now).await.unwrap()[0].delivery, Delivery::Digested);
}

/// Whoever takes an alert learns whether the mail service may have it: after a lease that ran out, and after one given
/// back in doubt, but not after one given back unsent.
pub async fn an_earlier_deliverer_is_remembered(log: &impl AlertLog) {
    let now = sample::now();
    let at = |seconds| now + SignedDuration::from_secs(seconds);
    let alert = sample::alert(1);
    let key = alert.key();
    log.open(&alert, at(3600), &entry()).await.unwrap();
    let take = async |owner, from| match log.take(key, owner, at(from), at(from + 10)).await.unwrap() {
        Taken::Mine { handover, .. } => handover,
        other => panic!("{other:?}"),
    };
    assert_eq!(take("unsent", 0).await, Handover::Never);
    log.release(key, "unsent", Handover::Never).await.unwrap();
    assert_eq!(take("died", 0).await, Handover::Never);
    assert_eq!(take("after it died", 10).await, Handover::Possible);
    assert_eq!(take("after it died", 10).await, Handover::Possible, "asked again");
    log.release(key, "after it died", Handover::Never).await.unwrap();
    assert_eq!(take("later", 10).await, Handover::Possible, "the doubt about the first stays");
    log.settle(key, "later", Delivery::Skipped { by: Withheld::Delivery }, &entry()).await.unwrap();

    let doubted = sample::alert(2);
    log.open(&doubted, at(3600), &entry()).await.unwrap();
    log.take(doubted.key(), "in doubt", now, at(10)).await.unwrap();
    log.release(doubted.key(), "in doubt", Handover::Possible).await.unwrap();
    let mine = Taken::Mine { alert: Box::new(doubted.clone()), handover: Handover::Possible };
    assert_eq!(log.take(doubted.key(), "next", now, at(10)).await.unwrap(), mine);
}

/// Of many takers at once exactly one delivers.
pub async fn one_of_many_takers_wins(log: Arc<impl AlertLog + 'static>, spawn: Spawn<'_, bool>) {
    let now = sample::now();
    let until = now + SignedDuration::from_secs(10);
    let alert = sample::alert(1);
    log.open(&alert, until, &entry()).await.unwrap();
    let takers = (0..64).map(|worker| {
        let log = log.clone();
        spawn(Box::pin(async move {
            let taken = log.take(sample::alert(1).key(), &format!("worker-{worker}"), now, until).await.unwrap();
            matches!(taken, Taken::Mine { .. })
        }))
    });
    assert_eq!(join_all(takers).await.into_iter().filter(|won| *won).count(), 1);
}
