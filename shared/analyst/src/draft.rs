//! A reply made of one article: greeting, answer, closing, the team's signature.

use domain::{Draft, Language, Sentiment};

use crate::knowledge::Match;

/// An answer is cut between paragraphs so that the whole reply stays within 260 words.
const ANSWER_WORDS: usize = 180;

/// Sentences of the details stand below an answer while they have no more words than this together.
const DETAIL_WORDS: usize = 60;

/// Who is written to, and who signs.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// A first name, or the company's, and nothing else: it stands in Markdown as it is. Empty if neither is known.
    pub name: &'a str,
    /// `name` is a company: the greeting goes to its team.
    pub company: bool,
    pub sentiment: Sentiment,
    /// The ticket's.
    pub language: Language,
    pub signature: &'a str,
}

/// What stands around an answer in one language.
struct Phrases {
    greeting: String,
    opening: &'static str,
    /// Before an answer that is in another language.
    foreign: &'static str,
    closing: &'static str,
}

/// The one that fits of three: for nobody by name, for a person, for a company.
fn greeting(frame: Frame<'_>, nobody: &str, person: &str, company: &str) -> String {
    match (frame.name, frame.company) {
        ("", _) => nobody,
        (_, false) => person,
        (_, true) => company,
    }
    .to_owned()
}

/// None in a language that nobody here writes.
fn phrases(frame: Frame<'_>) -> Option<Phrases> {
    let Frame { name, sentiment, language, .. } = frame;
    use Sentiment::{Angry, Frustrated, Neutral};
    Some(match language {
        Language::En => Phrases {
            greeting: greeting(frame, "Hello,", &format!("Hi {name},"), &format!("Hi {name} team,")),
            opening: match sentiment {
                Neutral => "Thank you for getting in touch. Here is what should answer your question:",
                Frustrated => "Thank you for writing, and sorry that this has cost you time. Here is what should help:",
                Angry => {
                    "I am sorry for the trouble this has caused, and I understand that you want it settled. Here is the way:"
                }
            },
            foreign: "(Our article on this is not available in English yet.)",
            closing: "If this leaves a question open, just reply to this message and we will take it from there with \
                      you.\n\nBest regards,",
        },
        Language::Fr => Phrases {
            greeting: greeting(frame, "Bonjour,", &format!("Bonjour {name},"), &format!("Bonjour à l'équipe {name},")),
            opening: match sentiment {
                Neutral => "Merci pour votre message. Voici ce qui devrait répondre à votre question :",
                Frustrated => {
                    "Merci de nous avoir écrit, et désolés pour le temps que cela vous a coûté. Voici ce qui devrait vous aider :"
                }
                Angry => {
                    "Nous regrettons la gêne occasionnée et comprenons que vous souhaitiez régler cela. Voici la marche à suivre :"
                }
            },
            foreign: "(Notre article à ce sujet n'existe pas encore en français.)",
            closing: "S'il vous reste une question, répondez simplement à ce message et nous poursuivrons \
                      ensemble.\n\nCordialement,",
        },
        Language::De => Phrases {
            greeting: greeting(
                frame,
                "Guten Tag,",
                &format!("Hallo {name},"),
                &format!("Hallo liebes Team von {name},"),
            ),
            opening: match sentiment {
                Neutral => "danke für Ihre Nachricht. Das Folgende sollte Ihre Frage beantworten:",
                Frustrated => {
                    "danke für Ihre Nachricht, und entschuldigen Sie, dass Sie das Zeit gekostet hat. Das sollte weiterhelfen:"
                }
                Angry => {
                    "es tut uns leid, dass Sie damit Ärger haben, und wir verstehen, dass Sie das geklärt haben möchten. So geht es:"
                }
            },
            foreign: "(Unseren Artikel dazu gibt es noch nicht auf Deutsch.)",
            closing: "Wenn eine Frage offen bleibt, antworten Sie einfach auf diese Nachricht, und wir helfen Ihnen \
                      weiter.\n\nViele Grüße",
        },
        Language::Es => Phrases {
            greeting: greeting(frame, "Hola:", &format!("Hola, {name}:"), &format!("Hola, equipo de {name}:")),
            opening: match sentiment {
                Neutral => "Gracias por su mensaje. Lo siguiente debería responder a su pregunta:",
                Frustrated => {
                    "Gracias por escribirnos, y disculpe el tiempo que esto le ha costado. Lo siguiente debería ayudarle:"
                }
                Angry => "Lamentamos las molestias y entendemos que quiera dejarlo resuelto. Así se hace:",
            },
            foreign: "(Nuestro artículo sobre este tema todavía no existe en español.)",
            closing: "Si le queda alguna duda, responda a este mensaje y seguiremos desde ahí con \
                      usted.\n\nSaludos cordiales,",
        },
        _ => return None,
    })
}

/// Renders the article as a reply in the ticket's language, the answer in the article's; in a language that nobody here
/// writes, the answer alone. `details` are sentences of the article that stand below its answer. Nothing but the article's
/// own words states a fact.
#[must_use]
pub fn compose(found: Match<'_>, details: &[&str], frame: Frame<'_>) -> Draft {
    let in_language = found.article.language == frame.language;
    let answer = with_details(cut(&found.article.answer), details);
    let text = match phrases(frame) {
        Some(Phrases { greeting, opening, foreign, closing }) => {
            let note = if in_language { String::new() } else { format!("{foreign}\n\n") };
            format!("{greeting}\n\n{opening}\n\n{note}{answer}\n\n{closing}\n{}", frame.signature)
        }
        None => answer.to_owned(),
    };
    Draft {
        text: text.into(),
        article: found.article.name.clone(),
        article_title: found.article.title.as_str().into(),
        faq: found.article.faq,
        composed: true,
        in_language,
        unanswered: None,
        questions: Vec::new(),
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

/// The answer, and below it as many sentences as fit.
fn with_details(answer: String, details: &[&str]) -> String {
    let mut words = 0;
    let fitting = details.iter().take_while(|sentence| {
        words += sentence.split_whitespace().count();
        words <= DETAIL_WORDS
    });
    let details = fitting.copied().collect::<Vec<_>>().join(" ");
    if details.is_empty() { answer } else { format!("{answer}\n\n{details}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KnowledgeBase;

    #[test]
    fn every_bundled_article_makes_a_reply_of_the_right_length() {
        let base = KnowledgeBase::parse(data::knowledge_base()).unwrap();
        for article in base.articles() {
            for (language, greeting) in [
                (Language::En, "Hi Acme team,\n"),
                (Language::Fr, "Bonjour à l'équipe Acme,\n"),
                (Language::De, "Hallo liebes Team von Acme,\n"),
                (Language::Es, "Hola, equipo de Acme:\n"),
            ] {
                let frame = Frame {
                    name: "Acme",
                    company: true,
                    sentiment: Sentiment::Neutral,
                    language,
                    signature: "The team",
                };
                let draft = compose(Match { article, score: 1.0 }, &[], frame);
                let words = draft.text.split_whitespace().count();
                assert!((80..=260).contains(&words), "{}: {words} words", article.name);
                assert!(draft.text.starts_with(greeting) && draft.text.ends_with("\nThe team"), "{}", draft.text);
                assert_eq!(draft.in_language, language == article.language);
            }
        }
    }

    #[test]
    fn details_stand_below_the_answer_while_they_fit() {
        let long = "word ".repeat(70);
        for (details, expected) in [
            (&["One.", "Two."][..], "Answer.\n\nOne. Two."),
            (&["One.", &long], "Answer.\n\nOne."),
            (&[&long], "Answer."),
            (&[], "Answer."),
        ] {
            assert_eq!(with_details("Answer.".to_owned(), details), expected);
        }
    }

    #[test]
    fn a_translated_article_is_in_the_language_of_the_ticket() {
        let source = "+++\ntitle = 'Clé'\ntopic = 'x'\nagent = 'nexus'\nfaq = true\nlanguage = 'fr'\narticle = '7'\n\
                      questions = []\n+++\nOuvrez Paramètres.\n";
        let base = KnowledgeBase::parse(std::iter::once(("cle", source))).unwrap();
        let article = base.articles().next().unwrap();
        for (language, expected) in [(Language::Fr, true), (Language::De, false)] {
            let frame =
                Frame { name: "Acme", company: true, sentiment: Sentiment::Neutral, language, signature: "The team" };
            assert_eq!(compose(Match { article, score: 1.0 }, &[], frame).in_language, expected);
        }
    }
}
