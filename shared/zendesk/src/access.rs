//! Who we are to Zendesk: a token from an OAuth client, or an API token while those last.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_STANDARD};
use domain::{ports::PortError, time::later};
use futures::lock::Mutex;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use crate::{
    client::{ApiError, Client},
    http::{Authorization, Method, Request, Response},
    wire::lenient,
};

/// What triage and sweep need. Zendesk has no scope for ticket fields; reading a ticket needs none.
pub const RUNTIME_SCOPES: &[&str] =
    &["tickets:read", "tickets:write", "users:read", "organizations:read", "groups:read"];
/// What set-up needs: fields, triggers and webhooks have no narrower scope for every call.
pub const SETUP_SCOPES: &[&str] = &["read", "write"];
/// When Zendesk switches off the last API token.
pub const API_TOKENS_END: &str = "2027-04-30";

const TOKEN_PATH: &str = "/oauth/tokens";
/// What we ask for, in seconds. Zendesk takes 300 to 172,800; an hour keeps a leaked token short-lived.
const ASKED_LIFE: i64 = 3_600;
/// How long a token lives whose answer does not say: the default for clients made since 2026-04-30.
const ASSUMED_LIFE: i64 = 1_800;
/// A token is not used in its last minute, so that it does not run out on its way.
const MARGIN: i64 = 60;

/// What a secret store holds: `{"client_id", "client_secret"}`, or `{"email", "api_token"}`.
#[derive(Clone, Debug)]
pub enum Credentials {
    OAuth { client_id: String, client_secret: SecretString },
    ApiToken { email: String, token: SecretString },
}

/// Where credentials come from.
#[async_trait]
pub trait CredentialSource: Send + Sync {
    /// They may be minutes old.
    async fn credentials(&self) -> Result<Credentials, PortError>;

    /// Asked for anew, after Zendesk did not take the ones we had. An implementer limits how often it really asks.
    async fn refreshed(&self) -> Result<Credentials, PortError>;
}

/// Credentials and the token they are worth at the moment. All callers share one token, and one request for it.
pub struct Access {
    source: Arc<dyn CredentialSource>,
    scopes: &'static [&'static str],
    token: Mutex<Option<Token>>,
}

struct Token {
    authorization: Authorization,
    until: Timestamp,
}

/// Why Zendesk gave no token that is good for us.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TokenError {
    #[error(
        "invalid_client: Zendesk does not know this `client_id` with this `client_secret`; check both against the OAuth \
         client in Admin Center"
    )]
    Client,
    #[error(
        "invalid_scope: the OAuth client may not have all of `{asked}`; add what is missing to its allowed scopes in \
         Admin Center"
    )]
    Scope { asked: String },
    #[error(
        "the token lacks the scopes `{missing}`; add them to the allowed scopes of the OAuth client in Admin Center"
    )]
    Narrowed { missing: String },
    #[error("{code}: the OAuth client may not use client_credentials; make it a confidential client in Admin Center")]
    Grant { code: String },
    #[error("status {status}: Zendesk gave no token; check the subdomain and the OAuth client")]
    Refused { status: u16 },
}

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Form {
    OAuth { client_id: String, client_secret: String },
    ApiToken { email: String, api_token: String },
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    #[serde(default, deserialize_with = "lenient::text")]
    scope: Option<String>,
    #[serde(default, deserialize_with = "lenient::number")]
    expires_in: Option<u64>,
}

impl Credentials {
    /// Reads the JSON of a secret store.
    ///
    /// # Errors
    /// Which form it should have, or which field is blank; never the text itself.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let form = serde_json::from_str(text).map_err(
            |_| r#"is not {"client_id": "...", "client_secret": "..."} or {"email": "...", "api_token": "..."}"#,
        )?;
        let blank = |text: &str| text.trim().is_empty();
        match form {
            Form::OAuth { client_id, .. } if blank(&client_id) => Err("`client_id` is blank"),
            Form::OAuth { client_secret, .. } if blank(&client_secret) => Err("`client_secret` is blank"),
            Form::OAuth { client_id, client_secret } => {
                Ok(Self::OAuth { client_id: client_id.trim().to_owned(), client_secret: client_secret.trim().into() })
            }
            Form::ApiToken { email, .. } if blank(&email) => Err("`email` is blank"),
            Form::ApiToken { api_token, .. } if blank(&api_token) => Err("`api_token` is blank"),
            Form::ApiToken { email, api_token } => {
                Ok(Self::ApiToken { email: email.trim().to_owned(), token: api_token.trim().into() })
            }
        }
    }

    /// What an operator has to be told about these credentials.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        match self {
            Self::OAuth { .. } => None,
            Self::ApiToken { .. } => Some(format!(
                "Zendesk switches off every API token on {API_TOKENS_END}, and one that rests for 30 days before that; \
                 make an OAuth client and store its `client_id` and `client_secret` instead"
            )),
        }
    }
}

/// Credentials that do not change.
#[async_trait]
impl CredentialSource for Credentials {
    async fn credentials(&self) -> Result<Credentials, PortError> {
        Ok(self.clone())
    }

    async fn refreshed(&self) -> Result<Credentials, PortError> {
        Ok(self.clone())
    }
}

impl Access {
    /// `scopes` are asked for where the credentials are an OAuth client's: [`RUNTIME_SCOPES`] or [`SETUP_SCOPES`].
    #[must_use]
    pub fn new(source: Arc<dyn CredentialSource>, scopes: &'static [&'static str]) -> Self {
        Self { source, scopes, token: Mutex::new(None) }
    }

    #[must_use]
    pub fn oauth(client_id: impl Into<String>, secret: SecretString, scopes: &'static [&'static str]) -> Self {
        Self::new(Arc::new(Credentials::OAuth { client_id: client_id.into(), client_secret: secret }), scopes)
    }

    /// The form that ends on [`API_TOKENS_END`].
    #[must_use]
    pub fn api_token(email: impl Into<String>, token: SecretString) -> Self {
        Self::new(Arc::new(Credentials::ApiToken { email: email.into(), token }), &[])
    }

    /// What an operator has to be told about the credentials.
    ///
    /// # Errors
    /// What the source of the credentials says.
    pub async fn warning(&self) -> Result<Option<String>, PortError> {
        Ok(self.source.credentials().await?.warning())
    }

    /// What to send as `Authorization`. `stale` is what Zendesk has just not taken: the answer is another one.
    pub(crate) async fn authorization(
        &self,
        client: &Client,
        stale: Option<&Authorization>,
    ) -> Result<Authorization, ApiError> {
        // Held during the request: whoever comes meanwhile gets its token instead of asking for another.
        let mut token = self.token.lock().await;
        if let Some(kept) = &*token
            && client.now() < kept.until
            && Some(&kept.authorization) != stale
        {
            return Ok(kept.authorization.clone());
        }
        *token = None;
        let credentials =
            if stale.is_some() { self.source.refreshed().await } else { self.source.credentials().await }?;
        match credentials {
            Credentials::OAuth { client_id, client_secret } => {
                let fresh = self.fetch(client, client_id, client_secret).await?;
                let authorization = fresh.authorization.clone();
                *token = Some(fresh);
                Ok(authorization)
            }
            Credentials::ApiToken { email, token } => {
                let basic = BASE64_STANDARD.encode(format!("{email}/token:{}", token.expose_secret()));
                let basic = Authorization(format!("Basic {basic}"));
                if Some(&basic) == stale { Err(ApiError::Unauthorized) } else { Ok(basic) }
            }
        }
    }

    /// A new token. Where the client is not known, its secret may have been replaced since ours was read.
    async fn fetch(&self, client: &Client, id: String, secret: SecretString) -> Result<Token, ApiError> {
        match self.request(client, &id, &secret).await {
            Err(ApiError::Token(TokenError::Client)) => match self.source.refreshed().await? {
                Credentials::OAuth { client_id, client_secret }
                    if client_id != id || client_secret.expose_secret() != secret.expose_secret() =>
                {
                    self.request(client, &client_id, &client_secret).await
                }
                Credentials::OAuth { .. } | Credentials::ApiToken { .. } => Err(TokenError::Client.into()),
            },
            outcome => outcome,
        }
    }

    async fn request(&self, client: &Client, id: &str, secret: &SecretString) -> Result<Token, ApiError> {
        let asked = self.scopes.join(" ");
        let request = Request::new(Method::Post, TOKEN_PATH).with_body(json!({
            "grant_type": "client_credentials",
            "client_id": id,
            "client_secret": secret.expose_secret(),
            "scope": asked,
            "expires_in": ASKED_LIFE,
        }));
        let now = client.now();
        let response = client.exchange(request).await?;
        let Granted { access_token, scope, expires_in } = match response.status {
            200..300 => crate::client::read(&response)?,
            400..500 if !matches!(response.status, 408 | 425 | 429) => return Err(refusal(&response, asked).into()),
            _ => return Err(crate::client::sort(&response)),
        };
        if let Some(missing) = scope.and_then(|given| missing(self.scopes, &given)) {
            return Err(TokenError::Narrowed { missing }.into());
        }
        let life = expires_in.and_then(|life| i64::try_from(life).ok()).unwrap_or(ASSUMED_LIFE);
        // Half of a life too short for the margin, so that there is no request for a token before every other request.
        let used = SignedDuration::from_secs((life - MARGIN).max(life / 2));
        Ok(Token { authorization: Authorization(format!("Bearer {access_token}")), until: later(now, used) })
    }
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access").field("scopes", &self.scopes).finish_non_exhaustive()
    }
}

/// RFC 6749, section 5.2.
fn refusal(response: &Response, asked: String) -> TokenError {
    match crate::client::code(&response.body) {
        Some(code) if code == "invalid_scope" => TokenError::Scope { asked },
        Some(code) if code == "unauthorized_client" || code == "unsupported_grant_type" => TokenError::Grant { code },
        Some(code) if code == "invalid_client" => TokenError::Client,
        _ if response.status == 401 => TokenError::Client,
        _ => TokenError::Refused { status: response.status },
    }
}

/// Scopes asked for and not given. A bare `read` is every `….:read`.
fn missing(asked: &[&str], given: &str) -> Option<String> {
    let given: BTreeSet<&str> = given.split([' ', ',']).filter(|scope| !scope.is_empty()).collect();
    let held = |scope: &str| given.contains(scope) || scope.rsplit(':').next().is_some_and(|all| given.contains(all));
    let missing: Vec<&str> = asked.iter().copied().filter(|scope| !held(scope)).collect();
    if missing.is_empty() { None } else { Some(missing.join(" ")) }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex as Locked;

    use futures::{executor::block_on, future::join_all};
    use serde_json::Value;

    use super::*;
    use crate::{
        budget::Budget,
        http::Transport,
        script::{Hand, Script, answer, token},
    };

    const TOKENS: &str = "POST /oauth/tokens";
    const ME: &str = "GET /api/v2/users/me.json";

    fn client(script: &Arc<Script>, hand: &Hand) -> Client {
        let access = Access::oauth("triage", "SECRET".into(), RUNTIME_SCOPES);
        Client::new(script.clone(), access, Budget::unlimited(), hand.clock())
    }

    async fn me(client: &Client) -> Result<Value, ApiError> {
        client.get("/api/v2/users/me.json").await
    }

    fn granted(body: Value) -> Response {
        answer(200, body)
    }

    #[test]
    fn a_token_serves_until_shortly_before_its_end() {
        let (script, hand) = (Script::new(), Hand::new());
        script.expect(TOKENS, token("one")).expect(ME, answer(200, json!({}))).expect(ME, answer(200, json!({})));
        let client = client(&script, &hand);
        block_on(me(&client)).unwrap();
        hand.forward(3_539);
        block_on(me(&client)).unwrap();
        let seen = script.seen();
        let body = seen[0].body.as_ref().unwrap();
        assert_eq!((&body["grant_type"], &body["expires_in"]), (&json!("client_credentials"), &json!(3600)));
        assert_eq!(body["scope"], json!("tickets:read tickets:write users:read organizations:read groups:read"));
        assert_eq!(seen[0].authorization, None);
        assert_eq!(seen[2].authorization, Some(Authorization("Bearer one".into())));
        hand.forward(1);
        script.expect(TOKENS, token("two")).expect(ME, answer(200, json!({})));
        block_on(me(&client)).unwrap();
        assert_eq!(script.seen()[1].authorization, Some(Authorization("Bearer two".into())));
    }

    #[test]
    fn a_life_that_is_not_told_is_half_an_hour() {
        for (body, life) in [
            (json!({ "access_token": "a" }), 1_740),
            (json!({ "access_token": "a", "expires_in": null }), 1_740),
            (json!({ "access_token": "a", "expires_in": "600" }), 540),
            (json!({ "access_token": "a", "expires_in": 60 }), 30),
        ] {
            let (script, hand) = (Script::new(), Hand::new());
            script.expect(TOKENS, granted(body.clone())).expect(ME, answer(200, json!({})));
            script.expect(ME, answer(200, json!({}))).expect(TOKENS, token("b")).expect(ME, answer(200, json!({})));
            let client = client(&script, &hand);
            block_on(me(&client)).unwrap();
            hand.forward(life - 1);
            block_on(me(&client)).unwrap();
            hand.forward(1);
            block_on(me(&client)).unwrap();
            assert_eq!(script.seen().len(), 5, "{body}");
        }
    }

    /// Answers a token only after everybody has asked for one.
    struct Slow(Arc<Script>);

    #[async_trait]
    impl Transport for Slow {
        async fn send(&self, request: Request) -> Result<Response, crate::http::Unanswered> {
            let mut polled = false;
            std::future::poll_fn(|context| {
                if std::mem::replace(&mut polled, true) {
                    return std::task::Poll::Ready(());
                }
                context.waker().wake_by_ref();
                std::task::Poll::Pending
            })
            .await;
            self.0.send(request).await
        }
    }

    #[test]
    fn many_callers_share_one_request_for_a_token() {
        let script = Script::new();
        script.expect(TOKENS, token("one"));
        for _ in 0..5 {
            script.expect(ME, answer(200, json!({})));
        }
        let access = Access::oauth("triage", "SECRET".into(), RUNTIME_SCOPES);
        let slow = Arc::new(Slow(script.clone()));
        let client = Client::new(slow, access, Budget::unlimited(), Hand::new().clock());
        let answers = block_on(join_all((0..5).map(|_| me(&client))));
        assert!(answers.iter().all(Result::is_ok));
        assert_eq!(script.seen().len(), 6);
    }

    #[test]
    fn a_401_is_tried_once_with_a_new_token() {
        let expired = || answer(401, json!({ "error": "invalid_token", "error_description": "expired" }));
        let (script, hand) = (Script::new(), Hand::new());
        script.expect(TOKENS, token("one")).expect(ME, expired());
        script.expect(TOKENS, token("two")).expect(ME, answer(200, json!({ "user": {} })));
        let client = client(&script, &hand);
        block_on(me(&client)).unwrap();
        assert_eq!(script.seen()[3].authorization, Some(Authorization("Bearer two".into())));
        script.expect(ME, expired()).expect(TOKENS, token("three")).expect(ME, expired());
        assert!(matches!(block_on(me(&client)), Err(ApiError::Unauthorized)));
        script.seen();
    }

    #[test]
    fn a_narrowed_token_names_what_it_lacks() {
        let scope = |scope: &str| granted(json!({ "access_token": "a", "scope": scope, "expires_in": 3600 }));
        for (given, lacking) in [
            ("tickets:read users:read organizations:read groups:read", Some("tickets:write")),
            ("tickets:read", Some("tickets:write users:read organizations:read groups:read")),
            ("read", Some("tickets:write")),
            ("read write", None),
            ("groups:read,organizations:read,users:read,tickets:write,tickets:read,hc:read", None),
        ] {
            let script = Script::new();
            script.expect(TOKENS, scope(given));
            if lacking.is_none() {
                script.expect(ME, answer(200, json!({})));
            }
            match (block_on(me(&client(&script, &Hand::new()))), lacking) {
                (Ok(_), None) => {}
                (Err(error @ ApiError::Token(_)), Some(lacking)) => {
                    assert!(error.to_string().contains(&format!("`{lacking}`")), "{error}");
                    assert!(matches!(PortError::from(error), PortError::Denied { .. }));
                }
                other => panic!("{given}: {other:?}"),
            }
            script.seen();
        }
    }

    #[test]
    fn a_refused_client_is_told_by_field() {
        let refused = |status, code: &str| answer(status, json!({ "error": code, "error_description": "PLANTED" }));
        for (response, named) in [
            (refused(400, "invalid_scope"), "allowed scopes"),
            (refused(400, "invalid_client"), "`client_id`"),
            (refused(401, "invalid_client"), "`client_secret`"),
            (refused(400, "unauthorized_client"), "confidential client"),
            (answer(401, json!("PLANTED")), "`client_secret`"),
            (answer(404, json!({ "error": "PLANTED PLANTED" })), "subdomain"),
        ] {
            let script = Script::new();
            script.expect(TOKENS, response);
            let error = block_on(me(&client(&script, &Hand::new()))).unwrap_err();
            assert!(error.to_string().contains(named) && !error.to_string().contains("PLANTED"), "{error}");
            assert!(matches!(PortError::from(error), PortError::Denied { .. }), "{named}");
        }
    }

    #[test]
    fn trouble_with_a_token_is_transient() {
        let script = Script::new();
        script.expect(TOKENS, answer(503, json!({}))).expect(TOKENS, answer(429, json!({}))).expect_silence(TOKENS);
        let client = client(&script, &Hand::new());
        for _ in 0..3 {
            let error = block_on(me(&client)).unwrap_err();
            assert!(matches!(PortError::from(error), PortError::Transient { .. }));
        }
        script.seen();
    }

    /// First the old secret, then the new one.
    struct Rotated(Locked<Vec<&'static str>>);

    #[async_trait]
    impl CredentialSource for Rotated {
        async fn credentials(&self) -> Result<Credentials, PortError> {
            let secret = *self.0.lock().unwrap().first().unwrap();
            Ok(Credentials::OAuth { client_id: "triage".into(), client_secret: secret.into() })
        }

        async fn refreshed(&self) -> Result<Credentials, PortError> {
            self.0.lock().unwrap().remove(0);
            self.credentials().await
        }
    }

    #[test]
    fn a_replaced_secret_is_fetched() {
        let script = Script::new();
        script.expect(TOKENS, answer(401, json!({ "error": "invalid_client" })));
        script.expect(TOKENS, token("one")).expect(ME, answer(200, json!({})));
        let access = Access::new(Arc::new(Rotated(Locked::new(vec!["old", "new"]))), RUNTIME_SCOPES);
        let client = Client::new(script.clone(), access, Budget::unlimited(), Hand::new().clock());
        block_on(me(&client)).unwrap();
        assert_eq!(script.seen()[1].body.as_ref().unwrap()["client_secret"], "new");
    }

    #[test]
    fn an_api_token_goes_as_basic_and_is_warned_of() {
        let script = Script::new();
        script.expect(ME, answer(401, json!({ "error": "Couldn't authenticate you" })));
        let client = crate::script::client(&script);
        assert!(matches!(block_on(me(&client)), Err(ApiError::Unauthorized)), "the same token again is no use");
        let basic = "Basic Ym90QGV4YW1wbGUuY29tL3Rva2VuOlBMQU5URUQ=";
        assert_eq!(script.seen()[0].authorization, Some(Authorization(basic.into())));
        assert!(block_on(client.access().warning()).unwrap().unwrap().contains("2027-04-30"));
    }

    #[test]
    fn credentials_are_one_of_two_forms() {
        for good in [
            r#"{"client_id": "a", "client_secret": " PLANTED\n"}"#,
            r#"{"email": "bot@example.com", "api_token": "PLANTED"}"#,
        ] {
            let read = Credentials::parse(good).unwrap();
            assert!(!format!("{read:?}").contains("PLANTED"));
        }
        for (bad, problem) in [
            (r#"{"client_id": "a", "client_secret": " "}"#, "`client_secret` is blank"),
            (r#"{"client_id": "", "client_secret": "PLANTED"}"#, "`client_id` is blank"),
            (r#"{"email": "", "api_token": "PLANTED"}"#, "`email` is blank"),
            (r#"{"email": "a", "api_token": ""}"#, "`api_token` is blank"),
            (r#"{"client_id": "PLANTED"}"#, "is not"),
            (r#"{"client_id": "a", "client_secret": "PLANTED", "more": 1}"#, "is not"),
            ("PLANTED", "is not"),
        ] {
            let told = Credentials::parse(bad).unwrap_err();
            assert!(told.starts_with(problem) && !told.contains("PLANTED"), "{bad}: {told}");
        }
    }
}
