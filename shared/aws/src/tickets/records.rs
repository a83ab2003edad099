//! Finished triages, read.

use async_trait::async_trait;
use domain::{
    AccountId, AuditEntry, PastTicket, Record, Summary, TicketId,
    ports::{PortError, Records},
};
use jiff::{Timestamp, civil::Date};

use super::{BY_ACCOUNT, TicketTable, claims::RECORD, day_key, page};
use crate::item::{alive, moment, read_json, text};

#[async_trait]
impl Records for TicketTable {
    async fn record(&self, ticket: TicketId, now: Timestamp) -> Result<Option<Record>, PortError> {
        match self.read(ticket, RECORD).await? {
            Some(item) if alive(&item, now)? => Ok(Some(read_json(&item, "record_json")?)),
            Some(_) | None => Ok(None),
        }
    }

    async fn day(&self, day: Date, now: Timestamp) -> Result<Vec<Summary>, PortError> {
        self.of_day(day_key("record", day), now, |item| read_json(item, "summary_json")).await
    }

    async fn corrections(&self, day: Date, now: Timestamp) -> Result<Vec<AuditEntry>, PortError> {
        self.of_day(day_key("correction", day), now, |item| read_json(item, "summary_json")).await
    }

    async fn past(
        &self,
        account: &AccountId,
        but: TicketId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<PastTicket>, PortError> {
        let query = self.client.query().table_name(&self.table).index_name(BY_ACCOUNT);
        let query = query
            .key_condition_expression("account_key = :account AND time_key < :now")
            .expression_attribute_values(":account", text(account.as_str()))
            .expression_attribute_values(":now", moment(now))
            .scan_index_forward(false)
            // One more than asked for: the ticket that asks may be among them.
            .limit(i32::try_from(limit.saturating_add(1)).unwrap_or(i32::MAX));
        let mut past = Vec::with_capacity(limit);
        let mut from = None;
        loop {
            let (items, next) = page(query.clone(), from).await?;
            for item in items {
                let ticket: PastTicket = read_json(&item, "past_json")?;
                if ticket.id != but && alive(&item, now)? {
                    past.push(ticket);
                }
            }
            past.truncate(limit);
            from = next;
            if from.is_none() || past.len() == limit {
                return Ok(past);
            }
        }
    }
}
