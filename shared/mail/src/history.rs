//! What in a message is older than it, and what is somebody else's.

use std::ops::Range;

use crate::{
    Rule, attribution,
    banner::{self, Banner},
    headers, helpdesk, intro,
    page::Page,
    rule::Class,
    subject,
};

/// A quotation after "the page says:" is the customer's evidence up to this many lines.
const EVIDENCE_LINES: usize = 3;
/// A quoted line of this length may have been wrapped, and what follows it unquoted is its rest. In characters.
const WRAPPED: usize = 55;

/// Takes out what is older or forwarded. Returns the lines of the newest forwarded message, headers included.
pub(crate) fn take_out(page: &mut Page<'_>, subject: subject::Kind) -> Option<Range<usize>> {
    let mut forward = None;
    let mut older = false;
    // Asked for once, so that many markers cost no more than one.
    let mut points = None;
    let mut at = 0;
    while at < page.len() {
        if !page.is_own(at) || page.line(at).is_blank() {
            at += 1;
            continue;
        }
        let Some(found) = marker(page, at, older) else {
            at += 1;
            continue;
        };
        let lines = at..found.end;
        at = found.end;
        match found.kind {
            Kind::Evidence => {}
            Kind::Older(rule) => {
                page.take_out(lines, rule);
                older = true;
            }
            Kind::Forward if forward.is_none() => {
                page.take_out(lines.clone(), Rule::Forwarded);
                forward = Some(lines);
            }
            Kind::Forward => page.take_out(lines, Rule::Original),
            Kind::Either(rule) => {
                let is_forward = match subject {
                    subject::Kind::Forward => true,
                    subject::Kind::Reply => false,
                    subject::Kind::Plain => *points.get_or_insert_with(|| intro::points(&page.own_above(lines.start))),
                };
                if is_forward && forward.is_none() {
                    page.take_out(lines.clone(), Rule::Forwarded);
                    forward = Some(lines);
                } else {
                    page.take_out(lines, rule);
                    older = true;
                }
            }
        }
    }
    forward.or_else(|| promoted(page))
}

/// Where nothing but a greeting, a signature or "see below" is the customer's, the newest older message is what he hands
/// on.
fn promoted(page: &mut Page<'_>) -> Option<Range<usize>> {
    let older = |at: &usize| page.line(*at).rule.is_some_and(|rule| rule.class() == Class::History);
    let first = (0..page.len()).find(older)?;
    let last = (0..page.len()).rfind(older)?;
    if !intro::is_only(&page.own()) {
        return None;
    }
    let lines = first..last + 1;
    page.put_back(|line| line.rule.is_some_and(|rule| rule.class() == Class::History));
    page.take_out(lines.clone(), Rule::Forwarded);
    Some(lines)
}

struct Marker {
    kind: Kind,
    /// The line after what it takes out.
    end: usize,
}

enum Kind {
    Older(Rule),
    Forward,
    /// A reply's history or a forward: programs write both alike.
    Either(Rule),
    /// Quoted lines that the customer shows.
    Evidence,
}

/// `older` if something above was taken out already.
fn marker(page: &Page<'_>, at: usize, older: bool) -> Option<Marker> {
    let text = page.bare(at);
    let line = page.line(at);
    let rest = |after: usize| extent(page, at, after);
    if helpdesk::is_delimiter(text) {
        return Some(Marker { kind: Kind::Older(Rule::Delimiter), end: rest(at + 1) });
    }
    if helpdesk::is_merged_away(text) {
        return Some(Marker { kind: Kind::Older(Rule::Merge), end: at + 1 });
    }
    if helpdesk::is_merge(text) {
        return Some(Marker { kind: Kind::Older(Rule::Merge), end: page.len() });
    }
    if helpdesk::is_notice(text) {
        return Some(Marker { kind: Kind::Older(Rule::Notice), end: page.len() });
    }
    let next = page.next_filled(at + 1);
    let labelled = headers::label(page.bare(next)).is_some();
    match banner::kind(text, labelled) {
        Some(Banner::Forward) => return Some(Marker { kind: Kind::Forward, end: rest(below(page, at + 1)) }),
        Some(Banner::Original) => {
            return Some(Marker { kind: Kind::Either(Rule::Original), end: rest(below(page, at + 1)) });
        }
        None => {}
    }
    if banner::is_rule(text) && headers::block(page, next).is_some() {
        return Some(Marker { kind: Kind::Either(Rule::Header), end: rest(below(page, at + 1)) });
    }
    if let Some(block) = headers::block(page, at) {
        return Some(Marker { kind: Kind::Either(Rule::Header), end: rest(block.end) });
    }
    if let Some(count) = attribution::lines(page, at) {
        let next = page.line(page.next_filled(at + count));
        let end = rest(at + count);
        // Between quoted lines there may be answers; a forward has none.
        let answered = next.depth > line.depth && page.next_filled(end) < page.len();
        return Some(if answered {
            Marker { kind: Kind::Older(Rule::Attribution), end: at + count }
        } else {
            Marker { kind: Kind::Either(Rule::Attribution), end }
        });
    }
    if line.depth == 0 {
        return None;
    }
    let end = quoted_until(page, at);
    let above = (0..at).rev().find(|at| !page.line(*at).is_blank());
    let shown = above.is_some_and(|above| page.is_own(above) && page.bare(above).ends_with(':'));
    let kind = if shown && !older && end - at <= EVIDENCE_LINES {
        Kind::Evidence
    } else if older || page.next_filled(end) < page.len() {
        Kind::Older(Rule::Quoted)
    } else {
        Kind::Either(Rule::Quoted)
    };
    Some(Marker { kind, end })
}

/// The line after the headers that may stand below a banner.
fn below(page: &Page<'_>, at: usize) -> usize {
    headers::below_banner(page, page.next_filled(at)).map_or(at, |block| block.end)
}

/// How far an older message goes: as far as it is quoted, if it is; else to the end.
fn extent(page: &Page<'_>, at: usize, after: usize) -> usize {
    let depth = page.line(at).depth;
    let next = page.next_filled(after);
    if page.line(next).depth > depth || (depth > 0 && page.line(next).depth > 0) {
        quoted_until(page, next)
    } else if depth > 0 {
        after
    } else {
        page.len()
    }
}

/// The line after a run of quoted lines.
fn quoted_until(page: &Page<'_>, at: usize) -> usize {
    let mut end = at;
    let mut line = at;
    while line < page.len() {
        let here = page.line(line);
        if here.depth > 0 {
            end = line + 1;
        } else if !here.is_blank() {
            // The rest of a line that was wrapped after it was quoted.
            let wrapped = line > 0 && end == line && page.line(line - 1).text.chars().count() >= WRAPPED;
            let lower = here.text.trim_start().starts_with(char::is_lowercase);
            if !(wrapped && lower && page.line(line + 1).depth > 0) {
                break;
            }
        }
        line += 1;
    }
    end
}

/// A forwarded message: whose it is, and its text with the quotes of its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Body {
    pub(crate) from: Option<String>,
    pub(crate) internal: bool,
    pub(crate) text: String,
}

/// A longer subject has the message glued to it. In bytes.
const LONGEST_SUBJECT: usize = 120;

/// The message within these lines, without what stands over it.
pub(crate) fn body(page: &Page<'_>, lines: Range<usize>) -> Body {
    let mut from = None;
    let mut internal = false;
    let mut text = String::new();
    let mut at = lines.start;
    while at < lines.end {
        let bare = page.bare(at);
        let next = page.next_filled(at + 1);
        let attributed = attribution_within(page, at, lines.end);
        if bare.is_empty()
            || banner::is_rule(bare)
            || helpdesk::is_delimiter(bare)
            || helpdesk::is_notice(bare)
            || helpdesk::is_merge(bare)
            || banner::kind(bare, headers::label(page.bare(next)).is_some()).is_some()
        {
            at += 1;
        } else if let Some(block) = headers::below_banner(page, at).filter(|_| from.is_none()) {
            from = block.from.map(str::to_owned);
            internal = block.from.zip(block.to).is_some_and(|(from, to)| is_internal(from, to));
            if let Some(glued) = block.subject.filter(|subject| subject.len() > LONGEST_SUBJECT) {
                text.push_str(glued);
                text.push('\n');
            }
            // A label or two without a sender are a text of its own.
            if from.is_none() && headers::block(page, at).is_none() {
                break;
            }
            at = block.end;
        } else if let Some(count) = attributed.filter(|_| from.is_none()) {
            from = Some((at..at + count).map(|at| page.bare(at)).collect::<Vec<_>>().join(" "));
            at += count;
        } else {
            break;
        }
    }
    let depth =
        (at..lines.end).filter(|at| !page.line(*at).is_blank()).map(|at| page.line(at).depth).min().unwrap_or(0);
    for line in at..lines.end {
        let line = page.line(line);
        text.push_str(&">".repeat(line.depth.saturating_sub(depth).min(20)));
        if line.depth > depth {
            text.push(' ');
        }
        text.push_str(line.text);
        text.push('\n');
    }
    Body { from, internal, text }
}

/// Providers whose addresses say nothing of a company.
const PROVIDERS: &[&str] = &[
    "gmail.",
    "googlemail.",
    "outlook.",
    "hotmail.",
    "live.",
    "msn.",
    "yahoo.",
    "ymail.",
    "icloud.",
    "me.com",
    "mac.com",
    "aol.",
    "gmx.",
    "web.de",
    "t-online.",
    "freenet.",
    "orange.",
    "wanadoo.",
    "free.fr",
    "sfr.",
    "laposte.",
    "libero.",
    "virgilio.",
    "proton",
    "mail.ru",
    "yandex.",
    "qq.com",
    "163.com",
    "126.com",
    "naver.",
    "zoho.",
    "wp.pl",
    "o2.pl",
    "seznam.",
    "telefonica.",
    "terra.",
    "uol.",
    "bol.",
];

fn is_internal(from: &str, to: &str) -> bool {
    let domain = |text: &str| {
        let (_, domain) = text.split_once('@')?;
        let end = domain.find(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '-'))).unwrap_or(domain.len());
        domain.get(..end).map(str::to_lowercase)
    };
    match (domain(from), domain(to)) {
        (Some(from), Some(to)) => from == to && !PROVIDERS.iter().any(|provider| from.starts_with(provider)),
        _ => false,
    }
}

/// The lines are taken out already, so that [`attribution::lines`] would not look at them.
fn attribution_within(page: &Page<'_>, at: usize, end: usize) -> Option<usize> {
    (1..=3).take_while(|count| at + count <= end).find(|count| {
        let joined: Vec<&str> = (at..at + count).map(|at| page.bare(at)).collect();
        let quoted = page.line(page.next_filled(at + count)).depth > page.line(at).depth;
        attribution::is(&joined.join(" "), quoted)
    })
}
