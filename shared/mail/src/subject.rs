//! Whether a subject says reply or forward.

use crate::normalise;

/// What the outermost prefix of a subject says.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Kind {
    /// No prefix, or `VS:`, which is a forward in Danish and a reply in Finnish.
    #[default]
    Plain,
    Reply,
    Forward,
}

/// In lower case, without what follows a dot or a bracket.
const REPLY: &[&str] = &[
    "re", "aw", "antw", "antwort", "sv", "odp", "r", "res", "ynt", "rép", "rép.", "rif", "vá", "回复", "答复", "回覆",
    "返信", "回信", "답장", "отв", "re.", "ατ", "απ", "ref", "bls", "resp",
];
const FORWARD: &[&str] = &[
    "fwd",
    "fw",
    "wg",
    "tr",
    "rv",
    "i",
    "enc",
    "pd",
    "vb",
    "videresend",
    "vl",
    "redir.",
    "redir",
    "ilt",
    "i̇lt",
    "doorst",
    "doorgest",
    "转发",
    "轉寄",
    "転送",
    "전달",
    "fwd.",
    "tov",
    "továbbítás",
    "пересл",
    "πρθ",
    "reenv",
    "reencaminhado",
];

/// A subject and what its prefixes say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Subject<'a> {
    pub kind: Kind,
    /// Without prefixes.
    pub rest: &'a str,
}

/// Prefixes may stand behind a tag in brackets, carry a number, and follow each other; the first decides.
#[must_use]
pub fn parse(subject: &str) -> Subject<'_> {
    let mut rest = subject.trim();
    let mut kind = None;
    // A subject has few prefixes, and a hostile one as many as it likes.
    for _ in 0..20 {
        let untagged = without_tag(rest);
        let Some((word, after)) = untagged.split_once([':', '：']) else { break };
        let word = word.trim().trim_matches('*');
        if word.chars().count() > 16 {
            break;
        }
        let word = word.split(['[', '(', '^']).next().unwrap_or(word).trim();
        let lower = word.to_lowercase();
        // One letter alone is Italian only in capitals.
        let known = |list: &[&str]| list.contains(&lower.as_str()) && (lower.chars().count() > 1 || lower != word);
        let found = if known(REPLY) {
            Kind::Reply
        } else if known(FORWARD) {
            Kind::Forward
        } else if lower == "vs" {
            Kind::Plain
        } else {
            break;
        };
        kind.get_or_insert(found);
        rest = after.trim();
    }
    Subject { kind: kind.unwrap_or_default(), rest }
}

/// Without `[EXTERNAL]` or `[#123]` before a prefix.
fn without_tag(subject: &str) -> &str {
    let tag = subject.strip_prefix('[').and_then(|tag| tag.split_once(']'));
    match tag {
        Some((tag, rest)) if tag.chars().count() <= 30 => rest.trim_start(),
        Some(_) | None => subject,
    }
}

/// A subject as readers see it: invisible and look-alike characters normalised, in one line.
#[must_use]
pub fn clean(subject: &str) -> String {
    normalise::characters(subject).replace('\n', " ").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_of_many_languages_are_known() {
        let check = |subject: &str, kind: Kind, rest: &str| {
            assert_eq!(parse(subject), Subject { kind, rest }, "{subject}");
        };
        check("Re: Labels", Kind::Reply, "Labels");
        check("RE : Labels", Kind::Reply, "Labels");
        check("Re[3]: Labels", Kind::Reply, "Labels");
        check("AW: WG: Etiketten", Kind::Reply, "Etiketten");
        check("WG: AW: Etiketten", Kind::Forward, "Etiketten");
        check("[EXTERNAL] Fwd: Offer", Kind::Forward, "Offer");
        check("TR : Factures", Kind::Forward, "Factures");
        check("RV: Factura", Kind::Forward, "Factura");
        check("I: Fattura", Kind::Forward, "Fattura");
        check("i: think", Kind::Plain, "i: think");
        check("R: Fattura", Kind::Reply, "Fattura");
        check("ENC: Nota", Kind::Forward, "Nota");
        check("RES: Nota", Kind::Reply, "Nota");
        check("SV: Etiketter", Kind::Reply, "Etiketter");
        check("VS: Tilaus", Kind::Plain, "Tilaus");
        check("回复：订单", Kind::Reply, "订单");
        check("转发: 订单", Kind::Forward, "订单");
        check("Checkout: down", Kind::Plain, "Checkout: down");
        check("", Kind::Plain, "");
    }
}
