//! The table `tickets`: claims, readings, records, alerts, audit.
//!
//! | `pk` | `sk` | what | kept |
//! |---|---|---|---|
//! | `T#<ticket>` | `STATE` | claim and state, without text | 400 days after its last use |
//! | `T#<ticket>` | `READING` | the reading of a triage that is not finished | retention |
//! | `T#<ticket>` | `RECORD` | the newest finished triage | retention |
//! | `T#<ticket>` | `ALERT#<kind>#<band>` | the alert, how it fared and who has it | retention |
//! | `T#<ticket>` | `AUDIT#<time>#<n>` | one automated action, without text | 400 days |
//!
//! Two sparse indexes, each with a narrow view of the item: `by_day` (`day_key` + `time_key`: records under
//! `record/<UTC day>`, alerts under `alert/<UTC day>`, those of an outage under
//! `outage/<UTC day>`, corrections under `correction/<UTC day>`) and `by_account` (`account_key` + `time_key`: records).

mod alerts;
mod audit;
mod claims;
mod eraser;
mod records;

use aws_sdk_dynamodb::{
    operation::{
        get_item::builders::GetItemFluentBuilder, query::builders::QueryFluentBuilder,
        transact_write_items::TransactWriteItemsError, update_item::builders::UpdateItemFluentBuilder,
    },
    types::{AttributeValue, TransactWriteItem},
};
use domain::{
    TicketId,
    ports::{PortError, told},
};
use jiff::{SignedDuration, Timestamp, civil::Date};

use crate::{
    Sdk,
    failure::sort,
    item::{Item, SERVICE, alive, text},
};

/// How long is kept what holds no text.
const WITHOUT_TEXT: SignedDuration = SignedDuration::from_hours(400 * 24);

const BY_DAY: &str = "by_day";
const BY_ACCOUNT: &str = "by_account";

#[derive(Clone, Debug)]
pub struct TicketTable {
    client: aws_sdk_dynamodb::Client,
    table: String,
    retention: SignedDuration,
}

impl TicketTable {
    /// `retention`: how long unfinished readings are kept, and how far back [`alerts`] looks.
    ///
    /// [`alerts`]: domain::ports::AlertLog::alerts
    #[must_use]
    pub fn new(sdk: &Sdk, table: String, retention: SignedDuration) -> Self {
        Self { client: sdk.dynamodb(), table, retention }
    }

    /// Opens the connection, so that the first message does not wait for it. A failure is the first message's to tell.
    pub async fn warm(&self) {
        if let Err(error) = self.get("WARM".to_owned(), "WARM").projection_expression("pk").send().await {
            tracing::warn!(error = told(&sort(SERVICE, error)), "Failed to warm the connection to DynamoDB.");
        }
    }

    fn get(&self, pk: String, sk: &str) -> GetItemFluentBuilder {
        self.client.get_item().table_name(&self.table).key("pk", text(pk)).key("sk", text(sk)).consistent_read(true)
    }

    /// An item of a ticket as of now; none if it is not there.
    async fn read(&self, ticket: TicketId, sk: &str) -> Result<Option<Item>, PortError> {
        Ok(self.get(pk(ticket), sk).send().await.map_err(|error| sort(SERVICE, error))?.item)
    }

    fn change(&self, ticket: TicketId, sk: String) -> UpdateItemFluentBuilder {
        self.client.update_item().table_name(&self.table).key("pk", text(pk(ticket))).key("sk", text(sk))
    }

    /// All of it or nothing. The SDK sends one token with every attempt, so a repeated one is the same transaction.
    async fn transact(&self, writes: Vec<TransactWriteItem>) -> Result<Transacted, PortError> {
        let Err(error) = self.client.transact_write_items().set_transact_items(Some(writes)).send().await else {
            return Ok(Transacted::Done);
        };
        let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
            return Err(sort(SERVICE, error));
        };
        let refused = cancelled.cancellation_reasons().iter().find(|one| one.code() == Some("ConditionalCheckFailed"));
        match refused {
            Some(reason) => Ok(Transacted::Refused(reason.item.clone().unwrap_or_default())),
            // In conflict with another transaction, or throttled.
            None => Err(PortError::transient(SERVICE, error)),
        }
    }

    /// All items of an index partition that are alive at `now`, oldest first. Each page is read before the next is asked
    /// for: a page of items needs several times the memory of what they mean.
    async fn of_day<T>(
        &self,
        key: String,
        now: Timestamp,
        read: impl Fn(&Item) -> Result<T, PortError>,
    ) -> Result<Vec<T>, PortError> {
        let query = self.client.query().table_name(&self.table).index_name(BY_DAY);
        let query = query.key_condition_expression("day_key = :day").expression_attribute_values(":day", text(key));
        let mut all = Vec::new();
        let mut from = None;
        loop {
            let (found, next) = page(query.clone(), from).await?;
            for item in &found {
                if alive(item, now)? {
                    all.push(read(item)?);
                }
            }
            from = next;
            if from.is_none() {
                return Ok(all);
            }
        }
    }
}

/// How a transaction went.
enum Transacted {
    Done,
    /// A condition did not hold; the item it was about, if the request asked for it and there is one.
    Refused(Item),
}

/// One page of a query, and where the next one starts.
async fn page(query: QueryFluentBuilder, from: Option<Item>) -> Result<(Vec<Item>, Option<Item>), PortError> {
    let output = query.set_exclusive_start_key(from).send().await.map_err(|error| sort(SERVICE, error))?;
    Ok((output.items.unwrap_or_default(), output.last_evaluated_key.filter(|key| !key.is_empty())))
}

fn pk(ticket: TicketId) -> String {
    format!("T#{}", ticket.number())
}

fn day_key(what: &str, day: Date) -> String {
    format!("{what}/{day}")
}

/// The key attributes of an item of a ticket.
fn key(ticket: TicketId, sk: impl Into<String>) -> [(String, AttributeValue); 2] {
    [("pk".to_owned(), text(pk(ticket))), ("sk".to_owned(), text(sk))]
}
