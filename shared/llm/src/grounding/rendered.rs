//! A text as its reader will see it: Markdown rendered, entities and backslashes resolved, look-alike signs unified.

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use super::Ungrounded;

/// What is seen of a Markdown text.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Rendered {
    /// The words, a line each paragraph or item. Signs that pass for a dot, an at or a slash are those; what is
    /// invisible is gone.
    pub(super) text: String,
    /// What is set as code, each by itself.
    pub(super) code: Vec<String>,
    /// Where its links lead.
    pub(super) destinations: Vec<String>,
}

/// What of Markdown a text may use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Allowed {
    /// Paragraphs, lists, emphasis, code and links.
    Formatted,
    /// Words.
    Plain,
    /// All of it, as an article may.
    All,
}

/// Renders as the request to the helpdesk does.
///
/// # Errors
/// [`Ungrounded::Markup`] or [`Ungrounded::Invisible`].
pub(super) fn render(markdown: &str, allowed: Allowed) -> Result<Rendered, Ungrounded> {
    if allowed != Allowed::All && markdown.contains(hides) {
        return Err(Ungrounded::Invisible);
    }
    let mut rendered = Rendered::default();
    let mut in_code = false;
    for event in Parser::new(markdown) {
        let fits = match (&event, allowed) {
            (_, Allowed::All) | (Event::Text(_) | Event::SoftBreak | Event::HardBreak, _) => true,
            (Event::Start(Tag::Paragraph) | Event::End(TagEnd::Paragraph), _) => true,
            (_, Allowed::Plain) => false,
            (Event::Html(_) | Event::InlineHtml(_) | Event::Rule, Allowed::Formatted) => false,
            (Event::Start(tag), Allowed::Formatted) => {
                !matches!(tag, Tag::Heading { .. } | Tag::Image { .. } | Tag::HtmlBlock | Tag::Table(_))
            }
            (_, Allowed::Formatted) => true,
        };
        if !fits {
            return Err(Ungrounded::Markup);
        }
        match &event {
            Event::Code(code) => rendered.code.push(code.chars().filter_map(seen).collect()),
            Event::Start(Tag::CodeBlock(_)) => in_code = true,
            Event::End(TagEnd::CodeBlock) => in_code = false,
            Event::Text(code) if in_code => rendered.code.push(code.chars().filter_map(seen).collect()),
            _ => {}
        }
        match event {
            Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text) => {
                rendered.text.extend(text.chars().filter_map(seen));
            }
            Event::SoftBreak | Event::HardBreak | Event::Rule => rendered.text.push('\n'),
            Event::End(TagEnd::Paragraph | TagEnd::Item | TagEnd::Heading(_) | TagEnd::CodeBlock) => {
                rendered.text.push('\n');
            }
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                rendered.destinations.push(dest_url.chars().filter_map(seen).collect());
            }
            _ => {}
        }
    }
    Ok(rendered)
}

/// Marks that turn the direction of writing, or part a word unseen: what is read is something else than what is there.
fn hides(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A character as it is read; none if it is not seen.
fn seen(c: char) -> Option<char> {
    Some(match c {
        '\u{ad}' | '\u{34f}' | '\u{180e}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{feff}' => {
            return None;
        }
        '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e007f}' => return None,
        '。' | '．' | '｡' | '\u{2024}' => '.',
        '⁄' | '∕' | '╱' | '⧸' => '/',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{3000}' => ' ',
        // Letters and digits in circles, and of mathematics, are read as themselves.
        '\u{1d7ce}'..='\u{1d7ff}' => char::from_digit((u32::from(c) - 0x1d7ce) % 10, 10).unwrap_or(c),
        '\u{1d400}'..='\u{1d6a3}' => latin((u32::from(c) - 0x1d400) % 52),
        'ⓐ'..='ⓩ' => char::from_u32(u32::from(c) - u32::from('ⓐ') + u32::from('a')).unwrap_or(c),
        _ => c,
    })
}

/// The letter at a place of an alphabet in upper, then in lower case.
fn latin(place: u32) -> char {
    let (first, place) = if place < 26 { ('A', place) } else { ('a', place - 26) };
    char::from_u32(u32::from(first) + place).unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_as_it_is_shown() {
        let check = |markdown: &str, expected: &str| {
            assert_eq!(render(markdown, Allowed::Formatted).unwrap().text.trim_end(), expected, "{markdown}");
        };
        check("https&#58;//evil&#46;com", "https://evil.com");
        check(r"https\://evil\.com", "https://evil.com");
        check("evil。com and ｅｖｉｌ．ｃｏｍ", "evil.com and evil.com");
        check("ev\u{ad}il.com", "evil.com");
        check("1. Open **Settings**\n2. Save `x`", "Open Settings\nSave x");
    }

    #[test]
    fn what_is_no_plain_text_is_refused() {
        let check = |markdown: &str, allowed: Allowed, expected: Ungrounded| {
            assert_eq!(render(markdown, allowed), Err(expected), "{markdown}");
        };
        check("# Urgent", Allowed::Formatted, Ungrounded::Markup);
        check("Urgent\n===", Allowed::Formatted, Ungrounded::Markup);
        check("![x](y)", Allowed::Formatted, Ungrounded::Markup);
        check("<b>x</b>", Allowed::Formatted, Ungrounded::Markup);
        check("a\n\n---\n\nb", Allowed::Formatted, Ungrounded::Markup);
        check("ev\u{200b}il.com", Allowed::Formatted, Ungrounded::Invisible);
        check("\u{202e}moc.live", Allowed::Formatted, Ungrounded::Invisible);
        check("**x**", Allowed::Plain, Ungrounded::Markup);
        check("[x](y)", Allowed::Plain, Ungrounded::Markup);
        check("`x`", Allowed::Plain, Ungrounded::Markup);
    }
}
