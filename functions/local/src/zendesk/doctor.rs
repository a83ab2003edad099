//! `doctor`: what a new operator gets wrong, each line with its fix.

use std::sync::Arc;

use clap::Args;
use secrecy::SecretString;
use serde_json::{Value, json};
use zendesk::{
    Client, Transport,
    doctor::{self, Facts, Finding, Level, Subject},
    found,
};

use super::{
    access::{self, Account},
    deployment,
    setup::{Configured, PlaceArguments, Site},
    slack,
};
use crate::{
    exit::Ended,
    say,
    stack::{Environment, wall_clock},
};

#[derive(Args, Clone, Debug)]
pub struct DoctorArguments {
    #[command(flatten)]
    pub account: Account,
    #[command(flatten)]
    pub place: PlaceArguments,
    /// Where Zendesk should send events [default: the stack's WebhookUrl, else not compared]
    #[arg(long, value_name = "URL")]
    pub webhook_url: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// # Errors
/// Credentials or configuration without which nothing can be looked at.
pub async fn command(arguments: &DoctorArguments, environment: &Environment) -> anyhow::Result<Ended> {
    let site = Site::open(&arguments.place)?;
    let findings = examine(arguments, environment, &site, &arguments.account.transport()?).await?;
    let worst = doctor::worst(&findings);
    if arguments.json {
        say::line(format_args!("{:#}", json!({ "worst": worst, "findings": findings })));
    } else {
        findings.iter().for_each(say::line);
        let count = |level| findings.iter().filter(|finding| finding.level == level).count();
        say::line(format_args!("{} errors, {} warnings", count(Level::Error), count(Level::Warning)));
    }
    Ok(match worst {
        Level::Ok | Level::Skipped => Ended::Well,
        Level::Warning => Ended::WithLosses,
        Level::Error => Ended::Badly,
    })
}

/// All findings, whoever carries requests.
///
/// # Errors
/// As [`command`].
pub(super) async fn examine(
    arguments: &DoctorArguments,
    environment: &Environment,
    site: &Site,
    transport: &Arc<dyn Transport>,
) -> anyhow::Result<Vec<Finding>> {
    let place = site.place()?;
    let configured = Configured::read(&place)?;
    let credentials = access::setup_credentials(environment)?;
    let client = access::setup_client(transport, &credentials);
    let deployed = site.deployment.as_ref().and_then(|deployment| deployment.credentials(site.cloud()).ok().flatten());
    // What is deployed counts, not what is set here.
    let running = match deployed {
        Some(credentials) => Some(credentials),
        None => access::running_credentials(environment)?,
    };
    let running = running.map(|running| (access::running_client(transport, &running), access::kind(&running)));
    let endpoint = match (&arguments.webhook_url, &site.deployment) {
        (Some(url), _) => Some(url.clone()),
        (None, Some(deployment)) => deployment.output("WebhookUrl").ok().map(str::to_owned),
        (None, None) => None,
    };
    let subject = Subject {
        stack: site.stack().map(str::to_owned),
        teams: configured.teams,
        fields: configured.fields,
        endpoint,
        sweep: site.deployment.as_ref().and_then(|deployment| deployment.given("Sweep")).map(str::to_owned),
        bot_user: site.deployment.as_ref().and_then(deployment::Deployment::bot_user),
        now: wall_clock(),
    };
    let running = running.as_ref().map(|(client, kind)| (client, *kind));
    let facts = doctor::gather(&client, access::kind(&credentials), running, subject).await;
    let mut findings = doctor::findings(&facts);
    findings.extend(slack::findings(site, environment, configured.slack_group.as_deref()).await);
    if let Some(deployment) = &site.deployment {
        let secret = signing_secret(&client, &facts).await;
        findings.extend(deployment::findings(&deployment::StackFacts::gather(
            site.cloud(),
            deployment,
            &arguments.account.subdomain,
            secret,
        )));
    }
    Ok(findings)
}

/// Zendesk's signing secret, to compare with ours.
async fn signing_secret(client: &Client, facts: &Facts) -> Option<SecretString> {
    let webhook = facts.our_webhooks().first().map(|webhook| webhook.id.clone())?;
    let answer: Value = client.get(&format!("/api/v2/webhooks/{webhook}/signing_secret")).await.ok()?;
    let secret = found::text_at(&answer, "/signing_secret/secret");
    if secret.is_empty() { None } else { Some(secret.into()) }
}
