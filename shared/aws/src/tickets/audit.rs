//! The trail of automated actions.

use std::sync::{
    LazyLock,
    atomic::{AtomicU32, Ordering},
};

use async_trait::async_trait;
use domain::{
    AuditEntry,
    ports::{Audit, PortError},
    time::later,
};
use jiff::tz::Offset;

use super::{TicketTable, WITHOUT_TEXT, key};
use crate::{
    failure::sort,
    item::{EXPIRES, SERVICE, expiry, text},
};

/// Entries of one moment keep their order by a number, and those of two processes apart by the process.
static WRITTEN: AtomicU32 = AtomicU32::new(0);
static PROCESS: LazyLock<u32> = LazyLock::new(|| fastrand::u32(..));

#[async_trait]
impl Audit for TicketTable {
    async fn append(&self, entry: &AuditEntry) -> Result<(), PortError> {
        let at = Offset::UTC.to_datetime(entry.at).strftime("%Y-%m-%dT%H:%M:%S.%9f");
        let n = WRITTEN.fetch_add(1, Ordering::Relaxed);
        let request = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(key(entry.ticket, format!("AUDIT#{at}Z#{n:010}-{:08x}", *PROCESS)).into()))
            .item("audit_action", text(<&str>::from(entry.action)))
            .item("audit_target", text(&*entry.target))
            .item("audit_outcome", text(&*entry.outcome))
            .item(EXPIRES, expiry(later(entry.at, WITHOUT_TEXT)));
        request.send().await.map_err(|error| sort(SERVICE, error))?;
        Ok(())
    }
}
