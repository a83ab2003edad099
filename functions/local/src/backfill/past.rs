//! A ticket of the past: what its customer first wrote, and what agents made of it in the end.

use domain::{AccountId, GroupId, Priority, TeamId, Teams, TicketId};
use jiff::{SignedDuration, Timestamp};
use mail::html;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use zendesk::wire::lenient;

use crate::input::{Labels, Row};

/// One ticket, ready to be triaged, and what it is compared with afterwards.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Past {
    /// Only the first message is in it, and no label: what is known when a ticket is created.
    pub(super) row: Row,
    /// What the helpdesk says at the end, for the comparison and never for triage.
    pub(super) ended: Ended,
}

/// What agents left on the ticket.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Ended {
    pub(super) priority: Option<Priority>,
    /// None for a group that is no team's.
    pub(super) team: Option<TeamId>,
    /// From the creation to the first public comment of anybody but the customer.
    pub(super) first_reply: Option<SignedDuration>,
}

/// Why a line is no ticket to be triaged.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, thiserror::Error)]
pub(super) enum Unusable {
    #[error("not a ticket: no id or no time of creation")]
    NoTicket,
    #[error("deleted")]
    Deleted,
    #[error("opened by an agent, so the first words are not the customer's")]
    ByAgent,
    #[error("without any text of the customer's")]
    Empty,
}

/// A line of Zendesk's JSON export, or a ticket of its API with its comments. Names stand in the ticket or beside it.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Line {
    #[serde(deserialize_with = "lenient::number")]
    pub(super) id: Option<u64>,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) subject: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) raw_subject: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) description: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) priority: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) status: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) created_at: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) updated_at: Option<String>,
    #[serde(deserialize_with = "lenient::number")]
    pub(super) requester_id: Option<u64>,
    #[serde(deserialize_with = "lenient::number")]
    pub(super) submitter_id: Option<u64>,
    #[serde(deserialize_with = "lenient::flag")]
    pub(super) from_messaging_channel: Option<bool>,
    #[serde(deserialize_with = "lenient::number")]
    pub(super) organization_id: Option<u64>,
    #[serde(deserialize_with = "lenient::number")]
    pub(super) group_id: Option<u64>,
    #[serde(deserialize_with = "lenient::object")]
    pub(super) via: Option<Via>,
    #[serde(deserialize_with = "lenient::object")]
    pub(super) requester: Option<Person>,
    #[serde(deserialize_with = "lenient::object")]
    pub(super) organization: Option<Organization>,
    #[serde(deserialize_with = "lenient::object")]
    pub(super) group: Option<Group>,
    #[serde(deserialize_with = "lenient::object")]
    pub(super) metric_set: Option<MetricSet>,
    #[serde(deserialize_with = "lenient::list")]
    pub(super) comments: Vec<Comment>,
}

#[derive(Clone, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Via {
    #[serde(deserialize_with = "lenient::text")]
    channel: Option<String>,
}

#[derive(Clone, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Person {
    #[serde(deserialize_with = "lenient::number")]
    id: Option<u64>,
    #[serde(deserialize_with = "lenient::text")]
    name: Option<String>,
}

#[derive(Clone, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Organization {
    #[serde(deserialize_with = "lenient::number")]
    pub(super) id: Option<u64>,
    #[serde(deserialize_with = "lenient::text")]
    name: Option<String>,
    #[serde(deserialize_with = "lenient::map")]
    organization_fields: Map<String, Value>,
}

#[derive(Clone, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Group {
    #[serde(deserialize_with = "lenient::number")]
    pub(super) id: Option<u64>,
    #[serde(deserialize_with = "lenient::text")]
    name: Option<String>,
}

#[derive(Clone, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct MetricSet {
    #[serde(deserialize_with = "lenient::number")]
    pub(super) ticket_id: Option<u64>,
    #[serde(deserialize_with = "lenient::object")]
    reply_time_in_minutes: Option<Minutes>,
}

#[derive(Clone, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
struct Minutes {
    #[serde(deserialize_with = "lenient::number")]
    calendar: Option<u64>,
}

#[derive(Clone, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Comment {
    #[serde(deserialize_with = "lenient::number")]
    id: Option<u64>,
    #[serde(deserialize_with = "lenient::number")]
    author_id: Option<u64>,
    #[serde(deserialize_with = "lenient::text")]
    html_body: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    plain_body: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    body: Option<String>,
    #[serde(deserialize_with = "lenient::flag")]
    public: Option<bool>,
    #[serde(deserialize_with = "lenient::text")]
    created_at: Option<String>,
}

/// The organisation field that holds US dollars a month.
const MRR: &str = "mrr";

impl Past {
    /// # Errors
    /// Why there is nothing to triage in it.
    pub(super) fn read(line: &Line, number: u64, teams: &Teams) -> Result<Self, Unusable> {
        let id = line.id.and_then(|id| TicketId::new(id).ok()).ok_or(Unusable::NoTicket)?;
        let created = time(line.created_at.as_deref()).ok_or(Unusable::NoTicket)?;
        if line.status.as_deref().is_some_and(|status| status.eq_ignore_ascii_case("deleted")) {
            return Err(Unusable::Deleted);
        }
        let first = line.first_public_comment();
        let is_customers = match first {
            Some(first) => line.is_customers(first.author_id),
            // The description is what the submitter wrote.
            None => line.is_customers(line.submitter_id),
        };
        if !is_customers {
            return Err(Unusable::ByAgent);
        }
        let text = first.and_then(Comment::text).or_else(|| line.description.clone()).unwrap_or_default();
        let subject = line.subject.clone().or_else(|| line.raw_subject.clone()).unwrap_or_default();
        if text.trim().is_empty() && subject.trim().is_empty() {
            return Err(Unusable::Empty);
        }
        let row = Row {
            line: number,
            id_text: id.to_string(),
            id,
            account: line.account(id),
            requester: None,
            subject: subject.into(),
            description: text.into(),
            channel: line.via.as_ref().and_then(|via| via.channel.clone()).unwrap_or_else(|| "unknown".into()).into(),
            timestamp: created,
            mrr: line.mrr(),
            labels: Labels::default(),
        };
        let ended = Ended { priority: line.priority(), team: line.team(teams), first_reply: line.first_reply(created) };
        Ok(Self { row, ended })
    }
}

impl Line {
    /// Whether its description may not be what its customer wrote first, so that the comments have to be read.
    #[must_use]
    pub(super) fn needs_comments(&self) -> bool {
        let empty = self.description.as_ref().is_none_or(|text| text.trim().is_empty());
        empty || self.from_messaging_channel == Some(true) || !self.is_customers(self.submitter_id)
    }

    /// Without what no comparison needs: of the comments, the first stays, and the time of the first reply.
    #[must_use]
    pub(super) fn trimmed(mut self) -> Self {
        let first = self.first_public_comment().cloned();
        let author = first.as_ref().and_then(|first| first.author_id);
        let others = self.public_comments().filter(|(_, comment)| comment.author_id != author);
        let reply = others.min_by_key(|(at, _)| *at).map(|(_, reply)| Comment {
            html_body: None,
            plain_body: None,
            body: None,
            ..reply.clone()
        });
        self.comments = first.into_iter().chain(reply).collect();
        self
    }

    /// The oldest: lists come in either order.
    fn first_public_comment(&self) -> Option<&Comment> {
        self.public_comments().min_by_key(|(at, comment)| (*at, comment.id)).map(|(_, comment)| comment)
    }

    fn public_comments(&self) -> impl Iterator<Item = (Timestamp, &Comment)> {
        let public = self.comments.iter().filter(|comment| comment.public != Some(false));
        public.filter_map(|comment| Some((time(comment.created_at.as_deref())?, comment)))
    }

    fn requester(&self) -> Option<u64> {
        self.requester_id.or_else(|| self.requester.as_ref()?.id)
    }

    /// Where the ticket does not name its customer, the first to write is taken for him.
    fn is_customers(&self, author: Option<u64>) -> bool {
        match (self.requester(), author) {
            (Some(requester), Some(author)) => requester == author,
            (None, _) | (_, None) => true,
        }
    }

    /// The organisation, else the person: two strangers are two accounts.
    fn account(&self, ticket: TicketId) -> AccountId {
        let organization = self.organization.as_ref();
        let name = organization.and_then(|organization| organization.name.clone());
        let number = self.organization_id.or_else(|| organization?.id);
        let named = name.or_else(|| number.map(|id| format!("organisation {id}")));
        let person = || {
            let named = self.requester.as_ref().and_then(|person| person.name.clone());
            match (named, self.requester()) {
                (Some(name), Some(id)) => Some(format!("{name} ({id})")),
                (Some(name), None) => Some(name),
                (None, id) => id.map(|id| format!("requester {id}")),
            }
        };
        let account = named.or_else(person).unwrap_or_else(|| format!("requester of {ticket}"));
        let fallback = || AccountId::try_from(format!("requester of {ticket}")).expect("is not empty");
        AccountId::try_from(account).unwrap_or_else(|_| fallback())
    }

    fn mrr(&self) -> Option<f64> {
        let value = self.organization.as_ref()?.organization_fields.get(MRR)?;
        let amount = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
        Some(amount).filter(|amount| amount.is_finite() && *amount >= 0.0)
    }

    fn priority(&self) -> Option<Priority> {
        match self.priority.as_deref()?.to_lowercase().as_str() {
            "urgent" => Some(Priority::P0),
            "high" => Some(Priority::P1),
            "normal" => Some(Priority::P2),
            "low" => Some(Priority::P3),
            _ => None,
        }
    }

    /// By the group's number, else by its name: the team's own, or the one of its profile.
    fn team(&self, teams: &Teams) -> Option<TeamId> {
        let number = self.group_id.or_else(|| self.group.as_ref()?.id).map(GroupId);
        let name = self.group.as_ref().and_then(|group| group.name.as_deref());
        let named = |text: &str| name.is_some_and(|name| name.trim().eq_ignore_ascii_case(text));
        let by_number = teams.iter().find(|profile| number.is_some() && profile.group == number);
        let by_name = || teams.iter().find(|profile| named(&profile.team) || named(&profile.agent.title()));
        by_number.or_else(by_name).map(|profile| profile.agent.clone())
    }

    fn first_reply(&self, created: Timestamp) -> Option<SignedDuration> {
        let replies = self.public_comments().filter(|(_, comment)| {
            comment.author_id.is_some_and(|author| self.requester().is_some_and(|requester| requester != author))
        });
        let reply = replies.map(|(at, _)| at.duration_since(created)).min();
        let told = || {
            let minutes = self.metric_set.as_ref()?.reply_time_in_minutes.as_ref()?.calendar?;
            Some(SignedDuration::from_mins(i64::try_from(minutes).ok()?))
        };
        reply.or_else(told).filter(|reply| !reply.is_negative())
    }
}

impl Comment {
    /// What a person saw, as far as the export says.
    fn text(&self) -> Option<String> {
        let html = self.html_body.as_deref().map(html::visible_text);
        html.or_else(|| self.plain_body.clone()).or_else(|| self.body.clone())
    }
}

fn time(text: Option<&str>) -> Option<Timestamp> {
    text?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::stack::teams;

    fn read(value: Value) -> Result<Past, Unusable> {
        Past::read(&serde_json::from_value(value).unwrap(), 1, teams())
    }

    fn ticket() -> Value {
        json!({
            "id": 7, "subject": "Orders do not sync", "status": "solved", "priority": "high", "group_id": 360_001_002,
            "created_at": "2026-09-01T08:00:00Z", "requester_id": 1, "organization_id": 5, "via": { "channel": "email" },
            "organization": { "id": 5, "name": "Acme", "organization_fields": { "mrr": "1200" } },
            "comments": [
                { "id": 12, "author_id": 2, "public": true, "created_at": "2026-09-01T10:30:00Z", "body": "We look into it." },
                { "id": 13, "author_id": 1, "public": true, "created_at": "2026-09-02T08:00:00Z", "body": "We cancel." },
                { "id": 11, "author_id": 1, "public": true, "created_at": "2026-09-01T08:00:00Z",
                  "html_body": "<p>Orders have not synced since <b>Monday</b>.</p>", "body": "hidden" },
            ],
        })
    }

    #[test]
    fn only_what_was_known_at_the_start_is_read() {
        let past = read(ticket()).unwrap();
        assert_eq!(past.row.description.trim(), "Orders have not synced since Monday.");
        assert_eq!((past.row.account.as_str(), past.row.mrr, &*past.row.channel), ("Acme", Some(1200.0), "email"));
        assert_eq!(past.row.labels, Labels::default());
        let reply = SignedDuration::from_mins(150);
        let team = "cipher".parse().ok();
        assert_eq!(past.ended, Ended { priority: Some(Priority::P1), team, first_reply: Some(reply) });
    }

    #[test]
    fn what_is_kept_of_a_ticket_holds_no_later_word() {
        let line: Line = serde_json::from_value(ticket()).unwrap();
        let kept = serde_json::to_string(&line.trimmed()).unwrap();
        assert!(!kept.contains("We cancel") && !kept.contains("look into"), "{kept}");
        assert_eq!(read(serde_json::from_str(&kept).unwrap()), read(ticket()));
    }

    #[test]
    fn comments_are_read_where_the_description_may_mislead() {
        for (fields, needed) in [
            (json!({ "description": "Help", "requester_id": 1, "submitter_id": 1 }), false),
            (json!({ "description": "Help", "requester_id": 1 }), false),
            (json!({ "description": "Help", "requester_id": 1, "submitter_id": 2 }), true),
            (json!({ "description": "Conversation with Ada", "from_messaging_channel": true }), true),
            (json!({ "description": null }), true),
        ] {
            let line: Line = serde_json::from_value(fields.clone()).unwrap();
            assert_eq!(line.needs_comments(), needed, "{fields}");
        }
    }

    #[test]
    fn a_line_that_is_no_customers_ticket_is_named() {
        let without = |field: &str, value: Value| {
            let mut ticket = ticket();
            ticket[field] = value;
            read(ticket).map(|_| ())
        };
        assert_eq!(without("id", json!(null)), Err(Unusable::NoTicket));
        assert_eq!(without("created_at", json!("yesterday")), Err(Unusable::NoTicket));
        assert_eq!(without("status", json!("Deleted")), Err(Unusable::Deleted));
        assert_eq!(without("requester_id", json!(2)), Err(Unusable::ByAgent));
        let empty = json!({ "id": 1, "created_at": "2026-09-01T08:00:00Z", "subject": " ", "comments": null });
        assert_eq!(read(empty).map(|_| ()), Err(Unusable::Empty));
    }

    #[test]
    fn a_group_is_found_by_number_or_name() {
        for (group, team) in [
            (json!({ "group_id": 360_001_001 }), Some("nexus")),
            (json!({ "group": { "name": "compliance & operations" } }), Some("sentinel")),
            (json!({ "group": { "id": "360001002", "name": "Nexus" } }), Some("cipher")),
            (json!({ "group": { "name": "Nexus" } }), Some("nexus")),
            (json!({ "group_id": 9 }), None),
            (json!({}), None),
        ] {
            let mut ticket = json!({ "id": 1, "created_at": "2026-09-01T08:00:00Z", "subject": "x" });
            ticket.as_object_mut().unwrap().extend(group.as_object().unwrap().clone());
            assert_eq!(read(ticket).unwrap().ended.team, team.map(|team| team.parse().unwrap()), "{group}");
        }
    }

    #[test]
    fn strangers_are_accounts_of_their_own() {
        for (fields, account) in [
            (json!({ "requester": { "id": 9, "name": "Ada" } }), "Ada (9)"),
            (json!({ "requester_id": 9 }), "requester 9"),
            (json!({ "organization_id": 5 }), "organisation 5"),
            (json!({}), "requester of #1"),
            (json!({ "organization": { "name": "  " } }), "requester of #1"),
        ] {
            let mut ticket = json!({ "id": 1, "created_at": "2026-09-01T08:00:00Z", "subject": "x" });
            ticket.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            assert_eq!(read(ticket).unwrap().row.account.as_str(), account, "{fields}");
        }
    }

    #[test]
    fn the_first_reply_may_be_told_as_a_metric() {
        let mut ticket = json!({ "id": 1, "created_at": "2026-09-01T08:00:00Z", "description": "x" });
        ticket["metric_set"] = json!({ "reply_time_in_minutes": { "calendar": 90, "business": 30 } });
        assert_eq!(read(ticket).unwrap().ended.first_reply, Some(SignedDuration::from_mins(90)));
    }
}
