//! The two requests to an OpenID provider: what it is like, and a code's exchange for an ID token.

use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_STANDARD};
use domain::ports::PortError;
use form_urlencoded::{Serializer, byte_serialize};
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::settings::{Settings, is_secure};

const SERVICE: &str = "the identity provider";

/// A provider says of itself nothing new for months.
const KEPT: SignedDuration = SignedDuration::from_hours(1);

/// A request to the provider. Without debug output: it holds secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    pub url: String,
    /// The value of `Authorization`.
    pub authorization: Option<String>,
    /// A POST of this form; none is a GET.
    pub form: Option<String>,
}

/// A complete answer, whatever it says.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub body: Vec<u8>,
}

/// Carries requests to the provider and follows no redirect.
#[async_trait]
pub trait Transport: Send + Sync {
    /// # Errors
    /// Transient if there was no complete answer in time.
    async fn send(&self, request: Request) -> Result<Response, PortError>;
}

/// What a provider says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Provider {
    issuer: String,
    pub(crate) authorization_endpoint: String,
    token_endpoint: String,
    takes: Login,
}

/// How we show who we are at the token endpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Login {
    Basic,
    Post,
}

/// How an exchange ended without a token.
#[derive(Debug)]
pub(crate) enum Unexchanged {
    /// The code is used up, too old, or not for this sign-in: beginning again helps.
    Stale,
    Failed(PortError),
}

/// Providers once asked, by their issuer.
#[derive(Debug, Default)]
pub struct Known(Mutex<Option<(Provider, Timestamp)>>);

#[derive(Deserialize)]
struct DiscoveryResponse {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct TokenResponse {
    id_token: String,
}

#[derive(Deserialize)]
struct TokenErrorResponse {
    error: String,
}

impl Known {
    /// The provider of these settings, asked at most once an hour.
    pub(crate) async fn provider(
        &self,
        transport: &dyn Transport,
        settings: &Settings,
        now: Timestamp,
    ) -> Result<Provider, PortError> {
        let mut known = self.0.lock().await;
        if let Some((provider, since)) = &*known
            && provider.issuer == settings.issuer
            && now.duration_since(*since) < KEPT
        {
            return Ok(provider.clone());
        }
        let provider = discover(transport, &settings.issuer).await?;
        *known = Some((provider.clone(), now));
        Ok(provider)
    }
}

async fn discover(transport: &dyn Transport, issuer: &str) -> Result<Provider, PortError> {
    let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let response = transport.send(Request { url, authorization: None, form: None }).await?;
    if response.status != 200 {
        return Err(PortError::transient(SERVICE, format!("discovery: status {}", response.status)));
    }
    let found: DiscoveryResponse =
        serde_json::from_slice(&response.body).map_err(|_| wrong("discovery: not an OpenID configuration"))?;
    // Else another provider could speak for the one that was chosen.
    if found.issuer != issuer {
        return Err(wrong("discovery: `issuer` is not the configured one, to the letter"));
    }
    if !is_secure(&found.authorization_endpoint) || !is_secure(&found.token_endpoint) {
        return Err(wrong("discovery: an endpoint is not an https address"));
    }
    let takes = match found.token_endpoint_auth_methods_supported {
        None => Login::Basic,
        Some(methods) if methods.iter().any(|method| method == "client_secret_basic") => Login::Basic,
        Some(methods) if methods.iter().any(|method| method == "client_secret_post") => Login::Post,
        Some(_) => return Err(wrong("discovery: the token endpoint takes no client secret")),
    };
    Ok(Provider {
        issuer: found.issuer,
        authorization_endpoint: found.authorization_endpoint,
        token_endpoint: found.token_endpoint,
        takes,
    })
}

impl Provider {
    /// The ID token for a code.
    pub(crate) async fn exchange(
        &self,
        transport: &dyn Transport,
        settings: &Settings,
        code: &str,
        verifier: &str,
        redirect: &str,
    ) -> Result<String, Unexchanged> {
        let secret = settings.client_secret.expose_secret();
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", redirect)
            .append_pair("code_verifier", verifier);
        let authorization = match self.takes {
            // Both are form-encoded before they are joined: RFC 6749, section 2.3.1.
            Login::Basic => {
                let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
                let pair = format!("{}:{}", encoded(&settings.client_id), encoded(secret));
                Some(format!("Basic {}", BASE64_STANDARD.encode(pair)))
            }
            Login::Post => {
                form.append_pair("client_id", &settings.client_id).append_pair("client_secret", secret);
                None
            }
        };
        let request = Request { url: self.token_endpoint.clone(), authorization, form: Some(form.finish()) };
        let response = transport.send(request).await.map_err(Unexchanged::Failed)?;
        if response.status == 200 {
            let found = serde_json::from_slice::<TokenResponse>(&response.body);
            return found.map(|token| token.id_token).map_err(|_| Unexchanged::Failed(wrong("token: no `id_token`")));
        }
        let error = serde_json::from_slice::<TokenErrorResponse>(&response.body).map(|body| word(&body.error));
        match error.as_deref() {
            Ok("invalid_grant") => Err(Unexchanged::Stale),
            Ok(error) if (400..500).contains(&response.status) => {
                let problem = format!("token: {error} ({})", response.status);
                Err(Unexchanged::Failed(PortError::denied(SERVICE, problem)))
            }
            _ => {
                let problem = format!("token: status {}", response.status);
                Err(Unexchanged::Failed(PortError::transient(SERVICE, problem)))
            }
        }
    }
}

/// An error code as OAuth writes it; whatever else stands there does not go into a log.
pub(crate) fn word(text: &str) -> String {
    let plain = text.len() <= 64 && text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    if plain && !text.is_empty() { text.to_owned() } else { "unknown".to_owned() }
}

fn wrong(problem: &'static str) -> PortError {
    PortError::permanent(SERVICE, problem)
}
