//! The webhook's signing secrets.

use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{PortError, SigningSecrets};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::{CACHED, Parameters, Sdk, cached::Cached};

/// How long a look may take, all attempts together: less than the webhook waits, so that the secrets it knows serve on
/// while the store is slow.
const LOOK: Duration = Duration::from_secs(2);

/// `{"current": "...", "previous": "..."}` in one secure parameter. `previous` is there during a rotation.
#[derive(Debug)]
pub struct ParameterSecrets {
    parameters: Parameters,
    name: String,
    /// No such parameter: no secret, and nothing that anybody signed.
    may_be_missing: bool,
    cached: Cached<Vec<SecretString>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    current: SecretText,
    #[serde(default)]
    previous: Option<SecretText>,
}

/// Never in an error's text.
#[derive(Deserialize)]
struct SecretText(String);

impl SecretText {
    fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }
}

impl ParameterSecrets {
    #[must_use]
    pub fn new(sdk: &Sdk, name: String) -> Self {
        Self { parameters: Parameters::new(sdk), name, may_be_missing: false, cached: Cached::default() }
    }

    /// Secrets of something that need not be set up.
    #[must_use]
    pub fn optional(sdk: &Sdk, name: String) -> Self {
        Self { may_be_missing: true, ..Self::new(sdk, name) }
    }

    async fn not_older_than(&self, age: Duration) -> Result<Vec<SecretString>, PortError> {
        self.cached
            .get(age, |_| async {
                let value = match self.may_be_missing {
                    true => in_time(self.parameters.get(&self.name)).await?,
                    false => Some(in_time(self.parameters.required(&self.name)).await?),
                };
                let Some(value) = value else { return Ok(Vec::new()) };
                read(value.expose_secret())
                    .map_err(|problem| PortError::transient("SSM", format!("parameter {}: {problem}", self.name)))
            })
            .await
    }
}

async fn in_time<T>(look: impl Future<Output = Result<T, PortError>>) -> Result<T, PortError> {
    match tokio::time::timeout(LOOK, look).await {
        Ok(outcome) => outcome,
        Err(_) => Err(PortError::transient("SSM", "no answer in time")),
    }
}

/// Current first. A blank secret would let anybody sign, so it is refused.
fn read(text: &str) -> Result<Vec<SecretString>, &'static str> {
    const SHAPE: &str = r#"is not {"current": "...", "previous": "..."}"#;
    let pair: Pair = serde_json::from_str(text).map_err(|_| SHAPE)?;
    if pair.current.is_blank() {
        return Err("`current` is blank");
    }
    if pair.previous.as_ref().is_some_and(SecretText::is_blank) {
        return Err("`previous` is blank; leave it out when no secret is being replaced");
    }
    Ok([Some(pair.current), pair.previous].into_iter().flatten().map(|secret| secret.0.into()).collect())
}

#[async_trait]
impl SigningSecrets for ParameterSecrets {
    async fn secrets(&self) -> Result<Vec<SecretString>, PortError> {
        self.not_older_than(CACHED).await
    }

    async fn refreshed(&self) -> Result<Vec<SecretString>, PortError> {
        self.not_older_than(Duration::ZERO).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_slow_store_leaves_known_secrets() {
        let cached = Cached::default();
        let begun = tokio::time::Instant::now();
        assert_eq!(cached.get(Duration::ZERO, |_| in_time(async { Ok(1) })).await.ok(), Some(1));
        cached.forget_the_pause().await;
        assert_eq!(cached.get(Duration::ZERO, |_| in_time(std::future::pending())).await.ok(), Some(1));
        assert!(begun.elapsed() >= LOOK && begun.elapsed() < 2 * LOOK, "{:?}", begun.elapsed());
    }

    #[test]
    fn one_or_two_secrets_and_never_a_blank_one() {
        let secrets = |text| {
            read(text).map(|secrets| secrets.iter().map(|one| one.expose_secret().to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(secrets(r#"{"current": "a", "previous": "b"}"#).unwrap(), ["a", "b"]);
        assert_eq!(secrets(r#"{"current": "a"}"#).unwrap(), ["a"]);
        assert_eq!(secrets(r#"{"current": "a", "previous": null}"#).unwrap(), ["a"]);
        for bad in [r#"{"current": ""}"#, r#"{"previous": "b"}"#, "plain", "{}", r#"{"current": 5}"#] {
            let problem = secrets(bad).unwrap_err();
            assert!(!problem.contains("plain"), "an error must not show the value");
        }
        for (blank, named) in [
            (r#"{"current": " "}"#, "`current` is blank"),
            (r#"{"current": "a", "previous": ""}"#, "`previous` is blank"),
            (r#"{"current": "a", "previous": "\t"}"#, "`previous` is blank"),
        ] {
            assert!(secrets(blank).unwrap_err().starts_with(named), "{blank}");
        }
    }
}
