//! Set-up of a customer's Zendesk: fields, groups, a webhook or triggers. Everything is found first, else made, else
//! mended, so that running it again continues where it stopped.

mod fields;
mod groups;
mod teardown;
#[cfg(test)]
mod tests;
mod triggers;
mod webhooks;

use std::collections::BTreeMap;

use domain::{GroupId, TeamId};
use secrecy::SecretString;
use serde_json::Value;

use crate::{
    FieldIds,
    client::{ApiError, Client},
    found,
    http::{Method, Request},
};

pub use fields::{FieldKey, INTENT_OPTIONS, ORGANIZATION_FIELDS, WantedField, wanted_fields};
pub use groups::matching as matching_group;
pub use teardown::{Fields, teardown};
pub use triggers::{BODY as TRIGGER_BODY, wanted as wanted_triggers};
pub use webhooks::{
    NEEDED_SUBSCRIPTIONS, SUBSCRIPTIONS, TRIGGER_SUBSCRIPTION, name as webhook_name, ours as our_webhook,
};

/// How an account is to look.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The deployment, which names what is made for it; two deployments may share an account.
    pub stack: Option<String>,
    /// In the order of `agents.json`.
    pub teams: Vec<Team>,
    /// As far as `policy.json` has them.
    pub fields: FieldIds,
    /// Where events go. None: webhook and triggers are left alone.
    pub endpoint: Option<String>,
    pub via: Via,
    /// Makes the fields of organisations too.
    pub organization_fields: bool,
    /// Makes a new signing secret.
    pub rotate_secret: bool,
}

/// A team of `agents.json`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Team {
    pub agent: TeamId,
    pub name: String,
    pub description: String,
    pub group: Option<GroupId>,
}

/// How Zendesk tells us of tickets. A webhook is of one kind for good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Via {
    /// The webhook subscribes to events.
    Events,
    /// Triggers call the webhook, where an account has no ticket events.
    Trigger,
}

/// What was done, whether or not all of it was.
#[derive(Debug, Default)]
pub struct Report {
    pub steps: Vec<Step>,
    /// Every request that changes something, in order: sent, or in a dry run not sent.
    pub requests: Vec<Request>,
    pub found: Found,
    /// Where it stopped. What the steps name is done; running it again continues.
    pub stopped: Option<SetupError>,
}

/// What now has an id.
#[derive(Debug, Default)]
pub struct Found {
    pub fields: FieldIds,
    pub groups: BTreeMap<TeamId, GroupId>,
    pub webhook: Option<String>,
    pub secret: Option<SecretString>,
}

/// One thing of the account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    pub what: String,
    pub done: Done,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Done {
    /// It is as it should be.
    Nothing,
    Created,
    /// What was changed about it.
    Changed(String),
    Removed,
    /// Something a person should know, while the set-up goes on.
    Remark(String),
}

/// Why a step was not done.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("{what}: {cause}")]
    Api { what: String, cause: ApiError },
    /// Something in the account that only a person can decide about.
    #[error("{what}: {problem}")]
    Account { what: String, problem: String },
}

/// Sends what changes something, or in a dry run only notes it.
struct Session<'a> {
    client: &'a Client,
    dry_run: bool,
    report: Report,
}

/// Brings the account into the wanted form. In a dry run nothing is changed, and the requests are in the report.
pub async fn set_up(client: &Client, wanted: &Wanted, dry_run: bool) -> Report {
    let mut session = Session { client, dry_run, report: Report::default() };
    session.report.stopped = session.set_up(wanted).await.err();
    session.report
}

impl Session<'_> {
    async fn set_up(&mut self, wanted: &Wanted) -> Result<(), SetupError> {
        self.ticket_fields(wanted).await?;
        self.groups(wanted).await?;
        if wanted.organization_fields {
            self.organization_fields().await?;
        }
        match &wanted.endpoint {
            Some(endpoint) => self.connection(wanted, endpoint).await,
            None => Ok(()),
        }
    }

    async fn list<T>(
        &self,
        path: &str,
        key: &str,
        read: impl Fn(&Value) -> Option<T>,
        what: &str,
    ) -> Result<Vec<T>, SetupError> {
        found::all(self.client, path, key, read).await.map_err(|cause| failed(what, cause))
    }

    /// The answer; none in a dry run, or where there is none, as after a change of a webhook.
    async fn write(
        &mut self,
        method: Method,
        path: impl Into<String>,
        body: Option<Value>,
    ) -> Result<Option<Value>, ApiError> {
        let request = Request { body, ..Request::new(method, path) };
        self.report.requests.push(request.clone());
        if self.dry_run {
            return Ok(None);
        }
        let response = self.client.send(request).await?;
        Ok(serde_json::from_slice(&response.body).ok())
    }

    fn step(&mut self, what: impl Into<String>, done: Done) {
        self.report.steps.push(Step { what: what.into(), done });
    }
}

fn failed(what: &str, cause: ApiError) -> SetupError {
    SetupError::Api { what: what.to_owned(), cause }
}

fn undecided(what: &str, problem: String) -> SetupError {
    SetupError::Account { what: what.to_owned(), problem }
}

impl Report {
    /// Whether the account was as it should be.
    #[must_use]
    pub fn changed_nothing(&self) -> bool {
        self.requests.is_empty()
    }
}
