//! The files of a run. Their names and fields are formats that others read.

use std::{
    fs::File,
    io::{BufRead, BufReader, BufWriter, ErrorKind, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, anyhow, bail};
use domain::{Alert, AlertKey, AlertKind, AuditEntry, Delivery, Record, Signal, TicketId, ports::json_error};
use jiff::{Timestamp, civil::Date};
use memory::private;
use report::Window;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::stack::Shared;

pub const RESULTS: &str = "triage_results.json";
pub const CALLS: &str = "zendesk_api_calls.json";
pub const GUARDIAN: &str = "guardian_alerts_log.json";
pub const OPPORTUNITY: &str = "opportunity_alerts_log.json";
pub const OUTAGE: &str = "outage_alerts_log.json";
pub const AUDIT: &str = "audit.json";
/// The same entries from `serve`, one per line, since no entry is known to be the last.
pub const AUDIT_LINES: &str = "audit.jsonl";
/// What the others are made of, one ticket per line, so that `forget` can make them anew.
pub const RECORDS: &str = "records.jsonl";
/// Held by a server that runs.
const LOCK: &str = ".lock";
pub(crate) const EMAILS: &str = "emails";
/// The mails with headers and text parts.
const EML: &str = "eml";
pub(crate) const SLACK: &str = "slack";
/// What a run would send on the morning after its last ticket, each as page and message.
pub(crate) const DAILY: &str = "daily";
pub(crate) const DAILY_EMAILS: &str = "daily/emails";
const DAILY_EML: &str = "daily/eml";

#[derive(Serialize)]
struct ResultRow<'a> {
    ticket_id: &'a str,
    customer_name: &'a str,
    subject: &'a str,
    channel: &'a str,
    mrr: Option<f64>,
    timestamp: String,
    language: String,
    priority: String,
    agent: String,
    guardian: GuardianPart<'a>,
    opportunity: OpportunityPart<'a>,
    draft_response: Option<&'a str>,
    resolution: String,
    analyst: &'a str,
    confidence: domain::record::Confidence,
    duration_ms: u64,
    kind: String,
    unsure: bool,
    topic: Option<String>,
}

#[derive(Serialize)]
struct GuardianPart<'a> {
    risk_score: u8,
    is_high_risk: bool,
    sentiment: String,
    evidence: &'a [String],
    reasoning: String,
    recommended_action: &'a str,
}

#[derive(Serialize)]
struct OpportunityPart<'a> {
    has_business_intent: bool,
    intent_type: String,
    confidence: u8,
    evidence: &'a [String],
    reasoning: String,
}

#[derive(Serialize)]
struct CallRow<'a> {
    ticket_id: &'a str,
    action: &'static str,
    api_endpoint: &'a str,
    api_payload: &'a Value,
}

#[derive(Serialize)]
struct AlertRow<'a> {
    ticket_id: &'a str,
    customer: Arc<str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    risk_score: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    intent_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    team: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    /// What the gravest sentence tells of.
    #[serde(skip_serializing_if = "Option::is_none")]
    what: Option<String>,
    evidence: Arc<[String]>,
    recipient: String,
    delivery: &'static str,
    state: &'static str,
    owner: Option<String>,
}

/// Creates the folder, or empties it of what an earlier run left. Files of other names are not touched.
///
/// # Errors
/// The folder cannot be written to, or a folder of messages in it is a link.
pub fn prepare(folder: &Path) -> anyhow::Result<()> {
    let problem = || format!("{} cannot be written to; choose another folder with --output", folder.display());
    std::fs::create_dir_all(folder).with_context(problem)?;
    let messages = [(EMAILS, "html"), (EML, "eml"), (SLACK, "json"), (DAILY_EMAILS, "html"), (DAILY_EML, "eml")];
    // Emptied through a link, somebody else's pages would be gone.
    for messages in messages.map(|(messages, _)| messages).into_iter().chain([DAILY]).map(|of| folder.join(of)) {
        if messages.is_symlink() {
            bail!("{} is a symbolic link; remove it, or choose another folder with --output", messages.display());
        }
    }
    let ours = [RESULTS, CALLS, GUARDIAN, OPPORTUNITY, OUTAGE, AUDIT, AUDIT_LINES, RECORDS];
    for name in ours.into_iter().chain([report::DASHBOARD, report::METRICS]) {
        remove(&folder.join(name)).with_context(problem)?;
    }
    for (messages, kind) in messages {
        let Ok(messages) = std::fs::read_dir(folder.join(messages)) else { continue };
        for message in messages.flatten().map(|message| message.path()) {
            if message.extension().is_some_and(|extension| extension == kind) {
                remove(&message).with_context(problem)?;
            }
        }
    }
    let probe = folder.join(".probe");
    remove(&probe).and_then(|()| File::create_new(&probe)).with_context(problem)?;
    remove(&probe).with_context(problem)
}

/// Creates the folder and marks it as one that this process writes to, for as long as the answer lives.
///
/// # Errors
/// Another process does so already, or the folder cannot be written to.
pub fn in_use(folder: &Path) -> anyhow::Result<File> {
    let problem = || format!("{} cannot be written to; choose another folder with --output", folder.display());
    let file = std::fs::create_dir_all(folder).and_then(|()| File::create(folder.join(LOCK))).with_context(problem)?;
    let taken = || format!("a server writes to {}; stop it first, or choose another folder", folder.display());
    file.try_lock().with_context(taken)?;
    Ok(file)
}

fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// What the files tell of a ticket.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Kept {
    /// As the input writes it.
    pub ticket_id: String,
    pub record: Record,
    pub calls: Vec<Call>,
    pub alerts: Vec<Alert>,
}

/// A request that would change a ticket.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Call {
    pub api_endpoint: String,
    pub api_payload: Value,
}

/// What the dashboard of a folder covers.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Covered {
    /// Of the form of [`RECORDS`].
    pub v: u8,
    pub first: Date,
    pub last: Date,
    pub now: Timestamp,
}

impl Covered {
    #[must_use]
    pub fn new(window: Window, now: Timestamp) -> Self {
        Self { v: 1, first: window.first, last: window.last, now }
    }

    #[must_use]
    pub fn window(&self) -> Window {
        Window { first: self.first, last: self.last }
    }
}

impl Kept {
    /// None of a ticket without a record.
    #[must_use]
    pub fn of(ticket: TicketId, id_text: &str, shared: &Shared) -> Option<Self> {
        let record = Arc::unwrap_or_clone(shared.log.newest(ticket)?);
        let call = |call: zendesk::Request| Call {
            api_endpoint: format!("{} {}", call.method, call.path),
            api_payload: call.body.unwrap_or_default(),
        };
        let alerts = AlertKey::of(ticket).into_iter().filter_map(|key| shared.log.alert(key));
        Some(Self {
            ticket_id: id_text.to_owned(),
            record,
            calls: shared.helpdesk.calls(ticket).into_iter().map(call).collect(),
            alerts: alerts.map(Arc::unwrap_or_clone).collect(),
        })
    }
}

/// Writes what tells of tickets, in their order: everything but the dashboard, its figures and the audit. Returns how many
/// calls to Zendesk there are.
///
/// # Errors
/// A file that cannot be written.
pub fn write(folder: &Path, covered: Covered, tickets: impl Iterator<Item = Kept>) -> anyhow::Result<usize> {
    let mut made = 0;
    let mut results = Array::create(folder, RESULTS)?;
    let mut calls = Array::create(folder, CALLS)?;
    let mut guardian = Array::create(folder, GUARDIAN)?;
    let mut opportunity = Array::create(folder, OPPORTUNITY)?;
    let mut outage = Array::create(folder, OUTAGE)?;
    let mut records = Lines::create(folder, RECORDS)?;
    records.push(&covered)?;
    for ticket in tickets {
        results.push(&ResultRow::new(&ticket.ticket_id, &ticket.record, covered.now))?;
        made += ticket.calls.len();
        for Call { api_endpoint, api_payload } in &ticket.calls {
            let action = "update_ticket";
            calls.push(&CallRow { ticket_id: &ticket.ticket_id, action, api_endpoint, api_payload })?;
        }
        for alert in &ticket.alerts {
            let log = match alert.signal.kind() {
                AlertKind::Guardian => &mut guardian,
                AlertKind::Opportunity => &mut opportunity,
                AlertKind::Outage => &mut outage,
            };
            log.push(&AlertRow::new(&ticket.ticket_id, alert))?;
        }
        records.push(&ticket)?;
    }
    for array in [results, calls, guardian, opportunity, outage] {
        array.finish()?;
    }
    records.finish()?;
    Ok(made)
}

/// How many files of this kind a run has left in a folder of its own.
#[must_use]
pub(crate) fn files(folder: &Path, of: &str, kind: &str) -> usize {
    let files = std::fs::read_dir(folder.join(of)).into_iter().flatten().flatten();
    files.filter(|file| file.path().extension().is_some_and(|extension| extension == kind)).count()
}

/// What an earlier run or `serve` kept in the folder.
///
/// # Errors
/// A file that is not there, or was not written by this version.
pub fn read(folder: &Path) -> anyhow::Result<(Covered, Vec<Kept>)> {
    let path = folder.join(RECORDS);
    let unreadable = || format!("{} cannot be read; delete the folder, or run again", path.display());
    let file = File::open(&path).with_context(unreadable)?;
    let mut lines = BufReader::new(file).lines();
    let first = lines.next().with_context(unreadable)?.with_context(unreadable)?;
    let parsed = |error: serde_json::Error| anyhow!(json_error(error)).context(unreadable());
    let covered: Covered = serde_json::from_str(&first).map_err(parsed)?;
    let read = |line: std::io::Result<String>| serde_json::from_str(&line.with_context(unreadable)?).map_err(parsed);
    Ok((covered, lines.map(read).collect::<anyhow::Result<_>>()?))
}

/// Writes the audit of a run.
///
/// # Errors
/// A file that cannot be written.
pub fn write_audit(folder: &Path, mut entries: Vec<AuditEntry>) -> anyhow::Result<()> {
    let mut audit = Array::create(folder, AUDIT)?;
    // Accounts run side by side; the file has an order of its own. Entries of one ticket and moment stay as they came.
    entries.sort_by_key(|entry| (entry.at, entry.ticket));
    for entry in &entries {
        audit.push(entry)?;
    }
    audit.finish()
}

/// Adds entries to the audit of `serve`.
///
/// # Errors
/// A file that cannot be written.
pub fn append_audit(folder: &Path, entries: &[AuditEntry]) -> anyhow::Result<()> {
    let mut lines = Vec::new();
    for entry in entries {
        serde_json::to_writer(&mut lines, entry)?;
        lines.push(b'\n');
    }
    let path = folder.join(AUDIT_LINES);
    let file = File::options().append(true).create(true).open(&path);
    file.and_then(|mut file| file.write_all(&lines)).with_context(|| format!("{} cannot be written", path.display()))
}

impl<'a> ResultRow<'a> {
    /// The ticket as it stands at `now`.
    fn new(id_text: &'a str, record: &'a Record, now: Timestamp) -> Self {
        let Record { guardian, opportunity, .. } = record;
        Self {
            ticket_id: id_text,
            customer_name: &record.customer,
            subject: &record.subject,
            channel: &record.channel,
            mrr: record.mrr,
            timestamp: record.created_at.to_string(),
            language: record.language.to_string(),
            priority: record.priority.to_string(),
            agent: record.agent.to_string(),
            guardian: GuardianPart {
                risk_score: guardian.risk_score,
                is_high_risk: guardian.is_high_risk(),
                sentiment: guardian.sentiment.to_string(),
                evidence: &guardian.evidence,
                reasoning: guardian.reasons.join("; "),
                recommended_action: &guardian.recommended_action,
            },
            opportunity: OpportunityPart {
                has_business_intent: opportunity.intent.is_some(),
                intent_type: opportunity.intent.map_or_else(|| "none".to_owned(), |intent| intent.to_string()),
                confidence: opportunity.confidence,
                evidence: &opportunity.evidence,
                reasoning: opportunity.reasons.join("; "),
            },
            draft_response: record.draft.as_ref().map(|draft| &*draft.text),
            resolution: record.standing(now).to_string(),
            analyst: &record.analyst,
            confidence: record.confidence,
            duration_ms: record.duration_ms,
            kind: record.kind.to_string(),
            unsure: record.unsure,
            topic: record.topic.as_ref().map(ToString::to_string),
        }
    }
}

impl<'a> AlertRow<'a> {
    fn new(id_text: &'a str, alert: &Alert) -> Self {
        let row = Self {
            ticket_id: id_text,
            risk_score: None,
            intent_type: None,
            confidence: None,
            team: None,
            topic: None,
            what: None,
            customer: alert.customer.clone(),
            evidence: alert.evidence.clone(),
            recipient: alert.recipient.to_string(),
            delivery: Delivery::word(&alert.delivery),
            state: alert.follow_up.stage.word(),
            owner: alert.follow_up.stage.by().map(ToString::to_string),
        };
        match alert.signal {
            Signal::Guardian { score } => Self { risk_score: Some(score), ..row },
            Signal::Opportunity { intent, confidence } => {
                Self { intent_type: Some(intent.to_string()), confidence: Some(confidence), ..row }
            }
            Signal::Outage { what } => Self {
                team: Some(alert.agent.to_string()),
                topic: alert.topic.as_ref().map(ToString::to_string),
                what: what.map(|what| what.to_string()),
                ..row
            },
        }
    }
}

/// A JSON array written element by element, so that a large one is never in memory.
struct Array {
    path: PathBuf,
    file: BufWriter<File>,
    empty: bool,
}

impl Array {
    fn create(folder: &Path, name: &str) -> anyhow::Result<Self> {
        let path = folder.join(name);
        // The audit has no text; every other file quotes customers or names recipients.
        let file = if name == AUDIT { File::create(&path) } else { private::create(&path) };
        let file = file.with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(Self { path, file: BufWriter::new(file), empty: true })
    }

    fn push(&mut self, element: &impl Serialize) -> anyhow::Result<()> {
        let lead: &[u8] = if self.empty { b"[\n" } else { b",\n" };
        self.empty = false;
        self.file.write_all(lead).with_context(|| format!("{} cannot be written", self.path.display()))?;
        let mut pretty = serde_json::Serializer::pretty(&mut self.file);
        element.serialize(&mut pretty).with_context(|| format!("{} cannot be written", self.path.display()))
    }

    fn finish(mut self) -> anyhow::Result<()> {
        let tail: &[u8] = if self.empty { b"[]\n" } else { b"\n]\n" };
        self.file
            .write_all(tail)
            .and_then(|()| self.file.flush())
            .with_context(|| format!("{} cannot be written", self.path.display()))
    }
}

/// One JSON value per line. What was there before stays until all of it is written.
struct Lines {
    path: PathBuf,
    draft: PathBuf,
    file: BufWriter<File>,
}

impl Lines {
    fn create(folder: &Path, name: &str) -> anyhow::Result<Self> {
        let (path, draft) = (folder.join(name), folder.join(format!("{name}.part")));
        let file = private::create(&draft).with_context(|| format!("{} cannot be written", draft.display()))?;
        Ok(Self { path, draft, file: BufWriter::new(file) })
    }

    fn push(&mut self, element: &impl Serialize) -> anyhow::Result<()> {
        let written = serde_json::to_writer(&mut self.file, element).map_err(std::io::Error::from);
        written
            .and_then(|()| self.file.write_all(b"\n"))
            .with_context(|| format!("{} cannot be written", self.draft.display()))
    }

    fn finish(mut self) -> anyhow::Result<()> {
        self.file
            .flush()
            .and_then(|()| std::fs::rename(&self.draft, &self.path))
            .with_context(|| format!("{} cannot be written", self.path.display()))
    }
}
