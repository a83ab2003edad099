//! The binary as a user runs it: output, files, exit status.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
    command.args(arguments).current_dir(root()).env_clear();
    command
}

fn local(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json(folder: &Path, name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder.join(name)).unwrap()).unwrap()
}

/// Runs into a fresh folder.
fn run(arguments: &[&str]) -> (Output, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out");
    let mut all = vec!["run", "--output", output.to_str().unwrap()];
    all.extend(arguments);
    (local(&all), folder)
}

fn csv(folder: &Path, rows: &str) -> String {
    let path = folder.join("tickets.csv");
    std::fs::write(&path, format!("ticket_id,customer_name,subject,description,mrr,timestamp\n{rows}")).unwrap();
    path.to_str().unwrap().to_owned()
}

const FILES: [&str; 6] = [
    "triage_results.json",
    "zendesk_api_calls.json",
    "guardian_alerts_log.json",
    "opportunity_alerts_log.json",
    "audit.json",
    "metrics_summary.json",
];

#[test]
fn a_run_ends_with_thirty_tickets_and_all_files() {
    let (output, folder) = run(&[]);
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(printed.contains("30 of 30 tickets triaged") && printed.contains("triage_report.html"), "{printed}");
    assert!(printed.contains("#1001") && printed.contains("Guardian signals"), "{printed}");

    let out = folder.path().join("out");
    let results = json(&out, "triage_results.json");
    let ids: Vec<&str> = results.as_array().unwrap().iter().map(|row| row["ticket_id"].as_str().unwrap()).collect();
    let expected: Vec<String> = (1001..=1030).map(|id| format!("#{id}")).collect();
    assert_eq!(ids, expected, "in the order of the input");
    let metrics = json(&out, "metrics_summary.json");
    let high = results.as_array().unwrap().iter().filter(|row| row["guardian"]["is_high_risk"] == true).count();
    assert_eq!((&metrics["total_tickets"], &metrics["guardian_alerts"]), (&30.into(), &high.into()));
    assert_eq!(json(&out, "zendesk_api_calls.json").as_array().unwrap().len(), 30);
    assert_eq!(json(&out, "guardian_alerts_log.json").as_array().unwrap().len(), high);
    let files = |of: &str| std::fs::read_dir(out.join(of)).unwrap().count();
    let emails = files("emails");
    assert_eq!(files("eml"), emails, "each with its headers and its text");
    assert!(emails > high, "an e-mail for each signal, less the held ones, plus a digest: {emails}");
    let posted =
        std::fs::read_dir(out.join("slack")).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    for file in posted {
        let message = json(&out.join("slack"), &file);
        assert!(message["blocks"].as_array().is_some_and(|blocks| blocks.len() > 4), "{file}: {message}");
    }
    assert!(!out.join(".probe").exists());
}

#[test]
fn the_formats_have_exactly_their_fields() {
    let (_, folder) = run(&[]);
    let out = folder.path().join("out");
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    let first = |name: &str| json(&out, name)[0].clone();
    let result = first("triage_results.json");
    assert_eq!(
        keys(&result),
        "agent analyst channel confidence customer_name draft_response duration_ms guardian kind language mrr \
         opportunity priority resolution subject ticket_id timestamp topic unsure"
    );
    assert_eq!(keys(&result["guardian"]), "evidence is_high_risk reasoning recommended_action risk_score sentiment");
    assert_eq!(keys(&result["opportunity"]), "confidence evidence has_business_intent intent_type reasoning");
    assert_eq!(keys(&result["confidence"]), "agent churn intent priority topic");
    assert_eq!(keys(&first("zendesk_api_calls.json")), "action api_endpoint api_payload ticket_id");
    assert_eq!(
        keys(&first("guardian_alerts_log.json")),
        "customer delivery evidence owner recipient risk_score state ticket_id"
    );
    assert_eq!(
        keys(&first("opportunity_alerts_log.json")),
        "confidence customer delivery evidence intent_type owner recipient state ticket_id"
    );
    assert_eq!(keys(&first("audit.json")), "action outcome target ticket time");
}

#[test]
fn a_run_ends_when_answers_are_settled() {
    let input = tempfile::tempdir().unwrap();
    let question = "1,Acme,Rotating an API key,\"Hi, how can I rotate our API key without downtime?\",,\n";
    let (_, folder) = run(&["--input", &csv(input.path(), question)]);
    let out = folder.path().join("out");
    let results = json(&out, "triage_results.json");
    let of = |resolution| results.as_array().unwrap().iter().filter(|row| row["resolution"] == resolution).count();
    let metrics = json(&out, "metrics_summary.json");
    assert!(of("auto_resolved") > 0 && of("answered") == 0);
    assert_eq!(
        (&metrics["auto_resolved"], &metrics["answered_automatically"]),
        (&of("auto_resolved").into(), &of("auto_resolved").into())
    );
}

/// A name that anybody may write under, in the mail that only the customer gets.
#[test]
fn a_name_is_no_way_into_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let names = [
        "[Sign in](https://evil.example/login)",
        "![x](https://evil.example/pixel.png)",
        "<https://evil.example/login>",
        "[a](javascript:alert(1))",
        "evil.example",
        "Acme\n\n# URGENT: your account is locked\n\n---",
        "&lt;b&gt; https&#58;//evil&#46;example",
        "N/A",
        "Nexus",
        "Acme",
    ];
    let mut rows = "ticket_id,customer_name,subject,description\n".to_owned();
    for (number, name) in (1..).zip(names) {
        rows.push_str(&format!(
            "{number},\"{name}\",Rotating our API keys,How can I rotate our API key without downtime?\n"
        ));
    }
    let file = folder.path().join("names.csv");
    std::fs::write(&file, rows).unwrap();
    let (_, ran) = run(&["--input", file.to_str().unwrap()]);
    let calls = json(&ran.path().join("out"), "zendesk_api_calls.json");
    let comments: Vec<&Value> =
        calls.as_array().unwrap().iter().map(|call| &call["api_payload"]["ticket"]["comment"]).collect();
    assert_eq!((comments.len(), comments.iter().filter(|comment| comment["public"] == true).count()), (10, 10));
    for (comment, name) in comments.iter().zip(names) {
        let html = comment["html_body"].as_str().unwrap();
        let greeting = if name == "Acme" { "<p>Hi Acme team,</p>" } else { "<p>Hello,</p>" };
        assert!(
            html.starts_with("<p>This answer was sent automatically.") && html.contains(greeting),
            "{name}: {html}"
        );
        for way_in in ["evil", "<a ", "<img", "<h1", "Nexus", "URGENT"] {
            assert!(!html.contains(way_in), "{name}: {html}");
        }
    }
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let files = || {
        let (_, folder) = run(&[]);
        FILES.map(|name| {
            let text = std::fs::read_to_string(folder.path().join("out").join(name)).unwrap();
            let lines =
                text.lines().filter(|line| !line.contains("duration_ms") && !line.contains("average_processing_ms"));
            lines.collect::<Vec<_>>().join("\n")
        })
    };
    assert_eq!(files(), files());
}

#[test]
fn a_bad_row_costs_only_itself_and_the_exit_status_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = csv(folder.path(), "1,Acme,Help,Text,100,\n2,Acme\n");
    let (output, _out) = run(&["--input", &file]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("1 of 2 tickets triaged"));
    let error = text(&output.stderr);
    assert!(error.contains(&format!("skipped: {file}, line 3: has 2 fields")), "{error}");
}

#[test]
fn a_bad_value_costs_no_ticket() {
    let folder = tempfile::tempdir().unwrap();
    let file = csv(folder.path(), "1,Acme,Help,Text,100,\n2,Acme,Help,Text,-5,\n3,Acme,,,\"5,000\",16/11/2026\n");
    let (output, _out) = run(&["--input", &file]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("3 of 3 tickets triaged"));
    let error = text(&output.stderr);
    assert!(
        error.contains(&format!("note: {file}: column mrr: 1 value counts as empty, on line 3: “-5” is")),
        "{error}"
    );
}

#[test]
fn ids_of_other_helpdesks_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = csv(folder.path(), "HR-2231,Acme,Help,Text,,\n9007199254740993,Acme,Help,Text,,\n7,Acme,Help,Text,,\n");
    let (output, out) = run(&["--input", &file]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let out = out.path().join("out");
    let results = json(&out, "triage_results.json");
    let ids: Vec<&str> = results.as_array().unwrap().iter().map(|row| row["ticket_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["HR-2231", "9007199254740993", "7"]);
    let call = json(&out, "zendesk_api_calls.json")[0].clone();
    assert_eq!(
        (&call["ticket_id"], &call["api_endpoint"]),
        (&"HR-2231".into(), &"PUT /api/v2/tickets/7570293066039028.json".into())
    );
    assert!(text(&output.stdout).contains("HR-2231 = #7570293066039028  P"), "{}", text(&output.stdout));
    let output = forget(out.to_str().unwrap(), &["--ticket", "HR-2231"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(json(&out, "triage_results.json").as_array().unwrap().len(), 2);
}

#[test]
fn an_export_is_read_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.csv");
    let text_of = "Betreff;Anliegen;Firmenkunde\nKasse steht;Nichts geht mehr;Müller\n";
    std::fs::write(&path, text_of).unwrap();
    let file = path.to_str().unwrap();
    let (output, out) = run(&["--input", file, "--map", "customer_name=Firmenkunde"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(json(&out.path().join("out"), "triage_results.json")[0]["customer_name"], "Müller");
    assert!(text(&output.stderr).contains("read customer_name from “Firmenkunde”, subject from “Betreff”"));
    for (map, problem) in
        [("customer_name=Firmenkund", "Did you mean “Firmenkunde”?"), ("kunde=Firmenkunde", "there is no field kunde")]
    {
        let (output, _out) = run(&["--input", file, "--map", map]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(problem), "{}", text(&output.stderr));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn an_input_without_end_is_given_up_at_once() {
    for (input, problem) in
        [("/dev/zero", "seems to be a binary file"), (env!("CARGO_BIN_EXE_local"), "seems to be a program")]
    {
        let (output, _out) = run(&["--input", input]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(problem), "{}", text(&output.stderr));
    }
}

#[test]
fn when_nothing_can_run_the_status_is_two_and_the_message_names_the_fix() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.csv");
    std::fs::write(&empty, "").unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let inside = file.join("out");
    let bad = csv(folder.path(), "x,Acme\n");
    for (arguments, message) in [
        (vec!["--input", "/no/such.csv"], "/no/such.csv cannot be read"),
        (vec!["--input", empty.to_str().unwrap()], "is empty"),
        (vec!["--input", &bad], "no ticket that can be used"),
        (vec!["--output", inside.to_str().unwrap()], "choose another folder with --output"),
        (vec!["--colour"], "unexpected argument '--colour'"),
        (vec!["--analyst", "oracle"], "possible values: auto, claude, embedded, cascade"),
        (vec!["--analyst", "cascade"], "ANTHROPIC_API_KEY: is needed for ANALYST=cascade"),
    ] {
        let output = local(&arguments);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(message), "{arguments:?}: {error}");
    }
    let variables = [("MODE", "yolo"), ("GUARDIAN_EMAIL", "nobody"), ("MODEL", "claude-2"), ("ANALYST", "nobody")];
    let output = command(&[]).envs(variables).output().unwrap();
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    for (name, _) in variables {
        assert!(error.contains(&format!("{name}: ")), "{name} in {error}");
    }
}

#[test]
fn html_in_every_field_stays_text() {
    let folder = tempfile::tempdir().unwrap();
    let evil = "<script>alert(1)</script>";
    let file = csv(
        folder.path(),
        &format!("1,{evil},{evil},{evil} We are leaving you and cancel our contract with you.,100,\n"),
    );
    let (output, out) = run(&["--input", &file]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let out = out.path().join("out");
    let pages = std::fs::read_dir(out.join("emails")).into_iter().flatten().map(|file| file.unwrap().path());
    for page in pages.chain([out.join("triage_report.html")]) {
        assert!(!std::fs::read_to_string(&page).unwrap().contains(evil), "{}", page.display());
    }
    let calls = std::fs::read_to_string(out.join("zendesk_api_calls.json")).unwrap();
    assert!(!calls.contains(evil));
}

#[test]
fn demo_mode_renders_no_mail_and_logs_alerts_as_skipped() {
    let (output, folder) = run(&["--demo-mode"]);
    assert_eq!(output.status.code(), Some(0));
    let out = folder.path().join("out");
    assert!(!out.join("emails").exists() && !out.join("slack").exists());
    let alerts = json(&out, "guardian_alerts_log.json");
    assert!(alerts.as_array().unwrap().iter().all(|alert| alert["delivery"] == "skipped"), "{alerts}");
}

#[test]
fn recipients_come_from_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let output = command(&["--output", folder.path().to_str().unwrap()])
        .env("GUARDIAN_EMAIL", "ann@example.org")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(json(folder.path(), "guardian_alerts_log.json")[0]["recipient"], "ann@example.org");
}

#[test]
fn a_second_run_leaves_nothing_of_the_first_and_nothing_of_others_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    local(&["--output", out]);
    std::fs::write(folder.path().join("mine.txt"), "keep").unwrap();
    let file = csv(folder.path(), "1,Acme,Thanks,All good and many thanks for your help last week.,100,\n");
    local(&["--output", out, "--input", &file]);
    assert_eq!(json(folder.path(), "triage_results.json").as_array().unwrap().len(), 1);
    let emails = std::fs::read_dir(folder.path().join("emails")).unwrap();
    let old = emails.filter(|email| email.as_ref().unwrap().file_name().to_str().unwrap().starts_with("10"));
    assert_eq!(old.count(), 0);
    assert!(folder.path().join("mine.txt").exists());
}

#[test]
fn eval_prints_the_tables_and_writes_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let output =
        local(&["eval", "--input", "shared/data/corpus/tickets.csv", "--output", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    let file = json(folder.path(), "evaluation.json");
    for label in ["priority", "team", "sentiment", "churn_risk", "intent", "language"] {
        assert!(printed.contains(label), "{printed}");
        let accuracy = file[label]["accuracy"].as_f64().unwrap();
        assert!(accuracy > 0.5, "{label}: {accuracy}");
        assert_eq!(file[label]["tickets"], 30);
        let confusion = file[label]["confusion"].as_object().unwrap();
        let cells = confusion.values().flat_map(|row| row.as_object().unwrap().values());
        assert_eq!(cells.map(|count| count.as_u64().unwrap()).sum::<u64>(), 30, "{label}");
    }
    let unlabelled = csv(folder.path(), "1,Acme,Help,Text,100,\n");
    let output = local(&["eval", "--input", &unlabelled]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("has no labels"));
}

#[test]
fn labels_never_reach_triage() {
    let folder = tempfile::tempdir().unwrap();
    let bundled = std::fs::read_to_string(root().join("shared/data/corpus/tickets.csv")).unwrap();
    let turned = folder.path().join("turned.csv");
    std::fs::write(&turned, bundled.replace(",sentinel,", ",nexus,").replace(",none,none,", ",high,upgrade,")).unwrap();
    let results = |arguments: &[&str]| {
        let (_, folder) = run(arguments);
        let text = std::fs::read_to_string(folder.path().join("out/triage_results.json")).unwrap();
        text.lines().filter(|line| !line.contains("duration_ms")).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(results(&[]), results(&["--input", turned.to_str().unwrap()]));
}

#[test]
fn eval_compares_two_analysts_and_holds_scores_against_minimums() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let minimums = folder.path().join("least.json");
    std::fs::write(&minimums, r#"{"/priority/weighted_kappa": 0.5, "/language/accuracy": 1.5}"#).unwrap();
    let least = minimums.to_str().unwrap();
    let output = local(&["eval", "--output", out, "--compare", "embedded", "--not-below", least]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    assert!(printed.contains("Compared with embedded") && printed.contains("+0.000"), "{printed}");
    assert!(text(&output.stderr).contains("/language/accuracy is 1, at least 1.5 was asked for"));
    assert!(!text(&output.stderr).contains("weighted_kappa"));
    let file = json(folder.path(), "evaluation.json");
    assert_eq!(file["priority"]["weighted_kappa"], file["compared_with"]["priority"]["weighted_kappa"]);
    let priority = &file["priority"];
    let [low, high] = [0, 1].map(|end| priority["interval_95"]["weighted_kappa"][end].as_f64().unwrap());
    assert!(low <= high && low <= priority["weighted_kappa"].as_f64().unwrap());
    assert!(priority["calibration"]["expected_error"].as_f64().unwrap() < 0.5);
    assert!(priority["by_language"]["en"]["p0_recall"].is_number());

    let output = local(&["eval", "--not-below", "nowhere.json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("nowhere.json"));
}

#[test]
fn metamorphic_counts_flips_and_holds_them_to_those_reached() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let reached = folder.path().join("reached.json");
    let reached = reached.to_str().unwrap();
    let metamorphic = |more: &[&str]| {
        let tickets = ["metamorphic", "--input", "shared/data/corpus/tickets.csv", "--every", "10", "--output", out];
        local(&[&tickets, more].concat())
    };
    let output = metamorphic(&["--write", reached]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    assert!(printed.contains("Reading 3 tickets as they are and under 33 changes"), "{printed}");
    assert!(printed.contains("formal-courtesy") && printed.contains("exempt"), "{printed}");
    let file = json(folder.path(), "metamorphic.json");
    assert_eq!((&file["tickets"], &file["changes"]["greeting"]["tickets"]), (&3.into(), &3.into()));
    assert!(file["changes"]["capitals"]["sentiment"].is_null());
    let any = file["changes"]["typos"]["any"]["flips"].as_u64().unwrap();
    assert_eq!(file["changes"]["typos"]["flipped"].as_array().unwrap().len() as u64, any);

    let output = metamorphic(&["--not-above", reached, "--only", "greeting", "--only", "html"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(!text(&output.stdout).contains("typos"));

    std::fs::write(reached, r#"{"every": 10, "tickets": 3, "flips": {}}"#).unwrap();
    let output = metamorphic(&["--not-above", reached, "--only", "greeting"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("greeting, priority: not in the file"), "{}", text(&output.stderr));

    std::fs::write(reached, r#"{"every": 1, "tickets": 30, "flips": {}}"#).unwrap();
    let output = metamorphic(&["--not-above", reached, "--only", "greeting"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("this run read 3, with --every 10"), "{}", text(&output.stderr));
}

/// A sixtieth of the bundled corpus, so that training takes seconds.
fn small_corpus(folder: &Path) -> String {
    let corpus = folder.join("corpus");
    for file in ["tickets/english-1.jsonl", "sentences/english.jsonl"] {
        let text = std::fs::read_to_string(root().join("shared/data/corpus/training").join(file)).unwrap();
        let lines: Vec<&str> = text.lines().step_by(4).take(60).collect();
        let path = corpus.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, lines.join("\n")).unwrap();
    }
    corpus.to_str().unwrap().to_owned()
}

#[test]
fn training_gives_the_same_bytes_and_learns_from_a_teams_own_tickets() {
    let folder = tempfile::tempdir().unwrap();
    let corpus = small_corpus(folder.path());
    let train = |name: &str, more: &[&str]| {
        let model = folder.path().join(name);
        let arguments = ["train", "--corpus", &corpus, "--output", model.to_str().unwrap()];
        let output = local(&[&arguments[..], more].concat());
        (output.status.code(), text(&output.stdout), text(&output.stderr), std::fs::read(model).unwrap_or_default())
    };
    let (code, printed, _, first) = train("first.bin", &[]);
    assert_eq!(code, Some(0));
    assert!(printed.contains("On scenarios held out") && printed.contains("weighted kappa"), "{printed}");
    assert!(train("second.bin", &[]).3 == first);

    let customers = ["Acme", "Bolt", "Crane", "Dove", "Elm", "Fir", "Gull", "Heron", "Iris", "Jay", "Kite", "Lark"];
    let row = |(number, customer): (usize, &&str)| {
        let text = if number == 1 { "???" } else { "The label printer jams" };
        format!("{},{customer},Label printer,{text},100,\n", number + 1)
    };
    let own = csv(folder.path(), &customers.iter().enumerate().map(row).collect::<String>());
    let labelled = std::fs::read_to_string(&own).unwrap();
    let (head, body) = labelled.split_once('\n').unwrap();
    let body = body.lines().map(|line| format!("{line},sentinel")).collect::<Vec<_>>().join("\n");
    std::fs::write(&own, format!("{head},team\n{body}\n")).unwrap();
    let (code, printed, errors, bytes) = train("own.bin", &["--input", &own]);
    assert_eq!(code, Some(0), "{errors}");
    assert!(printed.contains("12 of your own"), "{printed}");
    let of_these = printed.split_once("no customer on both sides").unwrap().1;
    assert!(of_these.contains("agent") && of_these.contains("macro-F1"), "{printed}");
    assert!(bytes != first);

    let unlabelled = csv(folder.path(), "1,Acme,Help,Text,100,\n");
    let (code, _, errors, _) = train("none.bin", &["--input", &unlabelled]);
    assert!(code == Some(2) && errors.contains("has no labels to learn from"), "{errors}");
    let output = local(&["train", "--corpus", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("tickets cannot be read"), "{}", text(&output.stderr));
}

/// A server that is ended with the test.
struct Server {
    process: std::process::Child,
    address: String,
    _folder: tempfile::TempDir,
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().to_str().unwrap().to_owned();
        Self::spawn(&mut command(&["serve", "--port", "0", "--output", &output]), folder)
    }

    fn spawn(command: &mut Command, folder: tempfile::TempDir) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        // Byte by byte: what is printed after the first line is for whoever reads on.
        let mut line = Vec::new();
        let mut byte = [0];
        while process.stdout.as_mut().unwrap().read_exact(&mut byte).is_ok() && byte != *b"\n" {
            line.extend(byte);
        }
        let line = String::from_utf8(line).unwrap();
        let address = line.split("http://").nth(1).unwrap().split_whitespace().next().unwrap();
        Self { address: address.trim_end_matches('/').to_owned(), process, _folder: folder }
    }

    #[cfg(unix)]
    fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    /// Exit status and the rest of what it printed.
    fn ended(&mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.process.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
        (self.process.wait().unwrap().code(), rest)
    }

    /// Status and body.
    fn http(&self, method: &str, path: &str, headers: &[(String, String)], body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = body.len();
        let host = &self.address;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
    }

    /// Posts a file of `events/`, signed now by the `sign` command.
    fn post(&self, event: &str) -> u16 {
        let output = local(&["sign", &format!("events/{event}")]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let signed: Value = serde_json::from_slice(&output.stdout).unwrap();
        let headers: Vec<(String, String)> = signed["headers"]
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| name.starts_with("x-zendesk"))
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect();
        self.http("POST", "/webhooks/zendesk", &headers, signed["body"].as_str().unwrap()).0
    }

    fn wait_for(&self, text: &str) {
        let shows = || self.http("GET", "/", &[], "").1.contains(text);
        assert!(within_a_minute(shows), "{text:?} does not show up");
    }
}

/// Asks until it is so.
fn within_a_minute(is_so: impl Fn() -> bool) -> bool {
    (0..1_200).any(|_| {
        let so = is_so();
        if !so {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        so
    })
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_signed_webhook_shows_up_on_the_dashboard() {
    let server = Server::start();
    let (status, health) = server.http("GET", "/healthz", &[], "");
    assert_eq!(status, 200);
    assert!(health.contains("\"status\":\"ok\""), "{health}");
    assert!(server.http("GET", "/", &[], "").1.contains("No account is at high risk"));

    assert_eq!(server.post("ticket-created-new.json"), 200);
    server.wait_for("Extra warehouse and a quote");
    assert_eq!(server.post("trigger.json"), 200, "a ticket the helpdesk knows, by its id alone");
    server.wait_for("When do payouts arrive?");

    let stale = std::fs::read_to_string(root().join("events/bad-signature.json")).unwrap();
    let stale: Value = serde_json::from_str(&stale).unwrap();
    assert_eq!(server.http("POST", "/webhooks/zendesk", &[], stale["body"].as_str().unwrap()).0, 401);
    assert_eq!(server.http("GET", "/webhooks/zendesk", &[], "").0, 405);
    assert_eq!(server.http("GET", "/nothing", &[], "").0, 404);
}

#[test]
#[cfg(unix)]
fn ctrl_c_works_off_what_is_queued() {
    let mut server = Server::start();
    assert_eq!(server.post("ticket-created-new.json"), 200);
    assert_eq!(server.post("comment-added.json"), 200, "this one waits a minute for the customer to finish typing");
    let (_, health) = server.http("GET", "/healthz", &[], "");
    assert!(health.contains("\"tickets_queued\":"), "{health}");
    server.signal("-INT");
    let (code, rest) = server.ended();
    assert_eq!(code, Some(0), "{rest}");
    assert!(rest.contains("0 dead letters"), "{rest}");
}

#[test]
#[cfg(unix)]
fn sigterm_drains_past_half_open_connections() {
    let mut server = Server::start();
    assert_eq!(server.post("ticket-created-new.json"), 200);
    let mut half = TcpStream::connect(&server.address).unwrap();
    half.write_all(b"GET / HTTP/1.1\r\nHos").unwrap();
    server.signal("-TERM");
    let (code, rest) = server.ended();
    assert_eq!(code, Some(0), "{rest}");
    assert!(rest.contains("0 dead letters"), "{rest}");
}

#[test]
#[cfg(unix)]
fn a_second_signal_ends_at_once() {
    let mut server = Server::start();
    let mut half = TcpStream::connect(&server.address).unwrap();
    write!(half, "POST / HTTP/1.1\r\nHost: {}\r\nContent-Length: 9\r\n\r\nhalf", server.address).unwrap();
    // An answer on a later connection: the half request's was taken before.
    assert_eq!(server.http("GET", "/healthz", &[], "").0, 200);
    server.signal("-INT");
    // Once it has heard the first signal it takes no connection.
    assert!(within_a_minute(|| TcpStream::connect(&server.address).is_err()));
    server.signal("-TERM");
    assert_eq!(server.ended().0, Some(130));
}

#[test]
fn another_host_name_is_sent_away() {
    let folder = tempfile::tempdir().unwrap();
    let zendesk = Server::spawn(&mut command(&["demo-zendesk", "--port", "0"]), folder);
    for (server, path) in [(Server::start(), "/"), (zendesk, "/_demo/tickets/1001")] {
        assert_eq!(server.http("GET", path, &[], "").0, 200);
        let mut stream = TcpStream::connect(&server.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: rebind.evil.example\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 421 "), "{answer}");
        assert!(answer.contains("a tunnel to it must set the Host header"), "{answer}");
    }
}

#[test]
fn the_same_event_file_can_be_posted_twice() {
    let ids = |arguments: &[&str]| {
        let output = local(&[&["sign", "events/ticket-created.json"][..], arguments].concat());
        let signed: Value = serde_json::from_slice(&output.stdout).unwrap();
        let body: Value = serde_json::from_str(signed["body"].as_str().unwrap()).unwrap();
        body["id"].as_str().unwrap().to_owned()
    };
    assert_ne!(ids(&[]), ids(&[]));
    assert_eq!(ids(&["--keep-id"]), ids(&["--keep-id"]));
}

#[test]
fn no_two_sample_events_share_an_id() {
    let mut seen: Vec<String> = Vec::new();
    for file in std::fs::read_dir(root().join("events")).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let event: Value = serde_json::from_str(&text).unwrap();
        let records = event["Records"].as_array().cloned().unwrap_or_default();
        for body in records.iter().map(|record| &record["body"]).chain([&event["body"]]) {
            let body: Value = body.as_str().and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default();
            seen.extend(["id", "event_id"].iter().filter_map(|name| Some(body[*name].as_str()?.to_owned())));
        }
    }
    for id in &seen {
        let shape: String = id.chars().map(|c| if c.is_ascii_hexdigit() { 'x' } else { c }).collect();
        assert_eq!(shape, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "{id}");
    }
    // One for each event of Zendesk; messages between our functions carry none.
    assert_eq!(seen.len(), 9, "{seen:?}");
    let all = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), all, "{seen:?}");
}

#[test]
fn a_blank_secret_is_refused_by_name() {
    for secret in ["", " \t"] {
        for arguments in [&["run"][..], &["serve", "--port", "0"], &["sign", "events/ticket-created.json"]] {
            let output = command(arguments).env("ZENDESK_WEBHOOK_SECRET", secret).output().unwrap();
            let error = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
            assert!(error.contains("ZENDESK_WEBHOOK_SECRET is blank"), "{arguments:?}: {error}");
        }
    }
}

#[test]
fn the_public_secret_is_told_at_the_start() {
    for (secret, told) in [(None, true), (Some("dGhlIHJlYWwgb25l"), false)] {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().to_str().unwrap().to_owned();
        let mut command = command(&["serve", "--port", "0", "--output", &output]);
        command.envs(secret.map(|secret| ("ZENDESK_WEBHOOK_SECRET", secret)));
        let mut server = Server::spawn(&mut command, folder);
        server.http("GET", "/healthz", &[], "");
        server.process.kill().unwrap();
        let (_, rest) = server.ended();
        assert_eq!(rest.contains("public test secret"), told, "{rest}");
    }
}

/// A folder with these lines in its `.env`, and what `sign` says there.
fn in_folder_of(lines: &str, variables: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env"), lines).unwrap();
    let event = root().canonicalize().unwrap().join("events/ticket-created.json");
    command(&["sign", event.to_str().unwrap()])
        .current_dir(folder.path())
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

#[test]
fn a_foreign_env_file_cannot_send_the_key_away() {
    let foreign = "ANTHROPIC_BASE_URL=https://evil.example\n";
    let output = in_folder_of(foreign, &[("ANTHROPIC_API_KEY", "key")]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("set both in one place"), "{}", text(&output.stderr));
    let both_there = format!("{foreign}ANTHROPIC_API_KEY=key\n");
    assert_eq!(in_folder_of(&both_there, &[("ANTHROPIC_API_KEY", "key")]).status.code(), Some(2));
    for (lines, variables) in [
        (foreign, &[][..]),
        (both_there.as_str(), &[][..]),
        ("ANTHROPIC_BASE_URL=\n", &[("ANTHROPIC_API_KEY", "key")][..]),
        (foreign, &[("ANTHROPIC_API_KEY", "key"), ("ANTHROPIC_BASE_URL", "https://a.example")][..]),
        ("ANTHROPIC_API_KEY=key\n", &[("ANTHROPIC_BASE_URL", "https://a.example")][..]),
    ] {
        let output = in_folder_of(lines, variables);
        assert_eq!(output.status.code(), Some(0), "{lines} {variables:?}: {}", text(&output.stderr));
    }
}

#[test]
fn a_misspelt_variable_is_pointed_out() {
    let output = in_folder_of("GAURDIAN_EMAIL=ann@example.org\nMODE=shadow\n", &[]);
    assert_eq!(output.status.code(), Some(0));
    let expected = ".env: GAURDIAN_EMAIL is not a variable that is read here; did you mean GUARDIAN_EMAIL?\n";
    assert_eq!(text(&output.stderr), expected);
}

#[test]
fn a_bad_line_is_told_by_its_number() {
    for (lines, expected) in [
        ("MODE=shadow\n# a note\n\nSECRET word\n", "line 4: it has no `=`"),
        ("MODE=shadow\nGUARDIAN EMAIL=SECRET\n", "line 2: what stands before the `=` is no name"),
        ("MODEL='two\nlines'\nMODE=SECRET word\n", "line 3: the value cannot be read"),
        ("MODEL='SECRET\nMODE=shadow\n", "line 1: the value cannot be read"),
    ] {
        let output = in_folder_of(lines, &[]);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(&format!(".env: {expected}")) && !error.contains("SECRET"), "{error}");
    }
}

#[test]
fn usage_names_what_was_called() {
    for (cargo, usage) in [(None, "Usage: local sign"), (Some("/usr/bin/cargo"), "Usage: cargo run -- sign")] {
        let mut command = command(&["sign", "--help"]);
        command.envs(cargo.map(|cargo| ("CARGO", cargo)));
        let output = command.output().unwrap();
        assert!(text(&output.stdout).contains(usage), "{}", text(&output.stdout));
    }
}

#[test]
fn a_port_taken_leaves_the_output_alone() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("triage_report.html");
    std::fs::write(&kept, "mine").unwrap();
    let port = server.address.rsplit(':').next().unwrap();
    let output = local(&["serve", "--port", port, "--output", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    let error = text(&output.stderr);
    assert!(error.contains(&format!("port {port} cannot be used; choose another with --port")), "{error}");
    assert_eq!(std::fs::read_to_string(kept).unwrap(), "mine");
}

#[test]
#[cfg(target_os = "linux")]
fn a_browser_that_does_not_open_costs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (nothing, out) = (folder.path().join("nothing"), folder.path().join("out"));
    let output = command(&["run", "--open", "--output", out.to_str().unwrap()]).env("PATH", nothing).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let error = text(&output.stderr);
    let page = folder.path().canonicalize().unwrap().join("out/triage_report.html");
    assert!(error.contains(&format!("no browser found; open file://{}", page.display())), "{error}");
}

#[test]
fn standard_input_is_a_file_too() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let run = |rows: &str| {
        let mut process = command(&["--input", "-", "--output", out.to_str().unwrap()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        process.stdin.take().unwrap().write_all(rows.as_bytes()).unwrap();
        process.wait_with_output().unwrap()
    };
    let output = run("ticket_id,customer_name,subject,description\n1,Acme,Help,Text\n");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(json(&out, "triage_results.json").as_array().unwrap().len(), 1);
    let output = run("");
    assert!(text(&output.stderr).contains("standard input is empty"), "{}", text(&output.stderr));
}

#[test]
#[cfg(unix)]
fn nothing_is_deleted_through_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let [out, pages] = ["out", "pages"].map(|name| folder.path().join(name));
    for folder in [&out, &pages] {
        std::fs::create_dir(folder).unwrap();
    }
    std::fs::write(pages.join("mine.html"), "mine").unwrap();
    std::os::unix::fs::symlink(&pages, out.join("emails")).unwrap();
    let output = local(&["--output", out.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("emails is a symbolic link"), "{}", text(&output.stderr));
    assert_eq!(std::fs::read_to_string(pages.join("mine.html")).unwrap(), "mine");
}

#[test]
#[cfg(unix)]
fn files_with_customers_words_are_private() {
    use std::os::unix::fs::MetadataExt;

    let (_, folder) = run(&[]);
    let out = folder.path().join("out");
    let mode = |path: &Path| path.metadata().unwrap().mode() & 0o777;
    let private = FILES.iter().filter(|name| !["audit.json", "metrics_summary.json"].contains(*name));
    for name in private.copied().chain(["triage_report.html"]) {
        assert_eq!(mode(&out.join(name)), 0o600, "{name}");
    }
    for folder in ["emails", "slack"] {
        for message in std::fs::read_dir(out.join(folder)).unwrap() {
            assert_eq!(mode(&message.unwrap().path()), 0o600);
        }
    }
}

/// What the files of a folder hold, but for the audit, which names tickets and holds no text.
fn everything_in(folder: &Path) -> String {
    let mut all = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.push_str(&everything_in(&path));
        } else if !path.ends_with("audit.json") {
            all.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
    all
}

fn forget(output: &str, what: &[&str]) -> Output {
    local(&[&["forget", "--output", output], what].concat())
}

#[test]
fn a_forgotten_ticket_is_in_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let leaving = "We are cancelling our contract and moving to another vendor because of";
    let rows = format!(
        "#1,Acme,The plum harvest,{leaving} the plum harvest outage.,9000,2026-11-16T07:00:00Z\n\
         #2,Acme,The pear harvest,{leaving} the pear harvest outage.,9000,2026-11-18T07:00:00Z\n\
         #3,Bolt,The quince harvest,{leaving} the quince harvest outage.,9000,2026-11-18T08:00:00Z\n"
    );
    let input = csv(folder.path(), &rows);
    let output = folder.path().join("out");
    let output = output.to_str().unwrap();
    assert_eq!(local(&["run", "--input", &input, "--output", output]).status.code(), Some(0));
    let before = everything_in(Path::new(output));
    assert!(before.contains("plum") && before.contains("pear") && before.contains("quince"));

    let ended = forget(output, &["--ticket", "1"]);
    assert_eq!(ended.status.code(), Some(0), "{}", text(&ended.stderr));
    let after = everything_in(Path::new(output));
    assert!(!after.contains("plum"), "also not among the earlier tickets of another's alert");
    assert!(after.contains("pear") && after.contains("quince"));
    let results = json(Path::new(output), "triage_results.json");
    let ids: Vec<&str> = results.as_array().unwrap().iter().map(|row| row["ticket_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["#2", "#3"]);
    assert_eq!(json(Path::new(output), "metrics_summary.json")["total_tickets"], 2);
    let audit = json(Path::new(output), "audit.json");
    let erased = audit.as_array().unwrap().iter().filter(|entry| entry["action"] == "erased");
    assert_eq!(erased.map(|entry| entry["ticket"].as_u64().unwrap()).collect::<Vec<_>>(), [1]);

    assert_eq!(forget(output, &["--account", "Bolt"]).status.code(), Some(0));
    assert!(!everything_in(Path::new(output)).contains("quince"));
    assert_eq!(forget(output, &["--ticket", "1"]).status.code(), Some(1), "nothing is left of it");
    for (what, said) in [
        (&["--requester", "jo@example.com"][..], "no address is kept"),
        (&["--ticket", ""], "--ticket: is empty"),
        (&[], "required"),
    ] {
        let refused = forget(output, what);
        assert_eq!(refused.status.code(), Some(2), "{what:?}");
        assert!(text(&refused.stderr).contains(said), "{what:?}: {}", text(&refused.stderr));
    }
}

#[test]
fn a_history_becomes_a_page_of_what_would_have_happened() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("export.jsonl");
    let ticket = |id: u64, text: &str, priority: Option<&str>| {
        serde_json::json!({
            "id": id, "subject": "Orders", "status": "closed", "priority": priority, "group_id": 360_001_001,
            "created_at": format!("2026-09-{:02}T08:00:00Z", id), "requester_id": 1, "organization": { "name": "Acme <b>" },
            "comments": [
                { "id": 1, "author_id": 1, "public": true, "created_at": format!("2026-09-{id:02}T08:00:00Z"), "body": text },
                { "id": 2, "author_id": 2, "public": true, "created_at": "2026-10-01T08:00:00Z", "body": "OUTCOME" },
            ],
        })
        .to_string()
    };
    let lines = [
        "export of acme".to_owned(),
        ticket(1, "How do I export a report to CSV?", Some("low")),
        ticket(2, "We will cancel our contract at the end of the month. Nothing works.", Some("high")),
        ticket(3, "The API rejects our key since this morning.", None),
    ];
    std::fs::write(&input, lines.join("\n")).unwrap();
    let output = folder.path().join("out");
    let arguments = ["backfill", "--input", input.to_str().unwrap(), "--output", output.to_str().unwrap()];
    let ended = local(&arguments);
    assert_eq!(ended.status.code(), Some(1), "one line is no ticket: {}", text(&ended.stderr));
    assert!(text(&ended.stderr).contains("export.jsonl, line 1"), "{}", text(&ended.stderr));
    let figures = json(&output, "backtest.json");
    assert_eq!(
        (&figures["tickets"], &figures["priority"]["tickets"], &figures["team"]["tickets"]),
        (&3.into(), &2.into(), &3.into())
    );
    assert!(figures["alerts"]["guardian"].as_u64().unwrap() >= 1, "{figures}");
    assert_eq!(figures["cost"]["llm_calls"], 0);
    let page = std::fs::read_to_string(output.join("backtest.html")).unwrap();
    assert!(page.contains("cancel our contract") && !page.contains("OUTCOME") && !page.contains("Acme <b>"));
    let nothing = local(&["backfill", "--output", output.to_str().unwrap()]);
    assert_eq!(nothing.status.code(), Some(2));
    assert!(text(&nothing.stderr).contains("--subdomain"), "{}", text(&nothing.stderr));
}
