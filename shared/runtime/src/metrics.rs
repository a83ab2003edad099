//! Figures for CloudWatch: events of the target `metrics`, written in its embedded metric format.
//!
//! A handler says what it counted with [`tracing`]; whether that becomes a metric is the composition root's business.

use std::{fmt, io::Write};

use domain::Record;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use strum::{Display, EnumIter, IntoEnumIterator, IntoStaticStr};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context};

/// The target of events that are metrics.
pub const TARGET: &str = "metrics";
/// CloudWatch's namespace for them.
pub const NAMESPACE: &str = "TicketTriage";
/// What every metric is told apart by.
pub const DIMENSION: &str = "Stack";

/// Every metric, by its name in CloudWatch. The first ten of an account cost nothing, each further one 30 cents a
/// month.
///
/// `infra/local-cloud/metrics.json` lists them for whoever checks alarms and the dashboard.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Display, EnumIter, IntoStaticStr)]
pub enum Metric {
    Tickets,
    Latency,
    GuardianSignals,
    OpportunitySignals,
    OutageSignals,
    Fallbacks,
    ModelTokens,
    ModelCost,
    Drafts,
    AlertCapUsed,
    NotFound,
    Denied,
    Exposed,
    Swept,
    UnknownEvents,
    MendedEvents,
    MessageAge,
    Failed,
    Parked,
    Refused,
    MailBlocked,
    Unauthorized,
    Withheld,
    Digests,
    Misconfigured,
}

impl Metric {
    /// The field of an event that carries it.
    fn field(self) -> &'static str {
        match self {
            Self::Tickets => "tickets",
            Self::Latency => "latency_ms",
            Self::GuardianSignals => "guardian",
            Self::OpportunitySignals => "opportunity",
            Self::OutageSignals => "outage",
            Self::Fallbacks => "fallbacks",
            Self::ModelTokens => "tokens",
            Self::ModelCost => "cost_usd",
            Self::Drafts => "drafts",
            Self::AlertCapUsed => "alert_cap_used",
            Self::NotFound => "not_found",
            Self::Denied => "denied",
            Self::Exposed => "exposed",
            Self::Swept => "swept",
            Self::UnknownEvents => "unknown_events",
            Self::MendedEvents => "mended_events",
            Self::MessageAge => "message_age",
            Self::Failed => "failed",
            Self::Parked => "parked",
            Self::Refused => "refused",
            Self::MailBlocked => "mail_blocked",
            Self::Unauthorized => "unauthorized",
            Self::Withheld => "withheld",
            Self::Digests => "digests",
            Self::Misconfigured => "misconfigured",
        }
    }

    /// CloudWatch's word.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::Tickets
            | Self::GuardianSignals
            | Self::OpportunitySignals
            | Self::OutageSignals
            | Self::Fallbacks
            | Self::ModelTokens
            | Self::Drafts
            | Self::NotFound
            | Self::Denied
            | Self::Exposed
            | Self::Swept
            | Self::UnknownEvents
            | Self::MendedEvents
            | Self::Failed
            | Self::Parked
            | Self::Refused
            | Self::MailBlocked
            | Self::Unauthorized
            | Self::Withheld
            | Self::Digests
            | Self::Misconfigured => "Count",
            Self::Latency => "Milliseconds",
            // CloudWatch knows no unit of money.
            Self::ModelCost => "None",
            Self::AlertCapUsed => "Percent",
            Self::MessageAge => "Seconds",
        }
    }
}

/// A ticket was triaged.
pub fn triaged(record: &Record) {
    tracing::info!(
        target: TARGET,
        tickets = 1u64,
        latency_ms = record.duration_ms,
        guardian = u64::from(record.guardian.is_high_risk()),
        opportunity = u64::from(record.opportunity.intent.is_some()),
        outage = u64::from(record.outage.is_some()),
        fallbacks = u64::from(record.fallback.is_some()),
        tokens = record.usage.input_tokens + record.usage.output_tokens,
        cost_usd = record.usage.cost_usd,
        drafts = u64::from(record.draft.is_some()),
    );
}

/// That much of the day's alert cap is used, in percent.
pub fn alert_cap_used(used: u64, cap: u32) {
    tracing::info!(target: TARGET, alert_cap_used = used.saturating_mul(100) / u64::from(cap.max(1)));
}

/// A ticket that a message named did not turn up, and the message was parked.
pub fn not_found() {
    tracing::info!(target: TARGET, not_found = 1u64);
}

/// A service denied us access: a person has to mend credentials or rights.
pub fn denied() {
    tracing::info!(target: TARGET, denied = 1u64);
}

/// A private note of ours came out public. It was made private at once, and may have been read.
pub fn exposed() {
    tracing::info!(target: TARGET, exposed = 1u64);
}

/// So many tickets lay there that no event had told of, and were queued.
pub fn swept(found: u64) {
    tracing::info!(target: TARGET, swept = found);
}

/// Zendesk sent an event of a type we do not know.
pub fn unknown_event() {
    tracing::info!(target: TARGET, unknown_events = 1u64);
}

/// Zendesk signed a body that is no JSON, and it was read all the same.
pub fn mended_event() {
    tracing::info!(target: TARGET, mended_events = 1u64);
}

/// A message failed and comes again.
pub fn failed() {
    tracing::info!(target: TARGET, failed = 1u64);
}

/// A message was put among the dead letters.
pub fn parked() {
    tracing::info!(target: TARGET, parked = 1u64);
}

/// The mail service refused a message for good, for what it says or whom it is for.
pub fn refused() {
    tracing::info!(target: TARGET, refused = 1u64);
}

/// The mail service refuses us: an account, an identity or a permission has to be mended, and then the same mail goes out.
pub fn mail_blocked() {
    tracing::info!(target: TARGET, mail_blocked = 1u64);
}

/// A webhook's signature was missing or wrong, so it was turned away.
pub fn unauthorized() {
    tracing::info!(target: TARGET, unauthorized = 1u64);
}

/// So many alerts were not sent because a switch is off.
pub fn withheld(alerts: u64) {
    tracing::info!(target: TARGET, withheld = alerts);
}

/// A digest came to its end: nobody is left waiting, or a switch keeps it back.
pub fn digest() {
    tracing::info!(target: TARGET, digests = 1u64);
}

/// Settings, switches or files were changed to something that cannot be used.
pub fn misconfigured() {
    tracing::info!(target: TARGET, misconfigured = 1u64);
}

/// A message failed and comes again: so long ago was it sent.
///
/// SQS's own age of the oldest message leaves out whatever was received three times and more, so it is blind to exactly
/// these.
pub fn message_age(age: SignedDuration) {
    tracing::info!(target: TARGET, message_age = age.as_secs().max(0));
}

/// Writes each metric event as one line of JSON that CloudWatch Logs takes the metrics from.
pub struct EmbeddedMetrics<W> {
    stack: String,
    clock: fn() -> Timestamp,
    out: W,
}

impl<W> fmt::Debug for EmbeddedMetrics<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedMetrics").field("stack", &self.stack).finish_non_exhaustive()
    }
}

impl<W> EmbeddedMetrics<W> {
    /// `stack` names the deployment and is the one dimension, so that two deployments in one account stay apart; `out`
    /// opens where a line goes.
    pub fn new(stack: String, clock: fn() -> Timestamp, out: W) -> Self {
        Self { stack, clock, out }
    }

    fn line(&self, values: Map<String, Value>) -> Value {
        let known = Metric::iter().filter(|metric| values.contains_key(<&str>::from(metric)));
        let definitions: Vec<Value> =
            known.map(|metric| json!({ "Name": <&str>::from(metric), "Unit": metric.unit() })).collect();
        let mut line = values;
        line.insert(DIMENSION.to_owned(), self.stack.clone().into());
        let aws = json!({
            "Timestamp": (self.clock)().as_millisecond(),
            "CloudWatchMetrics": [{ "Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": definitions }],
        });
        line.insert("_aws".to_owned(), aws);
        Value::Object(line)
    }
}

impl<S: Subscriber, O: Write, W: Fn() -> O + 'static> Layer<S> for EmbeddedMetrics<W> {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == TARGET {
            let mut values = Values::default();
            event.record(&mut values);
            // A metric that cannot be written is no reason to fail a ticket.
            let _ = writeln!((self.out)(), "{}", self.line(values.0));
        }
    }
}

/// The numbers of an event, by metric name.
#[derive(Default)]
struct Values(Map<String, Value>);

impl Values {
    fn set(&mut self, field: &Field, value: Value) {
        let metric = Metric::iter().find(|metric| metric.field() == field.name());
        debug_assert!(metric.is_some(), "{} is the field of no metric", field.name());
        if let Some(metric) = metric {
            self.0.insert(metric.to_string(), value);
        }
    }
}

impl Visit for Values {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value.into());
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        sync::{Arc, Mutex},
    };

    use domain::sample;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_names_its_metrics_and_holds_no_text() {
        let lines = Lines::default();
        let out = lines.clone();
        let metrics = EmbeddedMetrics::new("triage-test".to_owned(), sample::now, move || out.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(metrics), || {
            triaged(&sample::record(1, "Acme", sample::now()));
            alert_cap_used(81, 100);
            not_found();
            denied();
            exposed();
            swept(3);
            unknown_event();
            mended_event();
            message_age(SignedDuration::from_mins(20));
            failed();
            parked();
            refused();
            mail_blocked();
            unauthorized();
            withheld(2);
            digest();
            misconfigured();
            tracing::info!(tickets = 1u64, "An ordinary event with such a field.");
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for metric in Metric::iter() {
            assert!(lines.iter().any(|line| line.get(metric.to_string()).is_some()), "{metric} is never written");
        }
        insta::assert_json_snapshot!(lines);
    }

    #[test]
    fn there_are_few() {
        assert!(Metric::iter().count() <= 25, "each costs every customer 30 cents a month");
    }

    #[test]
    fn the_list_beside_the_template_is_complete() {
        let list: BTreeMap<String, String> =
            serde_json::from_str(include_str!("../../../infra/local-cloud/metrics.json")).unwrap();
        let metrics: BTreeMap<String, String> =
            Metric::iter().map(|metric| (metric.to_string(), metric.unit().to_owned())).collect();
        assert_eq!(list, metrics, "bring infra/local-cloud/metrics.json up to date");
    }
}
