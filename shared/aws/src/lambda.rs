//! What every function's `main` does: read settings and environment, log as JSON, run the runtime's loop.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use domain::ports::{PortError, told};
use jiff::Timestamp;
use lambda_runtime::{Context, Error, LambdaEvent, service_fn};
use runtime::{
    Invocation,
    config::{ConfigError, Reader},
    logging::Levels,
};
use secrecy::ExposeSecret;
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::Mutex;

use crate::{CACHED, Parameters, Sdk, cached::Cached};

/// A variable by its name: of the settings, or else of the process.
pub type Source = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// The variables of a function, with all that is wrong with them.
pub type Environment = Reader<Box<dyn Fn(&str) -> Option<String> + Send + Sync>>;

/// A function as Lambda runs it.
pub trait Function: Sized {
    /// What it is called with.
    type Event: DeserializeOwned;
    type Answer: Serialize;

    /// Built from what is deployed. Whatever it connects to, it does here: during init a function has a full processor.
    /// Built anew whenever its settings change.
    fn deployed(source: Source, sdk: Sdk) -> impl Future<Output = Result<Self, Error>>;

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

/// Reads the variables of a source.
#[must_use]
pub fn environment(source: &Source) -> Environment {
    let source = source.clone();
    Reader::new(Box::new(move |name: &str| source(name)))
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

/// Settings that did not build a function are tried again after this.
const PAUSE: Duration = Duration::from_secs(60);

/// The settings of a stack: a JSON object of variables in one parameter.
///
/// A published version keeps the environment it was published with, so what a deployment changes lies outside of it: each
/// function that is called by an alias looks here at its start and every 300 s.
struct StackSettings {
    parameters: Parameters,
    name: String,
    cached: Cached<Arc<BTreeMap<String, String>>>,
}

impl StackSettings {
    async fn get(&self) -> Result<Arc<BTreeMap<String, String>>, PortError> {
        let fetch = |before: Option<Arc<BTreeMap<String, String>>>| async move {
            let text = self.parameters.required(&self.name).await?;
            let read: BTreeMap<String, String> = serde_json::from_str(text.expose_secret())
                .map_err(|_| PortError::transient("SSM", format!("{}: is no JSON object of texts", self.name)))?;
            // The same `Arc` where nothing changed, so that a change shows by its address.
            Ok(before.filter(|before| **before == read).unwrap_or_else(|| Arc::new(read)))
        };
        self.cached.get(CACHED, fetch).await
    }
}

/// A function at work.
struct Running<F> {
    /// Where its settings come from; None under `sam local`, and where the environment is all there is.
    settings: Option<StackSettings>,
    current: Mutex<Built<F>>,
}

/// What a function is built from.
struct Builder {
    sdk: Sdk,
    levels: Levels,
}

/// A function and the settings it was built with.
struct Built<F> {
    function: Arc<F>,
    with: Arc<BTreeMap<String, String>>,
    /// None under `sam local`, where nothing changes.
    builder: Option<Builder>,
    /// When newer settings last failed to build one.
    failed: Option<Instant>,
}

impl<F: Function> Running<F> {
    async fn start(levels: Levels) -> Result<Self, Error> {
        if backend(variable)? == Backend::Embedded {
            let function = Arc::new(F::embedded()?);
            let current = Built { function, with: Arc::default(), builder: None, failed: None };
            return Ok(Self { settings: None, current: Mutex::new(current) });
        }
        let builder = Builder { sdk: Sdk::from_env().await, levels };
        let parameters = || Parameters::new(&builder.sdk);
        let settings = variable("SETTINGS_PARAMETER").map(|name| StackSettings {
            parameters: parameters(),
            name,
            cached: Cached::default(),
        });
        let with = match &settings {
            Some(settings) => settings.get().await?,
            None => Arc::default(),
        };
        let function = Arc::new(builder.build(&with).await?);
        let current = Built { function, with, builder: Some(builder), failed: None };
        Ok(Self { settings, current: Mutex::new(current) })
    }

    /// The function by the settings of now. One that cannot be built from them leaves the one before at work.
    async fn function(&self) -> Arc<F> {
        let mut current = self.current.lock().await;
        // Where asking fails the kept settings are served, and `Cached` logs it.
        if let Some(settings) = &self.settings
            && let Ok(with) = settings.get().await
        {
            current.follow(with).await;
        }
        current.function.clone()
    }
}

impl Builder {
    async fn build<F: Function>(&self, with: &Arc<BTreeMap<String, String>>) -> Result<F, Error> {
        let source = source(with);
        let function = F::deployed(source.clone(), self.sdk.clone()).await?;
        self.levels.set(&environment(&source).or("RUST_LOG", "info".to_owned()));
        Ok(function)
    }
}

impl<F: Function> Built<F> {
    /// Builds the function anew where its settings changed.
    async fn follow(&mut self, with: Arc<BTreeMap<String, String>>) {
        let waits = self.failed.is_some_and(|failed| failed.elapsed() < PAUSE);
        let Some(builder) = self.builder.as_ref().filter(|_| !waits && !Arc::ptr_eq(&with, &self.with)) else { return };
        match builder.build(&with).await {
            Ok(function) => {
                tracing::info!("Took over changed settings.");
                (self.function, self.with, self.failed) = (Arc::new(function), with, None);
            }
            Err(error) => {
                tracing::error!(error = told(&*error), "The changed settings cannot be used; using the previous ones.");
                runtime::metrics::misconfigured();
                self.failed = Some(Instant::now());
            }
        }
    }
}

/// What the settings say, and the process where they say nothing.
fn source(settings: &Arc<BTreeMap<String, String>>) -> Source {
    let settings = settings.clone();
    Arc::new(move |name| settings.get(name).cloned().or_else(|| variable(name)))
}

/// Logs at the level of `RUST_LOG`, builds the function, and handles events until the environment is taken down. Metrics
/// are those of the stack that `STACK` names. What the parameter that `SETTINGS_PARAMETER` names holds goes before the
/// environment, and a change of it takes effect within 300 s.
///
/// # Errors
/// A configuration that cannot be used; the runtime reports it, and Lambda starts anew.
pub async fn run<F: Function>() -> Result<(), Error> {
    let mut environment = Reader::new(variable);
    let stack = environment.or("STACK", "local".to_owned());
    let level = environment.or("RUST_LOG", "info".to_owned());
    let levels = runtime::logging::start_json(&level, stack, wall_clock);
    let running = match Running::<F>::start(levels).await {
        Ok(running) => Arc::new(running),
        Err(error) => {
            tracing::error!(error = told(&*error), "Failed to start the function.");
            return Err(error);
        }
    };
    let serve = |event: LambdaEvent<F::Event>| {
        let running = running.clone();
        async move { call(running.function().await, event).await }
    };
    lambda_runtime::run(service_fn(serve)).await
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

        async fn deployed(_: Source, _: Sdk) -> Result<Self, Error> {
            Ok(Self)
        }

        fn embedded() -> Result<Self, Error> {
            Ok(Self)
        }

        async fn handle(&self, event: String, _: &Invocation) -> Result<Self::Answer, Error> {
            Ok((event, trace()))
        }
    }

    /// A function as long as it is told to.
    struct Told(String);

    impl Function for Told {
        type Event = String;
        type Answer = String;

        async fn deployed(source: Source, _: Sdk) -> Result<Self, Error> {
            let mut environment = environment(&source);
            let told = environment.required("TOLD");
            environment.finish()?;
            Ok(Self(told))
        }

        fn embedded() -> Result<Self, Error> {
            Err("runs on AWS only".into())
        }

        async fn handle(&self, _: String, _: &Invocation) -> Result<String, Error> {
            Ok(self.0.clone())
        }
    }

    #[tokio::test]
    async fn changed_settings_build_a_new_function_and_bad_ones_leave_the_old() {
        let settings = |pairs: &[(&str, &str)]| {
            Arc::new(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
        };
        let builder = Builder { sdk: Sdk::from_env().await, levels: Levels::default() };
        let first = settings(&[("TOLD", "first")]);
        let function = Arc::new(builder.build::<Told>(&first).await.unwrap());
        let mut built = Built { function, with: first.clone(), builder: Some(builder), failed: None };
        let mut follow = async |with| {
            built.follow(with).await;
            built.function.0.clone()
        };
        assert_eq!(follow(first).await, "first");
        assert_eq!(follow(settings(&[("TOLD", "second")])).await, "second");
        assert_eq!(follow(settings(&[])).await, "second", "the variable is missing");
        let third = settings(&[("TOLD", "third")]);
        assert_eq!(follow(third.clone()).await, "second", "it failed just now");
        built.failed = Instant::now().checked_sub(PAUSE);
        built.follow(third).await;
        assert_eq!(built.function.0, "third");
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
