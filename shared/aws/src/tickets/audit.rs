//! The trail of automated actions.

use std::sync::{
    LazyLock,
    atomic::{AtomicU32, Ordering},
};

use async_trait::async_trait;
use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use domain::{
    AuditAction, AuditEntry,
    ports::{Audit, PortError},
    record::utc_day,
    time::later,
};
use jiff::tz::Offset;

use super::{TicketTable, WITHOUT_TEXT, day_key, key};
use crate::{
    failure::sort,
    item::{EXPIRES, Item, SERVICE, expiry, json, moment, text},
};

/// Entries of one moment keep their order by a number, and those of two processes apart by the process.
static WRITTEN: AtomicU32 = AtomicU32::new(0);
static PROCESS: LazyLock<u32> = LazyLock::new(|| fastrand::u32(..));

fn sk(entry: &AuditEntry) -> String {
    let at = Offset::UTC.to_datetime(entry.at).strftime("%Y-%m-%dT%H:%M:%S.%9f");
    let n = WRITTEN.fetch_add(1, Ordering::Relaxed);
    format!("AUDIT#{at}Z#{n:010}-{:08x}", *PROCESS)
}

fn attributes(entry: &AuditEntry) -> Item {
    let mut item = Item::new();
    item.insert("audit_action".to_owned(), text(<&str>::from(entry.action)));
    item.insert("audit_target".to_owned(), text(&*entry.target));
    item.insert("audit_outcome".to_owned(), text(&*entry.outcome));
    item.insert(EXPIRES.to_owned(), expiry(later(entry.at, WITHOUT_TEXT)));
    if entry.action == AuditAction::Correction {
        item.insert("day_key".to_owned(), text(day_key("correction", utc_day(entry.at))));
        item.insert("time_key".to_owned(), moment(entry.at));
        // Under a name that the index has: what an index holds cannot be changed.
        item.insert("summary_json".to_owned(), json(entry));
    }
    item
}

impl TicketTable {
    /// The entry as a part of the transaction that stores what it tells of.
    pub(super) fn audited(&self, entry: &AuditEntry) -> TransactWriteItem {
        // An update and no put, which could take the place of any other item: `followup` may name these attributes alone.
        let (set, values): (Vec<String>, Item) = attributes(entry)
            .into_iter()
            .map(|(name, value)| (format!("{name} = :{name}"), (format!(":{name}"), value)))
            .unzip();
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key(entry.ticket, sk(entry)).into()))
            .update_expression(format!("SET {}", set.join(", ")))
            .set_expression_attribute_values(Some(values));
        TransactWriteItem::builder().update(update.build().expect("all required parts are set")).build()
    }
}

#[async_trait]
impl Audit for TicketTable {
    async fn append(&self, entry: &AuditEntry) -> Result<(), PortError> {
        let mut item = attributes(entry);
        item.extend(key(entry.ticket, sk(entry)));
        let request = self.client.put_item().table_name(&self.table).set_item(Some(item));
        request.send().await.map_err(|error| sort(SERVICE, error))?;
        Ok(())
    }
}
