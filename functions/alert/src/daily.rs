//! The daily digest: in the morning, one message to each recipient with what is open of theirs.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use domain::{
    Alert, Delivery, EmailAddress, Policy, Stage,
    ports::{PortError, told},
};
use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Time, time},
    tz::TimeZone,
};
use runtime::Invocation;

use crate::{
    Alerting, Undelivered,
    errand::{Begun, Errand, Runner},
    render, send,
};

/// When people begin to read.
const FROM: Time = time(8, 0, 0, 0);
/// A morning that was missed, since no call came or every one failed, is not made up for in the afternoon.
const TO: Time = time(12, 0, 0, 0);
const COUNTS_FOR: SignedDuration = SignedDuration::from_hours(48);

/// Sends each recipient what is open of theirs, once on a day, from 08:00 in the policy's time zone. Returns how many
/// messages went out. Who has nothing open gets none, and neither does anybody while a switch is off.
///
/// # Errors
/// The first failure, after every recipient had their turn. The next call of the morning makes up for it.
pub async fn daily(alerting: &Alerting, invocation: &Invocation) -> Result<usize, PortError> {
    let (started, now) = (Instant::now(), invocation.now);
    let policy = alerting.settings.policy().await?;
    let Some(day) = morning(now, &policy.time_zone) else { return Ok(0) };
    if !policy.alerts.daily_digest || policy.withholds().is_some() {
        return Ok(0);
    }
    let runner = Runner::of(alerting, invocation);
    // What is raised after the morning's round waits for the next morning.
    let round = errand(day, "everybody");
    if runner.is_done(&round).await? {
        return Ok(0);
    }
    let morning = Morning { alerting, policy: &policy, runner, day };
    let (mut messages, mut left, mut failures) = (0, false, Vec::new());
    for (recipient, alerts) in open(&alerting.alerts.alerts(now).await?, &policy.time_zone, now) {
        if !invocation.has_time(started.elapsed()) {
            tracing::warn!("Left some daily digests for the next hour.");
            left = true;
            break;
        }
        match morning.write_to(&recipient, &alerts).await {
            Ok(Written::Now) => messages += 1,
            Ok(Written::Before) => {}
            Ok(Written::ByAnother) => left = true,
            Err(error) => failures.push(error),
        }
    }
    for error in &failures {
        tracing::error!(error = told(error), "Failed to send the daily digest to a recipient.");
    }
    if let Some(first) = failures.into_iter().next() {
        return Err(first);
    }
    if !left {
        morning.runner.done(&round).await?;
    }
    Ok(messages)
}

/// The day whose morning it is.
fn morning(now: Timestamp, zone: &TimeZone) -> Option<Date> {
    let local = now.to_zoned_datetime(zone.clone());
    (FROM..TO).contains(&local.time()).then(|| local.date())
}

/// When the first morning after a moment begins.
#[must_use]
pub fn next_morning(after: Timestamp, zone: &TimeZone) -> Timestamp {
    let local = after.to_zoned_datetime(zone.clone());
    let day = if local.time() < FROM { Ok(local.date()) } else { local.date().tomorrow() };
    let begins = day.ok().and_then(|day| zone.to_timestamp(day.to_datetime(FROM)).ok());
    begins.unwrap_or(after)
}

fn errand(day: Date, whom: &str) -> Errand {
    Errand { work: format!("daily/{whom}"), period: format!("daily/{day}/{whom}"), counts_for: COUNTS_FOR }
}

/// What is open, by whose it is, heaviest first.
fn open(alerts: &[Arc<Alert>], zone: &TimeZone, now: Timestamp) -> BTreeMap<EmailAddress, Vec<Arc<Alert>>> {
    let mut open: BTreeMap<EmailAddress, Vec<Arc<Alert>>> = BTreeMap::new();
    for alert in alerts.iter().filter(|alert| is_open(alert, zone, now)) {
        open.entry(alert.whose().clone()).or_default().push(alert.clone());
    }
    for alerts in open.values_mut() {
        let money = |alert: &Alert| alert.money_at_risk(now);
        alerts.sort_by(|a, b| money(b).total_cmp(&money(a)).then_with(|| a.key().cmp(&b.key())));
    }
    open
}

/// Whether somebody has to think of it today: nobody has it, it comes back, or what is promised falls due.
fn is_open(alert: &Alert, zone: &TimeZone, now: Timestamp) -> bool {
    let was_told = match alert.delivery {
        // On its way, or nobody was to hear of it.
        Delivery::Pending | Delivery::Skipped { .. } => false,
        Delivery::Sent { .. }
        | Delivery::Filed { .. }
        | Delivery::Held { .. }
        | Delivery::Digested
        | Delivery::Refused { .. } => true,
    };
    let day = |at: Timestamp| at.to_zoned_datetime(zone.clone()).date();
    let today = day(now);
    let due_today = alert.deadline.as_ref().is_some_and(|deadline| deadline.day == today);
    was_told
        && match alert.follow_up.stage {
            Stage::New => true,
            Stage::Snoozed { until, .. } => due_today || day(until) <= today,
            Stage::Taken { .. } => due_today,
            Stage::Settled { .. } | Stage::Wrong { .. } => false,
        }
}

/// One morning's round.
struct Morning<'a> {
    alerting: &'a Alerting,
    policy: &'a Policy,
    runner: Runner<'a>,
    day: Date,
}

enum Written {
    Now,
    Before,
    ByAnother,
}

impl Morning<'_> {
    async fn write_to(&self, recipient: &EmailAddress, alerts: &[Arc<Alert>]) -> Result<Written, PortError> {
        let errand = errand(self.day, &recipient.folded());
        match self.runner.begin(&errand).await? {
            Begun::Ours(_) => {}
            Begun::Theirs => return Ok(Written::ByAnother),
            Begun::Done => return Ok(Written::Before),
        }
        let sent = self.send(recipient, alerts).await;
        let counted = match sent {
            // The message is out: a second attempt here costs less than a second message.
            Ok(()) => match self.runner.done(&errand).await {
                Err(PortError::Transient { .. }) => self.runner.done(&errand).await,
                done => done,
            },
            Err(error) => Err(error),
        };
        self.runner.end(&errand).await;
        counted.map(|()| Written::Now)
    }

    async fn send(&self, recipient: &EmailAddress, alerts: &[Arc<Alert>]) -> Result<(), PortError> {
        let email = render::daily(render::Daily {
            recipient,
            alerts,
            policy: self.policy,
            pages: self.alerting.pages.as_ref(),
            signer: self.alerting.signer(self.policy).await.as_ref(),
            day: self.day,
            now: self.runner.now,
        });
        match send(self.alerting, &email).await {
            Ok(_) => Ok(()),
            Err(Undelivered { error, .. }) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        Deadline, FollowUp, alert::HoldReason, alert::Withheld, follow_up::Outcome, follow_up::WrongReason, sample,
    };

    use super::*;

    #[test]
    fn a_morning_is_local_and_knows_summer_time() {
        let check = |zone: &str, at: &str, day: Option<&str>| {
            let found = morning(at.parse().unwrap(), &TimeZone::get(zone).unwrap());
            assert_eq!(found.map(|day| day.to_string()).as_deref(), day, "{at} in {zone}");
        };
        let (berlin, new_york) = ("Europe/Berlin", "America/New_York");
        for (zone, at, day) in [
            ("UTC", "2026-11-16T07:59:59Z", None),
            ("UTC", "2026-11-16T08:00:00Z", Some("2026-11-16")),
            ("UTC", "2026-11-16T11:59:59Z", Some("2026-11-16")),
            ("UTC", "2026-11-16T12:00:00Z", None),
            // The last Sunday of March and of October: clocks go forward at 01:00 UTC, and back.
            (berlin, "2026-03-28T07:00:00Z", Some("2026-03-28")),
            (berlin, "2026-03-28T06:59:59Z", None),
            (berlin, "2026-03-29T05:59:59Z", None),
            (berlin, "2026-03-29T06:00:00Z", Some("2026-03-29")),
            (berlin, "2026-10-24T06:00:00Z", Some("2026-10-24")),
            (berlin, "2026-10-25T06:59:59Z", None),
            (berlin, "2026-10-25T07:00:00Z", Some("2026-10-25")),
            (new_york, "2026-03-08T11:59:59Z", None),
            (new_york, "2026-03-08T12:00:00Z", Some("2026-03-08")),
            (new_york, "2026-11-01T12:59:59Z", None),
            (new_york, "2026-11-01T13:00:00Z", Some("2026-11-01")),
            ("Asia/Kolkata", "2026-11-16T02:30:00Z", Some("2026-11-16")),
            ("Pacific/Auckland", "2026-11-15T19:00:00Z", Some("2026-11-16")),
            ("Pacific/Chatham", "2026-11-15T18:14:59Z", None),
            ("Pacific/Chatham", "2026-11-15T18:15:00Z", Some("2026-11-16")),
            ("Australia/Lord_Howe", "2026-10-03T21:00:00Z", Some("2026-10-04")),
        ] {
            check(zone, at, day);
        }
    }

    #[test]
    fn the_next_morning_follows() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        for (after, begins) in [
            ("2026-11-16T06:59:59Z", "2026-11-16T07:00:00Z"),
            ("2026-11-16T07:00:00Z", "2026-11-17T07:00:00Z"),
            ("2026-10-24T22:00:00Z", "2026-10-25T07:00:00Z"),
            ("2026-03-28T12:00:00Z", "2026-03-29T06:00:00Z"),
        ] {
            let found = next_morning(after.parse().unwrap(), &berlin);
            assert_eq!(found, begins.parse().unwrap(), "after {after}");
            assert!(morning(found, &berlin).is_some());
        }
    }

    /// A call an hour, at whatever minute: each day of a year has its morning in every zone.
    #[test]
    fn every_day_has_a_morning() {
        for zone in ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Chatham", "Australia/Lord_Howe"] {
            let zone = TimeZone::get(zone).unwrap();
            for minute in [0, 29, 59] {
                let first: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
                let calls = (0..365 * 24).map(|hour| first + SignedDuration::from_mins(60 * hour + minute));
                let mut calls_a_day: BTreeMap<Date, usize> = BTreeMap::new();
                for day in calls.filter_map(|at| morning(at, &zone)) {
                    *calls_a_day.entry(day).or_default() += 1;
                }
                assert!(calls_a_day.len() >= 365, "{zone:?}");
                // The first and the last day are cut.
                let whole = calls_a_day.values().skip(1).take(363);
                assert!(whole.copied().all(|calls| calls == 4), "{zone:?}");
            }
        }
    }

    #[test]
    fn what_somebody_has_to_think_of_is_open() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        // 09:00 in Berlin.
        let now: Timestamp = "2026-11-16T08:00:00Z".parse().unwrap();
        let by = || "ann@example.com".parse::<EmailAddress>().unwrap();
        let sent = || Delivery::Sent { id: "m".into() };
        let due = |day: i8| Some(Deadline { day: jiff::civil::date(2026, 11, day), time: None, words: "then".into() });
        let snoozed = |until: &str| Stage::Snoozed { until: until.parse().unwrap(), by: by(), at: now };
        let taken = || Stage::Taken { by: by(), at: now };
        let settled = || Stage::Settled { outcome: Outcome::Saved, by: by(), at: now };
        let wrong = || Stage::Wrong { reason: WrongReason::Misread, by: by(), at: now };
        for (delivery, stage, deadline, expected) in [
            (sent(), Stage::New, None, true),
            (Delivery::Filed { file: "f".into() }, Stage::New, None, true),
            (Delivery::Digested, Stage::New, due(1), true),
            (Delivery::Held { reason: HoldReason::DailyCap }, Stage::New, None, true),
            (Delivery::Refused { reason: "r".into() }, Stage::New, None, true),
            (Delivery::Pending, Stage::New, due(16), false),
            (Delivery::Skipped { by: Withheld::Shadow }, Stage::New, due(16), false),
            (sent(), taken(), None, false),
            (sent(), taken(), due(16), true),
            (sent(), taken(), due(17), false),
            (sent(), snoozed("2026-11-16T22:59:00Z"), None, true),
            (sent(), snoozed("2026-11-16T23:00:00Z"), None, false),
            (sent(), snoozed("2026-11-20T08:00:00Z"), due(16), true),
            (sent(), settled(), due(16), false),
            (sent(), wrong(), due(16), false),
        ] {
            let follow_up = FollowUp { stage, ..FollowUp::default() };
            let alert = Alert { delivery, follow_up, deadline, ..sample::alert(1) };
            assert_eq!(is_open(&alert, &zone, now), expected, "{alert:?}");
        }
    }
}
