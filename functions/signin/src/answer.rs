//! What a browser is answered, and how that looks over HTTP.

use askama::Template;
use aws_lambda_events::apigw::ApiGatewayV2httpResponse;

use crate::sealed::{Pending, Sealed, Session};

pub(crate) enum Answer {
    /// On to the provider, with the sealed [`Pending`] in the browser's keeping.
    Provider {
        location: String,
        pending: String,
    },
    /// Signed in: on to the page, with the sealed [`Session`].
    SignedIn {
        to: String,
        session: String,
    },
    /// A session is there already. No redirect: if the gate thought otherwise, that would go round for ever.
    Already {
        who: String,
        to: String,
    },
    SignedOut,
    NoRole {
        who: String,
        contact: Option<String>,
    },
    /// This sign-in came to nothing; the next may do.
    Again {
        reason: &'static str,
        to: Option<String>,
    },
    /// Nobody can sign in before a person has mended something, or the provider is back.
    Unavailable(&'static str),
    NotFound,
    MethodNotAllowed,
}

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    title: &'a str,
    text: &'a str,
    links: &'a [(String, &'static str)],
}

/// Where a sign-in for a page begins.
pub(crate) fn begin(to: Option<&str>) -> String {
    // Nothing but letters, digits and `-._/` is in a page of ours, so nothing has to be escaped.
    to.map_or_else(|| "/signin".to_owned(), |to| format!("/signin?to={to}"))
}

impl From<Answer> for ApiGatewayV2httpResponse {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Provider { location, pending } => redirect(&location, vec![set::<Pending>(&pending)]),
            Answer::SignedIn { to, session } => redirect(&to, vec![set::<Session>(&session), forget::<Pending>()]),
            Answer::Already { who, to } => page(
                200,
                "You are signed in",
                &format!("You are signed in as {who}. If the page sends you back here, try again in a minute."),
                &[(to, "Go to the page"), ("/signin/out".to_owned(), "Sign out")],
                Vec::new(),
            ),
            Answer::SignedOut => page(
                200,
                "You are signed out",
                "You are signed out of this dashboard, and maybe not of your identity provider.",
                &[(begin(None), "Sign in")],
                vec![forget::<Session>(), forget::<Pending>()],
            ),
            Answer::NoRole { who, contact } => page(
                403,
                "No access",
                &format!(
                    "You signed in as {who}. This account has no role here. Ask {} for one.",
                    contact.as_deref().unwrap_or("whoever runs this dashboard")
                ),
                &[(begin(None), "Sign in again")],
                vec![forget::<Session>(), forget::<Pending>()],
            ),
            Answer::Again { reason, to } => page(
                400,
                "You are not signed in",
                reason,
                &[(begin(to.as_deref()), "Sign in again")],
                vec![forget::<Pending>()],
            ),
            Answer::Unavailable(reason) => page(503, "Nobody can sign in for now", reason, &[], Vec::new()),
            Answer::NotFound => page(404, "Not found", "There is no such page.", &[], Vec::new()),
            Answer::MethodNotAllowed => {
                let mut response = page(405, "Not allowed", "Send a GET.", &[], Vec::new());
                response.headers.insert("allow", "GET".parse().expect("a header value"));
                response
            }
        }
    }
}

fn set<T: Sealed>(value: &str) -> String {
    format!("{}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={}", T::COOKIE, T::SECONDS)
}

fn forget<T: Sealed>() -> String {
    format!("{}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0", T::COOKIE)
}

fn redirect(location: &str, cookies: Vec<String>) -> ApiGatewayV2httpResponse {
    match location.parse() {
        Ok(location) => {
            let mut response = response(302, cookies);
            response.headers.insert("location", location);
            response
        }
        // Only a provider's endpoint can be that odd.
        Err(_) => Answer::Unavailable("The identity provider gave an address that is none.").into(),
    }
}

fn page(
    status: i64,
    title: &str,
    text: &str,
    links: &[(String, &'static str)],
    cookies: Vec<String>,
) -> ApiGatewayV2httpResponse {
    let mut response = response(status, cookies);
    let html = Page { title, text, links }.render().expect("writing to a string");
    response.headers.insert("content-type", "text/html; charset=utf-8".parse().expect("a header value"));
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";
    response.headers.insert("content-security-policy", policy.parse().expect("a header value"));
    response.body = Some(html.into());
    response
}

fn response(status: i64, cookies: Vec<String>) -> ApiGatewayV2httpResponse {
    let mut response = ApiGatewayV2httpResponse::default();
    response.status_code = status;
    response.headers.insert("cache-control", "no-store".parse().expect("a header value"));
    response.cookies = cookies;
    response
}
