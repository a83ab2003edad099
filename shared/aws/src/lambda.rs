//! What every function's `main` does: read the environment, log as JSON, run the runtime's loop.

use std::path::PathBuf;

use domain::ports::told;
use jiff::Timestamp;
use lambda_runtime::{Context, Error, LambdaEvent, service_fn};
use runtime::{
    Invocation,
    config::{ConfigError, Reader},
};
use serde::{Serialize, de::DeserializeOwned};

/// A variable of the environment.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place of a function that reads the environment")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The wall clock.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place of a function that reads the clock")]
pub fn wall_clock() -> Timestamp {
    Timestamp::now()
}

/// Where a function finds the outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Backend {
    Aws,
    /// The bundled tickets in memory, for `sam local`.
    Embedded,
}

/// Where the embedded backend may write.
#[must_use]
pub fn scratch() -> PathBuf {
    PathBuf::from("/tmp")
}

/// `BACKEND`: `aws`, or `embedded` under `sam local` and nowhere else, since it would forget every ticket.
///
/// # Errors
/// Another word, or `embedded` in the cloud.
pub fn backend(get: impl Fn(&str) -> Option<String>) -> Result<Backend, ConfigError> {
    let problem = |text: &str| Err(ConfigError(vec![format!("BACKEND: {text}")]));
    match get("BACKEND").as_deref() {
        None | Some("" | "aws") => Ok(Backend::Aws),
        Some("embedded") if get("AWS_SAM_LOCAL").as_deref() == Some("true") => Ok(Backend::Embedded),
        Some("embedded") => problem("embedded runs under `sam local` only: it keeps nothing"),
        Some(_) => problem("is neither aws nor embedded"),
    }
}

/// The environment. Whoever reads a variable that has to be set names it where its value goes, and asks for the problems
/// of all of them at the end.
#[must_use]
pub fn environment() -> Reader<impl Fn(&str) -> Option<String>> {
    Reader::new(variable)
}

/// Logs at the level of `RUST_LOG`, builds the function, and handles events until the environment is taken down.
///
/// Whatever `build` connects to, it does during init, where a function has a full processor.
///
/// # Errors
/// A configuration that cannot be used; the runtime reports it, and Lambda starts anew.
pub async fn run<T, E, R, B, H, HF>(build: B, handle: H) -> Result<(), Error>
where
    T: Clone,
    E: DeserializeOwned,
    R: Serialize,
    B: Future<Output = Result<T, Box<dyn std::error::Error>>>,
    H: Fn(T, E, Invocation) -> HF,
    HF: Future<Output = Result<R, Error>>,
{
    let stage = variable("STAGE").unwrap_or_else(|| "local".to_owned());
    runtime::logging::start_json(&variable("RUST_LOG").unwrap_or_else(|| "info".to_owned()), stage, wall_clock);
    let function = match build.await {
        Ok(function) => function,
        Err(error) => {
            let error = told(&*error);
            tracing::error!(error, "The function cannot start.");
            return Err(error.into());
        }
    };
    lambda_runtime::run(service_fn(|event: LambdaEvent<E>| {
        let invocation = invocation(&event.context);
        handle(function.clone(), event.payload, invocation)
    }))
    .await
}

fn invocation(context: &Context) -> Invocation {
    let deadline = Timestamp::from_millisecond(i64::try_from(context.deadline).unwrap_or(i64::MAX));
    Invocation {
        request_id: context.request_id.clone(),
        now: wall_clock(),
        deadline: deadline.unwrap_or(Timestamp::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_backend_stays_on_a_laptop() {
        let with = |variables: &'static [(&str, &str)]| {
            backend(move |name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(with(&[]), Ok(Backend::Aws));
        assert_eq!(with(&[("BACKEND", "embedded"), ("AWS_SAM_LOCAL", "true")]), Ok(Backend::Embedded));
        assert!(with(&[("BACKEND", "embedded")]).is_err());
        assert!(with(&[("BACKEND", "azure")]).is_err());
    }
}
