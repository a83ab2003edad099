//! Which account, and with whose credentials. Secrets come from the environment, a `.env`, or the keyboard, never from
//! the command line.

use std::{
    io::{IsTerminal, Write},
    process::{Command, Stdio},
    sync::Arc,
};

use anyhow::{Context, anyhow, bail, ensure};
use clap::Args;
use secrecy::SecretString;
use zendesk::{Access, Budget, Client, Credentials, HttpTransport, RUNTIME_SCOPES, SETUP_SCOPES, Transport, doctor};

use crate::stack::{Environment, wall_clock};

/// Names of the variables that hold one set of credentials.
struct Names {
    client_id: &'static str,
    client_secret: &'static str,
    email: &'static str,
    api_token: &'static str,
}

const SETUP: Names = Names {
    client_id: "ZENDESK_CLIENT_ID",
    client_secret: "ZENDESK_CLIENT_SECRET",
    email: "ZENDESK_EMAIL",
    api_token: "ZENDESK_API_TOKEN",
};

const RUNNING: Names = Names {
    client_id: "ZENDESK_RUNTIME_CLIENT_ID",
    client_secret: "ZENDESK_RUNTIME_CLIENT_SECRET",
    email: "ZENDESK_RUNTIME_EMAIL",
    api_token: "ZENDESK_RUNTIME_API_TOKEN",
};

/// The account a command works on.
#[derive(Args, Clone, Debug)]
pub struct Account {
    /// Subdomain of the account: acme for `https://acme.zendesk.com`; or the address of a demo-zendesk
    #[arg(long)]
    pub subdomain: String,
}

impl Account {
    /// Where agents work.
    pub(super) fn url(&self) -> String {
        if self.subdomain.contains("://") {
            self.subdomain.trim_end_matches('/').to_owned()
        } else {
            format!("https://{}.zendesk.com", self.subdomain)
        }
    }

    pub(super) fn transport(&self) -> anyhow::Result<Arc<dyn Transport>> {
        Ok(Arc::new(HttpTransport::new(&self.subdomain).map_err(|problem| anyhow!("--subdomain: {problem}"))?))
    }
}

/// The client that sets up or looks; asks for what no variable says.
///
/// # Errors
/// Nobody at the keyboard to ask, or half of a pair.
pub(super) fn setup_credentials(environment: &Environment) -> anyhow::Result<Credentials> {
    if let Some(credentials) = from_variables(environment, &SETUP)? {
        return Ok(credentials);
    }
    ensure!(
        std::io::stdin().is_terminal(),
        "set {} and {} (an OAuth client of the account), or answer at a terminal",
        SETUP.client_id,
        SETUP.client_secret
    );
    let client_id = ask("Client id of the set-up OAuth client")?;
    let client_secret = hidden(|| ask("Its secret (not shown)"))?;
    Ok(Credentials::OAuth { client_id, client_secret: client_secret.into() })
}

/// The client the deployment runs with, where a variable says.
///
/// # Errors
/// Half of a pair.
pub(super) fn running_credentials(environment: &Environment) -> anyhow::Result<Option<Credentials>> {
    from_variables(environment, &RUNNING)
}

fn from_variables(environment: &Environment, names: &Names) -> anyhow::Result<Option<Credentials>> {
    let get = |name: &str| environment.get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    let oauth = pair(names.client_id, get(names.client_id), names.client_secret, get(names.client_secret))?;
    let token = pair(names.email, get(names.email), names.api_token, get(names.api_token))?;
    Ok(match (oauth, token) {
        (Some((client_id, secret)), None) => Some(Credentials::OAuth { client_id, client_secret: secret }),
        (None, Some((email, token))) => Some(Credentials::ApiToken { email, token }),
        (None, None) => None,
        (Some(_), Some(_)) => bail!("set {} or {}, not both", names.client_id, names.email),
    })
}

fn pair(
    name: &str,
    value: Option<String>,
    secret_name: &str,
    secret: Option<String>,
) -> anyhow::Result<Option<(String, SecretString)>> {
    match (value, secret) {
        (Some(value), Some(secret)) => Ok(Some((value, secret.into()))),
        (None, None) => Ok(None),
        (Some(_), None) => bail!("{name} is set and {secret_name} is not"),
        (None, Some(_)) => bail!("{secret_name} is set and {name} is not"),
    }
}

/// A client with the rights of set-up.
pub(super) fn setup_client(transport: &Arc<dyn Transport>, credentials: &Credentials) -> Client {
    client(transport, credentials, SETUP_SCOPES)
}

/// A client with the rights of the deployment, no more.
pub(super) fn running_client(transport: &Arc<dyn Transport>, credentials: &Credentials) -> Client {
    client(transport, credentials, RUNTIME_SCOPES)
}

fn client(transport: &Arc<dyn Transport>, credentials: &Credentials, scopes: &'static [&'static str]) -> Client {
    let access = Access::new(Arc::new(credentials.clone()), scopes);
    // A few dozen requests by hand: the account's own limit is enough.
    Client::new(transport.clone(), access, Budget::unlimited(), Arc::new(wall_clock))
}

pub(super) fn kind(credentials: &Credentials) -> doctor::SignIn {
    match credentials {
        Credentials::OAuth { .. } => doctor::SignIn::OAuth,
        Credentials::ApiToken { .. } => doctor::SignIn::ApiToken,
    }
}

/// One line from the keyboard; the question goes to standard error, so that output stays clean.
pub(super) fn ask(question: &str) -> anyhow::Result<String> {
    eprint!("{question}: ");
    let _ = std::io::stderr().flush();
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).context("the answer cannot be read")?;
    let line = line.trim().to_owned();
    ensure!(!line.is_empty(), "no answer was given");
    Ok(line)
}

/// Runs with the terminal's echo off, where `stty` can do that.
fn hidden<T>(asked: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let echo = |how: &str| {
        let done = Command::new("stty").arg(how).stdin(Stdio::inherit()).stderr(Stdio::null()).status();
        done.is_ok_and(|status| status.success())
    };
    if !echo("-echo") {
        eprintln!("(this terminal cannot hide what you type)");
        return asked();
    }
    let answer = asked();
    echo("echo");
    eprintln!();
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(lines: &[(&str, &str)]) -> Environment {
        Environment::of(lines.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn credentials_come_in_pairs_of_one_kind() {
        let of = |lines: &[(&str, &str)]| from_variables(&environment(lines), &SETUP);
        let (id, secret) = (("ZENDESK_CLIENT_ID", "a"), ("ZENDESK_CLIENT_SECRET", "PLANTED"));
        let (email, token) = (("ZENDESK_EMAIL", "a@b.c"), ("ZENDESK_API_TOKEN", "PLANTED"));
        assert!(matches!(of(&[id, secret]), Ok(Some(Credentials::OAuth { .. }))));
        assert!(matches!(of(&[email, token]), Ok(Some(Credentials::ApiToken { .. }))));
        assert!(matches!(of(&[("ZENDESK_CLIENT_ID", " ")]), Ok(None)));
        for bad in [&[id][..], &[secret], &[email], &[id, secret, email, token]] {
            let problem = of(bad).unwrap_err().to_string();
            assert!(problem.contains("ZENDESK_") && !problem.contains("PLANTED"), "{problem}");
        }
    }

    #[test]
    fn an_account_is_a_subdomain_or_a_demo() {
        let url = |subdomain: &str| Account { subdomain: subdomain.to_owned() }.url();
        assert_eq!(url("acme"), "https://acme.zendesk.com");
        assert_eq!(url("http://127.0.0.1:8081/"), "http://127.0.0.1:8081");
    }
}
