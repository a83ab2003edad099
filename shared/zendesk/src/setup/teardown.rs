//! Takes away what set-up made. Groups and fields of organisations stay: tickets and people depend on them.

use serde_json::json;

use super::{
    Done, Report, Session, SetupError, Via, Wanted, failed,
    fields::{FieldKey, keys, wanted_fields},
    webhooks::{WEBHOOKS, name},
};
use crate::{
    client::Client,
    found::{TicketField, Webhook},
    http::Method,
};

/// What becomes of the ticket fields.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fields {
    /// Their values stay visible on tickets.
    Keep,
    /// Switched off; values stay in Zendesk.
    Deactivate,
    /// Gone, with the values of every ticket.
    Delete,
}

/// Removes triggers, then webhooks, then fields if asked: a webhook that a trigger uses cannot be deleted.
pub async fn teardown(client: &Client, wanted: &Wanted, fields: Fields, dry_run: bool) -> Report {
    let mut session = Session { client, dry_run, report: Report::default() };
    session.report.stopped = session.teardown(wanted, fields).await.err();
    session.report
}

impl Session<'_> {
    async fn teardown(&mut self, wanted: &Wanted, fields: Fields) -> Result<(), SetupError> {
        let stack = wanted.stack.as_deref();
        self.remove_triggers(stack).await?;
        let webhooks = self.list(WEBHOOKS, "webhooks", Webhook::read, "webhooks").await?;
        for via in [Via::Events, Via::Trigger] {
            self.remove_webhooks(&webhooks, &name(stack, via)).await?;
        }
        if fields == Fields::Keep {
            return Ok(());
        }
        let present =
            self.list("/api/v2/ticket_fields.json", "ticket_fields", TicketField::read, "ticket fields").await?;
        let ours = wanted_fields(wanted.teams.iter().map(|team| (&team.agent, team.name.as_str())));
        for key in keys() {
            let found = ours.iter().find(|field| field.key == key);
            if let Some(found) = found.and_then(|field| field.find(&present, &wanted.fields)) {
                self.remove_field(key, found, fields).await?;
            }
        }
        Ok(())
    }

    async fn remove_field(&mut self, key: FieldKey, found: &TicketField, fields: Fields) -> Result<(), SetupError> {
        let what = format!("ticket field {key}");
        let path = format!("/api/v2/ticket_fields/{}.json", found.id);
        let (method, body, done) = match fields {
            Fields::Delete => (Method::Delete, None, Done::Removed),
            Fields::Deactivate if found.active => {
                let body = json!({ "ticket_field": { "active": false } });
                (Method::Put, Some(body), Done::Changed("switched off".to_owned()))
            }
            Fields::Deactivate | Fields::Keep => {
                self.step(what, Done::Nothing);
                return Ok(());
            }
        };
        self.write(method, path, body).await.map_err(|cause| failed(&what, cause))?;
        self.step(what, done);
        Ok(())
    }
}
