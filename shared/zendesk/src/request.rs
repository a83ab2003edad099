//! The one request that changes a ticket: `PUT /api/v2/tickets/{id}.json`.

use domain::{Agent, Intent, Priority, TicketUpdate, plan::Comment};
use pulldown_cmark::{Event, Parser, html};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Ids of our custom fields in the customer's Zendesk. A field without an id is not written.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldIds {
    pub guardian_risk_score: Option<u64>,
    pub opportunity_intent: Option<u64>,
    pub agent_id: Option<u64>,
}

/// A request ready to send.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Request {
    pub method: &'static str,
    /// Path on the customer's Zendesk, from `/api/v2` on.
    pub path: String,
    pub body: Value,
}

/// Renders an update. What the plan leaves alone is not in the body at all; the comment always says whether it is
/// public, since Zendesk remembers the last answer otherwise.
#[must_use]
pub fn update_request(update: &TicketUpdate, fields: &FieldIds) -> Request {
    let mut ticket = Map::new();
    if let Some(priority) = update.values.priority {
        ticket.insert("priority".into(), json!(priority_name(priority)));
    }
    if let Some(group) = update.values.group {
        ticket.insert("group_id".into(), json!(group.0));
    }
    if update.pending {
        ticket.insert("status".into(), json!("pending"));
    }
    let options = [update.values.opportunity_intent.map(intent_option), update.values.agent.map(agent_option)];
    // A tagger field's value is a tag as well: leaving it out of the tags would empty the field.
    // The option it had before goes.
    let set = [(options[0].is_some(), "intent_"), (options[1].is_some(), "team_")];
    let replaced = |tag: &str| {
        let option = INTENT_OPTIONS.contains(&tag) || AGENT_OPTIONS.contains(&tag);
        option && set.iter().any(|(set, prefix)| *set && tag.starts_with(prefix))
    };
    let kept = update.tags.iter().map(|tag| &**tag).filter(|tag| !replaced(tag));
    let tags: Vec<&str> = kept.chain(options.into_iter().flatten()).collect();
    ticket.insert("tags".into(), json!(tags));
    let [intent, agent] = options;
    let fields: Vec<Value> = [
        (fields.guardian_risk_score, update.values.guardian_risk_score.map(|score| json!(score))),
        (fields.opportunity_intent, intent.map(|option| json!(option))),
        (fields.agent_id, agent.map(|option| json!(option))),
    ]
    .into_iter()
    .filter_map(|(id, value)| Some(json!({ "id": id?, "value": value? })))
    .collect();
    if !fields.is_empty() {
        ticket.insert("custom_fields".into(), json!(fields));
    }
    if let Some(comment) = &update.comment {
        let comment = json!({ "html_body": comment_html(&markdown(comment)), "public": comment.public });
        ticket.insert("comment".into(), comment);
    }
    ticket.insert("metadata".into(), json!({ "marker": update.marker }));
    ticket.insert("safe_update".into(), json!(true));
    ticket.insert("updated_stamp".into(), json!(update.updated_stamp));
    Request {
        method: "PUT",
        path: format!("/api/v2/tickets/{}.json", update.ticket.number()),
        body: json!({ "ticket": ticket }),
    }
}

/// The comment's text, and below it the draft an agent may send.
fn markdown(comment: &Comment) -> String {
    match &comment.draft {
        None => comment.text.to_string(),
        Some(draft) => {
            format!("{}\n**Draft reply, from “{}”**\n\n{}\n", comment.text, draft.article_title, draft.text)
        }
    }
}

/// Markdown as HTML for a comment. Raw HTML in it becomes text, and nothing is left that Zendesk would render as a
/// placeholder: it does so in comments that agents write, and over the API we are one.
fn comment_html(markdown: &str) -> String {
    let events = Parser::new(markdown).map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        Event::SoftBreak => Event::HardBreak,
        other => other,
    });
    let mut rendered = String::new();
    html::push_html(&mut rendered, events);
    // A zero-width space after each brace; single braces open nothing, but a run of them would close up again.
    rendered.replace('{', "{&#8203;").trim_end().to_owned()
}

fn priority_name(priority: Priority) -> &'static str {
    match priority {
        Priority::P0 => "urgent",
        Priority::P1 => "high",
        Priority::P2 => "normal",
        Priority::P3 => "low",
    }
}

const INTENT_OPTIONS: [&str; 4] =
    ["intent_pricing_request", "intent_upgrade", "intent_expansion", "intent_custom_service"];
const AGENT_OPTIONS: [&str; 3] = ["team_nexus", "team_cipher", "team_sentinel"];

/// Option values are tags, unique in the account and different from every tag of ours.
fn intent_option(intent: Intent) -> &'static str {
    match intent {
        Intent::PricingRequest => "intent_pricing_request",
        Intent::Upgrade => "intent_upgrade",
        Intent::Expansion => "intent_expansion",
        Intent::CustomService => "intent_custom_service",
    }
}

fn agent_option(agent: Agent) -> &'static str {
    match agent {
        Agent::Nexus => "team_nexus",
        Agent::Cipher => "team_cipher",
        Agent::Sentinel => "team_sentinel",
    }
}

#[cfg(test)]
mod tests {
    use domain::{FieldValues, plan::Suggestion, sample};

    use super::*;

    const FIELDS: FieldIds = FieldIds { guardian_risk_score: Some(1), opportunity_intent: Some(2), agent_id: Some(3) };

    #[test]
    fn the_whole_request() {
        let update = sample::record(7, "Acme", sample::now()).update.unwrap();
        insta::assert_json_snapshot!(update_request(&update, &FIELDS));
    }

    #[test]
    fn what_is_left_alone_is_not_in_the_body() {
        let update = TicketUpdate {
            values: FieldValues::default(),
            comment: None,
            ..sample::record(7, "Acme", sample::now()).update.unwrap()
        };
        let request = update_request(&update, &FIELDS);
        let ticket = request.body["ticket"].as_object().unwrap();
        let keys: Vec<&str> = ticket.keys().map(String::as_str).collect();
        assert_eq!(keys, ["metadata", "safe_update", "tags", "updated_stamp"]);
        let unset = update_request(&sample::record(7, "Acme", sample::now()).update.unwrap(), &FieldIds::default());
        assert!(unset.body["ticket"].get("custom_fields").is_none(), "no id, no field");
    }

    #[test]
    fn a_new_option_takes_the_place_of_the_old_one() {
        let tags: Vec<_> = ["intent_upgrade", "team_cipher", "team_spirit", "vip"].map(Into::into).into();
        let update = TicketUpdate { tags: tags.into(), ..sample::record(7, "Acme", sample::now()).update.unwrap() };
        let request = update_request(&update, &FIELDS);
        assert_eq!(request.body["ticket"]["tags"], json!(["team_spirit", "vip", "intent_expansion", "team_nexus"]));
    }

    #[test]
    fn a_comment_cannot_carry_html_or_placeholders() {
        let check = |text: &str, expected: &str| assert_eq!(comment_html(text), expected, "{text}");
        check("**Bold** and\nnext", "<p><strong>Bold</strong> and<br />\nnext</p>");
        check("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;");
        check("a <b onclick=x>b</b>", "<p>a &lt;b onclick=x&gt;b&lt;/b&gt;</p>");
        assert!(!comment_html("{{ticket.requester.email}} {% if a %}").contains("{{"));
        assert!(!comment_html("{{{{x}}}} {%{{").contains("{{"));
        assert!(!comment_html("{% x %}").contains("{%"));
    }

    #[test]
    fn a_note_shows_the_draft_below_its_text() {
        let draft = Suggestion { article_title: "Reconnect".into(), text: "Hi,\n\npress it.".into() };
        let comment = Comment { public: false, text: "- why\n".into(), draft: Some(draft) };
        assert_eq!(
            comment_html(&markdown(&comment)),
            "<ul>\n<li>why</li>\n</ul>\n<p><strong>Draft reply, from “Reconnect”</strong></p>\n<p>Hi,</p>\n<p>press it.</p>"
        );
    }

    #[test]
    fn a_public_comment_says_so() {
        for public in [true, false] {
            let update = TicketUpdate {
                comment: Some(Comment { public, text: "hello".into(), draft: None }),
                ..sample::record(7, "Acme", sample::now()).update.unwrap()
            };
            assert_eq!(update_request(&update, &FIELDS).body["ticket"]["comment"]["public"], public);
        }
    }
}
