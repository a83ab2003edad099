//! Tickets of the past from Zendesk, page by page into a file, so that a fetch that was interrupted goes on.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead, BufReader, Seek, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use domain::ports::told;
use jiff::Timestamp;
use memory::private;
use serde::{Deserialize, Serialize};
use zendesk::{
    ApiError, Client,
    wire::{Meta, lenient},
};

use super::past::{Comment, Group, Line, MetricSet, Organization};

/// Tickets on a page: Zendesk's most.
const PAGE: usize = 100;
/// Tries of one request before the fetch gives up; what it has stays.
const TRIES: usize = 12;
/// The wait after an answer that names no other.
const PAUSE: Duration = Duration::from_secs(10);

/// How tickets are asked for.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// The ticket list, which any agent may read
    List,
    /// The incremental export, for administrators: archived tickets too
    Export,
}

/// What is fetched.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Wanted {
    pub(super) place: String,
    /// As it was asked for, such as `90d`.
    pub(super) span: String,
    pub(super) by: By,
    /// Tickets created before are left out.
    pub(super) since: Timestamp,
}

/// The first line of the file.
#[derive(Serialize, Deserialize)]
struct Header {
    v: u8,
    #[serde(flatten)]
    wanted: Wanted,
}

/// Any further line.
#[derive(Serialize, Deserialize)]
struct Page {
    tickets: Vec<Line>,
    /// Where the next page begins; none on the last.
    next: Option<String>,
}

/// The file of fetched tickets. It holds what customers wrote, so only its owner may read it.
#[derive(Debug)]
pub(super) struct Cache {
    file: File,
    path: PathBuf,
    pub(super) wanted: Wanted,
    pub(super) tickets: Vec<Line>,
    next: Option<String>,
    pages: usize,
    complete: bool,
}

impl Cache {
    /// Goes on with the file, if it was begun for the same; else begins it anew.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub(super) fn open(path: &Path, wanted: Wanted) -> anyhow::Result<Self> {
        let problem = || format!("{} cannot be used; delete it to fetch anew", path.display());
        if let Some(cache) = Self::resume(path, &wanted).with_context(problem)? {
            return Ok(cache);
        }
        let mut file = private::create(path).with_context(problem)?;
        let header = serde_json::to_string(&Header { v: 1, wanted: wanted.clone() })?;
        writeln!(file, "{header}").with_context(problem)?;
        let path = path.to_owned();
        Ok(Self { file, path, wanted, tickets: Vec::new(), next: None, pages: 0, complete: false })
    }

    fn resume(path: &Path, wanted: &Wanted) -> anyhow::Result<Option<Self>> {
        let file = match File::options().read(true).write(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut reader = BufReader::new(file);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Ok(Header { v: 1, wanted: begun }) = serde_json::from_str(&line) else { return Ok(None) };
        if (&begun.place, &begun.span, begun.by) != (&wanted.place, &wanted.span, wanted.by) {
            return Ok(None);
        }
        let mut whole = line.len() as u64;
        let (mut tickets, mut next, mut pages, mut complete) = (Vec::new(), None, 0, false);
        loop {
            line.clear();
            reader.read_line(&mut line)?;
            // A line that was cut off when the fetch was interrupted is fetched again.
            let Ok(page) = serde_json::from_str::<Page>(&line) else { break };
            if !line.ends_with('\n') {
                break;
            }
            whole += line.len() as u64;
            pages += 1;
            tickets.extend(page.tickets);
            complete = page.next.is_none();
            next = page.next;
        }
        let mut file = reader.into_inner();
        file.set_len(whole)?;
        file.seek(std::io::SeekFrom::End(0))?;
        Ok(Some(Self { file, path: path.to_owned(), wanted: begun, tickets, next, pages, complete }))
    }

    /// Whether there is something to fetch.
    #[must_use]
    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    fn add(&mut self, page: Page) -> anyhow::Result<()> {
        let line = serde_json::to_string(&page)?;
        writeln!(self.file, "{line}").with_context(|| format!("{} cannot be written", self.path.display()))?;
        self.pages += 1;
        self.complete = page.next.is_none();
        self.tickets.extend(page.tickets);
        self.next = page.next;
        Ok(())
    }
}

/// A page of either kind, with what stands beside its tickets.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    #[serde(deserialize_with = "lenient::list")]
    tickets: Vec<Line>,
    #[serde(deserialize_with = "lenient::list")]
    organizations: Vec<Organization>,
    #[serde(deserialize_with = "lenient::list")]
    metric_sets: Vec<MetricSet>,
    #[serde(deserialize_with = "lenient::object")]
    meta: Option<Meta>,
    #[serde(deserialize_with = "lenient::text")]
    after_cursor: Option<String>,
    #[serde(deserialize_with = "lenient::flag")]
    end_of_stream: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Groups {
    #[serde(deserialize_with = "lenient::list")]
    groups: Vec<Group>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Comments {
    #[serde(deserialize_with = "lenient::list")]
    comments: Vec<Comment>,
}

/// Fetches what is missing, and tells `progress` of every page.
///
/// # Errors
/// What Zendesk says, after many tries where a try may help. What was fetched before is kept.
pub(super) async fn fetch(client: &Client, cache: &mut Cache, progress: impl Fn(usize)) -> anyhow::Result<()> {
    // Names of groups are a comfort: numbers will do where they cannot be read.
    let groups: Groups = client.get("/api/v2/groups.json?page[size]=100").await.unwrap_or_default();
    let groups: HashMap<u64, Group> = groups.groups.into_iter().filter_map(|group| Some((group.id?, group))).collect();
    while !cache.complete {
        let path = path(&cache.wanted, cache.next.as_deref());
        let mut answer: Answer = patiently(client, &path).await.context("the tickets could not be fetched")?;
        let next = next(&answer, &cache.wanted, cache.next.as_deref())?;
        let organizations: HashMap<u64, Organization> =
            answer.organizations.into_iter().filter_map(|one| Some((one.id?, one))).collect();
        let mut sets: HashMap<u64, MetricSet> =
            answer.metric_sets.into_iter().filter_map(|set| Some((set.ticket_id?, set))).collect();
        answer.tickets.retain(|ticket| is_wanted(ticket, cache.wanted.since));
        let mut tickets = Vec::with_capacity(answer.tickets.len());
        for mut ticket in answer.tickets {
            ticket.organization = ticket.organization_id.and_then(|id| organizations.get(&id).cloned());
            ticket.group = ticket.group_id.and_then(|id| groups.get(&id).cloned());
            ticket.metric_set = ticket.metric_set.or_else(|| sets.remove(&ticket.id?));
            if let Some(id) = ticket.id.filter(|_| ticket.needs_comments()) {
                ticket.comments = comments(client, id).await?;
            }
            tickets.push(ticket.trimmed());
        }
        cache.add(Page { tickets, next })?;
        progress(cache.tickets.len());
    }
    Ok(())
}

fn is_wanted(ticket: &Line, since: Timestamp) -> bool {
    ticket.created_at.as_deref().and_then(|at| at.parse::<Timestamp>().ok()).is_some_and(|at| at >= since)
}

fn path(wanted: &Wanted, next: Option<&str>) -> String {
    const BESIDE: &str = "include=organizations,metric_sets";
    let escaped = next.map(zendesk::feed::escaped);
    match (wanted.by, escaped) {
        (By::List, None) => format!("/api/v2/tickets.json?sort=-updated_at&page[size]={PAGE}&{BESIDE}"),
        (By::List, Some(after)) => {
            format!("/api/v2/tickets.json?sort=-updated_at&page[size]={PAGE}&page[after]={after}&{BESIDE}")
        }
        (By::Export, None) => {
            let start = wanted.since.as_second();
            format!("/api/v2/incremental/tickets/cursor.json?start_time={start}&per_page={PAGE}&{BESIDE}")
        }
        (By::Export, Some(cursor)) => {
            format!("/api/v2/incremental/tickets/cursor.json?cursor={cursor}&per_page={PAGE}&{BESIDE}")
        }
    }
}

/// The list comes with the newest change first: below the beginning, nothing was created later.
fn next(answer: &Answer, wanted: &Wanted, page: Option<&str>) -> anyhow::Result<Option<String>> {
    let time = |ticket: &Line| ticket.updated_at.as_deref()?.parse::<Timestamp>().ok();
    Ok(match wanted.by {
        By::List => {
            let changes: Vec<Timestamp> = answer.tickets.iter().filter_map(time).collect();
            if !changes.is_sorted_by(|newer, older| newer >= older) {
                bail!(
                    "the ticket list does not come with the newest change first; use --by export, as an administrator"
                );
            }
            let meta = answer.meta.clone().unwrap_or_default();
            match (meta.has_more, changes.last()) {
                (Some(true), Some(oldest)) if *oldest >= wanted.since => meta.after_cursor,
                _ => None,
            }
        }
        By::Export if answer.end_of_stream == Some(true) => None,
        By::Export => answer.after_cursor.clone().filter(|next| Some(next.as_str()) != page),
    })
}

/// A ticket that is gone by now has no comments.
async fn comments(client: &Client, ticket: u64) -> anyhow::Result<Vec<Comment>> {
    let path = format!("/api/v2/tickets/{ticket}/comments.json?page[size]=100");
    match patiently::<Comments>(client, &path).await {
        Ok(answer) => Ok(answer.comments),
        Err(ApiError::NotFound { .. } | ApiError::Gone) => Ok(Vec::new()),
        Err(error) => Err(error).with_context(|| format!("the comments of ticket #{ticket} could not be fetched")),
    }
}

/// Waits where a try may help later: nobody waits for these tickets, and a customer's agents come first.
async fn patiently<T: serde::de::DeserializeOwned>(client: &Client, path: &str) -> Result<T, ApiError> {
    let mut tries = 0;
    loop {
        let error = match client.get(path).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        tries += 1;
        let wait = match &error {
            ApiError::Throttled { not_before } => *not_before,
            ApiError::Unavailable { not_before, .. } => not_before.unwrap_or(PAUSE),
            ApiError::Unanswered(_) | ApiError::Unreadable(_) => PAUSE,
            _ => return Err(error),
        };
        if tries >= TRIES {
            return Err(error);
        }
        tracing::info!(error = told(&error), seconds = wait.as_secs(), "Waiting for Zendesk.");
        tokio::time::sleep(wait).await;
    }
}
