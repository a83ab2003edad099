//! A quote counts only if the customer wrote it.

use crate::{Reading, reading::Signal};

/// A text to look quotes up in, every run of white space as one space.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source(String);

impl Source {
    /// The parts of the text, such as subject and messages, in order.
    #[must_use]
    pub fn new<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        Self(folded(parts))
    }

    /// Those of `quotes` that occur in the text, letter by letter. Empty and repeated ones are dropped.
    #[must_use]
    pub fn verified(&self, quotes: &[String]) -> Vec<String> {
        let mut kept: Vec<String> = Vec::new();
        for quote in quotes.iter().map(|quote| folded([quote.as_str()])) {
            if !quote.is_empty() && self.0.contains(&quote) && !kept.contains(&quote) {
                kept.push(quote);
            }
        }
        kept
    }
}

/// The reading with the quotes that occur in the text, its second opinion's too. A claim of whose quotes none does was
/// invented, and is dropped.
#[must_use]
pub fn grounded(mut reading: Reading, text: &Source) -> Reading {
    ground(&mut reading.churn, text);
    ground(&mut reading.intent, text);
    if let Some(second) = &mut reading.second {
        // Only a reader that follows no instructions is believed without its words.
        reading.grave = reading.grave.filter(|grave| !text.verified(std::slice::from_ref(&grave.quote)).is_empty());
        ground(&mut second.churn, text);
        ground(&mut second.intent, text);
    }
    reading
}

fn ground<T: Default>(signal: &mut Signal<T>, text: &Source) {
    let quoted = !signal.quotes.is_empty();
    signal.quotes = text.verified(&signal.quotes);
    if quoted && signal.quotes.is_empty() {
        *signal = Signal { value: T::default(), confidence: 0.0, quotes: Vec::new() };
    }
}

/// [`Source::verified`] for a text that is looked at once.
#[must_use]
pub fn verified(quotes: &[String], text: &str) -> Vec<String> {
    Source::new([text]).verified(quotes)
}

fn folded<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut folded = String::new();
    for word in parts.into_iter().flat_map(str::split_whitespace) {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(word);
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_models_grave_sentence_needs_its_words() {
        let check = |quote: &str, model: bool, expected: bool| {
            let quiet = crate::sample::reading();
            let grave = crate::Grave { what: crate::Gravity::Outage, confidence: 0.9, quote: quote.into() };
            let second = model.then(|| crate::sample::second(&quiet));
            let reading = Reading { grave: Some(grave), second, ..quiet };
            let grounded = grounded(reading, &Source::new(["Nobody can pay."]));
            assert_eq!(grounded.grave.is_some(), expected, "{quote} {model}");
        };
        check("Nobody can pay.", true, true);
        check("All is lost.", true, false);
        check("All is lost.", false, true);
    }

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
