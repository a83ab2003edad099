//! What a message says: the customer's own words, what is forwarded, and what was left out by which rule.
//!
//! Invariant: pure, in time proportional to the text, and no line is lost: what is not among the customer's words is
//! named with the rule that took it out.

mod attribution;
mod banner;
mod footer;
mod headers;
mod helpdesk;
mod history;
pub mod html;
mod intro;
mod machine;
pub mod normalise;
mod page;
mod rule;
mod signature;
mod speakers;
pub mod subject;
mod unglue;

pub use rule::{Class, Rule};

use page::Page;

/// Forwards of forwards that are looked into.
const DEEPEST: usize = 4;

/// What is known of a message besides its text.
#[derive(Clone, Copy, Default, Debug)]
pub struct Context<'a> {
    /// The ticket's, with its prefixes: `Fwd:` and `Re:` tell a forward from a reply.
    pub subject: &'a str,
    /// How the customer signs, to find his lines in a chat.
    pub requester: Option<&'a str>,
}

/// A message, taken apart.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Message {
    /// The customer's own words, now. Empty if he only forwards, or said nothing.
    pub own: String,
    /// The newest forwarded message, or what else of others stands below words that say nothing by themselves.
    pub forwarded: Option<Forwarded>,
    /// Logs, stack traces, data: for a reader to look at.
    pub machine: String,
    /// Something older was below.
    pub history: bool,
    /// Others spoke too: a bot, an agent.
    pub others: bool,
    /// Nothing but what rules take out was there, and the most meaningful part stands in `own` after all.
    pub kept_all: bool,
    /// The subject of the closed ticket that this one follows.
    pub follows: Option<String>,
    pub left_out: Vec<LeftOut>,
}

/// Another person's words.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Forwarded {
    /// As the mail program wrote it.
    pub from: Option<String>,
    /// Sender and recipient have one company's addresses: it is what a colleague wrote to the customer.
    pub internal: bool,
    pub text: String,
}

/// A part that is not among the customer's words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeftOut {
    pub rule: Rule,
    pub text: String,
}

impl Message {
    /// Not all of it is the customer's words of today.
    #[must_use]
    pub fn is_mixed(&self) -> bool {
        self.history || self.others || self.forwarded.is_some()
    }
}

/// Takes a message apart: HTML, or text as a helpdesk or an export has it.
#[must_use]
pub fn read(body: &str, context: Context<'_>) -> Message {
    let normalise::Normalised { text, hidden } = normalise::body(body);
    let mut message = part(&text, subject::parse(context.subject).kind, context.requester, DEEPEST);
    if !hidden.is_empty() {
        message.left_out.push(LeftOut { rule: Rule::Hidden, text: hidden });
    }
    message
}

fn part(text: &str, subject: subject::Kind, requester: Option<&str>, deeper: usize) -> Message {
    let follow_up = helpdesk::follow_up(text);
    let text = follow_up.map_or(text, |found| found.rest);
    let unglued = unglue::unglued(text);
    let mut page = Page::new(&unglued);
    footer::take_out_banner(&mut page);
    let forward = history::take_out(&mut page, subject);
    machine::take_out(&mut page);
    let conversation = speakers::take_out(&mut page, requester);
    if !conversation {
        take_out_ends(&mut page);
    }
    let mut message = Message::default();
    let class = |class: Class| move |rule: Rule| rule.class() == class;
    message.left_out = page.left_out();
    if let Some(lines) = forward {
        let body = history::body(&page, lines);
        message.forwarded = forwarded(body, deeper, &mut message);
    }
    message.own = page.own();
    message.machine = page.out(class(Class::Machine));
    let history = page.out(class(Class::History));
    let others = page.out(class(Class::Others));
    message.history |= !history.is_empty();
    message.others = !others.is_empty();
    if let Some(found) = follow_up {
        message.follows = found.subject.map(str::to_owned);
        let line = found.line.trim().to_owned();
        message.left_out.insert(0, LeftOut { rule: Rule::FollowUp, text: line });
    }
    if message.own.is_empty() && message.forwarded.is_none() {
        keep(&mut page, &mut message, others, history);
    }
    message
}

/// Signatures and footers, from the end upwards, as many as there are.
fn take_out_ends(page: &mut Page<'_>) {
    let mut end = page.len();
    while let Some(start) = footer::take_out(page, end).or_else(|| signature::take_out(page, end)) {
        end = start;
    }
}

fn forwarded(body: history::Body, deeper: usize, message: &mut Message) -> Option<Forwarded> {
    let history::Body { from, internal, text } = body;
    if deeper == 0 {
        return Some(Forwarded { from, internal, text });
    }
    let inner = part(&text, subject::Kind::Plain, None, deeper - 1);
    message.history |= inner.history;
    message.left_out.extend(inner.left_out);
    match inner.forwarded {
        // "FYI" above another forward: the newest with something to say.
        Some(inmost) if intro::is_only(&inner.own) => Some(inmost),
        Some(_) | None if inner.own.is_empty() && text.trim().is_empty() => None,
        Some(_) | None => Some(Forwarded { from, internal, text: inner.own }),
    }
}

/// All was taken out: what others said is read as theirs, and of the rest what says most comes back.
fn keep(page: &mut Page<'_>, message: &mut Message, others: String, history: String) {
    let theirs = if others.is_empty() { history } else { others };
    if !theirs.is_empty() {
        message.forwarded = Some(Forwarded { text: theirs, ..Forwarded::default() });
        return;
    }
    let lines = page.lines();
    let has =
        |class: Class| lines.iter().any(|line| line.rule.is_some_and(|rule| rule.class() == class) && !line.is_blank());
    let class = if has(Class::Forward) {
        // A header with nothing below it.
        Class::Forward
    } else if has(Class::Machine) {
        Class::Machine
    } else if has(Class::Boilerplate) {
        Class::Boilerplate
    } else {
        return;
    };
    page.put_back(|line| line.rule.is_some_and(|rule| rule.class() == class));
    message.kept_all = true;
    message.own = page.own();
    message.left_out = page.left_out();
}
