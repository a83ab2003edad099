use zendesk::doctor::{self, Level};

use super::{super::cloud::fake::FakeCloud, *};

const PARAMETERS: [(&str, &str); 6] = [
    ("ZendeskSubdomain", "acme"),
    ("SenderIdentity", "acme.com"),
    ("GuardianEmail", "kam@acme.com"),
    ("OpportunityEmail", "sales@acme.com"),
    ("ZendeskBotUserId", "8"),
    ("Analyst", "auto"),
];

/// A deployment in which everything is as it should be.
fn sound() -> (FakeCloud, Deployment) {
    let cloud = FakeCloud::stack(&PARAMETERS);
    let deployment = Deployment::find(&cloud, "acme").unwrap();
    cloud.put_object("bucket", "policy.json", data::POLICY).unwrap();
    cloud.put_object("bucket", "agents.json", data::AGENTS).unwrap();
    cloud.set_parameter("/acme/switches/mode", "suggest");
    cloud.set_parameter("/acme/webhook-secret", r#"{"current": "s3cret"}"#);
    cloud.set_parameter("/acme/zendesk-credentials", r#"{"client_id": "a", "client_secret": "b"}"#);
    (cloud, deployment)
}

fn examined(cloud: &FakeCloud, deployment: &Deployment, signing_secret: &str) -> Vec<Finding> {
    findings(&StackFacts::gather(cloud, deployment, "acme", Some(signing_secret.into())))
}

#[test]
fn a_sound_deployment_has_no_complaint() {
    let (cloud, deployment) = sound();
    let findings = examined(&cloud, &deployment, "s3cret");
    assert_eq!(doctor::worst(&findings), Level::Ok, "{findings:#?}");
    assert_eq!(findings.len(), CHECKS.len());
}

/// What is wrong, the check that has to say it, how gravely, and a word of it.
type Case = (fn(&FakeCloud), &'static str, Level, &'static str);

const CASES: &[Case] = &[
    (
        |cloud| cloud.answer("sesv2 get-email-identity", json!({ "VerifiedForSendingStatus": false })),
        "mail-sender",
        Level::Error,
        "acme.com is not verified",
    ),
    (
        |cloud| cloud.answer("sesv2 get-account", json!({ "SendingEnabled": true, "ProductionAccessEnabled": false })),
        "mail-sandbox",
        Level::Warning,
        "sandbox",
    ),
    (
        |cloud| cloud.answer("sesv2 get-account", json!({ "SendingEnabled": false, "ProductionAccessEnabled": true })),
        "mail-sandbox",
        Level::Error,
        "paused",
    ),
    (
        |cloud| {
            cloud.answer("sesv2 get-account", json!({ "SendingEnabled": true, "ProductionAccessEnabled": false }));
            cloud.answer("sesv2 get-email-identity", json!({ "VerifiedForSendingStatus": false }));
        },
        "mail-recipients",
        Level::Error,
        "GuardianEmail is not verified",
    ),
    (|cloud| cloud.set_parameter("/acme/switches/mode", "on"), "switches", Level::Error, "mode: is not shadow"),
    (
        |cloud| cloud.set_parameter("/acme/webhook-secret", r#"{"current": "replaced-in-step-5"}"#),
        "webhook-secret",
        Level::Error,
        "placeholder",
    ),
    (
        |cloud| cloud.set_parameter("/acme/webhook-secret", r#"{"current": "PLANTED"}"#),
        "webhook-secret",
        Level::Error,
        "another secret",
    ),
    (|cloud| cloud.set_parameter("/acme/webhook-secret", "PLANTED"), "webhook-secret", Level::Error, "current"),
    (|cloud| cloud.set_parameter("/acme/zendesk-credentials", "PLANTED"), "credentials", Level::Error, "client_id"),
    (
        |cloud| cloud.put_object("bucket", "policy.json", r#"{"thresholds": "PLANTED"}"#).unwrap(),
        "configuration",
        Level::Error,
        "policy.json",
    ),
    (
        |cloud| cloud.answer("dynamodb describe-table", json!({ "Table": { "TableStatus": "DELETING" } })),
        "tables",
        Level::Error,
        "tickets is DELETING",
    ),
    (
        |cloud| {
            let three = json!({ "Attributes": { "ApproximateNumberOfMessages": "3" } });
            cloud.answer("sqs get-queue-attributes", three);
        },
        "dead-letters",
        Level::Warning,
        "6 messages",
    ),
];

#[test]
fn each_mistake_is_found_with_its_fix() {
    for (index, (spoil, check, level, word)) in CASES.iter().enumerate() {
        let (cloud, deployment) = sound();
        spoil(&cloud);
        let findings = examined(&cloud, &deployment, "s3cret");
        let found = findings.iter().find(|finding| {
            finding.check == *check && finding.level == *level && finding.says.contains(word) && !finding.fix.is_empty()
        });
        assert!(found.is_some(), "case {index}, {check} {word}: {findings:#?}");
        assert!(!format!("{findings:?}").contains("PLANTED"), "no finding shows a secret");
    }
}

#[test]
fn another_account_than_the_deployed_one_is_told() {
    let (cloud, deployment) = sound();
    let finding = subdomain(&StackFacts::gather(&cloud, &deployment, "other", None));
    assert!(finding.level == Level::Error && finding.says.contains("of acme, not of other"), "{finding:?}");
}

#[test]
fn what_may_not_be_asked_is_no_panic() {
    let deployment = Deployment { name: "acme".to_owned(), ..Deployment::default() };
    let findings = examined(&FakeCloud::default(), &deployment, "x");
    assert_eq!(doctor::worst(&findings), Level::Error);
    let forgotten: Vec<_> =
        findings.iter().filter(|finding| finding.level > Level::Skipped && finding.fix.is_empty()).collect();
    assert!(forgotten.is_empty(), "{forgotten:?}");
}

#[test]
fn a_key_that_the_analyst_needs_is_missed() {
    let mut parameters = PARAMETERS;
    parameters[5].1 = "claude";
    let cloud = FakeCloud::stack(&parameters);
    let deployment = Deployment::find(&cloud, "acme").unwrap();
    let said = |cloud: &FakeCloud| model_key(&StackFacts::gather(cloud, &deployment, "acme", None)).level;
    assert_eq!(said(&cloud), Level::Error);
    cloud.set_parameter("/acme/anthropic-api-key", "PLANTED");
    assert_eq!(said(&cloud), Level::Ok);
}

#[test]
fn the_old_secret_stays_beside_the_new_one() {
    let (cloud, deployment) = sound();
    let store = |secret: &str| deployment.store_webhook_secret(&cloud, &secret.into()).unwrap();
    let stored = || serde_json::from_str::<Value>(&cloud.parameter("/acme/webhook-secret").unwrap()).unwrap();
    assert_eq!(store("s3cret"), Done::Nothing);
    assert!(matches!(store("second"), Done::Changed(_)));
    assert_eq!(stored(), json!({ "current": "second", "previous": "s3cret" }));
    cloud.set_parameter("/acme/webhook-secret", r#"{"current": "replaced-in-step-5"}"#);
    store("third");
    assert_eq!(stored(), json!({ "current": "third" }));
}

#[test]
fn equal_credentials_are_not_stored_again() {
    let (cloud, deployment) = sound();
    let writes = cloud.writes();
    let same = Credentials::OAuth { client_id: "a".to_owned(), client_secret: "b".into() };
    assert_eq!(deployment.store_credentials(&cloud, &same).unwrap(), Done::Nothing);
    assert_eq!(cloud.writes(), writes);
    let other = Credentials::OAuth { client_id: "a".to_owned(), client_secret: "c".into() };
    assert!(matches!(deployment.store_credentials(&cloud, &other).unwrap(), Done::Changed(_)));
    assert!(cloud.parameter("/acme/zendesk-credentials").unwrap().contains("\"c\""));
}
