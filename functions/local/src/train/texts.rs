//! What the heads learn from, for the tuning of the encoder.

use std::{num::NonZero, path::Path};

use analyst::KnowledgeBase;
use anyhow::Context;
use domain::Language;
use strum::IntoEnumIterator;
use training::{
    corpus::{self, ActSentence, NoiseText},
    train::{Ears, texts},
};

use super::Corpus;
use crate::{cli::TrainArguments, exit::Ended, say};

/// # Errors
/// A corpus that cannot be read, named by file and line; a file that cannot be written.
pub(super) fn command(
    arguments: &TrainArguments,
    ears: Ears<'_>,
    acts: &[ActSentence],
    noise: &[NoiseText],
    output: &Path,
) -> anyhow::Result<Ended> {
    let folder = &arguments.corpus;
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let examples = Corpus::read(folder)?.examples(ears, acts, threads);
    let written: Vec<Language> = Language::iter().filter(|language| language.is_written()).collect();
    let mut others: Vec<String> = KnowledgeBase::parse(data::knowledge_base())?.all_texts(&written).collect();
    for pair in corpus::answers(&folder.join("answers"))? {
        others.push(pair.subject);
        others.extend(analyst::text::sentences(&pair.body));
    }
    others.extend(corpus::foreign(&folder.join("languages"))?.into_iter().map(|sentence| sentence.text));
    let lines = texts::lines(&examples, acts, noise, others.into_iter());
    std::fs::write(output, &lines).with_context(|| format!("{} cannot be written", output.display()))?;
    say::line(format_args!("{}: {} texts", output.display(), lines.lines().count()));
    Ok(Ended::Well)
}
