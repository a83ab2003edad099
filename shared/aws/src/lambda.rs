//! What every function's `main` does: read the environment, log as JSON, run the runtime's loop.

use std::{path::PathBuf, sync::Arc};

use domain::ports::told;
use jiff::Timestamp;
use lambda_runtime::{Context, Error, LambdaEvent, service_fn};
use runtime::{
    Invocation,
    config::{ConfigError, Reader},
};
use serde::{Serialize, de::DeserializeOwned};

/// The environment of the process, with all that is wrong with it.
pub type Environment = Reader<fn(&str) -> Option<String>>;

/// A function as Lambda runs it.
pub trait Function: Sized {
    /// What it is called with.
    type Event: DeserializeOwned;
    type Answer: Serialize;

    /// Built from what is deployed. Whatever it connects to, it does here: during init a function has a full processor.
    fn deployed(environment: Environment) -> impl Future<Output = Result<Self, Error>>;

    /// Built in memory, for `sam local`.
    ///
    /// # Errors
    /// A configuration that cannot be used.
    fn embedded() -> Result<Self, Error>;

    /// Handles one call.
    fn handle(&self, event: Self::Event, invocation: &Invocation) -> impl Future<Output = Result<Self::Answer, Error>>;
}

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

tokio::task_local! {
    /// X-Ray's header of the call that is being handled.
    static TRACE: Option<String>;
}

/// X-Ray's header of the call that is being handled, so that the trace goes on where a message is handled.
pub(crate) fn trace() -> Option<String> {
    TRACE.try_with(Clone::clone).ok().flatten()
}

/// Logs at the level of `RUST_LOG`, builds the function, and handles events until the environment is taken down. Metrics
/// are those of the stack that `STACK` names.
///
/// # Errors
/// A configuration that cannot be used; the runtime reports it, and Lambda starts anew.
pub async fn run<F: Function>() -> Result<(), Error> {
    let mut environment = Environment::new(variable);
    let stack = environment.or("STACK", "local".to_owned());
    let level = environment.or("RUST_LOG", "info".to_owned());
    runtime::logging::start_json(&level, stack, wall_clock);
    let function = match build::<F>(environment).await {
        Ok(function) => Arc::new(function),
        Err(error) => {
            tracing::error!(error = told(&*error), "Failed to start the function.");
            return Err(error);
        }
    };
    lambda_runtime::run(service_fn(|event: LambdaEvent<F::Event>| call(function.clone(), event))).await
}

async fn build<F: Function>(environment: Environment) -> Result<F, Error> {
    match backend(variable)? {
        Backend::Aws => F::deployed(environment).await,
        Backend::Embedded => F::embedded(),
    }
}

async fn call<F: Function>(function: Arc<F>, event: LambdaEvent<F::Event>) -> Result<F::Answer, Error> {
    let LambdaEvent { payload, context, .. } = event;
    let invocation = invocation(&context, wall_clock());
    TRACE.scope(context.xray_trace_id, function.handle(payload, &invocation)).await
}

fn invocation(context: &Context, now: Timestamp) -> Invocation {
    let deadline = Timestamp::from_millisecond(i64::try_from(context.deadline).unwrap_or(i64::MAX));
    Invocation { request_id: context.request_id.clone(), now, deadline: deadline.unwrap_or(Timestamp::MAX) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::sample;

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

    #[test]
    fn no_deadline_panics() {
        for milliseconds in [0, 1_794_819_600_000, i64::MAX.unsigned_abs(), u64::MAX] {
            let mut context = Context::default();
            context.deadline = milliseconds;
            let invocation = invocation(&context, sample::now());
            assert!(invocation.lease_until() >= invocation.deadline, "{milliseconds}");
            assert_eq!(invocation.has_time(Duration::ZERO), milliseconds > 1_794_819_600_000, "{milliseconds}");
        }
    }

    /// Answers with the trace it runs under.
    struct Echo;

    impl Function for Echo {
        type Event = String;
        type Answer = (String, Option<String>);

        async fn deployed(_: Environment) -> Result<Self, Error> {
            Ok(Self)
        }

        fn embedded() -> Result<Self, Error> {
            Ok(Self)
        }

        async fn handle(&self, event: String, _: &Invocation) -> Result<Self::Answer, Error> {
            Ok((event, trace()))
        }
    }

    #[tokio::test]
    async fn a_call_knows_its_own_trace() {
        assert_eq!(trace(), None, "nothing is handled");
        for header in [Some("Root=1-2".to_owned()), None] {
            let mut context = Context::default();
            context.xray_trace_id.clone_from(&header);
            let answer = call(Arc::new(Echo), LambdaEvent::new("event".to_owned(), context)).await.unwrap();
            assert_eq!(answer, ("event".to_owned(), header));
        }
    }
}
