//! The fields of one row, checked.

use std::{fmt::Display, str::FromStr};

use domain::{Intent, TeamId};
use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::Offset,
};

use super::Fault;
use crate::stack::teams;

/// Zendesk's own limit for a comment, in characters.
const LONGEST_TEXT: usize = 65_535;
/// Subjects, names and the like, in characters.
const LONGEST_LINE: usize = 1_000;
/// More than any account pays; a figure above is a slip.
const HIGHEST_MRR: f64 = 1e9;

/// 1970 and 2100: outside, a timestamp is a slip.
const EARLIEST: Timestamp = Timestamp::UNIX_EPOCH;
const LATEST: Timestamp = Timestamp::constant(4_102_444_800, 0);

/// One row by column name.
pub(super) struct Fields<'a> {
    /// The header's names, in its order.
    pub(super) columns: &'a [String],
    pub(super) record: &'a csv::ByteRecord,
}

impl<'a> Fields<'a> {
    pub(super) fn required(&self, column: &'static str) -> Result<&'a str, Fault> {
        self.optional(column)?.ok_or_else(|| (Some(column), "is empty; fill it in".to_owned()))
    }

    /// None for a column that is not there or an empty field.
    pub(super) fn optional(&self, column: &'static str) -> Result<Option<&'a str>, Fault> {
        let index = self.columns.iter().position(|name| name == column);
        let Some(bytes) = index.and_then(|index| self.record.get(index)) else { return Ok(None) };
        let text = std::str::from_utf8(bytes)
            .map_err(|_| (Some(column), "is not UTF-8; save the file as “CSV UTF-8”".to_owned()))?
            .trim();
        if let Some(control) = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            let code = u32::from(control);
            return Err((Some(column), format!("holds the control character U+{code:04X}; remove it")));
        }
        let (length, limit) = (text.chars().count(), if column == "description" { LONGEST_TEXT } else { LONGEST_LINE });
        if length > limit {
            return Err((Some(column), format!("has {length} characters, more than {limit}; shorten it")));
        }
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    pub(super) fn label<T: FromStr<Err: Display>>(&self, column: &'static str, fix: &str) -> Result<Option<T>, Fault> {
        self.optional(column)?
            .map(|text| {
                text.parse()
                    .map_err(|_| (Some(column), format!("{} is not known; {fix}, or leave it empty", short(text))))
            })
            .transpose()
    }
}

/// Turns the error of a parse into a fault with its fix.
pub(super) fn checked<T, E: Display>(
    column: &'static str,
    text: &str,
    parsed: Result<T, E>,
    fix: &str,
) -> Result<T, Fault> {
    parsed.map_err(|error| (Some(column), format!("{} {error}; {fix}", short(text))))
}

/// RFC 3339, or without a zone as UTC, with a space for the `T`, or just a date.
pub(super) fn timestamp(text: &str) -> Result<Timestamp, Fault> {
    let utc = |civil: DateTime| Offset::UTC.to_timestamp(civil).ok();
    text.parse::<Timestamp>()
        .ok()
        .or_else(|| text.parse::<DateTime>().ok().and_then(utc))
        .or_else(|| text.parse::<Date>().ok().and_then(|date| utc(date.at(0, 0, 0, 0))))
        .filter(|at| (EARLIEST..LATEST).contains(at))
        .ok_or_else(|| {
            (
                Some("timestamp"),
                format!(
                    "{} is not a time between 1970 and 2100; write 2026-11-16T07:12:00Z or leave it empty",
                    short(text)
                ),
            )
        })
}

pub(super) fn mrr(text: &str) -> Result<f64, Fault> {
    let fault = |problem: &str| {
        Err((Some("mrr"), format!("{} {problem}; write dollars a month such as 1200, or leave it empty", short(text))))
    };
    match text.parse::<f64>() {
        Err(_) => fault("is not a number"),
        Ok(amount) if !amount.is_finite() => fault("is not a number"),
        Ok(amount) if amount < 0.0 => fault("is negative"),
        Ok(amount) if amount > HIGHEST_MRR => fault("is more than any account pays"),
        Ok(amount) => Ok(amount),
    }
}

/// A team of `agents.json`: a slip must not become a team of its own.
pub(super) fn team(text: &str) -> Result<TeamId, Fault> {
    text.parse().ok().filter(|team| teams().get(team).is_some()).ok_or_else(|| {
        let known = teams().ids().map(TeamId::as_str).collect::<Vec<_>>().join(", ");
        (Some("team"), format!("{} is not known; use {known}, or leave it empty", short(text)))
    })
}

pub(super) fn churn(text: &str) -> Result<bool, Fault> {
    match text.to_lowercase().as_str() {
        "high" => Ok(true),
        "none" => Ok(false),
        _ => Err((Some("churn_risk"), format!("{} is not known; use high or none, or leave it empty", short(text)))),
    }
}

pub(super) fn intent(text: &str) -> Result<Option<Intent>, Fault> {
    if text.eq_ignore_ascii_case("none") {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        let fix = "use pricing_request, upgrade, expansion, custom_service or none, or leave it empty";
        (Some("intent"), format!("{} is not known; {fix}", short(text)))
    })
}

/// Quoted, in one line, and short enough for a message.
fn short(text: &str) -> String {
    let start: String = text.chars().take(40).collect();
    let more = if start.len() < text.len() { "…" } else { "" };
    format!("“{}{more}”", start.escape_debug())
}
