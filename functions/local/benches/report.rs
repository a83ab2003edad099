//! The report over 1,000 and 150,000 records: time, and the memory it needs on top of the store. `cargo bench`.
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use domain::{
    AccountId, Alert, AlertKey, Delivery, PastTicket, Record, Summary, TicketId,
    ports::{AlertLog, Opened, PortError, Records, Taken},
    record::utc_day,
    sample,
};
use embedded::{FixedSettings, SiteDirectory};
use jiff::{SignedDuration, Timestamp, civil::Date};
use report::{Reporting, Window};
use zendesk::FieldIds;

/// A store that makes its records up as they are read, 30 days of them, so that what is measured is the report.
struct Generated {
    total: u64,
}

impl Generated {
    fn record(&self, number: u64) -> Record {
        let accounts = (self.total / 10).max(1);
        let seconds = 29 * 86_400 * number / self.total;
        let at = sample::now() - SignedDuration::from_hours(29 * 24) + SignedDuration::from_secs(seconds.cast_signed());
        sample::record(number, &format!("Account {}", number % accounts), at)
    }
}

#[async_trait]
impl Records for Generated {
    async fn record(&self, ticket: TicketId, _: Timestamp) -> Result<Option<Record>, PortError> {
        Ok(Some(self.record(ticket.number())))
    }

    async fn day(&self, day: Date, _: Timestamp) -> Result<Vec<Summary>, PortError> {
        let records = (1..=self.total).filter(|number| {
            let seconds = 29 * 86_400 * number / self.total;
            let since = SignedDuration::from_secs(seconds.cast_signed());
            utc_day(sample::now() - SignedDuration::from_hours(29 * 24) + since) == day
        });
        Ok(records.map(|number| self.record(number).summary()).collect())
    }

    async fn past(&self, _: &AccountId, _: TicketId, _: Timestamp, _: usize) -> Result<Vec<PastTicket>, PortError> {
        Ok(Vec::new())
    }
}

/// As many alerts as a third of the tickets would raise.
#[async_trait]
impl AlertLog for Generated {
    async fn open(&self, _: &Alert, _: Timestamp) -> Result<Opened, PortError> {
        Ok(Opened::Settled)
    }

    async fn take(&self, _: AlertKey, _: &str, _: Timestamp, _: Timestamp) -> Result<Taken, PortError> {
        Ok(Taken::Settled)
    }

    async fn settle(&self, _: AlertKey, _: &str, _: Delivery) -> Result<(), PortError> {
        Ok(())
    }

    async fn release(&self, _: AlertKey, _: &str) -> Result<(), PortError> {
        Ok(())
    }

    async fn alerts(&self, _: Timestamp) -> Result<Vec<Alert>, PortError> {
        Ok((1..=self.total / 3).map(sample::alert).collect())
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    println!("{:>9}  {:>9}  {:>9}  {:>12}", "records", "reading", "report", "peak memory");
    for total in [1_000, 10_000, 150_000] {
        let store = Arc::new(Generated { total });
        let folder = tempfile::tempdir().unwrap();
        let reporting = Reporting {
            settings: Arc::new(FixedSettings(Arc::new(sample::policy()))),
            records: store.clone(),
            alerts: store.clone(),
            site: Arc::new(SiteDirectory::new(folder.path().to_owned())),
            fields: FieldIds::default(),
        };
        let window = Window::last_30_days(sample::now());
        // The store's own work, to be taken off.
        let started = Instant::now();
        let read = runtime.block_on(async {
            let mut read = 0;
            for day in 0..30 {
                let day = utc_day(sample::now() - SignedDuration::from_hours(24 * day));
                read += store.day(day, sample::now()).await.unwrap().len();
            }
            read + store.alerts(sample::now()).await.unwrap().len()
        });
        let reading = started.elapsed();
        assert!(read as u64 >= total);
        let started = Instant::now();
        let aggregates = runtime.block_on(report::handle(&reporting, window, sample::now())).unwrap();
        let took = started.elapsed();
        assert_eq!(aggregates.tickets as u64, total);
        let net = took.saturating_sub(reading);
        println!("{total:>9}  {:>7} ms  {:>7} ms  {:>9} MB", reading.as_millis(), net.as_millis(), peak_megabytes());
    }
}

/// The highest resident size of this process so far; 0 where the system does not tell.
fn peak_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok())
        .map_or(0, |kilobytes| kilobytes / 1024)
}
