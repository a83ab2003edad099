//! An alert as a message: Block Kit within Slack's limits. What an outsider wrote is text in it: no mention, no link.

use std::{fmt, str::FromStr};

use domain::{
    Alert, AlertKey, AlertKind, Contact, EmailAddress, Stage,
    follow_up::{Outcome, Posted, Snooze, WrongReason},
    shown,
};
use jiff::tz::TimeZone;
use runtime::words::{
    self,
    alert::{self as telling, MOST_OF_A_LINE, MOST_OF_A_QUOTE},
};
use serde_json::{Value, json};
use strum::{Display, EnumString, IntoEnumIterator};

/// Slack's limits, in characters. Source: docs.slack.dev, Block Kit.
pub const MOST_OF_A_SECTION: usize = 3_000;
pub const MOST_OF_A_HEADER: usize = 150;
pub const MOST_OF_A_BUTTON: usize = 75;
pub const MOST_OF_A_URL: usize = 3_000;
const MOST_OF_A_VALUE: usize = 150;
const MOST_OPTIONS: usize = 100;

/// A message is read at a glance; the ticket has the rest.
const MOST_QUOTES: usize = 3;

/// What can be pressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Display, EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum Action {
    Take,
    Settle,
    Snooze,
    Wrong,
    HandOver,
    /// A link to the ticket. Slack tells of it, and there is nothing to do.
    Open,
    /// A link to the account on the dashboard.
    Dashboard,
}

/// Which alert the buttons are of, and at which of its revisions they were shown. Text form `1004/guardian/critical@2`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shown {
    pub alert: AlertKey,
    pub revision: u32,
}

/// A message as Slack takes it.
#[derive(Clone, PartialEq, Debug)]
pub struct Message {
    /// Where blocks are not shown, such as on a lock screen.
    pub text: String,
    pub blocks: Vec<Value>,
    /// Slack returns it with the message; it names the alert and says nothing else.
    pub metadata: Value,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.alert, self.revision)
    }
}

impl FromStr for Shown {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (alert, revision) = text.split_once('@').ok_or(())?;
        Ok(Self { alert: alert.parse().map_err(|_| ())?, revision: revision.parse().map_err(|_| ())? })
    }
}

/// The message of an alert as it is now: what its mail says. Without buttons where a press could not come back.
#[must_use]
pub fn message(alert: &Alert, posted: &Posted, buttons: bool) -> Message {
    let headline = shown::unlinked(&telling::headline(alert));
    let alert = &telling::shown(alert);
    let mut blocks = vec![header(&headline), facts(alert, posted)];
    blocks.extend(alert.deadline.as_ref().map(|due| said(&format!("By {due}"), &format!("“{}”", due.words))));
    blocks.extend(alert.unsure.then(|| section(&format!("*{}*", telling::UNSURE))));
    blocks.extend(quotes(alert));
    blocks.extend(alert.contact.as_ref().map(|contact| said("Call", &call(contact))));
    blocks.extend(telling::happened(alert).map(|happened| said("What happened", happened)));
    blocks.push(said(&telling::what_to_do(alert), &alert.recommended_action));
    if buttons {
        blocks.push(said("State", &words::stage(&alert.follow_up.stage, &posted.time_zone, ToString::to_string)));
    }
    blocks.push(actions(alert, posted, buttons));
    blocks.push(context(alert, &posted.time_zone));
    Message {
        text: escaped(&format!("{headline}, {}", words::monthly(alert.mrr, &posted.currency)), MOST_OF_A_SECTION),
        blocks,
        metadata: json!({ "event_type": "support_triage_alert", "event_payload": { "alert": alert.key().to_string() } }),
    }
}

fn header(text: &str) -> Value {
    json!({ "type": "header", "text": plain(text, MOST_OF_A_HEADER) })
}

/// What it is worth, how strong, how sure, since when.
fn facts(alert: &Alert, posted: &Posted) -> Value {
    let worth = escaped(&telling::worth(alert, &posted.currency), MOST_OF_A_QUOTE);
    section(&format!("*{worth}*\n{}", escaped(&telling::facts(alert, &posted.time_zone).join(" · "), MOST_OF_A_QUOTE)))
}

fn call(contact: &Contact) -> String {
    let role = contact.role.as_deref().map(|role| format!(", {role}")).unwrap_or_default();
    format!("{}{role}. {}", contact.name, contact.phone.as_deref().unwrap_or(telling::NO_PHONE))
}

/// What the customer said, one section each: a quote cannot run into our own words.
fn quotes(alert: &Alert) -> Vec<Value> {
    let quotes = alert.evidence.iter().take(MOST_QUOTES);
    let english = |quote: &String| {
        let line = alert.english.get(quote)?;
        Some(format!("\n_{}:_ {}", telling::IN_ENGLISH, escaped(line, MOST_OF_A_QUOTE)))
    };
    let said = |quote: &String| format!("> {}{}", escaped(quote, MOST_OF_A_QUOTE), english(quote).unwrap_or_default());
    quotes.map(|quote| section(&said(quote))).collect()
}

fn actions(alert: &Alert, posted: &Posted, buttons: bool) -> Value {
    let kind = alert.signal.kind();
    let mut elements = Vec::new();
    let open_to_all = [take(), snooze(), wrong(kind)];
    let hand_over = hand_over(alert);
    if buttons {
        match alert.follow_up.stage {
            Stage::New | Stage::Snoozed { .. } => elements.extend(open_to_all.into_iter().chain(hand_over)),
            Stage::Taken { .. } => {
                elements.extend([settle(kind), snooze(), wrong(kind)].into_iter().chain(hand_over));
            }
            Stage::Settled { .. } | Stage::Wrong { .. } => {}
        }
    }
    let ticket = format!("Open #{}", alert.ticket.number());
    let links = [
        (Action::Open, ticket.as_str(), Some(words::ticket_link(&posted.helpdesk_url, alert.ticket))),
        (Action::Dashboard, "The account on the dashboard", posted.page.clone()),
    ];
    for (action, text, link) in links {
        // Slack refuses the whole message for one address it cannot take.
        if let Some(link) = link.filter(|link| link.starts_with("http") && link.len() <= MOST_OF_A_URL) {
            elements.push(json!({
                "type": "button", "action_id": action.to_string(), "text": plain(text, MOST_OF_A_BUTTON), "url": link,
            }));
        }
    }
    let shown = Shown { alert: alert.key(), revision: alert.follow_up.revision };
    json!({ "type": "actions", "block_id": shown.to_string(), "elements": elements })
}

fn take() -> Value {
    json!({
        "type": "button", "action_id": Action::Take.to_string(), "style": "primary",
        "text": plain("I have it", MOST_OF_A_BUTTON),
    })
}

fn snooze() -> Value {
    let options = Snooze::iter().map(|snooze| option(snooze.into(), snooze.title()));
    select(Action::Snooze, "Snooze", options.collect())
}

/// To whom it may be handed, but who has it. Slack refuses the whole message for one value that is too long.
fn hand_over(alert: &Alert) -> Option<Value> {
    let owner = match &alert.follow_up.stage {
        Stage::Taken { by, .. } => Some(by),
        Stage::New | Stage::Snoozed { .. } | Stage::Settled { .. } | Stage::Wrong { .. } => None,
    };
    let others = alert.colleagues.iter().filter(|other| Some(*other) != owner).map(EmailAddress::as_str);
    let others = others.filter(|other| other.len() <= MOST_OF_A_VALUE).take(MOST_OPTIONS);
    let options: Vec<Value> = others.map(|other| option(other, other)).collect();
    (!options.is_empty()).then(|| select(Action::HandOver, "Hand over to", options))
}

fn settle(kind: AlertKind) -> Value {
    let options = Outcome::of(kind).map(|outcome| option(outcome.into(), outcome.title()));
    select(Action::Settle, "Say how it ended", options.collect())
}

/// Asked for once more: it counts against the alert figures.
fn wrong(kind: AlertKind) -> Value {
    let button = WrongReason::button(kind);
    let options = WrongReason::iter().map(|reason| option(reason.into(), reason.title()));
    let mut select = select(Action::Wrong, button, options.collect());
    if let Some(fields) = select.as_object_mut() {
        let confirm = json!({
            "title": plain(&format!("{button}?"), MOST_OF_A_BUTTON),
            "text": plain("The alert is closed for everybody and counts as a wrong one.", MOST_OF_A_LINE),
            "confirm": plain(button, 30),
            "deny": plain("Back", 30),
        });
        fields.insert("confirm".to_owned(), confirm);
    }
    select
}

fn select(action: Action, placeholder: &str, options: Vec<Value>) -> Value {
    json!({
        "type": "static_select", "action_id": action.to_string(), "placeholder": plain(placeholder, MOST_OF_A_HEADER),
        "options": options,
    })
}

fn option(value: &str, text: &str) -> Value {
    json!({ "text": plain(text, MOST_OF_A_BUTTON), "value": value })
}

fn context(alert: &Alert, zone: &TimeZone) -> Value {
    let line = format!(
        "{} · {} · {} · tone {} · {} · for {} · {}",
        alert.ticket,
        alert.priority,
        alert.agent.title(),
        alert.sentiment,
        words::moment(alert.at, zone),
        alert.recipient,
        alert.subject,
    );
    json!({ "type": "context", "elements": [mrkdwn(&escaped(&line, MOST_OF_A_QUOTE))] })
}

/// A line of ours with a name before it.
fn said(name: &str, text: &str) -> Value {
    section(&format!("*{}:* {}", escaped(name, MOST_OF_A_LINE), escaped(text, MOST_OF_A_QUOTE)))
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": mrkdwn(text) })
}

/// `verbatim`: Slack makes no links, channels or people of names it finds in it.
fn mrkdwn(text: &str) -> Value {
    json!({ "type": "mrkdwn", "text": text, "verbatim": true })
}

fn plain(text: &str, most: usize) -> Value {
    json!({ "type": "plain_text", "text": clipped(text, most), "emoji": false })
}

/// The three characters that begin a mention, a link or an entity, as entities, and cut before the limit and never within
/// one. The limits hold for what is sent.
fn escaped(text: &str, most: usize) -> String {
    fitted(text, most, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        _ => None,
    })
}

fn clipped(text: &str, most: usize) -> String {
    fitted(text, most, |_| None)
}

fn fitted(text: &str, most: usize, entity: fn(char) -> Option<&'static str>) -> String {
    // As UTF-16 counts them: nobody counts more.
    let length = |c: char| entity(c).map_or(c.len_utf16(), str::len);
    let whole = text.chars().map(length).sum::<usize>() <= most;
    let (mut fitted, mut used) = (String::with_capacity(text.len()), 0);
    for c in text.chars() {
        used += length(c);
        if !whole && used > most.saturating_sub(1) {
            fitted.push('…');
            break;
        }
        match entity(c) {
            Some(entity) => fitted.push_str(entity),
            None => fitted.push(c),
        }
    }
    fitted
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::{Band, Deadline, FollowUp, Health, Intent, Sentiment, Signal, sample};

    use super::*;

    fn guardian() -> Alert {
        Alert {
            band: Band::Critical,
            signal: Signal::Guardian { score: 9 },
            customer: "Castrovel Cycles".into(),
            mrr: Some(14_500.0),
            plan: Some("Scale".into()),
            health: Some(Health::AtRisk),
            sentiment: Sentiment::Angry,
            because: Some("another vendor is named".into()),
            probability: Some(0.92),
            happened: Some("Nothing has come in since Saturday 21:00.".into()),
            written_at: Some(sample::now()),
            deadline: Some(Deadline {
                day: jiff::civil::date(2026, 11, 17),
                time: Some(jiff::civil::time(9, 0, 0, 0)),
                words: "tomorrow at 9".into(),
            }),
            contact: Some(Contact {
                name: "Rick Castrovel".into(),
                role: Some("Managing Director".into()),
                phone: Some("+44 1632 960417".into()),
            }),
            ..sample::alert(1004)
        }
    }

    /// As alerts were stored before they said more.
    fn bare() -> Alert {
        Alert {
            because: None,
            probability: None,
            happened: None,
            written_at: None,
            deadline: None,
            contact: None,
            ..guardian()
        }
    }

    fn taken(by: &str) -> FollowUp {
        let stage = Stage::Taken { by: by.parse().unwrap(), at: sample::now() };
        FollowUp { stage, revision: 2, ..FollowUp::default() }
    }

    fn posted() -> Posted {
        let page = Some("https://site.example/accounts/#account=castrovel".into());
        let time_zone = TimeZone::get("Europe/Berlin").unwrap();
        Posted { page, time_zone, ..sample::posted("C0GUARDIAN") }
    }

    fn rendered(alert: &Alert, buttons: bool) -> String {
        let Message { text, blocks, metadata } = message(alert, &posted(), buttons);
        serde_json::to_string_pretty(&json!({ "text": text, "blocks": blocks, "metadata": metadata })).unwrap()
    }

    #[test]
    fn an_alert_as_a_message() {
        insta::assert_snapshot!("new", rendered(&guardian(), true));
        insta::assert_snapshot!("taken", rendered(&Alert { follow_up: taken("ann@example.com"), ..guardian() }, true));
        let signal = Signal::Opportunity { intent: Intent::Expansion, confidence: 8 };
        let p0 = Alert {
            signal: Signal::Outage { what: Some(domain::Gravity::Outage) },
            priority: domain::Priority::P0,
            topic: "payments".parse().ok(),
            evidence: Arc::new(["Since 06:40 no shopper has been able to pay.".into()]),
            because: Some("shoppers cannot pay".into()),
            deadline: None,
            follow_up: taken("lead@example.com"),
            ..guardian()
        };
        insta::assert_snapshot!("outage", rendered(&p0, true));
        let quote = "We are looking at other vendors.".to_owned();
        let foreign = Alert { english: [(quote, "As it is.".to_owned())].into(), ..guardian() };
        let text = rendered(&foreign, true);
        assert!(text.contains("vendors.\\n_In English, by a model:_ As it is."), "{text}");
        insta::assert_snapshot!("lite", rendered(&Alert { signal, unsure: true, mrr: None, ..bare() }, false));
    }

    #[test]
    fn amounts_are_in_the_policys_currency() {
        let posted = Posted { currency: "CHF ".to_owned(), ..posted() };
        let Message { text, blocks, .. } = message(&guardian(), &posted, true);
        let shown = serde_json::to_string(&blocks).unwrap();
        assert!(text.contains("CHF 14,500") && shown.contains("CHF 14,500") && !shown.contains('$'), "{text} {shown}");
    }

    #[test]
    fn what_is_closed_can_only_be_opened() {
        let by: domain::EmailAddress = "ann@example.com".parse().unwrap();
        let at = sample::now();
        for stage in [
            Stage::Settled { outcome: Outcome::Saved, by: by.clone(), at },
            Stage::Wrong { reason: WrongReason::Misread, by, at },
        ] {
            let follow_up = FollowUp { stage, ..FollowUp::default() };
            let text = rendered(&Alert { follow_up, ..guardian() }, true);
            assert_eq!(text.matches("action_id").count(), 2, "{text}");
            assert!(text.contains("Open #1004") && text.contains("The account on the dashboard"), "{text}");
        }
    }

    #[test]
    fn a_customers_words_mention_and_link_nobody() {
        let evil = "<!channel> <@U0BOSS> <https://evil.example|Sign in> & *bold* https://evil.example boss@evil.example\n> ours";
        let alert = Alert {
            customer: evil.into(),
            subject: evil.into(),
            plan: Some(evil.into()),
            evidence: Arc::new([evil.to_owned()]),
            english: [(evil.to_owned(), evil.to_owned())].into(),
            recommended_action: evil.into(),
            because: Some(evil.into()),
            happened: Some(evil.repeat(2).into()),
            deadline: Some(Deadline { day: jiff::civil::date(2026, 11, 17), time: None, words: evil.into() }),
            contact: Some(Contact { name: evil.into(), role: Some(evil.into()), phone: Some(evil.into()) }),
            unsure: true,
            ..guardian()
        };
        let Message { text, blocks, .. } = message(&alert, &posted(), true);
        let mut texts = vec![text];
        let mut look = blocks;
        while let Some(value) = look.pop() {
            match value {
                Value::Object(fields) => {
                    if fields.get("type").and_then(Value::as_str) == Some("mrkdwn") {
                        texts.push(fields["text"].as_str().unwrap().to_owned());
                    }
                    look.extend(fields.into_iter().map(|(_, value)| value));
                }
                Value::Array(values) => look.extend(values),
                _ => {}
            }
        }
        assert!(texts.len() > 8);
        for text in texts {
            assert!(!text.contains('<'), "{text}");
            assert!(!text.contains("https://") && !text.contains("evil.example"), "{text}");
            assert!(text.matches('>').count() <= 1 && (text.starts_with("> ") || !text.contains('>')), "{text}");
        }
    }

    #[test]
    fn the_longest_alert_is_within_slacks_limits() {
        let long = "<&>".repeat(3_000);
        let alert = Alert {
            customer: long.as_str().into(),
            subject: long.as_str().into(),
            plan: Some(long.clone()),
            evidence: Arc::new([const { String::new() }; 9].map(|_| long.clone())),
            english: [(long.clone(), long.clone())].into(),
            recommended_action: long.as_str().into(),
            because: Some(long.as_str().into()),
            happened: Some("h".repeat(9_000).into()),
            deadline: Some(Deadline { day: jiff::civil::date(2026, 11, 17), time: None, words: long.clone() }),
            contact: Some(Contact { name: long.clone(), role: Some(long.clone()), phone: Some(long) }),
            unsure: true,
            ..guardian()
        };
        let Message { blocks, .. } = message(&alert, &posted(), true);
        assert!(blocks.len() <= 50, "{} blocks", blocks.len());
        for block in &blocks {
            let text = block["text"]["text"].as_str().unwrap_or_default();
            let most = if block["type"] == "header" { MOST_OF_A_HEADER } else { MOST_OF_A_SECTION };
            assert!(text.encode_utf16().count() <= most, "{text}");
        }
    }

    #[test]
    fn a_text_is_cut_before_its_limit_and_never_within_an_entity() {
        for (text, most, cut) in [
            ("a&b", 7, "a&amp;b"),
            ("a&b", 6, "a…"),
            ("<<<", 12, "&lt;&lt;&lt;"),
            ("<<<", 11, "&lt;&lt;…"),
            ("😀😀", 4, "😀😀"),
            ("😀😀", 3, "😀…"),
            ("", 0, ""),
        ] {
            assert_eq!(escaped(text, most), cut, "{text} {most}");
        }
    }

    #[test]
    fn what_was_shown_survives_its_text_form() {
        let shown: Shown = "1004/guardian/critical@7".parse().unwrap();
        assert_eq!((shown.revision, shown.to_string().as_str()), (7, "1004/guardian/critical@7"));
    }
}
