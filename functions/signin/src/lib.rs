//! Signs people in at the customer's identity provider, and seals who they are in a cookie that the site's gate reads.
//!
//! OpenID Connect's authorization code flow with PKCE. Nothing is stored: a begun sign-in and a session lie sealed in the
//! browser's cookies. The gate (`SiteGate` in template.yaml) cannot do this itself: it has no network.

mod answer;
pub mod id_token;
#[cfg(feature = "lambda")]
mod network;
pub mod person;
pub mod provider;
pub mod settings;

use std::{panic::AssertUnwindSafe, sync::Arc};

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use domain::ports::{PortError, SigningSecrets, told};
use form_urlencoded::Serializer;
use futures::FutureExt;
use jiff::Timestamp;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use strum::IntoEnumIterator;

#[cfg(feature = "lambda")]
pub use crate::network::HttpTransport;
use crate::{
    answer::Answer,
    id_token::Expected,
    person::Person,
    provider::{Known, Transport, Unexchanged},
    sealed::{PENDING_SECONDS, Pending, SESSION_SECONDS, Session},
    settings::{Role, SettingsSource},
};
pub use runtime::sealed;

/// What the sign-in needs of the outside.
#[derive(Clone)]
pub struct SignIn {
    pub settings: Arc<dyn SettingsSource>,
    /// The keys of the cookies; the gate has them too.
    pub keys: Arc<dyn SigningSecrets>,
    pub transport: Arc<dyn Transport>,
    pub known: Arc<Known>,
    /// Where people see the site, without a slash at the end. The provider sends them back there and nowhere else.
    pub site: String,
}

/// Answers one request. Never fails: every outcome has its page.
///
/// | path | answer |
/// |---|---|
/// | `/signin?to=/accounts/` | 302 to the provider |
/// | `/signin/callback` | 302 to the page with a session; 400 to begin again; 403 without a role |
/// | `/signin/out` | 200, the session is forgotten |
/// | all of them | 503 while the settings or the provider cannot be used |
pub async fn handle(sign_in: &SignIn, request: ApiGatewayV2httpRequest, now: Timestamp) -> ApiGatewayV2httpResponse {
    let answer = match AssertUnwindSafe(answer(sign_in, &request, now)).catch_unwind().await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => {
            tracing::error!(error = told(&error), "Failed to sign somebody in.");
            Answer::Unavailable(match error {
                PortError::Transient { .. } => {
                    "The identity provider cannot be reached or sign-in is not set up yet. Try again in a minute."
                }
                PortError::Denied { .. } | PortError::Permanent { .. } => {
                    "The identity provider and this dashboard do not agree. Whoever runs the dashboard finds the reason in its log."
                }
            })
        }
        Err(_) => {
            tracing::error!("Signing somebody in panicked.");
            Answer::Unavailable("Something went wrong here. Try again in a minute.")
        }
    };
    answer.into()
}

async fn answer(sign_in: &SignIn, request: &ApiGatewayV2httpRequest, now: Timestamp) -> Result<Answer, PortError> {
    if request.request_context.http.method != "GET" {
        return Ok(Answer::MethodNotAllowed);
    }
    match request.raw_path.as_deref() {
        Some("/signin") => begin(sign_in, request, now).await,
        Some("/signin/callback") => callback(sign_in, request, now).await,
        Some("/signin/out") => Ok(Answer::SignedOut),
        _ => Ok(Answer::NotFound),
    }
}

async fn begin(sign_in: &SignIn, request: &ApiGatewayV2httpRequest, now: Timestamp) -> Result<Answer, PortError> {
    let to = parameter(request, "to").filter(|to| is_page(to));
    let keys = keys(sign_in).await?;
    if let Some(Session { who, roles, .. }) = sealed::cookie(request, &keys, now.as_second()) {
        let to = to.or_else(|| roles.first().map(page_of)).unwrap_or_else(|| answer::begin(None));
        return Ok(Answer::Already { who, to });
    }
    let settings = sign_in.settings.settings().await?;
    let provider = sign_in.known.provider(&*sign_in.transport, &settings, now).await?;
    let pending =
        Pending { state: random()?, nonce: random()?, verifier: random()?, to, exp: now.as_second() + PENDING_SECONDS };
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&pending.verifier));
    let mut query = Serializer::new(String::new());
    query
        .append_pair("response_type", "code")
        .append_pair("client_id", &settings.client_id)
        .append_pair("redirect_uri", &redirect_uri(sign_in))
        .append_pair("scope", &settings.scope)
        .append_pair("state", &pending.state)
        .append_pair("nonce", &pending.nonce)
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256");
    let endpoint = &provider.authorization_endpoint;
    let joint = if endpoint.contains('?') { '&' } else { '?' };
    let location = format!("{endpoint}{joint}{}", query.finish());
    Ok(Answer::Provider { location, pending: sealed::seal(current(&keys)?, &pending) })
}

async fn callback(sign_in: &SignIn, request: &ApiGatewayV2httpRequest, now: Timestamp) -> Result<Answer, PortError> {
    let keys = keys(sign_in).await?;
    // Only the browser that began a sign-in can end it: nobody can be signed in as somebody else by a link.
    let Some(pending) = sealed::cookie::<Pending>(request, &keys, now.as_second()) else {
        return Ok(again("it was not begun in this browser, or too long ago", None));
    };
    if parameter(request, "state").as_deref() != Some(&*pending.state) {
        return Ok(again("state: of another sign-in", pending.to));
    }
    if let Some(error) = parameter(request, "error") {
        tracing::warn!(reason = provider::word(&error), "The identity provider signed nobody in.");
        return Ok(Answer::Again { reason: "Your identity provider did not sign you in.", to: pending.to });
    }
    let Some(code) = parameter(request, "code") else {
        return Ok(again("code: missing", pending.to));
    };
    let settings = sign_in.settings.settings().await?;
    let provider = sign_in.known.provider(&*sign_in.transport, &settings, now).await?;
    let redirect = redirect_uri(sign_in);
    let token = match provider.exchange(&*sign_in.transport, &settings, &code, &pending.verifier, &redirect).await {
        Ok(token) => token,
        Err(Unexchanged::Stale) => return Ok(again("code: used up or too old", pending.to)),
        Err(Unexchanged::Failed(error)) => return Err(error),
    };
    let expected = Expected {
        issuer: &settings.issuer,
        client_id: &settings.client_id,
        nonce: &pending.nonce,
        now: now.as_second(),
    };
    let claims = match id_token::check(&token, expected) {
        Ok(claims) => claims,
        Err(error) => return Ok(again(&error.to_string(), pending.to)),
    };
    let person = Person::of(&claims, &settings);
    let Some(first) = person.roles.first() else {
        tracing::warn!(person = person.who, subject = person.subject, "Somebody without a role signed in.");
        return Ok(Answer::NoRole { who: person.who, contact: settings.contact });
    };
    tracing::info!(person = person.who, subject = person.subject, roles = words(&person.roles), "Somebody signed in.");
    let to = pending.to.unwrap_or_else(|| page_of(first));
    let session = Session { who: person.who, roles: person.roles, exp: now.as_second() + SESSION_SECONDS };
    Ok(Answer::SignedIn { to, session: sealed::seal(current(&keys)?, &session) })
}

fn again(reason: &str, to: Option<String>) -> Answer {
    tracing::warn!(reason, "Refused a sign-in.");
    Answer::Again { reason: "This sign-in is not valid any more, or not yours.", to }
}

/// Asked for anew: a key that was just replaced must not seal what the gate would refuse.
async fn keys(sign_in: &SignIn) -> Result<Vec<SecretString>, PortError> {
    sign_in.keys.refreshed().await
}

fn current(keys: &[SecretString]) -> Result<&SecretString, PortError> {
    keys.first().ok_or_else(|| PortError::transient("the secret store", "there is no session key"))
}

fn redirect_uri(sign_in: &SignIn) -> String {
    format!("{}/signin/callback", sign_in.site)
}

/// A page of the site: where else somebody could be sent is nobody's to choose.
fn is_page(to: &str) -> bool {
    let folder = to.strip_prefix('/').and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let plain = to.chars().all(|c| c.is_ascii_alphanumeric() || "-._/".contains(c));
    let known =
        folder == "outbox" || folder == "metrics_summary.json" || Role::iter().any(|role| folder == <&str>::from(role));
    known && plain && !to.contains("//") && !to.contains("..") && to.len() <= 200
}

fn page_of(role: &Role) -> String {
    format!("/{role}/")
}

fn words(roles: &[Role]) -> String {
    roles.iter().map(<&str>::from).collect::<Vec<_>>().join(" ")
}

/// The first parameter of that name. API Gateway's own reading joins several with commas.
fn parameter(request: &ApiGatewayV2httpRequest, name: &str) -> Option<String> {
    let query = request.raw_query_string.as_deref().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// 32 bytes that nobody can guess, as text.
fn random() -> Result<String, PortError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| PortError::transient("the system's random numbers", error.to_string()))?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_page_of_ours_is_gone_to() {
        for (to, good) in [
            ("/support/", true),
            ("/accounts/", true),
            ("/accounts", true),
            ("/sales/index.html", true),
            ("/lead/", true),
            ("/outbox/1001-guardian-critical.html", true),
            ("/metrics_summary.json", true),
            ("", false),
            ("/", false),
            ("/other/", false),
            ("/supportive/", false),
            ("support/", false),
            ("//evil.example.com/support/", false),
            ("/support//evil.example.com", false),
            ("/support/../signin/out", false),
            ("/\\evil.example.com", false),
            ("/support/\\evil", false),
            ("https://evil.example.com/support/", false),
            ("/support/?next=//evil", false),
            ("/support/#x", false),
            ("/support/\r\nset-cookie: a=b", false),
            ("/support/%0d%0a", false),
            ("/support/é", false),
            (&format!("/support/{}", "a".repeat(200)), false),
        ] {
            assert_eq!(is_page(to), good, "{to:?}");
        }
    }

    #[test]
    fn chance_never_repeats_itself() {
        let (a, b) = (random().unwrap(), random().unwrap());
        assert_ne!(a, b);
        assert_eq!(a.len(), 43, "32 bytes: PKCE asks for 43 characters at least");
    }
}
