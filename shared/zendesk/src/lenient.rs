//! Bodies that are nearly JSON. A 400 is final for Zendesk and loses the ticket, so a body that Zendesk signed is read as
//! far as it can be: half an emoji, raw control characters, bytes that are not UTF-8, a comma too many, quotes of a
//! customer in a template, a tail that was cut off.

use domain::TicketId;
use serde_json::Value;

/// Deeper nesting than `serde_json` reads.
const DEEPEST: usize = 128;

/// What is left of a body that cannot be read as JSON at all.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Salvage {
    /// The event's type without `zen:event-type:`; none for a trigger.
    pub(crate) kind: Option<String>,
    pub(crate) ticket: TicketId,
    pub(crate) actor: Option<u64>,
}

/// The body as JSON: as it is, or else mended.
#[must_use]
pub fn value(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body).ok().or_else(|| mended(body))
}

/// The body with everything put right that can be, if that makes it JSON.
pub(crate) fn mended(body: &[u8]) -> Option<Value> {
    let text = String::from_utf8_lossy(body);
    let mender = Mender::read(text.get(text.find('{')?..)?)?;
    [mender.whole(), mender.without_the_last()?].iter().find_map(|text| serde_json::from_str(text).ok())
}

/// The ids in a body, wherever they stand. What names a ticket in quoted JSON inside a text does not count.
pub(crate) fn salvaged(body: &[u8]) -> Option<Salvage> {
    let text = String::from_utf8_lossy(body);
    let kind = after(&text, "zen:event-type:").map(|rest| {
        let name: String = rest.chars().take_while(|c| c.is_ascii_lowercase() || "._".contains(*c)).collect();
        name
    });
    let of_subject = || after(&text, "zen:ticket:").and_then(number);
    let of_key = || keyed(&text, "ticket_id");
    let ticket = if kind.is_some() { of_subject().or_else(of_key) } else { of_key().or_else(of_subject) };
    Some(Salvage { kind, ticket: TicketId::new(ticket?).ok()?, actor: keyed(&text, "actor_id") })
}

fn after<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    text.split_once(mark).map(|(_, rest)| rest)
}

/// The number at the start of a text.
fn number(text: &str) -> Option<u64> {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// The number that follows `"key":`, in quotes or without.
fn keyed(text: &str, key: &str) -> Option<u64> {
    let quoted = format!("\"{key}\"");
    text.match_indices(&quoted).find_map(|(at, _)| {
        let rest = text.get(at + quoted.len()..)?.trim_start().strip_prefix(':')?.trim_start();
        number(rest.strip_prefix('"').unwrap_or(rest).trim_start_matches('#'))
    })
}

/// What was read so far, as JSON that is in order.
#[derive(Default)]
struct Mender {
    out: String,
    in_string: bool,
    /// The brackets that have to be closed, innermost last.
    open: Vec<char>,
    /// Where the last comma stands, and what was open there.
    comma: Option<(usize, Vec<char>)>,
}

impl Mender {
    /// None if it is nested too deeply.
    fn read(text: &str) -> Option<Self> {
        let mut mender = Self::default();
        let mut rest = text.chars();
        while let Some(next) = rest.next() {
            if mender.in_string {
                mender.inside(next, &mut rest);
            } else if mender.between(next) {
                break;
            }
            if mender.open.len() > DEEPEST {
                return None;
            }
        }
        Some(mender)
    }

    /// A character of a string.
    fn inside(&mut self, next: char, rest: &mut std::str::Chars<'_>) {
        match next {
            // A quote that nothing of JSON follows belongs to the text.
            '"' if !ends_a_string(rest.as_str()) => self.out.push_str("\\\""),
            '"' => {
                self.in_string = false;
                self.out.push('"');
            }
            '\\' => self.escape(rest),
            next if next < ' ' => self.out.push_str(&format!("\\u{:04x}", u32::from(next))),
            next => self.out.push(next),
        }
    }

    /// What follows a backslash.
    fn escape(&mut self, rest: &mut std::str::Chars<'_>) {
        let following = rest.as_str();
        if let Some(unit) = code_unit(following) {
            let pair = following.get(5..).and_then(|more| code_unit(more.strip_prefix('\\')?));
            let (taken, is_text) = match (unit, pair) {
                (0xd800..=0xdbff, Some(0xdc00..=0xdfff)) => (11, true),
                (0xd800..=0xdfff, _) => (5, false),
                _ => (5, true),
            };
            let (escape, after) = following.split_at(taken);
            if is_text {
                self.out.push('\\');
                self.out.push_str(escape);
            } else {
                self.out.push(char::REPLACEMENT_CHARACTER);
            }
            *rest = after.chars();
            return;
        }
        match following.chars().next() {
            Some(known @ ('"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't')) => {
                self.out.extend(['\\', known]);
                rest.next();
            }
            Some(_) => self.out.push_str("\\\\"),
            // The body ends in the middle of an escape.
            None => {}
        }
    }

    /// A character outside of strings. True at the end of the value.
    fn between(&mut self, next: char) -> bool {
        match next {
            '"' => self.in_string = true,
            '{' => self.open.push('}'),
            '[' => self.open.push(']'),
            ',' => self.comma = Some((self.out.len(), self.open.clone())),
            '}' | ']' => {
                if self.open.pop_if(|closing| *closing == next).is_none() {
                    return false;
                }
                self.drop_comma();
            }
            next if next < ' ' => return false,
            _ => {}
        }
        self.out.push(next);
        self.open.is_empty()
    }

    fn drop_comma(&mut self) {
        let kept = self.out.trim_end().trim_end_matches([',', ' ']).len();
        self.out.truncate(kept);
    }

    /// Everything, with what is open closed.
    fn whole(&self) -> String {
        let mut text = self.out.clone();
        if self.in_string {
            text.push('"');
        } else {
            text.truncate(text.trim_end().trim_end_matches(',').len());
        }
        if text.ends_with(':') {
            text.push_str("null");
        }
        text.extend(self.open.iter().rev());
        text
    }

    /// Up to the last comma: what follows it may be half a key or half a number.
    fn without_the_last(&self) -> Option<String> {
        let Some((at, open)) = &self.comma else { return Some(String::new()) };
        let mut text = self.out.get(..*at)?.to_owned();
        text.extend(open.iter().rev());
        Some(text)
    }
}

/// Whether a quote before this ends a string, as far as one can tell.
fn ends_a_string(rest: &str) -> bool {
    rest.trim_start().chars().next().is_none_or(|next| ",:}]".contains(next))
}

/// The UTF-16 unit of `uXXXX` at the start of a text.
fn code_unit(text: &str) -> Option<u32> {
    let digits = text.strip_prefix('u')?.get(..4)?;
    if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) { u32::from_str_radix(digits, 16).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_nearly_json_is_mended() {
        for (name, body, expected) in [
            ("half an emoji", br#"{"a":"x \ud83d","b":1}"#.as_slice(), json!({"a": "x \u{fffd}", "b": 1})),
            ("the other half", br#"{"a":"\udca5 x","b":1}"#, json!({"a": "\u{fffd} x", "b": 1})),
            ("half an emoji and a whole one", br#"{"a":"\ud83d\ud83d\udca5"}"#, json!({"a": "\u{fffd}\u{1f4a5}"})),
            (
                "raw control characters",
                b"{\"a\":\"one\ntwo\t\x01\",\x00\"b\":1}",
                json!({"a": "one\ntwo\t\u{1}", "b": 1}),
            ),
            ("bytes that are not UTF-8", b"{\"a\":\"caf\xe9\",\"b\":1}", json!({"a": "caf\u{fffd}", "b": 1})),
            ("commas too many", br#"{"a":[1,2,],"b":1, }"#, json!({"a": [1, 2], "b": 1})),
            ("a byte order mark", b"\xef\xbb\xbf{\"a\":1}", json!({"a": 1})),
            ("something behind it", br#"{"a":1}; more"#, json!({"a": 1})),
            ("an unknown escape", br#"{"a":"C:\dir","b":1}"#, json!({"a": "C:\\dir", "b": 1})),
            ("a short escape", br#"{"a":"\u12","b":1}"#, json!({"a": "\\u12", "b": 1})),
            (
                "quotes of a template",
                br#"{"a":"he said "no" twice","b":1}"#,
                json!({"a": "he said \"no\" twice", "b": 1}),
            ),
            ("a tail cut in a string", br#"{"b":1,"a":{"c":"te"#, json!({"b": 1, "a": {"c": "te"}})),
            ("a tail cut in a key", br#"{"b":1,"a":{"c":[1,2],"d"#, json!({"b": 1, "a": {"c": [1, 2]}})),
            ("a tail cut in a word", br#"{"b":1,"a":tru"#, json!({"b": 1})),
            ("a tail cut in an escape", br#"{"b":1,"a":"x\"#, json!({"b": 1, "a": "x"})),
            ("a tail cut behind a colon", br#"{"b":1,"a":"#, json!({"b": 1, "a": null})),
            ("a tail cut behind a comma", br#"{"b":[1,"#, json!({"b": [1]})),
        ] {
            assert!(serde_json::from_slice::<Value>(body).is_err(), "{name}: needs no mending");
            assert_eq!(value(body), Some(expected), "{name}");
        }
    }

    #[test]
    fn what_is_no_json_at_all_stays_so() {
        for body in [b"".as_slice(), b"PLANTED", b"\xff\xfe", b"a=1&b=2", b"{", b"{,", b"{]"] {
            let read = value(body);
            assert!(read.is_none() || read == Some(json!({})), "{body:?}: {read:?}");
        }
        let deep = format!("{{\"a\":{}", "[".repeat(100_000));
        assert_eq!(value(deep.as_bytes()), None);
    }

    #[test]
    fn ids_are_found_in_any_wreck() {
        let salvage = |kind: Option<&str>, number, actor| {
            Some(Salvage { kind: kind.map(str::to_owned), ticket: TicketId::new(number).unwrap(), actor })
        };
        for (body, expected) in [
            (r#"{"ticket_id": "17", "title":"say "a", and "b","actor_id":42"#, salvage(None, 17, Some(42))),
            (r#"{"title":"a", "b" ": x","ticket_id":#18,"actor_id":""}"#, salvage(None, 18, None)),
            (
                r#"{"type":"zen:event-type:ticket.created","subject":"zen:ticket:19","detail":{"a":"b" "c"}}"#,
                salvage(Some("ticket.created"), 19, None),
            ),
            (r#"{"title":"\"ticket_id\":\"5\"" x","ticket_id":"20"}"#, salvage(None, 20, None)),
            (r#"{"ticket_id":"0"}"#, None),
            (r#"{"ticket_id":"{{ticket.id}}"}"#, None),
            ("nothing", None),
        ] {
            assert_eq!(salvaged(body.as_bytes()), expected, "{body}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_body_makes_it_panic(body: Vec<u8>) {
            let _ = (value(&body), salvaged(&body));
        }

        #[test]
        fn what_is_in_order_is_not_changed(text: String, key: String, number: i64) {
            let body = json!({ key: [text.clone(), number], "text": { "again": text } });
            proptest::prop_assert_eq!(mended(body.to_string().as_bytes()), Some(body));
        }

        #[test]
        fn a_tail_cut_anywhere_leaves_the_ticket(text: String, cut: proptest::sample::Index) {
            let head = r#"{"ticket_id":"1001","#;
            let body = format!("{head}\"title\":{}}}", json!(text));
            let cut = head.len() + cut.index(body.len() - head.len());
            let read = value(body.as_bytes().get(..cut).unwrap());
            proptest::prop_assert_eq!(&read.unwrap()["ticket_id"], "1001");
        }
    }
}
