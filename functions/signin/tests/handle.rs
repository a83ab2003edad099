//! The sign-in against a scripted provider: the whole way, and whatever somebody might try instead.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use domain::ports::PortError;
use jiff::Timestamp;
use memory::FixedSecrets;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use signin::{
    SignIn, handle,
    provider::{Known, Request, Response, Transport},
    sealed::{Pending, Sealed, Session, open, seal},
    settings::{Role, Settings, SettingsSource},
};
use tracing::instrument::WithSubscriber;

const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://id.example.com";

/// Answers in the order they are given; none left is no connection.
#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<(u16, String)>>,
    asked: Mutex<Vec<Request>>,
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: Request) -> Result<Response, PortError> {
        self.asked.lock().unwrap().push(request);
        let answer = self.answers.lock().unwrap().pop_front();
        let (status, body) = answer.ok_or_else(|| PortError::transient("the identity provider", "timed out"))?;
        Ok(Response { status, body: body.into_bytes() })
    }
}

struct FixedSettings(Option<Value>);

#[async_trait]
impl SettingsSource for FixedSettings {
    async fn settings(&self) -> Result<Settings, PortError> {
        let settings = self.0.as_ref().ok_or_else(|| PortError::transient("SSM", "is not there"))?;
        Settings::parse(&settings.to_string()).map_err(|error| PortError::transient("SSM", error))
    }
}

fn settings() -> Value {
    json!({
        "issuer": ISSUER, "client_id": "triage", "client_secret": "PLANTED SECRET", "contact": "the <IT> desk",
        "roles": { "support": ["helpdesk"], "accounts": ["kam"], "sales": ["sales"] },
    })
}

fn discovery() -> Value {
    json!({
        "issuer": ISSUER, "authorization_endpoint": "https://id.example.com/authorize",
        "token_endpoint": "https://id.example.com/token",
        "token_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_post", "client_secret_basic"],
    })
}

struct Bench {
    sign_in: SignIn,
    script: Arc<Script>,
}

impl Bench {
    fn of(settings: Option<Value>, keys: &[&str]) -> Self {
        // Somebody listens everywhere: else what another test's thread logs first, to nobody, would count as wanted by
        // nobody for the test that reads the log.
        let everywhere = tracing_subscriber::fmt().with_writer(std::io::sink).finish();
        let _ = tracing::subscriber::set_global_default(everywhere);
        let script = Arc::new(Script::default());
        let sign_in = SignIn {
            settings: Arc::new(FixedSettings(settings)),
            keys: Arc::new(FixedSecrets(keys.iter().map(|key| (*key).into()).collect())),
            transport: script.clone(),
            known: Arc::new(Known::default()),
            site: "https://d1.example.net".to_owned(),
        };
        Self { sign_in, script }
    }

    fn new() -> Self {
        Self::of(Some(settings()), &["key"])
    }

    fn answers(&self, status: u16, body: &Value) {
        self.script.answers.lock().unwrap().push_back((status, body.to_string()));
    }

    fn asked(&self) -> Vec<Request> {
        std::mem::take(&mut *self.script.asked.lock().unwrap())
    }

    async fn get_at(&self, target: &str, cookies: &[String], now: i64) -> Page {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let request: ApiGatewayV2httpRequest = serde_json::from_value(json!({
            "rawPath": path, "rawQueryString": query, "cookies": cookies, "headers": {},
            "requestContext": { "http": { "method": "GET", "path": path } },
        }))
        .unwrap();
        Page(handle(&self.sign_in, request, Timestamp::from_second(now).unwrap()).await)
    }

    async fn get(&self, target: &str, cookies: &[String]) -> Page {
        self.get_at(target, cookies, NOW).await
    }

    /// A begun sign-in, with a provider that is asked for the first time.
    async fn begin(&self, target: &str) -> Begun {
        self.answers(200, &discovery());
        Begun::by(&self.get(target, &[]).await)
    }

    /// The answer to a callback in which the provider hands out a token with these claims.
    async fn end(&self, begun: &Begun, claims: &Value) -> Page {
        self.answers(200, &json!({ "id_token": token(claims), "access_token": "PLANTED TOKEN" }));
        self.get(&begun.callback(), &begun.cookies).await
    }
}

/// What the provider is asked, and what the browser keeps.
struct Begun {
    address: String,
    query: HashMap<String, String>,
    cookies: Vec<String>,
}

impl Begun {
    fn by(page: &Page) -> Self {
        assert_eq!(page.0.status_code, 302, "{}", page.body());
        let location = page.location();
        let (address, query) = location.split_once('?').unwrap();
        let query = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Self { address: address.to_owned(), query, cookies: page.kept() }
    }

    fn callback(&self) -> String {
        format!("/signin/callback?code=PLANTED-CODE&state={}", self.query["state"])
    }

    /// The claims of a token as a good provider makes it.
    fn claims(&self) -> Value {
        json!({
            "iss": ISSUER, "aud": "triage", "sub": "u-1", "email": "ada@example.com", "email_verified": true,
            "nonce": self.query["nonce"], "iat": NOW, "exp": NOW + 300, "groups": ["kam", "helpdesk", "other"],
        })
    }

    fn claims_with(&self, name: &str, value: Value) -> Value {
        let mut claims = self.claims();
        claims[name] = value;
        claims
    }
}

struct Page(ApiGatewayV2httpResponse);

impl Page {
    fn location(&self) -> String {
        self.0.headers["location"].to_str().unwrap().to_owned()
    }

    fn body(&self) -> String {
        self.0.body.as_ref().map(|body| String::from_utf8(body.to_vec()).unwrap()).unwrap_or_default()
    }

    /// What a browser sends from now on.
    fn kept(&self) -> Vec<String> {
        let kept = self.0.cookies.iter().filter(|cookie| !cookie.ends_with("Max-Age=0"));
        kept.map(|cookie| cookie.split(';').next().unwrap().to_owned()).collect()
    }

    fn forgets<T: Sealed>(&self) -> bool {
        let named = format!("{}=;", T::COOKIE);
        self.0.cookies.iter().any(|cookie| cookie.starts_with(&named) && cookie.ends_with("Max-Age=0"))
    }

    fn session(&self) -> Option<Session> {
        let kept = self.kept();
        let value = kept.iter().find_map(|cookie| cookie.strip_prefix("__Host-triage="))?;
        Some(open(&["key".into()], value, NOW).expect("sealed with the current key"))
    }
}

fn token(claims: &Value) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(&json!({ "alg": "RS256" })), part(claims))
}

/// Nobody is signed in, and a page says so without showing anything.
fn assert_refused(page: &Page, status: i64, what: &str) {
    assert_eq!(page.0.status_code, status, "{what}: {}", page.body());
    assert_eq!(page.session(), None, "{what}");
    assert_eq!(page.0.headers["cache-control"], "no-store");
    assert!(page.body().contains("<h1>"), "{what}");
    for secret in ["PLANTED", "u-1", "panicked"] {
        assert!(!page.body().contains(secret), "{what}: {secret} in {}", page.body());
    }
}

#[tokio::test]
async fn a_person_signs_in_and_comes_back_to_the_page() {
    let bench = Bench::new();
    let begun = bench.begin("/signin?to=/accounts/").await;
    assert_eq!(begun.address, "https://id.example.com/authorize");
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "triage"),
        ("redirect_uri", "https://d1.example.net/signin/callback"),
        ("scope", "openid email profile"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(begun.query[name], value);
    }
    let page = bench.end(&begun, &begun.claims()).await;
    assert_eq!((page.0.status_code, &*page.location()), (302, "/accounts/"));
    let session =
        Session { who: "ada@example.com".into(), roles: vec![Role::Support, Role::Accounts], exp: NOW + 8 * 3600 };
    assert_eq!(page.session(), Some(session));
    assert!(page.forgets::<Pending>());
}

#[tokio::test]
async fn the_code_is_exchanged_with_secret_and_verifier() {
    let bench = Bench::new();
    let begun = bench.begin("/signin").await;
    bench.end(&begun, &begun.claims()).await;
    let asked = bench.asked();
    let urls: Vec<&str> = asked.iter().map(|request| &*request.url).collect();
    assert_eq!(urls, ["https://id.example.com/.well-known/openid-configuration", "https://id.example.com/token"]);
    let form = asked[1].form.as_deref().unwrap();
    let form: HashMap<_, _> = form_urlencoded::parse(form.as_bytes()).into_owned().collect();
    assert_eq!((&*form["grant_type"], &*form["code"]), ("authorization_code", "PLANTED-CODE"));
    assert_eq!(form["redirect_uri"], "https://d1.example.net/signin/callback");
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
    assert_eq!(challenge, begun.query["code_challenge"]);
    let basic = format!("Basic {}", BASE64_STANDARD.encode("triage:PLANTED+SECRET"));
    assert_eq!(asked[1].authorization, Some(basic));
}

#[tokio::test]
async fn a_provider_may_want_the_secret_in_the_form() {
    let mut post = discovery();
    post["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
    post["authorization_endpoint"] = json!("https://id.example.com/authorize?tenant=acme");
    let bench = Bench::new();
    bench.answers(200, &post);
    let begun = Begun::by(&bench.get("/signin", &[]).await);
    assert_eq!((&*begun.query["tenant"], &*begun.query["client_id"]), ("acme", "triage"));
    assert_eq!(bench.end(&begun, &begun.claims()).await.0.status_code, 302);
    let asked = bench.asked();
    let form = asked[1].form.as_deref().unwrap();
    assert_eq!(asked[1].authorization, None);
    assert!(form.contains("&client_id=triage&client_secret=PLANTED+SECRET"), "{form}");
}

#[tokio::test]
async fn cookies_are_out_of_reach_of_scripts_and_other_hosts() {
    let bench = Bench::new();
    bench.answers(200, &discovery());
    let first = bench.get("/signin", &[]).await;
    let begun = Begun::by(&first);
    let second = bench.end(&begun, &begun.claims()).await;
    for cookie in first.0.cookies.iter().chain(&second.0.cookies) {
        assert!(cookie.starts_with("__Host-triage"), "{cookie}");
        for attribute in ["; Path=/;", "; Secure;", "; HttpOnly;", "; SameSite=Lax;", "; Max-Age="] {
            assert!(cookie.contains(attribute), "{attribute} in {cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
    assert!(first.0.cookies[0].ends_with("Max-Age=600") && second.0.cookies[0].ends_with("Max-Age=28800"));
}

#[tokio::test]
async fn without_a_page_one_goes_to_the_first_role() {
    for target in ["/signin", "/signin?to=//evil.example.com/", "/signin?to=https://evil.example.com/support/"] {
        let bench = Bench::new();
        let begun = bench.begin(target).await;
        let page = bench.end(&begun, &begun.claims_with("groups", json!(["sales"]))).await;
        assert_eq!(page.location(), "/sales/", "{target}");
    }
}

#[tokio::test]
async fn a_callback_ends_only_the_sign_in_of_its_browser() {
    let bench = Bench::new();
    let one = bench.begin("/signin").await;
    let two = Begun::by(&bench.get("/signin", &[]).await);
    let state = &one.query["state"];
    let value = one.cookies[0].strip_prefix("__Host-triage-signin=").unwrap();
    let other_key = seal(&"other key".into(), &open::<Pending>(&["key".into()], value, NOW).unwrap());
    let (payload, tag) = value.split_once('.').unwrap();
    for (what, target, cookies) in [
        ("another sign-in's state", two.callback(), one.cookies.clone()),
        ("no state", "/signin/callback?code=c".to_owned(), one.cookies.clone()),
        ("an empty state", "/signin/callback?code=c&state=".to_owned(), one.cookies.clone()),
        ("a second state", format!("/signin/callback?code=c&state=x&state={state}"), one.cookies.clone()),
        ("no cookie", one.callback(), Vec::new()),
        ("another browser's cookie", one.callback(), two.cookies.clone()),
        ("a cookie of another key", one.callback(), vec![format!("__Host-triage-signin={other_key}")]),
        ("a changed cookie", one.callback(), vec![format!("__Host-triage-signin=A{payload}.{tag}")]),
        ("a cookie without its seal", one.callback(), vec![format!("__Host-triage-signin={payload}.")]),
        ("a cookie of another name", one.callback(), vec![format!("__Host-triage={value}")]),
        ("no code", format!("/signin/callback?state={state}"), one.cookies.clone()),
    ] {
        assert_refused(&bench.get(&target, &cookies).await, 400, what);
    }
    assert_refused(&bench.get_at(&one.callback(), &one.cookies, NOW + 600).await, 400, "too late");
    assert_eq!(bench.asked().len(), 1, "the provider was asked for nothing but its discovery");
    assert!(bench.end(&one, &one.claims()).await.session().is_some(), "the right one still works");
}

#[tokio::test]
async fn a_used_code_signs_nobody_in_twice() {
    let bench = Bench::new();
    let begun = bench.begin("/signin?to=/sales/").await;
    let first = bench.end(&begun, &begun.claims()).await;
    assert!(first.session().is_some() && first.forgets::<Pending>());
    assert_refused(&bench.get(&begun.callback(), &first.kept()).await, 400, "as the browser would");
    bench.answers(400, &json!({ "error": "invalid_grant", "error_description": "PLANTED" }));
    let page = bench.get(&begun.callback(), &begun.cookies).await;
    assert_refused(&page, 400, "with the cookie kept back");
    assert!(page.body().contains("href=\"/signin?to=/sales/\""), "{}", page.body());
}

#[tokio::test]
async fn a_replaced_key_still_ends_what_it_began() {
    let begun = Bench::of(Some(settings()), &["old"]).begin("/signin").await;
    let new = Bench::of(Some(settings()), &["key", "old"]);
    new.answers(200, &discovery());
    assert!(new.end(&begun, &begun.claims()).await.session().is_some(), "sealed with the new key");
    assert_refused(&Bench::new().get(&begun.callback(), &begun.cookies).await, 400, "a forgotten key");
}

#[tokio::test]
async fn a_token_of_anything_else_is_refused() {
    let bench = Bench::new();
    let begun = bench.begin("/signin").await;
    for (name, value) in [
        ("iss", json!("https://evil.example.com")),
        ("aud", json!("other")),
        ("azp", json!("other")),
        ("exp", json!(NOW - 60)),
        ("iat", json!(NOW - 3600)),
        ("nonce", json!("guessed")),
        ("nonce", Value::Null),
        ("sub", Value::Null),
    ] {
        let page = bench.end(&begun, &begun.claims_with(name, value.clone())).await;
        assert_refused(&page, 400, &format!("{name}: {value}"));
    }
}

#[tokio::test]
async fn without_a_role_one_is_told_whom_to_ask() {
    for groups in [json!([]), Value::Null, json!({ "helpdesk": true }), json!("helpdesk,kam"), json!([["kam"]])] {
        let bench = Bench::new();
        let begun = bench.begin("/signin").await;
        let page = bench.end(&begun, &begun.claims_with("groups", groups.clone())).await;
        assert_refused(&page, 403, &groups.to_string());
        assert!(page.body().contains("ada@example.com"), "{}", page.body());
        assert!(page.body().contains("Ask the &#60;IT&#62; desk for one"), "{}", page.body());
    }
}

#[tokio::test]
async fn a_provider_that_fails_is_a_page() {
    for (what, status, answer) in [
        ("no connection", 503, None),
        ("an error page", 503, Some((502, json!("PLANTED")))),
        ("our own secret is wrong", 503, Some((401, json!({ "error": "invalid_client", "more": "PLANTED" })))),
        ("no token", 503, Some((200, json!({ "access_token": "PLANTED" })))),
        ("no object", 503, Some((200, json!("PLANTED")))),
        ("half a token", 400, Some((200, json!({ "id_token": "PLANTED" })))),
    ] {
        let bench = Bench::new();
        let begun = bench.begin("/signin").await;
        if let Some((status, body)) = answer {
            bench.answers(status, &body);
        }
        assert_refused(&bench.get(&begun.callback(), &begun.cookies).await, status, what);
    }
}

#[tokio::test]
async fn a_provider_that_says_no_is_a_page() {
    let bench = Bench::new();
    let begun = bench.begin("/signin?to=/support/").await;
    let state = &begun.query["state"];
    let denied = format!("/signin/callback?error=access_denied&error_description=PLANTED&state={state}");
    let page = bench.get(&denied, &begun.cookies).await;
    assert_refused(&page, 400, "denied");
    assert!(page.body().contains("href=\"/signin?to=/support/\""));
}

#[tokio::test]
async fn a_provider_that_is_not_the_chosen_one_is_not_gone_to() {
    let with = |name: &str, value: Value| {
        let mut found = discovery();
        found[name] = value;
        Some((200, found))
    };
    for (what, answer) in [
        ("no connection", None),
        ("not found", Some((404, json!({})))),
        ("no configuration", Some((200, json!({})))),
        ("another issuer", with("issuer", json!("https://evil.example.com"))),
        ("a slash more", with("issuer", json!("https://id.example.com/"))),
        ("plain HTTP", with("token_endpoint", json!("http://id.example.com/token"))),
        ("plain HTTP to authorize", with("authorization_endpoint", json!("http://id.example.com/authorize"))),
        ("a script", with("authorization_endpoint", json!("javascript:alert(1)"))),
        ("no client secret", with("token_endpoint_auth_methods_supported", json!(["private_key_jwt"]))),
        ("two headers", with("authorization_endpoint", json!("https://id.example.com/\r\nset-cookie: a=b"))),
    ] {
        let bench = Bench::new();
        if let Some((status, body)) = answer {
            bench.answers(status, &body);
        }
        assert_refused(&bench.get("/signin", &[]).await, 503, what);
    }
}

#[tokio::test]
async fn discovery_is_asked_once_an_hour() {
    let bench = Bench::new();
    bench.begin("/signin").await;
    Begun::by(&bench.get_at("/signin", &[], NOW + 3599).await);
    assert_eq!(bench.asked().len(), 1);
    assert_refused(&bench.get_at("/signin", &[], NOW + 3600).await, 503, "the script is over");
    assert_eq!(bench.asked().len(), 1);
}

#[tokio::test]
async fn another_provider_is_asked_anew() {
    let mut bench = Bench::new();
    bench.begin("/signin").await;
    let mut moved = settings();
    moved["issuer"] = json!("https://other.example.com");
    bench.sign_in.settings = Arc::new(FixedSettings(Some(moved)));
    let mut found = discovery();
    found["issuer"] = json!("https://other.example.com");
    found["authorization_endpoint"] = json!("https://other.example.com/authorize");
    bench.answers(200, &found);
    assert_eq!(Begun::by(&bench.get("/signin", &[]).await).address, "https://other.example.com/authorize");
}

#[tokio::test]
async fn without_settings_or_keys_nobody_signs_in() {
    let mut plain = settings();
    plain["issuer"] = json!("http://id.example.com");
    for (settings, keys) in [(None, &["key"][..]), (Some(plain), &["key"]), (Some(settings()), &[])] {
        let bench = Bench::of(settings, keys);
        bench.answers(200, &discovery());
        assert_refused(&bench.get("/signin", &[]).await, 503, "begin");
    }
}

#[tokio::test]
async fn who_is_signed_in_is_not_sent_round() {
    let bench = Bench::new();
    let begun = bench.begin("/signin").await;
    let signed_in = bench.end(&begun, &begun.claims()).await.kept();
    bench.asked();
    let page = bench.get("/signin?to=/accounts/", &signed_in).await;
    assert_eq!(page.0.status_code, 200);
    assert!(page.body().contains("ada@example.com") && page.body().contains("href=\"/accounts/\""), "{}", page.body());
    assert!(bench.asked().is_empty());
    let later = bench.get_at("/signin", &signed_in, NOW + 8 * 3600).await;
    assert_ne!(later.0.status_code, 200, "a session that is over is none");
}

#[tokio::test]
async fn a_cookie_header_serves_as_well() {
    let bench = Bench::new();
    let begun = bench.begin("/signin").await;
    bench.answers(200, &json!({ "id_token": token(&begun.claims()) }));
    let request: ApiGatewayV2httpRequest = serde_json::from_value(json!({
        "rawPath": "/signin/callback", "rawQueryString": format!("code=c&state={}", begun.query["state"]),
        "headers": { "cookie": format!("a=b; {}; c", begun.cookies[0]) },
        "requestContext": { "http": { "method": "GET", "path": "/signin/callback" } },
    }))
    .unwrap();
    let page = Page(handle(&bench.sign_in, request, Timestamp::from_second(NOW).unwrap()).await);
    assert!(page.session().is_some(), "{}", page.body());
}

#[tokio::test]
async fn signing_out_forgets_everything() {
    let page = Bench::of(None, &[]).get("/signin/out", &[]).await;
    assert_eq!(page.0.status_code, 200);
    assert!(page.forgets::<Session>() && page.forgets::<Pending>());
}

#[tokio::test]
async fn other_paths_and_methods_are_refused() {
    let bench = Bench::new();
    for path in ["/", "/signin/", "/signinx", "/signin/callback/x", "/webhooks/zendesk"] {
        assert_refused(&bench.get(path, &[]).await, 404, path);
    }
    let request: ApiGatewayV2httpRequest = serde_json::from_value(json!({
        "rawPath": "/signin", "headers": {}, "requestContext": { "http": { "method": "POST", "path": "/signin" } },
    }))
    .unwrap();
    let page = Page(handle(&bench.sign_in, request, Timestamp::from_second(NOW).unwrap()).await);
    assert_refused(&page, 405, "POST");
    assert_eq!(page.0.headers["allow"], "GET");
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Every way a sign-in can end.
async fn every_end(bench: &Bench) {
    let begun = bench.begin("/signin").await;
    bench.end(&begun, &begun.claims()).await;
    bench.end(&begun, &begun.claims_with("groups", json!([]))).await;
    bench.end(&begun, &begun.claims_with("nonce", json!("PLANTED"))).await;
    bench.get(&format!("/signin/callback?error=PLANTED&state={}", begun.query["state"]), &begun.cookies).await;
    bench.answers(401, &json!({ "error": "PLANTED", "error_description": "PLANTED" }));
    bench.get(&begun.callback(), &begun.cookies).await;
    bench.answers(200, &json!({ "PLANTED": 1 }));
    bench.get(&begun.callback(), &begun.cookies).await;
}

#[tokio::test]
async fn the_log_names_people_and_no_secret() {
    let lines = Lines::default();
    let out = lines.clone();
    let subscriber = tracing_subscriber::fmt().json().with_writer(move || out.clone()).finish();
    every_end(&Bench::new()).with_subscriber(subscriber).await;
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let seen: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|line| format!("{} {}", line["level"].as_str().unwrap(), line["fields"]["message"].as_str().unwrap()))
        .collect();
    let expected = [
        "INFO Somebody signed in.",
        "WARN Somebody without a role signed in.",
        "WARN Refused a sign-in.",
        "WARN The identity provider signed nobody in.",
        "ERROR Failed to sign somebody in.",
        "ERROR Failed to sign somebody in.",
    ];
    assert_eq!(seen, expected);
    assert!(text.contains(r#""person":"ada@example.com","subject":"u-1","roles":"support accounts""#), "{text}");
    assert!(!text.contains("PLANTED"), "{text}");
}
