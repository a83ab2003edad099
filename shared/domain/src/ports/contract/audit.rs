//! The trail, whether an entry comes alone or with the change it tells of.

use async_trait::async_trait;
use jiff::SignedDuration;

use crate::{
    AuditEntry, Delivery, TicketId, TicketState,
    ports::{AlertLog, Audit, Fenced, Lease, Opened, TicketLog},
    sample,
};

/// Looks behind the port, which only appends.
#[async_trait]
pub trait Reader: Send + Sync {
    /// The entries of a ticket, in order.
    async fn entries(&self, ticket: TicketId) -> Vec<AuditEntry>;
}

async fn actions(reader: &impl Reader, ticket: TicketId) -> Vec<String> {
    reader.entries(ticket).await.into_iter().map(|entry| entry.action.to_string()).collect()
}

/// Nothing is overwritten: not by an entry of the same moment, not by an equal one.
pub async fn every_entry_is_kept_in_order(audit: &impl Audit, reader: &impl Reader) {
    for action in ["b", "a", "a"] {
        audit.append(&sample::audit_entry(1, action)).await.unwrap();
    }
    audit.append(&sample::audit_entry(2, "c")).await.unwrap();
    assert_eq!(reader.entries(sample::ticket_id(1)).await[0], sample::audit_entry(1, "b"));
    assert_eq!(actions(reader, sample::ticket_id(1)).await, ["b", "a", "a"]);
    assert_eq!(actions(reader, sample::ticket_id(2)).await, ["c"]);
}

/// What was changed is told, what was not changed is not.
pub async fn a_change_and_its_entry_are_one_write(log: &(impl AlertLog + TicketLog), reader: &impl Reader) {
    let now = sample::now();
    let (until, expires) = (now + SignedDuration::from_secs(10), now + SignedDuration::from_hours(1));
    let alert = sample::alert(1);
    let entry = |action: &'static str| sample::audit_entry(1, action);
    assert_eq!(log.open(&alert, expires, &entry("opened")).await.unwrap(), Opened::New);
    assert_eq!(log.open(&alert, expires, &entry("opened twice")).await.unwrap(), Opened::Waiting);
    log.take(alert.key(), "a", now, until).await.unwrap();
    let settle = async |owner, action| {
        let delivery = Delivery::Sent { id: "m-1".into() };
        AlertLog::settle(log, alert.key(), owner, delivery, &entry(action)).await.unwrap()
    };
    assert_eq!(settle("b", "settled by another").await, Fenced::Lost);
    assert_eq!(settle("a", "settled").await, Fenced::Written);
    assert_eq!(settle("a", "settled twice").await, Fenced::Lost);

    let ours = Lease { ticket: sample::ticket_id(1), owner: "a".into(), until };
    let theirs = Lease { owner: "b".into(), ..ours.clone() };
    let (state, record) = (TicketState::default(), sample::record(1, "Acme", now));
    log.claim(&ours, now).await.unwrap();
    log.save(&theirs, &state, &[entry("saved by another")]).await.unwrap();
    log.save(&ours, &state, &[entry("read"), entry("saved")]).await.unwrap();
    log.finish(&theirs, &state, &record, expires, &[entry("finished by another")]).await.unwrap();
    log.finish(&ours, &state, &record, expires, &[entry("finished")]).await.unwrap();
    assert_eq!(actions(reader, sample::ticket_id(1)).await, ["opened", "settled", "read", "saved", "finished"]);
}
