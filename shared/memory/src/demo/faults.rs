//! What goes wrong, and when: a script of faults, played back from a seed.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use zendesk::Method;

use super::call::Call;

/// A scenario file.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scenario {
    /// Where chance begins; the same seed plays the same faults.
    pub seed: Option<u64>,
    /// What happens to requests. The first rule that applies decides.
    pub requests: Vec<RequestRule>,
    /// What happens to deliveries of webhooks. The first rule that applies decides.
    pub deliveries: Vec<DeliveryRule>,
}

/// Which requests, and what happens to them.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestRule {
    #[serde(default)]
    pub method: Option<String>,
    /// With `*` for any text, such as `/api/v2/tickets/*`.
    #[serde(default)]
    pub path: Option<String>,
    /// The ticket's number.
    #[serde(default)]
    pub ticket: Option<u64>,
    #[serde(default)]
    pub when: When,
    pub fault: RequestFault,
}

/// Which deliveries, and what happens to them.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveryRule {
    /// Such as `ticket.created`.
    #[serde(default)]
    pub event: Option<String>,
    #[serde(default)]
    pub ticket: Option<u64>,
    #[serde(default)]
    pub when: When,
    pub fault: DeliveryFault,
}

/// Of what a rule fits, to which it applies: all, unless one of these says less.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// Only the nth that fits, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth: Option<u64>,
    /// From 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// At most so many times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<u64>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RequestFault {
    /// Answered, later.
    Latency { milliseconds: u64 },
    /// Not carried out, and answered with that status: 409, 429, 500, 503 …
    Status {
        status: u16,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<u64>,
    },
    /// Not carried out and never answered.
    TimeOutBefore,
    /// Carried out and never answered.
    TimeOutAfter,
    /// Before the request is carried out, an agent changes this ticket by hand: the object of a `PUT`.
    HumanEdit { ticket: u64, changes: Value },
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum DeliveryFault {
    Lost,
    /// Sent twice, the second time so much later.
    Duplicated {
        seconds: u64,
    },
    Late {
        seconds: u64,
    },
    /// Sent at some moment within the time, so that events overtake each other.
    Reordered {
        seconds: u64,
    },
}

/// A scenario being played.
#[derive(Debug)]
pub(super) struct Faults {
    scenario: Scenario,
    chance: fastrand::Rng,
    /// How often each rule fitted, and how often it applied.
    requests: Vec<Tally>,
    deliveries: Vec<Tally>,
}

#[derive(Clone, Copy, Default, Debug)]
struct Tally {
    fitted: u64,
    applied: u64,
}

impl Faults {
    pub(super) fn new(scenario: Scenario, seed: u64) -> Self {
        Self {
            chance: fastrand::Rng::with_seed(scenario.seed.unwrap_or(seed)),
            requests: vec![Tally::default(); scenario.requests.len()],
            deliveries: vec![Tally::default(); scenario.deliveries.len()],
            scenario,
        }
    }

    /// What happens to a request.
    pub(super) fn request(&mut self, call: &Call<'_>) -> Option<RequestFault> {
        for (rule, tally) in self.scenario.requests.iter().zip(&mut self.requests) {
            if rule.fits(call) && rule.when.applies(tally, &mut self.chance) {
                return Some(rule.fault.clone());
            }
        }
        None
    }

    /// After how many seconds a delivery goes out, once for each time it does.
    pub(super) fn delivery(&mut self, event: &str, ticket: u64) -> Vec<u64> {
        for (rule, tally) in self.scenario.deliveries.iter().zip(&mut self.deliveries) {
            let fits = rule.event.as_ref().is_none_or(|wanted| wanted == event)
                && rule.ticket.is_none_or(|wanted| wanted == ticket);
            if fits && rule.when.applies(tally, &mut self.chance) {
                return match rule.fault {
                    DeliveryFault::Lost => Vec::new(),
                    DeliveryFault::Duplicated { seconds } => vec![0, seconds],
                    DeliveryFault::Late { seconds } => vec![seconds],
                    DeliveryFault::Reordered { seconds } => vec![self.chance.u64(0..=seconds)],
                };
            }
        }
        vec![0]
    }
}

impl RequestRule {
    fn fits(&self, call: &Call<'_>) -> bool {
        let method: &str = call.method.into();
        let number = || match call.path.get(2..) {
            Some([tickets, id, ..]) if tickets == "tickets" => id.parse::<u64>().ok(),
            _ => None,
        };
        self.method.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && self.path.as_ref().is_none_or(|pattern| matches(pattern, call.bare_path()))
            && self.ticket.is_none_or(|wanted| number() == Some(wanted))
    }
}

impl When {
    fn applies(&self, tally: &mut Tally, chance: &mut fastrand::Rng) -> bool {
        tally.fitted += 1;
        let applies = self.nth.is_none_or(|nth| nth == tally.fitted)
            && self.most.is_none_or(|most| tally.applied < most)
            && self.probability.is_none_or(|probability| chance.f64() < probability);
        tally.applied += u64::from(applies);
        applies
    }
}

/// `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    loop {
        if matches(rest, text) {
            return true;
        }
        let mut letters = text.chars();
        if letters.next().is_none() {
            return false;
        }
        text = letters.as_str();
    }
}

/// The answer of a fault that has a status.
pub(super) fn refusal(status: u16, retry_after: Option<u64>, method: Method) -> super::reply::Reply {
    use super::reply::{Content, Reply};
    let reply = match status {
        409 => Reply::refused(409, "DatabaseConflict", "Database collision"),
        429 => Reply::refused(429, "APIRateLimitExceeded", "Number of allowed API requests per minute exceeded"),
        // A proxy in front of Zendesk answers reads in plain text.
        500.. if method == Method::Get => {
            Reply { status, headers: Vec::new(), content: Content::Text("upstream connect error") }
        }
        _ => Reply::titled(status, "Internal Server Error", "Something went wrong on our side."),
    };
    retry_after.into_iter().fold(reply, |reply, seconds| reply.with_header("retry-after", seconds.to_string()))
}

#[cfg(test)]
mod tests {
    use zendesk::Request;

    use super::*;

    #[test]
    fn a_pattern_fits_what_it_says() {
        for (pattern, text, fits) in [
            ("/api/v2/tickets/*", "/api/v2/tickets/7.json", true),
            ("/api/v2/*/7.json", "/api/v2/tickets/7.json", true),
            ("/api/v2/tickets", "/api/v2/tickets/7.json", false),
            ("*comments*", "/api/v2/tickets/7/comments.json", true),
            ("/api/v2/users/*", "/api/v2/tickets/7.json", false),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn a_scenario_is_read_as_documented() {
        let text = r#"{"seed": 7, "requests": [
            {"method": "PUT", "path": "/api/v2/tickets/*", "when": {"nth": 2}, "fault": "time_out_after"},
            {"ticket": 7, "when": {"most": 1}, "fault": {"status": {"status": 429, "retry_after": 5}}}],
            "deliveries": [{"event": "ticket.created", "when": {"probability": 0.5}, "fault": {"duplicated": {"seconds": 3}}}]}"#;
        let mut faults = Faults::new(serde_json::from_str(text).unwrap(), 0);
        let request = Request::new(Method::Put, "/api/v2/tickets/7.json");
        let call = Call::new(&request);
        let throttled = RequestFault::Status { status: 429, retry_after: Some(5) };
        let found: Vec<_> = (0..3).map(|_| faults.request(&call)).collect();
        assert_eq!(found, [Some(throttled), Some(RequestFault::TimeOutAfter), None]);
    }

    #[test]
    fn the_same_seed_plays_the_same_faults() {
        let rule = |fault| DeliveryRule {
            event: None,
            ticket: None,
            when: When { probability: Some(0.5), ..When::default() },
            fault,
        };
        let scenario = Scenario {
            deliveries: vec![rule(DeliveryFault::Lost), rule(DeliveryFault::Reordered { seconds: 60 })],
            ..Scenario::default()
        };
        let play = |seed| {
            let mut faults = Faults::new(scenario.clone(), seed);
            (0..40).map(|_| faults.delivery("ticket.created", 1)).collect::<Vec<_>>()
        };
        assert_eq!(play(1), play(1));
        assert_ne!(play(1), play(2));
    }
}
