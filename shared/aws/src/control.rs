//! Counters, leases, cursors and conversations in the table `control`, one conditional write each.
//!
//! | `pk` | attributes |
//! |---|---|
//! | `COUNT#<counter>` | `used_amount` |
//! | `LEASE#<work>` | `held_by`, `held_until`, `taken_by` |
//! | `CURSOR#<name>` | `cursor_text`, `cursor_revision`; never expires |
//! | `THREAD#<channel>/<account>`, `THREAD#<channel>/outage#<team>/<topic>` | `thread_json`: a conversation in a chat |
//! | `CONVERSATION#<name>` | `conversation_json`, `conversation_revision`, `conversation_until`: one by mail; none of them once it is erased |

use async_trait::async_trait;
use domain::{
    Conversation,
    ports::{Control, Conversations, Count, Cursor, Cursors, Fenced, Leased, Moved, PortError, Thread, Threads},
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    Sdk,
    failure::{sort, unreadable},
    item::{
        EXPIRES, SERVICE, Written, expiry, json, moment, number, one_of_set, read_json, read_moment, read_number,
        read_text, set_size, text, update,
    },
};

/// Who held a lease since it was last given back.
const TAKERS: &str = "taken_by";
const CURSOR: &str = "cursor_text";
const REVISION: &str = "cursor_revision";
const THREAD: &str = "thread_json";
const CONVERSATION: &str = "conversation_json";
/// A lease that ran out is remembered for its next owner, who comes with the next schedule.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);

#[derive(Clone, Debug)]
pub struct ControlTable {
    client: aws_sdk_dynamodb::Client,
    table: String,
}

impl ControlTable {
    #[must_use]
    pub fn new(sdk: &Sdk, table: String) -> Self {
        Self { client: sdk.dynamodb(), table }
    }

    fn update(&self, pk: String) -> aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder {
        self.client.update_item().table_name(&self.table).key("pk", text(pk))
    }
}

fn lease_key(work: &str) -> String {
    format!("LEASE#{work}")
}

fn cursor_key(name: &str) -> String {
    format!("CURSOR#{name}")
}

fn thread_key(name: &str) -> String {
    format!("THREAD#{name}")
}

fn conversation_key(name: &str) -> String {
    format!("CONVERSATION#{name}")
}

fn counter_key(counter: &str) -> String {
    format!("COUNT#{counter}")
}

#[async_trait]
impl Control for ControlTable {
    /// A retry after a lost answer may count twice: the limit then errs on the careful side.
    async fn count(&self, counter: &str, amount: u64, limit: u64, expires: Timestamp) -> Result<Count, PortError> {
        let Some(room) = limit.checked_sub(amount) else { return Ok(Count::Over) };
        let request = self
            .update(counter_key(counter))
            .update_expression(format!("SET {EXPIRES} = :expires ADD used_amount :amount"))
            .condition_expression("attribute_not_exists(used_amount) OR used_amount <= :room")
            .expression_attribute_values(":amount", number(amount))
            .expression_attribute_values(":room", number(room))
            .expression_attribute_values(":expires", expiry(expires));
        Ok(match update(request).await? {
            Written::Done(item) => {
                Count::Within { used: u64::try_from(read_number(&item, "used_amount")?).unwrap_or(u64::MAX) }
            }
            Written::Refused(_) => Count::Over,
        })
    }

    async fn uncount(&self, counter: &str, amount: u64) -> Result<(), PortError> {
        let subtract = self
            .update(counter_key(counter))
            .update_expression("SET used_amount = used_amount - :amount")
            .condition_expression("used_amount >= :amount")
            .expression_attribute_values(":amount", number(amount));
        if let Written::Refused(item) = update(subtract).await?
            && !item.is_empty()
        {
            let clear = self
                .update(counter_key(counter))
                .update_expression("SET used_amount = :zero")
                .condition_expression("used_amount < :amount")
                .expression_attribute_values(":zero", number(0))
                .expression_attribute_values(":amount", number(amount));
            update(clear).await?;
        }
        Ok(())
    }

    async fn lease(&self, work: &str, owner: &str, now: Timestamp, until: Timestamp) -> Result<Leased, PortError> {
        let request = self
            .update(lease_key(work))
            .update_expression(format!(
                "SET held_by = :me, held_until = :until, {EXPIRES} = :expires ADD {TAKERS} :taker"
            ))
            .condition_expression("attribute_not_exists(held_by) OR held_until <= :now OR held_by = :me")
            .expression_attribute_values(":me", text(owner))
            .expression_attribute_values(":taker", one_of_set(owner))
            .expression_attribute_values(":until", moment(until))
            .expression_attribute_values(":now", moment(now))
            .expression_attribute_values(":expires", expiry(until + REMEMBERED));
        Ok(match update(request).await? {
            Written::Done(item) => Leased::Mine { taken_over: set_size(&item, TAKERS) > 1 },
            Written::Refused(item) => Leased::Theirs { until: read_moment(&item, "held_until")? },
        })
    }

    async fn release(&self, work: &str, owner: &str) -> Result<(), PortError> {
        let request = self
            .update(lease_key(work))
            .update_expression(format!("REMOVE held_by, held_until, {TAKERS}"))
            .condition_expression("held_by = :me")
            .expression_attribute_values(":me", text(owner));
        update(request).await?;
        Ok(())
    }
}

#[async_trait]
impl Cursors for ControlTable {
    async fn get(&self, name: &str) -> Result<Option<Cursor>, PortError> {
        let request = self.client.get_item().table_name(&self.table).key("pk", text(cursor_key(name)));
        // Read as it was last written: a run that went on from an older place would do the last one's work again.
        let output = request.consistent_read(true).send().await.map_err(|error| sort(SERVICE, error))?;
        let Some(item) = output.item else { return Ok(None) };
        let revision = u64::try_from(read_number(&item, REVISION)?).map_err(|_| unreadable(SERVICE, REVISION))?;
        Ok(Some(Cursor { text: read_text(&item, CURSOR)?.to_owned(), revision }))
    }

    async fn set(&self, name: &str, cursor: &str, read: Option<u64>) -> Result<Moved, PortError> {
        let revision = read.unwrap_or(0) + 1;
        let request = self
            .update(cursor_key(name))
            .update_expression(format!("SET {CURSOR} = :text, {REVISION} = :revision"))
            .expression_attribute_values(":text", text(cursor))
            .expression_attribute_values(":revision", number(revision));
        let again = format!("({REVISION} = :revision AND {CURSOR} = :text)");
        let request = match read {
            None => request.condition_expression(format!("attribute_not_exists(pk) OR {again}")),
            Some(read) => request
                .condition_expression(format!("{REVISION} = :read OR {again}"))
                .expression_attribute_values(":read", number(read)),
        };
        Ok(match update(request).await? {
            Written::Done(_) => Moved::Written,
            Written::Refused(_) => Moved::Overtaken,
        })
    }
}

#[async_trait]
impl Threads for ControlTable {
    async fn thread(&self, name: &str, now: Timestamp) -> Result<Option<Thread>, PortError> {
        let request = self.client.get_item().table_name(&self.table).key("pk", text(thread_key(name)));
        let output = request.consistent_read(true).send().await.map_err(|error| sort(SERVICE, error))?;
        let Some(item) = output.item else { return Ok(None) };
        let thread: Thread = read_json(&item, THREAD)?;
        Ok(Some(thread).filter(|thread| thread.until > now))
    }

    async fn keep(&self, name: &str, thread: &Thread) -> Result<(), PortError> {
        let request = self
            .update(thread_key(name))
            .update_expression(format!("SET {THREAD} = :thread, {EXPIRES} = :expires"))
            .expression_attribute_values(":thread", json(thread))
            .expression_attribute_values(":expires", expiry(thread.until));
        update(request).await?;
        Ok(())
    }
}

#[async_trait]
impl Conversations for ControlTable {
    async fn conversation(&self, name: &str, now: Timestamp) -> Result<Option<Conversation>, PortError> {
        let request = self.client.get_item().table_name(&self.table).key("pk", text(conversation_key(name)));
        // Read as it was last written: over an older one nothing could be stored.
        let output = request.consistent_read(true).send().await.map_err(|error| sort(SERVICE, error))?;
        let Some(item) = output.item.filter(|item| item.contains_key(CONVERSATION)) else { return Ok(None) };
        let conversation: Conversation = read_json(&item, CONVERSATION)?;
        Ok(Some(conversation).filter(|conversation| conversation.until > now))
    }

    async fn go_on(
        &self,
        name: &str,
        seen: Option<&Conversation>,
        next: &Conversation,
        now: Timestamp,
    ) -> Result<Fenced, PortError> {
        let request = self
            .update(conversation_key(name))
            .update_expression(format!(
                "SET {CONVERSATION} = :conversation, conversation_revision = :revision, conversation_until = :until, \
                 {EXPIRES} = :expires"
            ))
            .expression_attribute_values(":conversation", json(next))
            .expression_attribute_values(":revision", number(next.revision))
            .expression_attribute_values(":until", moment(next.until))
            .expression_attribute_values(":expires", expiry(next.until));
        let request = match seen {
            Some(seen) => request
                .condition_expression("conversation_revision = :seen")
                .expression_attribute_values(":seen", number(seen.revision)),
            None => request
                .condition_expression("attribute_not_exists(conversation_revision) OR conversation_until <= :now")
                .expression_attribute_values(":now", moment(now)),
        };
        Ok(match update(request).await? {
            Written::Done(_) => Fenced::Written,
            Written::Refused(_) => Fenced::Lost,
        })
    }

    /// What is left is a key that names nobody, until it expires.
    async fn erase(&self, name: &str) -> Result<(), PortError> {
        let request = self
            .update(conversation_key(name))
            .update_expression(format!("REMOVE {CONVERSATION}, conversation_revision, conversation_until"))
            // Otherwise an item would be made that never expires.
            .condition_expression("attribute_exists(pk)");
        update(request).await?;
        Ok(())
    }
}
