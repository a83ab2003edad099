//! Who reads tickets, and what a model may cost a day.

use runtime::config::{ConfigError, DAILY_BUDGET_USD, Reader};
use strum::{Display, EnumString};

/// Who reads.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Display, EnumString)]
#[strum(serialize_all = "snake_case", ascii_case_insensitive)]
pub enum Who {
    /// The model where there is a key, else the embedded analyst.
    #[default]
    Auto,
    /// The model. Written by its vendor's name, so that a key for that vendor can be asked for.
    #[strum(serialize = "claude")]
    Model,
    Embedded,
    /// The embedded analyst; the model where it is unsure or money is at stake.
    Cascade,
}

/// What the variables say.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Config {
    pub who: Who,
    /// US dollars a UTC day.
    pub budget_usd: f64,
    /// Personal data is replaced before the model sees a text.
    pub redaction: bool,
}

impl Config {
    /// Reads `ANALYST`, `DAILY_BUDGET_USD`, `REDACTION`.
    ///
    /// # Errors
    /// Every problem at once, each with the name of its variable.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(get);
        let who = reader.choice("ANALYST", Who::Auto, "auto, claude, embedded or cascade");
        let budget_usd = reader.or("DAILY_BUDGET_USD", DAILY_BUDGET_USD);
        if !(0.0..=100_000.0).contains(&budget_usd) {
            reader.problem("DAILY_BUDGET_USD: must be 0 to 100000".to_owned());
        }
        let redaction = reader.switch("REDACTION", true);
        reader.finish()?;
        Ok(Self { who, budget_usd, redaction })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::read(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn nothing_set_is_redaction_and_the_default_budget() {
        let config = read(&[]).unwrap();
        assert_eq!(config, Config { who: Who::Auto, budget_usd: DAILY_BUDGET_USD, redaction: true });
        assert_eq!(read(&[("ANALYST", "Claude")]).unwrap().who, Who::Model);
    }

    #[test]
    fn every_problem_is_reported_by_name() {
        let variables = [("ANALYST", "oracle"), ("DAILY_BUDGET_USD", "-1"), ("REDACTION", "maybe")];
        let message = read(&variables).unwrap_err().to_string();
        for name in ["ANALYST: ", "DAILY_BUDGET_USD: ", "REDACTION: "] {
            assert!(message.contains(name), "{name} in {message}");
        }
    }
}
