//! The files of a run. Their names and fields are formats that others read.

use std::{
    fs::File,
    io::{BufWriter, ErrorKind, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::input::Row;
use anyhow::{Context, bail};
use domain::{Alert, AlertKey, AlertKind, AuditEntry, Band, Delivery, Record, Signal};
use memory::private;
use serde::Serialize;
use serde_json::Value;

use crate::stack::Shared;

pub const RESULTS: &str = "triage_results.json";
pub const CALLS: &str = "zendesk_api_calls.json";
pub const GUARDIAN: &str = "guardian_alerts_log.json";
pub const OPPORTUNITY: &str = "opportunity_alerts_log.json";
pub const AUDIT: &str = "audit.json";
/// The same entries from `serve`, one per line, since no entry is known to be the last.
pub const AUDIT_LINES: &str = "audit.jsonl";
pub(crate) const EMAILS: &str = "emails";

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
    api_endpoint: String,
    api_payload: Value,
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
    evidence: Arc<[String]>,
    recipient: String,
    delivery: &'static str,
}

/// Creates the folder, or empties it of what an earlier run left. Files of other names are not touched.
///
/// # Errors
/// The folder cannot be written to, or its folder of e-mails is a link.
pub fn prepare(folder: &Path) -> anyhow::Result<()> {
    let problem = || format!("{} cannot be written to; choose another folder with --output", folder.display());
    std::fs::create_dir_all(folder).with_context(problem)?;
    let emails = folder.join(EMAILS);
    // Emptied through a link, somebody else's pages would be gone.
    if emails.is_symlink() {
        bail!("{} is a symbolic link; remove it, or choose another folder with --output", emails.display());
    }
    for name in [RESULTS, CALLS, GUARDIAN, OPPORTUNITY, AUDIT, AUDIT_LINES, report::DASHBOARD, report::METRICS] {
        remove(&folder.join(name)).with_context(problem)?;
    }
    if let Ok(emails) = std::fs::read_dir(emails) {
        for email in emails.flatten().map(|email| email.path()) {
            if email.extension().is_some_and(|extension| extension == "html") {
                remove(&email).with_context(problem)?;
            }
        }
    }
    let probe = folder.join(".probe");
    remove(&probe).and_then(|()| File::create_new(&probe)).with_context(problem)?;
    remove(&probe).with_context(problem)
}

fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Writes everything but the dashboard and its figures, in the order of the input.
///
/// # Errors
/// A file that cannot be written.
pub fn write(folder: &Path, rows: &[Row], shared: &Shared) -> anyhow::Result<()> {
    let mut results = Array::create(folder, RESULTS)?;
    let mut calls = Array::create(folder, CALLS)?;
    let mut guardian = Array::create(folder, GUARDIAN)?;
    let mut opportunity = Array::create(folder, OPPORTUNITY)?;
    for row in rows {
        if let Some(record) = shared.log.newest(row.id) {
            results.push(&ResultRow::new(&row.id_text, &record))?;
        }
        for call in shared.helpdesk.calls(row.id) {
            calls.push(&CallRow {
                ticket_id: &row.id_text,
                action: "update_ticket",
                api_endpoint: format!("{} {}", call.method, call.path),
                api_payload: call.body.unwrap_or_default(),
            })?;
        }
        for kind in [AlertKind::Guardian, AlertKind::Opportunity] {
            for band in [Band::Elevated, Band::Critical] {
                if let Some(alert) = shared.log.alert(AlertKey { ticket: row.id, kind, band }) {
                    let log = if kind == AlertKind::Guardian { &mut guardian } else { &mut opportunity };
                    log.push(&AlertRow::new(&row.id_text, &alert))?;
                }
            }
        }
    }
    for array in [results, calls, guardian, opportunity] {
        array.finish()?;
    }
    let mut audit = Array::create(folder, AUDIT)?;
    let mut entries = shared.log.take_audit();
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
    fn new(id_text: &'a str, record: &'a Record) -> Self {
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
            resolution: record.resolution.to_string(),
            analyst: &record.analyst,
            confidence: record.confidence,
            duration_ms: record.duration_ms,
        }
    }
}

impl<'a> AlertRow<'a> {
    fn new(id_text: &'a str, alert: &Alert) -> Self {
        let (risk_score, intent_type, confidence) = match alert.signal {
            Signal::Guardian { score } => (Some(score), None, None),
            Signal::Opportunity { intent, confidence } => (None, Some(intent.to_string()), Some(confidence)),
        };
        Self {
            ticket_id: id_text,
            risk_score,
            intent_type,
            confidence,
            customer: alert.customer.clone(),
            evidence: alert.evidence.clone(),
            recipient: alert.recipient.to_string(),
            delivery: Delivery::word(&alert.delivery),
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
