//! Configuration, read once: environment variables and the customer's JSON files.

use std::{fmt::Display, str::FromStr, sync::Arc};

use async_trait::async_trait;
use domain::{
    AgentProfile, EmailAddress, Mode, Policy, Teams,
    playbooks::Playbooks,
    policy::{AlertPolicy, Answers, Notes, Recipients, Thresholds},
    ports::{PortError, json_error},
    teams::{TeamsError, TeamsProblem},
};
use jiff::{SignedDuration, tz::TimeZone};
use serde::Deserialize;
use zendesk::{FieldIds, Mapping, Mappings, OrganizationFields};

/// Reads variables through a function, so that tests need no environment, and collects every problem before it says one.
#[derive(Debug)]
pub struct Reader<F> {
    get: F,
    problems: Vec<String>,
}

/// Everything that is wrong with the configuration, in one message.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the configuration is not usable:\n{}", .0.iter().map(|problem| format!("  {problem}")).collect::<Vec<_>>().join("\n"))]
pub struct ConfigError(pub Vec<String>);

impl ConfigError {
    /// Both parts, or the problems of both.
    ///
    /// # Errors
    /// Those of either.
    pub fn both<A, B>(first: Result<A, Self>, second: Result<B, Self>) -> Result<(A, B), Self> {
        match (first, second) {
            (Ok(first), Ok(second)) => Ok((first, second)),
            (Err(first), Err(second)) => Err(Self(first.0.into_iter().chain(second.0).collect())),
            (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
        }
    }
}

impl<F: Fn(&str) -> Option<String>> Reader<F> {
    pub fn new(get: F) -> Self {
        Self { get, problems: Vec::new() }
    }

    /// A variable that need not be set. An empty one counts as unset.
    pub fn optional<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        let value = (self.get)(name)?;
        let value = value.trim();
        if value.is_empty() {
            return None;
        }
        value.parse().map_err(|error| self.problems.push(format!("{name}: {error}"))).ok()
    }

    /// A variable with a default.
    pub fn or<T: FromStr<Err: Display>>(&mut self, name: &str, default: T) -> T {
        self.optional(name).unwrap_or(default)
    }

    /// A variable that has to be set. None only with a problem that names it.
    pub fn parsed<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        let problems = self.problems.len();
        let value = self.optional(name);
        if value.is_none() && self.problems.len() == problems {
            self.problems.push(format!("{name}: is not set"));
        }
        value
    }

    /// A text that has to be set: empty only with a problem that names it, so that [`Self::finish`] stops its use.
    pub fn required(&mut self, name: &str) -> String {
        self.parsed(name).unwrap_or_default()
    }

    /// A switch: `on` or `off`.
    pub fn switch(&mut self, name: &str, default: bool) -> bool {
        let text = self.or(name, if default { "on" } else { "off" }.to_owned());
        match text.to_lowercase().as_str() {
            "on" | "true" | "1" => true,
            "off" | "false" | "0" => false,
            _ => {
                self.problems.push(format!("{name}: is neither on nor off"));
                default
            }
        }
    }

    /// One of several words; `choices` names them for whoever wrote another.
    pub fn choice<T: FromStr + ToString>(&mut self, name: &str, default: T, choices: &str) -> T {
        let text = self.or(name, default.to_string());
        text.parse().unwrap_or_else(|_| {
            self.problems.push(format!("{name}: is not {choices}"));
            default
        })
    }

    /// Notes a problem found elsewhere, to be told with the others.
    pub fn problem(&mut self, problem: String) {
        self.problems.push(problem);
    }

    /// # Errors
    /// All problems found so far.
    pub fn finish(self) -> Result<(), ConfigError> {
        self.finish_with(Some(()))
    }

    /// A value that is missing only where a problem was noted.
    fn finish_with<T>(self, value: Option<T>) -> Result<T, ConfigError> {
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            Some(_) | None => Err(ConfigError(self.problems)),
        }
    }
}

/// The customer's files.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    pub policy: &'a str,
    pub agents: &'a str,
    /// None: the shipped ones.
    pub playbooks: Option<&'a str>,
}

/// What the files say.
struct Parsed {
    policy: PolicyFile,
    time_zone: TimeZone,
    teams: Teams,
    playbooks: Playbooks,
}

/// `policy.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyFile {
    thresholds: Thresholds,
    alerts: AlertPolicy,
    #[serde(default)]
    answers: Answers,
    #[serde(default)]
    notes: Notes,
    #[serde(default)]
    page: PageSettings,
    /// An IANA name, such as `Europe/Berlin`.
    #[serde(default)]
    time_zone: Option<String>,
    zendesk: ZendeskFile,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PageSettings {
    currency: String,
}

impl Default for PageSettings {
    fn default() -> Self {
        Self { currency: "$".to_owned() }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ZendeskFile {
    url: String,
    fields: FieldIds,
    #[serde(default)]
    organization_fields: OrganizationFields,
    #[serde(default)]
    kam_domains: Vec<String>,
}

/// What a function runs by.
///
/// | what | where it is set on AWS | how it changes |
/// |---|---|---|
/// | [`Switches`] | parameters of their own, which no deployment and no roll-back touches | within 300 s |
/// | thresholds, alert limits, texts, teams, what Zendesk calls things | `policy.json`, `agents.json`, `playbooks.json` | within 300 s |
/// | [`Variables`] | parameters of the template | with a deployment, within 300 s of it |
#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    pub policy: Policy,
    pub fields: FieldIds,
    /// Where an account's facts stand in Zendesk.
    pub organization_fields: OrganizationFields,
    /// Domains a key account manager's address may be in.
    pub kam_domains: Vec<String>,
}

/// The whole configuration as of now: what may change while a function runs is at most 300 s old.
#[async_trait]
pub trait Configuration: Send + Sync {
    async fn config(&self) -> Result<Arc<Config>, PortError>;
}

/// What `policy.json` says of the customer's Zendesk, as of now.
pub struct ConfiguredMapping(pub Arc<dyn Configuration>);

#[async_trait]
impl Mappings for ConfiguredMapping {
    async fn mapping(&self) -> Result<Mapping, PortError> {
        let config = self.0.config().await?;
        let (organization, kam_domains) = (config.organization_fields.clone(), config.kam_domains.clone());
        Ok(Mapping { fields: config.fields, organization, kam_domains })
    }
}

/// What a language model may cost a UTC day: ten times what 1,000 tickets cost with the default model.
pub const DAILY_BUDGET_USD: f64 = 5.0;

/// What the environment says, read once: it is the same for as long as a process lives.
#[derive(Clone, PartialEq, Debug)]
pub struct Variables {
    pub rollout_percent: u8,
    pub recipients: Recipients,
    pub daily_budget_usd: f64,
    pub retention: SignedDuration,
}

/// How far the product may go: what a person turns, and nothing else does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Switches {
    pub mode: Mode,
    pub auto_reply: bool,
    pub delivery: bool,
}

impl Default for Switches {
    /// Where nobody has turned anything: everything is read and recorded, nothing is written or sent.
    fn default() -> Self {
        Self { mode: Mode::Shadow, auto_reply: false, delivery: true }
    }
}

impl Switches {
    /// Reads `MODE`, `AUTO_REPLY`, `DELIVERY`.
    fn read<F: Fn(&str) -> Option<String>>(reader: &mut Reader<F>, defaults: Self) -> Self {
        Self {
            mode: reader.choice("MODE", defaults.mode, MODES),
            auto_reply: reader.switch("AUTO_REPLY", defaults.auto_reply),
            delivery: reader.switch("DELIVERY", defaults.delivery),
        }
    }

    /// Reads the switches of a deployment by [`Switches::NAMES`], with what is wrong with them. One that cannot be read
    /// is off: whoever mistyped it wanted it turned, and most likely down.
    pub fn turned(get: impl Fn(&str) -> Option<String>) -> (Self, Vec<String>) {
        let mut reader = Reader::new(get);
        let mode = reader.choice("mode", Mode::Shadow, MODES);
        let auto_reply = reader.switch("auto-reply", false);
        let problems = reader.problems.len();
        let delivery = reader.switch("delivery", true) && reader.problems.len() == problems;
        (Self { mode, auto_reply, delivery }, reader.problems)
    }

    /// What the switches of a deployment are called.
    pub const NAMES: [&str; 3] = ["mode", "auto-reply", "delivery"];
}

impl Variables {
    /// Reads `ROLLOUT_PERCENT`, `GUARDIAN_EMAIL`, `OPPORTUNITY_EMAIL`, `DAILY_BUDGET_USD`, `RETENTION_DAYS`.
    ///
    /// # Errors
    /// Every problem the reader met, here and before, each with the name of its variable.
    pub fn read<F>(mut reader: Reader<F>, defaults: &Defaults) -> Result<Self, ConfigError>
    where
        F: Fn(&str) -> Option<String>,
    {
        let rollout_percent = reader.or("ROLLOUT_PERCENT", 100u8);
        if rollout_percent > 100 {
            reader.problem("ROLLOUT_PERCENT: is more than 100".to_owned());
        }
        // Whoever spends it says what is wrong with it.
        let budget = (reader.get)("DAILY_BUDGET_USD").and_then(|budget| budget.trim().parse().ok());
        let daily_budget_usd = budget.unwrap_or(DAILY_BUDGET_USD);
        let retention_days = reader.or("RETENTION_DAYS", defaults.retention_days);
        if !(1..=36_500).contains(&retention_days) {
            reader.problem("RETENTION_DAYS: must be 1 to 36500".to_owned());
        }
        let recipients = match &defaults.recipients {
            Some(recipients) => Some(Recipients {
                guardian: reader.or("GUARDIAN_EMAIL", recipients.guardian.clone()),
                opportunity: reader.or("OPPORTUNITY_EMAIL", recipients.opportunity.clone()),
                lead: recipients.lead.clone(),
            }),
            None => {
                let guardian: Option<EmailAddress> = reader.parsed("GUARDIAN_EMAIL");
                let opportunity = reader.parsed("OPPORTUNITY_EMAIL");
                // A P0 that nobody is named for must not reach nobody.
                let both = guardian.zip(opportunity);
                both.map(|(guardian, opportunity)| Recipients { lead: guardian.clone(), guardian, opportunity })
            }
        };
        let recipients = reader.finish_with(recipients)?;
        let retention = SignedDuration::from_hours(24 * i64::from(retention_days));
        Ok(Self { rollout_percent, recipients, daily_budget_usd, retention })
    }
}

/// What holds where a variable is not set.
#[derive(Clone, Debug)]
pub struct Defaults {
    pub switches: Switches,
    pub retention_days: u32,
    /// None: both addresses have to be set.
    pub recipients: Option<Recipients>,
}

impl Defaults {
    /// Where mail is sent: 30 days, and nobody to write to unless somebody is named.
    #[must_use]
    pub fn deployment() -> Self {
        Self { switches: Switches::default(), retention_days: 30, recipients: None }
    }

    /// Where nothing is sent: a deployment's that suggests, with example addresses.
    #[must_use]
    pub fn laptop() -> Self {
        let recipients = Recipients {
            guardian: "kam@example.com".parse().expect("an address"),
            opportunity: "sales@example.com".parse().expect("an address"),
            lead: "lead@example.com".parse().expect("an address"),
        };
        let switches = Switches { mode: Mode::Suggest, ..Switches::default() };
        Self { switches, recipients: Some(recipients), ..Self::deployment() }
    }
}

/// Reads the files, the [`Switches`] and the [`Variables`] from one place, as a laptop has them.
///
/// # Errors
/// Every problem at once, each with the name of its variable, or of its file and field.
pub fn read(
    files: Files<'_>,
    get: impl Fn(&str) -> Option<String>,
    defaults: &Defaults,
) -> Result<Config, ConfigError> {
    let mut reader = Reader::new(get);
    let switches = Switches::read(&mut reader, defaults.switches);
    let (files, variables) = ConfigError::both(files.parse(), Variables::read(reader, defaults))?;
    Ok(config(files, switches, &variables))
}

/// The configuration of a deployment, where each switch is a parameter of its own.
///
/// # Errors
/// Every problem of the files at once.
pub fn deployed(files: Files<'_>, switches: Switches, variables: &Variables) -> Result<Config, ConfigError> {
    Ok(config(files.parse()?, switches, variables))
}

const MODES: &str = "shadow, suggest or act";

fn config(files: Parsed, switches: Switches, variables: &Variables) -> Config {
    let Switches { mode, auto_reply, delivery } = switches;
    let Parsed { policy, time_zone, teams, playbooks } = files;
    let mut recipients = variables.recipients.clone();
    recipients.lead = policy.alerts.lead.clone().unwrap_or(recipients.lead);
    Config {
        policy: Policy {
            mode,
            auto_reply,
            delivery,
            rollout_percent: variables.rollout_percent,
            recipients,
            teams,
            thresholds: policy.thresholds,
            alerts: policy.alerts,
            playbooks,
            answers: policy.answers,
            notes: policy.notes,
            time_zone,
            currency: domain::shown::line(&policy.page.currency),
            helpdesk_url: policy.zendesk.url,
            daily_budget_usd: variables.daily_budget_usd,
            retention: variables.retention,
        },
        fields: policy.zendesk.fields,
        organization_fields: policy.zendesk.organization_fields,
        kam_domains: policy.zendesk.kam_domains,
    }
}

impl Files<'_> {
    fn parse(self) -> Result<Parsed, ConfigError> {
        let policy = parse::<PolicyFile>("policy.json", self.policy);
        let teams_and_playbooks = ConfigError::both(teams(self.agents), playbooks(self.playbooks));
        let policy = policy.and_then(|policy| Ok((time_zone(policy.time_zone.as_deref())?, policy)));
        let ((time_zone, policy), (teams, playbooks)) = ConfigError::both(policy, teams_and_playbooks)?;
        Ok(Parsed { policy, time_zone, teams, playbooks })
    }
}

/// Known from the bundled database: a function has none of its own.
fn time_zone(name: Option<&str>) -> Result<TimeZone, ConfigError> {
    let problem = "policy.json: time_zone: is no time zone; name one such as Europe/Berlin";
    let zone = name.map_or(Ok(TimeZone::UTC), TimeZone::get);
    zone.map_err(|_| ConfigError(vec![problem.to_owned()]))
}

/// The teams of an `agents.json`.
///
/// # Errors
/// Every problem at once, each with its team and field.
pub fn teams(agents: &str) -> Result<Teams, ConfigError> {
    let profiles = parse::<Vec<AgentProfile>>("agents.json", agents)?;
    let told = |problem: &TeamsProblem| format!("agents.json: {problem}");
    Teams::new(profiles).map_err(|TeamsError(problems)| ConfigError(problems.iter().map(told).collect()))
}

/// The playbooks of a `playbooks.json`, or the shipped ones.
fn playbooks(text: Option<&str>) -> Result<Playbooks, ConfigError> {
    let Some(text) = text else { return Ok(Playbooks::default()) };
    let playbooks = parse::<Playbooks>("playbooks.json", text)?;
    let problems: Vec<String> =
        playbooks.problems().iter().map(|problem| format!("playbooks.json: {problem}")).collect();
    if problems.is_empty() { Ok(playbooks) } else { Err(ConfigError(problems)) }
}

/// Names the field and where it stands, and quotes nothing: what was pasted into the wrong field may be a secret.
fn parse<T: serde::de::DeserializeOwned>(file: &str, text: &str) -> Result<T, ConfigError> {
    let mut json = serde_json::Deserializer::from_str(text);
    let read = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let field = error.path().to_string();
        (if field == "." { String::new() } else { format!("{field}: ") }, error.into_inner())
    });
    // What follows the last bracket is an error too.
    let read = read.and_then(|value| json.end().map(|()| value).map_err(|error| (String::new(), error)));
    read.map_err(|(field, error)| ConfigError(vec![format!("{file}: {field}{}", json_error(error))]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: Files<'_> = Files { policy: data::POLICY, agents: data::AGENTS, playbooks: Some(data::PLAYBOOKS) };

    fn variable_of<'a>(variables: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        move |name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }

    fn with(files: Files<'_>, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        read(files, variable_of(variables), &Defaults::laptop())
    }

    #[test]
    fn a_laptop_needs_no_variables() {
        let config = with(FILES, &[]).unwrap();
        assert_eq!(
            (config.policy.mode, config.policy.auto_reply, config.policy.delivery),
            (Mode::Suggest, false, true)
        );
        assert_eq!(config.policy.teams.ids().map(domain::TeamId::as_str).collect::<Vec<_>>(), domain::TeamId::BUNDLED);
        assert_eq!(config.policy.retention, SignedDuration::from_hours(30 * 24));
        assert_eq!(config.policy.recipients.guardian.as_str(), "kam@example.com");
    }

    #[test]
    fn a_deployment_names_its_recipients() {
        let read = |variables| Variables::read(Reader::new(variable_of(variables)), &Defaults::deployment());
        let problems = read(&[("OPPORTUNITY_EMAIL", " ")]).unwrap_err().0;
        assert_eq!(problems, ["GUARDIAN_EMAIL: is not set", "OPPORTUNITY_EMAIL: is not set"]);
        let variables = read(&[("GUARDIAN_EMAIL", "kam@acme.test"), ("OPPORTUNITY_EMAIL", "shop@acme.test")]).unwrap();
        assert_eq!(variables.recipients.opportunity.as_str(), "shop@acme.test");
    }

    #[test]
    fn an_organisation_has_its_own_keys() {
        let policy = |more: &str| data::POLICY.replace("\"fields\": {", &format!("{more}\"fields\": {{"));
        let plain = with(FILES, &[]).unwrap();
        assert_eq!(plain.organization_fields, OrganizationFields::default());
        let named = policy(r#""organization_fields": {"mrr": "arr_monthly"}, "kam_domains": ["acme.test"], "#);
        let config = with(Files { policy: &named, ..FILES }, &[]).unwrap();
        let OrganizationFields { mrr, plan, .. } = config.organization_fields;
        assert_eq!((&*mrr, &*plan, &config.kam_domains[..]), ("arr_monthly", "plan", &["acme.test".to_owned()][..]));
        let wrong = policy(r#""organization_fields": {"mmr": "x"}, "#);
        let told = with(Files { policy: &wrong, ..FILES }, &[]).unwrap_err().to_string();
        assert!(told.contains("policy.json: zendesk.organization_fields.mmr"), "{told}");
    }

    #[test]
    fn every_missing_variable_is_named() {
        let mut reader = Reader::new(|name: &str| (name == "A").then(|| " a ".to_owned()));
        assert_eq!(
            (reader.required("A"), reader.required("B"), reader.required("C")),
            ("a".into(), "".into(), "".into())
        );
        assert_eq!(reader.finish().unwrap_err().0, ["B: is not set", "C: is not set"]);
    }

    #[test]
    fn variables_are_obeyed_and_empty_ones_ignored() {
        let variables = [("MODE", "act"), ("AUTO_REPLY", "on"), ("ROLLOUT_PERCENT", "10"), ("GUARDIAN_EMAIL", "")];
        let config = with(FILES, &variables).unwrap();
        assert_eq!((config.policy.mode, config.policy.auto_reply), (Mode::Act, true));
        assert_eq!(config.policy.rollout_percent, 10);
        assert_eq!(config.policy.recipients.guardian.as_str(), "kam@example.com");
    }

    fn agents(ids: &[&str]) -> String {
        let profile =
            |id: &&str| format!(r#"{{"agent":"{id}","team":"","description":"","group":null,"signature":""}}"#);
        format!("[{}]", ids.iter().map(profile).collect::<Vec<_>>().join(","))
    }

    #[test]
    fn every_topic_has_a_team() {
        let check = |ids: &[&str]| {
            let config = with(Files { agents: &agents(ids), ..FILES }, &[]);
            config.map(|config| config.policy.teams.ids().count()).map_err(|error| error.to_string())
        };
        assert_eq!(check(&["billing", "nexus", "cipher", "sentinel"]), Ok(4));
        for (ids, problem) in [
            (&["nexus", "sentinel"][..], "agents.json: no team has any topic; list them as topics of a team"),
            (&["nexus", "cipher", "sentinel", "nexus"], "agents.json: two profiles for nexus"),
            (&["nexus", "cipher", "sentinel", "field ops"], "agents.json: [3].agent: JSON of an unexpected shape"),
        ] {
            let message = check(ids).unwrap_err();
            assert!(message.contains(problem), "{message}");
        }
    }

    #[test]
    fn the_mistakes_of_teams_are_told_together() {
        let agents = data::AGENTS
            .replace("\"webhooks\",", "\"webhoks\",")
            .replace("\"cipher\",", "\"cipher\", \"examples\": [\"One.\"],");
        let problems = with(Files { agents: &agents, ..FILES }, &[]).unwrap_err().0;
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].starts_with("agents.json: nexus: topics[0] is no topic; the nearest are webhooks"));
        assert!(problems[1].starts_with("agents.json: cipher: examples has 1; give 5 to 20 sentences"));
        let misnamed = data::AGENTS.replace("\"topics\"", "\"topic\"");
        let told = with(Files { agents: &misnamed, ..FILES }, &[]).unwrap_err().to_string();
        assert!(told.contains("agents.json: [0].topic: JSON of an unexpected shape"), "{told}");
    }

    #[test]
    fn every_problem_is_told_at_once_by_name() {
        let files = Files { policy: r#"{"thresholds": {}}"#, agents: "[]", playbooks: None };
        let variables =
            [("MODE", "yolo"), ("ROLLOUT_PERCENT", "101"), ("GUARDIAN_EMAIL", "nobody"), ("AUTO_REPLY", "maybe")];
        let message = with(files, &variables).unwrap_err().to_string();
        for name in
            ["MODE: ", "ROLLOUT_PERCENT: ", "GUARDIAN_EMAIL: ", "AUTO_REPLY: ", "policy.json: ", "agents.json: "]
        {
            assert!(message.contains(name), "{name} in {message}");
        }
    }

    #[test]
    fn a_bad_file_names_the_field() {
        let variables = Variables::read(Reader::new(|_| None), &Defaults::laptop()).unwrap();
        let problem = |policy: &str, agents: &str| {
            deployed(Files { policy, agents, playbooks: None }, Switches::default(), &variables)
                .unwrap_err()
                .0
                .join("; ")
        };
        let wrong = data::POLICY.replace("\"daily_cap\": 100", "\"daily_cap\": \"PLANTED\"");
        assert_ne!(wrong, data::POLICY);
        let told = problem(&wrong, data::AGENTS);
        assert!(told.starts_with("policy.json: alerts.daily_cap: JSON of an unexpected shape at line "), "{told}");
        let unknown = data::POLICY.replace("\"daily_cap\"", "\"daily_cup\"");
        assert!(problem(&unknown, data::AGENTS).starts_with("policy.json: alerts.daily_cup: "));
        let twice = format!("{}PLANTED", data::AGENTS);
        let told = problem(data::POLICY, &twice);
        assert!(told.starts_with("agents.json: invalid JSON at line "), "{told}");
        assert!(!told.contains("PLANTED"), "{told}");
    }

    #[test]
    fn a_p0_has_somebody_to_tell() {
        let deployment = |policy: &str| {
            let variables = [("GUARDIAN_EMAIL", "kam@acme.test"), ("OPPORTUNITY_EMAIL", "shop@acme.test")];
            let read = read(Files { policy, ..FILES }, variable_of(&variables), &Defaults::deployment());
            read.map(|config| config.policy.recipients.lead.as_str().to_owned()).map_err(|error| error.to_string())
        };
        let named =
            |address: &str| data::POLICY.replace("\"daily_cap\"", &format!("\"lead\": \"{address}\", \"daily_cap\""));
        assert_eq!(with(FILES, &[]).unwrap().policy.recipients.lead.as_str(), "lead@example.com");
        assert_eq!(deployment(data::POLICY).unwrap(), "kam@acme.test", "nobody is named");
        assert_eq!(deployment(&named("ops@acme.test")).unwrap(), "ops@acme.test");
        let told = deployment(&named("PLANTED")).unwrap_err();
        assert!(told.contains("policy.json: alerts.lead: ") && !told.contains("PLANTED"), "{told}");
        let of_a_team = |address: &str| {
            let lead = format!("\"agent\": \"cipher\", \"lead\": \"{address}\",");
            let agents = data::AGENTS.replace("\"agent\": \"cipher\",", &lead);
            teams(&agents).map(|teams| teams.get(&"cipher".parse().unwrap()).unwrap().lead.clone())
        };
        assert_eq!(of_a_team("data@acme.test").unwrap().unwrap().as_str(), "data@acme.test");
        let told = of_a_team("PLANTED").unwrap_err().to_string();
        assert!(told.contains("agents.json: [1].lead: ") && !told.contains("PLANTED"), "{told}");
    }

    #[test]
    fn the_daily_digest_is_a_switch() {
        let read = |switch: &str| {
            let policy = data::POLICY.replace(",\n    \"daily_digest\": true", switch);
            with(Files { policy: &policy, ..FILES }, &[]).map(|config| config.policy.alerts.daily_digest)
        };
        assert!(data::POLICY.contains("\"daily_digest\": true"));
        assert!(read("").unwrap(), "on, where an older file says nothing");
        assert!(!read(r#", "daily_digest": false"#).unwrap());
        let told = read(r#", "daily_digest": "08:00""#).unwrap_err().to_string();
        assert!(told.contains("policy.json: alerts.daily_digest: "), "{told}");
    }

    #[test]
    fn an_escalation_is_whole_or_not_there() {
        let read = |more: &str| {
            let policy = data::POLICY.replace("\"daily_cap\": 100", &format!("\"daily_cap\": 100{more}"));
            with(Files { policy: &policy, ..FILES }, &[]).map(|config| config.policy.alerts.escalation)
        };
        assert_eq!(read("").unwrap(), None);
        let escalation = read(r#", "escalate": {"untaken_hours": 4, "to": "lead@example.com"}"#).unwrap().unwrap();
        assert_eq!((escalation.untaken_hours.get(), escalation.to.as_str()), (4, "lead@example.com"));
        for (bad, field) in [
            (r#"{"untaken_hours": 0, "to": "lead@example.com"}"#, "alerts.escalate.untaken_hours"),
            (r#"{"untaken_hours": 4, "to": "PLANTED"}"#, "alerts.escalate.to"),
            (r#"{"untaken_hours": 4}"#, "alerts.escalate"),
            (r#"{"to": "lead@example.com"}"#, "alerts.escalate"),
        ] {
            let told = read(&format!(", \"escalate\": {bad}")).unwrap_err().to_string();
            assert!(told.contains(&format!("policy.json: {field}: ")) && !told.contains("PLANTED"), "{told}");
        }
    }

    #[test]
    fn one_time_zone_and_currency_hold_for_all_that_people_read() {
        let read = |more: &str| {
            let policy = data::POLICY.replace("\"zendesk\"", &format!("{more}\"zendesk\""));
            with(Files { policy: &policy, ..FILES }, &[])
        };
        assert_eq!(with(FILES, &[]).unwrap().policy.time_zone, TimeZone::UTC);
        let config = read(r#""time_zone": "Europe/Berlin", "page": {"currency": "€"}, "#).unwrap();
        assert_eq!((config.policy.time_zone.iana_name(), &*config.policy.currency), (Some("Europe/Berlin"), "€"));
        for (wrong, field) in [
            (r#""time_zone": "Europe/PLANTED", "#, "time_zone: is no time zone; name one such as Europe/Berlin"),
            (r#""page": {"time_zone": "Europe/Berlin"}, "#, "page.time_zone: "),
        ] {
            let told = read(wrong).unwrap_err().to_string();
            assert!(told.contains(&format!("policy.json: {field}")) && !told.contains("PLANTED"), "{told}");
        }
    }

    #[test]
    fn thresholds_of_earlier_releases_are_let_be() {
        let old = r#""p0_at_least": 0.2, "p1_at_least": 0.2, "hold_at_least": 0.8, "unsure_below"#;
        let policy = data::POLICY.replace("\"unsure_below", old);
        assert_ne!(policy, data::POLICY);
        assert!(with(Files { policy: &policy, ..FILES }, &[]).is_ok());
    }

    #[test]
    fn answers_have_texts_of_their_own() {
        let read = |more: &str| {
            let policy = data::POLICY.replace("\"zendesk\"", &format!("{more}\"zendesk\""));
            with(Files { policy: &policy, ..FILES }, &[]).map(|config| (config.policy.answers, config.policy.notes))
        };
        assert_eq!(read("").unwrap(), (Answers::default(), Notes::default()));
        let (answers, notes) = read(
            r#""answers": {"notice": {"de": " Automatisch. "}, "company": "Acme"}, "notes": {"danger": "Call 555."}, "#,
        )
        .unwrap();
        let notice = answers.notice.as_ref().unwrap();
        assert_eq!(
            (&*notice.de, answers.signature(domain::Language::De), &*notes.danger),
            ("Automatisch.", "Acme", "Call 555.")
        );
        assert_eq!(notice.en, domain::policy::Notice::default().en, "what is not said stays");
        assert_eq!(read(r#""answers": {"notice": null}, "#).unwrap().0.notice, None);
        for (wrong, field) in [
            (r#""answers": {"notice": {"it": "x"}}, "#, "policy.json: answers.notice.it: "),
            (r#""answers": {"notice": {"fr": " "}}, "#, "policy.json: answers.notice.fr: "),
            (r#""answers": {"notice": false}, "#, "policy.json: answers.notice: "),
            (r#""answers": {"company": ""}, "#, "policy.json: answers.company: "),
            (r#""answers": {"sender": "x"}, "#, "policy.json: answers.sender: "),
            (r#""notes": {"danger": 7}, "#, "policy.json: notes.danger: "),
        ] {
            let told = read(wrong).unwrap_err().to_string();
            assert!(told.contains(field), "{told}");
        }
    }

    #[test]
    fn a_switch_that_nobody_turned_or_that_cannot_be_read_is_safe() {
        let turned = |pairs: &[(&str, &str)]| Switches::turned(variable_of(pairs));
        assert_eq!(turned(&[]), (Switches { mode: Mode::Shadow, auto_reply: false, delivery: true }, Vec::new()));
        let all = turned(&[("mode", "Act"), ("auto-reply", "on"), ("delivery", "off")]);
        assert_eq!(all, (Switches { mode: Mode::Act, auto_reply: true, delivery: false }, Vec::new()));
        let (switches, problems) = turned(&[("mode", "shaddow"), ("auto-reply", "yes"), ("delivery", "of")]);
        assert_eq!(switches, Switches { mode: Mode::Shadow, auto_reply: false, delivery: false });
        assert_eq!(
            problems,
            [
                "mode: is not shadow, suggest or act",
                "auto-reply: is neither on nor off",
                "delivery: is neither on nor off"
            ]
        );
    }
}
