//! Tickets out of JSON: one object a line, a list, or an answer of an API with a list in it.

use std::{borrow::Cow, fmt};

use domain::ports::JsonError;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use zendesk::lenient;

/// Where the answers of the helpdesks' APIs have their tickets.
const LISTS: [&str; 6] = ["tickets", "conversations", "results", "data", "issues", "records"];

/// Objects in objects beyond are not looked into.
const DEEPEST: usize = 5;

/// Gives every object, or what is wrong, with the line where it begins; in a list, with its place in it.
///
/// # Errors
/// What is wrong with a list as a whole.
pub(super) fn each(bytes: &[u8], mut give: impl FnMut(u64, Result<Value, String>)) -> Result<(), JsonError> {
    if is_lines(bytes) {
        for (line, number) in bytes.split(|byte| *byte == b'\n').zip(1..) {
            let line = line.trim_ascii();
            if line.is_empty() {
                continue;
            }
            // A comma too many and the like must not cost the ticket.
            match lenient::value(line) {
                Some(Value::Object(object)) => unpack(object, |ticket| give(number, Ok(ticket))),
                _ => give(number, Err("is no JSON object".to_owned())),
            }
        }
        return Ok(());
    }
    let mut place = 0;
    let mut numbered = |value: Value| {
        place += 1;
        give(place, if value.is_object() { Ok(value) } else { Err("is no JSON object".to_owned()) });
    };
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    Whole(&mut numbered).deserialize(&mut reader)?;
    Ok(reader.end()?)
}

/// The tickets of an object: those in its list, the one in it, or itself.
fn unpack(mut object: Map<String, Value>, mut give: impl FnMut(Value)) {
    let list = LISTS.iter().find(|key| object.get(**key).is_some_and(Value::is_array));
    if let Some(Value::Array(list)) = list.and_then(|key| object.remove(*key))
        && !object.contains_key("id")
    {
        return list.into_iter().for_each(give);
    }
    match object.remove("ticket") {
        Some(ticket @ Value::Object(_)) => give(ticket),
        _ => give(Value::Object(object)),
    }
}

/// The text with half emoji in its escapes replaced, which JSON's grammar allows and its readers refuse.
pub(super) fn whole_characters(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut text = Cow::Borrowed(bytes);
    let unit = |at: usize| {
        let digits = bytes.get(at..)?.strip_prefix(b"\\u")?.get(..4)?;
        u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let mut at = 0;
    while let Some(found) = bytes.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == b'\\')) {
        at += found;
        let (length, half) = match unit(at) {
            Some(0xd800..=0xdbff) if matches!(unit(at + 6), Some(0xdc00..=0xdfff)) => (12, false),
            Some(0xd800..=0xdfff) => (6, true),
            Some(_) => (6, false),
            None => (2, false),
        };
        if half && let Some(escape) = text.to_mut().get_mut(at..at + 6) {
            escape.copy_from_slice(b"\\ufffd");
        }
        at += length;
    }
    text
}

/// Whether every line is a value: the first line that begins an object ends it, and is a ticket or not the only one.
fn is_lines(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    if !first.starts_with(b"{") {
        return !first.starts_with(b"[");
    }
    match serde_json::from_slice::<Map<String, Value>>(first) {
        Ok(object) => lines.next().is_some() || !LISTS.iter().any(|key| object.get(*key).is_some_and(Value::is_array)),
        // The line is broken, unless the object goes on behind it.
        Err(error) => !error.is_eof() || first.len() > 2 && lines.next().is_some_and(|line| line.starts_with(b"{")),
    }
}

/// The value of a file: a list, or an object that is a ticket or has a list of them.
struct Whole<'a, F>(&'a mut F);

impl<'de, F: FnMut(Value)> DeserializeSeed<'de> for Whole<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, F: FnMut(Value)> Visitor<'de> for Whole<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of tickets")
    }

    /// One after the other, so that the list is never there as a whole.
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(value) = list.next_element()? {
            (self.0)(value);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut object = Map::new();
        let mut listed = false;
        while let Some(key) = map.next_key::<String>()? {
            if LISTS.contains(&key.as_str()) && object.get("id").is_none() {
                map.next_value_seed(Whole(&mut *self.0))?;
                listed = true;
            } else {
                object.insert(key, map.next_value()?);
            }
        }
        match object.remove("ticket") {
            Some(ticket @ Value::Object(_)) => (self.0)(ticket),
            _ if !listed && !object.is_empty() => (self.0)(Value::Object(object)),
            _ if !listed => return Err(A::Error::custom("no ticket in it")),
            _ => {}
        }
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        (self.0)(Value::String(text.to_owned()));
        Ok(())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        (self.0)(Value::from(number));
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}

/// Every text and number of an object by its path, such as `via.channel`; of a list, the first.
pub(super) fn flat(value: &Value, give: &mut impl FnMut(&str, String)) {
    walk(value, &mut String::new(), 0, give);
}

fn walk(value: &Value, path: &mut String, depth: usize, give: &mut impl FnMut(&str, String)) {
    let length = path.len();
    let mut below = |key: &str, value: &Value, path: &mut String| {
        if length > 0 {
            path.push('.');
        }
        path.push_str(key);
        walk(value, path, depth + 1, give);
        path.truncate(length);
    };
    match value {
        Value::String(text) => give(path, text.clone()),
        Value::Number(number) => give(path, number.to_string()),
        Value::Bool(_) | Value::Null => {}
        Value::Object(_) | Value::Array(_) if depth >= DEEPEST => {}
        Value::Object(object) => object.iter().for_each(|(key, value)| below(key, value, path)),
        Value::Array(list) => list.iter().take(1).for_each(|value| below("0", value, path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(text: &str) -> Vec<(u64, Option<String>)> {
        let mut found = Vec::new();
        let id = |value: Value| value.get("id").map(ToString::to_string);
        each(text.as_bytes(), |line, value| found.push((line, value.ok().and_then(id)))).unwrap();
        found
    }

    #[test]
    fn tickets_are_found_in_every_shape() {
        let two = |lines: [u64; 2]| vec![(lines[0], Some("1".to_owned())), (lines[1], Some("2".to_owned()))];
        for (text, expected) in [
            ("{\"id\":1}\n\n{\"id\":2}\n", two([1, 3])),
            ("{\"ticket\":{\"id\":1}}\n{\"ticket\":{\"id\":2}}", two([1, 2])),
            ("[{\"id\":1},\n{\"id\":2}]", two([1, 2])),
            ("{\"count\":2,\"tickets\":[{\"id\":1},{\"id\":2}],\"next_page\":null}", two([1, 2])),
            ("{\n\"conversations\": [\n{\"id\":1},\n{\"id\":2}\n]\n}", two([1, 2])),
            ("{\n  \"id\": 1\n}", vec![(1, Some("1".to_owned()))]),
            ("{\"id\":1}", vec![(1, Some("1".to_owned()))]),
            ("{\n  \"ticket\": {\"id\": 1}\n}", vec![(1, Some("1".to_owned()))]),
            ("heading\n{\"id\":1}", vec![(1, None), (2, Some("1".to_owned()))]),
            ("{\"id\":1,\"subject\":\"a\u{1}\"}\n{\"id\":2,}", two([1, 2])),
            ("{\"tickets\":[{\"id\":1}]}\n{\"tickets\":[{\"id\":2}]}", two([1, 2])),
            ("{\"id\":1}\nPLANTED\n{\"id\":2}", vec![(1, Some("1".to_owned())), (2, None), (3, Some("2".to_owned()))]),
        ] {
            assert_eq!(ids(text), expected, "{text}");
        }
        assert!(each(b"[{\"id\":1},", |_, _| ()).is_err());
    }

    #[test]
    fn half_an_emoji_is_replaced() {
        for (text, expected) in [
            (r#""a \ud83d""#, r#""a \ufffd""#),
            (r#""\udca5\ud83d\udca5\ud83d\ud83d""#, r#""\ufffd\ud83d\udca5\ufffd\ufffd""#),
            (r#""\\ud83d \u00e9 \n \u12""#, r#""\\ud83d \u00e9 \n \u12""#),
            ("\"\\", "\"\\"),
        ] {
            assert_eq!(whole_characters(text.as_bytes()), expected.as_bytes(), "{text}");
        }
    }

    #[test]
    fn an_object_is_its_paths() {
        let value = serde_json::json!({
            "id": 7, "via": { "channel": "email" }, "comments": [{ "body": "first" }, { "body": "second" }],
            "tags": ["a"], "none": null,
        });
        let mut found = Vec::new();
        flat(&value, &mut |path, text| found.push(format!("{path}={text}")));
        found.sort();
        assert_eq!(found, ["comments.0.body=first", "id=7", "tags.0=a", "via.channel=email"]);
    }
}
