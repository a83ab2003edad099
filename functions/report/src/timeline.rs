//! What happened with one account: its tickets, what was written on them, its alerts, and what people made of those.

use std::cmp::Reverse;

use askama::Template;
use domain::{Alert, AlertKind, Intent, Record, Stage, TicketId, shown};
use jiff::Timestamp;
use runtime::words;

use crate::{
    Acting, Audience,
    acting::Act,
    alerts::{Due, delivered, owner},
    audience::TicketView,
    lead::heading,
    page::{priority_class, sees_alert},
    told::Told,
};

/// As a part of a page.
#[derive(Template)]
#[template(path = "timeline.html")]
pub(crate) struct Timeline<'a> {
    /// Of its headings.
    level: u8,
    alerts: Vec<AlertView>,
    events: Vec<Event<'a>>,
    /// Alerts and events that are left out.
    more_alerts: usize,
    older: usize,
    helpdesk_url: &'a str,
    told: &'a Told,
}

pub(crate) struct Source<'a> {
    pub(crate) audience: Audience,
    /// Of its headings, 2 or more.
    pub(crate) level: u8,
    pub(crate) records: &'a [&'a Record],
    pub(crate) alerts: &'a [&'a Alert],
    /// Tickets without a record here.
    pub(crate) older: usize,
    pub(crate) most: Most,
    pub(crate) helpdesk_url: &'a str,
    pub(crate) told: &'a Told,
    pub(crate) acting: &'a Acting,
    pub(crate) now: Timestamp,
}

/// What one timeline holds at most: of alerts the open ones first, of each the newest.
#[derive(Clone, Copy)]
pub(crate) struct Most {
    pub(crate) alerts: usize,
    pub(crate) events: usize,
}

/// How an alert stands.
struct AlertView {
    ticket: TicketId,
    heading: &'static str,
    strength: String,
    class: &'static str,
    at: Timestamp,
    /// The first of its quotes.
    quote: Option<String>,
    stage: Stage,
    due: Option<Due>,
    /// Who does what about it.
    said: String,
    to: String,
    delivery: String,
    acts: Vec<Act>,
}

struct Event<'a> {
    at: Timestamp,
    what: What<'a>,
}

enum What<'a> {
    Ticket(Box<TicketEvent<'a>>),
    Raised { heading: &'static str, how_strong: String, ticket: TicketId, to: String },
    Said { heading: &'static str, ticket: TicketId, said: String },
}

struct TicketEvent<'a> {
    view: TicketView<'a>,
    quotes: Vec<String>,
    /// What was written on it for agents, a line each.
    note: Vec<String>,
}

impl<'a> Timeline<'a> {
    /// Newest first.
    pub(crate) fn new(source: &Source<'a>) -> Self {
        let Source { audience, level, records, alerts, older, most, helpdesk_url, told, acting, now } = *source;
        let mut alerts: Vec<&Alert> = alerts.iter().copied().filter(|alert| sees_alert(audience, alert)).collect();
        alerts.sort_by_key(|alert| (!alert.follow_up.stage.is_open(), Reverse(alert.at), alert.key()));
        let tickets = records.iter().map(|record| Event {
            at: record.triaged_at,
            what: What::Ticket(Box::new(TicketEvent::new(audience, record, now))),
        });
        let told_of = alerts.iter().flat_map(|alert| events_of(alert, told));
        let mut events: Vec<Event<'a>> = tickets.chain(told_of).collect();
        // What came of a ticket stands above it, where both have one time.
        events.sort_by_key(|event| (Reverse(event.at), event.what.place()));
        let (more_alerts, cut) = (alerts.len().saturating_sub(most.alerts), events.len().saturating_sub(most.events));
        events.truncate(most.events);
        Self {
            level,
            alerts: alerts.iter().take(most.alerts).map(|alert| AlertView::new(alert, told, acting, now)).collect(),
            events,
            more_alerts,
            older: older + cut,
            helpdesk_url,
            told,
        }
    }

    pub(crate) fn html(&self) -> String {
        self.render().expect("writing to a string does not fail")
    }

    fn link(&self, ticket: &TicketId) -> String {
        words::ticket_link(self.helpdesk_url, *ticket)
    }

    fn at(&self, at: &Timestamp) -> String {
        self.told.time(*at)
    }
}

impl What<'_> {
    fn place(&self) -> u8 {
        match self {
            Self::Said { .. } => 0,
            Self::Raised { .. } => 1,
            Self::Ticket(_) => 2,
        }
    }
}

impl AlertView {
    fn new(alert: &Alert, told: &Told, acting: &Acting, now: Timestamp) -> Self {
        let stage = &alert.follow_up.stage;
        let mut said = said(stage, told);
        if let Some(second) = &alert.follow_up.escalated_to {
            said = format!("{said} {} was told, too.", shown::line(second.as_str()));
        }
        Self {
            ticket: alert.ticket,
            heading: heading(alert.signal.kind()),
            strength: strength(alert),
            class: match alert.signal.kind() {
                AlertKind::Opportunity => "sale",
                AlertKind::Outage => "critical",
                AlertKind::Guardian if alert.band == domain::Band::Critical => "critical",
                AlertKind::Guardian => "high",
            },
            at: alert.at,
            quote: alert.evidence.first().map(|quote| shown::line(quote)),
            stage: stage.clone(),
            due: Due::of(alert, told, now),
            said,
            to: owner(alert),
            delivery: delivered(&alert.delivery),
            acts: acting.acts(alert, told.zone_name()),
        }
    }
}

fn events_of<'a>(alert: &Alert, told: &Told) -> Vec<Event<'a>> {
    let heading = heading(alert.signal.kind());
    let ticket = alert.ticket;
    let how_strong = match alert.signal.kind() {
        AlertKind::Guardian | AlertKind::Opportunity => format!("{} of 10", strength(alert)),
        AlertKind::Outage => strength(alert),
    };
    let to = shown::line(alert.recipient.as_str());
    let mut events = vec![Event { at: alert.at, what: What::Raised { heading, how_strong, ticket, to } }];
    let stage = &alert.follow_up.stage;
    if let Some(at) = stage.at() {
        events.push(Event { at, what: What::Said { heading, ticket, said: said(stage, told) } });
    }
    events
}

/// Of ten, where it is a matter of degree.
fn strength(alert: &Alert) -> String {
    match alert.signal.kind() {
        AlertKind::Guardian | AlertKind::Opportunity => alert.signal.strength().to_string(),
        AlertKind::Outage => alert.priority.to_string(),
    }
}

fn said(stage: &Stage, told: &Told) -> String {
    words::stage(stage, told.zone(), |by| shown::line(by.as_str()))
}

impl<'a> TicketEvent<'a> {
    fn new(audience: Audience, record: &'a Record, now: Timestamp) -> Self {
        let comment = record.update.as_ref().and_then(|update| update.comment.as_ref());
        let note = comment.filter(|comment| !comment.public);
        let lines = note.into_iter().flat_map(|note| {
            let draft = note.draft.as_ref().map(|draft| format!("Draft reply from “{}”", draft.article_title));
            let points = note.points.iter().map(|point| shown::line(point));
            [shown::line(&note.headline), shown::line(&note.aside)]
                .into_iter()
                .chain(points)
                .chain(draft.map(|draft| shown::line(&draft)))
        });
        Self {
            view: audience.view(record, now),
            quotes: audience.quotes(record).into_iter().map(shown::line).collect(),
            note: lines.filter(|line| !line.is_empty()).collect(),
        }
    }

    fn wish(&self) -> Option<Intent> {
        self.view.wish.as_ref().and_then(|wish| wish.intent)
    }

    fn risk(&self) -> Option<u8> {
        self.view.risk.as_ref().map(|risk| risk.score).filter(|score| *score > 0)
    }

    fn class(&self) -> &'static str {
        priority_class(self.view.priority)
    }

    fn risk_class(&self) -> &'static str {
        match self.risk().and_then(domain::guardian::band) {
            Some(domain::Band::Critical) => "critical",
            Some(domain::Band::Elevated) => "high",
            None => "",
        }
    }
}
