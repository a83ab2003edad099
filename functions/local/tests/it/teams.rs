//! A fourth team is a change of `agents.json` and of nothing else.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use analyst::KnowledgeBase;
use domain::{
    Mode, Reading, Record, Scored, TicketContext, TicketState, decide,
    ports::{Lease, TicketLog},
    reading::Usage,
    record::Effort,
    sample,
};
use jiff::SignedDuration;
use llm::prompt::Prompt;
use memory::{FixedConfiguration, MemoryTicketLog, SiteDirectory};
use report::Reporting;
use runtime::config::{Config, Defaults, Files, Switches};
use zendesk::update_request;

/// The bundled file with one more team at its end.
fn four_teams() -> Config {
    let mut agents: Vec<serde_json::Value> = serde_json::from_str(data::AGENTS).unwrap();
    agents.push(serde_json::json!({
        "agent": "field_ops",
        "team": "Field Operations",
        "description": "Scanners and printers on the warehouse floor",
        "group": 360001004,
        "signature": "The Field Operations team",
    }));
    let agents = serde_json::to_string(&agents).unwrap();
    let files = Files { policy: data::POLICY, agents: &agents };
    let switches = Switches { mode: Mode::Act, ..Switches::default() };
    runtime::config::read(files, |_| None, &Defaults { switches, ..Defaults::laptop() }).unwrap()
}

#[tokio::test]
async fn a_fourth_team_goes_all_the_way() {
    let config = four_teams();
    let Config { policy, fields, .. } = &config;
    let knowledge = KnowledgeBase::parse(data::knowledge_base()).unwrap();
    assert!(Prompt::new(&policy.teams, &knowledge).system().contains("- `field_ops`: Field Operations. Scanners"));

    let (ticket, account, state) = (sample::ticket(7), sample::account(), TicketState::default());
    let context = TicketContext { ticket: &ticket, account: &account, history: &[], state: &state };
    let agent = Scored { value: sample::team("field_ops"), confidence: 0.9 };
    let plan = decide(context, &Reading { agent, ..sample::reading() }, policy, sample::now());

    let request = update_request(plan.update.as_ref().unwrap(), fields).body.unwrap();
    assert_eq!(request["ticket"]["group_id"], 360001004);
    let tags = request["ticket"]["tags"].to_string();
    assert!(tags.contains("\"agent_field_ops\"") && tags.contains("\"team_field_ops\""), "{tags}");

    let effort = Effort { at: sample::now(), duration_ms: 1, usage: Usage::default() };
    let record = Record::new(context, plan, effort);
    let (log, now) = (Arc::new(MemoryTicketLog::default()), sample::now() + SignedDuration::from_hours(1));
    let lease = Lease { ticket: record.ticket, owner: "test".into(), until: now };
    log.claim(&lease, sample::now()).await.unwrap();
    log.finish(&lease, &state, &record, now + SignedDuration::from_hours(1), &[]).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let reporting = Reporting {
        configuration: Arc::new(FixedConfiguration(Arc::new(config))),
        records: log.clone(),
        alerts: log,
        site: Arc::new(SiteDirectory::new(folder.path().to_owned())),
        pages: report::ONE_PAGE,
    };
    report::handle(&reporting, report::Window::last_30_days(now), now).await.unwrap();
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let page = read(report::DASHBOARD);
    assert!(
        page.contains("<option value=\"field_ops\">Field ops</option>") && page.contains("data-agent=\"field_ops\"")
    );
    let metrics: serde_json::Value = serde_json::from_str(&read(report::METRICS)).unwrap();
    assert_eq!(metrics["by_agent"]["field_ops"], 1);
}
