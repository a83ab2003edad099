//! A quote counts only if the customer wrote it.

/// Those of `quotes` that occur in `text`, compared letter by letter with every run of white space as one space.
/// Empty and repeated ones are dropped.
#[must_use]
pub fn verified(quotes: &[String], text: &str) -> Vec<String> {
    let text = folded(text);
    let mut kept: Vec<String> = Vec::new();
    for quote in quotes.iter().map(|quote| folded(quote)) {
        if !quote.is_empty() && text.contains(&quote) && !kept.contains(&quote) {
            kept.push(quote);
        }
    }
    kept
}

fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_of_the_ticket_are_kept() {
        let text = "We are done.\nPlease send   the notice period.";
        let check = |quote: &str| verified(&[quote.to_owned()], text);
        assert_eq!(check("send the\nnotice period."), ["send the notice period."]);
        assert!(check("we are leaving").is_empty());
        assert!(check("  ").is_empty());
        assert_eq!(verified(&["We are done.".into(), "We are  done.".into()], text).len(), 1);
    }
}
