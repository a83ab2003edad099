//! The one write, what Zendesk may refuse of it, and what is made good afterwards.

use domain::{
    Change, FieldChanges, GroupId, TicketId, TicketUpdate,
    plan::{Field, Part},
    ports::{Applied, PortError, Updated},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{MOST_PAGES, ZendeskHelpdesk, read::Seen};
use crate::{
    client::{ApiError, Detail, Refusal},
    http::{Method, Request},
    request::{FieldIds, update_request},
    wire::{self, Audit, AuditPage, Mark, TicketAnswer, lenient},
};

/// How often a write is sent with less in it.
const MOST_ROUNDS: usize = 4;
/// Pages of a hundred audits, the newest first, in which a write is looked for. It was made minutes ago.
const LOOKED_THROUGH: usize = 5;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Memberships {
    #[serde(deserialize_with = "lenient::list")]
    group_memberships: Vec<Membership>,
}

#[derive(Deserialize)]
struct Membership {
    #[serde(default, deserialize_with = "lenient::number")]
    group_id: Option<u64>,
}

/// What became of a write that is looked for.
#[derive(Default)]
struct Trace {
    mark: Option<Mark>,
    /// The comment that came out public against our word.
    exposed: Option<u64>,
    /// Comments that were made private since.
    hidden: Vec<u64>,
}

impl ZendeskHelpdesk {
    pub(super) async fn write(&self, update: &TicketUpdate, fields: &FieldIds) -> Result<Updated, PortError> {
        let Some(seen) = self.seen(update, fields).await? else { return Ok(Updated::NotFound) };
        if seen.stamp != update.updated_stamp {
            return Ok(Updated::Conflict);
        }
        if seen.closed {
            return Ok(Updated::Gone);
        }
        let mut draft = Draft::new(update, fields);
        if seen.foreign_intent && update.changes.opportunity_intent != Change::Keep {
            draft.leave_out(&[Part::Field(Field::OpportunityIntent)]);
        }
        self.settle_group(&mut draft, &seen).await?;
        for round in 1.. {
            if draft.is_empty() {
                break;
            }
            match self.client.call::<TicketAnswer>(draft.request()).await {
                Ok(answer) => return self.applied(draft, answer).await.map(Updated::Applied),
                Err(ApiError::Invalid(refusal)) => {
                    if self.is_closed(update.ticket, &refusal).await? {
                        return Ok(Updated::Gone);
                    }
                    tracing::warn!(refusal = %refusal, round, "Zendesk refused a part of an update.");
                    if round >= MOST_ROUNDS {
                        draft.leave_out_all();
                    } else {
                        draft.reduce(&refusal);
                    }
                }
                Err(ApiError::Conflict) => return Ok(Updated::Conflict),
                Err(ApiError::Gone) => return Ok(Updated::Gone),
                Err(ApiError::NotFound { .. }) => return Ok(Updated::NotFound),
                // Written, and the answer lost on its way: the audits have it.
                Err(error @ (ApiError::Unreadable(_) | ApiError::Missing(_))) => {
                    let found = self.find_write(update.ticket, &update.marker).await?;
                    return found.map(Updated::Applied).ok_or_else(|| error.into());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Updated::Applied(Applied { refused: draft.refused, exposed: false }))
    }

    /// What was seen when the ticket was read for this update; read again by a process that did not.
    async fn seen(&self, update: &TicketUpdate, fields: &FieldIds) -> Result<Option<Seen>, PortError> {
        let kept = self.remembered().seen.get(&update.ticket).cloned();
        if let Some(seen) = kept.filter(|seen| seen.stamp == update.updated_stamp) {
            return Ok(Some(seen));
        }
        let answer = self.answer(update.ticket).await?;
        Ok(answer.map(|answer| Seen::of(&answer.ticket, fields)))
    }

    /// An assignee and a group go together: Zendesk takes a ticket from somebody who is not in its new group. Whoever has
    /// it keeps it: the group is said with its assignee where he is in it, and left alone where he is not.
    async fn settle_group(&self, draft: &mut Draft<'_>, seen: &Seen) -> Result<(), PortError> {
        let (Change::Set(group), Some(assignee)) = (draft.update.changes.group, seen.assignee) else { return Ok(()) };
        if draft.update.before.group == Some(group) || self.is_member(assignee, group).await? {
            draft.assignee = Some(assignee);
        } else {
            draft.leave_out(&[Part::Field(Field::Group)]);
        }
        Ok(())
    }

    /// Where it cannot be read, nobody is.
    async fn is_member(&self, user: u64, group: GroupId) -> Result<bool, ApiError> {
        let path = format!("/api/v2/users/{user}/group_memberships.json?page[size]=100");
        match self.client.get::<Memberships>(&path).await {
            Ok(found) => Ok(found.group_memberships.iter().any(|one| one.group_id == Some(group.0))),
            Err(ApiError::Forbidden { .. } | ApiError::NotFound { .. } | ApiError::Refused { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A refused status may be ours, or that of a ticket that was closed in between; only the ticket says which.
    async fn is_closed(&self, id: TicketId, refusal: &Refusal) -> Result<bool, ApiError> {
        let status = refusal.details.iter().any(|detail| {
            detail.key == "status" || detail.key == "base" || detail.ticket_field_type.as_deref() == Some("FieldStatus")
        });
        if !status && !refusal.details.is_empty() {
            return Ok(false);
        }
        let answer = self.answer(id).await?;
        Ok(answer.is_some_and(|answer| Seen::of(&answer.ticket, &FieldIds::default()).closed))
    }

    /// A write that was answered. An answer without our comment in it says nothing of it, so the audits are asked.
    async fn applied(&self, draft: Draft<'_>, answer: TicketAnswer) -> Result<Applied, PortError> {
        self.remembered().seen.remove(&draft.update.ticket);
        let Some(public) = draft.comment_is_public() else {
            return Ok(Applied { refused: draft.refused, exposed: false });
        };
        let comments = answer.audit.iter().flat_map(Audit::comments);
        let said: Vec<&wire::Comment> = comments.collect();
        if said.is_empty() {
            let found = self.find_write(draft.update.ticket, &draft.update.marker).await?;
            let exposed = found.is_some_and(|found| found.exposed);
            return Ok(Applied { refused: draft.refused, exposed });
        }
        let exposed = said.iter().find(|comment| !public && comment.public == Some(true));
        if let Some(comment) = exposed {
            self.make_private(draft.update.ticket, comment.id).await?;
        }
        Ok(Applied { refused: draft.refused, exposed: exposed.is_some() })
    }

    async fn make_private(&self, ticket: TicketId, comment: Option<u64>) -> Result<(), ApiError> {
        let comment = comment.ok_or(ApiError::Missing("audit.events.id"))?;
        let path = format!("/api/v2/tickets/{}/comments/{comment}/make_private", ticket.number());
        self.client.send(Request::new(Method::Put, path)).await.map(|_| ())
    }

    /// Looks for a write by its marker, and makes its note private if it came out public.
    pub(super) async fn find_write(&self, id: TicketId, marker: &str) -> Result<Option<Applied>, PortError> {
        let list = format!("/api/v2/tickets/{}/audits.json?sort=-created_at&page[size]=100", id.number());
        let mut path = list.clone();
        let mut trace = Trace::default();
        let mut pages = LOOKED_THROUGH;
        let mut read = 0;
        while read < pages {
            let page: AuditPage = match self.client.get(&path).await {
                Err(ApiError::NotFound { .. } | ApiError::Gone) => return Ok(None),
                page => page?,
            };
            read += 1;
            // The order is not promised. Oldest first, the write is on the last page.
            if is_ascending(&page.audits) {
                pages = MOST_PAGES;
            }
            page.audits.iter().for_each(|audit| trace.follow(audit, marker));
            match wire::next_page(&list, page.meta.as_ref()) {
                Some(next) if next != path && (trace.mark.is_none() || pages == MOST_PAGES) => path = next,
                Some(_) | None => break,
            }
        }
        let Some(mark) = &trace.mark else { return Ok(None) };
        let exposed = trace.exposed.filter(|comment| !trace.hidden.contains(comment));
        if exposed.is_some() {
            self.make_private(id, exposed).await?;
        }
        let refused = mark.without.iter().filter_map(|name| part(name)).collect();
        Ok(Some(Applied { refused, exposed: trace.exposed.is_some() }))
    }
}

/// Zendesk's ids rise with time.
fn is_ascending(audits: &[Audit]) -> bool {
    let (first, last) = (audits.first().and_then(|audit| audit.id), audits.last().and_then(|audit| audit.id));
    first.zip(last).is_some_and(|(first, last)| first < last)
}

impl Trace {
    fn follow(&mut self, audit: &Audit, marker: &str) {
        let privacy = audit.events.iter().filter(|event| event.kind.as_deref() == Some("CommentPrivacyChange"));
        self.hidden.extend(privacy.filter(|event| event.public == Some(false)).filter_map(|event| event.comment_id));
        let Some(metadata) = &audit.metadata else { return };
        let marks = metadata.custom.iter().chain([&metadata.direct]);
        let Some(mark) = marks.into_iter().find(|mark| mark.marker.as_deref() == Some(marker)) else { return };
        if mark.public == Some(false) {
            let exposed = audit.comments().find(|comment| comment.public == Some(true));
            self.exposed = exposed.and_then(|comment| comment.id).or(self.exposed);
        }
        self.mark = Some(mark.clone());
    }
}

/// An update with what is left of it.
struct Draft<'a> {
    update: TicketUpdate,
    whole: &'a TicketUpdate,
    fields: &'a FieldIds,
    assignee: Option<u64>,
    refused: Vec<Part>,
    tags: bool,
    /// The comment was left out on suspicion.
    suspected: bool,
}

impl<'a> Draft<'a> {
    fn new(whole: &'a TicketUpdate, fields: &'a FieldIds) -> Self {
        let update = whole.clone();
        Self { update, whole, fields, assignee: None, refused: Vec::new(), tags: true, suspected: false }
    }

    /// The request of [`update_request`], with what only its sender knows.
    fn request(&self) -> Request {
        let mut request = update_request(&self.update, self.fields);
        let ticket = request.body.as_mut().and_then(|body| body.get_mut("ticket")).and_then(Value::as_object_mut);
        if let Some(ticket) = ticket {
            if !self.tags {
                ticket.remove("tags");
            }
            if let (Some(assignee), Change::Set(_)) = (self.assignee, self.update.changes.group) {
                ticket.insert("assignee_id".to_owned(), json!(assignee));
            }
            if let Some(metadata) = ticket.get_mut("metadata").and_then(Value::as_object_mut)
                && !self.refused.is_empty()
            {
                let names: Vec<&str> = self.refused.iter().map(|part| part.name()).collect();
                metadata.insert("without".to_owned(), json!(names.join(" ")));
            }
        }
        request
    }

    fn comment_is_public(&self) -> Option<bool> {
        self.update.comment.as_ref().map(|comment| comment.public)
    }

    /// The parts there are to leave out.
    fn parts(&self) -> Vec<Part> {
        let FieldChanges { priority, group, guardian_risk_score, opportunity_intent, agent } = &self.update.changes;
        let ids = self.fields;
        let parts = [
            (matches!(priority, Change::Set(_)), Part::Field(Field::Priority)),
            (matches!(group, Change::Set(_)), Part::Field(Field::Group)),
            (
                *guardian_risk_score != Change::Keep && ids.guardian_risk_score.is_some(),
                Part::Field(Field::GuardianRiskScore),
            ),
            (
                *opportunity_intent != Change::Keep && ids.opportunity_intent.is_some(),
                Part::Field(Field::OpportunityIntent),
            ),
            (*agent != Change::Keep && ids.agent_id.is_some(), Part::Field(Field::AgentId)),
            (self.tags, Part::Tags),
            (self.update.pending, Part::Status),
            (self.update.comment.is_some(), Part::Comment),
        ];
        parts.into_iter().filter(|(there, _)| *there).map(|(_, part)| part).collect()
    }

    fn is_empty(&self) -> bool {
        self.parts().is_empty()
    }

    fn leave_out(&mut self, parts: &[Part]) {
        let changes = &mut self.update.changes;
        for part in parts {
            match part {
                Part::Field(Field::Priority) => changes.priority = Change::Keep,
                Part::Field(Field::Group) => changes.group = Change::Keep,
                Part::Field(Field::GuardianRiskScore) => changes.guardian_risk_score = Change::Keep,
                Part::Field(Field::OpportunityIntent) => changes.opportunity_intent = Change::Keep,
                Part::Field(Field::AgentId) => changes.agent = Change::Keep,
                Part::Tags => self.tags = false,
                Part::Status => self.update.pending = false,
                Part::Comment => self.update.comment = None,
            }
            if !self.refused.contains(part) {
                self.refused.push(*part);
            }
        }
    }

    fn leave_out_all(&mut self) {
        let parts = self.parts();
        self.leave_out(&parts);
    }

    /// Without what the refusal names. Where it names nothing of ours, without what is most often to blame: a status
    /// that needs other fields filled, then a comment too many, then any of the fields.
    fn reduce(&mut self, refusal: &Refusal) {
        let there = self.parts();
        let named: Vec<Part> = refusal.details.iter().flat_map(|detail| blamed(detail, self.fields)).collect();
        let named: Vec<Part> = there.iter().copied().filter(|part| named.contains(part)).collect();
        if !named.is_empty() {
            self.leave_out(&named);
        } else if there.contains(&Part::Status) {
            self.leave_out(&[Part::Status]);
        } else if there.contains(&Part::Comment) && !self.suspected && there.len() > 1 {
            self.suspected = true;
            self.leave_out(&[Part::Comment]);
        } else {
            let fields: Vec<Part> = there.iter().copied().filter(|part| matches!(part, Part::Field(_))).collect();
            if fields.is_empty() {
                return self.leave_out_all();
            }
            self.leave_out(&fields);
            if self.suspected && self.update.comment.is_none() {
                self.update.comment.clone_from(&self.whole.comment);
                self.refused.retain(|part| *part != Part::Comment);
            }
        }
    }
}

/// The parts of an update that a detail of a refusal is about.
fn blamed(detail: &Detail, fields: &FieldIds) -> Vec<Part> {
    let custom = [
        (fields.guardian_risk_score, Field::GuardianRiskScore),
        (fields.opportunity_intent, Field::OpportunityIntent),
        (fields.agent_id, Field::AgentId),
    ];
    if let Some(id) = detail.ticket_field_id
        && let Some((_, field)) = custom.iter().find(|(ours, _)| *ours == Some(id))
    {
        return vec![Part::Field(*field)];
    }
    let kind = match detail.ticket_field_type.as_deref() {
        Some("FieldAssignee" | "FieldGroup") => "group",
        Some("FieldPriority") => "priority",
        Some("FieldStatus" | "FieldCustomStatus") => "status",
        Some("FieldDescription" | "FieldComment") => "comment",
        _ => detail.key.as_str(),
    };
    match kind {
        "priority" | "priority_id" => vec![Part::Field(Field::Priority)],
        "group" | "group_id" | "assignee" | "assignee_id" => vec![Part::Field(Field::Group)],
        "status" | "status_id" | "custom_status_id" => vec![Part::Status],
        "comment" | "comments" | "description" | "body" | "html_body" => vec![Part::Comment],
        "tags" | "current_tags" | "set_tags" | "taggings" => vec![Part::Tags],
        "custom_fields" | "fields" | "ticket_field_entries" => {
            custom.iter().filter(|(id, _)| id.is_some()).map(|(_, field)| Part::Field(*field)).collect()
        }
        _ => Vec::new(),
    }
}

/// A part by the name it has in the metadata.
fn part(name: &str) -> Option<Part> {
    match name {
        "tags" => Some(Part::Tags),
        "status" => Some(Part::Status),
        "comment" => Some(Part::Comment),
        field => field.parse().ok().map(Part::Field),
    }
}
