//! `train`: refits the embedded analyst's heads.

mod gate;
mod kinds;
mod texts;

use std::{num::NonZero, path::Path};

use analyst::{Encoder, Kinds, Languages, PerTask, Task};
use anyhow::{Context, bail};
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use domain::{TeamId, topics};
use strum::IntoEnumIterator;
use training::{
    corpus::{self, ActSentence, CorpusError, LabelledSentence, LabelledTicket, NoiseText, TopicSentence},
    evaluate::Confusion,
    parallel,
    train::{Ears, Noise, SentenceExamples, TicketExample, Trained, Truth},
};

use crate::{
    cli::TrainArguments,
    exit::Ended,
    input::{self, Input, Labels},
    say,
};

/// One of the team's own tickets counts for this many of the corpus: their inbox is the one that matters.
const OWN_WEIGHT: f32 = 3.0;

/// Fits all heads, prints their scores on held-out scenarios, writes the weights.
///
/// # Errors
/// A corpus that cannot be read or contradicts itself, named by file and line; a CSV without labels.
pub fn command(arguments: &TrainArguments) -> anyhow::Result<Ended> {
    let encoder = Encoder::new(data::ENCODER)?;
    if arguments.only_gate {
        gate::command(arguments, encoder, Kinds::read(data::KINDS)?, Languages::read(data::LANGUAGES)?)?;
        return Ok(Ended::Well);
    }
    let keeps_classifiers = arguments.only_heads || arguments.texts.is_some();
    let (kinds, languages) = if arguments.only_kinds || arguments.corpus.join("acts").is_dir() && !keeps_classifiers {
        kinds::command(arguments, &encoder)?
    } else {
        (Kinds::read(data::KINDS)?, Languages::read(data::LANGUAGES)?)
    };
    if arguments.only_kinds {
        return Ok(Ended::Well);
    }
    let acts = corpus::acts(&arguments.corpus.join("acts"))?;
    let mut noise = corpus::noise(&arguments.corpus.join("noise"))?;
    noise.extend(acts.iter().filter_map(NoiseText::of_act));
    let spare = arguments.texts.as_deref().map(|path| (path, noise.clone()));
    let noise = Noise::new(&encoder, noise);
    let ears = Ears { encoder: &encoder, kinds: &kinds, languages: &languages, noise: &noise };
    if let Some((path, noise)) = spare {
        return texts::command(arguments, ears, &acts, &noise, path);
    }
    let ended = heads(arguments, ears, &acts)?;
    if !arguments.only_heads && arguments.corpus.join("answers").is_dir() {
        gate::command(arguments, encoder, kinds, languages)?;
    }
    Ok(ended)
}

/// Writes weights, and says whether this build has them already.
fn save(path: &Path, bytes: &[u8], built: &[u8]) -> anyhow::Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("{} cannot be written", path.display()))?;
    let news = if bytes == built { "the weights this build has" } else { "new; the next build takes them in" };
    say::line(format_args!("{}: {} bytes, {news}", path.display(), bytes.len()));
    Ok(())
}

fn heads(arguments: &TrainArguments, ears: Ears<'_>, acts: &[ActSentence]) -> anyhow::Result<Ended> {
    let corpus = Corpus::read(&arguments.corpus)?;
    let own = match arguments.input.as_deref() {
        Some(path) => own_tickets(arguments.columns.of(Some(path)))?,
        None => Input::default(),
    };
    if corpus.tickets.is_empty() && own.rows.is_empty() {
        bail!("{} holds no tickets: put JSON Lines files (*.jsonl) there", arguments.corpus.join("tickets").display());
    }

    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    say::line(format_args!(
        "Reading {} tickets of the corpus, {} of your own and {} single sentences …",
        corpus.tickets.len(),
        own.rows.len(),
        corpus.sentences.len() + corpus.topics.len() + corpus.prose.len() + acts.len()
    ));
    let mut examples = corpus.examples(ears, acts, threads);
    let of_corpus = examples.len();
    examples.extend(parallel::map(&own.rows, threads, |row| {
        let truth = Truth { classes: classes(&row.labels), weight: OWN_WEIGHT };
        let language = row.labels.language;
        TicketExample::of_ticket(ears, &row.subject, &row.description, &row.account.to_name(), language, truth)
    }));
    let sentences = SentenceExamples::new(ears.encoder, &corpus.sentences);

    say::line(format_args!("Fitting on {threads} threads …"));
    let trained = training::train::train(&examples, &sentences, ears.noise, threads, |done, all| {
        say::line(format_args!("  {done} of {all} parts"));
    });
    say::line(format_args!(
        "\nOn scenarios held out, a fifth of all:\n{}",
        scores(&trained, &examples, 0..examples.len())
    ));
    if !own.rows.is_empty() {
        let table = scores(&trained, &examples, of_corpus..examples.len());
        if trained.unseen.iter().any(|number| *number >= of_corpus) {
            say::line(format_args!("\nOf these, your own, no customer on both sides of the split:\n{table}"));
        } else {
            say::line(format_args!(
                "\nNone of your customers is in the fifth that is held out: judge by tickets kept aside, with `eval --input`"
            ));
        }
    }
    save(&arguments.output, &trained.model.to_bytes(), data::MODEL)?;
    Ok(if own.skipped == 0 { Ended::Well } else { Ended::WithLosses })
}

/// What the heads learn from, beside the sentences of which the act is known.
struct Corpus {
    tickets: Vec<LabelledTicket>,
    sentences: Vec<LabelledSentence>,
    topics: Vec<TopicSentence>,
    prose: Vec<NoiseText>,
}

impl Corpus {
    fn read(folder: &Path) -> Result<Self, CorpusError> {
        Ok(Self {
            tickets: corpus::tickets(&folder.join("tickets"))?,
            sentences: corpus::sentences(&folder.join("sentences"))?,
            topics: corpus::topic_sentences(&folder.join("topics"))?,
            prose: corpus::noise(&folder.join("prose"))?,
        })
    }

    fn examples(&self, ears: Ears<'_>, acts: &[ActSentence], threads: usize) -> Vec<TicketExample> {
        let mut examples = parallel::map(&self.tickets, threads, |ticket| TicketExample::of_corpus(ears, ticket));
        examples.extend(parallel::map(&self.topics, threads, |sentence| TicketExample::of_topic(ears, sentence)));
        examples.extend(parallel::map(&self.prose, threads, |text| TicketExample::of_noise(ears, text)));
        examples.extend(parallel::map(&self.sentences, threads, |sentence| TicketExample::of_sentence(ears, sentence)));
        let acts = parallel::map(acts, threads, |sentence| TicketExample::of_act(ears, sentence));
        examples.extend(acts.into_iter().flatten());
        examples
    }
}

fn own_tickets(from: input::Origin<'_>) -> anyhow::Result<Input> {
    let mut own = input::read(from, input::tell)?;
    own.rows.retain(|row| classes(&row.labels).values().any(Option::is_some));
    if own.rows.is_empty() {
        bail!(
            "{} has no labels to learn from: fill in any of the columns actual_priority, team, topic, sentiment, churn_risk, \
             intent",
            own.file
        );
    }
    Ok(own)
}

fn classes(labels: &Labels) -> PerTask<Option<usize>> {
    PerTask::from_fn(|task| match task {
        Task::Priority => labels.priority.map(|priority| priority as usize),
        Task::Agent => labels.agent.as_ref().and_then(TeamId::class),
        Task::Sentiment => labels.sentiment.map(|sentiment| sentiment as usize),
        Task::Churn => labels.churn.map(usize::from),
        Task::Intent => labels.intent.map(|intent| intent.map_or(0, |intent| intent as usize + 1)),
        Task::Topic => labels.topic.as_ref().and_then(|topic| topics::class(topic.as_str())),
    })
}

/// By n-grams alone, by one network alone, and by both. The model has several networks, so it should be a little better.
fn scores(trained: &Trained, examples: &[TicketExample], range: std::ops::Range<usize>) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(["label", "tickets", "score", "n-grams", "networks", "both"]);
    for task in Task::iter() {
        let kinds = [&trained.by_ngrams, &trained.by_networks, &trained.held_out].map(|held_out| {
            let mut confusion = Confusion::new(task.classes());
            for (number, held_out) in trained.unseen.iter().zip(held_out).filter(|(number, _)| range.contains(number)) {
                let Some(example) = examples.get(*number) else { continue };
                if let Some(truth) = example.truth.classes[task] {
                    confusion.add(truth, analyst::embedded::chosen(task, &held_out[task]));
                }
            }
            confusion
        });
        let [first, ..] = &kinds;
        if first.total() == 0 {
            continue;
        }
        type Score = (&'static str, fn(&Confusion) -> Option<f64>);
        let accuracy: Score = ("accuracy", |table| Some(table.accuracy()));
        let macro_f1: Score = ("macro-F1", |table| Some(table.macro_f1()));
        let more: &[Score] = match task {
            Task::Priority => &[
                ("weighted kappa", |table| Some(table.weighted_kappa())),
                ("P0 recall", |table| table.recall(0)),
                ("P0 precision", |table| table.precision(0)),
                ("P0 for P3 or P3 for P0", |table| Some(table.opposite())),
            ],
            Task::Churn => &[("F1 of yes", |table| table.f1(1))],
            Task::Agent | Task::Sentiment | Task::Intent | Task::Topic => &[],
        };
        for (name, score) in [accuracy, macro_f1].iter().chain(more) {
            let cells =
                kinds.iter().map(|kind| score(kind).map_or_else(|| "–".to_owned(), |score| format!("{score:.3}")));
            let head = [<&str>::from(task).to_owned(), first.total().to_string(), (*name).to_owned()];
            table.add_row(head.into_iter().chain(cells));
        }
    }
    table
}
