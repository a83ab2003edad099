//! What the customer says now: cut out of the ticket, split and encoded once, and handed to every reader.
//!
//! A text over the limit is not cut blindly. All of its sentences are looked at by the n-gram heads, which cost a
//! thousandth of the encoder, and the strongest of each task are read beside the beginning and the end.

use domain::{Language, Sender, Ticket};
use encoder::Vector;
use mail::{Context, LeftOut, Message, subject::Subject};

use crate::{
    acts::PerAct,
    asked::Asked,
    features,
    heads::PerTask,
    heard::{self, Heard},
    inputs::Inputs,
    kinds::{Parts, fresh_subject},
    model::Model,
    text,
    weights::Weights,
};

/// Bytes read of one ticket, about 2,000 words: ten times the longest ticket of the corpus, and the hardest text
/// of this size takes the encoder half a second of a core, which is two seconds for a function of 512 MB.
pub const MOST_BYTES: usize = 12 * 1024;
/// Sentences read of one ticket: however short they are, each costs the encoder a pass of its own.
pub const MOST_SENTENCES: usize = 200;
/// A subject goes on in the body from here. In characters; Zendesk's own end at 150.
const LONGEST_SUBJECT: usize = 500;
/// The beginning and the end of a text over the limit get this part of the limit each, what is strongest gets the rest.
const EDGE: usize = 3;
/// A subject above nothing says something from this many words on.
const SUBJECT_ALONE: usize = 2;
/// A cover note of more words tells by itself whether what it covers still matters.
const SPEAKS_FOR_ITSELF: usize = 40;
/// Stands where sentences were left out.
const GAP: &str = "[…]";
/// The subject of a message that answers another.
const ANSWER: &str = "Re:";

/// The customer's own words and what they mean to the encoder. Only [`EmbeddedAnalyst::listen`] makes one, so that no
/// ticket is encoded twice.
///
/// [`EmbeddedAnalyst::listen`]: crate::EmbeddedAnalyst::listen
#[derive(Clone, PartialEq, Debug)]
pub struct CustomerText {
    subject: String,
    /// Empty where it is another's.
    own_subject: String,
    messages: Vec<String>,
    body: String,
    sentences: Vec<String>,
    language: Language,
    cut: bool,
    mixed: bool,
    sender: Sender,
    heard: Heard,
    meanings: Vec<Vector>,
    asked: Option<Asked>,
    parts: Parts,
    forwarded: Option<Forwarded>,
    left_out: Vec<LeftOut>,
}

/// Another person's words that the customer hands on: they may raise a priority, and never say what the customer wants.
#[derive(Clone, PartialEq, Debug)]
pub struct Forwarded {
    /// As the mail program wrote it: a name, an address, or both.
    pub from: Option<String>,
    /// What a colleague wrote to the customer.
    pub internal: bool,
    /// At most a third of [`MOST_BYTES`], not counting the marks for what was left out.
    pub text: String,
    pub sentences: Vec<String>,
    /// Of the subject, the customer's words and these.
    heard: Heard,
    parts: Parts,
}

impl CustomerText {
    /// `go_on` is asked between sentences: with its first no reading ends where it stands, and the text is cut.
    pub(crate) fn new(weights: &Weights, ticket: &Ticket, go_on: &dyn Fn() -> bool) -> Self {
        let Weights { encoder, model, kinds, languages, .. } = weights;
        let whole = mail::subject::clean(&ticket.subject);
        let (subject, overflow) = split_subject(&whole);
        let read = read(ticket, go_on);
        let skipped = read.len() < ticket.messages().count();
        let mixed = read.iter().any(Message::is_mixed);
        let own_subject = if is_of_others(subject, &read) { "" } else { subject };
        let handed_on = read.iter().rev().find_map(|message| message.forwarded.clone());
        let noted = read.iter().rev().find(|message| message.forwarded.is_some());
        let cover = noted.is_some_and(|message| !speaks_for_itself(&message.own));
        let handed_on = handed_on.filter(|forwarded| !(forwarded.internal && cover));
        let (own, left_out): (Vec<_>, Vec<_>) =
            read.into_iter().map(|message| (own_and_colleagues(&message), message.left_out)).unzip();
        let own = overflow.map(str::to_owned).into_iter().chain(own).filter(|message| !message.trim().is_empty());
        let Bounded { messages, mut sentences, cut } = bounded(model, own.collect(), ALL, go_on);
        let body = messages.join("\n\n");
        let inputs = Inputs::within(encoder, own_subject, &sentences, go_on);
        // A text without a sentence has one row all the same.
        let read = inputs.sentences.nrows();
        let mut cut = cut || skipped || read < sentences.len();
        sentences.truncate(read);
        let handed_on = handed_on.map(|handed_on| {
            let text = handed_on.text.clone();
            (handed_on, bounded(model, vec![text], ALL.part(EDGE), go_on))
        });
        let own_words = format!("{own_subject}\n{body}");
        let detected = languages.detect(&match &handed_on {
            Some((_, theirs)) if own_words.trim().is_empty() => format!("{subject}\n{}", theirs.messages.concat()),
            Some(_) | None => own_words,
        });
        let parts = kinds.parts(&inputs, fresh_subject(own_subject), &sentences, detected);
        let written = heard::without_boilerplate(&parts.sentences, &sentences);
        let language = match &written {
            Some(written) => languages.detect(&format!("{own_subject}\n{written}")),
            None => detected,
        };
        let parts = if language == detected {
            parts
        } else {
            kinds.parts(&inputs, fresh_subject(own_subject), &sentences, language)
        };
        let forwarded = handed_on.map(|(handed_on, bounded)| {
            let both = [sentences.as_slice(), bounded.sentences.as_slice()].concat();
            let inputs = Inputs::within(encoder, subject, &both, go_on);
            cut = cut || bounded.cut || inputs.sentences.nrows() < both.len();
            let parts = kinds.parts(&inputs, fresh_subject(subject), &both, language);
            Forwarded {
                from: handed_on.from,
                internal: handed_on.internal,
                text: bounded.messages.concat(),
                sentences: bounded.sentences,
                heard: Heard::new(&inputs, &parts, subject, &both, language),
                parts,
            }
        });
        let mut text = Self {
            language,
            asked: None,
            heard: Heard::new(&inputs, &parts, own_subject, &sentences, language),
            parts,
            meanings: inputs.meanings(),
            subject: subject.to_owned(),
            own_subject: own_subject.to_owned(),
            messages,
            body,
            sentences,
            cut,
            mixed,
            sender: ticket.sender,
            forwarded,
            left_out: left_out.concat(),
        };
        text.asked = Asked::new(text.parts_by_sentence(), text.sentences.len());
        text
    }

    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Oldest first, each in the customer's own words; together at most [`MOST_BYTES`], not counting the marks for what
    /// was left out. Empty where he only hands something on.
    #[must_use]
    pub fn messages(&self) -> &[String] {
        &self.messages
    }

    /// The subject and the messages.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.subject.as_str()).chain(self.messages.iter().map(String::as_str))
    }

    /// All messages as one text.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }

    /// Of the body, in order.
    #[must_use]
    pub fn sentences(&self) -> &[String] {
        &self.sentences
    }

    #[must_use]
    pub fn language(&self) -> Language {
        self.language
    }

    /// Something was left out: the text was too long, or there was no time for all of it.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// Older messages, a forwarded one or other speakers were there too.
    #[must_use]
    pub fn is_mixed(&self) -> bool {
        self.mixed
    }

    /// The newest message that the customer hands on.
    #[must_use]
    pub fn forwarded(&self) -> Option<&Forwarded> {
        self.forwarded.as_ref()
    }

    /// What is not among the customer's words, and the rule that took it out.
    #[must_use]
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    pub(crate) fn heard(&self) -> &Heard {
        &self.heard
    }

    /// Who is behind the ticket, as far as the helpdesk knows.
    pub(crate) fn sender(&self) -> Sender {
        self.sender
    }

    /// What is forwarded, if it may raise the priority: not under words that settle it, or that are long enough to say
    /// themselves what matters.
    pub(crate) fn urgent_forward(&self) -> Option<&Forwarded> {
        self.forwarded.as_ref().filter(|_| !speaks_for_itself(&self.body) && !self.parts.is_closed())
    }

    /// What subject and sentences do.
    pub(crate) fn parts(&self) -> &Parts {
        &self.parts
    }

    /// The sentences that the heads hear, in their order, with what each does.
    pub(crate) fn heard_sentences(&self) -> impl Iterator<Item = (&String, &PerAct)> {
        self.heard
            .said
            .iter()
            .filter_map(|index| Some((self.sentences.get(*index)?, self.parts.sentences.get(*index)?)))
    }

    /// The sentences of the customer's own with what each does and means; last the subject, where it was written for this
    /// message: that of an answer is the first message's, and was read with it.
    pub(crate) fn parts_by_sentence(&self) -> impl Iterator<Item = (&str, &PerAct, &Vector)> {
        let body = self.sentences.iter().map(String::as_str).zip(&self.parts.sentences).zip(&self.meanings);
        let body = body.map(|((sentence, acts), meaning)| (sentence, acts, meaning));
        let subject = Some(self.own_subject.as_str()).filter(|subject| !subject.is_empty() && self.forwarded.is_none());
        let subject = subject.and_then(fresh_subject);
        let subject = subject.map(|subject| (subject, &self.parts.subject));
        body.chain(subject.zip(self.meanings.last()).map(|((subject, acts), meaning)| (subject, acts, meaning)))
    }

    /// Whether anything was said in words: pictures, file names and marks are none.
    pub(crate) fn has_words(&self) -> bool {
        let words = |text: &str| text.split_whitespace().filter(|word| is_word(word)).count();
        let body: usize = self.sentences.iter().map(|sentence| words(sentence)).sum();
        body > 0 || words(&self.subject) >= SUBJECT_ALONE
    }

    /// What it asks the knowledge base, a row for each sentence, the subject last.
    #[must_use]
    pub fn asked(&self) -> Option<&Asked> {
        self.asked.as_ref()
    }
}

/// Letters that are no file's name and no mark of a picture.
fn is_word(word: &str) -> bool {
    const FILES: [&str; 12] =
        [".png", ".jpg", ".jpeg", ".gif", ".bmp", ".heic", ".webp", ".pdf", ".svg", ".mov", ".mp4", ".tiff"];
    const PICTURES: [&str; 4] = ["image:", "cid:", "image", "img"];
    let bare = word.trim_matches(|c: char| !c.is_alphanumeric() && c != ':' && c != '.').to_lowercase();
    let file = FILES.iter().any(|ending| bare.contains(ending));
    bare.chars().any(char::is_alphabetic) && !file && !PICTURES.contains(&bare.as_str())
}

impl Forwarded {
    pub(crate) fn heard(&self) -> &Heard {
        &self.heard
    }

    /// What each sentence of the other person does.
    pub(crate) fn acts(&self) -> impl Iterator<Item = (&str, &PerAct)> {
        let theirs = self.parts.sentences.iter().rev().zip(self.sentences.iter().rev());
        theirs.map(|(acts, sentence)| (sentence.as_str(), acts))
    }
}

/// The messages taken apart: the first, and of the others the newest that there is time for.
fn read(ticket: &Ticket, go_on: &dyn Fn() -> bool) -> Vec<Message> {
    let requester = ticket.requester_name.as_deref();
    // Whoever writes again answers.
    let later = ticket.follow_ups.iter().rev().take_while(|_| go_on());
    let mut read: Vec<Message> =
        later.map(|message| mail::read(message, Context { subject: ANSWER, requester })).collect();
    read.push(mail::read(&ticket.description, Context { subject: &ticket.subject, requester }));
    read.reverse();
    read
}

/// Whether the subject is another's: of the message that is forwarded, or of the closed ticket that this one follows.
fn is_of_others(subject: &str, messages: &[Message]) -> bool {
    let Some(first) = messages.first() else { return false };
    let Subject { kind, rest } = mail::subject::parse(subject);
    let forwards = kind == mail::subject::Kind::Forward && first.forwarded.is_some();
    let follows = first.follows.as_deref().is_some_and(|old| {
        let old = mail::subject::parse(old).rest.trim_end_matches(['…', '.']).to_lowercase();
        !old.is_empty() && rest.to_lowercase().starts_with(&old)
    });
    forwards || follows
}

/// A single message in the customer's own words, as training sees it.
#[must_use]
pub fn own_words(subject: &str, body: &str) -> String {
    own_and_colleagues(&mail::read(body, Context { subject, requester: None }))
}

/// Whether words are enough to say by themselves whether what they cover still matters.
fn speaks_for_itself(own: &str) -> bool {
    own.split_whitespace().nth(SPEAKS_FOR_ITSELF).is_some()
}

/// The writer's words, and below a cover note what a colleague of the writer says: the customer is a company, and its
/// manager's notice is its own whoever hands it on.
fn own_and_colleagues(message: &Message) -> String {
    match &message.forwarded {
        Some(forwarded) if forwarded.internal && !speaks_for_itself(&message.own) => {
            format!("{}\n\n{}", message.own, forwarded.text)
        }
        Some(_) | None => message.own.clone(),
    }
}

/// Messages within the limit.
struct Bounded {
    messages: Vec<String>,
    sentences: Vec<String>,
    cut: bool,
}

/// The subject, and what of it is too long for one.
fn split_subject(subject: &str) -> (&str, Option<&str>) {
    match subject.char_indices().nth(LONGEST_SUBJECT) {
        None => (subject, None),
        Some((end, _)) => {
            let (subject, overflow) = subject.split_at(end);
            (subject, Some(overflow))
        }
    }
}

fn bounded(model: &Model, messages: Vec<String>, room: Room, go_on: &dyn Fn() -> bool) -> Bounded {
    let split: Vec<Vec<String>> = messages.iter().map(|message| text::sentences(message)).collect();
    let count: usize = split.iter().map(Vec::len).sum();
    let bytes: usize = messages.iter().map(String::len).sum();
    if bytes <= room.bytes && count <= room.sentences {
        return Bounded { messages, sentences: split.concat(), cut: false };
    }
    let kept = selected(model, &split.concat(), room, go_on);
    let mut keeps = kept.iter();
    let mut bounded = Bounded { messages: Vec::new(), sentences: Vec::new(), cut: kept.contains(&false) };
    for message in split {
        let mut text = String::new();
        let mut gap = false;
        for sentence in message {
            if keeps.next().copied().unwrap_or(false) {
                push_line(&mut text, &sentence);
                bounded.sentences.push(sentence);
                gap = false;
            } else if !gap {
                push_line(&mut text, GAP);
                gap = true;
            }
        }
        // A message of which nothing is left would be a gap and no more.
        if text != GAP && !text.is_empty() {
            bounded.messages.push(text);
        }
    }
    bounded
}

fn push_line(text: &mut String, line: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(line);
}

/// What is left of the limit.
#[derive(Clone, Copy)]
struct Room {
    bytes: usize,
    sentences: usize,
}

/// For a whole ticket.
const ALL: Room = Room { bytes: MOST_BYTES, sentences: MOST_SENTENCES };

impl Room {
    fn part(self, of: usize) -> Self {
        Self { bytes: self.bytes / of, sentences: self.sentences / of }
    }

    /// Whether the sentence still fits; if so, its place is taken.
    fn takes(&mut self, sentence: &str) -> bool {
        let fits = self.sentences > 0 && sentence.len() < self.bytes;
        if fits {
            self.bytes -= sentence.len() + 1;
            self.sentences -= 1;
        }
        fits
    }
}

/// Which sentences are read: the beginning, the end, and the strongest by each task in turn.
fn selected(model: &Model, sentences: &[String], all: Room, go_on: &dyn Fn() -> bool) -> Vec<bool> {
    let edge = all.part(EDGE);
    let mut kept = vec![false; sentences.len()];
    let mut room = edge;
    for (keep, _) in kept.iter_mut().zip(sentences).take_while(|(_, sentence)| room.takes(sentence)) {
        *keep = true;
    }
    let mut room = edge;
    let from_the_end = kept.iter_mut().zip(sentences).rev().take_while(|(keep, _)| !**keep);
    for (keep, _) in from_the_end.take_while(|(_, sentence)| room.takes(sentence)) {
        *keep = true;
    }
    let mut room = all;
    for (_, sentence) in kept.iter().zip(sentences).filter(|(keep, _)| **keep) {
        room.takes(sentence);
    }
    for index in by_strength(model, sentences, go_on) {
        if let (Some(keep), Some(sentence)) = (kept.get_mut(index), sentences.get(index))
            && !*keep
            && room.takes(sentence)
        {
            *keep = true;
        }
    }
    kept
}

/// The sentences by descending strength, the strongest of each task first, then the second of each, and so on. Those for
/// which there was no time are not among them.
fn by_strength(model: &Model, sentences: &[String], go_on: &dyn Fn() -> bool) -> Vec<usize> {
    let strengths: Vec<PerTask<f32>> = sentences
        .iter()
        .take_while(|_| go_on())
        .map(|sentence| model.strengths(&features::extract("", sentence)))
        .collect();
    let rankings = PerTask::from_fn(|task| {
        let mut ranking: Vec<(usize, f32)> = strengths.iter().map(|strength| strength[task]).enumerate().collect();
        ranking.sort_by(|a, b| b.1.total_cmp(&a.1));
        ranking
    });
    (0..strengths.len())
        .flat_map(|place| rankings.values().filter_map(move |ranking| ranking.get(place)))
        .map(|(index, _)| *index)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use domain::sample;

    use super::*;

    const CALM: &str = "The courier collected parcel 12 from dock 4 as planned on Tuesday.\n";
    const THREAT: &str = "We have decided to cancel our contract and will move to another provider.";

    fn listen(ticket: &Ticket) -> CustomerText {
        let weights = Weights::bundled().unwrap();
        CustomerText::new(&weights, ticket, &|| true)
    }

    fn ticket(description: &str) -> Ticket {
        Ticket { description: description.into(), ..sample::ticket(1) }
    }

    #[test]
    fn a_short_text_is_read_as_it_stands() {
        let text = listen(&ticket("Two  blanks.\nTwo lines."));
        assert_eq!(text.messages(), ["Two  blanks.\nTwo lines."]);
        assert_eq!(text.sentences(), ["Two blanks.", "Two lines."]);
        assert!(!text.is_cut());
    }

    #[test]
    fn what_is_not_his_is_told_apart() {
        let text = listen(&ticket("Works now.\n\nOn 2 Nov 2026, Ann <ann@x.example> wrote:\n> We leave."));
        assert_eq!((text.messages(), text.is_mixed()), (&["Works now.".to_owned()][..], true));
        assert!(text.forwarded().is_none());
        assert_eq!(text.left_out().iter().map(|part| part.rule.name()).collect::<Vec<_>>(), ["attribution"]);

        let banner = "---------- Forwarded message ---------\nFrom: Jo <jo@x.example>\nTo: ann@y.example";
        let forward = ticket(&format!("FYI\n\n{banner}\n\nIt is down. Nobody can pay since seven."));
        let text = listen(&Ticket { subject: "Fwd: Shop".into(), ..forward });
        let forwarded = text.forwarded().unwrap();
        assert_eq!(text.sentences(), ["FYI"]);
        assert_eq!(forwarded.sentences, ["It is down.", "Nobody can pay since seven."]);
        assert_eq!((forwarded.from.as_deref(), forwarded.internal), (Some("Jo <jo@x.example>"), false));
        // Whether "FYI" is heard beside them is the classifier's to say.
        assert!((2..=3).contains(&forwarded.heard().inputs.sentences.nrows()));
    }

    #[test]
    fn a_footer_in_another_language_is_not_the_customers() {
        const FOOTER: &str = "This message and everything attached to it is meant for the person it is addressed to and may \
                              hold confidential information. If it reached you by mistake, please let the sender know and \
                              delete it from your system at once. Any copying or passing on without our consent is \
                              prohibited.";
        for (text, language) in [
            ("Der Export bricht seit gestern ab.", Language::De),
            ("Le rapport des ventes est vide depuis lundi.", Language::Fr),
            ("No podemos imprimir las etiquetas desde ayer.", Language::Es),
            ("Raport sprzedaży jest pusty od poniedziałku.", Language::Pl),
            ("The sales report has been empty since Monday.", Language::En),
        ] {
            assert_eq!(listen(&ticket(&format!("{text}\n\n{FOOTER}"))).language(), language, "{text}");
        }
    }

    #[test]
    fn a_closed_tickets_subject_is_not_read_as_his() {
        let line = "This is a follow-up to your previous request #7 \"Checkout down for everybody\"";
        for subject in ["Re: Checkout down for everybody", "Checkout down for everybody"] {
            let follows = Ticket { subject: subject.into(), ..ticket(&format!("{line}\n\nAll fine.")) };
            let text = listen(&follows);
            assert_eq!((text.body(), text.subject()), ("All fine.", subject));
            assert_eq!(text.parts_by_sentence().map(|(sentence, ..)| sentence).collect::<Vec<_>>(), ["All fine."]);
            assert_eq!(text.heard(), listen(&Ticket { subject: "".into(), ..ticket("All fine.") }).heard());
        }
    }

    #[test]
    fn no_sentence_is_dropped_unseen() {
        let hay = CALM.repeat(400);
        for place in [0, 40, 200, 399, 400] {
            let (before, after) = hay.split_at(place * CALM.len());
            let text = listen(&ticket(&format!("{before}{THREAT}\n{after}")));
            assert!(text.is_cut());
            assert!(text.sentences().iter().any(|sentence| sentence == THREAT), "after {place} lines");
            assert!(text.messages().concat().contains(THREAT), "after {place} lines");
        }
    }

    #[test]
    fn every_text_is_read_within_the_limit() {
        for hostile in [
            "a".repeat(65_535),
            "word ".repeat(13_000),
            "A.\n".repeat(21_000),
            "𓀀𓀁 ".repeat(7_000),
            "\u{1}".repeat(65_535),
            "a a! ".repeat(13_000),
        ] {
            let mut hostile = Ticket { subject: hostile.as_str().into(), ..ticket(&hostile) };
            hostile.follow_ups = vec![hostile.description.to_string(); 3];
            let text = listen(&hostile);
            let bytes: usize = text.sentences().iter().map(|sentence| sentence.len() + 1).sum();
            assert!(text.is_cut());
            assert!(bytes <= MOST_BYTES && text.sentences().len() <= MOST_SENTENCES, "{bytes}");
            assert!(text.subject().chars().count() <= LONGEST_SUBJECT);
            assert!(text.body().len() <= 2 * MOST_BYTES, "{}", text.body().len());
        }
    }

    #[test]
    fn white_space_alone_cuts_nothing() {
        let text = listen(&ticket(&format!("Hello.{}Bye.", " ".repeat(60_000))));
        assert_eq!((text.messages(), text.is_cut()), (&["Hello.\nBye.".to_owned()][..], false));
    }

    #[test]
    fn reading_stops_when_time_is_up() {
        let weights = Weights::bundled().unwrap();
        let long = ticket(&CALM.repeat(100));
        let asked = Cell::new(0);
        let text = CustomerText::new(&weights, &long, &|| {
            asked.set(asked.get() + 1);
            asked.get() <= 10
        });
        assert_eq!((text.sentences().len(), text.is_cut()), (11, true), "the first one is read without a question");
        assert_eq!(asked.get(), 11);
    }

    #[test]
    fn the_newest_of_many_messages_are_read_first() {
        let weights = Weights::bundled().unwrap();
        let follow_ups = (0..10).map(|n| format!("Message number {n}.")).collect();
        let long = Ticket { follow_ups, ..ticket("First of all.") };
        let asked = Cell::new(0);
        let text = CustomerText::new(&weights, &long, &|| {
            asked.set(asked.get() + 1);
            asked.get() != 3
        });
        assert_eq!(text.messages(), ["First of all.", "Message number 8.", "Message number 9."]);
        assert!(text.is_cut());
    }

    #[test]
    fn a_ticket_is_encoded_once() {
        let weights = Weights::bundled().unwrap();
        let asked = Cell::new(0);
        let text = CustomerText::new(&weights, &ticket(&CALM.repeat(20)), &|| {
            asked.set(asked.get() + 1);
            true
        });
        assert_eq!((asked.get(), text.sentences().len()), (19, 20), "one question a sentence but the first");
    }
}
