//! What must hold once everything is at rest, whatever went wrong on the way.

use std::collections::{BTreeMap, BTreeSet};

use domain::{AlertKey, AlertKind, Delivery, TicketId, ports::AlertLog};
use memory::MemoryTicketLog;
use serde_json::Value;
use zendesk::Method;

use super::{weather::Sent, world::World};

/// Zendesk's own limit, and our half of it.
const UPDATES_A_MINUTE: usize = 50;
const REQUESTS_A_MINUTE: usize = 350;
const UPDATES_OF_A_TICKET: usize = 30;
const TICKET_PERIOD: i64 = 600;

/// The fields that people and we both set.
const CONTESTED: [&str; 2] = ["priority", "group_id"];
/// Tags we may take away.
const OURS: [&str; 10] = [
    "triage_",
    "agent_",
    "kind_",
    "churn_risk",
    "upsell_opportunity",
    "answer_ready",
    "auto_answered",
    "person_in_danger",
    "intent_",
    "team_",
];

/// Every broken promise, one line each.
pub(super) async fn broken(world: &World) -> Vec<String> {
    let mut found = Vec::new();
    let numbers = world.people.numbers();
    for number in &numbers {
        ticket(world, *number, &mut found);
    }
    alerts(world, &numbers, &mut found).await;
    budget(&world.weather.sent(), &mut found);
    for letter in world.dead() {
        found.push(format!("parked, and nothing was wrong with it: {letter}"));
    }
    if world.client.warnings() > 0 {
        found.push(format!("{} warnings of Zendesk's about our requests", world.client.warnings()));
    }
    found
}

/// Whether the log says already that this message went out.
pub(super) fn settled(log: &MemoryTicketLog, mail: &str) -> bool {
    let key = key(mail);
    let delivery = key.and_then(|key| log.alert(key)).map(|alert| alert.delivery.clone());
    matches!(delivery, Some(Delivery::Sent { .. } | Delivery::Digested))
}

/// `1001-guardian-critical`; a digest has another name.
fn key(mail: &str) -> Option<AlertKey> {
    mail.replace('-', "/").parse().ok()
}

fn ticket(world: &World, number: u64, found: &mut Vec<String>) {
    let mut say = |what: String| found.push(format!("#{number}: {what}"));
    world.at_leisure();
    let comments = list(world, number, "comments");
    let audits = list(world, number, "audits");
    let ticket = world.people.ticket(number);
    let requester = ticket["requester_id"].as_u64();
    let newest =
        comments.iter().filter(|comment| comment["public"] == true && comment["author_id"].as_u64() == requester);
    let newest = newest.filter_map(|comment| comment["id"].as_u64()).max();

    let id = TicketId::new(number).expect("a number of Zendesk's");
    match world.log.inner().newest(id) {
        None => say("was never triaged".to_owned()),
        Some(record) if Some(record.version.0) != newest => {
            say(format!("triaged as of comment {}, and the newest is {newest:?}", record.version.0));
        }
        Some(_) => {}
    }

    let ours: Vec<&Value> = audits.iter().filter(|audit| audit["author_id"].as_u64() == Some(world.bot)).collect();
    let markers: Vec<&str> = ours.iter().filter_map(|audit| audit["metadata"]["custom"]["marker"].as_str()).collect();
    if markers.iter().collect::<BTreeSet<_>>().len() != markers.len() {
        say(format!("written twice: {markers:?}"));
    }
    let notes: Vec<&Value> = ours.iter().flat_map(|audit| events(audit, "Comment")).collect();
    let public = notes.iter().filter(|note| note["public"] == true).count();
    let answers = ours.iter().filter(|audit| audit["metadata"]["custom"]["public"] == true).count();
    if public > answers.min(1) {
        say(format!("{public} of our comments are public, {answers} were meant to be"));
    }
    if notes.windows(2).any(|pair| matches!(pair, [one, other] if one["body"] == other["body"])) {
        say("the same note twice".to_owned());
    }
    overwritten(world, &audits, &mut say);
    let tags: BTreeSet<&str> = ticket["tags"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for tag in world.people.tags(number) {
        if !tags.contains(&*tag) {
            say(format!("the tag {tag} is lost"));
        }
    }
}

/// Looks for a change of ours over what a person had set, and for a foreign tag that went with one.
fn overwritten(world: &World, audits: &[Value], say: &mut impl FnMut(String)) {
    let (mut set_by_people, mut set_by_us): (BTreeMap<&str, &Value>, BTreeMap<&str, &Value>) = Default::default();
    for audit in audits {
        let ours = audit["author_id"].as_u64() == Some(world.bot);
        let changes = events(audit, "Change").chain(events(audit, "Create"));
        for change in changes {
            let Some(field) = change["field_name"].as_str() else { continue };
            if field == "tags" && ours {
                let words = |value: &Value| -> BTreeSet<String> {
                    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
                };
                let gone: Vec<String> =
                    words(&change["previous_value"]).difference(&words(&change["value"])).cloned().collect();
                for tag in gone.iter().filter(|tag| !OURS.iter().any(|prefix| tag.starts_with(prefix))) {
                    say(format!("we took away the tag {tag}"));
                }
            }
            let Some(field) = CONTESTED.into_iter().find(|contested| *contested == field) else { continue };
            let (theirs, last) = (set_by_people.get(field), set_by_us.get(field));
            if !ours {
                set_by_people.insert(field, &change["value"]);
                continue;
            }
            // A person who puts back what we had said says the same as we.
            if let Some(theirs) = theirs.filter(|theirs| !theirs.is_null() && Some(*theirs) != last) {
                say(format!("we set {field} to {} where a person had set {theirs}", change["value"]));
            }
            set_by_us.insert(field, &change["value"]);
        }
    }
}

async fn alerts(world: &World, numbers: &[u64], found: &mut Vec<String>) {
    let alerts = world.log.inner().alerts(world.now()).await.unwrap_or_default();
    for alert in &alerts {
        if alert.delivery == Delivery::Pending {
            found.push(format!("the alert {} never went out", alert.key()));
        }
    }
    for number in numbers {
        let id = TicketId::new(*number).expect("a number of Zendesk's");
        let Some(record) = world.log.inner().newest(id) else { continue };
        let raised = |kind: AlertKind| alerts.iter().any(|alert| alert.ticket == id && alert.key().kind == kind);
        if record.guardian.is_high_risk() && !raised(AlertKind::Guardian) {
            found.push(format!("#{number}: high risk, and no alert"));
        }
        if record.opportunity.intent.is_some() && !raised(AlertKind::Opportunity) {
            found.push(format!("#{number}: a buying signal, and no alert"));
        }
        if record.outage.is_some() && !raised(AlertKind::Outage) {
            found.push(format!("#{number}: a P0, and no alert"));
        }
    }
    let mut sent: BTreeMap<String, usize> = BTreeMap::new();
    for mail in world.mails.inner().sent() {
        if mail.needless {
            found.push(format!("{} was sent although the log had it as sent", mail.name));
        }
        *sent.entry(mail.name).or_default() += 1;
    }
    for alert in &alerts {
        if let Delivery::Sent { .. } = alert.delivery
            && !sent.keys().any(|name| key(name) == Some(alert.key()))
        {
            found.push(format!("the alert {} is said to be sent and was not", alert.key()));
        }
    }
}

fn budget(sent: &[Sent], found: &mut Vec<String>) {
    let mut minutes: BTreeMap<i64, (usize, usize)> = BTreeMap::new();
    let mut tickets: BTreeMap<u64, Vec<i64>> = BTreeMap::new();
    for Sent { at, method, path } in sent {
        if path.starts_with("/oauth/") || path.contains("make_private") {
            continue;
        }
        let (requests, updates) = minutes.entry(at.as_second().div_euclid(60)).or_default();
        *requests += 1;
        if *method == Method::Put {
            *updates += 1;
            if let Some(ticket) = path.split(['/', '.']).find_map(|part| part.parse().ok()) {
                tickets.entry(ticket).or_default().push(at.as_second());
            }
        }
    }
    for (minute, (requests, updates)) in minutes {
        if requests > REQUESTS_A_MINUTE || updates > UPDATES_A_MINUTE {
            found.push(format!("{requests} requests and {updates} updates in minute {minute}"));
        }
    }
    for (ticket, times) in tickets {
        let most =
            times.iter().map(|end| times.iter().filter(|at| (end - TICKET_PERIOD..=*end).contains(*at)).count()).max();
        if most > Some(UPDATES_OF_A_TICKET) {
            found.push(format!("#{ticket}: {most:?} updates in ten minutes"));
        }
    }
}

/// All of a ticket's comments or audits, oldest first.
fn list(world: &World, number: u64, what: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut path = format!("/api/v2/tickets/{number}/{what}.json?page[size]=100");
    loop {
        let mut page = world.people.ask(Method::Get, &path, None);
        if let Value::Array(items) = page[what].take() {
            all.extend(items);
        }
        match (page["meta"]["has_more"].as_bool(), page["meta"]["after_cursor"].as_str()) {
            (Some(true), Some(cursor)) => {
                path = format!("/api/v2/tickets/{number}/{what}.json?page[size]=100&page[after]={cursor}");
            }
            _ => break,
        }
    }
    all.sort_by_key(|item| item["id"].as_u64());
    all
}

fn events<'a>(audit: &'a Value, kind: &'a str) -> impl Iterator<Item = &'a Value> {
    audit["events"].as_array().into_iter().flatten().filter(move |event| event["type"] == kind)
}
