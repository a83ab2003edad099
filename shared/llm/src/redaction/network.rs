//! Addresses: of people by mail, of machines on a network.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    ops::Range,
};

use domain::reading::Redaction;
use regex::Regex;

use super::Found;

pattern!(EMAIL, r"[\p{L}\p{N}][\p{L}\p{N}._%+'-]*[@＠﹫][\p{L}\p{N}-]+(?:[.。．][\p{L}\p{N}-]+)*[.。．]\p{L}{2,}");
// `%40` and the like, or a word for the sign in brackets, with or without one for the dot.
pattern!(
    WRITTEN_OUT,
    r"(?i)[A-Za-z\u{c0}-\u{24f}0-9][A-Za-z\u{c0}-\u{24f}0-9._+-]*[ \t]{0,2}(?:[(\[{<]{1,2}[ \t]?(?:at|ät|aet|a|arroba|arobase|klammeraffe|@)[ \t]?[)\]}>]{1,2}|%40|%2540|&#0{0,3}64;|&#x40;|&commat;|[-_]at[-_])[ \t]{0,2}[A-Za-z\u{c0}-\u{24f}0-9-]+(?:[ \t]{0,2}(?:[.。．]|[(\[{<]{1,2}[ \t]?(?:dot|punkt|point|punto|\.)[ \t]?[)\]}>]{1,2}|[ \t](?:dot|punkt|point|punto)[ \t]|%2e|&#46;)[ \t]{0,2}[A-Za-z\u{c0}-\u{24f}0-9-]{2,}){0,4}"
);
pattern!(
    SPOKEN,
    r"(?i)[A-Za-z\u{c0}-\u{24f}0-9][A-Za-z\u{c0}-\u{24f}0-9._+-]*(?:[ \t](?:dot|punkt|point|punto)[ \t][A-Za-z\u{c0}-\u{24f}0-9_+-]+){0,3}[ \t](?:at|ät|arroba|arobase|@)[ \t][A-Za-z\u{c0}-\u{24f}0-9-]+(?:[ \t](?:dot|punkt|point|punto)[ \t][A-Za-z\u{c0}-\u{24f}0-9-]{2,}){1,3}"
);
// A word that means nothing else, or the sign itself with blanks around it or a comma for the dot.
pattern!(
    APART,
    r"(?i)[A-Za-z0-9\u{c0}-\u{24f}][A-Za-z0-9\u{c0}-\u{24f}._+-]*(?:[ \t](?:arroba|arobase|klammeraffe)[ \t]|[ \t]?@[ \t]?)[A-Za-z0-9\u{c0}-\u{24f}-]+(?:[ ]?[.,][ ]?[a-z0-9\u{c0}-\u{24f}-]+)*?[ ]?[.,][ ]?(?:com|net|org|de|fr|es|eu|uk|at|ch|it|nl|be|io|co|info|biz|example|test)(?-u:\b)"
);
// Without a word for the dot, `look at acme.com` reads the same: the sentence has to speak of mail.
pattern!(
    SPOKEN_AFTER_LABEL,
    r"(?i)(?:mail|courriel|correo|adresse|contact|reach me|write to|schreib|écri|escrib)[^\n.]{0,25}?[ :]([A-Za-z\u{c0}-\u{24f}0-9][A-Za-z\u{c0}-\u{24f}0-9._+-]* (?:at|ät|arroba|arobase|@) [A-Za-z\u{c0}-\u{24f}0-9-]+(?:\.[A-Za-z\u{c0}-\u{24f}0-9-]+){0,3}\.[a-z]{2,})"
);
pattern!(
    LOCAL,
    r"(?i)(?-u:\b)[a-z0-9][a-z0-9._+-]*@(?:localhost|\[[0-9a-f.:]{3,45}\]|[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[a-z][a-z0-9-]+)"
);
pattern!(IPV4, r"(?-u:\b)[0-9]{1,3}(?:\[?\.\]?[0-9]{1,3}){3}(?-u:\b)");
pattern!(IPV6, r"(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}");
pattern!(
    MAC,
    r"(?-u:\b)(?:[0-9A-Fa-f]{2}(?:(?::[0-9A-Fa-f]{2}){5}|(?:-[0-9A-Fa-f]{2}){5})|[0-9A-Fa-f]{4}(?:\.[0-9A-Fa-f]{4}){2})(?-u:\b)"
);

/// What stands before four numbers that are no address.
const VERSIONED: [&str; 9] = ["version", "versión", "release", "build", "plugin", "módulo", "module", "firmware", "v"];

/// What of a shaped text is an address.
type Check = fn(&str, Range<usize>) -> Option<Range<usize>>;

/// Addresses of mail, of the internet protocol and of network cards.
pub(super) fn find(text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    for pattern in [&*EMAIL, &*WRITTEN_OUT, &*SPOKEN, &*APART, &*LOCAL] {
        let shaped = pattern.find_iter(text).filter(|shaped| !is_package(shaped.as_str()));
        found.extend(shaped.map(|shaped| Found { kind: Redaction::Email, range: shaped.range() }));
    }
    let labelled = SPOKEN_AFTER_LABEL.captures_iter(text).filter_map(|found| found.get(1));
    found.extend(labelled.map(|value| Found { kind: Redaction::Email, range: value.range() }));
    let shapes: [(Redaction, &Regex, Check); 3] =
        [(Redaction::Ip, &IPV4, ipv4), (Redaction::Ip, &IPV6, ipv6), (Redaction::Mac, &MAC, mac)];
    for (kind, shape, check) in shapes {
        let ranges = shape.find_iter(text).filter_map(|shaped| check(text, shaped.range()));
        found.extend(ranges.map(|range| Found { kind, range }));
    }
    found
}

/// A package and its version: `widget@latest`.
fn is_package(address: &str) -> bool {
    ["latest", "next", "beta", "alpha", "canary", "stable", "lts", "main", "master", "sha256"]
        .iter()
        .any(|tag| address.rsplit('@').next() == Some(tag))
}

/// Four octets, and no version number.
fn ipv4(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    text.get(range.clone())?.replace(['[', ']'], "").parse::<Ipv4Addr>().ok()?;
    let before = text.get(..range.start)?;
    let word = last_word(before).to_lowercase();
    let version = VERSIONED.contains(&word.as_str());
    let dotted =
        text.get(range.end..)?.strip_prefix('.').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let joined = before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'));
    (!version && !dotted && !joined).then_some(range)
}

/// The letters and digits that stand last, white space aside.
fn last_word(text: &str) -> &str {
    let text = text.trim_end();
    let before = text.trim_end_matches(char::is_alphanumeric);
    text.get(before.len()..).unwrap_or_default()
}

/// At least three groups and a digit, so that `a::b` in a program stays.
fn ipv6(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let address = text.get(range.clone())?;
    let trimmed = if address.ends_with("::") { address } else { address.trim_end_matches(':') };
    // The colon of a label before it.
    let labelled = trimmed.starts_with(':') && !trimmed.starts_with("::");
    let trimmed = if labelled { trimmed.trim_start_matches(':') } else { trimmed };
    let start = range.start + usize::from(labelled);
    let range = start..start + trimmed.len();
    trimmed.parse::<Ipv6Addr>().ok()?;
    let groups = trimmed.split(':').filter(|group| !group.is_empty()).count();
    let digit = trimmed.contains(|c: char| c.is_ascii_digit());
    let alone = (labelled || !text.get(..range.start)?.ends_with(|c: char| c.is_alphanumeric() || c == ':'))
        && !text.get(range.end..)?.starts_with(|c: char| c.is_alphanumeric() || c == ':');
    (digit && alone && (groups >= 3 || trimmed == "::1")).then_some(range)
}

/// Six octets and no more: a fingerprint is longer. Six pairs of digits with dashes may be anything.
fn mac(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let address = text.get(range.clone())?;
    let joined = |c: char| matches!(c, ':' | '-' | '.');
    let part = text.get(..range.start)?.ends_with(joined)
        || text
            .get(range.end..)?
            .strip_prefix(joined)
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_hexdigit()));
    let letters = address.contains(|c: char| c.is_ascii_alphabetic());
    (!part && (letters || address.contains(':'))).then_some(range)
}
