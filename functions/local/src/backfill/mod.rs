//! `backfill`: a team's own history through the functions, and the page “what would have happened”.

mod fetch;
mod past;
mod tally;

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
    str::FromStr,
    sync::Arc,
};

use anyhow::{Context, bail, ensure};
use domain::{Mode, Policy, Teams};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::SignedDuration;
use memory::{MemoryControl, private};
use report::backtest::{BACKTEST, BACKTEST_FIGURES, Backtest, LeftOut};
use runtime::words;
use zendesk::{Access, Budget, Client, HttpTransport, RUNTIME_SCOPES, Transport};

pub use self::fetch::By;
use self::{
    fetch::{Cache, Wanted},
    past::{Line, Past, Unusable},
    tally::{History, Triaged},
};
use crate::{
    cli::BackfillArguments,
    exit::Ended,
    input::Row,
    outputs,
    progress::Progress,
    run, say,
    stack::{self, Environment, Setup, Shared, wall_clock},
};

/// Lines that cannot be read and are told one by one.
const MOST_TOLD: usize = 20;

/// Fetched tickets, in the output folder.
const CACHE: &str = "tickets.jsonl";

/// A span of time such as `90d`, `12w` or `36h`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Span {
    text: String,
    time: SignedDuration,
}

impl FromStr for Span {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const SHAPE: &str = "is not a span such as 90d, 12w or 36h";
        let unit = text.chars().next_back().ok_or(SHAPE)?;
        let hours = match unit {
            'h' => 1,
            'd' => 24,
            'w' => 7 * 24,
            _ => return Err(SHAPE),
        };
        let number = text.strip_suffix(unit).ok_or(SHAPE)?;
        let number: i64 = number.parse().map_err(|_| SHAPE)?;
        // Ten years: beyond, it is a slip.
        let hours = number.checked_mul(hours).filter(|hours| (1..=87_600).contains(hours)).ok_or(SHAPE)?;
        Ok(Self { text: text.to_owned(), time: SignedDuration::from_hours(hours) })
    }
}

/// The lines of a history, and those that were none.
#[derive(Default)]
struct Lines {
    source: String,
    lines: Vec<Line>,
    unreadable: usize,
}

/// Triages a history and writes the page and its figures.
///
/// # Errors
/// A source, configuration or folder that cannot be used, or a history without any ticket.
pub async fn command(arguments: &BackfillArguments, environment: &Environment) -> anyhow::Result<Ended> {
    let teams = &*stack::teams_of(arguments.agents.as_deref())?;
    outputs::prepare(&arguments.output)?;
    let lines = match (&arguments.input, &arguments.subdomain) {
        (Some(input), _) => from_file(input)?,
        (None, Some(place)) => {
            let transport = HttpTransport::new(place).map_err(|problem| anyhow::anyhow!("--subdomain {problem}"))?;
            let client = client(Arc::new(transport), environment)?;
            from_zendesk(arguments, place, &client).await?
        }
        (None, None) => bail!("nothing to read: give --subdomain, or --input with an export of Zendesk as JSON lines"),
    };
    let lost = lines.unreadable;
    let (backtest, failed) = backtest(lines, arguments, environment, teams).await?;
    let page = write(&arguments.output, &backtest)?;
    say::line(format_args!("\n{}", told(&backtest)));
    say::line(format_args!("What would have happened: {}", page.display()));
    if failed > 0 {
        eprintln!("{failed} ticket{} failed; run with RUST_LOG=warn to see why", if failed == 1 { "" } else { "s" });
    }
    Ok(if lost + failed > 0 { Ended::WithLosses } else { Ended::Well })
}

/// One ticket a line. A line that is none is told and left out: the first may be a heading.
fn from_file(path: &Path) -> anyhow::Result<Lines> {
    let problem = || format!("{} cannot be read", path.display());
    let file = BufReader::new(File::open(path).with_context(problem)?);
    let mut read = Lines { source: file_name(path), ..Lines::default() };
    for (line, number) in file.split(b'\n').zip(1u64..) {
        let line = line.with_context(problem)?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        // Half an emoji and the like must not cost the ticket.
        let mended = || zendesk::lenient::value(&line).and_then(|value| serde_json::from_value(value).ok());
        match serde_json::from_slice::<Line>(&line).or_else(|error| mended().ok_or(error)) {
            Ok(line) => read.lines.push(line),
            Err(error) => {
                read.unreadable += 1;
                if read.unreadable <= MOST_TOLD {
                    let name = say::escaped(&path.display().to_string());
                    eprintln!("skipped: {name}, line {number}: {}", domain::ports::json_error(error));
                }
            }
        }
    }
    if read.unreadable > MOST_TOLD {
        eprintln!("skipped: {} more lines", read.unreadable - MOST_TOLD);
    }
    Ok(read)
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// The credentials of the environment, as the other commands on a Zendesk take them.
fn client(transport: Arc<dyn Transport>, environment: &Environment) -> anyhow::Result<Client> {
    let get = |name: &str| environment.get(name).filter(|value| !value.trim().is_empty());
    let access = match (get("ZENDESK_CLIENT_ID"), get("ZENDESK_CLIENT_SECRET")) {
        (Some(id), Some(secret)) => Access::oauth(id, secret.into(), RUNTIME_SCOPES),
        _ => match (get("ZENDESK_EMAIL"), get("ZENDESK_API_TOKEN")) {
            (Some(email), Some(token)) => Access::api_token(email, token.into()),
            _ => bail!("no credentials: set ZENDESK_CLIENT_ID and ZENDESK_CLIENT_SECRET, also in a .env"),
        },
    };
    // Half of the account's limit: agents and other tools work at the same time.
    let budget = Budget::new(Arc::new(MemoryControl::default()));
    Ok(Client::new(transport, access, budget, Arc::new(wall_clock)))
}

async fn from_zendesk(arguments: &BackfillArguments, place: &str, client: &Client) -> anyhow::Result<Lines> {
    let path = arguments.output.join(CACHE);
    let since = domain::time::earlier(wall_clock(), arguments.since.time);
    let wanted = Wanted { place: place.to_owned(), span: arguments.since.text.clone(), by: arguments.by, since };
    let mut cache = Cache::open(&path, wanted)?;
    let kept = cache.tickets.len();
    if cache.is_complete() {
        say::line(format_args!("{kept} tickets fetched before; delete {} to fetch them anew", path.display()));
    } else {
        if kept > 0 {
            say::line(format_args!("Going on after {kept} tickets"));
        }
        let bar = ProgressBar::new_spinner();
        bar.set_style(ProgressStyle::with_template("{spinner} {pos} tickets fetched").expect("a fixed template"));
        fetch::fetch(client, &mut cache, |tickets| bar.set_position(tickets as u64))
            .await
            .context("run the same command again to go on")?;
        bar.finish_and_clear();
    }
    let source = format!("{place}, the last {}", cache.wanted.span);
    Ok(Lines { source, lines: cache.tickets, unreadable: 0 })
}

/// Triages the tickets and adds up. Returns how many failed, too.
async fn backtest(
    lines: Lines,
    arguments: &BackfillArguments,
    environment: &Environment,
    teams: &Teams,
) -> anyhow::Result<(Backtest, usize)> {
    let (pasts, left_out) = pasts(lines.lines, arguments.most, teams);
    ensure!(!pasts.is_empty(), "there is no ticket that a customer opened");
    // The cap holds here as it would have held.
    let setup = Setup { output: &arguments.output, analyst: arguments.analyst, delivery: true, capped: true, teams };
    let mut shared = Shared::new(setup, environment)?;
    shared.policy = Arc::new(Policy { mode: Mode::Act, rollout_percent: 100, ..(*shared.policy).clone() });
    shared.warm().await;
    let rows: Vec<Row> = pasts.iter().map(|past| past.row.clone()).collect();
    let progress = Arc::new(Progress::new(rows.len()));
    let run::Outcome { failed } = run::process(&shared, &rows, Some(progress.clone())).await?;
    progress.finish();
    let triaged: Vec<Triaged<'_>> = pasts
        .iter()
        .filter_map(|past| {
            let alerts = tally::alerts(|key| shared.log.alert(key), past.row.id);
            Some(Triaged { past, record: shared.log.newest(past.row.id)?, alerts })
        })
        .collect();
    ensure!(!triaged.is_empty(), "no ticket could be triaged");
    let helpdesk_url = match &arguments.subdomain {
        Some(place) if !place.contains("://") => format!("https://{place}.zendesk.com"),
        Some(place) => place.clone(),
        None => shared.policy.helpdesk_url.clone(),
    };
    let currency = &shared.policy.currency;
    let history = History { source: lines.source, left_out, teams, helpdesk_url: &helpdesk_url, currency };
    Ok((tally::backtest(history, &triaged), failed))
}

/// The tickets in order of their creation, each once, the newest `most`; and why others were left out.
fn pasts(lines: Vec<Line>, most: Option<usize>, teams: &Teams) -> (Vec<Past>, Vec<LeftOut>) {
    let mut newest: HashMap<Option<u64>, Line> = HashMap::new();
    let mut nameless = 0;
    for line in lines {
        match newest.entry(line.id) {
            _ if line.id.is_none() => nameless += 1,
            Entry::Occupied(mut kept) if kept.get().updated_at < line.updated_at => {
                kept.insert(line);
            }
            Entry::Occupied(_) => {}
            Entry::Vacant(place) => {
                place.insert(line);
            }
        }
    }
    let mut left_out: BTreeMap<Unusable, usize> = BTreeMap::new();
    if nameless > 0 {
        left_out.insert(Unusable::NoTicket, nameless);
    }
    let mut pasts = Vec::with_capacity(newest.len());
    for line in newest.into_values() {
        match Past::read(&line, line.id.unwrap_or_default(), teams) {
            Ok(past) => pasts.push(past),
            Err(why) => *left_out.entry(why).or_default() += 1,
        }
    }
    pasts.sort_by_key(|past| (past.row.timestamp, past.row.id));
    let older = pasts.len().saturating_sub(most.unwrap_or(usize::MAX));
    pasts.drain(..older);
    let mut left_out: Vec<LeftOut> =
        left_out.into_iter().map(|(why, tickets)| LeftOut { why: why.to_string(), tickets }).collect();
    if older > 0 {
        left_out.push(LeftOut { why: "older than the newest that were asked for".to_owned(), tickets: older });
    }
    (pasts, left_out)
}

/// Both files quote customers: for their owner only.
fn write(folder: &Path, backtest: &Backtest) -> anyhow::Result<std::path::PathBuf> {
    let problem = || format!("{} cannot be written to; choose another folder with --output", folder.display());
    let figures = serde_json::to_string_pretty(backtest)? + "\n";
    private::write(&folder.join(BACKTEST_FIGURES), figures).with_context(problem)?;
    let page = folder.join(BACKTEST);
    private::write(&page, backtest.page()).with_context(problem)?;
    Ok(std::path::absolute(page)?)
}

/// The figures in a few lines.
fn told(backtest: &Backtest) -> String {
    let agreement = |what: &str, agreement: &Option<report::backtest::Agreement>| match agreement {
        Some(found) => format!(
            "{what}: the same on {} of {} that agents set, kappa {:.2}",
            words::count(found.agreed),
            words::count(found.tickets),
            found.kappa
        ),
        None => format!("{what}: agents set none"),
    };
    let alerts = &backtest.alerts;
    [
        format!("{} tickets, {} to {}", words::count(backtest.tickets), backtest.first, backtest.last),
        agreement("priority", &backtest.priority),
        agreement("team", &backtest.team),
        format!(
            "alerts: {} churn, {} buying, {} outage, {:.1} a week",
            alerts.guardian, alerts.opportunity, alerts.outage, alerts.per_week
        ),
        format!("answers: {} sent, {} ready", backtest.answers.sent, backtest.answers.drafts),
        format!("cost: ${:.4}", backtest.cost.usd),
    ]
    .join("\n")
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use serde_json::{Value, json};
    use zendesk::{Request, Response, Unanswered};

    use super::*;
    use crate::stack::teams;

    #[test]
    fn a_span_has_a_unit() {
        for (text, hours) in [("90d", Some(2_160)), ("2w", Some(336)), ("36h", Some(36)), ("90", None), ("d", None)] {
            assert_eq!(text.parse::<Span>().ok().map(|span| span.time.as_hours()), hours, "{text}");
        }
        for bad in ["", "0d", "-1d", "99999w", "1dd", "é", "9223372036854775807w"] {
            assert!(bad.parse::<Span>().is_err(), "{bad}");
        }
    }

    #[test]
    fn each_ticket_counts_once_with_its_newest_state() {
        let line = |id: Value, updated: &str, priority: &str| -> Line {
            serde_json::from_value(json!({
                "id": id, "subject": "x", "created_at": "2026-09-01T08:00:00Z", "updated_at": updated, "priority": priority,
            }))
            .unwrap()
        };
        let lines = vec![
            line(json!(1), "2026-09-02T00:00:00Z", "low"),
            line(json!(1), "2026-09-03T00:00:00Z", "urgent"),
            line(json!(2), "2026-09-02T00:00:00Z", "low"),
            line(json!(null), "2026-09-02T00:00:00Z", "low"),
            line(json!("x"), "2026-09-02T00:00:00Z", "low"),
        ];
        let (found, left_out) = pasts(lines.clone(), None, teams());
        let found: Vec<_> = found.iter().map(|past| (past.row.id.number(), past.ended.priority)).collect();
        assert_eq!(found, [(1, Some(domain::Priority::P0)), (2, Some(domain::Priority::P3))]);
        assert_eq!(left_out.iter().map(|left| left.tickets).collect::<Vec<_>>(), [2]);
        let (found, left_out) = pasts(lines, Some(1), teams());
        assert_eq!((found.len(), left_out.len()), (1, 2));
    }

    /// Three pages; fails wherever a test wants it to.
    #[derive(Default)]
    struct Helpdesk {
        asked: Mutex<Vec<String>>,
        fails_at: Mutex<Option<(usize, u16)>>,
    }

    #[async_trait]
    impl Transport for Helpdesk {
        async fn send(&self, request: Request) -> Result<Response, Unanswered> {
            let mut asked = self.asked.lock().unwrap();
            asked.push(request.path.clone());
            let mut fails_at = self.fails_at.lock().unwrap();
            if let Some((number, status)) = *fails_at
                && asked.len() >= number
            {
                if status == 429 {
                    *fails_at = None;
                }
                return Ok(Response { status, ..Response::default() });
            }
            let page = match request.path.split_once("page[after]=") {
                Some((_, rest)) => rest.chars().next().and_then(|page| page.to_digit(10)).unwrap(),
                None => 0,
            };
            let ticket = |id: u32, day: u32| {
                json!({
                    "id": id, "subject": "Orders do not sync", "description": "They have not since Monday.",
                    "created_at": format!("2026-09-{day:02}T08:00:00Z"), "updated_at": format!("2026-10-{day:02}T08:00:00Z"),
                    "requester_id": 1, "submitter_id": 1, "organization_id": 5, "group_id": 360_001_001,
                })
            };
            let body = match &request.path {
                path if path.contains("/groups") => json!({ "groups": [{ "id": 360_001_001, "name": "Nexus" }] }),
                path if path.contains("/comments") => json!({ "comments": [] }),
                _ => json!({
                    "tickets": [ticket(20 - 2 * page, 20 - 2 * page), ticket(19 - 2 * page, 19 - 2 * page)],
                    "organizations": [{ "id": 5, "name": "Acme" }],
                    "meta": { "has_more": page < 2, "after_cursor": (page + 1).to_string() },
                }),
            };
            Ok(Response { status: 200, headers: Vec::new(), body: body.to_string().into_bytes() })
        }
    }

    fn begin() -> jiff::Timestamp {
        "2026-09-01T00:00:00Z".parse().unwrap()
    }

    fn connected(helpdesk: &Arc<Helpdesk>) -> Client {
        let access = Access::api_token("bot@example.com", "PLANTED".into());
        Client::new(helpdesk.clone(), access, Budget::unlimited(), Arc::new(begin))
    }

    fn wanted(span: &str) -> Wanted {
        Wanted { place: "acme".into(), span: span.into(), by: By::List, since: begin() }
    }

    #[tokio::test(start_paused = true)]
    async fn an_interrupted_fetch_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(CACHE);
        let helpdesk = Arc::new(Helpdesk::default());
        let mut cache = Cache::open(&path, wanted("90d")).unwrap();
        *helpdesk.fails_at.lock().unwrap() = Some((4, 500));
        assert!(fetch::fetch(&connected(&helpdesk), &mut cache, |_| {}).await.is_err());
        assert_eq!(cache.tickets.len(), 4);
        drop(cache);
        // The line that was being written.
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{text}{{\"tickets\":[{{\"id\":1")).unwrap();

        *helpdesk.fails_at.lock().unwrap() = None;
        helpdesk.asked.lock().unwrap().clear();
        let mut cache = Cache::open(&path, wanted("90d")).unwrap();
        assert_eq!((cache.tickets.len(), cache.is_complete()), (4, false));
        fetch::fetch(&connected(&helpdesk), &mut cache, |_| {}).await.unwrap();
        let asked = helpdesk.asked.lock().unwrap().clone();
        assert_eq!(asked.iter().filter(|path| path.contains("/tickets.json")).count(), 1, "{asked:?}");
        let again = Cache::open(&path, wanted("90d")).unwrap();
        assert!(again.is_complete());
        assert_eq!(again.tickets.len(), 6);
        let (pasts, _) = pasts(again.tickets, None, teams());
        assert!(pasts.iter().all(|past| past.row.account.as_str() == "Acme" && past.ended.team.is_some()));
        assert_eq!(Cache::open(&path, wanted("30d")).unwrap().tickets.len(), 0, "another span is another fetch");
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttled_fetch_waits() {
        let folder = tempfile::tempdir().unwrap();
        let helpdesk = Arc::new(Helpdesk::default());
        *helpdesk.fails_at.lock().unwrap() = Some((3, 429));
        let mut cache = Cache::open(&folder.path().join(CACHE), wanted("90d")).unwrap();
        fetch::fetch(&connected(&helpdesk), &mut cache, |_| {}).await.unwrap();
        assert_eq!((cache.tickets.len(), helpdesk.asked.lock().unwrap().len()), (6, 5));
    }

    #[cfg(unix)]
    #[test]
    fn fetched_tickets_are_their_owners() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(CACHE);
        Cache::open(&path, wanted("90d")).unwrap();
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
