//! The way of a new operator, against the Zendesk in memory: examined, set up, examined, set up again, taken down.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use memory::{
    DemoZendesk,
    demo::{self, Delivered, Outgoing},
};
use zendesk::{
    Method, Request, Response, Transport, Unanswered,
    doctor::{self, Finding, Level},
};

use super::{
    access::Account,
    cloud::{NoCloud, fake::FakeCloud},
    doctor::{DoctorArguments, examine},
    import,
    setup::{
        FieldsChoice, OutputArguments, PlaceArguments, Site, TeardownArguments, ViaChoice, ZendeskSetupArguments,
        set_up, teardown,
    },
};
use crate::{
    exit::Ended,
    stack::{Environment, wall_clock},
};

const URL: &str = "https://demo.zendesk.com";
const PARAMETERS: [(&str, &str); 7] = [
    ("ZendeskSubdomain", "demo"),
    ("Sweep", "list"),
    ("SenderIdentity", "acme.com"),
    ("GuardianEmail", "kam@acme.com"),
    ("OpportunityEmail", "sales@acme.com"),
    ("ZendeskBotUserId", "900000001"),
    ("Analyst", "auto"),
];

/// The demo, with a count of what was changed in it and of what it did not take.
struct Counted {
    demo: DemoZendesk,
    writes: AtomicUsize,
    warnings: AtomicUsize,
}

#[async_trait]
impl Transport for Counted {
    async fn send(&self, request: Request) -> Result<Response, Unanswered> {
        let harmless = request.method == Method::Get
            || request.path.starts_with("/oauth/tokens")
            || request.path.starts_with("/api/v2/webhooks/test");
        self.writes.fetch_add(usize::from(!harmless), Ordering::Relaxed);
        let response = self.demo.send(request).await?;
        self.warnings.fetch_add(usize::from(response.header("x-zendesk-api-warn").is_some()), Ordering::Relaxed);
        Ok(response)
    }
}

struct World {
    zendesk: Arc<Counted>,
    cloud: FakeCloud,
    environment: Environment,
    place: PlaceArguments,
}

impl World {
    fn new() -> Self {
        let setup = demo::Setup { now: wall_clock(), ..demo::Setup::default() };
        let answers = |_: &Outgoing| Delivered::Answered { status: 200, headers: Vec::new(), body: String::new() };
        let demo = DemoZendesk::new(setup).with_carrier(Arc::new(answers));
        let clients = demo.clients();
        let [broad, narrow] = clients.as_slice() else { panic!("a client for set-up and one for running") };
        let environment = Environment::of([
            ("ZENDESK_CLIENT_ID".to_owned(), broad.id.clone()),
            ("ZENDESK_CLIENT_SECRET".to_owned(), broad.secret.clone()),
            ("ZENDESK_RUNTIME_CLIENT_ID".to_owned(), narrow.id.clone()),
            ("ZENDESK_RUNTIME_CLIENT_SECRET".to_owned(), narrow.secret.clone()),
        ]);
        let cloud = FakeCloud::stack(&PARAMETERS);
        cloud.set_parameter("/acme/switches/mode", "shadow");
        Self {
            zendesk: Arc::new(Counted { demo, writes: AtomicUsize::new(0), warnings: AtomicUsize::new(0) }),
            cloud,
            environment,
            place: PlaceArguments { stack: Some("acme".to_owned()), config: None },
        }
    }

    fn transport(&self) -> Arc<dyn Transport> {
        self.zendesk.clone()
    }

    fn site(&self) -> Site {
        Site::over(Box::new(self.cloud.clone()), &self.place).unwrap()
    }

    /// Changes in Zendesk and on AWS so far.
    fn writes(&self) -> (usize, usize) {
        (self.zendesk.writes.load(Ordering::Relaxed), self.cloud.writes())
    }

    async fn set_up(&self, via: ViaChoice, dry_run: bool) -> Ended {
        let arguments = ZendeskSetupArguments {
            command: None,
            account: None,
            place: self.place.clone(),
            webhook_url: None,
            via,
            organization_fields: true,
            rotate_secret: false,
            secrets_to: None,
            output: OutputArguments { dry_run, json: false },
        };
        set_up(&arguments, &self.environment, &self.site(), &self.transport(), URL).await.unwrap()
    }

    async fn teardown(&self) -> Ended {
        let arguments = TeardownArguments {
            account: Account { subdomain: "demo".to_owned() },
            place: self.place.clone(),
            fields: FieldsChoice::Delete,
            yes: true,
            output: OutputArguments::default(),
        };
        teardown(&arguments, &self.environment, &self.site(), &self.transport()).await.unwrap()
    }

    async fn examined(&self) -> Vec<Finding> {
        let arguments = DoctorArguments {
            account: Account { subdomain: "demo".to_owned() },
            place: self.place.clone(),
            webhook_url: None,
            json: false,
        };
        examine(&arguments, &self.environment, &self.site(), &self.transport()).await.unwrap()
    }
}

fn wrong(findings: &[Finding]) -> Vec<&str> {
    findings.iter().filter(|finding| finding.level > Level::Skipped).map(|finding| finding.check).collect()
}

#[tokio::test]
async fn a_clean_account_is_set_up_and_taken_down() {
    for via in [ViaChoice::Events, ViaChoice::Trigger] {
        let world = World::new();
        let found = world.examined().await;
        for check in ["fields", "webhook", "webhook-secret", "credentials", "configuration"] {
            assert!(wrong(&found).contains(&check), "{check}: {found:#?}");
        }
        assert_eq!(world.set_up(via, true).await, Ended::Well);
        assert_eq!(world.writes(), (0, 0), "a dry run changes nothing");
        assert_eq!(world.set_up(via, false).await, Ended::Well);
        let found = world.examined().await;
        assert!(wrong(&found).is_empty(), "{found:#?}");
        let writes = world.writes();
        assert_eq!(world.set_up(via, false).await, Ended::Well);
        assert_eq!(world.writes(), writes, "a second run changes nothing");
        assert_eq!(world.teardown().await, Ended::Well);
        let found = world.examined().await;
        assert_eq!(doctor::worst(&found), Level::Error);
        assert!(wrong(&found).contains(&"fields") && wrong(&found).contains(&"webhook"), "{found:#?}");
        assert_eq!(world.zendesk.warnings.load(Ordering::Relaxed), 0, "Zendesk took every key");
    }
}

#[tokio::test]
async fn a_narrow_client_does_not_set_up() {
    let mut world = World::new();
    let clients = world.zendesk.demo.clients();
    let narrow = clients.last().unwrap();
    world.environment = Environment::of([
        ("ZENDESK_CLIENT_ID".to_owned(), narrow.id.clone()),
        ("ZENDESK_CLIENT_SECRET".to_owned(), narrow.secret.clone()),
    ]);
    let found = world.examined().await;
    let token = found.iter().find(|finding| finding.check == "token").unwrap();
    assert!(token.level == Level::Error && token.says.contains("read"), "{token:?}");
    assert!(!format!("{found:?}").contains(&narrow.secret));
}

#[tokio::test]
async fn a_help_center_becomes_a_knowledge_base() {
    let world = World::new();
    world.zendesk.demo.publish_articles();
    let files = tempfile::tempdir().unwrap();
    let mut teams: serde_json::Value = serde_json::from_str(data::AGENTS).unwrap();
    teams[2]["agent"] = "front_desk".into();
    std::fs::write(files.path().join("agents.json"), teams.to_string()).unwrap();
    let folder = files.path().join("knowledge_base");
    let arguments = import::ImportArguments {
        account: Account { subdomain: "demo".to_owned() },
        section: Vec::new(),
        locale: Vec::new(),
        team: Vec::new(),
        output: Some(folder.clone()),
        stack: None,
        dry_run: false,
    };
    let site = Site::over(Box::new(NoCloud), &PlaceArguments::default()).unwrap();
    for _ in 0..2 {
        let ended = import::run(&arguments, &world.environment, &site, &world.transport()).await.unwrap();
        assert_eq!(ended, Ended::Well);
    }
    let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let sources: Vec<(String, String)> = files
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(&path).unwrap()))
        .collect();
    let base =
        analyst::KnowledgeBase::parse(sources.iter().map(|(name, text)| (name.as_str(), text.as_str()))).unwrap();
    assert!(base.articles().count() > 30, "{}", base.articles().count());
    let agents: std::collections::BTreeSet<&str> = base.articles().map(|article| article.agent.as_str()).collect();
    assert!(agents.contains("front_desk") && !agents.contains("sentinel"), "the teams beside it: {agents:?}");
    let ask = |body, language| {
        let question = analyst::knowledge::Question { subject: "", body, language, meaning: None };
        base.search(question, 1).first().map(|found| found.article.language)
    };
    let question = "Quand reçois-je mon versement des ventes par carte ?";
    assert_eq!(ask(question, domain::Language::Fr), Some(domain::Language::Fr));
    assert_eq!(ask("When is my payout sent to the bank?", domain::Language::En), Some(domain::Language::En));
    assert_eq!(world.writes().0, 0, "an import only reads");
}
