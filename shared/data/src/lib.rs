//! The bundled data: what a local run uses in place of a customer's own configuration, and the embedded analyst's weights.

use include_dir::{Dir, include_dir};

/// The team profiles.
pub const AGENTS: &str = include_str!("../agents.json");
/// Thresholds and alert limits.
pub const POLICY: &str = include_str!("../policy.json");
/// The 30 tickets, as CSV.
pub const TICKETS: &str = include_str!("../tickets.csv");
/// The embedded analyst's weights, as `analysis::Model` reads them.
pub const MODEL: &[u8] = include_bytes!("../model.bin");

/// The sentence encoder, as `encoder::Encoder` reads it. `NOTICE` beside it tells where it comes from.
pub const ENCODER: &[u8] = include_bytes!("../encoder.bin");

/// Labelled tickets that nothing is trained on, as CSV: what a change of the embedded analyst is measured by.
pub const EXAM: &str = include_str!("../exam.csv");

static KNOWLEDGE_BASE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/knowledge_base");
static TRAINING: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/training/tickets");
static SENTENCES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/training/sentences");

/// The articles as (file name without extension, Markdown with TOML front matter), by name.
pub fn knowledge_base() -> impl Iterator<Item = (&'static str, &'static str)> {
    texts(&KNOWLEDGE_BASE)
}

/// Single labelled sentences to train on, as (file name without extension, JSON Lines), by name.
pub fn training_sentences() -> impl Iterator<Item = (&'static str, &'static str)> {
    texts(&SENTENCES)
}

/// The training tickets as (file name without extension, JSON Lines), by name.
pub fn training() -> impl Iterator<Item = (&'static str, &'static str)> {
    texts(&TRAINING)
}

fn texts(dir: &'static Dir<'static>) -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut files: Vec<_> =
        dir.files().filter_map(|file| Some((file.path().file_stem()?.to_str()?, file.contents_utf8()?))).collect();
    files.sort_unstable();
    files.into_iter()
}
