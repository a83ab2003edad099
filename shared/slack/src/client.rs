//! The Web API: the methods that are called, and what each answer means. Source: docs.slack.dev.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{
    Alert, EmailAddress,
    follow_up::Posted,
    policy::Pressers,
    ports::{Chat, PortError, Post},
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    Api, blocks,
    transport::{Body, Request, Response, Transport},
};

const SERVICE: &str = "Slack";
/// What the bot needs, as `infra/slack-manifest.json` asks for it.
pub const SCOPES: [&str; 5] = ["chat:write", "im:write", "users:read", "users:read.email", "usergroups:read"];

/// Slack may ask for hours. Whoever waits looks again before that.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// Where a throttled answer does not say how long.
const USUAL_WAIT: Duration = Duration::from_secs(30);
/// What stands for the channel of a webhook, which has exactly one.
const WEBHOOK_CHANNEL: &str = "webhook";

/// How we speak to a workspace.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A bot's token: messages with buttons, which follow what becomes of an alert.
    Bot(SecretString),
    /// The address of an incoming webhook: messages into its one channel, and nothing comes back.
    Webhook(SecretString),
}

impl Credential {
    /// # Errors
    /// What it should be; it quotes nothing.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        let address = ["https://hooks.slack.com/", "https://hooks.slack-gov.com/", "http://127.0.0.1:"];
        if text.starts_with("xoxb-") && text.chars().all(|c| c.is_ascii_graphic()) {
            Ok(Self::Bot(text.into()))
        } else if address.iter().any(|base| text.starts_with(base)) {
            Ok(Self::Webhook(text.into()))
        } else {
            Err("is neither a bot token (xoxb-…) nor the address of an incoming webhook (https://hooks.slack.com/…)")
        }
    }
}

/// Where the credential is kept. None: there is none, and Slack is off.
#[async_trait]
pub trait Tokens: Send + Sync {
    async fn credential(&self) -> Result<Option<Credential>, PortError>;
}

#[async_trait]
impl Tokens for Credential {
    async fn credential(&self) -> Result<Option<Credential>, PortError> {
        Ok(Some(self.clone()))
    }
}

/// How a call failed. It holds no text of a message.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SlackError {
    #[error("{method}: no answer: {cause}")]
    Unanswered { method: &'static str, cause: String },
    #[error("{method}: asked to wait {} s", wait.as_secs())]
    Throttled { method: &'static str, wait: Duration },
    /// `ok: false`, which comes with status 200.
    #[error("{method}: {code}")]
    Code { method: &'static str, code: String },
    #[error("{method}: status {status}")]
    Status { method: &'static str, status: u16 },
    #[error("{method}: an answer that cannot be read")]
    Unreadable { method: &'static str },
}

/// What an error code means for whoever called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Meaning {
    /// The same call may succeed later.
    Later,
    /// A person has to mend token, scopes, channel or workspace.
    Misconfigured,
    /// This call will never succeed.
    Refused,
}

fn meaning(code: &str) -> Meaning {
    match code {
        "ratelimited"
        | "rate_limited"
        | "message_limit_exceeded"
        | "internal_error"
        | "fatal_error"
        | "service_unavailable"
        | "request_timeout"
        | "team_added_to_org"
        | "accesslimited" => Meaning::Later,
        "not_authed"
        | "invalid_auth"
        | "account_inactive"
        | "token_revoked"
        | "token_expired"
        | "missing_scope"
        | "no_permission"
        | "not_allowed_token_type"
        | "ekm_access_denied"
        | "org_login_required"
        | "two_factor_setup_required"
        | "team_access_not_granted"
        | "access_denied"
        | "channel_not_found"
        | "not_in_channel"
        | "is_archived"
        | "restricted_action"
        | "restricted_action_thread_locked"
        | "restricted_action_read_only_channel"
        | "no_such_subteam"
        | "subteam_not_found"
        | "plan_upgrade_required"
        | "paid_teams_only"
        | "no_service"
        | "channel_is_archived"
        | "action_prohibited"
        | "posting_to_general_channel_denied"
        | "team_disabled"
        | "invalid_token" => Meaning::Misconfigured,
        _ => Meaning::Refused,
    }
}

/// The message is not there any more: what was to be done to it is done.
fn is_gone(code: &str) -> bool {
    matches!(code, "message_not_found" | "channel_not_found" | "thread_not_found" | "cant_delete_message")
}

impl SlackError {
    fn code(&self) -> Option<&str> {
        match self {
            Self::Code { code, .. } => Some(code),
            Self::Unanswered { .. } | Self::Throttled { .. } | Self::Status { .. } | Self::Unreadable { .. } => None,
        }
    }
}

impl From<SlackError> for PortError {
    fn from(error: SlackError) -> Self {
        match &error {
            SlackError::Throttled { wait, .. } => Self::throttled(SERVICE, *wait, error),
            SlackError::Unanswered { .. } | SlackError::Unreadable { .. } => Self::transient(SERVICE, error),
            SlackError::Status { status, .. } if *status >= 500 => Self::transient(SERVICE, error),
            SlackError::Status { status: 401 | 403 | 404 | 410, .. } => Self::denied(SERVICE, error),
            SlackError::Status { .. } => Self::permanent(SERVICE, error),
            SlackError::Code { code, .. } => match meaning(code) {
                Meaning::Later => Self::transient(SERVICE, error),
                Meaning::Misconfigured => Self::denied(SERVICE, error),
                Meaning::Refused => Self::permanent(SERVICE, error),
            },
        }
    }
}

/// Who we are, as `auth.test` says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    pub team: String,
    pub bot: String,
    /// Of [`SCOPES`], those the token lacks.
    pub missing: Vec<&'static str>,
}

/// One workspace.
#[derive(Clone)]
pub struct Client {
    transport: Arc<dyn Transport>,
    tokens: Arc<dyn Tokens>,
    api: Api,
}

type Arguments<'a> = &'a [(&'a str, &'a str)];

#[derive(Deserialize)]
struct Answer {
    ok: bool,
    error: Option<String>,
    #[serde(flatten)]
    rest: Value,
}

impl Client {
    pub fn new(transport: Arc<dyn Transport>, tokens: Arc<dyn Tokens>, api: Api) -> Self {
        Self { transport, tokens, api }
    }

    /// `patience`: how long one call may take.
    #[cfg(feature = "http")]
    pub fn over_http(tokens: Arc<dyn Tokens>, patience: Duration, api: Api) -> Self {
        Self::new(Arc::new(crate::HttpTransport::new(patience)), tokens, api)
    }

    /// # Errors
    /// As any call; a webhook has no identity and is refused.
    pub async fn identity(&self) -> Result<Identity, PortError> {
        const METHOD: &str = "auth.test";
        let (response, answer) = self.asked(METHOD, &self.bot(METHOD).await?, &[]).await?;
        let granted: Vec<&str> =
            response.header("x-oauth-scopes").unwrap_or_default().split(',').map(str::trim).collect();
        Ok(Identity {
            team: text(&answer, "/team"),
            bot: text(&answer, "/user"),
            missing: SCOPES.into_iter().filter(|scope| !granted.contains(scope)).collect(),
        })
    }

    /// Somebody's address. None: there is no such person, or no address we may see.
    ///
    /// # Errors
    /// As any call.
    pub async fn address(&self, user: &str) -> Result<Option<EmailAddress>, PortError> {
        match self.call("users.info", &[("user", user)]).await? {
            Ok(answer) => Ok(text(&answer, "/user/profile/email").parse().ok()),
            Err(error) if matches!(error.code(), Some("user_not_found" | "user_not_visible")) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether somebody may press beside the people an alert was written to.
    ///
    /// # Errors
    /// As any call.
    pub async fn may_press(&self, who: &Pressers, user: &str, address: &EmailAddress) -> Result<bool, PortError> {
        if who.people.contains(address) {
            return Ok(true);
        }
        let Some(group) = &who.group else { return Ok(false) };
        let answer = self.call("usergroups.users.list", &[("usergroup", group)]).await??;
        let users = answer.pointer("/users").and_then(Value::as_array);
        Ok(users.is_some_and(|users| users.iter().any(|member| member.as_str() == Some(user))))
    }

    /// Tells one person something that nobody else sees and that is gone when they reload.
    ///
    /// # Errors
    /// As any call.
    pub async fn whisper(&self, channel: &str, user: &str, words: &str) -> Result<(), PortError> {
        self.call("chat.postEphemeral", &[("channel", channel), ("user", user), ("text", words)]).await??;
        Ok(())
    }

    /// A method of the Web API: its answer, or why not. The outer error is that we cannot call at all.
    async fn call(
        &self,
        method: &'static str,
        arguments: Arguments<'_>,
    ) -> Result<Result<Value, SlackError>, PortError> {
        let token = self.bot(method).await?;
        Ok(self.asked(method, &token, arguments).await.map(|(_, answer)| answer))
    }

    async fn asked(
        &self,
        method: &'static str,
        token: &SecretString,
        arguments: Arguments<'_>,
    ) -> Result<(Response, Value), SlackError> {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(arguments).finish();
        let url = format!("{}/{method}", self.api);
        let request = Request { url: url.into(), token: Some(token.clone()), body: Body::Form(form) };
        let response = self.sent(method, request).await?;
        let answer: Answer = serde_json::from_slice(&response.body).map_err(|_| SlackError::Unreadable { method })?;
        if answer.ok {
            return Ok((response, answer.rest));
        }
        let code = answer.error.unwrap_or_default();
        if meaning(&code) == Meaning::Later && response.header("retry-after").is_some() {
            return Err(SlackError::Throttled { method, wait: wait(&response) });
        }
        Err(SlackError::Code { method, code })
    }

    async fn sent(&self, method: &'static str, request: Request) -> Result<Response, SlackError> {
        let response = self.transport.send(request).await;
        let response = response.map_err(|error| SlackError::Unanswered { method, cause: error.0 })?;
        match response.status {
            200 => Ok(response),
            429 => Err(SlackError::Throttled { method, wait: wait(&response) }),
            status => Err(SlackError::Status { method, status }),
        }
    }

    /// A webhook answers `ok` in plain words, and a refusal as a status.
    async fn through_webhook(&self, url: SecretString, message: &blocks::Message) -> Result<(), SlackError> {
        let body = json!({ "text": message.text, "blocks": message.blocks, "unfurl_links": false });
        let request = Request { url, token: None, body: Body::Json(body.to_string()) };
        self.sent("webhook", request).await.map(drop)
    }

    async fn bot(&self, method: &'static str) -> Result<SecretString, PortError> {
        match self.credential().await? {
            Credential::Bot(token) => Ok(token),
            Credential::Webhook(_) => Err(PortError::denied(SERVICE, format!("{method} needs a bot token"))),
        }
    }

    async fn credential(&self) -> Result<Credential, PortError> {
        let credential = self.tokens.credential().await?;
        credential.ok_or_else(|| PortError::denied(SERVICE, "there is no token; docs/slack.md says where it is kept"))
    }
}

fn wait(response: &Response) -> Duration {
    let seconds = response.header("retry-after").and_then(|text| text.trim().parse().ok());
    seconds.map_or(USUAL_WAIT, Duration::from_secs).min(LONGEST_WAIT)
}

fn text(answer: &Value, pointer: &str) -> String {
    answer.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn encoded(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("plain values serialise")
}

#[async_trait]
impl Chat for Client {
    async fn direct(&self, person: &EmailAddress) -> Result<Option<String>, PortError> {
        if matches!(self.credential().await?, Credential::Webhook(_)) {
            return Ok(Some(WEBHOOK_CHANNEL.to_owned()));
        }
        let found = match self.call("users.lookupByEmail", &[("email", &person.folded())]).await? {
            Err(error) if error.code() == Some("users_not_found") => return Ok(None),
            found => found?,
        };
        let opened = self.call("conversations.open", &[("users", &text(&found, "/user/id"))]).await??;
        Ok(Some(text(&opened, "/channel/id")))
    }

    async fn post(&self, post: Post<'_>) -> Result<Option<String>, PortError> {
        let token = match self.credential().await? {
            Credential::Bot(token) => token,
            Credential::Webhook(url) => {
                self.through_webhook(url, &blocks::message(post.alert, post.posted, false)).await?;
                return Ok(None);
            }
        };
        let message = blocks::message(post.alert, post.posted, true);
        let (blocks, metadata) = (encoded(&message.blocks), encoded(&message.metadata));
        let mut arguments = vec![
            ("channel", post.posted.channel.as_str()),
            ("text", &message.text),
            ("blocks", &blocks),
            ("metadata", &metadata),
            ("unfurl_links", "false"),
            ("unfurl_media", "false"),
        ];
        let whole = arguments.len();
        if let Some(thread) = post.thread {
            arguments.push(("thread_ts", thread));
            if post.broadcast {
                arguments.push(("reply_broadcast", "true"));
            }
        }
        let answer = match self.asked("chat.postMessage", &token, &arguments).await {
            // Somebody deleted the first message of the conversation.
            Err(error)
                if post.thread.is_some() && matches!(error.code(), Some("thread_not_found" | "message_not_found")) =>
            {
                arguments.truncate(whole);
                self.asked("chat.postMessage", &token, &arguments).await?
            }
            answer => answer?,
        };
        Ok(Some(text(&answer.1, "/ts")))
    }

    async fn update(&self, alert: &Alert) -> Result<(), PortError> {
        let Some(posted @ Posted { channel, message: Some(ts), .. }) = &alert.follow_up.posted else {
            return Ok(());
        };
        let message = blocks::message(alert, posted, true);
        let (blocks, metadata) = (encoded(&message.blocks), encoded(&message.metadata));
        let arguments = [
            ("channel", channel.as_str()),
            ("ts", ts),
            ("text", &message.text),
            ("blocks", &blocks),
            ("metadata", &metadata),
        ];
        self.unless_gone("chat.update", &arguments).await
    }

    async fn remove(&self, posted: &Posted) -> Result<(), PortError> {
        let Some(ts) = &posted.message else {
            return Err(PortError::permanent(SERVICE, "what went through a webhook cannot be deleted by us"));
        };
        self.unless_gone("chat.delete", &[("channel", &posted.channel), ("ts", ts)]).await
    }
}

impl Client {
    async fn unless_gone(&self, method: &'static str, arguments: Arguments<'_>) -> Result<(), PortError> {
        match self.call(method, arguments).await? {
            Err(error) if error.code().is_some_and(is_gone) => Ok(()),
            answer => Ok(answer.map(drop)?),
        }
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Client({})", self.api)
    }
}
