//! Where the Web API is called.

use std::{fmt, str::FromStr};

const SLACK: &str = "https://slack.com/api";
/// Of workspaces of the government of the United States.
const GOV_SLACK: &str = "https://slack-gov.com/api";

/// The address that the methods of the Web API are below. Every call carries the token, so it is one of Slack's own or
/// a stand-in on this machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Api(String);

impl Default for Api {
    fn default() -> Self {
        Self(SLACK.to_owned())
    }
}

impl FromStr for Api {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if [SLACK, GOV_SLACK].contains(&text) || is_local(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err("is none of https://slack.com/api, https://slack-gov.com/api and http://127.0.0.1:PORT/api")
        }
    }
}

fn is_local(text: &str) -> bool {
    let port = text.strip_prefix("http://127.0.0.1:").and_then(|rest| rest.strip_suffix("/api"));
    port.is_some_and(|port| port.parse::<u16>().is_ok())
}

impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_go_to_slack_or_this_machine() {
        for good in ["https://slack.com/api", "https://slack-gov.com/api", "http://127.0.0.1:8080/api"] {
            assert_eq!(good.parse::<Api>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            "http://slack.com/api",
            "https://slack.com.evil.example/api",
            "https://slack.com/api/",
            "http://127.0.0.1/api",
            "http://127.0.0.1:80@evil.example/api",
            "http://127.0.0.1:80.evil.example/api",
            "http://localhost:80/api",
        ] {
            assert!(bad.parse::<Api>().is_err(), "{bad}");
        }
        assert_eq!(Api::default().to_string(), SLACK);
    }
}
