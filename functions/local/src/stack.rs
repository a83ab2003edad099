//! The composition root of a laptop: the functions over the in-memory adapters.

use std::{
    borrow::Cow,
    collections::HashMap,
    path::Path,
    sync::{Arc, LazyLock},
};

use alert::{AccountPlace, Alerting, Chatting, Links, Pages};
use analyst::{EmbeddedAnalyst, KnowledgeBase, Weights};
use anyhow::{Context, anyhow, ensure};
use async_trait::async_trait;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use base64::{Engine, prelude::BASE64_STANDARD};
use domain::{
    Mode, Policy, Record, Teams, TicketContext, TicketId, TicketState, UserId,
    policy::ChatPolicy,
    ports::{Analyst, Outbox, PortError},
    record::Effort,
};
use followup::{FollowingUp, PageDoor, SlackDoor};
use jiff::{SignedDuration, Timestamp};
use llm::{Budget, Router};
use memory::{
    FixedConfiguration, FixedSecrets, FixedSettings, MemoryControl, MemoryHelpdesk, MemoryQueue, MemoryTicketLog,
    OutboxMailer, SiteDirectory, SlackDirectory, pump,
};
use report::{Acting, Aggregates, Reporting, Window};
use runtime::{
    Invocation,
    backoff::RECEIVES,
    config::{ConfigError, Defaults, Files, Reader, Switches},
};
use secrecy::SecretString;
use triage::Triage;
use webhook::Webhook;

use crate::{cli::AnalystChoice, input::Row, outputs, variables};

/// As on AWS: six times the function's timeout.
const TIMEOUT: SignedDuration = SignedDuration::from_secs(30);
const VISIBILITY: SignedDuration = SignedDuration::from_secs(180);
/// The Zendesk user that a laptop takes for itself, so that what our own changes cause can be tried here too.
const EXAMPLE_BOT: UserId = UserId(900_000_001);
/// Longer than any file spans: a run shows all of it.
const KEEP_DAYS: u32 = 36_500;

/// Environment variables, and behind them the lines of a `.env` in the working folder.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    file: HashMap<String, String>,
}

/// The variables of a `.env`, or which line is wrong and why. Nothing of the line is repeated: it may be a secret.
fn env_file(text: &str) -> Result<HashMap<String, String>, String> {
    let parsed = |text: &str| dotenvy::from_read_iter(text.as_bytes()).collect::<Result<_, _>>();
    parsed(text).map_err(|_| {
        // A value may go over several lines: what is wrong begins behind the most lines that can be read.
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let read = |count: usize| parsed(&lines.iter().take(count).copied().collect::<String>()).is_ok();
        let good = (0..lines.len()).rev().find(|count| read(*count)).unwrap_or(0);
        format!("line {}: {}", good + 1, mistake(lines.get(good).copied().unwrap_or_default()))
    })
}

fn mistake(line: &str) -> &'static str {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let name = |name: &str| name.trim().trim_start_matches("export ").trim().to_owned();
    match line.split_once('=') {
        None => "it has no `=`; write NAME=value",
        Some((before, _)) if name(before).is_empty() || !name(before).chars().all(fits) => {
            "what stands before the `=` is no name; write NAME=value"
        }
        Some(_) => "the value cannot be read; put it in quotes, NAME='value', and close them",
    }
}

impl Environment {
    /// Names in `.env` that nothing reads are pointed out on standard error.
    ///
    /// # Errors
    /// A line of `.env` that is not `NAME=value`, or a model's address there while the key is elsewhere.
    pub fn read() -> anyhow::Result<Self> {
        let path = Path::new(".env");
        if !path.exists() {
            return Ok(Self::default());
        }
        let text = std::fs::read_to_string(path).context(".env cannot be read")?;
        let file = env_file(&text).map_err(|problem| anyhow!(".env: {problem}"))?;
        let mut names: Vec<&String> = file.keys().collect();
        names.sort();
        for remark in names.into_iter().filter_map(|name| variables::remark(name)) {
            eprintln!(".env: {remark}");
        }
        let environment = Self { file };
        environment.keep_the_key_at_home()?;
        Ok(environment)
    }

    /// A folder that somebody else made may hold a `.env`: it must not have our key and our tickets sent to its address.
    fn keep_the_key_at_home(&self) -> anyhow::Result<()> {
        let set = |value: &String| !value.trim().is_empty();
        let address_from_file =
            of_process("ANTHROPIC_BASE_URL").is_none() && self.file.get("ANTHROPIC_BASE_URL").is_some_and(set);
        let key_of_process = of_process("ANTHROPIC_API_KEY").as_ref().is_some_and(set);
        ensure!(
            !(address_from_file && key_of_process),
            "ANTHROPIC_BASE_URL is set in .env and ANTHROPIC_API_KEY in the environment; set both in one place"
        );
        Ok(())
    }

    /// Lines as in a `.env`, for tests and benchmarks.
    #[must_use]
    pub fn of(lines: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { file: lines.into_iter().collect() }
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        of_process(name).or_else(|| self.file.get(name).cloned())
    }

    /// The secret webhooks are signed with here: Zendesk's public test secret unless one is set.
    ///
    /// # Errors
    /// A blank one: whoever set it did not mean the public one.
    pub fn webhook_secret(&self) -> anyhow::Result<SecretString> {
        let secret = self.get("ZENDESK_WEBHOOK_SECRET");
        ensure!(
            secret.as_ref().is_none_or(|secret| !secret.trim().is_empty()),
            "ZENDESK_WEBHOOK_SECRET is blank; set Zendesk's signing secret, or unset it to use the public test secret"
        );
        Ok(secret.unwrap_or_else(|| zendesk::signature::TEST_SECRET.to_owned()).into())
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place of a laptop run that reads the environment")]
fn of_process(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The wall clock, for what happens now and not at a ticket's time.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place of a laptop run that reads the clock")]
pub fn wall_clock() -> Timestamp {
    Timestamp::now()
}

/// How a stack is set up.
#[derive(Clone, Copy, Debug)]
pub struct Setup<'a> {
    pub output: &'a Path,
    /// None: as the variable `ANALYST` says.
    pub analyst: Option<AnalystChoice>,
    /// False: alerts are logged as skipped.
    pub delivery: bool,
    /// False: the daily cap does not apply.
    pub capped: bool,
    pub teams: &'a Teams,
}

/// What all tickets share.
#[derive(Clone)]
pub struct Shared {
    pub policy: Arc<Policy>,
    pub log: Arc<MemoryTicketLog>,
    pub helpdesk: Arc<MemoryHelpdesk>,
    control: Arc<MemoryControl>,
    mailer: Arc<OutboxMailer>,
    /// Where a run leaves the digests of the next morning.
    morning: Arc<OutboxMailer>,
    slack: SlackDirectory,
    reader: Arc<Router>,
    secret: SecretString,
    link_secret: SecretString,
    /// What presses in Slack are signed with; none: nobody can press there.
    slack_secret: Option<SecretString>,
    bot_user: Option<UserId>,
    reporting: Reporting,
}

/// The messages of this machine, mails and Slack's.
struct Messages {
    mails: [Arc<OutboxMailer>; 2],
    slack: SlackDirectory,
}

#[async_trait]
impl Outbox for Messages {
    async fn discard(&self, ticket: TicketId) -> Result<(), PortError> {
        for mails in &self.mails {
            mails.discard(ticket).await?;
        }
        self.slack.discard(ticket).await
    }
}

/// The functions and their two queues.
pub struct Stack {
    pub tickets: Arc<MemoryQueue>,
    pub alerts: Arc<MemoryQueue>,
    pub webhook: Webhook,
    pub triage: Triage,
    pub alerting: Alerting,
    pub following_up: FollowingUp,
}

impl Shared {
    /// # Errors
    /// A configuration that cannot be used, every problem of it in one message.
    pub fn new(setup: Setup<'_>, environment: &Environment) -> anyhow::Result<Self> {
        let files = Files { policy: data::POLICY, agents: data::AGENTS, playbooks: Some(data::PLAYBOOKS) };
        let variable = |name: &str| match (name, setup.analyst) {
            ("ANALYST", Some(choice)) => Some(choice.word().to_owned()),
            _ => environment.get(name),
        };
        let readers = ConfigError::both(llm::Config::read(variable), claude::Config::read(variable));
        let config = runtime::config::read(files, variable, &defaults());
        let mut reader = Reader::new(variable);
        let bot_user = webhook::bot_user(&mut reader).or(Some(EXAMPLE_BOT));
        let config = ConfigError::both(config, reader.finish());
        let ((mut config, ()), (reading, claude)) = ConfigError::both(config, readers)?;
        // A run shows the whole file, and its clock is the file's.
        config.policy.retention = SignedDuration::from_hours(24 * i64::from(KEEP_DAYS));
        if !setup.capped {
            config.policy.alerts.daily_cap = None;
        }
        config.policy.delivery &= setup.delivery;
        // So that the messages are there to look at.
        let example = ChatPolicy::by_channel("C0GUARDIAN", "C0SALES", "C0OUTAGES");
        let example = example.map_err(|problem| anyhow!(problem))?;
        config.policy.alerts.slack.get_or_insert(example);
        config.policy.teams = setup.teams.clone();
        let fields = config.fields;
        let policy = config.policy.clone();
        let control = Arc::new(MemoryControl::default());
        let budget = Budget::new(control.clone(), reading.budget_usd, wall_clock);
        let model = claude::language_model(&claude).map_err(|problem| anyhow!(problem))?;
        let reader = Router::new(reading, model, embedded_analyst(&policy.teams)?, budget);
        let (policy, log) = (Arc::new(policy), Arc::new(MemoryTicketLog::default()));
        Ok(Self {
            reporting: Reporting {
                configuration: Arc::new(FixedConfiguration(Arc::new(config))),
                records: log.clone(),
                alerts: log.clone(),
                site: Arc::new(SiteDirectory::new(setup.output.to_owned())),
                pages: report::ONE_PAGE,
                acting: Acting::Nowhere,
            },
            helpdesk: Arc::new(MemoryHelpdesk::new(fields)),
            control,
            mailer: Arc::new(OutboxMailer::new(setup.output.join(outputs::EMAILS))),
            morning: Arc::new(OutboxMailer::new(setup.output.join(outputs::DAILY_EMAILS))),
            slack: SlackDirectory::new(setup.output.join(outputs::SLACK)),
            reader: Arc::new(reader),
            secret: environment.webhook_secret()?,
            link_secret: random_secret()?,
            slack_secret: environment.get("SLACK_SIGNING_SECRET").filter(|secret| !secret.is_empty()).map(Into::into),
            bot_user,
            policy,
            log,
        })
    }

    /// Opens the connection to the model, if one reads.
    pub async fn warm(&self) {
        self.reader.warm().await;
    }

    /// Where the messages of this machine lie.
    #[must_use]
    pub fn outbox(&self) -> impl Outbox + use<> {
        Messages { mails: [self.mailer.clone(), self.morning.clone()], slack: self.slack.clone() }
    }

    #[must_use]
    pub fn secret(&self) -> &SecretString {
        &self.secret
    }

    /// Whether somebody can press buttons of the messages in the folder.
    #[must_use]
    pub fn takes_presses(&self) -> bool {
        self.slack_secret.is_some()
    }

    /// The functions with fresh queues, at a moment.
    #[must_use]
    pub fn stack(&self, now: Timestamp) -> Stack {
        let queue = || Arc::new(MemoryQueue::new(VISIBILITY, RECEIVES, now));
        let (tickets, alerts) = (queue(), queue());
        let settings = Arc::new(FixedSettings(self.policy.clone()));
        Stack {
            webhook: Webhook {
                secrets: Arc::new(FixedSecrets(vec![self.secret.clone()])),
                tickets: tickets.clone(),
                bot_user: self.bot_user,
            },
            triage: Triage {
                settings: settings.clone(),
                log: self.log.clone(),
                records: self.log.clone(),
                alerts: self.log.clone(),
                follow_ups: self.log.clone(),
                conversations: self.control.clone(),
                audit: self.log.clone(),
                eraser: self.log.clone(),
                outbox: Arc::new(self.outbox()),
                helpdesk: self.helpdesk.clone(),
                analyst: self.reader.clone(),
                tickets: tickets.clone(),
                dead_letters: tickets.dead_letters(),
                alert_queue: alerts.clone(),
            },
            alerting: Alerting {
                settings,
                alerts: self.log.clone(),
                follow_ups: self.log.clone(),
                conversations: self.control.clone(),
                control: self.control.clone(),
                mailer: self.mailer.clone(),
                outbox: self.mailer.clone(),
                queue: alerts.clone(),
                dead_letters: alerts.dead_letters(),
                pages: Some(pages(&format!("../{}", report::DASHBOARD))),
                links: None,
                chat: Some(Chatting {
                    chat: Arc::new(self.slack.client()),
                    threads: self.control.clone(),
                    paced: false,
                }),
            },
            following_up: FollowingUp {
                secrets: Arc::new(FixedSecrets(vec![self.link_secret.clone()])),
                alerts: self.log.clone(),
                alert_queue: alerts.clone(),
                slack: Some(SlackDoor {
                    secrets: Arc::new(FixedSecrets(self.slack_secret.iter().cloned().collect())),
                    client: self.slack.client(),
                }),
                page: PageDoor::Shut,
            },
            tickets,
            alerts,
        }
    }

    /// What a triage makes of a ticket that has nothing around it: no history, nothing done before, nobody's fields.
    ///
    /// # Errors
    /// What the analyst says.
    pub async fn alone(&self, row: &Row) -> Result<Record, PortError> {
        let (ticket, account) = (row.opened(), row.account(row.mrr));
        let reading = self.reader.read(&ticket, &account, TIMEOUT.unsigned_abs()).await?;
        let context = TicketContext {
            ticket: &ticket,
            account: &account,
            history: &[],
            earlier: &[],
            state: &TicketState::default(),
        };
        let plan = domain::decide(context, &reading, &self.policy, row.timestamp);
        let effort = Effort { at: row.timestamp, duration_ms: 0, usage: reading.usage };
        Ok(Record::new(context, plan, effort))
    }

    /// Writes the digests of the first morning after a moment, into a folder of their own. Returns how many.
    ///
    /// # Errors
    /// What a port says.
    pub async fn morning_after(&self, moment: Timestamp) -> Result<usize, PortError> {
        let morning = alert::next_morning(moment, &self.policy.time_zone);
        // One folder further down.
        let pages = Some(pages(&format!("../../{}", report::DASHBOARD)));
        let alerting = Alerting {
            mailer: self.morning.clone(),
            outbox: self.morning.clone(),
            pages,
            ..self.stack(morning).alerting
        };
        alert::daily(&alerting, &invocation(morning)).await
    }

    /// The same with a page that is read where links are opened, so that alerts can be acted on from it.
    #[must_use]
    pub fn acting(mut self) -> Self {
        self.reporting.acting = Acting::SignedIn { followup: followup::PATH.to_owned() };
        self
    }

    /// Publishes the dashboard.
    ///
    /// # Errors
    /// What the output folder says.
    pub async fn report(&self, window: Window, now: Timestamp) -> Result<Aggregates, PortError> {
        report::handle(&self.reporting, window, now).await
    }
}

impl Stack {
    pub async fn post(&self, request: ApiGatewayV2httpRequest, now: Timestamp) -> ApiGatewayV2httpResponse {
        webhook::handle(&self.webhook, request, now).await
    }

    /// Delivers whatever is due at `now`, and what follows from it. Returns how many messages were handled.
    pub async fn deliver_due(&self, now: Timestamp) -> usize {
        self.tickets.tick(now);
        self.alerts.tick(now);
        let mut handled = 0;
        loop {
            let invocation = invocation(now);
            let triaged = pump(&self.tickets, |event| triage::handle(&self.triage, event, &invocation)).await;
            let alerted = pump(&self.alerts, |event| alert::handle(&self.alerting, event, &invocation)).await;
            if triaged + alerted == 0 {
                return handled;
            }
            handled += triaged + alerted;
        }
    }

    /// Sends what waits for the digest. Returns how many messages went out.
    ///
    /// # Errors
    /// What a port says.
    pub async fn digest(&self, now: Timestamp) -> Result<usize, PortError> {
        alert::digest(&self.alerting, &invocation(now)).await
    }

    /// Says again what is due again. Returns how many messages went out.
    ///
    /// # Errors
    /// What a port says.
    pub async fn remind(&self, now: Timestamp) -> Result<usize, PortError> {
        alert::remind(&self.alerting, &invocation(now)).await
    }

    /// Tells recipients what is open, in the morning. Returns how many messages went out.
    ///
    /// # Errors
    /// What a port says.
    pub async fn daily(&self, now: Timestamp) -> Result<usize, PortError> {
        alert::daily(&self.alerting, &invocation(now)).await
    }

    /// Answers what somebody pressed in a mail.
    pub async fn follow_up(&self, request: ApiGatewayV2httpRequest, now: Timestamp) -> ApiGatewayV2httpResponse {
        followup::handle(&self.following_up, request, now).await
    }

    /// Puts links into the mails, which are opened at that address, and takes whoever comes from the page there.
    #[must_use]
    pub fn linking(mut self, base: String) -> Self {
        let secrets = self.following_up.secrets.clone();
        self.following_up.page = PageDoor::Laptop;
        self.alerting.links = Some(Links { base, secrets });
        self
    }

    /// Delivers until both queues are empty, skipping every wait.
    pub async fn drain(&self) {
        while let Some(next) = [&self.tickets, &self.alerts].into_iter().filter_map(|queue| queue.next_visible()).min()
        {
            self.deliver_due(next.max(self.tickets.now())).await;
        }
    }

    /// Messages that ended as dead letters.
    #[must_use]
    pub fn dead(&self) -> Vec<String> {
        [self.tickets.dead(), self.alerts.dead()].concat()
    }
}

/// The one page, as seen from a folder of e-mails.
fn pages(page: &str) -> Pages {
    let page = page.to_owned();
    Pages { guardian: page.clone(), opportunity: page.clone(), outage: page, accounts: AccountPlace::Panel }
}

/// Alerts live as long as the process, and so do the links to them.
fn random_secret() -> anyhow::Result<SecretString> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!("the system gives no random numbers: {error}"))?;
    Ok(BASE64_STANDARD.encode(bytes).into())
}

fn invocation(now: Timestamp) -> Invocation {
    Invocation { request_id: "local".to_owned(), now, deadline: now + TIMEOUT }
}

/// Nothing is sent from a laptop, so the call log shows what full automation would do.
fn defaults() -> Defaults {
    let switches = Switches { mode: Mode::Act, auto_reply: true, delivery: true };
    Defaults { switches, retention_days: KEEP_DAYS, ..Defaults::laptop() }
}

/// The teams of the bundled `agents.json`.
pub fn teams() -> &'static Teams {
    static TEAMS: LazyLock<Teams> =
        LazyLock::new(|| runtime::config::teams(data::AGENTS).expect("the bundled agents.json can be used"));
    &TEAMS
}

/// The teams of a customer's `agents.json`, or the bundled ones.
///
/// # Errors
/// A file that cannot be read, or in which something is wrong: every problem is named.
pub fn teams_of(path: Option<&Path>) -> anyhow::Result<Cow<'static, Teams>> {
    let Some(path) = path else { return Ok(Cow::Borrowed(teams())) };
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let teams = runtime::config::teams(&text).with_context(|| format!("{} is no agents.json", path.display()))?;
    Ok(Cow::Owned(teams))
}

/// The analyst on this machine, with the bundled weights and knowledge base.
///
/// # Errors
/// Bundled data that do not parse.
pub fn embedded_analyst(teams: &Teams) -> anyhow::Result<EmbeddedAnalyst> {
    let weights = Weights::bundled().context("shared/data/models")?;
    let knowledge = KnowledgeBase::parse(data::knowledge_base()).context("shared/data/customer/knowledge_base")?;
    Ok(EmbeddedAnalyst::new(weights, knowledge, teams.clone()))
}
