//! Counters, cooldowns, leases, cursors and conversations in the table `control`, one conditional write each.
//!
//! | `pk` | attributes |
//! |---|---|
//! | `COUNT#<counter>` | `used_amount` |
//! | `COOLDOWN#<kind>#<account>`, `COOLDOWN#outage#<team>/<topic>` | `cooldown_alert`, `cooldown_band`, `cooldown_until` |
//! | `LEASE#<work>` | `held_by`, `held_until`, `taken_by` |
//! | `CURSOR#<name>` | `cursor_text`, `cursor_revision`; never expires |
//! | `THREAD#<channel>/<account>`, `THREAD#<channel>/outage#<team>/<topic>` | `thread_json` |

use async_trait::async_trait;
use domain::{
    AlertKey, Band,
    ports::{
        Control, Cooldown, CooldownKey, Cooldowns, Count, Cursor, Cursors, Leased, Moved, PortError, Thread, Threads,
    },
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

fn cooldown_key(key: &CooldownKey) -> String {
    format!("COOLDOWN#{key}")
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

fn counter_key(counter: &str) -> String {
    format!("COUNT#{counter}")
}

/// Bands in order, for a comparison in the table.
fn rank(band: Band) -> u8 {
    match band {
        Band::Elevated => 1,
        Band::Critical => 2,
    }
}

#[async_trait]
impl Cooldowns for ControlTable {
    async fn cool_down(
        &self,
        key: &CooldownKey,
        alert: AlertKey,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Cooldown, PortError> {
        let request = self
            .update(cooldown_key(key))
            .update_expression(format!(
                "SET cooldown_alert = :alert, cooldown_band = :band, cooldown_until = :until, {EXPIRES} = :expires"
            ))
            .condition_expression(
                "attribute_not_exists(cooldown_until) OR cooldown_until <= :now OR cooldown_band < :band",
            )
            .expression_attribute_values(":alert", text(alert.to_string()))
            .expression_attribute_values(":band", number(rank(alert.band)))
            .expression_attribute_values(":until", moment(until))
            .expression_attribute_values(":now", moment(now))
            .expression_attribute_values(":expires", expiry(until));
        match update(request).await? {
            Written::Done(_) => Ok(Cooldown::Passed),
            Written::Refused(item) if read_text(&item, "cooldown_alert")? == alert.to_string() => Ok(Cooldown::Passed),
            Written::Refused(item) => Ok(Cooldown::Held { until: read_moment(&item, "cooldown_until")? }),
        }
    }

    async fn lift(&self, key: &CooldownKey, alert: AlertKey) -> Result<(), PortError> {
        let request = self
            .update(cooldown_key(key))
            .update_expression("REMOVE cooldown_alert, cooldown_band, cooldown_until")
            .condition_expression("cooldown_alert = :alert")
            .expression_attribute_values(":alert", text(alert.to_string()));
        update(request).await?;
        Ok(())
    }
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
