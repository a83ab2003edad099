//! What people make of alerts, stored.

use std::sync::Arc;

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::{Spawn, audit::Reader};
use crate::{
    Alert, AlertKind, AuditAction, AuditEntry, Delivery, EmailAddress, FollowUp, Stage,
    follow_up::{Outcome, Step},
    ports::{AlertLog, Fenced, FollowUps, Opened},
    sample,
};

fn person(name: &str) -> EmailAddress {
    format!("{name}@example.com").parse().unwrap()
}

fn later(seconds: i64) -> Timestamp {
    sample::now() + SignedDuration::from_secs(seconds)
}

fn entry(outcome: &str) -> AuditEntry {
    AuditEntry { outcome: outcome.to_owned().into(), ..sample::audit_entry(1, AuditAction::AlertFollowUp) }
}

async fn opened(log: &impl AlertLog) -> Alert {
    let alert = sample::alert(1);
    let raised = sample::audit_entry(1, AuditAction::AlertRaised);
    assert_eq!(log.open(&alert, later(3600), &raised).await.unwrap(), Opened::New);
    alert
}

async fn stored(log: &impl FollowUps) -> FollowUp {
    log.alert(sample::alert(1).key(), sample::now()).await.unwrap().expect("it was opened").follow_up
}

/// A change counts on the revision it was decided on, and is stored with its entry or not at all.
pub async fn a_change_needs_the_revision_it_saw(log: &(impl FollowUps + AlertLog), reader: &impl Reader) {
    let key = sample::alert(1).key();
    assert_eq!(log.alert(key, sample::now()).await.unwrap(), None, "never opened");
    let never = sample::alert(1);
    let taken = never.follow_up.after(AlertKind::Guardian, Step::Take, &person("ann"), sample::now()).unwrap();
    assert_eq!(log.follow_up(&never, &taken, &entry("never")).await.unwrap(), Fenced::Lost);
    let seen = opened(log).await;
    assert_eq!(log.alert(key, sample::now()).await.unwrap().as_ref(), Some(&seen));
    assert_eq!(log.alert(key, later(3600)).await.unwrap(), None, "expired");
    assert_eq!(log.follow_up(&seen, &taken, &entry("first")).await.unwrap(), Fenced::Written);
    let late = seen.follow_up.after(AlertKind::Guardian, Step::Take, &person("bob"), sample::now()).unwrap();
    assert_eq!(log.follow_up(&seen, &late, &entry("late")).await.unwrap(), Fenced::Lost);
    assert_eq!(stored(log).await, taken);
    let seen = Alert { follow_up: taken.clone(), ..seen };
    let settle = Step::Settle(Outcome::Saved);
    let settled = taken.after(AlertKind::Guardian, settle, &person("ann"), later(60)).unwrap();
    assert_eq!(log.follow_up(&seen, &settled, &entry("second")).await.unwrap(), Fenced::Written);
    let listed: Vec<FollowUp> =
        log.alerts(sample::now()).await.unwrap().iter().map(|alert| alert.follow_up.clone()).collect();
    assert_eq!(listed, [settled]);
    let told: Vec<String> = reader
        .entries(sample::ticket_id(1))
        .await
        .into_iter()
        .filter(|entry| entry.action == AuditAction::AlertFollowUp)
        .map(|entry| entry.outcome.into_owned())
        .collect();
    assert_eq!(told, ["first", "second"]);
}

/// Neither delivery nor what people say undoes the other.
pub async fn delivery_and_follow_up_leave_each_other_alone(log: &(impl FollowUps + AlertLog)) {
    let seen = opened(log).await;
    log.take(seen.key(), "a", sample::now(), later(10)).await.unwrap();
    let taken = seen.follow_up.after(AlertKind::Guardian, Step::Take, &person("ann"), sample::now()).unwrap();
    assert_eq!(log.follow_up(&seen, &taken, &entry("taken")).await.unwrap(), Fenced::Written);
    let sent = Delivery::Sent { id: "m-1".into() };
    let email = sample::audit_entry(1, AuditAction::AlertEmail);
    assert_eq!(log.settle(seen.key(), "a", sent.clone(), &email).await.unwrap(), Fenced::Written);
    let found = log.alert(seen.key(), sample::now()).await.unwrap();
    assert_eq!(found, Some(Alert { delivery: sent, follow_up: taken, ..seen }));
}

/// Of many people who press at once exactly one has it.
pub async fn one_of_many_people_has_it(log: Arc<impl FollowUps + AlertLog + 'static>, spawn: Spawn<'_, bool>) {
    let seen = opened(&*log).await;
    let presses = (0..64).map(|number| {
        let (log, seen, by) = (log.clone(), seen.clone(), person(&format!("person-{number}")));
        spawn(Box::pin(async move {
            let taken = seen.follow_up.after(AlertKind::Guardian, Step::Take, &by, sample::now()).unwrap();
            // A store may turn away who comes at the very same moment; whoever is turned away has nothing.
            matches!(log.follow_up(&seen, &taken, &entry("taken")).await, Ok(Fenced::Written))
        }))
    });
    assert_eq!(join_all(presses).await.into_iter().filter(|won| *won).count(), 1);
    let found = stored(&*log).await;
    assert!(matches!(found.stage, Stage::Taken { .. }) && found.revision == 1, "{found:?}");
}
