//! Changes of how a text is laid out: mark-up, line breaks, blanks.

use training::random::Random;

use super::parts::rewritten;

/// Where mail programs break lines. In characters.
const COLUMNS: usize = 72;

/// The body as a mail program's HTML; none if it is mark-up already.
pub(super) fn html(body: &str, random: &mut Random) -> Option<String> {
    if body.contains("</") || body.trim().is_empty() {
        return None;
    }
    let escaped = body.trim().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let lines = || escaped.lines().map(str::trim_end);
    Some(match random.below(3) {
        0 => {
            let paragraphs = escaped.split("\n\n").map(|lines| format!("<p>{}</p>\n", lines.replace('\n', "<br>\n")));
            format!("<html><body>\n{}</body></html>", paragraphs.collect::<String>())
        }
        1 => {
            let line =
                |line: &str| if line.is_empty() { "<div><br></div>".to_owned() } else { format!("<div>{line}</div>") };
            format!("<div dir=\"ltr\">{}</div>", lines().map(line).collect::<String>())
        }
        _ => {
            let line = |line: &str| {
                let line = if line.is_empty() { "&nbsp;" } else { line };
                format!("<p class=\"MsoNormal\"><span style=\"font-size:11.0pt\">{line}</span></p>\n")
            };
            let head = "<head><meta charset=\"utf-8\"><style>p.MsoNormal {margin:0cm;}</style></head>";
            format!("<html>{head}<body lang=\"EN-GB\">\n{}</body></html>", lines().map(line).collect::<String>())
        }
    })
}

/// The customer's own lines broken at 72 columns.
pub(super) fn wrapped(body: &str) -> String {
    rewritten(body, |line| {
        let mut wrapped = String::with_capacity(line.len());
        let mut column = 0;
        for word in line.split_inclusive(' ') {
            let width = word.trim_end().chars().count();
            if column > 0 && column + width > COLUMNS {
                wrapped.truncate(wrapped.trim_end_matches(' ').len());
                wrapped.push('\n');
                column = 0;
            }
            wrapped.push_str(word);
            column += word.chars().count();
        }
        wrapped
    })
}

/// Every fourth blank within the customer's own lines a hard one, as editors for the web write them, and every fourth two.
pub(super) fn blanks(body: &str, random: &mut Random) -> String {
    rewritten(body, |line| {
        let blank = |c: char| match c {
            ' ' => match random.below(4) {
                0 => "\u{a0}".to_owned(),
                1 => "  ".to_owned(),
                _ => " ".to_owned(),
            },
            c => c.to_string(),
        };
        line.chars().map(blank).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "Hello,\n\nthe report for R&D shows <none> as its author since we changed the names of the groups, and 3 > 2.\n\nKind regards\nOle";

    #[test]
    fn mark_up_reads_as_the_text_it_was_made_of() {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        for seed in 0..20 {
            let html = html(BODY, &mut Random(seed)).unwrap();
            let seen = mail::normalise::body(&html).text;
            assert_eq!(words(&seen), words(BODY), "{html}");
        }
        assert_eq!(html("<p>Hello</p>", &mut Random(1)), None);
    }

    #[test]
    fn lines_are_broken_and_nothing_is_lost() {
        let new = wrapped(BODY);
        assert!(new.lines().all(|line| line.chars().count() <= COLUMNS), "{new}");
        assert_eq!(new.split_whitespace().collect::<Vec<_>>(), BODY.split_whitespace().collect::<Vec<_>>());
        assert!(new.starts_with("Hello,\n\nthe report") && new.ends_with("\n\nKind regards\nOle"), "{new}");
        let long = "x".repeat(100);
        assert_eq!(wrapped(&long), long);
    }

    #[test]
    fn blanks_are_varied_and_words_stay() {
        let new = blanks(BODY, &mut Random(3));
        assert!(new.contains('\u{a0}') && new.contains("  "), "{new}");
        assert_eq!(new.split_whitespace().collect::<Vec<_>>(), BODY.split_whitespace().collect::<Vec<_>>());
    }
}
