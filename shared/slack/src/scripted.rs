//! A Slack of our own, over HTTP on this machine: it keeps messages and enforces what Slack enforces.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{Client, Credential, client::SCOPES};

pub const TOKEN: &str = "xoxb-scripted";
/// Where another process reads what it was told.
const TOLD: &str = "/_scripted";

/// How the next call goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// `ok: false` with that code.
    Code(&'static str),
    /// 429 with that many seconds.
    Throttled(u32),
    Status(u16),
    /// Does its work, and then the answer is lost.
    Lost,
    /// Does its work once another call has come beside it, and else fails.
    Beside,
    Garbage,
}

/// A message as it stands in a channel.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Shown {
    pub channel: String,
    pub ts: String,
    pub thread: Option<String>,
    pub broadcast: bool,
    pub text: String,
    pub blocks: Vec<Value>,
    pub edits: usize,
}

#[derive(Default)]
struct State {
    now: Timestamp,
    people: BTreeMap<String, String>,
    groups: BTreeMap<String, BTreeSet<String>>,
    channels: BTreeSet<String>,
    scopes: Vec<String>,
    messages: Vec<Shown>,
    whispers: Vec<(String, String)>,
    last: BTreeMap<String, Timestamp>,
    calls: Vec<String>,
    faults: VecDeque<Option<Fault>>,
    arrived: usize,
    posted: usize,
}

/// Serves until the process ends.
#[derive(Clone)]
pub struct ScriptedSlack {
    state: Arc<Mutex<State>>,
    base: String,
}

impl ScriptedSlack {
    /// With the channels `C0GUARDIAN` and `C0SALES`, and every scope.
    ///
    /// # Panics
    /// If this machine gives no port.
    #[must_use]
    pub fn start() -> Self {
        Self::start_at(0)
    }

    /// # Panics
    /// If that port is taken.
    #[must_use]
    pub fn start_at(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let state = State {
            channels: ["C0GUARDIAN", "C0SALES"].map(str::to_owned).into(),
            scopes: SCOPES.map(str::to_owned).into(),
            ..State::default()
        };
        let slack = Self { state: Arc::new(Mutex::new(state)), base };
        let server = slack.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = server.clone();
                std::thread::spawn(move || server.serve(stream));
            }
        });
        slack
    }

    #[must_use]
    pub fn client(&self) -> Client {
        self.client_with(TOKEN)
    }

    /// # Panics
    /// If it is no credential.
    #[must_use]
    pub fn client_with(&self, credential: &str) -> Client {
        let credential = Credential::parse(credential).expect("a credential");
        let api = format!("{}/api", self.base).parse().expect("an address on this machine");
        Client::over_http(Arc::new(credential), Duration::from_secs(30), api)
    }

    /// The address of an incoming webhook.
    #[must_use]
    pub fn webhook(&self) -> String {
        format!("{}/services/T0/B0/SECRET", self.base)
    }

    pub fn set_now(&self, now: Timestamp) {
        self.lock().now = now;
    }

    pub fn add_person(&self, id: &str, address: &str) {
        self.lock().people.insert(id.to_owned(), address.to_owned());
    }

    pub fn add_group(&self, id: &str, members: &[&str]) {
        self.lock().groups.insert(id.to_owned(), members.iter().map(|member| (*member).to_owned()).collect());
    }

    pub fn take_scope(&self, scope: &str) {
        self.lock().scopes.retain(|granted| granted != scope);
    }

    pub fn plan(&self, faults: &[Fault]) {
        self.plan_after(0, faults);
    }

    /// The same, after so many calls that go well.
    pub fn plan_after(&self, well: usize, faults: &[Fault]) {
        let well = std::iter::repeat_n(None, well);
        self.lock().faults.extend(well.chain(faults.iter().cloned().map(Some)));
    }

    #[must_use]
    pub fn messages(&self) -> Vec<Shown> {
        self.lock().messages.clone()
    }

    /// By user: what was told to one person.
    #[must_use]
    pub fn whispers(&self) -> Vec<(String, String)> {
        self.lock().whispers.clone()
    }

    /// The methods that were called, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<String> {
        self.lock().calls.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a while until more calls have come than so many.
    fn hears_more_than(&self, arrived: usize) -> bool {
        (0..200).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            self.lock().arrived > arrived
        })
    }

    fn serve(&self, stream: TcpStream) {
        // A client that hangs up is its own affair.
        let _ = self.answer(stream);
    }

    fn answer(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let path = line.split_whitespace().nth(1).unwrap_or_default().to_owned();
        let (mut length, mut authorization) = (0, String::new());
        loop {
            let mut header = String::new();
            reader.read_line(&mut header)?;
            let Some((name, value)) = header.trim().split_once(':') else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().unwrap_or(0),
                "authorization" => value.trim().clone_into(&mut authorization),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let mut state = self.lock();
        state.arrived += 1;
        if path == TOLD {
            let told =
                json!({ "messages": state.messages, "whispers": state.whispers, "calls": state.calls }).to_string();
            return write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{told}", told.len());
        }
        let mut fault = state.faults.pop_front().flatten();
        if fault == Some(Fault::Beside) {
            let arrived = state.arrived;
            drop(state);
            fault = if self.hears_more_than(arrived) { None } else { Some(Fault::Status(500)) };
            state = self.lock();
        }
        if fault == Some(Fault::Lost) {
            state.request(&path, &authorization, &body);
            return Ok(());
        }
        let scopes = state.scopes.join(",");
        let (status, retry, answer) = match fault {
            Some(Fault::Code(code)) => (200, None, json!({ "ok": false, "error": code }).to_string()),
            Some(Fault::Throttled(seconds)) => {
                (429, Some(seconds), json!({ "ok": false, "error": "ratelimited" }).to_string())
            }
            Some(Fault::Status(status)) => (status, None, String::new()),
            Some(Fault::Garbage) => (200, None, "<html>".to_owned()),
            Some(Fault::Lost | Fault::Beside) | None => state.request(&path, &authorization, &body),
        };
        let retry = retry.map(|seconds| format!("Retry-After: {seconds}\r\n")).unwrap_or_default();
        write!(
            stream,
            "HTTP/1.1 {status} X\r\nx-oauth-scopes: {scopes}\r\n{retry}Content-Length: {}\r\nConnection: close\r\n\r\n{answer}",
            answer.len(),
        )
    }
}

type Answered = (u16, Option<u32>, String);

impl State {
    fn request(&mut self, path: &str, authorization: &str, body: &[u8]) -> Answered {
        if path.starts_with("/services/") {
            return self.webhook(body);
        }
        let method = path.strip_prefix("/api/").unwrap_or_default();
        self.calls.push(method.to_owned());
        let arguments: BTreeMap<String, String> = form_urlencoded::parse(body).into_owned().collect();
        let outcome = if authorization == format!("Bearer {TOKEN}") {
            self.method(method, &arguments)
        } else {
            Err(if authorization.is_empty() { "not_authed" } else { "invalid_auth" })
        };
        match outcome {
            Ok(mut answer) => {
                if let Some(fields) = answer.as_object_mut() {
                    fields.insert("ok".to_owned(), true.into());
                }
                (200, None, answer.to_string())
            }
            Err("ratelimited") => (429, Some(1), json!({ "ok": false, "error": "ratelimited" }).to_string()),
            Err(code) => (200, None, json!({ "ok": false, "error": code }).to_string()),
        }
    }

    fn webhook(&mut self, body: &[u8]) -> Answered {
        self.calls.push("webhook".to_owned());
        let message: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = message.get("text").and_then(Value::as_str).unwrap_or_default().to_owned();
        let Some(blocks) = message.get("blocks").and_then(Value::as_array).filter(|blocks| fits(blocks)) else {
            return (400, None, "invalid_blocks".to_owned());
        };
        let (blocks, channel) = (blocks.clone(), "webhook".to_owned());
        if self.is_too_soon(&channel) {
            return (429, Some(1), String::new());
        }
        let (ts, thread) = (String::new(), None);
        self.messages.push(Shown { channel, ts, thread, broadcast: false, text, blocks, edits: 0 });
        (200, None, "ok".to_owned())
    }

    fn needs(&self, scope: &str) -> Result<(), &'static str> {
        if self.scopes.iter().any(|granted| granted == scope) { Ok(()) } else { Err("missing_scope") }
    }

    /// One message a second and channel.
    fn is_too_soon(&mut self, channel: &str) -> bool {
        let last = self.last.get(channel).copied();
        if last.is_some_and(|last| self.now.duration_since(last) < SignedDuration::from_secs(1)) {
            return true;
        }
        self.last.insert(channel.to_owned(), self.now);
        false
    }

    fn method(&mut self, method: &str, given: &BTreeMap<String, String>) -> Result<Value, &'static str> {
        let argument = |name: &str| given.get(name).map(String::as_str).unwrap_or_default();
        match method {
            "auth.test" => Ok(json!({ "team": "Acme", "user": "triage", "bot_id": "B0" })),
            "users.lookupByEmail" => {
                self.needs("users:read.email")?;
                let found = self.people.iter().find(|(_, address)| *address == argument("email"));
                found.map(|(id, _)| json!({ "user": { "id": id } })).ok_or("users_not_found")
            }
            "users.info" => {
                self.needs("users:read")?;
                let address = self.people.get(argument("user")).ok_or("user_not_found")?;
                let profile =
                    if self.needs("users:read.email").is_ok() { json!({ "email": address }) } else { json!({}) };
                Ok(json!({ "user": { "id": argument("user"), "profile": profile } }))
            }
            "usergroups.users.list" => {
                self.needs("usergroups:read")?;
                let members = self.groups.get(argument("usergroup")).ok_or("no_such_subteam")?;
                Ok(json!({ "users": members }))
            }
            "conversations.open" => {
                self.needs("im:write")?;
                let user = argument("users");
                if !self.people.contains_key(user) {
                    return Err("user_not_found");
                }
                let channel = format!("D{user}");
                self.channels.insert(channel.clone());
                Ok(json!({ "channel": { "id": channel } }))
            }
            "chat.postMessage" => {
                self.needs("chat:write")?;
                let blocks = self.checked(given)?;
                let thread = given.get("thread_ts").cloned();
                let is_root = |message: &Shown| Some(&message.ts) == thread.as_ref() && message.thread.is_none();
                if thread.is_some() && !self.messages.iter().any(is_root) {
                    return Err("thread_not_found");
                }
                let channel = argument("channel").to_owned();
                if self.is_too_soon(&channel) {
                    return Err("ratelimited");
                }
                self.posted += 1;
                let ts = format!("{}.{:06}", self.now.as_second(), self.posted);
                let broadcast = argument("reply_broadcast") == "true";
                let text = argument("text").to_owned();
                let answer = json!({ "channel": channel, "ts": ts });
                self.messages.push(Shown { channel, ts, thread, broadcast, text, blocks, edits: 0 });
                Ok(answer)
            }
            "chat.update" => {
                self.needs("chat:write")?;
                let blocks = self.checked(given)?;
                let message = self.message(given)?;
                message.blocks = blocks;
                message.edits += 1;
                argument("text").clone_into(&mut message.text);
                Ok(json!({}))
            }
            "chat.delete" => {
                self.needs("chat:write")?;
                let ts = self.message(given)?.ts.clone();
                self.messages.retain(|message| message.ts != ts);
                Ok(json!({}))
            }
            "chat.postEphemeral" => {
                self.needs("chat:write")?;
                if !self.channels.contains(argument("channel")) {
                    return Err("channel_not_found");
                }
                self.whispers.push((argument("user").to_owned(), argument("text").to_owned()));
                Ok(json!({}))
            }
            _ => Err("unknown_method"),
        }
    }

    fn message(&mut self, given: &BTreeMap<String, String>) -> Result<&mut Shown, &'static str> {
        let (channel, ts) = (given.get("channel"), given.get("ts"));
        let mut messages = self.messages.iter_mut();
        let found = messages.find(|message| Some(&message.channel) == channel && Some(&message.ts) == ts);
        found.ok_or("message_not_found")
    }

    fn checked(&self, given: &BTreeMap<String, String>) -> Result<Vec<Value>, &'static str> {
        if !given.get("channel").is_some_and(|channel| self.channels.contains(channel)) {
            return Err("channel_not_found");
        }
        let blocks = given.get("blocks").map(String::as_str).unwrap_or_default();
        let blocks: Vec<Value> = serde_json::from_str(blocks).map_err(|_| "invalid_blocks_format")?;
        if fits(&blocks) { Ok(blocks) } else { Err("invalid_blocks") }
    }
}

/// The limits of Block Kit, as far as we use it.
fn fits(blocks: &[Value]) -> bool {
    !blocks.is_empty() && blocks.len() <= 50 && blocks.iter().all(block_fits)
}

fn block_fits(block: &Value) -> bool {
    let list = |name: &str| block[name].as_array().cloned().unwrap_or_default();
    let id_fits = block["block_id"].as_str().is_none_or(|id| id.len() <= 255);
    id_fits
        && match block["type"].as_str() {
            Some("header") => {
                block.pointer("/text/type").is_some_and(|kind| kind == "plain_text") && text_fits(&block["text"], 150)
            }
            Some("section") => {
                let fields = list("fields");
                let text = block["text"].is_null() || text_fits(&block["text"], 3_000);
                (!block["text"].is_null() || !fields.is_empty())
                    && text
                    && fields.len() <= 10
                    && fields.iter().all(|field| text_fits(field, 2_000))
            }
            Some("context") => {
                let elements = list("elements");
                !elements.is_empty() && elements.len() <= 10 && elements.iter().all(|element| text_fits(element, 3_000))
            }
            Some("actions") => {
                let elements = list("elements");
                !elements.is_empty() && elements.len() <= 25 && elements.iter().all(element_fits)
            }
            _ => false,
        }
}

fn element_fits(element: &Value) -> bool {
    match element["type"].as_str() {
        Some("button") => {
            text_fits(&element["text"], 75) && element["url"].as_str().is_none_or(|url| url.len() <= 3_000)
        }
        Some("static_select") => {
            let options = element["options"].as_array().cloned().unwrap_or_default();
            let option = |option: &Value| {
                text_fits(&option["text"], 75) && option["value"].as_str().is_some_and(|value| value.len() <= 150)
            };
            text_fits(&element["placeholder"], 150)
                && !options.is_empty()
                && options.len() <= 100
                && options.iter().all(option)
        }
        _ => false,
    }
}

fn text_fits(text: &Value, most: usize) -> bool {
    text["text"].as_str().is_some_and(|text| !text.is_empty() && text.encode_utf16().count() <= most)
}
