//! The report over 1,000 to 150,000 records, each read taking 5 ms: time, and the memory it needs on top of the store.
//! `cargo bench -p local --bench report`.
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use domain::{
    AccountId, Alert, AlertKey, AuditEntry, Delivery, PastTicket, Record, Summary, TicketId,
    ports::{AlertLog, Fenced, Handover, Opened, PortError, Records, Reopened, Taken},
    record::utc_day,
    sample,
};
use jiff::{SignedDuration, Timestamp, civil::Date};
use memory::{FixedConfiguration, SiteDirectory};
use report::{Reporting, Window};
use runtime::config::Config;
use zendesk::{FieldIds, OrganizationFields};

/// What a read of DynamoDB takes from within a region.
const READ: Duration = Duration::from_millis(5);

/// Thirty days of records, made before the clock starts: the narrow ones are kept, the whole ones made up when asked
/// for, so that the memory is the report's and its index's.
struct Store {
    days: BTreeMap<Date, Vec<Summary>>,
    alerts: Vec<Arc<Alert>>,
}

impl Store {
    fn new(total: u64) -> Self {
        let mut days: BTreeMap<Date, Vec<Summary>> = BTreeMap::new();
        let seconds = 29 * 86_400;
        for number in 1..=total {
            let ago = SignedDuration::from_secs((seconds - seconds * number / total).cast_signed());
            let account = format!("Account {}", number % (total / 10));
            let summary = sample::record(number, &account, sample::now() - ago).summary();
            days.entry(utc_day(summary.triaged_at)).or_default().push(summary);
        }
        // One ticket in a hundred raises an alert.
        Self { days, alerts: (1..=total / 100).map(|number| Arc::new(sample::alert(number))).collect() }
    }
}

#[async_trait]
impl Records for Store {
    async fn record(&self, ticket: TicketId, _: Timestamp) -> Result<Option<Record>, PortError> {
        tokio::time::sleep(READ).await;
        Ok(Some(sample::record(ticket.number(), "Account", sample::now())))
    }

    async fn day(&self, day: Date, _: Timestamp) -> Result<Vec<Summary>, PortError> {
        tokio::time::sleep(READ).await;
        Ok(self.days.get(&day).cloned().unwrap_or_default())
    }

    async fn corrections(&self, _: Date, _: Timestamp) -> Result<Vec<AuditEntry>, PortError> {
        Ok(Vec::new())
    }

    async fn past(&self, _: &AccountId, _: TicketId, _: Timestamp, _: usize) -> Result<Vec<PastTicket>, PortError> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl AlertLog for Store {
    async fn open(&self, _: &Alert, _: Timestamp, _: &AuditEntry) -> Result<Opened, PortError> {
        Ok(Opened::Settled)
    }

    async fn take(&self, _: AlertKey, _: &str, _: Timestamp, _: Timestamp) -> Result<Taken, PortError> {
        Ok(Taken::Settled)
    }

    async fn settle(&self, _: AlertKey, _: &str, _: Delivery, _: &AuditEntry) -> Result<Fenced, PortError> {
        Ok(Fenced::Lost)
    }

    async fn release(&self, _: AlertKey, _: &str, _: Handover) -> Result<(), PortError> {
        Ok(())
    }

    async fn reopen(&self, _: AlertKey, _: &AuditEntry) -> Result<Reopened, PortError> {
        Ok(Reopened::Left)
    }

    async fn alerts(&self, _: Timestamp) -> Result<Vec<Arc<Alert>>, PortError> {
        Ok(self.alerts.clone())
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    println!("{:>9}  {:>9}  {:>12}  {:>12}", "records", "time", "memory before", "memory peak");
    for total in [1_000, 10_000, 150_000] {
        let store = Arc::new(Store::new(total));
        let folder = tempfile::tempdir().unwrap();
        let reporting = Reporting {
            configuration: Arc::new(FixedConfiguration(Arc::new(Config {
                policy: sample::policy(),
                fields: FieldIds::default(),
                organization_fields: OrganizationFields::default(),
                kam_domains: Vec::new(),
            }))),
            records: store.clone(),
            alerts: store,
            site: Arc::new(SiteDirectory::new(folder.path().to_owned())),
            pages: report::ONE_PAGE,
            acting: report::Acting::Nowhere,
        };
        let before = megabytes("VmRSS:");
        let started = Instant::now();
        let window = Window::last_30_days(sample::now());
        let aggregates = runtime.block_on(report::handle(&reporting, window, sample::now())).unwrap();
        let took = started.elapsed().as_millis();
        assert_eq!(aggregates.tickets as u64, total);
        println!("{total:>9}  {took:>6} ms  {before:>10} MB  {:>9} MB", megabytes("VmHWM:"));
    }
}

/// Resident size of this process, now (`VmRSS`) or at its highest (`VmHWM`); 0 where the system does not tell.
fn megabytes(which: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let size = status.lines().find_map(|line| line.strip_prefix(which));
    size.and_then(|size| size.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok())
        .map_or(0, |kilobytes| kilobytes / 1024)
}
