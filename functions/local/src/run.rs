//! `run`: every ticket of a CSV through the functions, as webhook events.

use std::{path::Path, sync::Arc, time::Instant};

use crate::input::{self, Input, Origin, Row};
use anyhow::{Context, bail};
use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use domain::{AccountId, Record, record::QUIET, time::later};
use futures::{StreamExt, stream};
use indexmap::IndexMap;
use jiff::Timestamp;
use report::{Aggregates, Window};
use runtime::words;
use secrecy::SecretString;
use serde_json::json;
use zendesk::signature::{SIGNATURE_HEADER, TIMESTAMP_HEADER, sign};

use crate::{
    cli::RunArguments,
    exit::Ended,
    outputs::{self, Covered, Kept},
    progress::{Progress, summary},
    say,
    stack::{Environment, Setup, Shared, teams_of},
};

/// Accounts worked on at once.
const AT_ONCE: usize = 16;

/// Runs, writes the files, prints the summary.
///
/// # Errors
/// Whatever kept the run from starting: input, configuration or output folder.
pub async fn command(arguments: &RunArguments, environment: &Environment) -> anyhow::Result<Ended> {
    let started = Instant::now();
    let teams = &*teams_of(arguments.agents.as_deref())?;
    let from = Origin { teams, ..arguments.columns.of(arguments.input.as_deref()) };
    let input = input::read(from, input::tell)?;
    let setup = Setup {
        output: &arguments.output,
        analyst: arguments.analyst,
        delivery: !arguments.demo_mode,
        capped: false,
        teams,
    };
    let shared = Shared::new(setup, environment)?;
    outputs::prepare(&arguments.output)?;
    shared.warm().await;

    let progress = Arc::new(Progress::new(input.rows.len()));
    let Outcome { failed } = process(&shared, &input.rows, Some(progress.clone())).await?;
    progress.finish();
    let (aggregates, calls) = publish(&shared, &input, &arguments.output).await?;

    say::line(format_args!("\n{}", summary(&aggregates, &shared.policy, started.elapsed())));
    say::line(format_args!("{} of {} tickets triaged.\n", aggregates.tickets, input.rows.len() + input.skipped));
    let folder = std::path::absolute(&arguments.output)?;
    let dashboard = folder.join(report::DASHBOARD);
    let left = |of: &str, kind: &str, what: &str| {
        format!("{}{what} in {}", words::count(outputs::files(&folder, of, kind)), folder.join(of).display())
    };
    let written = [
        ("Dashboard", dashboard.display().to_string()),
        ("E-mails", left(outputs::EMAILS, "html", "")),
        ("Next day", left(outputs::DAILY_EMAILS, "html", " digests of what is open")),
        ("Slack", left(outputs::SLACK, "json", " messages")),
        ("Zendesk", format!("{} calls, none sent, in {}", words::count(calls), folder.join(outputs::CALLS).display())),
        ("Results", folder.join(outputs::RESULTS).display().to_string()),
    ];
    written.iter().for_each(|(what, place)| say::line(format_args!("{what:<10} {place}")));
    if arguments.open && open::that_detached(&dashboard).is_err() {
        eprintln!("no browser found; open {}", file_url(&dashboard));
    }
    let skipped = input.skipped;
    if skipped > 0 {
        eprintln!("{skipped} row{} skipped, see above", if skipped == 1 { " was" } else { "s were" });
    }
    if failed > 0 {
        eprintln!("{failed} ticket{} failed; run with RUST_LOG=warn to see why", if failed == 1 { "" } else { "s" });
    }
    if aggregates.tickets == 0 {
        bail!("no ticket could be triaged");
    }
    Ok(if skipped + failed > 0 { Ended::WithLosses } else { Ended::Well })
}

/// As a browser takes it: of a path with blanks it would open the first word.
fn file_url(path: &Path) -> String {
    let mut url = "file://".to_owned();
    for byte in path.to_string_lossy().bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => url.push(byte.into()),
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url
}

/// How the tickets fared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// Tickets that ended without a record.
    pub failed: usize,
}

/// Takes every ticket through webhook, triage and alert, then sends the digest of the alerts that were held,
/// and writes those of the next morning.
///
/// Accounts run side by side, the tickets of one account one after the other, in file order. Each ticket's clock is its
/// own timestamp.
///
/// # Errors
/// A task that panicked, or a digest that could not be written.
pub async fn process(shared: &Shared, rows: &[Row], progress: Option<Arc<Progress>>) -> anyhow::Result<Outcome> {
    let mut lanes: IndexMap<&AccountId, Vec<usize>> = IndexMap::new();
    for (index, row) in rows.iter().enumerate() {
        lanes.entry(&row.account).or_default().push(index);
    }
    let mut running = stream::iter(lanes.into_values())
        .map(|lane| {
            let rows = lane.into_iter().filter_map(|index| Some((index, rows.get(index)?.clone()))).collect();
            tokio::spawn(one_account(shared.clone(), rows, progress.clone()))
        })
        .buffer_unordered(AT_ONCE);
    let mut failed = 0;
    while let Some(lane) = running.next().await {
        failed += lane.context("a ticket could not be handled")?;
    }
    let end = last_moment(rows);
    shared.stack(end).digest(end).await.context("the digest could not be written")?;
    shared.morning_after(end).await.context("the daily digest could not be written")?;
    Ok(Outcome { failed })
}

/// The tickets of one account in order. Returns how many failed.
async fn one_account(shared: Shared, rows: Vec<(usize, Row)>, progress: Option<Arc<Progress>>) -> usize {
    let mut failed = 0;
    let mut mrr = None;
    for (place, row) in rows {
        mrr = row.mrr.or(mrr);
        let record = one_ticket(&shared, &row, mrr).await;
        failed += usize::from(record.is_none());
        if let Some(progress) = &progress {
            progress.ticket(place, &shown(&row), record.as_deref());
        }
    }
    failed
}

/// The id as the file has it, and the number that was made for a text.
fn shown(row: &Row) -> String {
    match row.id_text.parse() {
        Ok(id) if row.id == id => row.id_text.clone(),
        _ => format!("{} = {}", row.id_text, row.id),
    }
}

/// Opens the ticket at the helpdesk and posts its event; then everything that follows from it.
async fn one_ticket(shared: &Shared, row: &Row, mrr: Option<f64>) -> Option<Arc<Record>> {
    shared.helpdesk.set_account(row.account(mrr));
    shared.helpdesk.open(row.ticket());
    let now = row.timestamp;
    let stack = shared.stack(now);
    let response = stack.post(created(row, shared.secret(), now), now).await;
    if response.status_code != 200 {
        tracing::error!(ticket.id = %row.id, status = response.status_code, "The webhook rejected a ticket.");
        return None;
    }
    stack.drain().await;
    let dead = stack.dead();
    if !dead.is_empty() {
        tracing::error!(ticket.id = %row.id, letters = dead.len(), "A ticket left dead letters.");
        return None;
    }
    shared.log.newest(row.id)
}

/// The signed event Zendesk would post.
fn created(row: &Row, secret: &SecretString, now: Timestamp) -> ApiGatewayV2httpRequest {
    let id = row.id.number().to_string();
    let body = json!({
        "type": "zen:event-type:ticket.created",
        "id": format!("created-{id}"),
        "time": now.to_string(),
        "subject": format!("zen:ticket:{id}"),
        "zendesk_event_version": "2022-11-06",
        "detail": { "id": id },
        "event": {},
    })
    .to_string();
    let timestamp = now.to_string();
    let event = json!({
        "version": "2.0",
        "headers": {
            SIGNATURE_HEADER: sign(secret, &timestamp, body.as_bytes()),
            TIMESTAMP_HEADER: timestamp,
        },
        "requestContext": { "http": { "method": "POST", "path": "/webhooks/zendesk" } },
        "body": body,
        "isBase64Encoded": false,
    });
    serde_json::from_value(event).expect("the shape of an API Gateway event")
}

fn last_moment(rows: &[Row]) -> Timestamp {
    rows.iter().map(|row| row.timestamp).max().unwrap_or_default()
}

/// The dashboard over the whole file, and the logs: as things stand once an answer to the last ticket, too, could have
/// been followed by silence for long enough. Comes with how many calls to Zendesk were written down.
async fn publish(shared: &Shared, input: &Input, output: &Path) -> anyhow::Result<(Aggregates, usize)> {
    let day = |at: Option<Timestamp>| domain::record::utc_day(at.unwrap_or_default());
    let window = Window {
        first: day(input.rows.iter().map(|row| row.timestamp).min()),
        last: day(input.rows.iter().map(|row| row.timestamp).max()),
    };
    let now = later(last_moment(&input.rows), QUIET);
    let aggregates = shared
        .report(window, now)
        .await
        .with_context(|| format!("the dashboard could not be written to {}", output.display()))?;
    let tickets = input.rows.iter().filter_map(|row| Kept::of(row.id, &row.id_text, shared));
    let calls = outputs::write(output, Covered::new(window, now), tickets)?;
    outputs::write_audit(output, shared.log.take_audit())?;
    Ok((aggregates, calls))
}
