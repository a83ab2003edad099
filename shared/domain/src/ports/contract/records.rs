//! Reading finished triages.

use jiff::SignedDuration;

use crate::{
    AuditAction, AuditEntry, TicketState,
    ports::{Audit, Lease, Records, TicketLog},
    record::utc_day,
    sample,
};

async fn store(log: &impl TicketLog, number: u64, account: &str, hours: i64) {
    let at = sample::now() + SignedDuration::from_hours(hours);
    let lease = Lease {
        ticket: sample::ticket_id(number),
        owner: format!("{number}/{hours}"),
        until: at + SignedDuration::from_secs(10),
    };
    log.claim(&lease, at).await.unwrap();
    let record = sample::record(number, account, at);
    log.finish(&lease, &TicketState::default(), &record, at + SignedDuration::from_hours(100), &[]).await.unwrap();
}

/// A day lists each ticket once, on the day of its newest triage, in order of time.
pub async fn a_ticket_counts_once(log: &(impl TicketLog + Records)) {
    store(log, 2, "Acme", 1).await;
    store(log, 1, "Acme", 0).await;
    store(log, 3, "Bolt", 2).await;
    store(log, 2, "Acme", 24).await;
    let now = sample::now() + SignedDuration::from_hours(48);
    let day = |hours| utc_day(sample::now() + SignedDuration::from_hours(hours));
    let tickets = |summaries: Vec<crate::Summary>| -> Vec<u64> {
        summaries.into_iter().map(|summary| summary.ticket.number()).collect()
    };
    assert_eq!(tickets(log.day(day(0), now).await.unwrap()), [1, 3]);
    assert_eq!(tickets(log.day(day(24), now).await.unwrap()), [2]);
    assert_eq!(tickets(log.day(day(48), now).await.unwrap()), [0; 0]);
}

/// What people corrected is found by its day, and nothing else of the audit is.
pub async fn corrections_stand_on_their_day(log: &(impl Audit + Records)) {
    let entry = |number, action, hours| AuditEntry {
        at: sample::now() + SignedDuration::from_hours(hours),
        ..sample::audit_entry(number, action)
    };
    let first = entry(1, AuditAction::Correction, 0);
    let second = entry(2, AuditAction::Correction, 1);
    let next_day = entry(1, AuditAction::Correction, 24);
    for entry in [&second, &first, &next_day, &entry(3, AuditAction::AlertEmail, 0)] {
        log.append(entry).await.unwrap();
    }
    let now = sample::now() + SignedDuration::from_hours(48);
    let of_day = async |hours| log.corrections(utc_day(sample::now() + SignedDuration::from_hours(hours)), now).await;
    assert_eq!(of_day(0).await.unwrap(), [first, second]);
    assert_eq!(of_day(24).await.unwrap(), [next_day]);
    assert_eq!(of_day(48).await.unwrap(), []);
}

/// The past of an account is its own, newest first, without the ticket that asks and without the future.
pub async fn the_past_belongs_to_the_account(log: &(impl TicketLog + Records)) {
    store(log, 1, "Acme", 0).await;
    store(log, 2, "Acme", 1).await;
    store(log, 3, "Bolt", 1).await;
    store(log, 4, "Acme", 3).await;
    store(log, 5, "Acme", 9).await;
    let now = sample::now() + SignedDuration::from_hours(4);
    let past = async |limit| -> Vec<u64> {
        let found = log.past(&sample::account_id("Acme"), sample::ticket_id(2), now, limit).await.unwrap();
        found.into_iter().map(|past| past.id.number()).collect()
    };
    assert_eq!(past(10).await, [4, 1]);
    assert_eq!(past(1).await, [4]);
}

/// What has expired is gone from every read.
pub async fn the_expired_is_gone(log: &(impl TicketLog + Records)) {
    store(log, 1, "Acme", 0).await;
    let (alive, gone) = (99, 100);
    for (hours, expected) in [(alive, 1), (gone, 0)] {
        let now = sample::now() + SignedDuration::from_hours(hours);
        let day = utc_day(sample::now());
        let account = sample::account_id("Acme");
        assert_eq!(log.record(sample::ticket_id(1), now).await.unwrap().iter().count(), expected);
        assert_eq!(log.day(day, now).await.unwrap().len(), expected);
        assert_eq!(log.past(&account, sample::ticket_id(2), now, 10).await.unwrap().len(), expected);
    }
}
