//! The alerts of a page: what somebody may still have to do as rows, the rest folded, and in shadow what would have been.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashSet},
    fmt,
    sync::Arc,
};

use domain::{
    AccountId, Alert, AlertKind, Band, Delivery, Intent, Mode, Priority, Record, Sentiment, Stage, TeamId, TicketId,
    record::utc_day, shown,
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    acting::{Act, Acting},
    told::Told,
};

/// Open alerts on the page, newest and heaviest first; the rest are counted.
const MOST_OPEN: usize = 40;
/// Alerts that are folded away.
const MOST_FOLDED: usize = 10;

/// The alerts of one kind.
pub(crate) struct AlertList {
    pub(crate) kind: AlertKind,
    /// New, taken, or back from a snooze.
    pub(crate) open: Rows,
    /// Settled, called wrong, or still snoozed.
    pub(crate) folded: Rows,
    /// What tickets that ran in shadow would have raised.
    pub(crate) withheld: Rows,
}

/// As many rows as a page holds, and how many there are beside them.
pub(crate) struct Rows {
    pub(crate) shown: Vec<AlertRow>,
    pub(crate) more: usize,
}

/// An alert, or what would have been one, with every text as the page may show it.
pub(crate) struct AlertRow {
    pub(crate) account: AccountId,
    pub(crate) ticket: TicketId,
    pub(crate) kind: AlertKind,
    pub(crate) band: Band,
    pub(crate) strength: u8,
    /// Of a buying signal.
    pub(crate) intent: Option<Intent>,
    pub(crate) at: Timestamp,
    pub(crate) customer: String,
    pub(crate) mrr: Option<f64>,
    pub(crate) subject: String,
    pub(crate) priority: Priority,
    pub(crate) team: TeamId,
    pub(crate) sentiment: Sentiment,
    pub(crate) unsure: bool,
    pub(crate) evidence: Vec<String>,
    /// What a quote says in English, by quote.
    english: BTreeMap<String, String>,
    pub(crate) reasons: Vec<String>,
    pub(crate) action: String,
    pub(crate) due: Option<Due>,
    /// None: it was never raised.
    pub(crate) sent: Option<Sent>,
}

/// By when something happens, as the customer said it. The nearest is the least.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Due {
    passes_at: Timestamp,
    /// It has passed, and the alert is not closed.
    pub(crate) overdue: bool,
    at: String,
    /// What it was read from.
    pub(crate) words: String,
}

impl Due {
    /// None where the alert has no deadline.
    pub(crate) fn of(alert: &Alert, told: &Told, now: Timestamp) -> Option<Self> {
        let deadline = alert.deadline.as_ref()?;
        let passes_at = deadline.passes_at(told.zone());
        Some(Self {
            passes_at,
            overdue: passes_at < now && !alert.follow_up.is_closed(),
            at: deadline.to_string(),
            words: shown::line(&deadline.words),
        })
    }
}

impl Due {
    pub(crate) fn is_within(&self, time: SignedDuration, now: Timestamp) -> bool {
        self.passes_at.duration_since(now) <= time
    }
}

/// `by Tue 17 Nov, 09:00`, `overdue since Tue 17 Nov, 09:00`
impl fmt::Display for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", if self.overdue { "overdue since" } else { "by" }, self.at)
    }
}

/// How an alert that was raised fared.
pub(crate) struct Sent {
    pub(crate) stage: Stage,
    /// Who has it, else whom it went to.
    pub(crate) owner: String,
    pub(crate) delivery: Delivery,
    /// What its reader can do about it from here.
    pub(crate) acts: Vec<Act>,
}

/// How and when alerts are shown.
#[derive(Clone, Copy)]
pub(crate) struct Shown<'a> {
    pub(crate) told: &'a Told,
    pub(crate) acting: &'a Acting,
    pub(crate) now: Timestamp,
}

impl AlertList {
    pub(crate) fn new(kind: AlertKind, alerts: &[Arc<Alert>], records: &[Record], shown: Shown<'_>) -> Self {
        let of_kind = alerts.iter().filter(|alert| alert.signal.kind() == kind);
        let raised: HashSet<TicketId> = of_kind.clone().map(|alert| alert.ticket).collect();
        let (open, folded): (Vec<&Arc<Alert>>, Vec<&Arc<Alert>>) =
            of_kind.partition(|alert| is_open(&alert.follow_up.stage));
        let row = |alert: &Arc<Alert>| AlertRow::raised(alert, shown);
        let rows = |alerts: Vec<&Arc<Alert>>| alerts.into_iter().map(row).collect();
        let withheld = records
            .iter()
            .filter(|record| record.mode == Mode::Shadow && !raised.contains(&record.ticket))
            .filter_map(|record| AlertRow::withheld(kind, record));
        Self {
            kind,
            open: Rows::new(rows(open), MOST_OPEN),
            folded: Rows::new(rows(folded), MOST_FOLDED),
            withheld: Rows::new(withheld.collect(), usize::MAX),
        }
    }

    /// All alerts of a kind in the order of the page: open ones, then the others.
    pub(crate) fn all(kind: AlertKind, alerts: &[Arc<Alert>], shown: Shown<'_>) -> Vec<AlertRow> {
        let of_kind = alerts.iter().filter(|alert| alert.signal.kind() == kind);
        let (open, folded): (Vec<_>, Vec<_>) = of_kind.partition(|alert| is_open(&alert.follow_up.stage));
        let rows = |alerts: Vec<&Arc<Alert>>| {
            let rows = alerts.into_iter().map(|alert| AlertRow::raised(alert, shown)).collect();
            Rows::new(rows, usize::MAX).shown
        };
        let mut all = rows(open);
        all.extend(rows(folded));
        all
    }

    pub(crate) fn none(kind: AlertKind) -> Self {
        let rows = || Rows { shown: Vec::new(), more: 0 };
        Self { kind, open: rows(), folded: rows(), withheld: rows() }
    }

    /// Whether there are more than the page holds.
    pub(crate) fn is_cut(&self) -> bool {
        self.open.more > 0 || self.folded.more > 0
    }

    /// Alerts that were raised.
    pub(crate) fn total(&self) -> usize {
        self.open.total() + self.folded.total()
    }

    /// `3 open, 12 others`
    pub(crate) fn told(&self) -> String {
        let (open, folded) = (self.open.total(), self.folded.total());
        match folded {
            0 => format!("{open} open"),
            1 => format!("{open} open, 1 other"),
            more => format!("{open} open, {more} others"),
        }
    }
}

/// Whether somebody has to look at it. What comes back from a snooze is new.
fn is_open(stage: &Stage) -> bool {
    match stage {
        Stage::New | Stage::Taken { .. } => true,
        Stage::Snoozed { .. } | Stage::Settled { .. } | Stage::Wrong { .. } => false,
    }
}

impl Rows {
    /// By day, newest first; within a day by strength × MRR.
    fn new(mut rows: Vec<AlertRow>, most: usize) -> Self {
        rows.sort_by(|a, b| {
            let newest = Reverse(utc_day(a.at)).cmp(&Reverse(utc_day(b.at)));
            newest.then(b.weight().total_cmp(&a.weight())).then(b.ticket.cmp(&a.ticket)).then(b.band.cmp(&a.band))
        });
        let more = rows.len().saturating_sub(most);
        rows.truncate(most);
        Self { shown: rows, more }
    }

    pub(crate) fn total(&self) -> usize {
        self.shown.len() + self.more
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }
}

impl AlertRow {
    fn raised(alert: &Alert, Shown { told, acting, now }: Shown<'_>) -> Self {
        let intent = match alert.signal {
            domain::Signal::Guardian { .. } | domain::Signal::Outage { .. } => None,
            domain::Signal::Opportunity { intent, .. } => Some(intent),
        };
        Self {
            account: alert.account.clone(),
            ticket: alert.ticket,
            kind: alert.signal.kind(),
            band: alert.band,
            strength: alert.signal.strength(),
            intent,
            at: alert.at,
            customer: shown::line(&alert.customer),
            mrr: alert.mrr,
            subject: shown::line(&alert.subject),
            priority: alert.priority,
            team: alert.agent.clone(),
            sentiment: alert.sentiment,
            unsure: alert.unsure,
            evidence: lines(&alert.evidence),
            english: english(&alert.english),
            reasons: lines(&alert.reasons),
            action: shown::line(&alert.recommended_action),
            due: Due::of(alert, told, now),
            sent: Some(Sent {
                stage: alert.follow_up.stage.clone(),
                owner: owner(alert),
                delivery: alert.delivery.clone(),
                acts: acting.acts(alert, told.zone_name()),
            }),
        }
    }

    /// What the ticket would have raised; none without a signal of that kind.
    fn withheld(kind: AlertKind, record: &Record) -> Option<Self> {
        let Record { guardian, opportunity, .. } = record;
        let (band, strength, intent, evidence, reasons, action) = match kind {
            AlertKind::Guardian => {
                let band = guardian.band()?;
                (band, guardian.risk_score, None, &guardian.evidence, &guardian.reasons, &guardian.recommended_action)
            }
            AlertKind::Opportunity => {
                let (Some(band), Some(intent)) = (opportunity.band(), opportunity.intent) else { return None };
                let domain::opportunity::Opportunity { evidence, reasons, recommended_action, .. } = opportunity;
                (band, opportunity.confidence, Some(intent), evidence, reasons, recommended_action)
            }
            AlertKind::Outage => {
                let domain::outage::Outage { what, evidence, reasons, recommended_action, .. } =
                    record.outage.as_ref()?;
                let strength = domain::Signal::Outage { what: *what }.strength();
                (Band::Critical, strength, None, evidence, reasons, recommended_action)
            }
        };
        Some(Self {
            account: record.account.clone(),
            ticket: record.ticket,
            kind,
            band,
            strength,
            intent,
            at: record.triaged_at,
            customer: shown::line(&record.customer),
            mrr: record.mrr,
            subject: shown::line(&record.subject),
            priority: record.priority,
            team: record.agent.clone(),
            sentiment: guardian.sentiment,
            unsure: record.unsure,
            evidence: lines(evidence),
            english: english(&record.english),
            reasons: lines(reasons),
            action: shown::line(action),
            due: None,
            sent: None,
        })
    }

    pub(crate) fn in_english(&self, quote: &str) -> Option<&String> {
        self.english.get(quote)
    }

    fn weight(&self) -> f64 {
        f64::from(self.strength) * self.mrr.unwrap_or(0.0).max(1.0)
    }

    /// The name of its e-mail in the outbox, if it lies there.
    pub(crate) fn in_outbox(&self) -> Option<String> {
        let refused = matches!(self.sent.as_ref()?.delivery, Delivery::Refused { .. });
        refused.then(|| format!("{}-{}-{}", self.ticket.number(), self.kind, self.band))
    }
}

/// Who has an alert, else whom it went to.
pub(crate) fn owner(alert: &Alert) -> String {
    shown::line(alert.whose().as_str())
}

fn english(known: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    known.iter().map(|(quote, line)| (shown::line(quote), shown::line(line))).collect()
}

fn lines(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| shown::line(text)).collect()
}

/// What became of an alert's mail.
pub(crate) fn delivered(delivery: &Delivery) -> String {
    match delivery {
        Delivery::Pending => "mail on its way".to_owned(),
        Delivery::Sent { .. } => "mail sent".to_owned(),
        Delivery::Filed { .. } => "mail written, sent to nobody".to_owned(),
        Delivery::Skipped { by } => format!("no mail: {by}"),
        Delivery::Held { .. } => "in the next digest".to_owned(),
        Delivery::Digested => "in the digest".to_owned(),
        Delivery::Refused { .. } => "the mail service refused the mail".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use domain::{FollowUp, sample};
    use jiff::tz::TimeZone;

    use super::*;

    fn alert(number: u64, hours_ago: i64, mrr: f64, stage: Stage) -> Arc<Alert> {
        let at = sample::now() - SignedDuration::from_hours(hours_ago);
        let follow_up = FollowUp { stage, ..FollowUp::default() };
        Arc::new(Alert { at, mrr: Some(mrr), follow_up, ..sample::alert(number) })
    }

    fn list_of(kind: AlertKind, alerts: &[Arc<Alert>], records: &[Record]) -> AlertList {
        let told = Told::new(TimeZone::UTC, "$");
        AlertList::new(kind, alerts, records, Shown { told: &told, acting: &Acting::Nowhere, now: sample::now() })
    }

    fn numbers(rows: &Rows) -> Vec<u64> {
        rows.shown.iter().map(|row| row.ticket.number()).collect()
    }

    #[test]
    fn only_what_is_open_is_a_row() {
        let by: domain::EmailAddress = "kam@example.com".parse().unwrap();
        let at = sample::now();
        let (until, outcome) = (at, domain::follow_up::Outcome::Saved);
        let alerts = [
            alert(1, 0, 10.0, Stage::New),
            alert(2, 1, 900.0, Stage::Taken { by: by.clone(), at }),
            alert(3, 48, 9_000.0, Stage::New),
            alert(4, 0, 10.0, Stage::Snoozed { until, by: by.clone(), at }),
            alert(5, 0, 20.0, Stage::Settled { outcome, by, at }),
        ];
        let list = list_of(AlertKind::Guardian, &alerts, &[]);
        assert_eq!((numbers(&list.open), numbers(&list.folded)), (vec![2, 1, 3], vec![5, 4]));
        assert_eq!(list.told(), "3 open, 2 others");
        assert!(list_of(AlertKind::Opportunity, &alerts, &[]).open.is_empty());
    }

    #[test]
    fn shadow_says_what_would_have_been() {
        let shadow = |number| Record { mode: Mode::Shadow, ..sample::record(number, "Acme", sample::now()) };
        let records = [shadow(1), shadow(2), sample::record(3, "Acme", sample::now())];
        let alerts = [alert(2, 0, 10.0, Stage::New)];
        for (kind, expected) in [(AlertKind::Guardian, vec![1]), (AlertKind::Opportunity, vec![2, 1])] {
            let list = list_of(kind, &alerts, &records);
            assert_eq!(numbers(&list.withheld), expected, "{kind}");
        }
    }

    #[test]
    fn what_a_page_does_not_hold_is_counted() {
        let alerts: Vec<_> = (1..=103).map(|number| alert(number, 0, 10.0, Stage::New)).collect();
        let list = list_of(AlertKind::Guardian, &alerts, &[]);
        assert_eq!((list.open.shown.len(), list.open.more, list.open.total()), (40, 63, 103));
    }
}
