//! The report over very many tickets with a page for each role, account and month: time, and how large the pages are.
//! `cargo bench -p local --bench pages [-- TICKETS ACCOUNTS]`; `--profile dev` for a debug build.
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use async_trait::async_trait;
use domain::{
    Alert, AuditAction, FollowUp, Priority, Record, Stage, TicketState,
    guardian::Guardian,
    ports::{AlertLog, FollowUps, Lease, Page, PortError, Site, TicketLog},
    sample,
};
use jiff::{SignedDuration, Timestamp};
use memory::{FixedConfiguration, MemoryTicketLog, SiteDirectory};
use report::{Acting, PAGE_BY_ROLE, Reporting, Window, handle};
use runtime::config::Config;

/// Counts account pages.
struct Counting {
    site: SiteDirectory,
    made: AtomicUsize,
}

#[async_trait]
impl Site for Counting {
    async fn publish(&self, page: &Page) -> Result<(), PortError> {
        self.made.fetch_add(usize::from(page.path.contains("/account/")), Ordering::Relaxed);
        self.site.publish(page).await
    }

    async fn published(&self, path: &str) -> Result<Option<Vec<u8>>, PortError> {
        self.site.published(path).await
    }

    async fn remove(&self, path: &str) -> Result<(), PortError> {
        self.site.remove(path).await
    }
}

fn lease(record: &Record) -> Lease {
    Lease { ticket: record.ticket, owner: "bench".into(), until: Timestamp::MAX }
}

/// One in fifty is at risk and has an alert; one in eight is urgent.
async fn fill(log: &MemoryTicketLog, tickets: u64, accounts: u64, now: Timestamp) {
    let words = "Since this morning our orders do not arrive in the warehouse, and nobody here knows why. ".repeat(8);
    let description: Arc<str> = format!("We are looking at other vendors. {words}").into();
    let (risky, begin) = (sample::record(1, "Acme", now), now - SignedDuration::from_hours(30 * 24 - 1));
    let calm = Guardian { risk_score: 0, evidence: Arc::new([]), ..risky.guardian.clone() };
    let alert = sample::alert(1);
    for number in 1..=tickets {
        let name = format!("Account {}", number.wrapping_mul(2_654_435_761) % accounts);
        let seconds = i64::try_from(number * (30 * 24 * 3_600 - 7_200) / tickets).unwrap();
        let at = begin + SignedDuration::from_secs(seconds);
        let at_risk = number % 50 == 0;
        let record = Record {
            ticket: sample::ticket_id(number),
            account: sample::account_id(&name),
            customer: name.as_str().into(),
            description: description.clone(),
            triaged_at: at,
            created_at: at,
            priority: if number % 8 == 0 { Priority::P1 } else { Priority::P3 },
            guardian: if at_risk { risky.guardian.clone() } else { calm.clone() },
            ..risky.clone()
        };
        log.claim(&lease(&record), at).await.unwrap();
        log.finish(&lease(&record), &TicketState::default(), &record, Timestamp::MAX, &[]).await.unwrap();
        if at_risk {
            let Record { ticket, account, customer, .. } = record;
            let entry = sample::audit_entry(number, AuditAction::AlertRaised);
            log.open(&Alert { ticket, account, customer, at, ..alert.clone() }, Timestamp::MAX, &entry).await.unwrap();
        }
    }
}

/// Forty people take an alert.
async fn take(log: &MemoryTicketLog, tickets: u64, now: Timestamp) {
    for number in (1..=tickets).filter(|number| number % 50 == 0).rev().take(40) {
        let alert = FollowUps::alert(log, sample::alert(number).key(), now).await.unwrap().unwrap();
        let stage = Stage::Taken { by: "ann@example.com".parse().unwrap(), at: now };
        let next = FollowUp { stage, revision: 1, ..FollowUp::default() };
        log.follow_up(&alert, &next, &sample::audit_entry(number, AuditAction::AlertFollowUp)).await.unwrap();
    }
}

fn largest(folder: PathBuf, sizes: &mut BTreeMap<&'static str, u64>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            largest(path, sizes);
            continue;
        }
        let kind = match path.components().rev().nth(2).and_then(|part| part.as_os_str().to_str()) {
            Some("account") => "account page",
            _ if path.extension().is_some_and(|extension| extension == "html") => "page",
            _ => "other file",
        };
        let size = sizes.entry(kind).or_default();
        *size = entry.metadata().unwrap().len().max(*size);
    }
}

fn main() {
    // As a test of all targets it has nothing to say.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<u64>().ok());
    let (tickets, accounts) = (numbers.next().unwrap_or(150_000), numbers.next().unwrap_or(2_000));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let now = sample::now();
        let log = Arc::new(MemoryTicketLog::default());
        fill(&log, tickets, accounts, now).await;
        let folder = tempfile::tempdir().unwrap();
        let site = Arc::new(Counting { site: SiteDirectory::new(folder.path().to_owned()), made: AtomicUsize::new(0) });
        let config = Config {
            policy: sample::policy(),
            fields: zendesk::FieldIds::default(),
            organization_fields: Default::default(),
            kam_domains: Vec::new(),
        };
        let reporting = Reporting {
            configuration: Arc::new(FixedConfiguration(Arc::new(config))),
            records: log.clone(),
            alerts: log.clone(),
            site: site.clone(),
            pages: PAGE_BY_ROLE,
            acting: Acting::ByMail { followup: "https://api.example/followup".into() },
        };
        let build = if cfg!(debug_assertions) { "debug" } else { "release" };
        println!("{tickets} tickets of {accounts} accounts in 30 days, one in fifty with an alert; {build} build");
        let report = async |what: &str| {
            let begun = Instant::now();
            handle(&reporting, Window::last_30_days(now), now).await.unwrap();
            let made = site.made.swap(0, Ordering::Relaxed);
            println!("{:>7.2} s  {what}, {made} account pages", begun.elapsed().as_secs_f64());
            made
        };
        while report("everything is new").await > 0 {}
        report("nothing changed").await;
        take(&log, tickets, now).await;
        report("40 alerts were taken").await;
        let mut sizes = BTreeMap::new();
        largest(folder.path().to_owned(), &mut sizes);
        for (kind, size) in sizes {
            println!("{:>7.2} MB the largest {kind}", size as f64 / 1e6);
        }
    });
}
