//! Claims and the state under them.

use async_trait::async_trait;
use aws_sdk_dynamodb::{
    operation::transact_write_items::TransactWriteItemsError,
    types::{Delete, Put, TransactWriteItem, Update},
};
use domain::{
    Reading, Record, TicketState, Version,
    ports::{Claim, Fenced, Lease, PortError, TicketLog},
    record::utc_day,
    time::later,
};
use jiff::Timestamp;

use super::{TicketTable, WITHOUT_TEXT, day_key, key};
use crate::{
    failure::sort,
    item::{EXPIRES, Item, SERVICE, Written, expiry, json, moment, number, read_json, read_moment, text, update},
};

const STATE: &str = "STATE";
const READING: &str = "READING";
pub(super) const RECORD: &str = "RECORD";

const STATE_JSON: &str = "state_json";
const READING_JSON: &str = "reading_json";
/// Set on the state while a reading lies beside it.
const READING_VERSION: &str = "reading_version";

/// Writes of a lost lease must not arrive.
const OURS: &str = "held_by = :me";

impl TicketTable {
    /// What an earlier worker left, the reading included. A reading that expired is asked for again.
    async fn remembered(&self, lease: &Lease, item: &Item, now: Timestamp) -> Result<TicketState, PortError> {
        if !item.contains_key(STATE_JSON) {
            return Ok(TicketState::default());
        }
        let mut state: TicketState = read_json(item, STATE_JSON)?;
        if item.contains_key(READING_VERSION)
            && let Some(reading) = self.read(lease.ticket, READING).await?
            && crate::item::alive(&reading, now)?
        {
            state.reading = Some(Box::new(read_json::<(Version, Reading)>(&reading, READING_JSON)?));
        }
        Ok(state)
    }

    /// All of it, as long as the lease is ours, or nothing.
    async fn together(&self, writes: Vec<TransactWriteItem>) -> Result<Fenced, PortError> {
        match self.client.transact_write_items().set_transact_items(Some(writes)).send().await {
            Ok(_) => Ok(Fenced::Written),
            Err(error) => match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(cancelled))
                    if cancelled
                        .cancellation_reasons()
                        .iter()
                        .any(|reason| reason.code() == Some("ConditionalCheckFailed")) =>
                {
                    Ok(Fenced::Lost)
                }
                Some(TransactWriteItemsError::TransactionCanceledException(_)) => {
                    Err(PortError::transient(SERVICE, error))
                }
                _ => Err(sort(SERVICE, error)),
            },
        }
    }

    /// The state's part of a transaction.
    fn set_state(
        &self,
        lease: &Lease,
        state: &TicketState,
        expression: &str,
    ) -> aws_sdk_dynamodb::types::builders::UpdateBuilder {
        let [pk, sk] = key(lease.ticket, STATE);
        Update::builder()
            .table_name(&self.table)
            .set_key(Some([pk, sk].into()))
            .update_expression(expression)
            .condition_expression(OURS)
            .expression_attribute_values(":me", text(&lease.owner))
            .expression_attribute_values(":state", json(&without_reading(state)))
            .expression_attribute_values(":expires", expiry(later(lease.until, WITHOUT_TEXT)))
    }
}

fn without_reading(state: &TicketState) -> TicketState {
    TicketState { reading: None, ..state.clone() }
}

fn transacted(update: aws_sdk_dynamodb::types::builders::UpdateBuilder) -> TransactWriteItem {
    TransactWriteItem::builder().update(update.build().expect("all required parts are set")).build()
}

#[async_trait]
impl TicketLog for TicketTable {
    async fn claim(&self, lease: &Lease, now: Timestamp) -> Result<Claim, PortError> {
        let request = self
            .change(lease.ticket, STATE.to_owned())
            .update_expression(format!("SET held_by = :me, held_until = :until, {EXPIRES} = :expires"))
            .condition_expression(format!("attribute_not_exists(held_by) OR held_until <= :now OR {OURS}"))
            .expression_attribute_values(":me", text(&lease.owner))
            .expression_attribute_values(":until", moment(lease.until))
            .expression_attribute_values(":now", moment(now))
            .expression_attribute_values(":expires", expiry(later(lease.until, WITHOUT_TEXT)));
        match update(request).await? {
            Written::Done(item) => Ok(Claim::Mine(Box::new(self.remembered(lease, &item, now).await?))),
            Written::Refused(item) => Ok(Claim::Theirs { until: read_moment(&item, "held_until")? }),
        }
    }

    async fn save(&self, lease: &Lease, state: &TicketState) -> Result<Fenced, PortError> {
        let Some(reading) = &state.reading else {
            let expression = format!("SET {STATE_JSON} = :state, {EXPIRES} = :expires REMOVE {READING_VERSION}");
            return self.together(vec![transacted(self.set_state(lease, state, &expression))]).await;
        };
        let expression = format!("SET {STATE_JSON} = :state, {EXPIRES} = :expires, {READING_VERSION} = :version");
        let update =
            self.set_state(lease, state, &expression).expression_attribute_values(":version", number(reading.0.0));
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(key(lease.ticket, READING).into()))
            .item(READING_JSON, json(reading))
            .item(EXPIRES, expiry(later(lease.until, self.retention)));
        let put = TransactWriteItem::builder().put(put.build().expect("all required parts are set")).build();
        self.together(vec![transacted(update), put]).await
    }

    async fn finish(
        &self,
        lease: &Lease,
        state: &TicketState,
        record: &Record,
        expires: Timestamp,
    ) -> Result<Fenced, PortError> {
        let expression =
            format!("SET {STATE_JSON} = :state, {EXPIRES} = :expires REMOVE held_by, held_until, {READING_VERSION}");
        let update = self.set_state(lease, state, &expression);
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(key(lease.ticket, RECORD).into()))
            .item("record_json", json(record))
            .item("summary_json", json(&record.summary()))
            .item("past_json", json(&record.past()))
            .item("day_key", text(day_key("record", utc_day(record.triaged_at))))
            .item("account_key", text(record.account.as_str()))
            .item("time_key", moment(record.triaged_at))
            .item(EXPIRES, expiry(expires));
        let delete = Delete::builder().table_name(&self.table).set_key(Some(key(lease.ticket, READING).into()));
        self.together(vec![
            transacted(update),
            TransactWriteItem::builder().put(put.build().expect("all required parts are set")).build(),
            TransactWriteItem::builder().delete(delete.build().expect("all required parts are set")).build(),
        ])
        .await
    }

    async fn release(&self, lease: &Lease) -> Result<(), PortError> {
        let request = self
            .change(lease.ticket, STATE.to_owned())
            .update_expression("REMOVE held_by, held_until")
            .condition_expression(OURS)
            .expression_attribute_values(":me", text(&lease.owner));
        update(request).await?;
        Ok(())
    }
}
