//! A comment as Zendesk shows it. The one place where words become its HTML.

use domain::{
    plan::{Comment, Suggestion},
    shown,
};
use pulldown_cmark::{CowStr, Event, Parser, Tag, TagEnd, html};

/// The comment as HTML.
///
/// Headline, points and titles are anybody's words: they are shown as they are written and hold no markup and no link.
/// Nothing is left that Zendesk would render as a placeholder: it does so in comments that agents write, and over the
/// API we are one.
#[must_use]
pub(crate) fn comment_html(comment: &Comment) -> String {
    let mut events = Vec::new();
    if !comment.headline.is_empty() {
        let [start, bold, words, no_longer_bold, end] = bold(plain(&comment.headline));
        events.extend([start, bold, words, no_longer_bold]);
        if !comment.aside.is_empty() {
            events.extend([Event::Text(" · ".into()), plain(&comment.aside)]);
        }
        events.push(end);
    }
    if !comment.points.is_empty() {
        events.push(Event::Start(Tag::List(None)));
        for point in comment.points.iter() {
            events.extend([Event::Start(Tag::Item), plain(point), Event::End(TagEnd::Item)]);
        }
        events.push(Event::End(TagEnd::List(false)));
    }
    events.extend(markdown(&comment.text));
    if let Some(Suggestion { article_title, text, composed }) = &comment.draft {
        events.extend(bold(plain(&format!("Draft reply, from “{article_title}”"))));
        if *composed {
            events.extend(markdown(text));
        } else {
            events.extend(unadorned(text));
        }
    }
    let mut rendered = String::new();
    html::push_html(&mut rendered, events.into_iter());
    // A zero-width space after each brace; single braces open nothing, but a run of them would close up again.
    rendered.replace('{', "{&#8203;").trim_end().to_owned()
}

/// A paragraph of its own.
fn bold(words: Event<'static>) -> [Event<'static>; 5] {
    [
        Event::Start(Tag::Paragraph),
        Event::Start(Tag::Strong),
        words,
        Event::End(TagEnd::Strong),
        Event::End(TagEnd::Paragraph),
    ]
}

/// Words that hold no markup, on one line.
fn plain(words: &str) -> Event<'static> {
    Event::Text(CowStr::from(shown::unlinked(&shown::line(words))))
}

/// Markdown of the customer's articles and settings. Raw HTML in it becomes text.
fn markdown(text: &str) -> impl Iterator<Item = Event<'_>> {
    Parser::new(text).map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        Event::SoftBreak => Event::HardBreak,
        other => other,
    })
}

/// Markdown that a model wrote: paragraphs, lists and emphasis. Where a link leads is there to be read, a picture is its
/// description, and nothing is louder than bold. An agent may send it on, so addresses stay whole.
fn unadorned(text: &str) -> Vec<Event<'static>> {
    let text = shown::text(text);
    let mut events = Vec::new();
    let mut links = Vec::new();
    for event in markdown(&text) {
        let event = match event {
            Event::Start(Tag::Link { dest_url, .. }) => {
                links.push(dest_url);
                continue;
            }
            Event::End(TagEnd::Link) => match links.pop() {
                Some(url) if !url.is_empty() => Event::Text(format!(" ({url})").into()),
                Some(_) | None => continue,
            },
            Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => continue,
            Event::Start(Tag::Heading { .. }) => {
                events.push(Event::Start(Tag::Paragraph));
                Event::Start(Tag::Strong)
            }
            Event::End(TagEnd::Heading(_)) => {
                events.push(Event::End(TagEnd::Strong));
                Event::End(TagEnd::Paragraph)
            }
            other => other,
        };
        events.push(event.into_static());
    }
    events
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// What nobody may get into a comment, in whatever words.
    const HOSTILE: [&str; 12] = [
        "[Sign in](https://evil.example/login)",
        "![x](https://evil.example/pixel.png)",
        "<https://evil.example/login>",
        "https://evil.example/login",
        "[a](javascript:alert(1))",
        "[b][c]\n\n[c]: https://evil.example",
        "# URGENT\n\n> pay\n\n***\n\n    code",
        "line\n# heading\n- item",
        "https&#58;//evil&#46;example and &lt;b&gt;",
        "<img src=x onerror=alert(1)><script>alert(2)</script>",
        "\u{202e}txet\u{2066} \u{0}\u{1b}[31m",
        "**bold** __strong__ `code` {{ticket.requester.email}} {% if a %}",
    ];

    fn note(headline: &str, points: &[&str]) -> Comment {
        Comment::note(headline.into(), points.iter().map(|point| (*point).to_owned()).collect(), None)
    }

    fn answer(text: &str) -> Comment {
        Comment::answer(text.into())
    }

    fn suggestion(title: &str, text: &str, composed: bool) -> Comment {
        let draft = Suggestion { article_title: title.into(), text: text.into(), composed };
        Comment { draft: Some(draft), ..note("", &[]) }
    }

    /// No tag but those of our own frame, and no character that hides or turns text.
    fn check(html: &str, allowed: &[&str]) {
        for tag in html.split('<').skip(1) {
            let name = tag.split(['>', ' ']).next().unwrap().trim_start_matches('/');
            assert!(allowed.contains(&name), "<{tag} in {html}");
        }
        assert!(!html.contains("{{") && !html.contains("{%"), "{html}");
        assert!(!html.contains(['\u{202e}', '\u{2066}', '\u{0}', '\u{1b}']), "{html}");
    }

    #[test]
    fn words_are_never_markup() {
        for words in HOSTILE {
            let [note, title] =
                [note(words, &[words, "why"]), suggestion(words, "Hi,", true)].map(|one| comment_html(&one));
            check(&note, &["p", "strong", "ul", "li"]);
            check(&title, &["p", "strong"]);
            assert!(!note.contains("://") && !title.contains("://"), "{note} {title}");
        }
    }

    #[test]
    fn words_are_shown_as_they_were_written() {
        let html = comment_html(&note("**a** & [b](c)", &["1. <x>", "two\nlines"]));
        assert_eq!(
            html,
            "<p><strong>**a** &amp; [b](c)</strong></p>\n<ul>\n<li>1. &lt;x&gt;</li>\n<li>two lines</li>\n</ul>"
        );
    }

    #[test]
    fn a_models_draft_hides_nothing() {
        let allowed = ["p", "strong", "em", "ul", "ol", "li", "br", "code", "pre", "blockquote", "hr"];
        for words in HOSTILE {
            check(&comment_html(&suggestion("Keys", words, false)), &allowed);
        }
        let html = comment_html(&suggestion("Keys", "1. Open [Settings](https://help.example/keys).\n\n## Now", false));
        assert!(html.contains("Open Settings (https://help.example/keys)."), "{html}");
        assert!(html.contains("<p><strong>Now</strong></p>"), "{html}");
    }

    #[test]
    fn an_articles_own_links_stay() {
        let html = comment_html(&suggestion("Keys", "Open [Settings](https://help.example/keys).", true));
        assert!(html.contains("<a href=\"https://help.example/keys\">Settings</a>"), "{html}");
    }

    #[test]
    fn a_comment_cannot_carry_html_or_placeholders() {
        let check = |text: &str, expected: &str| assert_eq!(comment_html(&answer(text)), expected, "{text}");
        check("**Bold** and\nnext", "<p><strong>Bold</strong> and<br />\nnext</p>");
        check("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;");
        check("a <b onclick=x>b</b>", "<p>a &lt;b onclick=x&gt;b&lt;/b&gt;</p>");
        let html = |text: &str| comment_html(&answer(text));
        assert!(!html("{{ticket.requester.email}} {% if a %}").contains("{{"));
        assert!(!html("{{{{x}}}} {%{{").contains("{{"));
        assert!(!html("{% x %}").contains("{%"));
    }

    #[test]
    fn a_note_shows_the_draft_below_its_text() {
        let comment =
            Comment { points: Arc::new(["why".to_owned()]), ..suggestion("Reconnect", "Hi,\n\npress it.", true) };
        assert_eq!(
            comment_html(&comment),
            "<ul>\n<li>why</li>\n</ul>\n<p><strong>Draft reply, from “Reconnect”</strong></p>\n<p>Hi,</p>\n<p>press it.</p>"
        );
    }

    #[test]
    fn a_note_of_the_former_form_still_renders() {
        let stored =
            r#"{"public": false, "text": "**Triage: P2**\n\n- why\n", "draft": {"article_title": "A", "text": "Hi"}}"#;
        let comment: Comment = serde_json::from_str(stored).unwrap();
        assert_eq!(
            comment_html(&comment),
            "<p><strong>Triage: P2</strong></p>\n<ul>\n<li>why</li>\n</ul>\n\
             <p><strong>Draft reply, from “A”</strong></p>\n<p>Hi</p>"
        );
    }
}
