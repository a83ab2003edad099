//! Changes of a ticket that are no reason to read it differently.

use clap::ValueEnum;
use domain::Language;
use training::{letters as typed, random::Random};

use super::{
    layout, letters,
    parts::{Parts, rewritten},
    phrases::{ByLanguage, any, phrases},
    subject,
    swapped::{self, People},
};

/// What is changed.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// A greeting as the first line
    Greeting,
    /// A polite sentence before the customer's words
    CourtesyBefore,
    /// A polite sentence after them
    CourtesyAfter,
    /// Both
    CourtesyBoth,
    /// A paragraph of formal courtesy before them
    FormalCourtesy,
    /// A confidentiality notice at the end, in the ticket's language
    Disclaimer,
    /// The same in English, under tickets in other languages
    EnglishDisclaimer,
    /// The warning of a mail gateway on top: from outside
    ExternalBanner,
    /// "Think before you print" at the end
    EnvironmentNote,
    /// A signature without the dashes above it
    Signature,
    /// "Sent from my phone"
    SentFromPhone,
    /// "Scanned for viruses" at the end
    AntivirusFooter,
    /// The footer of a newsletter at the end
    UnsubscribeFooter,
    /// An older, calm mail of an agent quoted below
    QuotedHistory,
    /// Lines of a log under the customer's words
    LogLines,
    /// JSON under the customer's words
    JsonBlob,
    /// The text as HTML
    Html,
    /// Slips in three letters of a hundred
    Typos,
    /// Letters without accents; German ae, oe, ue and ss
    NoAccents,
    /// ALL CAPITALS; the sentiment may change, for people shout in them
    Capitals,
    /// Lower case without punctuation
    LowerCase,
    /// No subject, where the body has twelve words or more
    NoSubject,
    /// The subject as the first line of the body as well
    SubjectInBody,
    /// The subject that messaging gives: "Conversation with NAME"; where the body has twelve words or more
    ConversationSubject,
    /// "Re: " before the subject
    ReplySubject,
    /// A harmless sentence before the customer's words
    SentenceBefore,
    /// A harmless sentence after them
    SentenceAfter,
    /// A harmless sentence in their middle
    SentenceBetween,
    /// Other people's names
    Names,
    /// Other figures of the same size, from four digits on
    Figures,
    /// Other products of the same role: Shopify for WooCommerce, DHL for DPD
    Products,
    /// Lines broken at 72 columns
    Rewrapped,
    /// Hard blanks and double ones
    Blanks,
}

/// A ticket's text, and the language in which it may be changed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<'a> {
    pub(super) subject: &'a str,
    pub(super) body: &'a str,
    pub(super) language: Language,
}

/// The text after a change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Changed {
    pub(super) subject: String,
    pub(super) body: String,
}

impl Change {
    /// As on the command line and in the files.
    pub(super) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Whether a label may be another after the change.
    pub(super) fn exempts(self, label: &str) -> bool {
        self == Self::Capitals && label == "sentiment"
    }

    /// The text after the change, the same each time for a ticket of that number; none where there is nothing to change.
    pub(super) fn made(self, text: Text<'_>, ticket: u64) -> Option<Changed> {
        let mut random = Random(seed(ticket, &self.name()));
        let changed = self.changed(text, &mut random)?;
        (changed.subject != text.subject || changed.body != text.body).then_some(changed)
    }

    fn changed(self, text: Text<'_>, random: &mut Random) -> Option<Changed> {
        let Text { subject, body, language } = text;
        let (phrases, parts) = (phrases(), Parts::of(body));
        let mut one_of = |texts: &'static ByLanguage| any(texts.of(language), random);
        let of_subject = |subject: String| Changed { subject, body: body.to_owned() };
        let of_body = |body: String| Changed { subject: subject.to_owned(), body };
        let of_both = |[subject, body]: [String; 2]| Changed { subject, body };
        Some(match self {
            Self::Greeting => of_body(parts.with_on_top(one_of(&phrases.greeting)?)),
            Self::CourtesyBefore => of_body(parts.with_before(one_of(&phrases.courtesy_before)?)),
            Self::CourtesyAfter => of_body(parts.with_after(one_of(&phrases.courtesy_after)?)),
            Self::CourtesyBoth => {
                let before = parts.with_before(one_of(&phrases.courtesy_before)?);
                of_body(Parts::of(&before).with_after(one_of(&phrases.courtesy_after)?))
            }
            Self::FormalCourtesy => of_body(parts.with_before(one_of(&phrases.formal_courtesy)?)),
            Self::Disclaimer => of_body(parts.with_at_end(one_of(&phrases.disclaimer)?)),
            Self::EnglishDisclaimer if language == Language::En => return None,
            Self::EnglishDisclaimer => of_body(parts.with_at_end(any(phrases.disclaimer.of(Language::En), random)?)),
            Self::ExternalBanner => of_body(parts.with_on_top(one_of(&phrases.banner)?)),
            Self::EnvironmentNote => of_body(parts.with_at_end(one_of(&phrases.environment)?)),
            Self::Signature => of_body(parts.with_under(one_of(&phrases.signature)?)),
            Self::SentFromPhone => of_body(parts.with_under(one_of(&phrases.phone)?)),
            Self::AntivirusFooter => of_body(parts.with_at_end(one_of(&phrases.antivirus)?)),
            Self::UnsubscribeFooter => of_body(parts.with_at_end(one_of(&phrases.unsubscribe)?)),
            Self::QuotedHistory => of_body(parts.with_at_end(one_of(&phrases.history)?)),
            Self::LogLines => of_body(parts.with_under(any(&phrases.log, random)?)),
            Self::JsonBlob => of_body(parts.with_under(any(&phrases.json, random)?)),
            Self::Html => of_body(layout::html(body, random)?),
            Self::Typos => of_both(letters::mistyped([subject, body], random)?),
            Self::NoAccents => of_both([subject, body].map(|text| typed::plain(text, language == Language::De))),
            Self::Capitals => of_both([subject.to_uppercase(), rewritten(body, str::to_uppercase)]),
            Self::LowerCase => of_both([typed::hurried(subject), rewritten(body, typed::hurried)]),
            Self::NoSubject | Self::ConversationSubject if !subject::is_spare(subject, body) => return None,
            Self::NoSubject => of_subject(String::new()),
            Self::SubjectInBody => of_body(subject::above(subject, body)?),
            Self::ConversationSubject => {
                let name = one_of(&phrases.names)?;
                of_subject(one_of(&phrases.conversation)?.replace("{name}", name))
            }
            Self::ReplySubject => of_subject(subject::replied(subject)?),
            Self::SentenceBefore => of_body(parts.with_before(one_of(&phrases.sentence)?)),
            Self::SentenceAfter => of_body(parts.with_after(one_of(&phrases.sentence)?)),
            Self::SentenceBetween => of_body(parts.with_between(one_of(&phrases.sentence)?)?),
            Self::Names => {
                let known = phrases.names.all().map(String::as_str).collect();
                let people = People { known, closings: &phrases.closings, others: phrases.names.of(language) };
                of_both(swapped::names([subject, body], &people, random)?)
            }
            Self::Figures => of_both(swapped::figures([subject, body], random)?),
            Self::Products => of_both(swapped::products([subject, body], &phrases.products, random)?),
            Self::Rewrapped => of_body(layout::wrapped(body)),
            Self::Blanks => of_body(layout::blanks(body, random)),
        })
    }
}

/// FNV-1a over the change's name, from the ticket's number: a change that is added moves no other.
fn seed(ticket: u64, change: &str) -> u64 {
    change.bytes().fold(ticket, |seed, byte| (seed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests;
