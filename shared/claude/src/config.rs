//! Who reads tickets, with which model, and what it may cost a day.

use domain::ports::Cause;
use edge::config::{ConfigError, Reader};
use secrecy::SecretString;
use strum::{Display, EnumString};

use crate::price;

/// Where the Messages API is.
pub const BASE_URL: &str = "https://api.anthropic.com";
/// The model that reads, unless another one is set.
pub const MODEL: &str = "claude-haiku-5-5";
/// US dollars a UTC day: ten times what 1,000 tickets cost.
pub const BUDGET: f64 = 5.0;

/// Who reads.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Display, EnumString)]
#[strum(serialize_all = "snake_case", ascii_case_insensitive)]
pub enum Who {
    /// Claude where there is a key, else the embedded analyst.
    #[default]
    Auto,
    Claude,
    Embedded,
    /// The embedded analyst; Claude where it is unsure or money is at stake.
    Cascade,
}

/// How hard the model tries.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Display, EnumString)]
#[strum(serialize_all = "snake_case", ascii_case_insensitive)]
pub enum Effort {
    Low,
    Medium,
    High,
    Xhigh,
    Max,
}

/// Whether the model thinks before it answers; models differ in what they accept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Display, EnumString)]
#[strum(serialize_all = "snake_case", ascii_case_insensitive)]
pub enum Thinking {
    Disabled,
    Adaptive,
    BetweenTools,
}

/// A model and its parameters.
#[derive(Clone, PartialEq, Debug)]
pub struct Model {
    pub id: String,
    pub effort: Effort,
    pub thinking: Thinking,
    pub price: price::Price,
}

/// What the variables say.
#[derive(Clone, Debug)]
pub struct Config {
    pub who: Who,
    pub key: Option<SecretString>,
    pub base_url: String,
    pub model: Model,
    /// US dollars a UTC day.
    pub budget_usd: f64,
    /// Personal data is replaced before the model sees a text.
    pub redaction: bool,
}

impl Model {
    /// A listed model with the parameters that suit a form: no thinking where the model allows it, little effort.
    ///
    /// # Errors
    /// The model is not in the price list, so that its cost could not be counted.
    pub fn listed(id: &str) -> Result<Self, String> {
        let price = price::of(id).ok_or_else(|| {
            let known = price::LIST.map(|listed| listed.model).join(", ");
            format!("no price is known for {id:?}; use one of {known}")
        })?;
        let thinking = if id.contains("haiku") { Thinking::Disabled } else { Thinking::BetweenTools };
        Ok(Self { id: id.to_owned(), effort: Effort::Low, thinking, price })
    }

    /// The answer's limit in tokens. Thinking counts as output.
    #[must_use]
    pub fn max_tokens(&self) -> u32 {
        match self.thinking {
            Thinking::Adaptive => 6_000,
            Thinking::Disabled | Thinking::BetweenTools => 1_500,
        }
    }
}

impl Config {
    /// Reads `ANALYST`, `ANTHROPIC_API_KEY`, `ANTHROPIC_BASE_URL`, `MODEL`, `MODEL_EFFORT`, `MODEL_THINKING`,
    /// `DAILY_BUDGET_USD`, `REDACTION`.
    ///
    /// # Errors
    /// Every problem at once, each with the name of its variable.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(get);
        let who = choice(&mut reader, "ANALYST", Who::Auto, "auto, claude, embedded or cascade");
        let key = Some(reader.or("ANTHROPIC_API_KEY", String::new())).filter(|key| !key.is_empty());
        if key.is_none() && matches!(who, Who::Claude | Who::Cascade) {
            reader.problem(format!("ANTHROPIC_API_KEY: is needed for ANALYST={who}"));
        }
        let base_url = reader.or("ANTHROPIC_BASE_URL", BASE_URL.to_owned()).trim_end_matches('/').to_owned();
        if let Err(error) = reqwest::Url::parse(&base_url).map_err(Cause::from).and_then(|url| match url.scheme() {
            "http" | "https" => Ok(()),
            _ => Err("is not an http or https address".into()),
        }) {
            reader.problem(format!("ANTHROPIC_BASE_URL: {error}"));
        }
        let mut model = Model::listed(&reader.or("MODEL", MODEL.to_owned())).unwrap_or_else(|problem| {
            reader.problem(format!("MODEL: {problem}"));
            Model::listed(MODEL).expect("the default is listed")
        });
        model.effort = choice(&mut reader, "MODEL_EFFORT", model.effort, "low, medium, high, xhigh or max");
        model.thinking = choice(&mut reader, "MODEL_THINKING", model.thinking, "disabled, adaptive or between_tools");
        let budget_usd = reader.or("DAILY_BUDGET_USD", BUDGET);
        if !(0.0..=100_000.0).contains(&budget_usd) {
            reader.problem("DAILY_BUDGET_USD: must be 0 to 100000".to_owned());
        }
        let redaction = reader.switch("REDACTION", true);
        reader.finish()?;
        Ok(Self { who, key: key.map(SecretString::from), base_url, model, budget_usd, redaction })
    }

    /// Claude takes part.
    #[must_use]
    pub fn asks_claude(&self) -> bool {
        self.key.is_some() && self.who != Who::Embedded
    }
}

fn choice<T: std::str::FromStr + ToString, F: Fn(&str) -> Option<String>>(
    reader: &mut Reader<F>,
    name: &str,
    default: T,
    choices: &str,
) -> T {
    let text = reader.or(name, default.to_string());
    text.parse().unwrap_or_else(|_| {
        reader.problem(format!("{name}: is not {choices}"));
        default
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::read(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn nothing_set_is_the_embedded_analyst_without_alarm() {
        let config = read(&[]).unwrap();
        assert!(!config.asks_claude());
        assert_eq!((config.model.id.as_str(), config.model.thinking), (MODEL, Thinking::Disabled));
        assert!(config.redaction);
        assert!(read(&[("ANTHROPIC_API_KEY", "k")]).unwrap().asks_claude());
        assert!(!read(&[("ANTHROPIC_API_KEY", "k"), ("ANALYST", "embedded")]).unwrap().asks_claude());
    }

    #[test]
    fn models_differ_in_what_they_accept() {
        let sonnet = read(&[("MODEL", "claude-sonnet-5-5"), ("MODEL_EFFORT", "high")]).unwrap().model;
        assert_eq!((sonnet.thinking, sonnet.effort), (Thinking::BetweenTools, Effort::High));
    }

    #[test]
    fn every_problem_is_told_at_once_by_name() {
        let message = read(&[
            ("ANALYST", "claude"),
            ("ANTHROPIC_BASE_URL", "ftp://x"),
            ("MODEL", "claude-sonnet-4-5-20250929"),
            ("MODEL_EFFORT", "extreme"),
            ("MODEL_THINKING", "no"),
            ("DAILY_BUDGET_USD", "-1"),
            ("REDACTION", "maybe"),
        ])
        .unwrap_err()
        .to_string();
        for name in [
            "ANTHROPIC_API_KEY: is needed for ANALYST=claude",
            "ANTHROPIC_BASE_URL: ",
            "MODEL: no price is known",
            "MODEL_EFFORT: ",
            "MODEL_THINKING: ",
            "DAILY_BUDGET_USD: ",
            "REDACTION: ",
        ] {
            assert!(message.contains(name), "{name} in {message}");
        }
    }
}
