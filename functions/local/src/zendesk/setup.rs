//! `zendesk-setup`: connects an account, or takes away what was made.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, anyhow, bail, ensure};
use clap::{Args, Subcommand, ValueEnum};
use domain::{AgentProfile, Teams};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use zendesk::{
    Credentials, FieldIds, Transport, found,
    setup::{self, Done, Fields, Report, Step, Team, Via, Wanted},
};

use super::{
    access::{self, Account},
    cloud::{AwsCli, Cloud},
    deployment::Deployment,
    place::{File, Place},
    settings,
};
use crate::{exit::Ended, say, stack::Environment};

#[derive(Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct ZendeskSetupArguments {
    #[command(subcommand)]
    pub command: Option<SetupCommand>,
    #[command(flatten)]
    pub account: Option<Account>,
    #[command(flatten)]
    pub place: PlaceArguments,
    /// Where Zendesk sends events [default: the stack's WebhookUrl]
    #[arg(long, value_name = "URL")]
    pub webhook_url: Option<String>,
    /// How Zendesk tells of tickets
    #[arg(long, value_enum, default_value_t = ViaChoice::Events)]
    pub via: ViaChoice,
    /// Make the fields of organizations too: mrr, plan, health, kam
    #[arg(long)]
    pub organization_fields: bool,
    /// Make a new signing secret; the old one stays valid until the next one
    #[arg(long)]
    pub rotate_secret: bool,
    /// Write the signing secret into this file, as a line of a .env, readable by you alone
    #[arg(long, value_name = "FILE")]
    pub secrets_to: Option<PathBuf>,
    #[command(flatten)]
    pub output: OutputArguments,
}

#[derive(Subcommand, Clone, Debug)]
pub enum SetupCommand {
    /// Take away what zendesk-setup made; groups stay
    Teardown(TeardownArguments),
}

#[derive(Args, Clone, Debug)]
pub struct TeardownArguments {
    #[command(flatten)]
    pub account: Account,
    #[command(flatten)]
    pub place: PlaceArguments,
    /// What becomes of the ticket fields
    #[arg(long, value_enum, default_value_t = FieldsChoice::Keep)]
    pub fields: FieldsChoice,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub output: OutputArguments,
}

#[derive(Args, Clone, Debug, Default)]
pub struct PlaceArguments {
    /// Stack on AWS: its config bucket and parameters are used, with your AWS command line
    #[arg(long, value_name = "NAME")]
    pub stack: Option<String>,
    /// Folder with policy.json and agents.json [default: the stack's config bucket, else the bundled files, unchanged]
    #[arg(long, value_name = "DIR")]
    pub config: Option<PathBuf>,
}

#[derive(Args, Clone, Debug, Default)]
pub struct OutputArguments {
    /// Print every request that would change something, and send none
    #[arg(long)]
    pub dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum ViaChoice {
    /// The webhook subscribes to ticket events
    Events,
    /// Two triggers call the webhook: for accounts without ticket events
    Trigger,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum FieldsChoice {
    /// They stay as they are
    Keep,
    /// Switched off; their values stay in Zendesk
    Deactivate,
    /// Deleted with the values of all tickets
    Delete,
}

/// Where this run reads and writes, apart from Zendesk.
pub(super) struct Site {
    cloud: Box<dyn Cloud>,
    pub(super) deployment: Option<Deployment>,
    config: Option<PathBuf>,
}

impl Site {
    pub(super) fn open(arguments: &PlaceArguments) -> anyhow::Result<Self> {
        Self::over(Box::new(AwsCli), arguments)
    }

    pub(super) fn over(cloud: Box<dyn Cloud>, arguments: &PlaceArguments) -> anyhow::Result<Self> {
        let deployment = arguments.stack.as_ref().map(|stack| Deployment::find(&*cloud, stack)).transpose()?;
        Ok(Self { cloud, deployment, config: arguments.config.clone() })
    }

    pub(super) fn cloud(&self) -> &dyn Cloud {
        &*self.cloud
    }

    pub(super) fn stack(&self) -> Option<&str> {
        self.deployment.as_ref().map(|deployment| deployment.name.as_str())
    }

    /// A folder that is named wins over the stack's bucket.
    pub(super) fn place(&self) -> anyhow::Result<Place<'_>> {
        Ok(match (&self.config, &self.deployment) {
            (Some(folder), _) => Place::Folder(folder.clone()),
            (None, Some(deployment)) => {
                Place::Bucket { cloud: &*self.cloud, bucket: deployment.output("ConfigBucketName")?.to_owned() }
            }
            (None, None) => Place::Bundled,
        })
    }
}

/// What the customer's files say that matters here.
pub(super) struct Configured {
    pub(super) teams: Vec<Team>,
    pub(super) fields: FieldIds,
    /// The user group of Slack that may press.
    pub(super) slack_group: Option<String>,
    policy: File,
    agents: File,
}

impl Configured {
    pub(super) fn read(place: &Place<'_>) -> anyhow::Result<Self> {
        #[derive(Deserialize)]
        struct Policy {
            zendesk: Section,
            #[serde(default)]
            alerts: Value,
        }
        #[derive(Deserialize)]
        struct Section {
            fields: FieldIds,
        }
        let (policy, agents) = (place.policy()?, place.agents()?);
        let broken = |file: &str, error| anyhow!("{file} in {place}: {}", domain::ports::json_error(error));
        let parsed: Policy = serde_json::from_str(&policy.text).map_err(|error| broken("policy.json", error))?;
        let profiles: Vec<AgentProfile> =
            serde_json::from_str(&agents.text).map_err(|error| broken("agents.json", error))?;
        let teams = Teams::new(profiles).with_context(|| format!("agents.json in {place}"))?;
        let teams = teams.iter().map(|profile| Team {
            agent: profile.agent.clone(),
            name: profile.team.clone(),
            description: profile.description.clone(),
            group: profile.group,
        });
        let group = parsed.alerts.pointer("/slack/may_press/group").and_then(Value::as_str);
        Ok(Self {
            teams: teams.collect(),
            fields: parsed.zendesk.fields,
            slack_group: group.map(str::to_owned),
            policy,
            agents,
        })
    }
}

/// # Errors
/// Credentials, configuration or arguments that cannot be used; nothing was changed then.
pub async fn command(arguments: &ZendeskSetupArguments, environment: &Environment) -> anyhow::Result<Ended> {
    if let Some(SetupCommand::Teardown(arguments)) = &arguments.command {
        let transport = arguments.account.transport()?;
        return teardown(arguments, environment, &Site::open(&arguments.place)?, &transport).await;
    }
    let account = arguments.account.clone().context("--subdomain is missing")?;
    set_up(arguments, environment, &Site::open(&arguments.place)?, &account.transport()?, &account.url()).await
}

/// The set-up, whoever carries requests and wherever secrets go.
///
/// # Errors
/// As [`command`].
pub(super) async fn set_up(
    arguments: &ZendeskSetupArguments,
    environment: &Environment,
    site: &Site,
    transport: &Arc<dyn Transport>,
    url: &str,
) -> anyhow::Result<Ended> {
    let OutputArguments { dry_run, json } = arguments.output;
    let place = site.place()?;
    let configured = Configured::read(&place)?;
    let credentials = access::setup_credentials(environment)?;
    warn(&credentials);
    let running = access::running_credentials(environment)?;
    let client = access::setup_client(transport, &credentials);
    somebody(&client, "the set-up client").await?;
    let bot = match &running {
        Some(running) => Some(somebody(&access::running_client(transport, running), "the running client").await?),
        None => None,
    };
    let endpoint = match (&arguments.webhook_url, &site.deployment) {
        (Some(url), _) => Some(checked(url)?),
        (None, Some(deployment)) => Some(deployment.output("WebhookUrl")?.to_owned()),
        (None, None) => None,
    };
    let wanted = Wanted {
        stack: site.stack().map(str::to_owned),
        teams: configured.teams.clone(),
        fields: configured.fields,
        endpoint,
        via: match arguments.via {
            ViaChoice::Events => Via::Events,
            ViaChoice::Trigger => Via::Trigger,
        },
        organization_fields: arguments.organization_fields,
        rotate_secret: arguments.rotate_secret,
    };
    let mut report = setup::set_up(&client, &wanted, dry_run).await;
    if !dry_run {
        // What has an id by now is written down even if the rest was not done: it is found by it the next time.
        let written = store(&mut report, site, &place, &configured, url, running.as_ref(), arguments);
        if let Err(error) = written {
            show(&report, json, dry_run);
            return Err(error.context("what is listed above is done; run it again to continue"));
        }
    }
    hints(&mut report, &wanted, site, running.as_ref(), bot.and_then(|bot| bot.id));
    Ok(show(&report, json, dry_run))
}

fn checked(url: &str) -> anyhow::Result<String> {
    let local = ["http://127.0.0.1:", "http://localhost:"].iter().any(|start| url.starts_with(start));
    ensure!(url.starts_with("https://") || local, "--webhook-url must be an https:// address");
    Ok(url.to_owned())
}

fn warn(credentials: &Credentials) {
    if let Some(warning) = credentials.warning() {
        eprintln!("{warning}");
    }
}

/// Zendesk takes wrong credentials for an anonymous user's, who may read a little and write nothing.
async fn somebody(client: &zendesk::Client, who: &str) -> anyhow::Result<found::Me> {
    let me = found::me(client).await.with_context(|| who.to_owned())?;
    match me.problem() {
        Some(problem) => bail!("{who}: {problem}"),
        None => Ok(me),
    }
}

/// Writes ids and secrets down.
fn store(
    report: &mut Report,
    site: &Site,
    place: &Place<'_>,
    configured: &Configured,
    url: &str,
    running: Option<&Credentials>,
    arguments: &ZendeskSetupArguments,
) -> anyhow::Result<()> {
    let policy = settings::policy(&configured.policy.text, &report.found.fields, url)?;
    let agents = settings::agents(&configured.agents.text, &report.found.groups)?;
    for (name, file, changed) in
        [("policy.json", &configured.policy, policy), ("agents.json", &configured.agents, agents)]
    {
        let text = changed.or_else(|| file.new.then(|| file.text.clone()));
        if let Some(at) = text.map(|text| place.write(name, &text)).transpose()?.flatten() {
            report.steps.push(Step { what: at, done: Done::Changed("ids".to_owned()) });
        }
    }
    if let (Some(deployment), Some(secret)) = (&site.deployment, &report.found.secret) {
        let done = deployment.store_webhook_secret(site.cloud(), secret)?;
        report.steps.push(Step { what: deployment.parameter("webhook-secret"), done });
    }
    if let (Some(deployment), Some(running)) = (&site.deployment, running) {
        let done = deployment.store_credentials(site.cloud(), running)?;
        report.steps.push(Step { what: deployment.parameter("zendesk-credentials"), done });
    }
    if let (Some(file), Some(secret)) = (&arguments.secrets_to, &report.found.secret) {
        let done = write_secret(file, secret)?;
        report.steps.push(Step { what: file.display().to_string(), done });
    }
    Ok(())
}

/// Sets the line of the signing secret in a `.env`, and leaves the others.
fn write_secret(file: &Path, secret: &SecretString) -> anyhow::Result<Done> {
    const NAME: &str = "ZENDESK_WEBHOOK_SECRET=";
    let before = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read", file.display())),
    };
    let line = format!("{NAME}'{}'", secret.expose_secret());
    if before.lines().any(|present| present == line) {
        return Ok(Done::Nothing);
    }
    let others = before.lines().filter(|present| !present.starts_with(NAME));
    let text: String = others.chain([line.as_str()]).map(|line| format!("{line}\n")).collect();
    memory::private::write(file, text).with_context(|| format!("{} cannot be written", file.display()))?;
    Ok(Done::Changed("signing secret".to_owned()))
}

/// What is left for a person.
fn hints(report: &mut Report, wanted: &Wanted, site: &Site, running: Option<&Credentials>, bot: Option<u64>) {
    let mut remark = |what: &str, text: String| {
        report.steps.push(Step { what: what.to_owned(), done: Done::Remark(text) });
    };
    if wanted.endpoint.is_none() {
        remark("webhook", "left alone: name --webhook-url or --stack".to_owned());
    }
    let Some(deployment) = &site.deployment else { return };
    if running.is_none() && !deployment.has_credentials(site.cloud()) {
        let text = "none are stored: set ZENDESK_RUNTIME_CLIENT_ID and ZENDESK_RUNTIME_CLIENT_SECRET and run it again";
        remark("running credentials", text.to_owned());
    }
    if let Some(bot) = bot.filter(|bot| deployment.bot_user().map(|user| user.0) != Some(*bot)) {
        remark("bot user", format!("deploy with ZendeskBotUserId={bot}"));
    }
}

/// # Errors
/// Credentials or arguments that cannot be used, or no consent; nothing was removed then.
pub(super) async fn teardown(
    arguments: &TeardownArguments,
    environment: &Environment,
    site: &Site,
    transport: &Arc<dyn Transport>,
) -> anyhow::Result<Ended> {
    let OutputArguments { dry_run, json } = arguments.output;
    let configured = Configured::read(&site.place()?)?;
    let credentials = access::setup_credentials(environment)?;
    let client = access::setup_client(transport, &credentials);
    somebody(&client, "the set-up client").await?;
    let wanted = Wanted {
        stack: site.stack().map(str::to_owned),
        teams: configured.teams,
        fields: configured.fields,
        endpoint: None,
        via: Via::Events,
        organization_fields: false,
        rotate_secret: false,
    };
    let fields = match arguments.fields {
        FieldsChoice::Keep => Fields::Keep,
        FieldsChoice::Deactivate => Fields::Deactivate,
        FieldsChoice::Delete => Fields::Delete,
    };
    if !dry_run && !arguments.yes {
        let lost = if fields == Fields::Delete { ", and the fields with the values of all tickets" } else { "" };
        let place = &arguments.account.subdomain;
        let answer = access::ask(&format!("This removes our webhook and triggers from {place}{lost}. Type yes"))?;
        ensure!(answer == "yes", "nothing was removed");
    }
    let report = setup::teardown(&client, &wanted, fields, dry_run).await;
    Ok(show(&report, json, dry_run))
}

/// Prints what was done, and how it ended.
fn show(report: &Report, json: bool, dry_run: bool) -> Ended {
    if json {
        say::line(format_args!("{:#}", as_json(report, dry_run)));
    } else {
        print(report, dry_run);
    }
    match &report.stopped {
        Some(_) => Ended::WithLosses,
        None => Ended::Well,
    }
}

fn print(report: &Report, dry_run: bool) {
    if dry_run {
        for request in &report.requests {
            say::line(format_args!("{} {}", request.method, request.path));
            if let Some(body) = &request.body {
                say::line(format_args!("{body:#}"));
            }
        }
    }
    for Step { what, done } in &report.steps {
        let (word, detail) = words(done, dry_run);
        let detail = if detail.is_empty() { String::new() } else { format!(": {detail}") };
        say::line(format_args!("{word:<14} {what}{detail}"));
    }
    match &report.stopped {
        Some(problem) => {
            eprintln!("error: {problem}");
            eprintln!("What is listed above is done. Run it again to continue.");
        }
        None if report.steps.iter().all(|step| matches!(step.done, Done::Nothing | Done::Remark(_))) => {
            say::line("Nothing to change.");
        }
        None if dry_run => say::line("Nothing was changed: this was a dry run."),
        None => {}
    }
}

fn words(done: &Done, dry_run: bool) -> (&'static str, &str) {
    match done {
        Done::Nothing => ("unchanged", ""),
        Done::Created => (if dry_run { "would create" } else { "created" }, ""),
        Done::Changed(what) => (if dry_run { "would change" } else { "changed" }, what),
        Done::Removed => (if dry_run { "would remove" } else { "removed" }, ""),
        Done::Remark(text) => ("note", text),
    }
}

fn as_json(report: &Report, dry_run: bool) -> Value {
    let steps: Vec<Value> = report
        .steps
        .iter()
        .map(|Step { what, done }| {
            let kind = match done {
                Done::Nothing => "nothing",
                Done::Created => "created",
                Done::Changed(_) => "changed",
                Done::Removed => "removed",
                Done::Remark(_) => "remark",
            };
            json!({ "what": what, "done": kind, "detail": words(done, dry_run).1 })
        })
        .collect();
    let fields = &report.found.fields;
    let groups: BTreeMap<&str, u64> =
        report.found.groups.iter().map(|(team, group)| (team.as_str(), group.0)).collect();
    json!({
        "dry_run": dry_run,
        "steps": steps,
        "requests": report.requests,
        "fields": {
            "guardian_risk_score": fields.guardian_risk_score,
            "opportunity_intent": fields.opportunity_intent,
            "agent_id": fields.agent_id,
        },
        "groups": groups,
        "webhook": report.found.webhook,
        "stopped": report.stopped.as_ref().map(ToString::to_string),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_takes_the_place_of_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(".env");
        std::fs::write(&file, "MODE=act\nZENDESK_WEBHOOK_SECRET=old\nANALYST=embedded\n").unwrap();
        assert!(matches!(write_secret(&file, &"new=".into()).unwrap(), Done::Changed(_)));
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(text, "MODE=act\nANALYST=embedded\nZENDESK_WEBHOOK_SECRET='new='\n");
        assert_eq!(write_secret(&file, &"new=".into()).unwrap(), Done::Nothing);
    }

    #[test]
    fn events_go_over_https_only() {
        for (url, fits) in [
            ("https://x.example.com/w", true),
            ("http://127.0.0.1:8080/w", true),
            ("http://x.example.com/w", false),
            ("http://127.0.0.1.example.com/w", false),
        ] {
            assert_eq!(checked(url).is_ok(), fits, "{url}");
        }
    }
}
