//! Which model, where, and with which key.

use std::net::IpAddr;

use runtime::config::{ConfigError, Reader};
use secrecy::SecretString;
use strum::{Display, EnumString};
use ureq::http::Uri;

use crate::price;

/// Where the Messages API is.
pub const BASE_URL: &str = "https://api.anthropic.com";
/// The model that reads, unless another one is set.
pub const MODEL: &str = "claude-haiku-5-5";

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
    /// None: nobody asks Claude.
    pub key: Option<SecretString>,
    pub base_url: String,
    pub model: Model,
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
    /// Reads `ANTHROPIC_API_KEY`, `ANTHROPIC_BASE_URL`, `MODEL`, `MODEL_EFFORT`, `MODEL_THINKING`; the key is needed where
    /// `ANALYST` names Claude or a cascade.
    ///
    /// # Errors
    /// Every problem at once, each with the name of its variable.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(get);
        let who = reader.or("ANALYST", String::new()).to_lowercase();
        let key = Some(reader.or("ANTHROPIC_API_KEY", String::new())).filter(|key| !key.is_empty());
        if key.is_none() && matches!(who.as_str(), "claude" | "cascade") {
            reader.problem(format!("ANTHROPIC_API_KEY: is needed for ANALYST={who}"));
        }
        let base_url = reader.or("ANTHROPIC_BASE_URL", BASE_URL.to_owned()).trim_end_matches('/').to_owned();
        if let Err(problem) = checked(&base_url) {
            reader.problem(format!("ANTHROPIC_BASE_URL: {problem}"));
        }
        let mut model = Model::listed(&reader.or("MODEL", MODEL.to_owned())).unwrap_or_else(|problem| {
            reader.problem(format!("MODEL: {problem}"));
            Model::listed(MODEL).expect("the default is listed")
        });
        model.effort = reader.choice("MODEL_EFFORT", model.effort, "low, medium, high, xhigh or max");
        model.thinking = reader.choice("MODEL_THINKING", model.thinking, "disabled, adaptive or between_tools");
        reader.finish()?;
        Ok(Self { key: key.map(SecretString::from), base_url, model })
    }
}

/// Whether requests can be sent there, unread on their way.
fn checked(base_url: &str) -> Result<(), &'static str> {
    let uri: Uri = base_url.parse().map_err(|_| "is not an address such as https://api.anthropic.com")?;
    match (uri.scheme_str(), uri.host()) {
        (Some("https"), Some(_)) => Ok(()),
        (Some("http"), Some(host)) if is_loopback(host) => Ok(()),
        // The key and the tickets would cross a network in the clear.
        (Some("http"), Some(_)) => Err("plain http is for this machine only; use https"),
        _ => Err("is not an http or https address"),
    }
}

/// What never leaves this machine: `localhost`, `127.0.0.0/8`, `[::1]`.
fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::read(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn nothing_set_is_no_key_and_the_default_model() {
        let config = read(&[]).unwrap();
        assert!(config.key.is_none());
        assert_eq!((config.model.id.as_str(), config.model.thinking), (MODEL, Thinking::Disabled));
        assert!(read(&[("ANTHROPIC_API_KEY", "k")]).unwrap().key.is_some());
    }

    #[test]
    fn models_differ_in_what_they_accept() {
        let sonnet = read(&[("MODEL", "claude-sonnet-5-5"), ("MODEL_EFFORT", "high")]).unwrap().model;
        assert_eq!((sonnet.thinking, sonnet.effort), (Thinking::BetweenTools, Effort::High));
    }

    #[test]
    fn plain_http_stays_on_this_machine() {
        for good in
            ["http://localhost:1", "http://127.0.0.1:1/x", "http://127.8.8.8", "http://[::1]:1", "https://a.example"]
        {
            assert!(read(&[("ANTHROPIC_BASE_URL", good)]).is_ok(), "{good}");
        }
        for bad in [
            "http://a.example",
            "http://localhost.a.example",
            "http://10.0.0.1",
            "http://127.0.0.1@a.example",
            "http://[2001:db8::1]",
        ] {
            let message = read(&[("ANTHROPIC_BASE_URL", bad)]).unwrap_err().to_string();
            assert!(message.contains("ANTHROPIC_BASE_URL: plain http is for this machine only"), "{bad}: {message}");
        }
    }

    #[test]
    fn every_problem_is_told_at_once_by_name() {
        let message = read(&[
            ("ANALYST", "claude"),
            ("ANTHROPIC_BASE_URL", "ftp://x"),
            ("MODEL", "claude-sonnet-4-5-20250929"),
            ("MODEL_EFFORT", "extreme"),
            ("MODEL_THINKING", "no"),
        ])
        .unwrap_err()
        .to_string();
        for name in [
            "ANTHROPIC_API_KEY: is needed for ANALYST=claude",
            "ANTHROPIC_BASE_URL: ",
            "MODEL: no price is known",
            "MODEL_EFFORT: ",
            "MODEL_THINKING: ",
        ] {
            assert!(message.contains(name), "{name} in {message}");
        }
    }
}
