//! Alerts and how they fared.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_dynamodb::types::{Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update};
use domain::{
    Alert, AlertKey, AlertKind, AuditEntry, Delivery, FollowUp,
    ports::{AlertLog, Fenced, FollowUps, Handover, Opened, PortError, Reopened, Taken},
    record::utc_day,
    time::earlier,
};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::{Timestamp, ToSpan};

use super::{TicketTable, Transacted, day_key, key, pk};
use crate::{
    failure::sort,
    item::{
        EXPIRES, Item, SERVICE, Written, alive, expiry, json, moment, one_of_set, read_json, read_moment, read_text,
        set_size, text, update,
    },
};

/// Days read at once.
const AT_ONCE: usize = 8;

/// What a condition can ask of a delivery, in one word.
pub(super) const WORD: &str = "delivery_state";
const PENDING: &str = "pending";
const HELD: &str = "held";
const REFUSED: &str = "refused";
const SKIPPED: &str = "skipped";
/// Who took it for delivery and did not say that nothing was sent.
const TAKERS: &str = "taken_by";
/// The alert as it was raised, and its follow-up: the index has this attribute, and what an index holds cannot be changed.
const ALERT: &str = "alert_json";

/// What an alert is read from. `followup` may read no other attribute of any item.
const PARTS: &str = "alert_json, delivery_json, expires_at";

/// The lists of alerts by day. Outages stand apart: a release before them, which a roll-back brings, cannot read them.
const ALERTS: &str = "alert";
const OUTAGES: &str = "outage";

pub(super) fn sk(key: AlertKey) -> String {
    format!("ALERT#{}#{}", key.kind, key.band)
}

fn listed_under(kind: AlertKind) -> &'static str {
    match kind {
        AlertKind::Guardian | AlertKind::Opportunity => ALERTS,
        AlertKind::Outage => OUTAGES,
    }
}

fn read_alert(item: &Item) -> Result<Alert, PortError> {
    Ok(Alert { delivery: read_json(item, "delivery_json")?, ..read_json(item, ALERT)? })
}

impl TicketTable {
    async fn read_parts(&self, key: AlertKey) -> Result<Option<Item>, PortError> {
        let request = self.get(pk(key.ticket), &sk(key)).projection_expression(PARTS);
        Ok(request.send().await.map_err(|error| sort(SERVICE, error))?.item)
    }
}

#[async_trait]
impl AlertLog for TicketTable {
    async fn open(&self, alert: &Alert, expires: Timestamp, entry: &AuditEntry) -> Result<Opened, PortError> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(key(alert.ticket, sk(alert.key())).into()))
            .item(ALERT, json(alert))
            .item("delivery_json", json(&alert.delivery))
            .item(WORD, text(alert.delivery.word()))
            .item("day_key", text(day_key(listed_under(alert.signal.kind()), utc_day(alert.at))))
            .item("time_key", moment(alert.at))
            .item(EXPIRES, expiry(expires))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = TransactWriteItem::builder().put(put.build().expect("all required parts are set")).build();
        match self.transact(vec![put, self.audited(entry)]).await? {
            Transacted::Done => Ok(Opened::New),
            Transacted::Refused(item) if read_text(&item, WORD)? == PENDING => Ok(Opened::Waiting),
            Transacted::Refused(_) => Ok(Opened::Settled),
        }
    }

    async fn take(&self, key: AlertKey, owner: &str, now: Timestamp, until: Timestamp) -> Result<Taken, PortError> {
        let request = self
            .change(key.ticket, sk(key))
            .update_expression(format!("SET held_by = :me, held_until = :until ADD {TAKERS} :taker"))
            .condition_expression(format!(
                "{WORD} = :pending AND {EXPIRES} > :second \
                 AND (attribute_not_exists(held_by) OR held_until <= :now OR held_by = :me)"
            ))
            .expression_attribute_values(":me", text(owner))
            .expression_attribute_values(":taker", one_of_set(owner))
            .expression_attribute_values(":until", moment(until))
            .expression_attribute_values(":now", moment(now))
            .expression_attribute_values(":second", expiry(now))
            .expression_attribute_values(":pending", text(PENDING));
        match update(request).await? {
            Written::Done(item) => {
                let handover = if set_size(&item, TAKERS) > 1 { Handover::Possible } else { Handover::Never };
                Ok(Taken::Mine { alert: Box::new(read_alert(&item)?), handover })
            }
            Written::Refused(item) if item.is_empty() || read_text(&item, WORD)? != PENDING || !alive(&item, now)? => {
                Ok(Taken::Settled)
            }
            Written::Refused(item) => Ok(Taken::Theirs { until: read_moment(&item, "held_until")? }),
        }
    }

    async fn settle(
        &self,
        alert: AlertKey,
        owner: &str,
        delivery: Delivery,
        entry: &AuditEntry,
    ) -> Result<Fenced, PortError> {
        let settled = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key(alert.ticket, sk(alert)).into()))
            .update_expression(format!(
                "SET delivery_json = :delivery, {WORD} = :word REMOVE held_by, held_until, {TAKERS}"
            ))
            .condition_expression(format!("{WORD} = :held OR held_by = :me"))
            .expression_attribute_values(":me", text(owner))
            .expression_attribute_values(":held", text(HELD))
            .expression_attribute_values(":delivery", json(&delivery))
            .expression_attribute_values(":word", text(delivery.word()));
        let settled = TransactWriteItem::builder().update(settled.build().expect("all required parts are set")).build();
        Ok(match self.transact(vec![settled, self.audited(entry)]).await? {
            Transacted::Done => Fenced::Written,
            Transacted::Refused(_) => Fenced::Lost,
        })
    }

    async fn release(&self, key: AlertKey, owner: &str, handover: Handover) -> Result<(), PortError> {
        let request = self
            .change(key.ticket, sk(key))
            .condition_expression("held_by = :me")
            .expression_attribute_values(":me", text(owner));
        let request = match handover {
            Handover::Never => request
                .update_expression(format!("REMOVE held_by, held_until DELETE {TAKERS} :taker"))
                .expression_attribute_values(":taker", one_of_set(owner)),
            Handover::Possible => request.update_expression("REMOVE held_by, held_until"),
        };
        update(request).await?;
        Ok(())
    }

    async fn reopen(&self, alert: AlertKey, entry: &AuditEntry) -> Result<Reopened, PortError> {
        let reopened = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key(alert.ticket, sk(alert)).into()))
            .update_expression(format!("SET delivery_json = :delivery, {WORD} = :pending"))
            .condition_expression(format!("{WORD} IN (:refused, :skipped)"))
            .expression_attribute_values(":delivery", json(&Delivery::Pending))
            .expression_attribute_values(":pending", text(PENDING))
            .expression_attribute_values(":refused", text(REFUSED))
            .expression_attribute_values(":skipped", text(SKIPPED));
        let reopened =
            TransactWriteItem::builder().update(reopened.build().expect("all required parts are set")).build();
        Ok(match self.transact(vec![reopened, self.audited(entry)]).await? {
            Transacted::Done => Reopened::Waiting,
            Transacted::Refused(_) => Reopened::Left,
        })
    }

    async fn alerts(&self, now: Timestamp) -> Result<Vec<Arc<Alert>>, PortError> {
        let (first, last) = (utc_day(earlier(now, self.retention)).saturating_sub(1.day()), utc_day(now));
        let days = first.series(1.day()).take_while(|day| *day <= last);
        let keys = days.flat_map(|day| [ALERTS, OUTAGES].map(|list| day_key(list, day)));
        let days: Vec<Vec<Alert>> =
            stream::iter(keys).map(|key| self.of_day(key, now, read_alert)).buffered(AT_ONCE).try_collect().await?;
        let mut alerts: Vec<Arc<Alert>> = days.into_iter().flatten().map(Arc::new).collect();
        alerts.sort_by_key(|alert| (alert.at, alert.key()));
        Ok(alerts)
    }
}

#[async_trait]
impl FollowUps for TicketTable {
    async fn alert(&self, key: AlertKey, now: Timestamp) -> Result<Option<Alert>, PortError> {
        match self.read_parts(key).await? {
            Some(item) if alive(&item, now)? => Ok(Some(read_alert(&item)?)),
            Some(_) | None => Ok(None),
        }
    }

    async fn follow_up(&self, seen: &Alert, next: &FollowUp, entry: &AuditEntry) -> Result<Fenced, PortError> {
        let Some(item) = self.read_parts(seen.key()).await? else { return Ok(Fenced::Lost) };
        let stored: Alert = read_json(&item, ALERT)?;
        if stored.follow_up.revision != seen.follow_up.revision {
            return Ok(Fenced::Lost);
        }
        // Over what was read and nothing else: what somebody had taken out of the alert meanwhile must not come back.
        let changed = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key(seen.ticket, sk(seen.key())).into()))
            .update_expression(format!("SET {ALERT} = :next"))
            .condition_expression(format!("{ALERT} = :read"))
            .expression_attribute_values(":read", text(read_text(&item, ALERT)?))
            .expression_attribute_values(":next", json(&Alert { follow_up: next.clone(), ..stored }));
        let changed = TransactWriteItem::builder().update(changed.build().expect("all required parts are set")).build();
        Ok(match self.transact(vec![changed, self.audited(entry)]).await? {
            Transacted::Done => Fenced::Written,
            Transacted::Refused(_) => Fenced::Lost,
        })
    }
}
