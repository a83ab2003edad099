//! The line of `doctor` about Slack: who the bot is, and what it may not do yet.

use std::{sync::Arc, time::Duration};

use domain::ports::{PortError, told};
use slack::{Api, Client, Credential};
use zendesk::doctor::Finding;

use super::setup::Site;
use crate::stack::Environment;

const CHECK: &str = "slack";
const PATIENCE: Duration = Duration::from_secs(10);
const FIX: &str =
    "docs/slack.md has the steps; install the app again after a change of its scopes, and store the new token";

/// The scope that only a policy with a user group (`group`) needs: plans without groups do not have it.
const GROUPS: &str = "usergroups:read";

/// What is the case with the deployed token, else with `SLACK_TOKEN`. Nothing where there is none: alerts go by mail.
pub(super) async fn findings(site: &Site, environment: &Environment, group: Option<&str>) -> Vec<Finding> {
    let (deployment, cloud) = (site.deployment.as_ref(), site.cloud());
    let stored = deployment.and_then(|deployment| deployment.read(cloud, "slack-token").ok().flatten());
    let deployed = stored.is_some();
    let Some(token) = stored.or_else(|| environment.get("SLACK_TOKEN")).filter(|token| !token.trim().is_empty()) else {
        return Vec::new();
    };
    let credential = match Credential::parse(&token) {
        Ok(credential) => credential,
        Err(problem) => return vec![Finding::error(CHECK, format!("the token {problem}"), FIX)],
    };
    if matches!(credential, Credential::Webhook(_)) {
        return vec![Finding::ok(CHECK, "an incoming webhook: messages without buttons")];
    }
    let client = match client(credential, environment) {
        Ok(client) => client,
        Err(problem) => return vec![Finding::error(CHECK, format!("SLACK_API {problem}"), FIX)],
    };
    let mut findings = vec![bot(&client, group).await];
    let signing = deployment.and_then(|deployment| deployment.read(cloud, "slack-signing-secret").ok().flatten());
    if deployed && signing.is_none() {
        findings.push(Finding::error(
            CHECK,
            "no signing secret is stored, so nothing that is pressed in Slack is taken for Slack's",
            "store it in /STACK/slack-signing-secret (docs/slack.md)",
        ));
    }
    findings
}

fn client(credential: Credential, environment: &Environment) -> Result<Client, &'static str> {
    let api = environment.get("SLACK_API").filter(|text| !text.trim().is_empty());
    let api = api.map_or_else(|| Ok(Api::default()), |text| text.trim().parse())?;
    Ok(Client::over_http(Arc::new(credential), PATIENCE, api))
}

async fn bot(client: &Client, group: Option<&str>) -> Finding {
    match client.identity().await {
        Ok(mut identity) => {
            identity.missing.retain(|scope| *scope != GROUPS || group.is_some());
            let who = format!("the bot {} in {}", identity.bot, identity.team);
            if identity.missing.is_empty() {
                Finding::ok(CHECK, format!("{who} may do all it needs"))
            } else {
                Finding::warning(CHECK, format!("{who} lacks the scopes {}", identity.missing.join(", ")), FIX)
            }
        }
        Err(error @ PortError::Transient { .. }) => Finding::skipped(CHECK, told(&error)),
        Err(error) => Finding::error(CHECK, told(&error), FIX),
    }
}

#[cfg(test)]
mod tests {
    use slack::scripted::ScriptedSlack;
    use zendesk::doctor::Level;

    use super::*;

    #[test]
    fn the_bot_is_asked_where_it_lives() {
        for (set, asked) in [
            ("", Some("Client(https://slack.com/api)")),
            ("https://slack-gov.com/api", Some("Client(https://slack-gov.com/api)")),
            ("http://slack.com/api", None),
        ] {
            let environment = Environment::of([("SLACK_API".to_owned(), set.to_owned())]);
            let client = client(Credential::parse("xoxb-1").unwrap(), &environment);
            assert_eq!(client.ok().map(|client| format!("{client:?}")).as_deref(), asked, "{set}");
        }
    }

    #[tokio::test]
    async fn the_bot_is_named_with_what_it_lacks() {
        let slack = ScriptedSlack::start();
        let well = bot(&slack.client(), None).await;
        assert_eq!((well.level, well.says.as_str()), (Level::Ok, "the bot triage in Acme may do all it needs"));
        slack.take_scope("usergroups:read");
        assert_eq!(bot(&slack.client(), None).await.level, Level::Ok, "the policy names no group");
        let grouped = bot(&slack.client(), Some("S0CSM")).await;
        assert!(grouped.level == Level::Warning && grouped.says.ends_with("usergroups:read"), "{}", grouped.says);
        slack.take_scope("im:write");
        let narrow = bot(&slack.client(), None).await;
        assert_eq!((narrow.level, narrow.says.ends_with("lacks the scopes im:write")), (Level::Warning, true));
        assert_eq!(bot(&slack.client_with("xoxb-other"), None).await.level, Level::Error);
    }
}
