//! What a mail program, a chat or a helpdesk makes a link of.

use std::collections::HashSet;

use linkify::{LinkFinder, LinkKind};

use super::rendered::Rendered;

// Schemes without slashes that lead somewhere, and those that a reader is asked to mend.
pattern!(
    SCHEME,
    r"(?i)(?-u:\b)(?:javascript|vbscript|data|mailto|tel|sms|callto|skype|whatsapp|intent|file|ftp|blob|about|hxxps?|ms-[a-z-]+):[^\s]+|(?-u:\b)[a-z][a-z0-9+.-]{1,20}:/{1,3}[^\s]+"
);
pattern!(WITHOUT_SCHEME, r"(?:^|[\s(<\x22'=])(//[A-Za-z0-9\p{L}][^\s]*)");
pattern!(
    DOMAIN,
    r"[\p{L}\p{N}_-]+(?:[ ]?\[\.\][ ]?|[ ]?\(\.\)[ ]?|[ ]?[\[(]dot[\])][ ]?|\.)(?:[\p{L}\p{N}-]+(?:\[\.\]|\.))*[\p{L}\p{N}-]*\p{L}[\p{L}\p{N}-]*(?:[:/?#][^\s]*)?"
);
pattern!(WWW, r"(?i)(?-u:\b)www[0-9]?\.[^\s]+");
pattern!(
    SPELLED_OUT,
    r"(?i)([a-z0-9-]+) (?:dot|punkt|point|punto) (com|net|org|io|co|de|fr|es|eu|uk|ru|xyz|top|info|biz|site|online|shop|app|dev|link|click|support)(?-u:\b)"
);
// An address of a machine with something behind it, in one number, or in octal or hexadecimal ones as browsers read them.
pattern!(
    NUMERIC_HOST,
    r"(?i)(?-u:\b)(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}[:/][^\s]+|[0-9]{8,10}[:/][a-z0-9][^\s]*|(?:0x[0-9a-f]{1,8}|0[0-7]{1,3})(?:\.(?:0x[0-9a-f]{1,8}|[0-9]{1,4})){1,3}[^\s]*|0x[0-9a-f]{8}[^\s]*)"
);

/// Names with a dot that end as a domain may and are none.
const PRODUCTS: [&str; 9] =
    ["asp.net", "vb.net", "ado.net", "ml.net", "socket.io", "draw.io", "next.js", "node.js", "vue.js"];

/// Ends of names that nobody can buy and some network may know (RFC 2606, RFC 7686).
const RESERVED: [&str; 7] = ["example", "test", "invalid", "localhost", "local", "internal", "onion"];

/// Where a text leads, in lower case, without marks at the end.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Links(HashSet<String>);

impl Links {
    pub(super) fn of(rendered: &Rendered) -> Self {
        let mut links: HashSet<String> = rendered.destinations.iter().map(|link| bare(link)).collect();
        links.extend(found(&rendered.text));
        Self(links)
    }

    /// Those that the other text does not lead to as well. A host alone is known by any link of its own.
    pub(super) fn foreign(&self, known: &Self) -> Option<&str> {
        let hosts: HashSet<&str> = known.0.iter().map(|link| host(link)).collect();
        let is_known = |link: &str| {
            let alone = without_scheme(link);
            known.0.iter().any(|other| without_scheme(other) == alone) || alone == host(link) && hosts.contains(alone)
        };
        self.0.iter().map(String::as_str).find(|link| !is_known(link))
    }
}

fn found(text: &str) -> Vec<String> {
    let mut links = Vec::new();
    let mut finder = LinkFinder::new();
    finder.kinds(&[LinkKind::Url]);
    links.extend(finder.links(text).map(|link| bare(link.as_str())));
    for pattern in [&*SCHEME, &*WWW, &*NUMERIC_HOST] {
        links.extend(pattern.find_iter(text).map(|link| bare(link.as_str())));
    }
    links.extend(WITHOUT_SCHEME.captures_iter(text).filter_map(|link| link.get(1)).map(|link| bare(link.as_str())));
    links.extend(spelled_out(text));
    for link in DOMAIN.find_iter(text) {
        // The part of an address behind its sign is looked at as an address.
        let before = text.get(..link.start()).unwrap_or_default();
        if !before.ends_with('@') && !before.ends_with("//") && is_domain(link.as_str()) {
            links.push(bare(&link.as_str().replace(['[', ']', '(', ')', ' '], "").replace("dot", ".")));
        }
    }
    links
}

/// `evil dot com`: a known end behind the word for its dot.
fn spelled_out(text: &str) -> impl Iterator<Item = String> + '_ {
    SPELLED_OUT
        .captures_iter(text)
        .filter_map(|link| Some(format!("{}.{}", link.get(1)?.as_str(), link.get(2)?.as_str()).to_lowercase()))
}

/// Whether the last part of the host is a top-level domain, whatever script it is in.
fn is_domain(text: &str) -> bool {
    let lower = text.to_lowercase().replace(['[', ']', '(', ')', ' '], "");
    let host = lower.split([':', '/', '?', '#']).next().unwrap_or_default().trim_end_matches(['.', '-']);
    let Some((name, last)) = host.rsplit_once('.').or_else(|| host.rsplit_once("dot")) else { return false };
    let letters = name.contains(|c: char| c.is_alphabetic());
    let foreign = last.chars().count() >= 2 && last.chars().all(|c| c.is_alphabetic() && !c.is_ascii());
    let known = tld::exist(last) || RESERVED.contains(&last) || last.starts_with("xn--") || foreign;
    letters && known && !PRODUCTS.contains(&host)
}

/// In lower case, without what a sentence puts behind it.
fn bare(link: &str) -> String {
    let link = link.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '>', '\'', '"', '*', '/', '’', '”', '»']);
    link.to_lowercase()
}

fn without_scheme(link: &str) -> &str {
    let link = link.strip_prefix("https:").or_else(|| link.strip_prefix("http:")).unwrap_or(link);
    let link = link.trim_start_matches('/');
    link.strip_prefix("www.").unwrap_or(link)
}

fn host(link: &str) -> &str {
    without_scheme(link).split(['/', '?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_as_programs_find_them() {
        let check =
            |text: &str, expected: bool| assert_eq!(!found(text).is_empty(), expected, "{text}: {:?}", found(text));
        for text in [
            "https://evil.com/a",
            "evil.support",
            "see evil.zip.",
            "xn--pypal-4ve.com",
            "раypal.рф",
            "javascript:alert(1)",
            "//evil.com/x",
            "http:/evil.com",
            "http://2130706433/",
            "0x7f.0.0.1",
            "192.0.2.7/login",
            "3232235777/login",
            "evil[.]com",
            "evil(dot)com",
            "evil dot com slash x",
            "соrridor.example",
            "www.evil",
            "tel:+4930",
            "hxxp://x",
        ] {
            check(text, true);
        }
        for text in [
            "report.csv and settings.json",
            "Node.js or ASP.NET",
            "e.g. this, i.e. that",
            "v2.1.3",
            "at 12.30",
            "order.created",
            "Done. Then",
            "3.5",
            "and/or",
            "10:30",
            "Ratio 16:9",
            "C++/CLI",
            "note: this",
            "c.-à-d. la valeur",
            "at this point in time",
        ] {
            check(text, false);
        }
    }

    #[test]
    fn only_links_of_the_other_text_are_known() {
        let links = |text: &str| Links::of(&Rendered { text: text.into(), ..Rendered::default() });
        let known = links("Open https://help.corridor.example/keys or app.corridor.com.");
        let check = |text: &str, foreign: bool| assert_eq!(links(text).foreign(&known).is_some(), foreign, "{text}");
        check("help.corridor.example/keys", false);
        check("https://app.corridor.com/", false);
        check("https://app.corridor.com/redirect?to=evil", true);
        check("https://app.corridor.com.evil.com", true);
        check("corridor.com", true);
    }
}
