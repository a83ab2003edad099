//! Teams are a change of `agents.json` and of nothing else.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    path::Path,
    process::{Command, Output},
    sync::Arc,
};

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
use serde_json::{Value, json};
use zendesk::update_request;

/// The bundled file with one more team at its end.
fn four_teams() -> Config {
    let mut agents: Vec<Value> = serde_json::from_str(data::AGENTS).unwrap();
    agents.push(json!({
        "agent": "field_ops",
        "team": "Field Operations",
        "description": "Scanners and printers on the warehouse floor",
        "group": 360001004,
        "signature": "The Field Operations team",
    }));
    let agents = serde_json::to_string(&agents).unwrap();
    let files = Files { policy: data::POLICY, agents: &agents, playbooks: None };
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
    let context = TicketContext { ticket: &ticket, account: &account, history: &[], earlier: &[], state: &state };
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
        acting: report::Acting::Nowhere,
    };
    report::handle(&reporting, report::Window::last_30_days(now), now).await.unwrap();
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let page = read(report::DASHBOARD);
    assert!(
        page.contains("<option value=\"field_ops\">Field ops</option>") && page.contains("data-agent=\"field_ops\"")
    );
    let metrics: Value = serde_json::from_str(&read(report::METRICS)).unwrap();
    assert_eq!(metrics["by_agent"]["field_ops"], 1);
}

/// Five teams that are none of the bundled ones: two share their topics by language, one is learnt, one takes the rest.
fn five_teams() -> Value {
    let interfaces = ["webhooks", "api-access", "rate-limits", "api-usage", "order-sync", "stock-sync", "connectors"];
    let money = ["payments", "refunds", "payouts", "disputes", "taxes", "billing"];
    let loyalty = [
        "How many points does a customer earn for each euro spent?",
        "The loyalty points of last week's orders were not credited to our members.",
        "Can we change the tiers of our rewards programme from silver and gold to three levels?",
        "A member's points expired although she bought something last month.",
        "We would like to give double points on birthdays.",
        "Shoppers cannot redeem their points for a voucher at the checkout.",
        "How do I merge two loyalty accounts of the same member?",
        "The referral bonus is not shown in the member's card.",
    ];
    let team = |id: &str, name: &str, group: u64, more: Value| {
        let mut team = json!({ "agent": id, "team": name, "description": name, "group": group, "signature": name });
        team.as_object_mut().unwrap().append(more.clone().as_object_mut().unwrap());
        team
    };
    json!([
        team("entwickler", "Schnittstellen & Entwicklung", 501, json!({ "topics": interfaces, "languages": ["de"] })),
        team("developers", "Interfaces & Developers", 502, json!({ "topics": interfaces })),
        team("zahlungen", "Zahlungen & Auszahlungen", 503, json!({ "topics": money })),
        team("treueprogramm", "Treueprogramm", 504, json!({ "examples": loyalty })),
        team("empfang", "Empfang", 505, json!({ "default": true })),
    ])
}

const TICKETS: &str = "ticket_id,customer_name,subject,description,team,topic
1,Rad AG,Webhooks,\"Seit gestern Abend kommen an unserem Endpunkt keine Webhooks mehr an, die Signatur passt nicht.\",entwickler,webhooks
2,Bikes Ltd,Webhooks,\"Since last night no webhook deliveries reach our endpoint, the signature does not match.\",developers,webhooks
3,Rad AG,Auszahlung,\"Die Auszahlung von letzter Woche ist noch nicht auf unserem Bankkonto.\",zahlungen,payouts
4,Rad AG,Punkte,\"Unsere Stammkunden sehen ihre gesammelten Punkte nicht mehr im Kundenkonto.\",treueprogramm,treueprogramm
5,Bikes Ltd,New colleague,\"How do I invite a new colleague as a user and give her the role of an editor?\",empfang,users
";

/// The files of five teams and of their tickets, and a folder for what comes of them.
fn files(folder: &Path, teams: &Value) -> [String; 3] {
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let [agents, tickets, output] = ["agents.json", "tickets.csv", "out"].map(path);
    std::fs::write(&agents, teams.to_string()).unwrap();
    std::fs::write(&tickets, TICKETS).unwrap();
    [agents, tickets, output]
}

fn local(command: &str, [agents, tickets, output]: &[String; 3]) -> Output {
    let mut local = Command::new(env!("CARGO_BIN_EXE_local"));
    local.args([command, "--agents", agents, "--input", tickets, "--output", output]).env_clear().output().unwrap()
}

#[test]
fn five_teams_go_from_file_to_page() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path(), &five_teams());
    let ended = local("run", &files);
    let printed = String::from_utf8_lossy(&ended.stdout);
    assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));
    assert!(printed.contains("Entwickler 1 · Developers 1 · Zahlungen 1 · Treueprogramm 1 · Empfang 1"), "{printed}");
    assert!(String::from_utf8_lossy(&ended.stderr).is_empty(), "the labels are known");

    let read = |name: &str| std::fs::read_to_string(folder.path().join("out").join(name)).unwrap();
    let results: Value = serde_json::from_str(&read("triage_results.json")).unwrap();
    let calls: Value = serde_json::from_str(&read("zendesk_api_calls.json")).unwrap();
    let expected = [
        ("entwickler", "webhooks", 501),
        ("developers", "webhooks", 502),
        ("zahlungen", "payouts", 503),
        ("treueprogramm", "treueprogramm", 504),
        ("empfang", "users", 505),
    ];
    for (row, (team, topic, group)) in expected.into_iter().enumerate() {
        assert_eq!((&results[row]["agent"], &results[row]["topic"]), (&team.into(), &topic.into()), "{row}");
        let ticket = &calls[row]["api_payload"]["ticket"];
        assert_eq!(ticket["group_id"], group, "{team}");
        assert!(ticket["tags"].to_string().contains(&format!("\"agent_{team}\"")), "{ticket}");
    }
    let page = read("triage_report.html");
    for part in [
        "<option value=\"zahlungen\">Zahlungen</option>",
        "<th scope=\"row\">Webhooks</th><td class=\"number\">2</td>",
        "<th scope=\"row\">Treueprogramm</th><td class=\"number\">1</td>",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let metrics: Value = serde_json::from_str(&read("metrics_summary.json")).unwrap();
    assert_eq!((&metrics["by_agent"]["zahlungen"], &metrics["by_topic"]["webhooks"]), (&1.into(), &2.into()));
    assert!(metrics["by_agent"].get("nexus").is_none());
}

#[test]
fn own_teams_and_topics_are_evaluated() {
    let folder = tempfile::tempdir().unwrap();
    let ended = local("eval", &files(folder.path(), &five_teams()));
    assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));
    let printed = String::from_utf8_lossy(&ended.stdout);
    assert!(printed.contains("taken for") && printed.contains("treueprogramm"), "{printed}");
    let file = std::fs::read_to_string(folder.path().join("out/evaluation.json")).unwrap();
    let file: Value = serde_json::from_str(&file).unwrap();
    for label in ["team", "topic"] {
        assert_eq!((&file[label]["tickets"], &file[label]["accuracy"]), (&5.into(), &1.0.into()), "{label}");
    }
    assert_eq!(file["topic"]["confusion"]["webhooks"]["webhooks"], 2);
}

#[test]
fn a_mistake_in_the_file_ends_the_run_with_its_fix() {
    let folder = tempfile::tempdir().unwrap();
    let mut teams = five_teams();
    teams[2]["topics"][0] = "paymnts".into();
    teams[3]["examples"] = json!(["Points are missing."]);
    let ended = local("run", &files(folder.path(), &teams));
    assert_eq!(ended.status.code(), Some(2));
    let told = String::from_utf8_lossy(&ended.stderr);
    for part in [
        "agents.json: zahlungen: topics[0] is no topic; the nearest are payments, ",
        "agents.json: treueprogramm: examples has 1; give 5 to 20 sentences that customers write",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
}
