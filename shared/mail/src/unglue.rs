//! Line breaks where a program lost them: a banner, a header block or an attribution in the middle of a line.

use std::{borrow::Cow, sync::LazyLock};

use regex::Regex;

use crate::{
    attribution,
    banner::{FORWARD, ORIGINAL},
    headers,
};

/// Attributions looked for in one line.
const MOST_TRIES: usize = 20;
/// Bytes of an attribution, from its first word to its colon.
const LONGEST: usize = 250;

static BANNER: LazyLock<Regex> = LazyLock::new(|| {
    let phrases: Vec<String> = ORIGINAL.iter().chain(FORWARD).map(|phrase| regex::escape(phrase)).collect();
    Regex::new(&format!(r"(?i)[-‐–—_=]{{2,}}[ \t]*(?:{})[ \t]*[-‐–—_=]{{2,}}", phrases.join("|").replace('\'', "['’]")))
        .expect("a pattern of fixed phrases")
});
/// A label of a header within a line. Only those that a glued block has been seen with.
static LABEL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)(?:^|[\s>–_=-])((?:from|sent|date|to|cc|subject|de|envoyé|à|objet|von|gesendet|datum|an|betreff|enviado|fecha|para|asunto|da|inviato|data|oggetto|van|verzonden|aan|onderwerp|assunto)\s?:)",
    )
    .expect("a fixed pattern")
});
static LEAD: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?:^|[\s.!?>])((?:On|Am|Le|El|Il|Op|Em|Den|Dne|W dniu) )").expect("a fixed pattern"));

/// The text, with breaks added and nothing taken away.
pub(crate) fn unglued(text: &str) -> Cow<'_, str> {
    // Whoever has neither an address nor a row of dashes has nothing to unglue.
    if !text.contains('@') && !text.contains("--") && !text.contains("==") && !text.contains("__") {
        return Cow::Borrowed(text);
    }
    let mut breaks: Vec<usize> = Vec::new();
    for found in BANNER.find_iter(text) {
        breaks.extend([found.start(), found.end()]);
    }
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if line.contains('@') {
            breaks.extend(labels(line).into_iter().map(|at| start + at));
            breaks.extend(attributions(line).into_iter().map(|at| start + at));
        }
        start += line.len();
    }
    if breaks.is_empty() {
        return Cow::Borrowed(text);
    }
    breaks.sort_unstable();
    breaks.dedup();
    let mut unglued = String::with_capacity(text.len() + breaks.len());
    let mut from = 0;
    for at in breaks {
        let Some(part) = text.get(from..at) else { continue };
        unglued.push_str(part);
        let inside =
            |text: &str| text.rsplit('\n').next().is_some_and(|line| !line.trim_matches([' ', '>', '\t']).is_empty());
        let follows = text.get(at..).is_some_and(|rest| !rest.trim_start_matches([' ', '\t']).starts_with('\n'));
        if inside(&unglued) && follows {
            unglued.push('\n');
        }
        from = at;
    }
    unglued.push_str(text.get(from..).unwrap_or_default());
    Cow::Owned(unglued)
}

/// Where the labels of a glued block begin: at least a sender and two others in one line.
fn labels(line: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let mut roles = Vec::new();
    for label in LABEL.captures_iter(line).filter_map(|found| found.get(1)) {
        let Some((role, _)) = headers::label(label.as_str()) else { continue };
        if found.is_empty() && role != headers::Role::From {
            continue;
        }
        if !roles.contains(&role) {
            roles.push(role);
            found.push(label.start());
        }
    }
    if found.len() >= 3 { found } else { Vec::new() }
}

/// Where attributions with an address begin and end.
fn attributions(line: &str) -> Vec<usize> {
    let mut found = Vec::new();
    for lead in LEAD.captures_iter(line).filter_map(|found| found.get(1)).take(MOST_TRIES) {
        let rest = line.get(lead.start()..).unwrap_or_default();
        let ends = rest.match_indices(':').map(|(at, _)| at + 1).take_while(|end| *end <= LONGEST);
        for end in ends {
            let part = rest.get(..end).unwrap_or_default();
            if part.contains('@') && attribution::is(part, false) {
                found.extend([lead.start(), lead.start() + end]);
                return found;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn glued_history_gets_lines() {
        let check = |text: &str, expected: &str| assert_eq!(unglued(text), expected, "{text}");
        check(
            "It fails.-------- Message d'origine --------De : Ann <ann@x.example> Date : 2/03/22  00:57 À : s@x.example Objet : Export",
            "It fails.\n-------- Message d'origine --------\nDe : Ann <ann@x.example> \nDate : 2/03/22  00:57 \nÀ : s@x.example \nObjet : Export",
        );
        check(
            "Works now. On Mon, 2 Nov 2026 at 09:12, Ann <ann@x.example> wrote: We cancel.",
            "Works now. \nOn Mon, 2 Nov 2026 at 09:12, Ann <ann@x.example> wrote:\n We cancel.",
        );
        check("On Monday write to ann@x.example: she knows.", "On Monday write to ann@x.example: she knows.");
        check("From: ann@x.example\nTo: b@x.example", "From: ann@x.example\nTo: b@x.example");
        check("a -- b", "a -- b");
    }
}
