//! A quote counts only if the customer wrote it.

mod letters;

use std::{cmp::Reverse, ops::Range};

use self::letters::{Letters, is_plain, letters};
use crate::{Reading, reading::Signal, shown};

/// From this many letters and digits on a quote is found wherever it stands; a shorter one has to be whole words, or
/// "end" would be in "send".
const LONG: usize = 12;

/// A text to look quotes up in, by its letters and digits: a reader may have seen HTML as lines, `\n` as a line break,
/// and no soft hyphens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    text: String,
    letters: Letters,
    /// Every run of white space as one space, for quotes without a letter.
    folded: String,
}

impl Source {
    /// The parts of the text, such as subject and messages, in order.
    #[must_use]
    pub fn new<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut text = String::new();
        for part in parts {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(part);
        }
        Self { letters: letters(&text), folded: folded(&text), text }
    }

    /// Those of `quotes` that occur in the text, letter by letter, in the text's own spelling where it is plain text, else
    /// in the quote's. Empty and repeated ones are dropped.
    #[must_use]
    pub fn verified(&self, quotes: &[String]) -> Vec<String> {
        let mut kept: Vec<String> = Vec::new();
        for quote in quotes.iter().filter_map(|quote| self.found(quote)) {
            if !quote.is_empty() && !kept.contains(&quote) {
                kept.push(quote);
            }
        }
        kept
    }

    /// Where the quotes stand in the text, in bytes: in order, and none over another.
    #[must_use]
    pub fn places<'a>(&self, quotes: impl IntoIterator<Item = &'a str>) -> Vec<Range<usize>> {
        let mut places: Vec<Range<usize>> = quotes.into_iter().filter_map(|quote| self.place(quote)).collect();
        places.sort_by_key(|place| (place.start, Reverse(place.end)));
        let mut apart: Vec<Range<usize>> = Vec::with_capacity(places.len());
        for place in places {
            match apart.last_mut() {
                Some(last) if place.start < last.end => last.end = last.end.max(place.end),
                _ => apart.push(place),
            }
        }
        apart
    }

    fn place(&self, quote: &str) -> Option<Range<usize>> {
        let (start, end) = self.lettered(&letters(quote).letters)?;
        self.span(start, end).map(|(first, last)| first..last)
    }

    /// Where such letters stand among the text's; a few of them only as whole words.
    fn lettered(&self, wanted: &str) -> Option<(usize, usize)> {
        if wanted.is_empty() {
            return None;
        }
        let mut at = self.letters.letters.match_indices(wanted).map(|(at, _)| (at, at + wanted.len()));
        if wanted.chars().count() < LONG { at.find(|(start, end)| self.are_words(*start, *end)) } else { at.next() }
    }

    fn found(&self, quote: &str) -> Option<String> {
        let wanted = letters(quote).letters;
        let quote = folded(quote);
        // Word for word is how most stand there. What is only in a tag has no letters.
        if self.folded.contains(&quote) && self.letters.letters.contains(&wanted) {
            return Some(quote);
        }
        let (start, end) = self.lettered(&wanted)?;
        let original = self.original(start, end, &quote).filter(|original| is_plain(original) && is_plain(&quote));
        Some(original.unwrap_or(quote))
    }

    /// Where letters from one byte to another begin and end in the text.
    fn span(&self, start: usize, end: usize) -> Option<(usize, usize)> {
        let first = self.letters.places.get(start)?;
        let last = self.letters.places.get(end.checked_sub(1)?)?;
        Some((first.0, last.1))
    }

    /// Nothing of a word is left out on either side.
    fn are_words(&self, start: usize, end: usize) -> bool {
        let Some((first, last)) = self.span(start, end) else { return false };
        let before = self.text.get(..first).and_then(|text| text.chars().next_back());
        let after = self.text.get(last..).and_then(|text| text.chars().next());
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    }

    /// The text's own words, with the quote's marks around them where it has the same.
    fn original(&self, start: usize, end: usize, quote: &str) -> Option<String> {
        let (mut first, mut last) = self.span(start, end)?;
        let before = quote.chars().take_while(|c| !c.is_alphanumeric()).collect::<Vec<_>>();
        for mark in before.into_iter().rev() {
            let text = self.text.get(..first).unwrap_or_default();
            let rest = if mark == ' ' { text.trim_end() } else { text.strip_suffix(mark).unwrap_or(text) };
            if rest.len() == text.len() {
                break;
            }
            first = rest.len();
        }
        let after = quote.chars().rev().take_while(|c| !c.is_alphanumeric()).collect::<Vec<_>>();
        for mark in after.into_iter().rev() {
            let text = self.text.get(last..).unwrap_or_default();
            let rest = if mark == ' ' { text.trim_start() } else { text.strip_prefix(mark).unwrap_or(text) };
            if rest.len() == text.len() {
                break;
            }
            last += text.len() - rest.len();
        }
        self.text.get(first..last).map(folded)
    }
}

/// The reading with the quotes that occur in the text, its second opinion's too. A claim of whose quotes none does was
/// invented, and is dropped.
#[must_use]
pub fn grounded(mut reading: Reading, text: &Source) -> Reading {
    ground(&mut reading.churn, text);
    ground(&mut reading.intent, text);
    reading.priority_quote = reading.priority_quote.and_then(|quote| text.verified(&[quote]).pop());
    if let Some(draft) = &mut reading.draft {
        draft.questions.retain(|asked| !text.verified(std::slice::from_ref(&asked.quote)).is_empty());
    }
    if let Some(second) = &mut reading.second {
        // Only a reader that follows no instructions is believed without its words.
        let occurs = |quote: &String| !text.verified(std::slice::from_ref(quote)).is_empty();
        reading.grave = reading.grave.filter(|grave| occurs(&grave.quote));
        reading.notice = reading.notice.filter(|notice| occurs(&notice.quote));
        ground(&mut second.churn, text);
        ground(&mut second.intent, text);
        second.priority_quote = second.priority_quote.take().and_then(|quote| text.verified(&[quote]).pop());
    }
    // By the quote as it is kept from here on; one that was dropped takes its translation with it.
    let kept = |quote: String| text.verified(&[quote]).pop();
    let english = std::mem::take(&mut reading.english);
    reading.english = english.into_iter().filter_map(|(quote, line)| Some((kept(quote)?, line))).collect();
    // A reader that follows no instructions is believed, but shown with nothing that is not there.
    if let Some(grave) = &mut reading.grave {
        grave.quote = text.verified(std::slice::from_ref(&grave.quote)).pop().unwrap_or_default();
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

/// What is read of a quote within a sentence of ours, in characters.
const SHOWN: usize = 200;

/// A quote as it may stand within a sentence of ours: one line, and not long.
#[must_use]
pub fn shown(quote: &str) -> String {
    shown::clipped(&shown::line(quote), SHOWN).into_owned()
}

/// [`Source::verified`] for a text that is looked at once.
#[must_use]
pub fn verified(quotes: &[String], text: &str) -> Vec<String> {
    Source::new([text]).verified(quotes)
}

fn folded(text: &str) -> String {
    let mut folded = String::new();
    for word in text.split_whitespace() {
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
    fn a_models_notice_needs_its_words() {
        for (quote, expected) in [("We cancel.", true), ("We go.", false)] {
            let quiet = crate::sample::reading();
            let notice = Some(crate::LeavingNotice { confidence: 0.9, quote: quote.into() });
            let reading = Reading { notice, second: Some(crate::sample::second(&quiet)), ..quiet };
            assert_eq!(grounded(reading, &Source::new(["We cancel."])).notice.is_some(), expected, "{quote}");
        }
    }

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
    fn places_are_in_order_and_apart() {
        for (text, quotes, expected) in [
            ("Fine. We cancel. Bye.", &["we cancel."][..], &["We cancel"][..]),
            ("Two:\n  lines of it\n", &["lines of it", "two: lines"], &["Two:\n  lines of it"]),
            ("We  go.\nAnd they send.", &["they send", "we go"], &["We  go", "they send"]),
            ("Nobody sends.", &["send", "", "…"], &[]),
            ("", &["we go"], &[]),
        ] {
            let places = Source::new([text]).places(quotes.iter().copied());
            let found: Vec<&str> = places.into_iter().map(|place| &text[place]).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn only_words_of_the_ticket_are_kept() {
        let text = "We are done.\nPlease send   the notice period.";
        let check = |quote: &str| verified(&[quote.to_owned()], text);
        assert_eq!(check("send the\nnotice period."), ["send the notice period."]);
        assert!(check("we are leaving").is_empty());
        assert!(check("  ").is_empty());
        assert!(check("Notice Peri").is_empty(), "a part of a word");
        assert_eq!(verified(&["We are done.".into(), "We are  done.".into()], text).len(), 1);
    }

    #[test]
    fn what_a_reader_saw_is_found_in_the_original() {
        let check = |text: &str, quote: &str, shown: &str| {
            assert_eq!(verified(&[quote.to_owned()], text), [shown], "{text}");
        };
        check(
            "<p>Hello,</p><p>we <b>can</b>cel our contract.</p>",
            "we cancel our contract.",
            "we cancel our contract.",
        );
        check("<p>Wir k&uuml;ndigen&nbsp;jetzt &#33;</p>", "Wir kündigen jetzt !", "Wir kündigen jetzt !");
        check("<style>p { color: red }</style><p>We leave.<!-- x --> Now.</p>", "We leave. Now.", "We leave. Now.");
        check(r"Hi,\n\nwe will not renew.\n\nAnn", "we will not renew.", "we will not renew.");
        check(r"we will\nnot renew", "we will not renew", "we will not renew");
        check("We can\u{ad}cel the con\u{200b}tract.", "We cancel the contract.", "We cancel the contract.");
        check("we саncel our contract", "we cancel our contract", "we cancel our contract");
        check("Ｗｅ ｃａｎｃｅｌ now", "We cancel now", "We cancel now");
        check("> we will\n> not renew", "we will not renew", "we will not renew");
        // In plain text the customer's own spelling is shown.
        check("WE WILL not renew, ever.", "We will not renew", "WE WILL not renew");
        check("We will not\u{a0}renew.", "We will not renew.", "We will not renew.");
        check("Мы уходим от вас.", "Мы уходим от вас.", "Мы уходим от вас.");
        check("a < b, we leave & go", "we leave & go", "we leave & go");
        check("\u{1f4a5}\u{1f4a5}", "\u{1f4a5}\u{1f4a5}", "\u{1f4a5}\u{1f4a5}");
    }

    #[test]
    fn what_is_only_in_a_tag_is_no_quote() {
        let text = "<p title=\"we cancel our contract\">We like it.</p>";
        assert!(verified(&["we cancel our contract".to_owned()], text).is_empty());
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_looked_through(text in "(?s).{0,200}", quote in "(?s).{0,20}") {
            let _ = verified(&[quote], &text);
        }

        #[test]
        fn a_text_is_found_in_itself(text in "[a-zA-Z0-9 .,<>&;é\\\\n]{1,80}") {
            proptest::prop_assume!(!text.trim().is_empty());
            proptest::prop_assert_eq!(verified(std::slice::from_ref(&text), &text).len(), 1);
        }
    }
}
