//! Small valid values for tests and benchmarks, here and in the crates that use this one.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::Deserialize;

use crate::{
    Account, AccountId, AgentProfile, Alert, AuditAction, AuditEntry, Draft, FieldValues, GroupId, Intent, Language,
    Mode, Policy, Priority, Reading, Record, Scored, SecondOpinion, Sentiment, TeamId, Teams, Ticket, TicketContext,
    TicketId, TicketState, TopicId, Version, decide,
    follow_up::Posted,
    playbooks::Playbooks,
    policy::{AlertPolicy, Answers, Notes, Pressers, Recipients, Thresholds},
    reading::{Signal, Usage},
    record::Effort,
};

/// 2026-11-16T09:00:00Z, the moment of every sample.
pub fn now() -> Timestamp {
    Timestamp::constant(1_794_819_600, 0)
}

pub fn ticket_id(number: u64) -> TicketId {
    TicketId::new(number).expect("not zero")
}

pub fn account_id(name: &str) -> AccountId {
    AccountId::try_from(name.to_owned()).expect("not empty")
}

pub fn team(id: &str) -> TeamId {
    id.parse().expect("a team id")
}

/// The profile of a team with that group.
pub fn profile(id: &str, group: u64) -> AgentProfile {
    let agent = team(id);
    AgentProfile {
        team: format!("{} desk", agent.title()),
        description: String::new(),
        group: Some(GroupId(group)),
        signature: format!("The {} team", agent.title()),
        signatures: [].into(),
        topics: None,
        languages: None,
        examples: None,
        lead: None,
        default: false,
        agent,
    }
}

/// The shipped `policy.json`, as far as a decision reads it: what is tested is what customers start from.
#[derive(Deserialize)]
struct PolicyFile {
    thresholds: Thresholds,
    alerts: AlertPolicy,
}

/// Act, with automatic answers, for everybody, with the shipped thresholds.
pub fn policy() -> Policy {
    let PolicyFile { thresholds, alerts } =
        serde_json::from_str(include_str!("../../data/customer/policy.json")).expect("the shipped policy parses");
    Policy {
        mode: Mode::Act,
        auto_reply: true,
        delivery: true,
        rollout_percent: 100,
        recipients: Recipients {
            guardian: "kam@example.com".parse().expect("an address"),
            opportunity: "sales@example.com".parse().expect("an address"),
            lead: "lead@example.com".parse().expect("an address"),
        },
        teams: Teams::new(vec![profile("nexus", 11), profile("cipher", 12), profile("sentinel", 13)])
            .expect("the bundled teams"),
        thresholds,
        alerts,
        playbooks: Playbooks::default(),
        answers: Answers::default(),
        notes: Notes::default(),
        time_zone: TimeZone::UTC,
        currency: "$".into(),
        helpdesk_url: "https://example.zendesk.com".into(),
        daily_budget_usd: 5.0,
        retention: SignedDuration::from_hours(30 * 24),
    }
}

/// A message that is about to stand in that channel.
pub fn posted(channel: &str) -> Posted {
    Posted {
        channel: channel.into(),
        message: None,
        may_press: Pressers::default(),
        helpdesk_url: "https://acme.zendesk.com".into(),
        page: None,
        time_zone: TimeZone::UTC,
        currency: "$".into(),
    }
}

pub fn account() -> Account {
    Account { id: account_id("Acme"), name: "Acme".into(), mrr: Some(500.0), plan: None, health: None, kam: None }
}

/// Says that it may leave and asks for a price.
pub fn ticket(number: u64) -> Ticket {
    Ticket {
        id: ticket_id(number),
        version: Version(number * 100),
        subject: "Orders do not sync".into(),
        description:
            "Orders have not synced since Monday. We are looking at other vendors. What is your price for two \
                      more stores?"
                .into(),
        follow_ups: Vec::new(),
        channel: "email".into(),
        account: account_id("Acme"),
        requester_name: None,
        requester_phone: None,
        sender: crate::Sender::Customer,
        opened_privately: false,
        touched: false,
        created_at: now(),
        updated_stamp: now().to_string().into(),
        values: FieldValues::default(),
        tags: Arc::default(),
    }
}

/// P2 for Nexus about order-sync, sure of it, with nothing else in it.
pub fn reading() -> Reading {
    Reading {
        analyst: "sample-1".into(),
        fallback: None,
        language: Language::En,
        priority: Scored { value: Priority::P2, confidence: 0.9 },
        priority_quote: Some("Orders have not synced since Monday.".into()),
        agent: Scored { value: team("nexus"), confidence: 0.9 },
        topic: TopicId::known(4).map(|value| Scored { value, confidence: 0.7 }),
        sentiment: Scored { value: Sentiment::Neutral, confidence: 0.9 },
        churn: Signal { value: false, confidence: 0.05, quotes: Vec::new() },
        intent: Signal { value: None, confidence: 0.05, quotes: Vec::new() },
        kind: Scored { value: crate::Kind::Request, confidence: 0.9 },
        grave: None,
        notice: None,
        mixed: false,
        reason: None,
        draft: None,
        hidden: Vec::new(),
        english: Default::default(),
        suspicious: false,
        cut: false,
        second: None,
        redactions: Default::default(),
        usage: Usage::default(),
    }
}

/// The sample reading with a churn signal and a buying signal.
pub fn signals() -> Reading {
    Reading {
        churn: Signal { value: true, confidence: 0.9, quotes: vec!["We are looking at other vendors.".into()] },
        intent: Signal {
            value: Some(Intent::Expansion),
            confidence: 0.8,
            quotes: vec!["What is your price for two more stores?".into()],
        },
        ..reading()
    }
}

/// What a second analyst says that reads the same.
pub fn second(reading: &Reading) -> SecondOpinion {
    let Reading { priority, priority_quote, churn, intent, kind, grave, notice, .. } = reading.clone();
    SecondOpinion { priority, priority_quote, churn, intent, kind, grave, notice }
}

pub fn draft() -> Draft {
    Draft {
        text: "Hi Acme team,\n\nPress reconnect.\n\nThe Nexus team".into(),
        article: "reconnect".into(),
        article_title: "Reconnect a store".into(),
        faq: true,
        composed: true,
        in_language: true,
        match_score: 0.9,
        unanswered: None,
        questions: Vec::new(),
    }
}

/// A finished triage of the sample ticket, both signals in it.
pub fn record(number: u64, account_name: &str, at: Timestamp) -> Record {
    let (ticket, state) = (ticket(number), TicketState::default());
    let account = Account { id: account_id(account_name), name: account_name.into(), ..account() };
    let ticket = Ticket { account: account.id.clone(), ..ticket };
    let context = TicketContext { ticket: &ticket, account: &account, history: &[], earlier: &[], state: &state };
    let plan = decide(context, &signals(), &policy(), at);
    Record::new(context, plan, Effort { at, duration_ms: 0, usage: Usage::default() })
}

/// One automated action on the sample ticket.
pub fn audit_entry(number: u64, action: AuditAction) -> AuditEntry {
    AuditEntry { at: now(), ticket: ticket_id(number), action, target: "target".into(), outcome: "outcome".into() }
}

/// The Guardian alert of the sample ticket.
pub fn alert(number: u64) -> Alert {
    alerts(number).0
}

/// Both alerts of the sample ticket: Guardian, then Opportunity.
pub fn alerts(number: u64) -> (Alert, Alert) {
    let (ticket, account, state) = (ticket(number), account(), TicketState::default());
    let context = TicketContext { ticket: &ticket, account: &account, history: &[], earlier: &[], state: &state };
    let mut alerts = decide(context, &signals(), &policy(), now()).alerts.into_iter();
    let mut next = || alerts.next().expect("both signals raise an alert");
    (next(), next())
}
