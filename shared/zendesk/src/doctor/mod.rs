//! What a new operator gets wrong, each with its fix. Facts are fetched first; a check is a plain function over them.

mod account;
mod delivery;
mod facts;
mod loops;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::Serialize;

pub use facts::{Attempt, Delivery, Facts, RoundTrip, SignIn, Subject, Unknown, gather};

/// What one check says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// A word that stays the same, for scripts.
    pub check: &'static str,
    pub level: Level,
    /// What is the case.
    pub says: String,
    /// What to do; empty where nothing is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub fix: String,
}

/// In order of weight.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Ok,
    /// Not looked at, and why.
    Skipped,
    /// It works, but not for long or not as meant.
    Warning,
    /// Tickets are lost, not written, or told to the wrong people.
    Error,
}

/// All checks of a Zendesk account.
const CHECKS: [fn(&Facts) -> Vec<Finding>; 12] = [
    account::credentials,
    account::running_credentials,
    account::api_token,
    account::role,
    account::sweep,
    account::fields,
    account::groups,
    account::assignment,
    loops::check,
    delivery::webhook,
    delivery::round_trip,
    delivery::attempts,
];

/// Every finding, in the order of the table in docs/zendesk.md.
#[must_use]
pub fn findings(facts: &Facts) -> Vec<Finding> {
    CHECKS.iter().flat_map(|check| check(facts)).collect()
}

/// The worst of them.
#[must_use]
pub fn worst(findings: &[Finding]) -> Level {
    findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok)
}

impl Finding {
    #[must_use]
    pub fn ok(check: &'static str, says: impl Into<String>) -> Self {
        Self { check, level: Level::Ok, says: says.into(), fix: String::new() }
    }

    #[must_use]
    pub fn skipped(check: &'static str, why: impl Into<String>) -> Self {
        Self { check, level: Level::Skipped, says: why.into(), fix: String::new() }
    }

    #[must_use]
    pub fn warning(check: &'static str, says: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { check, level: Level::Warning, says: says.into(), fix: fix.into() }
    }

    #[must_use]
    pub fn error(check: &'static str, says: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { check, level: Level::Error, says: says.into(), fix: fix.into() }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Skipped => "skipped",
            Self::Warning => "warning",
            Self::Error => "ERROR",
        })
    }
}

/// One line, and below it the fix.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<8} {:<18} {}", self.level, self.check, self.says)?;
        if !self.fix.is_empty() {
            write!(f, "\n{:<27} → {}", "", self.fix)?;
        }
        Ok(())
    }
}
