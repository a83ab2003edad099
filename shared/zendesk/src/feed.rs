//! What changed in a Zendesk, page by page, for whoever must find what no event told of.

use std::collections::HashMap;

use async_trait::async_trait;
use domain::{
    TicketId, Version,
    ports::{Changed, Changes, Feed, PortError, Stretch, feed::PAGE},
};
use jiff::Timestamp;
use serde::Deserialize;

use crate::{
    client::{ApiError, Client},
    wire::{CommentPage, Meta, lenient},
};

const SERVICE: &str = "Zendesk";
/// A ticket of such a status is written no more.
const CLOSED: [&str; 2] = ["closed", "deleted"];

/// How changed tickets are asked for.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum FeedMode {
    /// The ticket list, newest change first: any agent may read it, and sees the tickets that his role lets him see.
    #[default]
    List,
    /// The incremental export: administrators only, with every ticket, also the deleted.
    Export,
}

/// The tickets of one Zendesk by their changes.
#[derive(Clone, Debug)]
pub struct ZendeskFeed {
    client: Client,
    mode: FeedMode,
}

/// A page of either kind.
#[derive(Default, Debug, Deserialize)]
#[serde(default)]
struct TicketPage {
    #[serde(deserialize_with = "lenient::list")]
    tickets: Vec<Item>,
    #[serde(deserialize_with = "lenient::list")]
    metric_sets: Vec<MetricSet>,
    /// Of the list.
    #[serde(deserialize_with = "lenient::object")]
    meta: Option<Meta>,
    /// Of the export.
    #[serde(deserialize_with = "lenient::text")]
    after_cursor: Option<String>,
    #[serde(deserialize_with = "lenient::flag")]
    end_of_stream: Option<bool>,
}

/// A ticket, as far as it tells of changes.
#[derive(Clone, Default, Debug, Deserialize)]
#[serde(default)]
struct Item {
    #[serde(deserialize_with = "lenient::number")]
    id: Option<u64>,
    #[serde(deserialize_with = "lenient::text")]
    status: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    created_at: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    updated_at: Option<String>,
    /// Side-loaded sets come inside the ticket or beside the tickets.
    #[serde(deserialize_with = "lenient::object")]
    metric_set: Option<MetricSet>,
}

/// Who did something last, and when.
#[derive(Clone, Default, Debug, Deserialize)]
#[serde(default)]
struct MetricSet {
    #[serde(deserialize_with = "lenient::number")]
    ticket_id: Option<u64>,
    #[serde(deserialize_with = "lenient::text")]
    requester_updated_at: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    latest_comment_added_at: Option<String>,
}

impl ZendeskFeed {
    #[must_use]
    pub fn new(client: Client, mode: FeedMode) -> Self {
        Self { client, mode }
    }

    /// The export names a ticket whenever it was touched, also in ways that its `updated_at` does not show.
    async fn exported(&self, stretch: &Stretch) -> Result<(TicketPage, Option<String>), PortError> {
        let from = match &stretch.page {
            None => format!("start_time={}", stretch.since.as_second()),
            Some(cursor) => format!("cursor={}", escaped(cursor)),
        };
        let path = format!("/api/v2/incremental/tickets/cursor.json?{from}&per_page={PAGE}&include=metric_sets");
        let page: TicketPage = self.client.get(&path).await.map_err(export_error)?;
        // A cursor that leads to itself is an end too: Zendesk has been seen to hand out such.
        let next = match page.end_of_stream {
            Some(true) => None,
            Some(false) | None => page.after_cursor.clone().filter(|next| Some(next) != stretch.page.as_ref()),
        };
        Ok((page, next))
    }

    /// The list comes with the newest change first and is walked down to where the stretch begins.
    async fn listed(&self, stretch: &Stretch) -> Result<(TicketPage, Option<String>), PortError> {
        let from = stretch.page.as_ref().map(|cursor| format!("&page[after]={}", escaped(cursor))).unwrap_or_default();
        let path = format!("/api/v2/tickets.json?sort=-updated_at&page[size]={PAGE}{from}&include=metric_sets");
        let page: TicketPage = self.client.get(&path).await?;
        let changes: Vec<Timestamp> = page.tickets.iter().filter_map(|item| time(item.updated_at.as_deref())).collect();
        if !changes.is_sorted_by(|newer, older| newer >= older) {
            let cause = "the ticket list does not come with the newest change first; set Sweep to export, with an \
                         administrator's credentials";
            return Err(PortError::permanent(SERVICE, cause));
        }
        let meta = page.meta.clone().unwrap_or_default();
        let next = match (meta.has_more, changes.last()) {
            (Some(true), Some(oldest)) if *oldest >= stretch.since => meta.after_cursor,
            _ => None,
        };
        Ok((page, next))
    }

    /// The sets that a page came without.
    async fn metric_sets(&self, tickets: &[TicketId]) -> Result<Vec<MetricSet>, PortError> {
        let ids: Vec<String> = tickets.iter().map(|ticket| ticket.number().to_string()).collect();
        let path = format!("/api/v2/tickets/show_many.json?ids={}&include=metric_sets", ids.join(","));
        let page: TicketPage = self.client.get(&path).await?;
        Ok(page.all_metric_sets())
    }
}

impl TicketPage {
    fn all_metric_sets(self) -> Vec<MetricSet> {
        let inside = self.tickets.into_iter().filter_map(|item| {
            let set = item.metric_set?;
            Some(MetricSet { ticket_id: set.ticket_id.or(item.id), ..set })
        });
        inside.chain(self.metric_sets).collect()
    }
}

#[async_trait]
impl Feed for ZendeskFeed {
    async fn changes(&self, stretch: &Stretch) -> Result<Changes, PortError> {
        let (page, next) = match self.mode {
            FeedMode::List => self.listed(stretch).await?,
            FeedMode::Export => self.exported(stretch).await?,
        };
        let mut changed: Vec<Changed> = page.tickets.iter().filter_map(Item::changed).collect();
        if self.mode == FeedMode::List {
            changed.retain(|changed| changed.updated_at >= stretch.since);
        }
        changed.truncate(PAGE);
        let mut sets = page.all_metric_sets();
        let open: Vec<TicketId> =
            changed.iter().filter(|changed| !changed.closed).map(|changed| changed.ticket).collect();
        if sets.is_empty() && !open.is_empty() {
            sets = self.metric_sets(&open).await?;
        }
        let sets: HashMap<u64, MetricSet> = sets.into_iter().filter_map(|set| Some((set.ticket_id?, set))).collect();
        for changed in &mut changed {
            if let Some(set) = sets.get(&changed.ticket.number()) {
                changed.customer_at = time(set.requester_updated_at.as_deref());
                changed.commented_at = time(set.latest_comment_added_at.as_deref());
            }
        }
        Ok(Changes { changed, next })
    }

    async fn newest_customer_comment(&self, ticket: TicketId) -> Result<Option<Version>, PortError> {
        let ticket = ticket.number();
        let path = format!("/api/v2/tickets/{ticket}/comments.json?include=users&sort=-created_at&page[size]=100");
        let page: CommentPage = match self.client.get(&path).await {
            Ok(page) => page,
            Err(ApiError::NotFound { .. } | ApiError::Gone) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let staff: Vec<u64> = page.users.iter().filter(|user| user.is_staff()).filter_map(|user| user.id).collect();
        let by_customer = page.comments.iter().filter(|comment| {
            comment.public != Some(false) && comment.author_id.is_some_and(|author| !staff.contains(&author))
        });
        Ok(by_customer.filter_map(|comment| comment.id).max().map(Version))
    }
}

impl Item {
    /// None for a ticket without number or times, which there is nothing to be done about.
    fn changed(&self) -> Option<Changed> {
        let updated_at = time(self.updated_at.as_deref())?;
        Some(Changed {
            ticket: TicketId::new(self.id?).ok()?,
            created_at: time(self.created_at.as_deref()).unwrap_or(updated_at),
            updated_at,
            customer_at: None,
            commented_at: None,
            closed: self.status.as_deref().is_some_and(|status| CLOSED.contains(&status.to_lowercase().as_str())),
        })
    }
}

/// Whose export is refused needs another role, or the other mode.
fn export_error(error: ApiError) -> PortError {
    match error {
        ApiError::Forbidden { .. } => {
            let cause =
                "403: only administrators may use the incremental export; set Sweep to list, or make the bot one";
            PortError::denied(SERVICE, cause)
        }
        error => error.into(),
    }
}

fn time(text: Option<&str>) -> Option<Timestamp> {
    text?.parse().ok()
}

/// A value of a query: whatever is not a plain letter or digit as `%XX`.
#[must_use]
pub fn escaped(value: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    value.bytes().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::ports::told;
    use futures::executor::block_on;
    use jiff::SignedDuration;
    use serde_json::{Value, json};

    use super::*;
    use crate::script::{Script, answer, client};

    const LIST: &str = "GET /api/v2/tickets.json?sort=-updated_at&page[size]=100";

    fn at(minutes: i64) -> Timestamp {
        domain::sample::now() + SignedDuration::from_mins(minutes)
    }

    fn ticket(id: u64, minute: i64) -> Value {
        json!({ "id": id, "status": "open", "created_at": at(0).to_string(), "updated_at": at(minute).to_string() })
    }

    fn set(id: u64, requester: i64, comment: i64) -> Value {
        json!({
            "ticket_id": id,
            "requester_updated_at": at(requester).to_string(),
            "latest_comment_added_at": at(comment).to_string(),
        })
    }

    async fn changes(script: &Arc<Script>, mode: FeedMode, page: Option<&str>) -> Result<Changes, PortError> {
        let stretch = Stretch { since: at(10), page: page.map(str::to_owned) };
        let changes = ZendeskFeed::new(client(script), mode).changes(&stretch).await;
        script.seen();
        changes
    }

    fn numbers(changes: &Changes) -> Vec<u64> {
        changes.changed.iter().map(|changed| changed.ticket.number()).collect()
    }

    #[test]
    fn the_list_is_walked_down_to_the_beginning() {
        block_on(async {
            let script = Script::new();
            let page = |tickets: Value, more: bool| json!({ "tickets": tickets, "metric_sets": [set(3, 30, 31)], "meta": { "has_more": more, "after_cursor": "abc==" } });
            script.expect(
                &format!("{LIST}&include=metric_sets"),
                answer(200, page(json!([ticket(3, 31), ticket(2, 20)]), true)),
            );
            let first = changes(&script, FeedMode::List, None).await.unwrap();
            assert_eq!((numbers(&first), first.next.as_deref()), (vec![3, 2], Some("abc==")));
            assert_eq!((first.changed[0].customer_at, first.changed[0].commented_at), (Some(at(30)), Some(at(31))));
            let second = format!("{LIST}&page[after]=abc%3D%3D&include=metric_sets");
            script.expect(&second, answer(200, page(json!([ticket(3, 12), ticket(1, 9)]), true)));
            let second = changes(&script, FeedMode::List, first.next.as_deref()).await.unwrap();
            assert_eq!((numbers(&second), second.next), (vec![3], None), "the last changed before");
        });
    }

    #[test]
    fn sets_that_did_not_come_are_asked_for() {
        block_on(async {
            let script = Script::new();
            let closed = json!({ "id": 3, "status": "closed", "updated_at": at(15).to_string() });
            let page = json!({ "tickets": [ticket(1, 20), closed], "meta": { "has_more": false } });
            script.expect(&format!("{LIST}&include=metric_sets"), answer(200, page));
            let inside = json!({ "id": 1, "metric_set": { "requester_updated_at": at(19).to_string() } });
            let many = "GET /api/v2/tickets/show_many.json?ids=1&include=metric_sets";
            script.expect(many, answer(200, json!({ "tickets": [inside] })));
            let changes = changes(&script, FeedMode::List, None).await.unwrap();
            assert_eq!(changes.changed[0].customer_at, Some(at(19)));
            assert!(changes.changed[1].closed && changes.changed[1].customer_at.is_none());
        });
    }

    #[test]
    fn a_list_in_another_order_is_no_feed() {
        block_on(async {
            let script = Script::new();
            let page =
                json!({ "tickets": [ticket(1, 20), ticket(2, 21)], "meta": { "has_more": true, "after_cursor": "x" } });
            script.expect(&format!("{LIST}&include=metric_sets"), answer(200, page));
            let error = changes(&script, FeedMode::List, None).await.unwrap_err();
            assert!(told(&error).contains("set Sweep to export"), "{}", told(&error));
        });
    }

    #[test]
    fn the_export_goes_on_until_its_stream_ends() {
        block_on(async {
            let script = Script::new();
            let start = format!("start_time={}", at(10).as_second());
            let path = |from: &str| {
                format!("GET /api/v2/incremental/tickets/cursor.json?{from}&per_page=100&include=metric_sets")
            };
            let inside = |id, minute| {
                let mut ticket = ticket(id, minute);
                ticket["metric_set"] = set(id, minute, minute);
                ticket
            };
            let page =
                |ticket: Value, end: bool| json!({ "tickets": [ticket], "after_cursor": "MTc=", "end_of_stream": end });
            script.expect(&path(&start), answer(200, page(inside(1, 20), false)));
            let first = changes(&script, FeedMode::Export, None).await.unwrap();
            assert_eq!((numbers(&first), first.next.as_deref()), (vec![1], Some("MTc=")));
            assert_eq!(first.changed[0].customer_at, Some(at(20)));
            script.expect(&path("cursor=MTc%3D"), answer(200, page(inside(2, 5), true)));
            let second = changes(&script, FeedMode::Export, Some("MTc=")).await.unwrap();
            assert_eq!((numbers(&second), second.next), (vec![2], None), "touched in a way its own time does not show");
            script.expect(&path("cursor=MTc%3D"), answer(200, page(inside(2, 20), false)));
            assert_eq!(
                changes(&script, FeedMode::Export, Some("MTc=")).await.unwrap().next,
                None,
                "a cursor to itself"
            );
        });
    }

    #[test]
    fn an_agents_export_names_the_fix() {
        block_on(async {
            let script = Script::new();
            let start = at(10).as_second();
            let path = format!(
                "GET /api/v2/incremental/tickets/cursor.json?start_time={start}&per_page=100&include=metric_sets"
            );
            script.expect(&path, answer(403, json!({ "error": "Forbidden" })));
            let error = changes(&script, FeedMode::Export, None).await.unwrap_err();
            assert!(matches!(error, PortError::Denied { .. }));
            assert!(told(&error).contains("set Sweep to list"), "{}", told(&error));
        });
    }

    #[test]
    fn odd_tickets_are_left_out() {
        block_on(async {
            let script = Script::new();
            let tickets = json!([
                null,
                { "id": "7", "updated_at": at(21).to_string(), "status": null },
                { "id": 0, "updated_at": at(20).to_string() },
                { "id": 8, "updated_at": "yesterday" },
                { "id": 9, "updated_at": null },
            ]);
            script.expect(&format!("{LIST}&include=metric_sets"), answer(200, json!({ "tickets": tickets })));
            let many = "GET /api/v2/tickets/show_many.json?ids=7&include=metric_sets";
            script.expect(many, answer(200, json!({ "tickets": null, "metric_sets": null })));
            let changes = changes(&script, FeedMode::List, None).await.unwrap();
            assert_eq!((numbers(&changes), changes.next), (vec![7], None));
        });
    }

    #[test]
    fn the_newest_public_word_of_no_agent_counts() {
        block_on(async {
            let comment =
                |id: u64, author: u64, public: bool| json!({ "id": id, "author_id": author, "public": public });
            let users =
                json!([{ "id": 1, "role": "end-user" }, { "id": 2, "role": "agent" }, { "id": 3, "role": "admin" }]);
            for (comments, newest) in [
                (json!([comment(30, 2, true), comment(20, 1, true), comment(10, 1, true)]), Some(20)),
                (json!([comment(30, 1, false), comment(10, 1, true)]), Some(10)),
                (json!([comment(30, 4, true), comment(10, 1, true)]), Some(30)),
                (json!([comment(30, 3, true)]), None),
                (json!([]), None),
            ] {
                let script = Script::new();
                let path = "GET /api/v2/tickets/7/comments.json?include=users&sort=-created_at&page[size]=100";
                script.expect(path, answer(200, json!({ "comments": comments, "users": users })));
                let feed = ZendeskFeed::new(client(&script), FeedMode::List);
                let found = feed.newest_customer_comment(domain::sample::ticket_id(7)).await.unwrap();
                assert_eq!(found, newest.map(Version), "{comments}");
            }
        });
    }
}
