//! The pages of accounts, over a memory log and a folder.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_STANDARD};
use domain::{
    Alert, AuditAction, EmailAddress, Erasure, ErasureReason, FollowUp, Record, Stage, TicketState,
    follow_up::{Outcome, WrongReason},
    ports::{AlertLog, Eraser, Fenced, FollowUps, Lease, Page, PortError, Site, TicketLog},
    sample,
};
use jiff::{SignedDuration, Timestamp};
use memory::{Failing, Fault, FixedConfiguration, MemoryTicketLog, Method, SiteDirectory};
use report::{Acting, Audience, MISSING, ONE_PAGE, PAGE_BY_ROLE, PUBLISHED, Reporting, Window, handle};
use runtime::{account_page, config::Config};
use sha2::{Digest, Sha256};

const EVIL: &str = "</script><script>alert(1)</script>\"'<img src=x onerror=alert(2)>";
const CHURN: &str = "We are looking at other vendors.";
const WISH: &str = "What is your price for two more stores?";

/// A folder that remembers what was published into it.
struct Noting {
    site: SiteDirectory,
    published: Mutex<BTreeSet<String>>,
}

#[async_trait]
impl Site for Noting {
    async fn publish(&self, page: &Page) -> Result<(), PortError> {
        self.published.lock().unwrap().insert(page.path.clone());
        self.site.publish(page).await
    }

    async fn published(&self, path: &str) -> Result<Option<Vec<u8>>, PortError> {
        self.site.published(path).await
    }

    async fn remove(&self, path: &str) -> Result<(), PortError> {
        self.site.remove(path).await
    }
}

struct Bench {
    folder: tempfile::TempDir,
    log: Arc<MemoryTicketLog>,
    site: Arc<Failing<Noting>>,
}

fn lease(record: &Record) -> Lease {
    Lease { ticket: record.ticket, owner: "test".into(), until: Timestamp::MAX }
}

fn ann() -> EmailAddress {
    "ann@example.com".parse().unwrap()
}

fn hours(hours: i64) -> Timestamp {
    sample::now() + SignedDuration::from_hours(hours)
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let site = Noting { site: SiteDirectory::new(folder.path().to_owned()), published: Mutex::default() };
        Self { folder, log: Arc::default(), site: Arc::new(Failing::new(site)) }
    }

    /// A ticket with the alerts it raised.
    async fn store(&self, record: Record) {
        self.log.claim(&lease(&record), record.triaged_at).await.unwrap();
        self.log.finish(&lease(&record), &TicketState::default(), &record, Timestamp::MAX, &[]).await.unwrap();
        let (guardian, opportunity) = sample::alerts(record.ticket.number());
        for alert in [guardian, opportunity] {
            let (account, customer) = (record.account.clone(), record.customer.clone());
            let alert = Alert { account, customer, at: record.triaged_at, ..alert };
            let entry = sample::audit_entry(record.ticket.number(), AuditAction::AlertRaised);
            self.log.open(&alert, Timestamp::MAX, &entry).await.unwrap();
        }
    }

    async fn take(&self, number: u64) {
        self.follow_up(number, Stage::Taken { by: ann(), at: hours(1) }).await;
    }

    async fn follow_up(&self, number: u64, stage: Stage) {
        let alert = FollowUps::alert(&*self.log, sample::alert(number).key(), hours(1)).await.unwrap().unwrap();
        let next = FollowUp { stage, revision: 1, ..FollowUp::default() };
        let entry = sample::audit_entry(number, AuditAction::AlertFollowUp);
        assert_eq!(self.log.follow_up(&alert, &next, &entry).await.unwrap(), Fenced::Written);
    }

    async fn erase(&self, number: u64) {
        let record = sample::record(number, "anybody", sample::now());
        let entry = sample::audit_entry(number, AuditAction::Erased);
        let erasure = Erasure { reason: ErasureReason::Forgotten, message: "test".into() };
        let state = TicketState::default().skeleton(erasure);
        self.log.claim(&lease(&record), hours(1)).await.unwrap();
        self.log.erase(&lease(&record), &state, &[entry]).await.unwrap();
    }

    async fn report(&self, now: Timestamp) -> Result<(), PortError> {
        self.report_with(Acting::Nowhere, now).await
    }

    async fn report_with(&self, acting: Acting, now: Timestamp) -> Result<(), PortError> {
        self.report_on(PAGE_BY_ROLE, acting, now).await
    }

    async fn report_on(
        &self,
        pages: &'static [(&'static str, Audience)],
        acting: Acting,
        now: Timestamp,
    ) -> Result<(), PortError> {
        self.site.inner().published.lock().unwrap().clear();
        let config = Config {
            policy: sample::policy(),
            fields: zendesk::FieldIds::default(),
            organization_fields: Default::default(),
            kam_domains: Vec::new(),
        };
        let reporting = Reporting {
            configuration: Arc::new(FixedConfiguration(Arc::new(config))),
            records: self.log.clone(),
            alerts: self.log.clone(),
            site: self.site.clone(),
            pages,
            acting,
        };
        handle(&reporting, Window::last_30_days(now), now).await.map(|_| ())
    }

    /// The account pages that the last report published.
    fn made(&self) -> Vec<String> {
        let published = self.site.inner().published.lock().unwrap().clone();
        let is_list = |path: &str| path.contains("/account/all/");
        published.into_iter().filter(|path| path.contains("/account/") && !is_list(path)).collect()
    }

    fn file(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn page(&self, path: &str) -> String {
        std::fs::read_to_string(self.file(path)).unwrap_or_default()
    }
}

fn path(folder: &str, name: &str, at: Timestamp) -> String {
    format!("{folder}/{}", account_page::path(&sample::account_id(name), at))
}

#[tokio::test]
async fn each_audience_has_its_own_page_of_an_account() {
    let bench = Bench::new();
    bench.store(sample::record(1, "Acme", sample::now())).await;
    bench.report(hours(1)).await.unwrap();
    for (folder, churn, wish) in [("accounts", true, false), ("sales", false, true), ("lead", true, true)] {
        let page = bench.page(&path(folder, "Acme", sample::now()));
        assert_eq!((page.contains(CHURN), page.contains(WISH)), (churn, wish), "{folder}");
        assert_eq!((page.contains("Churn risk"), page.contains("Opportunities")), (churn, wish), "{folder}");
        assert!(page.contains("Orders do not sync") && page.contains("Nobody has it yet."), "{folder}: {page}");
        let list = bench.page(&format!("{folder}/index.html"));
        assert!(list.contains(&account_page::path(&sample::account_id("Acme"), sample::now())), "{folder}");
    }
    assert!(!bench.file("support/account").exists());
    assert!(!bench.page("support/index.html").contains("account/"));
}

/// As infra/page looks at it in a browser, too.
#[tokio::test]
async fn the_whole_page_of_an_account() {
    let bench = Bench::new();
    for (number, at) in [(1, 0), (2, -1), (3, -2), (4, -3), (5, -30 * 24)] {
        let record = sample::record(number, "Tolliver & Quay Outfitters", hours(at));
        // A word that no line holds.
        let subject = if number == 2 { "x".repeat(90).into() } else { record.subject.clone() };
        bench.store(Record { subject, ..record }).await;
    }
    let (by, at) = (ann(), hours(1));
    bench.take(1).await;
    bench.follow_up(2, Stage::Settled { outcome: Outcome::Saved, by: by.clone(), at }).await;
    bench.follow_up(3, Stage::Wrong { reason: WrongReason::Misread, by: by.clone(), at }).await;
    bench.follow_up(4, Stage::Snoozed { until: hours(24), by, at }).await;
    let followup = "https://api.example/followup".into();
    bench.report_with(Acting::ByMail { followup }, hours(1)).await.unwrap();
    insta::assert_snapshot!(bench.page(&path("lead", "Tolliver & Quay Outfitters", sample::now())));
}

#[tokio::test]
async fn what_is_not_there_has_a_page() {
    let bench = Bench::new();
    bench.report(hours(1)).await.unwrap();
    let page = bench.page(MISSING);
    let (_, script) = page.split_once("<script>").unwrap();
    let (script, _) = script.split_once("</script>").unwrap();
    let hash = BASE64_STANDARD.encode(Sha256::digest(script));
    assert!(page.contains(&format!("script-src 'sha256-{hash}'")), "or the browser does not run it: {hash}");
}

#[tokio::test]
async fn only_what_changed_is_made_anew() {
    let bench = Bench::new();
    let last_month = hours(-20 * 24);
    for (number, name, at) in [(1, "Acme", sample::now()), (2, "Bolt", sample::now()), (3, "Acme", last_month)] {
        bench.store(sample::record(number, name, at)).await;
    }
    let all = |name: &str, at| ["accounts", "lead", "sales"].map(|folder| path(folder, name, at)).to_vec();
    bench.report(hours(1)).await.unwrap();
    assert_eq!(bench.made().len(), 9, "two accounts, one of them in two months, for three audiences");
    bench.report(hours(2)).await.unwrap();
    assert_eq!(bench.made(), [""; 0]);
    bench.take(1).await;
    bench.report(hours(2)).await.unwrap();
    assert_eq!(bench.made(), all("Acme", sample::now()));
    let page = bench.page(&path("accounts", "Acme", sample::now()));
    assert!(page.contains("Taken by ann@example.com on 2026-11-16 10:00 UTC."), "{page}");
    assert!(page.contains("<a href=\"2026-10.html\">2026-10</a>"), "{page}");
    bench.store(sample::record(4, "Bolt", hours(2))).await;
    bench.report(hours(3)).await.unwrap();
    assert_eq!(bench.made(), all("Bolt", sample::now()));
}

#[tokio::test]
async fn what_is_forgotten_leaves_the_pages() {
    let bench = Bench::new();
    for (number, name) in [(1, "Acme"), (2, "Acme"), (3, "Bolt")] {
        let record = sample::record(number, name, sample::now());
        bench.store(Record { subject: format!("Subject {number}").into(), ..record }).await;
    }
    bench.report(hours(1)).await.unwrap();
    let (acme, bolt) = (path("lead", "Acme", sample::now()), path("lead", "Bolt", sample::now()));
    assert!(bench.page(&acme).contains("Subject 1") && bench.file(&bolt).exists());
    for number in [1, 3] {
        bench.erase(number).await;
    }
    bench.report(hours(1)).await.unwrap();
    let page = bench.page(&acme);
    assert!(page.contains("Subject 2") && !page.contains("Subject 1") && !page.contains("tickets/1\""), "{page}");
    for folder in ["accounts", "sales", "lead"] {
        assert!(!bench.file(&path(folder, "Bolt", sample::now())).exists(), "{folder}");
    }
    assert!(!bench.page(PUBLISHED).contains(&account_page::id(&sample::account_id("Bolt"))));
}

#[tokio::test]
async fn a_report_that_failed_is_made_up_for() {
    for method in [Method::SitePublish, Method::SitePublished, Method::SiteRemove] {
        for calls in 0..8 {
            let bench = Bench::new();
            for (number, name) in [(1, "Acme"), (2, "Bolt")] {
                bench.store(sample::record(number, name, sample::now())).await;
            }
            bench.report(hours(1)).await.unwrap();
            bench.erase(2).await;
            bench.take(1).await;
            let faults: Vec<Fault> = std::iter::repeat_n(Fault::None, calls).chain([Fault::Transient]).collect();
            bench.site.plan(method, &faults);
            for _ in 0..3 {
                let _ = bench.report(hours(2)).await;
            }
            assert!(bench.page(&path("lead", "Acme", sample::now())).contains("Taken by"), "{method} {calls}");
            assert!(!bench.file(&path("lead", "Bolt", sample::now())).exists(), "{method} {calls}");
        }
    }
}

#[tokio::test]
async fn what_customers_wrote_stays_text() {
    let bench = Bench::new();
    let mut record = sample::record(1, "Acme", sample::now());
    for field in [&mut record.customer, &mut record.subject, &mut record.description] {
        *field = EVIL.into();
    }
    record.guardian.evidence = Arc::new([EVIL.into()]);
    bench.store(record).await;
    bench.report(hours(1)).await.unwrap();
    for folder in ["accounts", "sales", "lead"] {
        let page = bench.page(&path(folder, "Acme", sample::now()));
        assert!(page.contains("&#60;script&#62;") && !page.contains("<script") && !page.contains("<img"), "{folder}");
    }
}

#[tokio::test]
async fn a_page_shows_the_newest_tickets_of_many() {
    let bench = Bench::new();
    for number in 1..=203 {
        let at = sample::now() + SignedDuration::from_secs(i64::try_from(number).unwrap());
        let record = sample::record(number, "Acme", at);
        bench.log.claim(&lease(&record), at).await.unwrap();
        bench.log.finish(&lease(&record), &TicketState::default(), &record, Timestamp::MAX, &[]).await.unwrap();
    }
    bench.report(hours(1)).await.unwrap();
    let page = bench.page(&path("lead", "Acme", sample::now()));
    assert!(page.contains("and 3 more, older") && page.contains("#203</a>") && !page.contains("#3</a>"));
    assert!(page.len() < 500_000, "{}", page.len());
}

/// A calm ticket, and no alert.
async fn calm(bench: &Bench, number: u64, name: &str) {
    let record = sample::record(number, name, sample::now());
    let guardian = domain::guardian::Guardian { risk_score: 0, ..record.guardian.clone() };
    let record = Record { guardian, ..record };
    bench.log.claim(&lease(&record), record.triaged_at).await.unwrap();
    bench.log.finish(&lease(&record), &TicketState::default(), &record, Timestamp::MAX, &[]).await.unwrap();
}

#[tokio::test]
async fn a_calm_account_is_reached_too() {
    let bench = Bench::new();
    bench.store(sample::record(1, "Acme", sample::now())).await;
    calm(&bench, 2, "Calm & Sons").await;
    bench.report(hours(1)).await.unwrap();
    let page = account_page::path(&sample::account_id("Calm & Sons"), sample::now());
    for folder in ["accounts", "sales", "lead"] {
        let dashboard = bench.page(&format!("{folder}/index.html"));
        let tickets = dashboard.split("<section id=\"tickets\">").nth(1).unwrap();
        assert!(tickets.contains(&format!("<a href=\"{page}\">Calm &#38; Sons</a>")), "{folder}, in the table");
        let list = bench.page(&format!("{folder}/account/all/1.html"));
        assert!(list.contains(&format!("<a href=\"../../{page}\">Calm &#38; Sons</a>")), "{folder}: {list}");
        assert_eq!(list.contains("At risk"), folder != "sales", "{folder}");
    }
    assert!(bench.page("accounts/index.html").contains("<a href=\"account/all/1.html\">All accounts</a>"));
}

#[tokio::test]
async fn what_a_dashboard_has_no_room_for_is_listed() {
    let bench = Bench::new();
    for number in 1..=103 {
        bench.store(sample::record(number, &format!("Account {number}"), sample::now())).await;
    }
    bench.report(hours(1)).await.unwrap();
    for (folder, kind, others) in [("accounts", "guardian", "opportunity"), ("sales", "opportunity", "guardian")] {
        let dashboard = bench.page(&format!("{folder}/index.html"));
        let link = format!("and 63 more, older or lighter: <a href=\"account/{kind}/1.html\">all 103</a>");
        assert!(dashboard.contains(&link), "{folder}");
        let list = bench.page(&format!("{folder}/account/{kind}/1.html"));
        assert_eq!(list.matches("<span class=\"mark new\">").count(), 103, "{folder}");
        assert!(!bench.file(&format!("{folder}/account/{others}/1.html")).exists(), "{folder}");
    }
    assert!(bench.page("lead/index.html").contains("and 53 more with less money at risk: <a href"));

    for number in 1..=64 {
        bench.erase(number).await;
    }
    bench.report(hours(2)).await.unwrap();
    assert!(!bench.file("lead/account/guardian/1.html").exists(), "the dashboard holds all of them again");
    assert!(
        bench.page("lead/account/all/1.html").contains("Account 65<")
            && !bench.page("lead/account/all/1.html").contains("Account 64<")
    );
}

#[tokio::test]
async fn one_page_for_all_has_lists_beside_it() {
    let bench = Bench::new();
    for number in 1..=103 {
        bench.store(sample::record(number, &format!("Account {number}"), sample::now())).await;
    }
    bench.report_on(ONE_PAGE, Acting::Nowhere, hours(1)).await.unwrap();
    let list = bench.page("account/guardian/1.html");
    assert!(list.contains("<a href=\"../../triage_report.html\">Dashboard</a>"), "{list}");
    assert_eq!(bench.page("account/all/1.html").matches("<th scope=\"row\">").count(), 103);
    for number in 1..=64 {
        bench.erase(number).await;
    }
    bench.report_on(ONE_PAGE, Acting::Nowhere, hours(1)).await.unwrap();
    assert!(!bench.file("account/guardian/1.html").exists() && !bench.file("account/all/1.html").exists());
}
