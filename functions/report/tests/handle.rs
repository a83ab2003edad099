//! The report over a memory log and a folder.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    AccountId, Alert, AuditAction, AuditEntry, Deadline, Draft, EmailAddress, Fallback, FollowUp, Kind, Mode,
    PastTicket, Policy, Record, Resolution, Stage, Summary, Teams, TicketId, TicketState,
    follow_up::WrongReason,
    ports::{AlertLog, Audit, Lease, PortError, Records, TicketLog},
    reading::Usage,
    record::{Confidence, utc_day},
    sample,
};
use jiff::{SignedDuration, Timestamp, civil::Date};
use memory::{FixedConfiguration, MemoryTicketLog, SiteDirectory};
use report::{DASHBOARD, METRICS, PAGE_BY_ROLE, Reporting, Window, handle};
use runtime::config::Config;
use zendesk::FieldIds;

const EVIL: &str = "</script><script>alert(1)</script>\"'<img src=x onerror=alert(2)>";

fn configuration() -> Arc<FixedConfiguration> {
    configuration_of(sample::policy())
}

fn configuration_of(policy: Policy) -> Arc<FixedConfiguration> {
    Arc::new(FixedConfiguration(Arc::new(Config {
        policy,
        fields: FieldIds::default(),
        organization_fields: Default::default(),
        kam_domains: Vec::new(),
    })))
}

async fn published(records: Vec<Record>) -> (String, serde_json::Value) {
    published_under(sample::policy(), records, sample::now() + SignedDuration::from_hours(1)).await
}

async fn published_at(records: Vec<Record>, now: Timestamp) -> (String, serde_json::Value) {
    published_under(sample::policy(), records, now).await
}

async fn published_under(policy: Policy, records: Vec<Record>, now: Timestamp) -> (String, serde_json::Value) {
    let folder = tempfile::tempdir().unwrap();
    let log = Arc::new(MemoryTicketLog::default());
    let expires = Timestamp::MAX;
    for record in records {
        let lease = Lease { ticket: record.ticket, owner: "test".into(), until: expires };
        log.claim(&lease, now).await.unwrap();
        log.finish(&lease, &TicketState::default(), &record, expires, &[]).await.unwrap();
        let alert = domain::Alert {
            account: record.account.clone(),
            customer: record.customer.clone(),
            subject: record.subject.clone(),
            evidence: Arc::new([record.description.chars().take(200).collect()]),
            ..sample::alert(record.ticket.number())
        };
        log.open(&alert, expires, &sample::audit_entry(record.ticket.number(), AuditAction::AlertRaised))
            .await
            .unwrap();
    }
    let reporting = Reporting {
        configuration: configuration_of(policy),
        records: log.clone(),
        alerts: log,
        site: Arc::new(SiteDirectory::new(folder.path().to_owned())),
        pages: report::ONE_PAGE,
        acting: report::Acting::Nowhere,
    };
    handle(&reporting, Window::last_30_days(now), now).await.unwrap();
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    (read(DASHBOARD), serde_json::from_str(&read(METRICS)).unwrap())
}

#[tokio::test]
async fn the_page_and_the_figures_of_two_tickets() {
    let records = vec![sample::record(1, "Acme", sample::now()), sample::record(2, "Bolt", sample::now())];
    let (html, metrics) = published(records).await;
    assert_eq!((&metrics["total_tickets"], &metrics["guardian_alerts"]), (&2.into(), &2.into()));
    insta::assert_snapshot!(html.split("</head>").nth(1).unwrap());
}

#[tokio::test]
async fn a_report_can_be_made_at_any_moment() {
    let last = domain::time::earlier(Timestamp::MAX, SignedDuration::from_secs(1));
    for now in [Timestamp::MIN, last] {
        let record = Record { created_at: now, ..sample::record(1, "Acme", now) };
        let (_, metrics) = published_at(vec![record], now).await;
        assert_eq!(metrics["total_tickets"], 1, "{now}");
    }
}

#[tokio::test]
async fn every_team_of_the_file_is_on_the_page() {
    let mut policy = sample::policy();
    let profiles = policy.teams.iter().cloned().chain([sample::profile("field_ops", 14)]).collect();
    policy.teams = Teams::new(profiles).unwrap();
    let team = |number, id| Record { agent: sample::team(id), ..sample::record(number, "Acme", sample::now()) };
    let now = sample::now() + SignedDuration::from_hours(1);
    let (html, metrics) = published_under(policy, vec![team(1, "field_ops"), team(2, "former")], now).await;
    assert!(html.contains("<option value=\"field_ops\">Field ops</option>"));
    assert!(html.contains("data-agent=\"field_ops\""));
    let teams: Vec<(&String, &serde_json::Value)> = metrics["by_agent"].as_object().unwrap().iter().collect();
    let counts = [("nexus", 0), ("cipher", 0), ("sentinel", 0), ("field_ops", 1), ("former", 1)];
    assert_eq!(teams.len(), counts.len());
    for (id, count) in counts {
        assert_eq!(metrics["by_agent"][id], count, "{id}");
    }
}

#[tokio::test]
async fn topics_are_counted_with_what_the_help_centre_lacks() {
    let record = |number, topic: &str, resolution| Record {
        topic: topic.parse().ok(),
        answerable: true,
        resolution,
        ..sample::record(number, "Acme", sample::now())
    };
    let (routed, ready) = (Resolution::Routed, Resolution::AnswerReady);
    let (html, metrics) = published(vec![
        record(1, "returns", routed),
        record(2, "returns", ready),
        record(3, "payouts", ready),
        record(4, "loyalty-programme", routed),
    ])
    .await;
    for part in [
        "<th scope=\"row\">Returns</th><td class=\"number\">2</td><td class=\"number\">2</td><td class=\"number\">50 %</td>",
        "<th scope=\"row\">Payouts</th><td class=\"number\">1</td><td class=\"number\">1</td><td class=\"number\">100 %</td>",
        "<th scope=\"row\">Returns</th><td>returns and their portal</td><td class=\"number\">1</td>",
        "<th scope=\"row\">Loyalty programme</th><td>a team&#39;s examples</td><td class=\"number\">1</td>",
        "<option value=\"payouts\">Payouts</option>",
        "data-topic=\"returns\"",
    ] {
        assert!(html.contains(part), "{part}");
    }
    assert_eq!(metrics["by_topic"]["returns"], 2);
    let lacks = serde_json::json!([
        { "topic": "returns", "questions": 2, "without_article": 1 },
        { "topic": "loyalty-programme", "questions": 1, "without_article": 1 },
    ]);
    assert_eq!(metrics["topics_without_article"], lacks);
}

#[tokio::test]
async fn no_tickets_is_a_page_too() {
    let (html, metrics) = published(Vec::new()).await;
    assert_eq!(metrics["total_tickets"], 0);
    assert!(html.contains("No account is at high risk") && !html.contains("NaN"));
}

#[tokio::test]
async fn accounts_stand_by_money_with_their_newest_words() {
    let record = |number, name, mrr| Record { mrr: Some(mrr), ..sample::record(number, name, sample::now()) };
    let (html, _) = published(vec![record(1, "Small", 100.0), record(2, "Large", 10_000.0)]).await;
    let section = html.split("<section id=\"accounts\">").nth(1).unwrap().split("</section>").next().unwrap();
    assert!(section.find("Large").unwrap() < section.find("Small").unwrap());
    for part in ["a month in 2 accounts", "<q>We are looking at other vendors.</q>", "kam@example.com"] {
        assert!(section.contains(part), "{part}");
    }
}

#[tokio::test]
async fn a_ticket_shows_its_quotes_where_they_stand() {
    let follow_ups = vec!["Still down. We are looking at <other> vendors.".into()];
    let record = Record { follow_ups, ..sample::record(1, "Acme", sample::now()) };
    let (html, _) = published(vec![record]).await;
    for part in [
        "<h4>2. message, the newest</h4>\n    <div class=\"text\">Still down. We are looking at &#60;other&#62; vendors.",
        "since Monday. <mark>We are looking at other vendors</mark>. <mark>What is your price for two more stores</mark>?",
    ] {
        assert!(html.contains(part), "{part}");
    }
}

#[tokio::test]
async fn shadow_shows_its_evidence() {
    let policy = Policy { mode: Mode::Shadow, rollout_percent: 40, ..sample::policy() };
    let log = Arc::new(MemoryTicketLog::default());
    let record = Record { mode: Mode::Shadow, ..sample::record(1, "Acme", sample::now()) };
    let lease = Lease { ticket: record.ticket, owner: "test".into(), until: Timestamp::MAX };
    log.claim(&lease, sample::now()).await.unwrap();
    log.finish(&lease, &TicketState::default(), &record, Timestamp::MAX, &[]).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let reporting = Reporting {
        configuration: configuration_of(policy),
        records: log.clone(),
        alerts: log,
        site: Arc::new(SiteDirectory::new(folder.path().to_owned())),
        pages: PAGE_BY_ROLE,
        acting: report::Acting::Nowhere,
    };
    handle(&reporting, Window::last_30_days(sample::now()), sample::now()).await.unwrap();
    let page = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    for (name, alerts) in [("support/index.html", 0), ("accounts/index.html", 1), ("sales/index.html", 1)] {
        let html = page(name);
        assert!(html.contains("mode shadow, 40 % of tickets"), "{name}");
        assert_eq!(html.matches("<span class=\"mark\">would have alerted</span>").count(), alerts, "{name}");
    }
    let words = ["<q>We are looking at other vendors.</q>", "<q>What is your price for two more stores?</q>"];
    let shows = |name: &str| words.map(|words| page(name).contains(words));
    assert_eq!((shows("accounts/index.html"), shows("sales/index.html")), ([true, false], [false, true]));
}

#[tokio::test]
async fn an_account_is_quoted_from_before_the_newest_tickets() {
    let calm = |number| {
        let mut record = sample::record(number, "Calm", sample::now() + SignedDuration::from_mins(1));
        record.guardian = domain::guardian::Guardian { risk_score: 0, ..record.guardian };
        record
    };
    let risky = sample::record(1, "Acme", sample::now());
    let (html, _) = published(std::iter::once(risky).chain((2..=501).map(calm)).collect()).await;
    assert!(!html.contains("data-id=\"1\"") && html.contains("<q>We are looking at other vendors.</q>"));
}

#[tokio::test]
async fn what_customers_wrote_stays_text() {
    let mut record = sample::record(1, "Acme", sample::now());
    for field in [&mut record.customer, &mut record.subject, &mut record.description, &mut record.channel] {
        *field = EVIL.into();
    }
    record.reasons = vec![EVIL.into()];
    let (html, _) = published(vec![record]).await;
    assert!(!html.contains("<script>alert") && !html.contains("<img"));
    assert_eq!(html.matches("<script>").count(), 1, "our own");
}

#[tokio::test]
async fn no_text_hides_or_turns_round() {
    let mut record = sample::record(1, "Acme", sample::now());
    for field in [&mut record.customer, &mut record.subject, &mut record.description, &mut record.channel] {
        *field = "a\u{202e}b\u{0}\u{200b}c".into();
    }
    record.reasons = vec!["a\u{2066}b".into()];
    let (html, _) = published(vec![record]).await;
    assert!(!html.contains(['\u{202e}', '\u{2066}', '\u{0}', '\u{200b}']));
    assert!(html.contains("data-subject=\"abc\""));
}

#[tokio::test]
async fn doubt_and_kind_are_shown() {
    let plain = sample::record(1, "Acme", sample::now());
    let report = Record { kind: Kind::SecurityReport, unsure: true, ..sample::record(2, "Bolt", sample::now()) };
    let (html, _) = published(vec![plain, report]).await;
    let list = html.split("<section id=\"tickets\">").nth(1).unwrap();
    assert_eq!(list.matches("<span class=\"mark\">unsure</span>").count(), 1);
    assert_eq!(list.matches("<span class=\"mark\">security report</span>").count(), 1);
    assert_eq!(html.matches("<strong>Unsure:</strong>").count(), 1);
    for option in ["<option value=\"security_report\">", "<option value=\"unsure\">"] {
        assert!(html.contains(option), "{option}");
    }
}

#[tokio::test]
async fn an_answer_resolves_after_three_quiet_days() {
    for (hours, state, resolved) in [(71, "answered", 0), (72, "auto_resolved", 1)] {
        let draft = Some(sample::draft());
        let record = Record { resolution: Resolution::Answered, draft, ..sample::record(1, "Acme", sample::now()) };
        let (html, metrics) = published_at(vec![record], sample::now() + SignedDuration::from_hours(hours)).await;
        assert!(html.contains(&format!("data-state=\"{state}\"")), "{hours} h");
        assert!(html.contains("<h3>Public reply"), "{hours} h");
        assert_eq!((&metrics["answered_automatically"], &metrics["auto_resolved"]), (&1.into(), &resolved.into()));
    }
}

#[tokio::test]
async fn nobody_reads_of_certainty() {
    let mut record = sample::record(1, "Acme", sample::now());
    record.confidence = Confidence { priority: 1.0, agent: 0.999, topic: 0.97, churn: 0.97, intent: 0.5 };
    let (html, _) = published(vec![record]).await;
    assert!(html.contains("priority 95 %, team 95 %, topic 95 %, churn 95 %, wish to buy 50 %"));
}

#[tokio::test]
async fn the_page_needs_nothing_from_outside() {
    let (html, _) = published(vec![sample::record(1, "Acme", sample::now())]).await;
    for outside in ["src=\"http", "url(http", "@import", "<link rel=\"stylesheet\"", "integrity="] {
        assert!(!html.contains(outside), "{outside}");
    }
}

#[tokio::test]
async fn only_the_newest_tickets_are_shown_and_all_are_counted() {
    let records = (1..=505).map(|number| {
        let at = sample::now() + SignedDuration::from_secs(i64::try_from(number).unwrap());
        sample::record(number, "Acme", at)
    });
    let (html, metrics) = published(records.collect()).await;
    assert_eq!(metrics["total_tickets"], 505);
    assert!(html.contains("the newest 100 of 505"));
    assert!(html.contains("data-id=\"505\"") && !html.contains("data-id=\"5\""));
}

#[tokio::test]
async fn a_reading_says_who_read_what_it_cost_and_what_was_suspicious() {
    let mut by_model = sample::record(1, "Acme", sample::now());
    by_model.analyst = "claude-haiku-5-5/triage-1".into();
    by_model.suspicious = true;
    by_model.draft = Some(Draft { composed: false, ..sample::draft() });
    by_model.usage = Usage { llm_calls: 1, cost_usd: 0.00034, ..Usage::default() };
    let mut stood_in = sample::record(2, "Acme", sample::now());
    stood_in.fallback = Some(Fallback::Paused);
    let (html, metrics) = published(vec![by_model, stood_in]).await;
    for text in [
        "read by claude-haiku-5-5/triage-1",
        "<strong>Suspicious:</strong>",
        "written by the model from",
        "$0.0003",
        "read by sample-1 as a fallback",
        "read by the fallback",
    ] {
        assert!(html.contains(text), "{text}");
    }
    assert_eq!(html.matches("Suspicious:").count(), 1);
    assert!(metrics["llm_calls"] == 1, "{metrics}");
}

#[tokio::test]
async fn each_role_has_a_page_with_what_it_may_see() {
    let folder = tempfile::tempdir().unwrap();
    let log = Arc::new(MemoryTicketLog::default());
    let now = sample::now() + SignedDuration::from_hours(1);
    let record = Record { mrr: Some(98_765.0), ..sample::record(1, "Acme", sample::now()) };
    let lease = Lease { ticket: record.ticket, owner: "test".into(), until: now };
    log.claim(&lease, sample::now()).await.unwrap();
    let expires = now + SignedDuration::from_hours(720);
    log.finish(&lease, &TicketState::default(), &record, expires, &[]).await.unwrap();
    let (guardian, opportunity) = sample::alerts(record.ticket.number());
    for (alert, words) in [(guardian, "we will leave"), (opportunity, "we want to buy")] {
        let due = Deadline { day: jiff::civil::date(2026, 11, 20), time: None, words: "by Friday".into() };
        let evidence = Arc::new([words.to_owned()]);
        let account = record.account.clone();
        let alert = domain::Alert { mrr: record.mrr, evidence, account, deadline: Some(due), ..alert };
        log.open(&alert, expires, &sample::audit_entry(1, AuditAction::AlertRaised)).await.unwrap();
    }
    let reporting = Reporting {
        configuration: configuration(),
        records: log.clone(),
        alerts: log,
        site: Arc::new(SiteDirectory::new(folder.path().to_owned())),
        pages: PAGE_BY_ROLE,
        acting: report::Acting::Nowhere,
    };
    handle(&reporting, Window::last_30_days(now), now).await.unwrap();
    let shows = |page: &str| {
        let html = std::fs::read_to_string(folder.path().join(page)).unwrap();
        assert!(html.contains("#1"), "{page} lists the ticket");
        let reasons = [&*record.guardian.reasons, &*record.opportunity.reasons]
            .map(|reasons| reasons.iter().any(|reason| html.contains(reason)));
        (
            html.contains("we will leave") || reasons[0],
            html.contains("we want to buy") || reasons[1],
            html.contains("98,765") || html.contains("98765"),
        )
    };
    let deadlines = |page: &str| {
        std::fs::read_to_string(folder.path().join(page))
            .unwrap()
            .matches("<span class=\"mark due\">by Fri 20 Nov<")
            .count()
    };
    let pages = ["support", "accounts", "sales", "lead"].map(|page| deadlines(&format!("{page}/index.html")));
    assert_eq!(pages, [0, 2, 1, 3], "at each alert, and at an account at risk");
    assert_eq!(shows("support/index.html"), (false, false, false));
    assert_eq!(shows("accounts/index.html"), (true, false, true));
    assert_eq!(shows("sales/index.html"), (false, true, true));
    assert_eq!(shows("lead/index.html"), (true, true, true));
    for (page, leads) in [("lead/index.html", true), ("accounts/index.html", false), ("support/index.html", false)] {
        let html = std::fs::read_to_string(folder.path().join(page)).unwrap();
        assert_eq!((html.contains("id=\"today\""), html.contains("id=\"right\"")), (leads, leads), "{page}");
    }
}

#[tokio::test]
async fn what_people_corrected_is_told() {
    let log = Arc::new(MemoryTicketLog::default());
    let now = sample::now() + SignedDuration::from_hours(1);
    for number in 1..=4 {
        let mut record = sample::record(number, "Acme", sample::now());
        record.confidence = Confidence { priority: 0.95, agent: 0.8, ..record.confidence };
        let lease = Lease { ticket: record.ticket, owner: "test".into(), until: Timestamp::MAX };
        log.claim(&lease, sample::now()).await.unwrap();
        log.finish(&lease, &TicketState::default(), &record, Timestamp::MAX, &[]).await.unwrap();
    }
    let corrected =
        |target: &'static str| AuditEntry { target: target.into(), ..sample::audit_entry(1, AuditAction::Correction) };
    for entry in [corrected("priority"), corrected("group"), corrected("agent_id")] {
        log.append(&entry).await.unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let site = Arc::new(SiteDirectory::new(folder.path().to_owned()));
    let reporting = Reporting {
        configuration: configuration(),
        records: log.clone(),
        alerts: log,
        site,
        pages: &[("lead.html", report::Audience::Lead)],
        acting: report::Acting::Nowhere,
    };
    handle(&reporting, Window::last_30_days(now), now).await.unwrap();
    let html = std::fs::read_to_string(folder.path().join("lead.html")).unwrap();
    for told in [
        "People corrected the priority of 1 of 4 (25 %).",
        "Where it was 90 % sure or more: 1 of 4 (25 %).",
        "People corrected the team of 1 of 4 (25 %).",
        "Where it was 70 to 90 % sure: 1 of 4 (25 %).",
    ] {
        assert!(html.contains(told), "{told}");
    }
}

/// Some hundred alerts, a third of them closed.
async fn alerts(log: &MemoryTicketLog, tickets: impl Iterator<Item = u64>, account: impl Fn(u64) -> String) {
    for number in tickets {
        let name = account(number);
        let (guardian, opportunity) = sample::alerts(number);
        for (alert, closed) in [(guardian, number.is_multiple_of(3)), (opportunity, number.is_multiple_of(2))] {
            let by: EmailAddress = "kam@example.com".parse().unwrap();
            let stage = Stage::Wrong { reason: WrongReason::Misread, by, at: sample::now() };
            let stage = if closed { stage } else { Stage::New };
            let evidence = Arc::new(["A sentence of some sixty characters, as a customer writes. ".repeat(3)]);
            let alert = Alert {
                account: sample::account_id(&name),
                customer: name.as_str().into(),
                follow_up: FollowUp { stage, ..FollowUp::default() },
                evidence,
                ..alert
            };
            log.open(&alert, Timestamp::MAX, &sample::audit_entry(number, AuditAction::AlertRaised)).await.unwrap();
        }
    }
}

async fn pages(records: Arc<dyn Records>, log: Arc<MemoryTicketLog>, now: Timestamp) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let reporting = Reporting {
        configuration: configuration(),
        records,
        alerts: log,
        site: Arc::new(SiteDirectory::new(folder.path().to_owned())),
        pages: report::ONE_PAGE,
        acting: report::Acting::SignedIn { followup: "/followup".into() },
    };
    handle(&reporting, Window::last_30_days(now), now).await.unwrap();
    let names = [DASHBOARD, "account/guardian/1.html", "account/opportunity/1.html", "account/all/1.html"];
    names.iter().map(|name| std::fs::read_to_string(folder.path().join(name)).unwrap()).collect()
}

/// A megabyte is what a page may have, with all that 5,000 tickets bring.
#[tokio::test]
async fn a_page_of_many_tickets_is_small() {
    let log = Arc::new(MemoryTicketLog::default());
    let account = |number| format!("Account number {}", number % 200);
    for number in 1..=5_000_u64 {
        let at = sample::now() - SignedDuration::from_secs((5_000 - number).cast_signed() * 500);
        let record = Record {
            description: "A sentence of some sixty characters, as a customer writes. ".repeat(15).into(),
            draft: Some(sample::draft()),
            ..sample::record(number, &account(number), at)
        };
        let lease = Lease { ticket: record.ticket, owner: "test".into(), until: Timestamp::MAX };
        log.claim(&lease, at).await.unwrap();
        log.finish(&lease, &TicketState::default(), &record, Timestamp::MAX, &[]).await.unwrap();
    }
    alerts(&log, 4_501..=5_000, account).await;
    let pages = pages(log.clone(), log, sample::now()).await;
    let html = &pages[0];
    assert_eq!(html.matches("<details class=\"alert\"").count(), 100, "40 open and 10 closed of either kind");
    assert!(html.len() < 1_000_000, "{}", html.len());
    assert!(html.contains("[[5000,") && html.contains(",[1,"), "the index knows them all");
}

/// Days of very many tickets, made when they are read.
struct Many {
    a_day: u64,
    first: Date,
    like: Record,
}

impl Many {
    fn account(number: u64) -> String {
        format!("Account number {}", number % 2_000)
    }
}

#[async_trait]
impl Records for Many {
    async fn record(&self, ticket: TicketId, _: Timestamp) -> Result<Option<Record>, PortError> {
        let name = Self::account(ticket.number());
        let (account, customer) = (sample::account_id(&name), name.as_str().into());
        Ok(Some(Record { ticket, account, customer, ..self.like.clone() }))
    }

    async fn day(&self, day: Date, _: Timestamp) -> Result<Vec<Summary>, PortError> {
        let Ok(days) = u64::try_from((day - self.first).get_days()) else { return Ok(Vec::new()) };
        let like = self.like.summary();
        let summary = |number: u64| {
            let name = Self::account(number);
            let (account, customer) = (sample::account_id(&name), name.as_str().into());
            let risk_score = if number.is_multiple_of(49) { 9 } else { 0 };
            Summary { ticket: sample::ticket_id(number), account, customer, risk_score, ..like.clone() }
        };
        Ok((1..=self.a_day).map(|number| summary(days * self.a_day + number)).collect())
    }

    async fn corrections(&self, _: Date, _: Timestamp) -> Result<Vec<AuditEntry>, PortError> {
        Ok(Vec::new())
    }

    async fn past(&self, _: &AccountId, _: TicketId, _: Timestamp, _: usize) -> Result<Vec<PastTicket>, PortError> {
        Ok(Vec::new())
    }
}

#[tokio::test]
async fn pages_of_150_000_tickets_stay_small() {
    let window = Window::last_30_days(sample::now());
    let log = Arc::new(MemoryTicketLog::default());
    alerts(&log, (50..=150_000).step_by(100), Many::account).await;
    let description = "A sentence of some sixty characters, as a customer writes. ".repeat(15).into();
    let like = Record { description, draft: Some(sample::draft()), ..sample::record(1, "Acme", sample::now()) };
    let many = Many { a_day: 5_000, first: window.first, like };
    let pages = pages(Arc::new(many), log, sample::now()).await;
    assert!(pages[0].contains("the newest 100 of 150000"));
    assert!(pages[0].contains("The 140000 oldest are not searched"));
    for page in pages {
        assert!(page.len() < 2_000_000, "{}", page.len());
    }
}

/// A store whose reads take 5 to 24 ms: the more are under way the less, so that answers come out of order.
struct Slow {
    tickets_a_day: u64,
    reading: AtomicUsize,
    most_reading: AtomicUsize,
    /// Shared by all summaries, so that its count says how many of them are held.
    customer: Arc<str>,
    most_held: AtomicUsize,
}

impl Slow {
    async fn read(&self) {
        let now = self.reading.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_reading.fetch_max(now, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(25 - now.min(20) as u64)).await;
        self.reading.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Ticket numbers rise with the days.
fn day_number(day: Date) -> u64 {
    u64::try_from(day.day_of_year()).unwrap()
}

#[async_trait]
impl Records for Slow {
    async fn record(&self, ticket: TicketId, _: Timestamp) -> Result<Option<Record>, PortError> {
        self.read().await;
        Ok(Some(sample::record(ticket.number(), "Acme", sample::now())))
    }

    async fn day(&self, day: Date, _: Timestamp) -> Result<Vec<Summary>, PortError> {
        self.read().await;
        let first = day_number(day) * 1000;
        let summaries = (first..first + self.tickets_a_day).map(|number| Summary {
            customer: self.customer.clone(),
            ..sample::record(number, "Acme", sample::now()).summary()
        });
        let summaries: Vec<Summary> = summaries.collect();
        self.most_held.fetch_max(Arc::strong_count(&self.customer), Ordering::SeqCst);
        Ok(summaries)
    }

    async fn corrections(&self, _: Date, _: Timestamp) -> Result<Vec<AuditEntry>, PortError> {
        Ok(Vec::new())
    }

    async fn past(&self, _: &AccountId, _: TicketId, _: Timestamp, _: usize) -> Result<Vec<PastTicket>, PortError> {
        Ok(Vec::new())
    }
}

#[tokio::test(start_paused = true)]
async fn reads_are_concurrent_bounded_and_ordered() {
    let folder = tempfile::tempdir().unwrap();
    let records = Arc::new(Slow {
        tickets_a_day: 20,
        reading: AtomicUsize::new(0),
        most_reading: AtomicUsize::new(0),
        customer: "Acme".into(),
        most_held: AtomicUsize::new(0),
    });
    let reporting = Reporting {
        configuration: configuration(),
        records: records.clone(),
        alerts: Arc::new(MemoryTicketLog::default()),
        site: Arc::new(SiteDirectory::new(folder.path().to_owned())),
        pages: report::ONE_PAGE,
        acting: report::Acting::Nowhere,
    };
    let begun = tokio::time::Instant::now();
    let aggregates = handle(&reporting, Window::last_30_days(sample::now()), sample::now()).await.unwrap();
    assert_eq!(aggregates.tickets, 600);
    // One after the other, 190 reads of at least 5 ms are 950 ms.
    assert!(begun.elapsed() < Duration::from_millis(900), "{:?}", begun.elapsed());
    assert_eq!(records.most_reading.load(Ordering::SeqCst), 16);
    let held = records.most_held.load(Ordering::SeqCst);
    assert!(held < 5 * 20, "four days of summaries at most, not thirty: {held}");
    let html = std::fs::read_to_string(folder.path().join(DASHBOARD)).unwrap();
    let shown: Vec<u64> =
        html.split("data-id=\"").skip(1).map(|rest| rest.split('"').next().unwrap().parse().unwrap()).collect();
    let today = day_number(utc_day(sample::now())) * 1000;
    assert_eq!((shown.len(), shown[0], shown[99]), (100, today + 19, today - 4 * 1000));
    assert!(shown.windows(2).all(|pair| pair[0] > pair[1]), "newest first");
}

#[tokio::test]
async fn a_page_says_what_is_no_longer_kept() {
    let record = || vec![sample::record(1, "Acme", sample::now())];
    for (days, told) in [(30, true), (400, false)] {
        let policy = Policy { retention: SignedDuration::from_hours(24 * days), ..sample::policy() };
        let (html, _) = published_under(policy, record(), sample::now()).await;
        assert_eq!(html.contains("Tickets are kept for 30 days. Nothing is known"), told, "{days}");
        assert_eq!(html.contains("class=\"unknown\""), told, "{days}");
    }
}

#[tokio::test]
async fn a_page_says_what_is_not_searched() {
    let records = |many| (1..=many).map(|number| sample::record(number, "Acme", sample::now())).collect();
    for (many, told) in [(100, false), (130, true)] {
        let (html, _) = published(records(many)).await;
        let note =
            "Subject and text are searched of the newest 100 tickets only; the 30 before them are found by number";
        assert_eq!(html.contains(note), told, "{many}");
    }
}

#[tokio::test]
async fn each_ticket_has_its_date() {
    let (html, _) = published(vec![sample::record(1, "Acme", sample::now())]).await;
    assert!(
        html.contains("<td class=\"date\"><time datetime=\"2026-11-16T09:00:00Z\">2026-11-16 09:00 UTC</time></td>")
    );
}
