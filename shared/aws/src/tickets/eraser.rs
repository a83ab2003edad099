//! Forgetting a ticket.

use async_trait::async_trait;
use aws_sdk_dynamodb::types::{Delete, ReturnValuesOnConditionCheckFailure, TransactWriteItem};
use domain::{
    AlertKey, AuditEntry, Delivery, TicketState,
    ports::{Erased, Eraser, Lease, PortError},
};

use super::{
    TicketTable, Transacted,
    alerts::{self, WORD},
    claims::{READING, RECORD, state_alone, transacted},
    key,
};
use crate::item::{SERVICE, read_json, read_text, text};

/// An alert that is settled while it is erased is looked at again: each of the four can be settled once.
const LOOKS: usize = 5;

/// An alert as it was seen.
struct Seen {
    key: AlertKey,
    word: String,
    settled: bool,
}

impl TicketTable {
    async fn seen(&self, alert: AlertKey) -> Result<Option<Seen>, PortError> {
        let Some(item) = self.read(alert.ticket, &alerts::sk(alert)).await? else { return Ok(None) };
        let delivery: Delivery = read_json(&item, "delivery_json")?;
        let word = read_text(&item, WORD)?.to_owned();
        Ok(Some(Seen { key: alert, word, settled: delivery.is_settled() }))
    }

    fn deleted(&self, lease: &Lease, sk: &str) -> TransactWriteItem {
        let delete = Delete::builder().table_name(&self.table).set_key(Some(key(lease.ticket, sk).into()));
        TransactWriteItem::builder().delete(delete.build().expect("all required parts are set")).build()
    }

    /// Deletes an alert that is still as it was seen. One that is not is returned, which tells it from a lost lease.
    fn deleted_as_seen(&self, seen: &Seen) -> TransactWriteItem {
        let delete = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(key(seen.key.ticket, alerts::sk(seen.key)).into()))
            .condition_expression(format!("{WORD} = :seen"))
            .expression_attribute_values(":seen", text(&seen.word))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        TransactWriteItem::builder().delete(delete.build().expect("all required parts are set")).build()
    }
}

#[async_trait]
impl Eraser for TicketTable {
    async fn erase(&self, lease: &Lease, state: &TicketState, entries: &[AuditEntry]) -> Result<Erased, PortError> {
        for _ in 0..LOOKS {
            let mut kept = TicketState { reading: None, ..state.clone() };
            let looks = AlertKey::of(lease.ticket).map(|alert| self.seen(alert));
            let seen: Vec<Seen> = futures::future::try_join_all(looks).await?.into_iter().flatten().collect();
            seen.iter().filter(|seen| seen.settled).for_each(|seen| kept.remember(seen.key));
            let mut writes = vec![
                transacted(self.set_state(lease, &kept, &state_alone())),
                self.deleted(lease, RECORD),
                self.deleted(lease, READING),
            ];
            writes.extend(seen.iter().map(|seen| self.deleted_as_seen(seen)));
            writes.extend(entries.iter().map(|entry| self.audited(entry)));
            match self.transact(writes).await? {
                Transacted::Done => return Ok(Erased::Stored(Box::new(kept))),
                Transacted::Refused(item) if item.is_empty() => return Ok(Erased::Lost),
                Transacted::Refused(_) => {}
            }
        }
        Err(PortError::transient(SERVICE, "the alerts kept changing while they were erased"))
    }
}
