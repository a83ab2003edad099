//! A reply made of one article: greeting, answer, closing, the team's signature.

use domain::{Draft, Sentiment};

use crate::knowledge::Match;

/// An answer is cut between paragraphs so that the whole reply stays within 250 words.
const ANSWER_WORDS: usize = 180;

/// Who is written to, and who signs.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// A first name, or the company's.
    pub name: &'a str,
    /// `name` is a company: the greeting goes to its team.
    pub company: bool,
    pub sentiment: Sentiment,
    pub signature: &'a str,
}

/// Renders the article as a reply. Nothing but the article's own words states a fact.
#[must_use]
pub fn compose(found: Match<'_>, frame: Frame<'_>) -> Draft {
    let team = if frame.company { " team" } else { "" };
    let opening = match frame.sentiment {
        Sentiment::Neutral => "Thank you for getting in touch. Here is what should answer your question:",
        Sentiment::Frustrated => {
            "Thank you for writing, and sorry that this has cost you time. Here is what should help:"
        }
        Sentiment::Angry => {
            "I am sorry for the trouble this has caused, and I understand that you want it settled. Here is the way:"
        }
    };
    let text = format!(
        "Hi {}{team},\n\n{opening}\n\n{}\n\nIf anything looks different on your side, just reply to this message and \
         tell us what you see; we will take it from there with you.\n\nBest regards,\n{}",
        frame.name,
        cut(&found.article.answer),
        frame.signature
    );
    Draft {
        text: text.into(),
        article: found.article.name.clone(),
        article_title: found.article.title.as_str().into(),
        faq: found.article.faq,
        composed: true,
        match_score: found.score,
    }
}

/// As many whole paragraphs as fit, at least the first.
fn cut(answer: &str) -> String {
    let mut words = 0;
    let paragraphs = answer.split("\n\n").take_while(|paragraph| {
        let first = words == 0;
        words += paragraph.split_whitespace().count();
        first || words <= ANSWER_WORDS
    });
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KnowledgeBase;

    #[test]
    fn every_bundled_article_makes_a_reply_of_the_right_length() {
        let base = KnowledgeBase::parse(data::knowledge_base()).unwrap();
        for article in base.articles() {
            let frame = Frame { name: "Acme", company: true, sentiment: Sentiment::Neutral, signature: "The team" };
            let draft = compose(Match { article, score: 1.0 }, frame);
            let words = draft.text.split_whitespace().count();
            assert!((80..=250).contains(&words), "{}: {words} words", article.name);
            assert!(draft.text.starts_with("Hi Acme team,\n") && draft.text.ends_with("\nThe team"));
        }
    }
}
