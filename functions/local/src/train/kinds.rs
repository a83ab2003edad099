//! What sentences do, what kind of ticket they make, in which language, and what they are like beside a team's examples.

use std::num::NonZero;

use analyst::{Encoder, Kinds, Languages, acts::Act, languages};
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use domain::{Kind, Language};
use strum::{EnumCount, IntoEnumIterator};
use training::{
    corpus::{self, ActSentence, LabelledTicket},
    evaluate::Confusion,
    train::{ActExamples, BackgroundExamples, KindExamples, LanguageExamples, Unseen, is_held_out},
};

use super::save;
use crate::{cli::TrainArguments, say};

/// The share of tickets that are about a team's own matter.
const SHARE: f64 = 0.1;
/// Every so many tickets of the corpus is a request among the kinds: more of them would drown the others.
const EVERY: usize = 3;

/// # Errors
/// A corpus that cannot be read, named by file and line; a file that cannot be written.
pub(super) fn command(arguments: &TrainArguments, encoder: &Encoder) -> anyhow::Result<(Kinds, Languages)> {
    let folder = &arguments.corpus;
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let (written, tickets) = (corpus::acts(&folder.join("acts"))?, corpus::kinds(&folder.join("kinds"))?);
    let customers = corpus::tickets(&folder.join("tickets"))?;
    let mut sentences = written.clone();
    sentences.extend(corpus::noise(&folder.join("noise"))?.iter().flat_map(ActSentence::of_noise));
    // What weighs acts beside the heads is fitted on the tickets held out.
    let seen = customers.iter().filter(|ticket| !is_held_out(&ticket.scenario));
    sentences.extend(seen.flat_map(ActSentence::notices));
    let (foreign, labelled) =
        (corpus::foreign(&folder.join("languages"))?, corpus::sentences(&folder.join("sentences"))?);

    say::line(format_args!("Fitting what {} sentences do …", sentences.len()));
    let examples = ActExamples::new(encoder, &sentences);
    let names: Vec<&str> = Act::iter().map(<&str>::from).collect();
    let said = examples.held_out().into_iter().map(|(truth, act)| (truth, act as usize));
    report(&names, Confusion::of(Act::COUNT, said));
    let acts = examples.fit();

    say::line(format_args!("Fitting the kinds of {} tickets …", tickets.len()));
    let requests: Vec<&LabelledTicket> = customers.iter().step_by(EVERY).collect();
    let examples = KindExamples::new(encoder, &acts, &tickets, &requests);
    let names: Vec<&str> = Kind::iter().map(<&str>::from).collect();
    report(&names, Confusion::of(Kind::COUNT, examples.truth().iter().copied().zip(examples.held_out())));
    let kinds = examples.fit(acts);
    save(&arguments.kinds, &kinds.to_bytes(), data::KINDS)?;

    let served = written.iter().map(|sentence| (sentence.text.as_str(), sentence.language));
    let served = served.chain(labelled.iter().map(|sentence| (sentence.text.as_str(), sentence.language)));
    let others =
        foreign.iter().map(|sentence| (sentence.text.as_str(), sentence.language.parse().unwrap_or(Language::Other)));
    let own_words: Vec<(Vec<String>, Language)> = customers
        .iter()
        .filter(|ticket| !ticket.language.is_written())
        .map(|ticket| (analyst::text::sentences(&ticket.body), ticket.language))
        .collect();
    let own_words = own_words
        .iter()
        .flat_map(|(sentences, language)| sentences.iter().map(|sentence| (sentence.as_str(), *language)));
    let texts: Vec<(&str, Language)> =
        served.chain(others).chain(own_words).filter(|(_, language)| languages::class(*language).is_some()).collect();
    say::line(format_args!("Fitting the languages of {} sentences …", texts.len()));
    let examples = LanguageExamples::new(&texts);
    let names: Vec<&str> = Language::iter().map(<&str>::from).collect();
    let pairs = texts.iter().map(|(_, language)| *language as usize).zip(examples.held_out(&texts));
    report(&names, Confusion::of(names.len(), pairs.map(|(truth, said)| (truth, said as usize))));
    let languages = examples.fit();
    save(&arguments.languages, &languages.to_bytes(), data::LANGUAGES)?;

    background(arguments, encoder, &kinds, &customers, threads)?;
    Ok((kinds, languages))
}

fn background(
    arguments: &TrainArguments,
    encoder: &Encoder,
    kinds: &Kinds,
    tickets: &[LabelledTicket],
    threads: usize,
) -> anyhow::Result<()> {
    let sentences = corpus::topic_sentences(&arguments.corpus.join("topics"))?;
    if sentences.is_empty() {
        return Ok(());
    }
    say::line(format_args!("Fitting what {} sentences by topic are like …", sentences.len()));
    let (background, unseen) = BackgroundExamples::new(encoder, kinds, &sentences, tickets, threads).fit(threads);
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["a topic left out, ten examples", "recall", "precision", "F1"]);
    let mut row = |name: String, chosen: &dyn Fn(&Unseen) -> bool| {
        let found = Found::of(unseen.iter().filter(|unseen| chosen(unseen)));
        let scores = [found.recall, found.precision, found.f1()];
        table.add_row(std::iter::once(name).chain(scores.map(|score| format!("{score:.3}"))));
    };
    for language in Language::iter().filter(|language| language.is_written()) {
        let of = move |unseen: &Unseen| unseen.ticket == language;
        row(format!("tickets in {language}, examples too"), &|unseen| of(unseen) && unseen.examples == language);
        row(format!("tickets in {language}, examples not"), &|unseen| of(unseen) && unseen.examples != language);
    }
    row("tickets in other languages".to_owned(), &|unseen| !unseen.ticket.is_written());
    say::line(format_args!("{table}"));
    save(&arguments.background, &background.to_bytes(), data::BACKGROUND)
}

/// How well a topic is found that only examples tell of.
struct Found {
    recall: f64,
    /// Of one ticket in ten, as a team's own matter would be.
    precision: f64,
}

impl Found {
    fn of<'a>(unseen: impl Iterator<Item = &'a Unseen>) -> Self {
        let pairs = unseen.map(|unseen| (usize::from(unseen.is), usize::from(unseen.probability >= 0.5)));
        let confusion = Confusion::of(2, pairs);
        let recall = confusion.recall(1).unwrap_or_default();
        let (right, wrong) = (SHARE * recall, (1.0 - SHARE) * (1.0 - confusion.recall(0).unwrap_or_default()));
        Self { recall, precision: right / (right + wrong).max(f64::MIN_POSITIVE) }
    }

    fn f1(&self) -> f64 {
        let Self { recall, precision } = self;
        2.0 * recall * precision / (recall + precision).max(f64::MIN_POSITIVE)
    }
}

/// Recall and precision of each class on what was held out.
fn report(names: &[&str], confusion: Confusion) {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(["held out", "recall", "precision"]);
    let shown = |score: Option<f64>| score.map_or_else(|| "–".to_owned(), |score| format!("{score:.3}"));
    for (class, name) in names.iter().enumerate() {
        table.add_row([(*name).to_owned(), shown(confusion.recall(class)), shown(confusion.precision(class))]);
    }
    table.add_row(["all".to_owned(), format!("{:.3}", confusion.accuracy()), String::new()]);
    say::line(format_args!("{table}"));
}
