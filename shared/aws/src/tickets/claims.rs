//! Claims and the state under them.

use async_trait::async_trait;
use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem, Update};
use domain::{
    AuditEntry, Reading, Record, TicketId, TicketState, Version,
    ports::{Claim, Fenced, Lease, PortError, TicketLog},
    record::utc_day,
    time::later,
};
use jiff::Timestamp;

use super::{TicketTable, Transacted, WITHOUT_TEXT, day_key, key};
use crate::item::{EXPIRES, Item, Written, expiry, json, moment, number, read_json, read_moment, text, update};

const STATE: &str = "STATE";
pub(super) const READING: &str = "READING";
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
        Ok(match self.transact(writes).await? {
            Transacted::Done => Fenced::Written,
            Transacted::Refused(_) => Fenced::Lost,
        })
    }

    /// The state's part of a transaction.
    pub(super) fn set_state(
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

/// Sets the state, and says that no reading lies beside it.
pub(super) fn state_alone() -> String {
    format!("SET {STATE_JSON} = :state, {EXPIRES} = :expires REMOVE {READING_VERSION}")
}

/// The newest record of a ticket, with the narrow views that the indexes hand out.
fn record_item(ticket: TicketId, record: &Record, expires: Timestamp) -> Item {
    let mut item = Item::from(key(ticket, RECORD));
    item.extend(
        [
            ("record_json", json(record)),
            ("summary_json", json(&record.summary())),
            ("past_json", json(&record.past())),
            ("day_key", text(day_key("record", utc_day(record.triaged_at)))),
            ("account_key", text(record.account.as_str())),
            ("time_key", moment(record.triaged_at)),
            (EXPIRES, expiry(expires)),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    item
}

fn without_reading(state: &TicketState) -> TicketState {
    TicketState { reading: None, ..state.clone() }
}

pub(super) fn transacted(update: aws_sdk_dynamodb::types::builders::UpdateBuilder) -> TransactWriteItem {
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

    async fn save(&self, lease: &Lease, state: &TicketState, entries: &[AuditEntry]) -> Result<Fenced, PortError> {
        let mut writes: Vec<TransactWriteItem> = entries.iter().map(|entry| self.audited(entry)).collect();
        let Some(reading) = &state.reading else {
            writes.push(transacted(self.set_state(lease, state, &state_alone())));
            return self.together(writes).await;
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
        writes.extend([transacted(update), put]);
        self.together(writes).await
    }

    async fn finish(
        &self,
        lease: &Lease,
        state: &TicketState,
        record: &Record,
        expires: Timestamp,
        entries: &[AuditEntry],
    ) -> Result<Fenced, PortError> {
        let expression =
            format!("SET {STATE_JSON} = :state, {EXPIRES} = :expires REMOVE held_by, held_until, {READING_VERSION}");
        let update = self.set_state(lease, state, &expression);
        let put = Put::builder().table_name(&self.table).set_item(Some(record_item(lease.ticket, record, expires)));
        let delete = Delete::builder().table_name(&self.table).set_key(Some(key(lease.ticket, READING).into()));
        let mut writes: Vec<TransactWriteItem> = entries.iter().map(|entry| self.audited(entry)).collect();
        writes.extend([
            transacted(update),
            TransactWriteItem::builder().put(put.build().expect("all required parts are set")).build(),
            TransactWriteItem::builder().delete(delete.build().expect("all required parts are set")).build(),
        ]);
        self.together(writes).await
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

#[cfg(test)]
mod tests {
    use domain::{Account, Ticket, TicketContext, decide, kept, reading::Usage, record::Effort, sample, tags::Tag};

    use super::*;

    /// Bytes of an item as DynamoDB counts them: names and values.
    fn size(item: &Item) -> usize {
        let value = |value: &aws_sdk_dynamodb::types::AttributeValue| {
            value.as_s().or_else(|_| value.as_n()).map_or(0, String::len)
        };
        item.iter().map(|(name, attribute)| name.len() + value(attribute)).sum()
    }

    /// Every text that somebody outside writes is as long as it may be, and of characters that take six bytes in JSON.
    fn largest() -> Record {
        let hostile = |length| "\u{1}".repeat(length);
        let sentence = hostile(800);
        let ticket = Ticket {
            subject: hostile(65_535).into(),
            description: format!("{sentence} {}", hostile(65_535)).into(),
            channel: hostile(65_535).into(),
            tags: (0..1_000).map(|n| Tag::from(format!("{n:080}"))).collect(),
            ..sample::ticket(1)
        };
        let account = Account { name: hostile(65_535).into(), ..sample::account() };
        let mut reading = sample::signals();
        reading.priority.value = domain::Priority::P3;
        reading.reason = Some(hostile(400));
        // Heard, and not so loud that no reply is drafted.
        reading.churn.confidence = 0.35;
        reading.churn.quotes = (797..800).map(hostile).collect();
        reading.intent.quotes = (797..800).map(hostile).collect();
        reading.draft = Some(domain::Draft { text: hostile(8_192).into(), ..sample::draft() });
        let state = TicketState::default();
        let context = TicketContext { ticket: &ticket, account: &account, history: &[], earlier: &[], state: &state };
        let plan = decide(context, &reading, &sample::policy(), sample::now());
        Record::new(context, plan, Effort { at: sample::now(), duration_ms: 0, usage: Usage::default() })
    }

    #[test]
    fn the_largest_record_fits_an_item() {
        let record = largest();
        assert!(record.draft.is_some() && record.update.as_ref().is_some_and(|update| update.comment.is_some()));
        let item = record_item(record.ticket, &record, sample::now());
        assert!(size(&item) < 400_000, "{} bytes", size(&item));
        let read: Record = read_json(&item, "record_json").unwrap();
        assert!(read.description.ends_with(kept::MARK) && read.subject.ends_with(kept::MARK));
        assert_eq!(read, record);
    }
}
