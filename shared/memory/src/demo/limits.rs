//! How many requests an account may make, by its plan, and the headers that say so.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strum::EnumString;
use zendesk::Method;

use super::{
    call::Call,
    reply::{Content, Reply},
};

/// What the account pays for. Source of the numbers: developer.zendesk.com, "Rate limits".
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Plan {
    /// Also a sandbox: 20 updates a minute, 60 webhook invocations a minute.
    Trial,
    Team,
    Growth,
    #[default]
    Professional,
    Enterprise,
    EnterprisePlus,
    /// No plan of Zendesk's: nothing is counted.
    Unlimited,
}

impl Plan {
    /// Requests a minute of the whole account.
    fn requests(self) -> Option<u64> {
        match self {
            Self::Trial | Self::Team => Some(200),
            Self::Growth | Self::Professional => Some(400),
            Self::Enterprise => Some(700),
            Self::EnterprisePlus => Some(2_500),
            Self::Unlimited => None,
        }
    }

    /// Ticket updates a minute of the whole account.
    fn updates(self) -> u64 {
        match self {
            Self::Trial => 20,
            Self::EnterprisePlus => 300,
            Self::Team | Self::Growth | Self::Professional | Self::Enterprise | Self::Unlimited => 100,
        }
    }

    /// Webhook invocations a minute.
    pub(super) fn invocations(self) -> Option<usize> {
        (self == Self::Trial).then_some(60)
    }
}

/// Counters by bucket, each for the period it is in.
#[derive(Debug, Default)]
pub(super) struct Limits(HashMap<String, (i64, u64)>);

struct Bucket {
    name: &'static str,
    /// What is counted together.
    key: String,
    most: u64,
    seconds: i64,
}

impl Limits {
    /// Counts a request, and says what its answer has to tell: headers, or the refusal.
    pub(super) fn count(
        &mut self,
        plan: Plan,
        call: &Call<'_>,
        now: Timestamp,
    ) -> Result<Vec<(String, String)>, Reply> {
        let Some(requests) = plan.requests() else { return Ok(Vec::new()) };
        let account = Bucket { name: "account", key: "account".to_owned(), most: requests, seconds: 60 };
        let mut headers = Vec::new();
        let mut refusal = None;
        for bucket in std::iter::once(account).chain(buckets(plan, call)) {
            let used = self.used(&bucket, now);
            let resets = bucket.seconds - now.as_second().rem_euclid(bucket.seconds);
            let remaining = bucket.most.saturating_sub(used);
            headers.extend(told(&bucket, remaining, resets));
            if used > bucket.most && refusal.is_none() {
                refusal = Some(refused(&bucket, resets));
            }
        }
        match refusal {
            Some(mut refusal) => {
                refusal.headers.extend(headers);
                Err(refusal)
            }
            None => Ok(headers),
        }
    }

    fn used(&mut self, bucket: &Bucket, now: Timestamp) -> u64 {
        let period = now.as_second().div_euclid(bucket.seconds);
        let counter = self.0.entry(bucket.key.clone()).or_insert((period, 0));
        if counter.0 != period {
            *counter = (period, 0);
        }
        counter.1 += 1;
        counter.1
    }
}

/// The narrower limits that a request is under, beside the account's.
fn buckets(plan: Plan, call: &Call<'_>) -> Vec<Bucket> {
    let words: Vec<&str> = call.path.iter().skip(2).map(String::as_str).collect();
    match (call.method, words.as_slice()) {
        (Method::Put, ["tickets", id, ..]) => {
            let user = call.caller.user.unwrap_or_default();
            vec![
                Bucket { name: "tickets-update", key: "updates".to_owned(), most: plan.updates(), seconds: 60 },
                Bucket { name: "per-ticket-updates", key: format!("ticket {id} {user}"), most: 30, seconds: 600 },
            ]
        }
        (Method::Get, ["incremental", ..]) => {
            vec![Bucket { name: "incremental-exports", key: "exports".to_owned(), most: 10, seconds: 60 }]
        }
        (Method::Get, ["tickets"]) => {
            vec![Bucket { name: "tickets-index", key: "index".to_owned(), most: 100, seconds: 60 }]
        }
        (Method::Get, ["search", ..]) => {
            vec![Bucket { name: "search-index", key: "search".to_owned(), most: 100, seconds: 60 }]
        }
        _ => Vec::new(),
    }
}

/// Answers of 2023 and of later years spell their headers differently; here each has both.
fn told(bucket: &Bucket, remaining: u64, resets: i64) -> Vec<(String, String)> {
    let Bucket { name, most, .. } = bucket;
    if *name == "account" {
        vec![
            ("x-rate-limit".to_owned(), most.to_string()),
            ("x-rate-limit-remaining".to_owned(), remaining.to_string()),
            ("ratelimit-limit".to_owned(), most.to_string()),
            ("ratelimit-remaining".to_owned(), remaining.to_string()),
            ("ratelimit-reset".to_owned(), resets.to_string()),
        ]
    } else {
        let value = format!("total={most}; remaining={remaining}; resets={resets}");
        ["zendesk-ratelimit", "zendesk-rate-limit"].map(|word| (format!("{word}-{name}"), value.clone())).to_vec()
    }
}

fn refused(bucket: &Bucket, resets: i64) -> Reply {
    let reply = match bucket.name {
        "incremental-exports" => Reply::refused(
            429,
            "APIRateLimitExceeded",
            "Number of allowed incremental export API requests per minute exceeded",
        ),
        // This one is plain text.
        "account" => Reply {
            status: 429,
            headers: Vec::new(),
            content: Content::Text("Number of allowed API requests per minute exceeded"),
        },
        _ => Reply::refused(429, "APIRateLimitExceeded", "Number of allowed API requests per minute exceeded"),
    };
    reply.with_header("retry-after", resets.max(1).to_string())
}

#[cfg(test)]
mod tests {
    use zendesk::Request;

    use super::*;

    #[test]
    fn a_trial_takes_twenty_updates_a_minute() {
        let (mut limits, now) = (Limits::default(), Timestamp::UNIX_EPOCH);
        for number in 1..=21 {
            let request = Request::new(Method::Put, format!("/api/v2/tickets/{number}.json"));
            let counted = limits.count(Plan::Trial, &Call::new(&request), now);
            assert_eq!(counted.is_ok(), number <= 20, "{number}");
        }
        let request = Request::new(Method::Put, "/api/v2/tickets/1.json");
        let later = domain::time::later(now, jiff::SignedDuration::from_secs(60));
        let headers = limits.count(Plan::Trial, &Call::new(&request), later).unwrap();
        for name in ["zendesk-ratelimit-tickets-update", "zendesk-rate-limit-tickets-update"] {
            let expected = (name.to_owned(), "total=20; remaining=19; resets=60".to_owned());
            assert!(headers.contains(&expected), "{headers:?}");
        }
    }

    #[test]
    fn a_ticket_takes_thirty_updates_in_ten_minutes() {
        let mut limits = Limits::default();
        let request = Request::new(Method::Put, "/api/v2/tickets/1.json");
        for number in 0..31 {
            let now = Timestamp::from_second(number * 15).unwrap();
            let counted = limits.count(Plan::Professional, &Call::new(&request), now);
            assert_eq!(counted.is_ok(), number < 30, "{number}");
        }
    }
}
