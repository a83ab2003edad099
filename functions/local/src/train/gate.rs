//! Whether an article answers a ticket, and what the bundled articles mean.

use analyst::{
    Background, EmbeddedAnalyst, Encoder, Gate, Kinds, KnowledgeBase, Languages, Model, SentenceVectors, Weights,
};
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use domain::Language;
use strum::IntoEnumIterator;
use training::{
    corpus,
    train::gate::{self, FittedGate},
};

use super::save;
use crate::{answers, cli::TrainArguments, say, stack};

/// # Errors
/// A corpus that cannot be read, named by file and line; a pair of an article that is not there; a file that cannot be
/// written.
pub(super) fn command(
    arguments: &TrainArguments,
    encoder: Encoder,
    kinds: Kinds,
    languages: Languages,
) -> anyhow::Result<()> {
    let knowledge = KnowledgeBase::parse(data::knowledge_base())?;
    let written: Vec<Language> = Language::iter().filter(|language| language.is_written()).collect();
    let texts: Vec<String> = knowledge.all_texts(&written).collect();
    say::line(format_args!("Encoding the articles …"));
    let vectors: &'static [u8] = SentenceVectors::to_bytes(&encoder, texts.iter().map(String::as_str)).leak();
    save(&arguments.knowledge, vectors, data::KNOWLEDGE)?;

    let folder = arguments.corpus.join("answers");
    let pairs = corpus::answers(&folder)?;
    if pairs.is_empty() {
        return Ok(());
    }
    say::line(format_args!("Reading {} pairs …", pairs.len()));
    let weights = Weights {
        encoder,
        model: Model::read(data::MODEL)?,
        kinds,
        languages,
        background: Background::read(data::BACKGROUND)?,
        gate: Gate::blank(),
        known: SentenceVectors::read(vectors)?,
    };
    let analyst = EmbeddedAnalyst::new(weights, knowledge, stack::teams().clone());
    let pairs = answers::read(&analyst, &pairs);
    say::line(format_args!("Fitting the gate …"));
    let fitted = gate::fit(analyst, &pairs, answers::threads())?;
    say::line(format_args!("\nOn pairs held out:\n{}", table(&fitted)));
    save(&arguments.gate, &fitted.gate.to_bytes(), data::GATE)
}

fn table(fitted: &FittedGate) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(["articles", "offered as", "pairs", "precision", "coverage"]);
    let judges = [
        ("with examples", &fitted.exemplified, &fitted.gate.exemplified),
        ("without, articles left out", &fitted.plain, &fitted.gate.plain),
    ];
    for (articles, held_out, judge) in judges {
        for (offered, threshold) in [("draft", judge.draft), ("public answer", judge.public)] {
            let passed = held_out.iter().filter(|(_, log_odds)| *log_odds >= threshold);
            let (right, all) = passed.fold((0u32, 0), |(right, all), (fits, _)| (right + u32::from(*fits), all + 1));
            let fitting = held_out.iter().filter(|(fits, _)| *fits).count();
            let share =
                |of: usize| if of == 0 { "–".to_owned() } else { format!("{:.3}", f64::from(right) / of as f64) };
            table.add_row([
                articles.to_owned(),
                offered.to_owned(),
                held_out.len().to_string(),
                share(all),
                share(fitting),
            ]);
        }
    }
    table
}
