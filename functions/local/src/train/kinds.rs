//! What sentences do, what kind of ticket they make, and in which language.

use analyst::{Encoder, acts::Act};
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use domain::{Kind, Language};
use strum::{EnumCount, IntoEnumIterator};
use training::{
    corpus::{self, LabelledTicket},
    evaluate::Confusion,
    train::{ActExamples, KindExamples, LanguageExamples},
};

use super::save;
use crate::{cli::TrainArguments, say};

/// Every so many tickets of the corpus is a request among the kinds: more of them would drown the others.
const EVERY: usize = 3;

/// # Errors
/// A corpus that cannot be read, named by file and line; a file that cannot be written.
pub(super) fn command(arguments: &TrainArguments, encoder: &Encoder) -> anyhow::Result<()> {
    let folder = &arguments.corpus;
    let (sentences, tickets) = (corpus::acts(&folder.join("acts"))?, corpus::kinds(&folder.join("kinds"))?);
    let customers = corpus::tickets(&folder.join("tickets"))?;
    let (foreign, labelled) =
        (corpus::foreign(&folder.join("languages"))?, corpus::sentences(&folder.join("sentences"))?);

    say::line(format_args!("Fitting what {} sentences do …", sentences.len()));
    let examples = ActExamples::new(encoder, &sentences);
    let names: Vec<&str> = Act::iter().map(<&str>::from).collect();
    let truth = sentences.iter().map(|sentence| sentence.act as usize);
    let said = examples.held_out().into_iter().map(|act| act as usize);
    report(&names, Confusion::of(Act::COUNT, truth.zip(said)));
    let acts = examples.fit();

    say::line(format_args!("Fitting the kinds of {} tickets …", tickets.len()));
    let requests: Vec<&LabelledTicket> = customers.iter().step_by(EVERY).collect();
    let examples = KindExamples::new(encoder, &acts, &tickets, &requests);
    let names: Vec<&str> = Kind::iter().map(<&str>::from).collect();
    report(&names, Confusion::of(Kind::COUNT, examples.truth().iter().copied().zip(examples.held_out())));
    save(&arguments.kinds, &examples.fit(acts).to_bytes(), data::KINDS)?;

    let served = sentences.iter().map(|sentence| (sentence.text.as_str(), sentence.language));
    let served = served.chain(labelled.iter().map(|sentence| (sentence.text.as_str(), sentence.language)));
    let others = foreign.iter().map(|sentence| (sentence.text.as_str(), Language::Other));
    let texts: Vec<(&str, Language)> = served.chain(others).collect();
    say::line(format_args!("Fitting the languages of {} sentences …", texts.len()));
    let examples = LanguageExamples::new(&texts);
    let names: Vec<&str> = Language::iter().map(<&str>::from).collect();
    let pairs = texts.iter().map(|(_, language)| *language as usize).zip(examples.held_out(&texts));
    report(&names, Confusion::of(names.len(), pairs.map(|(truth, said)| (truth, said as usize))));
    save(&arguments.languages, &examples.fit().to_bytes(), data::LANGUAGES)
}

/// Recall and precision of each class on what was held out, five folds.
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
