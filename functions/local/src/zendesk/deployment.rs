//! A stack on AWS: its outputs, its parameters, and whether it is fit for real tickets.

use std::collections::BTreeMap;

use anyhow::Context;
use domain::{EmailAddress, UserId};
use runtime::config::{Defaults, Files, Switches};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use zendesk::{Credentials, doctor::Finding, setup::Done};

use super::cloud::{Cloud, CloudError};

/// What deploy.md stores before Zendesk has made a secret.
const PLACEHOLDERS: [&str; 2] = ["", "replaced-in-step-5"];

/// What CloudFormation tells of a stack.
#[derive(Clone, Debug, Default)]
pub(super) struct Deployment {
    pub(super) name: String,
    outputs: BTreeMap<String, String>,
    parameters: BTreeMap<String, String>,
}

/// What SSM holds for the webhook.
#[derive(Deserialize, Default)]
struct Pair {
    #[serde(default)]
    current: String,
    previous: Option<String>,
}

impl Deployment {
    pub(super) fn find(cloud: &dyn Cloud, name: &str) -> anyhow::Result<Self> {
        let answer = cloud
            .call("cloudformation", "describe-stacks", &json!({ "StackName": name }))
            .with_context(|| format!("the stack {name} cannot be read"))?;
        let stack = answer.pointer("/Stacks/0").cloned().unwrap_or_default();
        let pairs = |list: &str, key: &str, value: &str| -> BTreeMap<String, String> {
            let entries = stack.get(list).and_then(Value::as_array).into_iter().flatten();
            let text = |entry: &Value, key: &str| entry.get(key).and_then(Value::as_str).map(str::to_owned);
            entries.filter_map(|entry| Some((text(entry, key)?, text(entry, value)?))).collect()
        };
        Ok(Self {
            name: name.to_owned(),
            outputs: pairs("Outputs", "OutputKey", "OutputValue"),
            parameters: pairs("Parameters", "ParameterKey", "ParameterValue"),
        })
    }

    pub(super) fn output(&self, name: &str) -> anyhow::Result<&str> {
        let output = self.outputs.get(name).map(String::as_str);
        output.with_context(|| format!("the stack {} has no output {name}; deploy it", self.name))
    }

    /// The name of one of the stack's parameters in SSM.
    pub(super) fn parameter(&self, name: &str) -> String {
        format!("/{}/{name}", self.name)
    }

    /// A parameter of the template, as deployed.
    pub(super) fn given(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    pub(super) fn bot_user(&self) -> Option<UserId> {
        self.parameters.get("ZendeskBotUserId")?.parse().ok().map(UserId)
    }

    /// A parameter's value; none if there is no such parameter.
    pub(super) fn read(&self, cloud: &dyn Cloud, name: &str) -> Result<Option<String>, CloudError> {
        let input = json!({ "Name": self.parameter(name), "WithDecryption": true });
        match cloud.call("ssm", "get-parameter", &input) {
            Ok(answer) => Ok(answer.pointer("/Parameter/Value").and_then(Value::as_str).map(str::to_owned)),
            Err(error) if error.is("ParameterNotFound") => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write(&self, cloud: &dyn Cloud, name: &str, value: &Value) -> Result<(), CloudError> {
        let input = json!({
            "Name": self.parameter(name), "Value": value.to_string(), "Type": "SecureString", "Overwrite": true,
        });
        cloud.call("ssm", "put-parameter", &input).map(drop)
    }

    /// Stores the signing secret; the one before stays valid beside it, for what is on its way.
    pub(super) fn store_webhook_secret(&self, cloud: &dyn Cloud, secret: &SecretString) -> anyhow::Result<Done> {
        let stored = self.read(cloud, "webhook-secret")?.unwrap_or_default();
        let stored: Pair = serde_json::from_str(&stored).unwrap_or_default();
        if stored.current == secret.expose_secret() {
            return Ok(Done::Nothing);
        }
        let mut pair = json!({ "current": secret.expose_secret() });
        if !PLACEHOLDERS.contains(&stored.current.trim())
            && let Some(pair) = pair.as_object_mut()
        {
            pair.insert("previous".to_owned(), stored.current.into());
        }
        self.write(cloud, "webhook-secret", &pair)?;
        Ok(Done::Changed("signing secret".to_owned()))
    }

    pub(super) fn store_credentials(&self, cloud: &dyn Cloud, credentials: &Credentials) -> anyhow::Result<Done> {
        let value = match credentials {
            Credentials::OAuth { client_id, client_secret } => {
                json!({ "client_id": client_id, "client_secret": client_secret.expose_secret() })
            }
            Credentials::ApiToken { email, token } => json!({ "email": email, "api_token": token.expose_secret() }),
        };
        let stored = self.read(cloud, "zendesk-credentials")?;
        if stored.is_some_and(|stored| serde_json::from_str::<Value>(&stored).ok().as_ref() == Some(&value)) {
            return Ok(Done::Nothing);
        }
        self.write(cloud, "zendesk-credentials", &value)?;
        Ok(Done::Changed("running credentials".to_owned()))
    }

    pub(super) fn has_credentials(&self, cloud: &dyn Cloud) -> bool {
        matches!(self.credentials(cloud), Ok(Some(_)))
    }

    /// What the deployed functions sign in with.
    pub(super) fn credentials(&self, cloud: &dyn Cloud) -> Result<Option<Credentials>, String> {
        match self.read(cloud, "zendesk-credentials") {
            Ok(None) => Ok(None),
            Ok(Some(text)) => Credentials::parse(&text).map(Some).map_err(str::to_owned),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// What the checks look at. An error says why a fact is not known.
#[derive(Clone, Debug)]
pub(super) struct StackFacts {
    pub(super) deployment: Deployment,
    /// Of the account that was examined.
    pub(super) subdomain: String,
    pub(super) account: Result<MailAccount, String>,
    /// Verified or not, by identity; the sender's, and in the sandbox the recipients'.
    pub(super) identities: BTreeMap<String, Result<bool, String>>,
    /// By name, those that somebody has turned.
    pub(super) switches: Result<BTreeMap<&'static str, String>, String>,
    pub(super) model_key: Result<bool, String>,
    pub(super) webhook_secret: Result<Option<SecretString>, String>,
    pub(super) credentials: Result<bool, String>,
    /// As Zendesk has it.
    pub(super) signing_secret: Option<SecretString>,
    pub(super) policy: Result<Option<String>, String>,
    pub(super) agents: Result<Option<String>, String>,
    /// None: the shipped ones hold.
    pub(super) playbooks: Result<Option<String>, String>,
    /// State of each, by name.
    pub(super) tables: BTreeMap<String, Result<String, String>>,
    /// Messages in each dead-letter queue, by output.
    pub(super) dead_letters: BTreeMap<String, Result<u64, String>>,
}

/// SES, as far as it matters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct MailAccount {
    pub(super) sending: bool,
    pub(super) sandbox: bool,
}

impl StackFacts {
    pub(super) fn gather(
        cloud: &dyn Cloud,
        deployment: &Deployment,
        subdomain: &str,
        signing_secret: Option<SecretString>,
    ) -> Self {
        let said = |error: CloudError| error.to_string();
        let account = cloud.call("sesv2", "get-account", &json!({})).map_err(said).map(|answer| {
            let flag = |key: &str| answer.get(key).and_then(Value::as_bool).unwrap_or(false);
            MailAccount { sending: flag("SendingEnabled"), sandbox: !flag("ProductionAccessEnabled") }
        });
        let of = |name: &str| deployment.parameters.get(name).cloned().unwrap_or_default();
        let mut wanted = vec![of("SenderIdentity")];
        if matches!(account, Ok(MailAccount { sandbox: true, .. })) {
            wanted.extend([of("GuardianEmail"), of("OpportunityEmail")]);
        }
        let identities = wanted.into_iter().filter(|identity| !identity.is_empty());
        let bucket = deployment.outputs.get("ConfigBucketName");
        let file = |name: &str| match bucket {
            Some(bucket) => cloud.object(bucket, name).map_err(said),
            None => Err("the stack has no output ConfigBucketName".to_owned()),
        };
        let tables = ["TicketsTableName", "ControlTableName"].into_iter().filter_map(|output| {
            let table = deployment.outputs.get(output)?;
            let answer = cloud.call("dynamodb", "describe-table", &json!({ "TableName": table })).map_err(said);
            let state = |answer: Value| answer.pointer("/Table/TableStatus").and_then(Value::as_str).map(str::to_owned);
            Some((table.clone(), answer.map(|answer| state(answer).unwrap_or_default())))
        });
        let queues = ["TicketsDeadLettersUrl", "AlertsDeadLettersUrl"].into_iter().filter_map(|output| {
            let input = json!({ "QueueUrl": deployment.outputs.get(output)?, "AttributeNames": ["ApproximateNumberOfMessages"] });
            let answer = cloud.call("sqs", "get-queue-attributes", &input).map_err(said);
            let count = |answer: Value| {
                answer.pointer("/Attributes/ApproximateNumberOfMessages").and_then(Value::as_str)?.parse().ok()
            };
            Some((output.to_owned(), answer.map(|answer| count(answer).unwrap_or(0))))
        });
        Self {
            account,
            identities: identities.map(|identity| (identity.clone(), verified(cloud, &identity))).collect(),
            switches: switches_of(deployment, cloud).map_err(said),
            model_key: deployment.read(cloud, "anthropic-api-key").map(|key| key.is_some()).map_err(said),
            webhook_secret: webhook_secret(deployment, cloud),
            credentials: deployment.credentials(cloud).map(|credentials| credentials.is_some()),
            signing_secret,
            policy: file("policy.json"),
            agents: file("agents.json"),
            playbooks: file("playbooks.json"),
            tables: tables.collect(),
            dead_letters: queues.collect(),
            deployment: deployment.clone(),
            subdomain: subdomain.to_owned(),
        }
    }
}

/// An identity, or the domain of an address.
fn verified(cloud: &dyn Cloud, identity: &str) -> Result<bool, String> {
    let of = |identity: &str| match cloud.call("sesv2", "get-email-identity", &json!({ "EmailIdentity": identity })) {
        Ok(answer) => Ok(answer.get("VerifiedForSendingStatus").and_then(Value::as_bool).unwrap_or(false)),
        Err(error) if error.is("NotFoundException") => Ok(false),
        Err(error) => Err(error.to_string()),
    };
    match (of(identity)?, identity.rsplit_once('@')) {
        (false, Some((_, domain))) => of(domain),
        (verified, _) => Ok(verified),
    }
}

fn switches_of(deployment: &Deployment, cloud: &dyn Cloud) -> Result<BTreeMap<&'static str, String>, CloudError> {
    let mut found = BTreeMap::new();
    for name in Switches::NAMES {
        if let Some(value) = deployment.read(cloud, &format!("switches/{name}"))? {
            found.insert(name, value);
        }
    }
    Ok(found)
}

fn webhook_secret(deployment: &Deployment, cloud: &dyn Cloud) -> Result<Option<SecretString>, String> {
    let stored = deployment.read(cloud, "webhook-secret").map_err(|error| error.to_string())?;
    let Some(stored) = stored else { return Ok(None) };
    let pair: Pair = serde_json::from_str(&stored).map_err(|_| r#"is not {"current": "...", "previous": "..."}"#)?;
    if pair.previous.is_some_and(|previous| previous.trim().is_empty()) {
        return Err("`previous` is blank; leave it out".to_owned());
    }
    Ok(Some(pair.current.into()))
}

const CHECKS: [fn(&StackFacts) -> Finding; 11] = [
    subdomain,
    sender,
    sandbox,
    recipients,
    switches,
    model_key,
    webhook,
    credentials,
    configuration,
    tables,
    dead_letters,
];

pub(super) fn findings(facts: &StackFacts) -> Vec<Finding> {
    CHECKS.iter().map(|check| check(facts)).collect()
}

fn subdomain(facts: &StackFacts) -> Finding {
    const CHECK: &str = "subdomain";
    match facts.deployment.given("ZendeskSubdomain") {
        Some(deployed) if deployed == facts.subdomain => Finding::ok(CHECK, format!("{deployed} is deployed")),
        Some(deployed) => Finding::error(
            CHECK,
            format!("the stack reads and writes tickets of {deployed}, not of {}", facts.subdomain),
            format!("deploy with ZendeskSubdomain={}, or name the other account", facts.subdomain),
        ),
        None => {
            Finding::error(CHECK, "the stack has no parameter ZendeskSubdomain", "deploy this version of the product")
        }
    }
}

fn sender(facts: &StackFacts) -> Finding {
    const CHECK: &str = "mail-sender";
    let Some(identity) = facts.deployment.parameters.get("SenderIdentity") else {
        return Finding::error(
            CHECK,
            "the stack has no parameter SenderIdentity",
            "deploy this version of the product",
        );
    };
    match facts.identities.get(identity) {
        Some(Ok(true)) => Finding::ok(CHECK, format!("{identity} is verified")),
        Some(Ok(false)) => {
            let fix = "add the DNS records that `aws sesv2 get-email-identity` names, or press the link in the mail";
            Finding::error(CHECK, format!("{identity} is not verified in SES: no alert can be sent"), fix)
        }
        Some(Err(why)) => Finding::warning(CHECK, why.clone(), "let your AWS user call ses:GetEmailIdentity"),
        None => Finding::skipped(CHECK, "no identity is set"),
    }
}

fn sandbox(facts: &StackFacts) -> Finding {
    const CHECK: &str = "mail-sandbox";
    match &facts.account {
        Err(why) => Finding::warning(CHECK, why.clone(), "let your AWS user call ses:GetAccount"),
        Ok(MailAccount { sending: false, .. }) => Finding::error(
            CHECK,
            "SES has paused sending for this account",
            "look at the SES console: Account dashboard",
        ),
        Ok(MailAccount { sandbox: true, .. }) => Finding::warning(
            CHECK,
            "SES is in the sandbox: 200 mails a day, to verified recipients only",
            "request production access in the SES console before key account managers of their own get mail",
        ),
        Ok(_) => Finding::ok(CHECK, "sending is on, out of the sandbox"),
    }
}

fn recipients(facts: &StackFacts) -> Finding {
    const CHECK: &str = "mail-recipients";
    let mut problems = Vec::new();
    for name in ["GuardianEmail", "OpportunityEmail"] {
        let address = facts.deployment.parameters.get(name).cloned().unwrap_or_default();
        if let Err(error) = EmailAddress::try_from(address.clone()) {
            problems.push(format!("{name} {error}"));
        } else if address.ends_with("@example.com") {
            problems.push(format!("{name} is an example"));
        } else if matches!(facts.identities.get(&address), Some(Ok(false))) {
            problems.push(format!("{name} is not verified, as the sandbox asks"));
        }
    }
    if problems.is_empty() {
        Finding::ok(CHECK, "both recipients can be written to")
    } else {
        Finding::error(CHECK, problems.join("; "), "deploy with real addresses; in the sandbox verify each in SES")
    }
}

fn switches(facts: &StackFacts) -> Finding {
    const CHECK: &str = "switches";
    let found = match &facts.switches {
        Err(why) => return Finding::error(CHECK, why.clone(), "let your AWS user call ssm:GetParameter"),
        Ok(found) => found,
    };
    let (Switches { mode, auto_reply, delivery }, problems) = Switches::turned(|name| found.get(name).cloned());
    if problems.is_empty() {
        let on = |on| if on { "on" } else { "off" };
        Finding::ok(CHECK, format!("mode {mode}, automatic answers {}, delivery {}", on(auto_reply), on(delivery)))
    } else {
        let fix = "turn it again with infra/operate.py (docs/operations.md)";
        Finding::error(CHECK, format!("{}; it counts as off", problems.join("; ")), fix)
    }
}

fn model_key(facts: &StackFacts) -> Finding {
    const CHECK: &str = "model-key";
    let analyst = facts.deployment.parameters.get("Analyst").map_or("auto", String::as_str);
    match (&facts.model_key, analyst) {
        (Err(why), _) => Finding::warning(CHECK, why.clone(), "let your AWS user call ssm:GetParameter"),
        (Ok(true), "embedded") => Finding::ok(CHECK, "stored, and not used: Analyst=embedded"),
        (Ok(true), _) => Finding::ok(CHECK, format!("stored; Analyst={analyst}")),
        (Ok(false), "claude" | "cascade") => {
            let fix = format!("store Anthropic's key in {}", facts.deployment.parameter("anthropic-api-key"));
            Finding::error(CHECK, format!("Analyst={analyst}, and no key is stored"), fix)
        }
        (Ok(false), _) => Finding::ok(CHECK, "none: the embedded analyst reads"),
    }
}

fn webhook(facts: &StackFacts) -> Finding {
    const CHECK: &str = "webhook-secret";
    let fix = "run zendesk-setup with --stack";
    match (&facts.webhook_secret, &facts.signing_secret) {
        (Err(why), _) => Finding::error(CHECK, why.clone(), fix),
        (Ok(None), _) => Finding::error(CHECK, "the parameter is missing: every event is refused", fix),
        (Ok(Some(stored)), _) if PLACEHOLDERS.contains(&stored.expose_secret().trim()) => {
            Finding::error(CHECK, "it is still the placeholder: every event is refused", fix)
        }
        (Ok(Some(_)), None) => Finding::skipped(CHECK, "stored; Zendesk's is not known to compare"),
        (Ok(Some(stored)), Some(theirs)) if stored.expose_secret() == theirs.expose_secret() => {
            Finding::ok(CHECK, "the one Zendesk signs with")
        }
        (Ok(Some(_)), Some(_)) => {
            Finding::error(CHECK, "Zendesk signs with another secret: every event is refused", fix)
        }
    }
}

fn credentials(facts: &StackFacts) -> Finding {
    const CHECK: &str = "credentials";
    let fix =
        "run zendesk-setup with --stack and the variables ZENDESK_RUNTIME_CLIENT_ID, ZENDESK_RUNTIME_CLIENT_SECRET";
    match &facts.credentials {
        Err(why) => Finding::error(CHECK, why.clone(), fix),
        Ok(false) => Finding::error(CHECK, "no credentials are stored: no ticket can be read", fix),
        Ok(true) => Finding::ok(CHECK, "stored"),
    }
}

fn configuration(facts: &StackFacts) -> Finding {
    const CHECK: &str = "configuration";
    let (policy, agents) = match (&facts.policy, &facts.agents) {
        (Err(why), _) | (_, Err(why)) => {
            return Finding::error(CHECK, why.clone(), "let your AWS user read the config bucket");
        }
        (Ok(Some(policy)), Ok(Some(agents))) => (policy, agents),
        (Ok(policy), Ok(_)) => {
            let name = if policy.is_none() { "policy.json" } else { "agents.json" };
            let says = format!("there is no {name} in the config bucket: triage does not start");
            return Finding::error(CHECK, says, "run zendesk-setup with --stack, which writes it");
        }
    };
    let playbooks = match &facts.playbooks {
        Err(why) => return Finding::error(CHECK, why.clone(), "let your AWS user read the config bucket"),
        Ok(playbooks) => playbooks.as_deref(),
    };
    match runtime::config::read(Files { policy, agents, playbooks }, |_| None, &Defaults::laptop()) {
        Ok(_) => Finding::ok(CHECK, "policy.json and agents.json can be read"),
        Err(error) => Finding::error(CHECK, error.0.join("; "), "mend the file; the last good one stays in use"),
    }
}

fn tables(facts: &StackFacts) -> Finding {
    const CHECK: &str = "tables";
    let mut problems = Vec::new();
    for (table, state) in &facts.tables {
        match state {
            Ok(state) if state == "ACTIVE" => {}
            Ok(state) => problems.push(format!("{table} is {state}")),
            Err(why) => problems.push(format!("{table}: {why}")),
        }
    }
    if facts.tables.len() < 2 {
        problems.push("the stack does not name both tables".to_owned());
    }
    if problems.is_empty() {
        Finding::ok(CHECK, "both are active")
    } else {
        Finding::error(CHECK, problems.join("; "), "deploy the stack again")
    }
}

fn dead_letters(facts: &StackFacts) -> Finding {
    const CHECK: &str = "dead-letters";
    let (mut count, mut problems) = (0, Vec::new());
    for (queue, messages) in &facts.dead_letters {
        match messages {
            Ok(messages) => count += messages,
            Err(why) => problems.push(format!("{queue}: {why}")),
        }
    }
    if !problems.is_empty() {
        Finding::warning(CHECK, problems.join("; "), "let your AWS user call sqs:GetQueueAttributes")
    } else if count > 0 {
        let fix = "look at the audit for the reason, then infra/operate.py STACK redrive (docs/operations.md)";
        Finding::warning(CHECK, format!("{count} messages were given up"), fix)
    } else {
        Finding::ok(CHECK, "none")
    }
}

#[cfg(test)]
mod tests;
