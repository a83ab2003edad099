//! Configuration, read once: environment variables and the customer's JSON files.

use std::{fmt::Display, str::FromStr};

use domain::{
    EmailAddress, Mode, Policy, Teams, UserId,
    policy::{AgentProfile, AlertPolicy, Recipients, Thresholds},
};
use jiff::SignedDuration;
use serde::Deserialize;
use zendesk::FieldIds;

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

    /// A variable with a default. An empty one counts as unset.
    pub fn or<T: FromStr<Err: Display>>(&mut self, name: &str, default: T) -> T {
        match (self.get)(name).filter(|value| !value.trim().is_empty()).map(|value| value.trim().parse()) {
            None => default,
            Some(Ok(value)) => value,
            Some(Err(error)) => {
                self.problems.push(format!("{name}: {error}"));
                default
            }
        }
    }

    /// A variable without a default. One that is not set, or empty, is a problem.
    pub fn required(&mut self, name: &str) -> String {
        let value = self.or(name, String::new());
        if value.is_empty() {
            self.problems.push(format!("{name}: is not set"));
        }
        value
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
        if self.problems.is_empty() { Ok(()) } else { Err(ConfigError(self.problems)) }
    }
}

/// The customer's files.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    pub policy: &'a str,
    pub agents: &'a str,
}

/// `policy.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyFile {
    thresholds: Thresholds,
    alerts: AlertPolicy,
    zendesk: ZendeskFile,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ZendeskFile {
    url: String,
    bot_user: Option<UserId>,
    fields: FieldIds,
}

/// What a function runs by.
#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    pub policy: Policy,
    pub fields: FieldIds,
    /// `DELIVERY=off`: alerts are decided and logged, nobody is written to.
    pub delivery: bool,
}

/// Reads the files and `MODE`, `AUTO_REPLY`, `ROLLOUT_PERCENT`, `GUARDIAN_EMAIL`, `OPPORTUNITY_EMAIL`,
/// `RETENTION_DAYS`, `DELIVERY`.
///
/// # Errors
/// Every problem at once, each with the name of its variable, or of its file and field.
pub fn read(files: Files<'_>, get: impl Fn(&str) -> Option<String>, defaults: Defaults) -> Result<Config, ConfigError> {
    let mut reader = Reader::new(get);
    let policy = parse::<PolicyFile>("policy.json", files.policy);
    let teams = parse::<Vec<AgentProfile>>("agents.json", files.agents)
        .and_then(|profiles| Teams::new(profiles).map_err(|error| format!("agents.json: {error}")));
    let mode = reader.choice("MODE", defaults.mode, "shadow, suggest or act");
    let auto_reply = reader.switch("AUTO_REPLY", defaults.auto_reply);
    let rollout_percent = reader.or("ROLLOUT_PERCENT", 100u8);
    if rollout_percent > 100 {
        reader.problem("ROLLOUT_PERCENT: is more than 100".to_owned());
    }
    let retention_days = reader.or("RETENTION_DAYS", defaults.retention_days);
    if !(1..=36_500).contains(&retention_days) {
        reader.problem("RETENTION_DAYS: must be 1 to 36500".to_owned());
    }
    let recipients = Recipients {
        guardian: reader.or("GUARDIAN_EMAIL", defaults.guardian_email),
        opportunity: reader.or("OPPORTUNITY_EMAIL", defaults.opportunity_email),
    };
    let delivery = reader.switch("DELIVERY", true);
    for problem in [policy.as_ref().err(), teams.as_ref().err()].into_iter().flatten() {
        reader.problem(problem.clone());
    }
    reader.finish()?;
    let (policy, teams) =
        policy.and_then(|policy| Ok((policy, teams?))).map_err(|problem| ConfigError(vec![problem]))?;
    Ok(Config {
        policy: Policy {
            mode,
            auto_reply,
            rollout_percent,
            recipients,
            teams,
            thresholds: policy.thresholds,
            alerts: policy.alerts,
            bot_user: policy.zendesk.bot_user,
            helpdesk_url: policy.zendesk.url,
            retention: SignedDuration::from_hours(24 * i64::from(retention_days)),
        },
        fields: policy.zendesk.fields,
        delivery,
    })
}

/// What holds where a variable is not set.
#[derive(Clone, Debug)]
pub struct Defaults {
    pub mode: Mode,
    pub auto_reply: bool,
    pub retention_days: u32,
    pub guardian_email: EmailAddress,
    pub opportunity_email: EmailAddress,
}

/// Suggest, no automatic answers, 30 days, and example addresses: whoever sends mail asks for real ones.
impl Default for Defaults {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            auto_reply: false,
            retention_days: 30,
            guardian_email: "kam@example.com".parse().expect("an address"),
            opportunity_email: "sales@example.com".parse().expect("an address"),
        }
    }
}

fn parse<T: serde::de::DeserializeOwned>(file: &str, text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| format!("{file}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: Files<'_> = Files { policy: data::POLICY, agents: data::AGENTS };

    fn with(files: Files<'_>, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let get = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        read(files, get, Defaults::default())
    }

    #[test]
    fn the_bundled_files_and_no_variables_are_enough() {
        let config = with(FILES, &[]).unwrap();
        assert_eq!((config.policy.mode, config.policy.auto_reply, config.delivery), (Mode::Suggest, false, true));
        assert_eq!(config.policy.teams.ids().map(domain::TeamId::as_str).collect::<Vec<_>>(), domain::TeamId::BUNDLED);
        assert_eq!(config.policy.retention, SignedDuration::from_hours(30 * 24));
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
    fn agents_json_may_hold_more_teams_never_fewer() {
        let check = |ids: &[&str]| {
            let config = with(Files { agents: &agents(ids), ..FILES }, &[]);
            config.map(|config| config.policy.teams.ids().count()).map_err(|error| error.to_string())
        };
        assert_eq!(check(&["billing", "nexus", "cipher", "sentinel"]), Ok(4));
        for (ids, problem) in [
            (&["nexus", "sentinel"][..], "agents.json: no profile for cipher"),
            (&["nexus", "cipher", "sentinel", "nexus"], "agents.json: two profiles for nexus"),
            (&["nexus", "cipher", "sentinel", "field ops"], "agents.json: is not a team id such as nexus"),
        ] {
            let message = check(ids).unwrap_err();
            assert!(message.contains(problem), "{message}");
        }
    }

    #[test]
    fn every_problem_is_told_at_once_by_name() {
        let files = Files { policy: r#"{"thresholds": {}}"#, agents: "[]" };
        let variables =
            [("MODE", "yolo"), ("ROLLOUT_PERCENT", "101"), ("GUARDIAN_EMAIL", "nobody"), ("AUTO_REPLY", "maybe")];
        let message = with(files, &variables).unwrap_err().to_string();
        for name in
            ["MODE: ", "ROLLOUT_PERCENT: ", "GUARDIAN_EMAIL: ", "AUTO_REPLY: ", "policy.json: ", "agents.json: "]
        {
            assert!(message.contains(name), "{name} in {message}");
        }
    }
}
