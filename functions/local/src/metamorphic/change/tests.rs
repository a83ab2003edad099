use std::collections::BTreeSet;

use super::*;
use crate::input;

const LANGUAGES: [Language; 4] = [Language::En, Language::Fr, Language::De, Language::Es];

/// Changes that leave every word of the customer's where it is, and put others beside them.
const ADDITIONS: [Change; 20] = [
    Change::Greeting,
    Change::CourtesyBefore,
    Change::CourtesyAfter,
    Change::CourtesyBoth,
    Change::FormalCourtesy,
    Change::Disclaimer,
    Change::EnglishDisclaimer,
    Change::ExternalBanner,
    Change::EnvironmentNote,
    Change::Signature,
    Change::SentFromPhone,
    Change::AntivirusFooter,
    Change::UnsubscribeFooter,
    Change::QuotedHistory,
    Change::LogLines,
    Change::JsonBlob,
    Change::SubjectInBody,
    Change::SentenceBefore,
    Change::SentenceAfter,
    Change::SentenceBetween,
];

/// In each language a person, a figure, a product.
const MORE: [(&str, Language); 4] = [
    ("Hello,\norder 88213 for Emily is not in Shopify. It was paid.\n\nThanks\nOswin", Language::En),
    ("Bonjour,\nla commande 88213 de Léa n'est pas dans Shopify. Elle est payée.\n\nMerci\nSolène", Language::Fr),
    ("Hallo,\ndie Bestellung 88213 für Jörg fehlt in Shopify. Sie ist bezahlt.\n\nDanke\nIlvy", Language::De),
    ("Hola:\nel pedido 88213 de María no está en Shopify. Está pagado.\n\nGracias\nXoel", Language::Es),
];

/// The bundled tickets and some more, with their numbers.
fn tickets() -> Vec<(u64, String, String, Language)> {
    let bundled = input::bundled().rows.into_iter().map(|row| {
        let language = row.labels.language.unwrap_or(Language::En);
        (row.id.number(), row.subject.to_string(), row.description.to_string(), language)
    });
    let more =
        MORE.iter().zip(1..).map(|((body, language), id)| (id, "88213".to_owned(), (*body).to_owned(), *language));
    bundled.chain(more).collect()
}

/// Every ticket that the change applies to, with its words and those after it.
fn changed(change: Change) -> Vec<(Text<'static>, Changed)> {
    let tickets = tickets().leak();
    let changed = tickets.iter().filter_map(|(number, subject, body, language)| {
        let text = Text { subject, body, language: *language };
        Some((text, change.made(text, *number)?))
    });
    changed.collect()
}

/// Letters and figures in lower case, each word by itself.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

#[test]
fn a_change_is_made_the_same_way_twice() {
    for change in Change::value_variants() {
        let made = || changed(*change).into_iter().map(|(_, new)| new).collect::<Vec<_>>();
        assert_eq!(made(), made(), "{change:?}");
    }
}

#[test]
fn a_change_changes_something_in_every_language() {
    for change in Change::value_variants() {
        let changed = changed(*change);
        assert!(changed.iter().all(|(text, new)| text.subject != new.subject || text.body != new.body), "{change:?}");
        let languages: BTreeSet<Language> = changed.iter().map(|(text, _)| text.language).collect();
        let expected: Vec<Language> = match change {
            Change::EnglishDisclaimer | Change::NoAccents => vec![Language::Fr, Language::De, Language::Es],
            _ => LANGUAGES.to_vec(),
        };
        for language in expected {
            assert!(languages.contains(&language), "{change:?} in {language}");
        }
    }
}

#[test]
fn additions_keep_every_word_in_its_place() {
    for change in ADDITIONS {
        for (text, new) in changed(change) {
            let after = words(&new.body);
            let mut rest = after.iter();
            let lost = words(text.body).into_iter().find(|word| !rest.any(|other| other == word));
            assert_eq!(lost, None, "{change:?} of {}", text.body);
            assert!(after.len() > words(text.body).len() && new.subject == text.subject, "{change:?}");
        }
    }
}

#[test]
fn what_is_added_is_in_the_language_of_the_ticket() {
    let phrases = phrases();
    let texts: [(Change, &ByLanguage); 12] = [
        (Change::Greeting, &phrases.greeting),
        (Change::CourtesyBefore, &phrases.courtesy_before),
        (Change::CourtesyAfter, &phrases.courtesy_after),
        (Change::FormalCourtesy, &phrases.formal_courtesy),
        (Change::Disclaimer, &phrases.disclaimer),
        (Change::ExternalBanner, &phrases.banner),
        (Change::EnvironmentNote, &phrases.environment),
        (Change::SentFromPhone, &phrases.phone),
        (Change::AntivirusFooter, &phrases.antivirus),
        (Change::UnsubscribeFooter, &phrases.unsubscribe),
        (Change::QuotedHistory, &phrases.history),
        (Change::SentenceBetween, &phrases.sentence),
    ];
    let has = |text: &str, variants: &[String]| variants.iter().any(|variant| text.contains(variant.as_str()));
    for (change, added) in texts {
        for (text, new) in changed(change) {
            assert!(has(&new.body, added.of(text.language)), "{change:?} in {}: {}", text.language, new.body);
        }
    }
    for (text, new) in changed(Change::EnglishDisclaimer) {
        assert!(text.language != Language::En && has(&new.body, phrases.disclaimer.of(Language::En)), "{}", new.body);
    }
}

#[test]
fn layout_and_letters_keep_the_words() {
    let folded = |text: &str, german| words(&training::letters::plain(text, german)).concat();
    for change in [Change::Capitals, Change::LowerCase, Change::NoAccents, Change::Rewrapped, Change::Blanks] {
        for (text, new) in changed(change) {
            let german = text.language == Language::De;
            assert_eq!(folded(&new.body, german), folded(text.body, german), "{change:?}");
        }
    }
}

#[test]
fn variants_differ_by_ticket() {
    let phrases = phrases();
    for (change, variants) in [(Change::Greeting, &phrases.greeting.en), (Change::SentenceAfter, &phrases.sentence.en)]
    {
        let text = Text { subject: "Labels", body: "They stick together.", language: Language::En };
        let made: BTreeSet<String> =
            (1..200).filter_map(|ticket| change.made(text, ticket)).map(|new| new.body).collect();
        assert_eq!(made.len(), variants.len(), "{change:?}");
    }
}

#[test]
fn a_language_without_texts_is_left_out() {
    let text = Text { subject: "Etichette", body: "Le etichette non si stampano.", language: Language::It };
    let made = |change: Change| change.made(text, 7).is_some();
    assert!(!made(Change::Greeting) && !made(Change::QuotedHistory) && !made(Change::ConversationSubject));
    assert!(made(Change::EnglishDisclaimer) && made(Change::Html) && made(Change::ReplySubject));
}

#[test]
fn only_capitals_may_change_a_label() {
    let exempt = |label: &str| -> Vec<Change> {
        Change::value_variants().iter().copied().filter(|change| change.exempts(label)).collect()
    };
    assert_eq!(exempt("sentiment"), [Change::Capitals]);
    assert!(exempt("priority").is_empty() && exempt("team").is_empty());
}
