//! Forgetting a ticket, and what must not come back.

use std::sync::Arc;

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::{Spawn, audit::Reader, mailer::email};
use crate::{
    Alert, AuditAction, Delivery, TicketState,
    ports::{
        Accepted, AlertLog, Claim, Email, Erased, Eraser, Fenced, Lease, Mailer, Opened, Outbox, Records, Taken,
        TicketLog,
    },
    sample,
    state::{Erasure, ErasureReason},
};

fn at(seconds: i64) -> Timestamp {
    sample::now() + SignedDuration::from_secs(seconds)
}

fn lease(number: u64, owner: &str) -> Lease {
    Lease { ticket: sample::ticket_id(number), owner: owner.to_owned(), until: at(10) }
}

/// A finished ticket with a reading in its state and both alerts, the first of them sent. Claimed again by `owner`.
async fn scene(log: &(impl TicketLog + AlertLog), number: u64, owner: &str) -> TicketState {
    let record = sample::record(number, "Acme", sample::now());
    let state = TicketState { done: Some(record.version), ..TicketState::default() };
    let (first, again) = (lease(number, "first"), lease(number, owner));
    log.claim(&first, sample::now()).await.unwrap();
    log.finish(&first, &state, &record, at(3600), &[]).await.unwrap();
    let (guardian, opportunity) = sample::alerts(number);
    for alert in [&guardian, &opportunity] {
        let entry = sample::audit_entry(number, AuditAction::AlertRaised);
        assert_eq!(log.open(alert, at(3600), &entry).await.unwrap(), Opened::New);
    }
    log.take(guardian.key(), "a", sample::now(), at(10)).await.unwrap();
    settle(log, &guardian, "a").await;
    log.claim(&again, sample::now()).await.unwrap();
    let state = TicketState { reading: Some(Box::new((record.version, sample::reading()))), ..state };
    assert_eq!(log.save(&again, &state, &[]).await.unwrap(), Fenced::Written);
    state
}

async fn settle(log: &impl AlertLog, alert: &Alert, owner: &str) -> Fenced {
    let entry = sample::audit_entry(alert.ticket.number(), AuditAction::AlertEmail);
    log.settle(alert.key(), owner, Delivery::Sent { id: "m-1".into() }, &entry).await.unwrap()
}

fn skeleton(state: TicketState) -> TicketState {
    state.skeleton(Erasure { reason: ErasureReason::Forgotten, message: "m".into() })
}

/// Record, reading and alerts are gone, the state and the audit stay, and other tickets are as they were. A second time
/// changes nothing more.
pub async fn what_came_from_text_is_gone(log: &(impl Eraser + TicketLog + AlertLog + Records), reader: &impl Reader) {
    let now = sample::now();
    let other = scene(log, 2, "other").await;
    let before = scene(log, 1, "eraser").await;
    let (guardian, opportunity) = sample::alerts(1);
    let (ours, kept) = (lease(1, "eraser"), skeleton(before));
    let entry = sample::audit_entry(1, AuditAction::Erased);
    for _ in 0..2 {
        let Erased::Stored(stored) = log.erase(&ours, &kept, std::slice::from_ref(&entry)).await.unwrap() else {
            panic!("the lease is ours")
        };
        assert!(stored.reading.is_none());
        if stored.alerted.is_empty() {
            // The second time there was no alert left, and what is handed over counts.
            continue;
        }
        assert_eq!(stored.alerted, [guardian.key()], "sent; the other one was not");
        assert_eq!(*stored, TicketState { alerted: vec![guardian.key()], ..kept.clone() });
        assert_eq!(log.erase(&ours, &stored, &[]).await.unwrap(), Erased::Stored(stored.clone()));
        assert_eq!(log.claim(&ours, now).await.unwrap(), Claim::Mine(stored), "the lease is still ours");
    }
    assert_eq!(log.record(ours.ticket, now).await.unwrap(), None);
    assert!(
        log.past(&sample::account_id("Acme"), sample::ticket_id(9), now + SignedDuration::from_secs(1), 9)
            .await
            .unwrap()
            .iter()
            .all(|past| past.id != ours.ticket)
    );
    let day = crate::record::utc_day(now);
    assert_eq!(log.day(day, now).await.unwrap().iter().map(|one| one.ticket.number()).collect::<Vec<_>>(), [2]);
    assert_eq!(log.take(opportunity.key(), "b", now, at(10)).await.unwrap(), Taken::Settled);
    assert!(log.alerts(now).await.unwrap().iter().all(|alert| alert.ticket.number() == 2));
    let actions: Vec<AuditAction> = reader.entries(ours.ticket).await.iter().map(|entry| entry.action).collect();
    let raised = [AuditAction::AlertRaised, AuditAction::AlertRaised, AuditAction::AlertEmail];
    assert_eq!(actions, [&raised[..], &[AuditAction::Erased, AuditAction::Erased]].concat());
    let theirs = Lease { owner: "other".into(), ..lease(2, "other") };
    assert_eq!(log.claim(&theirs, now).await.unwrap(), Claim::Mine(Box::new(other)), "another ticket");
}

/// What never was can be erased, and stays known as erased.
pub async fn a_ticket_nobody_knew_is_remembered(log: &(impl Eraser + TicketLog)) {
    let ours = lease(1, "eraser");
    log.claim(&ours, sample::now()).await.unwrap();
    let gone = Erasure { reason: ErasureReason::Deleted, message: "m".into() };
    let kept = TicketState::default().skeleton(gone);
    assert_eq!(log.erase(&ours, &kept, &[]).await.unwrap(), Erased::Stored(Box::new(kept.clone())));
    TicketLog::release(log, &ours).await.unwrap();
    assert_eq!(log.claim(&lease(1, "late"), sample::now()).await.unwrap(), Claim::Mine(Box::new(kept)));
}

/// A worker whose lease ran out erases nothing, and one whose ticket is erased under it stores nothing.
pub async fn only_the_owner_erases(log: &(impl Eraser + TicketLog + AlertLog + Records)) {
    let state = scene(log, 1, "late").await;
    let (late, next) = (lease(1, "late"), Lease { until: at(30), ..lease(1, "next") });
    let (_, opportunity) = sample::alerts(1);
    let taken = log.take(opportunity.key(), "deliverer", sample::now(), at(30)).await.unwrap();
    assert!(matches!(taken, Taken::Mine { .. }));
    assert!(matches!(log.claim(&next, at(10)).await.unwrap(), Claim::Mine(_)));
    let kept = skeleton(state.clone());
    assert_eq!(log.erase(&late, &kept, &[]).await.unwrap(), Erased::Lost);
    assert!(log.record(late.ticket, at(10)).await.unwrap().is_some(), "nothing was erased");
    assert!(matches!(log.erase(&next, &kept, &[]).await.unwrap(), Erased::Stored(_)));
    let record = sample::record(1, "Acme", sample::now());
    assert_eq!(log.finish(&late, &state, &record, at(3600), &[]).await.unwrap(), Fenced::Lost);
    assert_eq!(settle(log, &opportunity, "deliverer").await, Fenced::Lost);
    assert_eq!(log.record(late.ticket, at(10)).await.unwrap(), None);
}

/// An alert that is settled while it is erased is either remembered as settled or not settled at all.
pub async fn an_alert_on_its_way_is_sent_or_erased(
    log: Arc<impl Eraser + TicketLog + AlertLog + 'static>,
    spawn: Spawn<'_, bool>,
) {
    let state = scene(&*log, 1, "eraser").await;
    let (_, opportunity) = sample::alerts(1);
    log.take(opportunity.key(), "deliverer", sample::now(), at(30)).await.unwrap();
    let (settling, erasing) = (log.clone(), log.clone());
    let key = opportunity.key();
    let outcomes = join_all([
        spawn(Box::pin(async move { settle(&*settling, &opportunity, "deliverer").await == Fenced::Written })),
        spawn(Box::pin(async move {
            match erasing.erase(&lease(1, "eraser"), &skeleton(state), &[]).await.unwrap() {
                Erased::Stored(stored) => stored.alerted.contains(&key),
                Erased::Lost => panic!("the lease is ours"),
            }
        })),
    ])
    .await;
    assert_eq!(outcomes[0], outcomes[1], "settled and remembered");
}

/// The messages about a ticket are gone, those about others are not. Returns the files that are left and those that are
/// not.
pub async fn messages_are_discarded_by_ticket(outbox: &(impl Outbox + Mailer)) -> (Vec<String>, Vec<String>) {
    let (mut left, mut gone) = (Vec::new(), Vec::new());
    for (name, ours) in [
        ("7-guardian-elevated", true),
        ("7-guardian-critical", true),
        ("7-opportunity-elevated", true),
        ("77-guardian-elevated", false),
    ] {
        let message = Email { name: name.into(), ..email("kam@example.com") };
        let Accepted::Filed { file } = outbox.send(&message).await.unwrap() else { panic!("nothing is sent") };
        if ours { &mut gone } else { &mut left }.push(file);
    }
    for _ in 0..2 {
        outbox.discard(sample::ticket_id(7)).await.unwrap();
    }
    (left, gone)
}
