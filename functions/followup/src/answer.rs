//! What a browser is answered, and how that looks over HTTP.

use askama::Template;
use aws_lambda_events::apigw::ApiGatewayV2httpResponse;

use crate::page::{Page, Said, View};

/// Seconds until it is worth trying again.
const RETRY_AFTER: &str = "5";

pub(crate) enum Answer {
    /// The page of a good link.
    Page {
        status: i64,
        html: String,
    },
    /// The link is good for nothing. One page, whatever the reason.
    NotValid,
    /// From the dashboard: not signed in, or not theirs to act on. One page, whatever the reason.
    NotYours,
    MethodNotAllowed,
    TryAgain,
    /// To Slack, which shows nobody the body.
    Heard,
    Unreadable,
    NotSigned,
}

impl Answer {
    pub(crate) fn page(status: i64, view: View, said: Said) -> Self {
        Self::Page { status, html: render(&view.page(said)) }
    }

    pub(crate) fn asking(page: &Page) -> Self {
        Self::Page { status: 200, html: render(page) }
    }
}

impl From<Answer> for ApiGatewayV2httpResponse {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Page { status, html } => response(status, html),
            Answer::NotValid => plain(
                404,
                "This link is not valid",
                "It may have expired, or its alert is gone. Open the ticket, or the dashboard, for what is known now.",
            ),
            Answer::NotYours => plain(
                403,
                "You cannot do that here",
                "Sign in to the dashboard and press again. It takes a role that sees the alert, and an e-mail address at your identity provider.",
            ),
            Answer::MethodNotAllowed => {
                let mut response = plain(405, "Not allowed", "Open the link in a browser.");
                response.headers.insert("allow", "GET, HEAD, POST".parse().expect("a header value"));
                response
            }
            Answer::Heard => bare(200),
            Answer::Unreadable => bare(400),
            Answer::NotSigned => bare(401),
            Answer::TryAgain => {
                let mut response =
                    plain(503, "Not stored", "Something went wrong here, and nothing may have changed. Try again.");
                response.headers.insert("retry-after", RETRY_AFTER.parse().expect("a header value"));
                response
            }
        }
    }
}

fn bare(status: i64) -> ApiGatewayV2httpResponse {
    response(status, String::new())
}

fn plain(status: i64, title: &str, text: &str) -> ApiGatewayV2httpResponse {
    response(status, render(&Page::plain(title, text)))
}

fn render(page: &Page) -> String {
    page.render().expect("writing to a string does not fail")
}

fn response(status: i64, html: String) -> ApiGatewayV2httpResponse {
    let mut response = ApiGatewayV2httpResponse::default();
    response.status_code = status;
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-store"),
        (
            "content-security-policy",
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        ),
        ("cross-origin-opener-policy", "same-origin"),
        // The address is the key: it must not travel on to the ticket's page.
        ("referrer-policy", "no-referrer"),
        ("strict-transport-security", "max-age=31536000"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("x-robots-tag", "noindex, nofollow"),
    ] {
        response.headers.insert(name, value.parse().expect("a header value"));
    }
    response.body = Some(html.into());
    response
}
