//! Chats and calls written down: who said what.

mod words;

use std::sync::LazyLock;

use regex::Regex;

use crate::{Rule, page::Page};
use words::{AGENT_GREETINGS, AGENTS, BOTS, CUSTOMERS, NO_NAMES};

/// Longer names are no names. In characters.
const LONGEST_NAME: usize = 60;
const NAME_WORDS: usize = 5;
/// More names are a list.
const MOST_SPEAKERS: usize = 20;
/// Turns of people without a role or a time, from which on a text is a conversation and no list.
const NAMED_TURNS: usize = 4;
/// A turn of so many words is no cell of a form.
const SPOKEN_WORDS: usize = 3;

static CLOCK_FIRST: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^[\[(]?(?:(?:\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|\p{L}+)[,.]?\s+){0,2}\d{1,2}[:.]\d{2}(?:[:.]\d{2})?(?:\s?[AaPp]\.?[Mm]\.?)?(?:\s(?:UTC|GMT|CET|CEST))?[\])]?\s*[-–|]?\s*([^\s:：\[\]<>{}=][^:：\[\]<>{}=]*?)\s*[:：](?:\s+(.*))?$",
    )
    .expect("a fixed pattern")
});
static NAME_FIRST: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^([^\s:：\[\]<>{}=(][^:：\[\]<>{}=]*?)\s*(?:[\[(]|[·•|—-]\s?)(?:(?:\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|\p{L}+)[,.]?\s+){0,2}\d{1,2}[:.]\d{2}(?:[:.]\d{2})?(?:\s?[AaPp]\.?[Mm]\.?)?[\])]?\s*[:：]?(?:\s+(.*))?$",
    )
    .expect("a fixed pattern")
});
static PLAIN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\*{0,2}([^\s:：\[\]<>{}=*][^:：\[\]<>{}=*]*?)\*{0,2}\s*[:：]\*{0,2}(?:\s+(.*))?$")
        .expect("a fixed pattern")
});
/// What a chat program says of itself.
static NOTICE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?ix)^[\s*(\[—-]*(?:
        chat\s(?:started|ended|transcript|history|id|session|closed|transferred|duration|log|with\s\S+)\b.*
        | (?:conversation|transcript|call|call\srecording)\s(?:started|ended|with|transcript|of|id|duration)\b.* | (?:transcript|transkript|transcription|transcripción)\s*:?$
        | (?:\(?\d{1,2}:\d{2}(?::\d{2})?\)?\s)?.+\s(?:has\s)?(?:joined|left|ended|entered)\s(?:the\s)?(?:chat|conversation|call)\b.*
        | (?:chat|chatverlauf|gespräch|unterhaltung)\s?(?:gestartet|beendet|verlauf)?\s*(?:um|am|mit|:)\s?.* | .+\sist\sdem\schat\sbeigetreten.*
        | (?:début|fin)\s(?:du\schat|de\sla\sconversation|de\sl'appel)\b.* | .+\sa\s(?:rejoint|quitté)\s(?:le\schat|la\sconversation)\b.*
        | (?:inicio|fin)\s(?:del\schat|de\sla\sconversación)\b.* | .+\sse\sha\sunido\sal\schat\b.*
        | served\sby:\s.+ | (?:agent|operator)\s\S+\s(?:is\styping|was\sassigned).* | you\sare\snow\sconnected\s(?:with|to)\s.+ | call\srecording:?\s.* | duration:\s?[\d:]+ | confidence:\s?\w+
        )[\s*)\].—-]*$",
    )
    .expect("a fixed pattern")
});

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Who {
    Bot,
    Agent,
    Customer,
    Unknown,
}

/// A line that begins a turn.
#[derive(Clone, Copy, Debug)]
struct Turn<'a> {
    at: usize,
    name: &'a str,
    words: &'a str,
    timed: bool,
    who: Who,
}

/// Takes the words of others out, and the speaker's name off the customer's. True if it was a conversation.
pub(crate) fn take_out(page: &mut Page<'_>, requester: Option<&str>) -> bool {
    let turns = turns(page);
    let Some(first) = turns.first().map(|turn| turn.at) else { return false };
    if !is_conversation(page, &turns) {
        return false;
    }
    let customers = customers(&turns, requester);
    let own = |turn: &Turn<'_>| customers.iter().any(|name| same(name, turn.name));
    // Who pastes a conversation under his own words goes on below it.
    let pasted = (0..first).any(|at| page.is_own(at) && !page.line(at).is_blank() && !is_notice(page.bare(at)));
    for at in 0..first {
        if is_notice(page.bare(at)) {
            page.take_out(at..at + 1, Rule::Chat);
        }
    }
    for (index, turn) in turns.iter().enumerate() {
        let last = turns.get(index + 1).is_none();
        let mut end = turns.get(index + 1).map_or(page.len(), |next| next.at);
        if last && pasted {
            end = (turn.at..end).find(|at| page.line(*at).is_blank()).unwrap_or(end);
        }
        for at in turn.at..end {
            if is_notice(page.bare(at)) && at != turn.at {
                page.take_out(at..at + 1, Rule::Chat);
            }
        }
        if own(turn) {
            page.set_text(turn.at, turn.words);
        } else {
            page.take_out(turn.at..end, Rule::Speaker);
        }
    }
    true
}

fn is_notice(line: &str) -> bool {
    line.len() <= 200 && NOTICE.is_match(line)
}

fn turns<'a>(page: &Page<'a>) -> Vec<Turn<'a>> {
    let lines = (0..page.len()).filter(|at| page.is_own(*at));
    let mut turns: Vec<Turn<'a>> = lines.filter_map(|at| turn(at, page.bare(at))).collect();
    // Where lines have times, a colon in a line without one is a colon.
    if turns.iter().filter(|turn| turn.timed).count() >= 2 {
        turns.retain(|turn| turn.timed);
    }
    turns
}

fn turn(at: usize, line: &str) -> Option<Turn<'_>> {
    if line.len() > 20_000 {
        return None;
    }
    let clocked = CLOCK_FIRST.captures(line).or_else(|| NAME_FIRST.captures(line));
    let timed = clocked.is_some();
    let found = clocked.or_else(|| PLAIN.captures(line))?;
    let name = found.get(1)?.as_str().trim().trim_start_matches('*').trim();
    let words = found.get(2).map_or("", |words| words.as_str());
    let is_name = name.chars().count() <= LONGEST_NAME
        && name.split_whitespace().count() <= NAME_WORDS
        && name.chars().any(char::is_alphabetic)
        && !name.contains([',', ';', '?', '!', '@', '/', '"'])
        && !words.starts_with("//")
        && !NO_NAMES.contains(&name.to_lowercase().trim_end_matches('.'));
    is_name.then(|| Turn { at, name, words, timed, who: who(name) })
}

/// By the words of the name and of a role in brackets.
fn who(name: &str) -> Who {
    let lower = name.to_lowercase();
    let any = |list: &[&str]| lower.split(|c: char| !c.is_alphanumeric() && c != '-').any(|word| list.contains(&word));
    if any(BOTS) {
        Who::Bot
    } else if any(CUSTOMERS) {
        Who::Customer
    } else if any(AGENTS) {
        Who::Agent
    } else {
        Who::Unknown
    }
}

fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

fn is_conversation(page: &Page<'_>, turns: &[Turn<'_>]) -> bool {
    let mut speakers: Vec<(&str, usize)> = Vec::new();
    for turn in turns {
        if let Some((_, count)) = speakers.iter_mut().find(|(name, _)| same(name, turn.name)) {
            *count += 1;
        } else if speakers.len() < MOST_SPEAKERS {
            speakers.push((turn.name, 1));
        } else {
            return false;
        }
    }
    let role = |wanted: fn(Who) -> bool| turns.iter().any(|turn| wanted(turn.who));
    let known = role(|who| who != Who::Unknown);
    let recurs = speakers.iter().filter(|(_, count)| *count >= 2).count();
    if turns.first().is_some_and(|turn| turn.timed) {
        return turns.len() >= 2 && (known || recurs > 0);
    }
    let spoken = turns.iter().filter(|turn| turn.words.split_whitespace().count() >= SPOKEN_WORDS).count();
    let first = turns.first().map_or(0, |turn| turn.at);
    let filled = (first..page.len()).filter(|at| page.is_own(*at) && !page.line(*at).is_blank()).count();
    let dense = 2 * turns.len() >= filled;
    let by_role = known && speakers.len() >= 2 && spoken >= 2;
    let by_name = turns.len() >= NAMED_TURNS && (2..=3).contains(&speakers.len()) && recurs >= 2 && spoken >= 2;
    dense && (by_role || by_name)
}

/// The names under which the customer speaks.
fn customers<'a>(turns: &[Turn<'a>], requester: Option<&str>) -> Vec<&'a str> {
    let requester = requester.unwrap_or_default().to_lowercase();
    let parts: Vec<&str> = requester.split_whitespace().filter(|part| part.chars().count() >= 3).collect();
    let fits = |turn: &&Turn<'a>| {
        let name = turn.name.to_lowercase();
        !matches!(turn.who, Who::Bot | Who::Agent)
            && !requester.is_empty()
            && (name == requester || name.split_whitespace().any(|word| parts.contains(&word)))
    };
    let mut named: Vec<&str> = turns.iter().filter(fits).map(|turn| turn.name).collect();
    named.extend(turns.iter().filter(|turn| turn.who == Who::Customer).map(|turn| turn.name));
    if !named.is_empty() {
        named.dedup();
        return named;
    }
    let greets = |name: &str| {
        let mut first = turns.iter().filter(|turn| same(turn.name, name)).take(2);
        first.any(|turn| {
            let lower = turn.words.to_lowercase();
            AGENT_GREETINGS.iter().any(|greeting| lower.contains(greeting))
        })
    };
    let mut unknown: Vec<&str> = Vec::new();
    for turn in turns.iter().filter(|turn| turn.who == Who::Unknown) {
        if !unknown.iter().any(|name| same(name, turn.name)) {
            unknown.push(turn.name);
        }
    }
    unknown.into_iter().find(|name| !greets(name)).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(requester: Option<&str>, text: &str, own: &str) {
        let mut page = Page::new(text);
        assert!(take_out(&mut page, requester), "{text}");
        assert_eq!(page.own(), own, "{text}");
    }

    #[test]
    fn only_the_customers_lines_are_his() {
        check(
            None,
            "(09:12:01) Bot: Do you want to upgrade?\n(09:12:15) Ann: no. how do i print\n(09:12:30) Ann: print!",
            "no. how do i print\nprint!",
        );
        check(
            None,
            "Agent: Corridor, how can I help?\nCaller: Where is the invoice?\nAgent: Under Billing.",
            "Where is the invoice?",
        );
        check(
            None,
            "[09:12] Anna (Support): Hallo, wie kann ich helfen?\n[09:13] Tom: Der Export ist leer.\nSeit heute.",
            "Der Export ist leer.\nSeit heute.",
        );
        check(
            Some("Tom Baker"),
            "[09:12] Anna: Hi\n[09:13] Tom: The export is empty.\n[09:14] Anna: One moment.",
            "The export is empty.",
        );
        check(
            None,
            "Chat started: 2026-11-02 09:12 AM UTC\n\n(09:12:01) Visitor 4711: Hi there\n(09:12:02) *** Mia joined the chat ***\n(09:12:09) Mia: Hello, how can I help?\n(09:12:30) Visitor 4711: It is down.",
            "Hi there\nIt is down.",
        );
        check(
            None,
            "Mia: Thank you for calling, how can I help?\nTom: Our checkout is down.\nMia: Since when is it?\nTom: Since seven this morning.",
            "Our checkout is down.\nSince seven this morning.",
        );
        check(
            None,
            "Agente: Hola, ¿en qué puedo ayudar?\nCliente: No funciona el pago.\nAgente: Lo miramos ahora.",
            "No funciona el pago.",
        );
        check(None, "02/11/2026, 09:12 - Tom: It is down\n02/11/2026, 09:13 - Tom: again", "It is down\nagain");
        check(
            None,
            "Tom · 09:12\nIt is down.\nSupport · 09:14\nWe cancel it for you.\nTom · 09:15\nThanks",
            "It is down.\n\nThanks",
        );
    }

    #[test]
    fn what_stands_around_a_conversation_is_the_customers() {
        let text = "Your bot does not help me:\n\nBot: Do you want to upgrade today?\nMe: No, where is my invoice?\nBot: Here are our prices now.\n\nSo where is it?";
        let mut page = Page::new(text);
        assert!(take_out(&mut page, None));
        assert_eq!(page.own(), "Your bot does not help me:\n\nNo, where is my invoice?\n\nSo where is it?");
    }

    #[test]
    fn lists_are_no_conversations() {
        for text in [
            "Order: 17\nCustomer: Acme\nStatus: open",
            "09:12 checkout down: all stores\n09:40 we called you: no answer",
            "Expected: the label prints out\nActual: nothing happens at all",
            "Two things:\n1. the export is empty: no rows\n2. the import fails: no file",
            "Note: it is urgent for us.\nQuestion: when is it fixed?",
            "Support: please help.",
        ] {
            assert!(!take_out(&mut Page::new(text), None), "{text}");
        }
    }
}
