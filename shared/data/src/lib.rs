//! The bundled data: what a local run uses in place of a customer's own configuration, and the embedded analyst's weights.
//!
//! Statics, not constants: a constant would be copied into every crate that names it. The corpora are read from their files
//! by whoever trains or measures, and are not part of any binary but for the 30 tickets of the main job.

use include_dir::{Dir, include_dir};

/// The team profiles.
pub static AGENTS: &str = include_str!("../customer/agents.json");
/// Thresholds and alert limits.
pub static POLICY: &str = include_str!("../customer/policy.json");
/// What to do about an alert, by its reason.
pub static PLAYBOOKS: &str = include_str!("../customer/playbooks.json");
/// The 30 tickets, as CSV.
pub static TICKETS: &str = include_str!("../corpus/tickets.csv");
/// The embedded analyst's weights, as `analyst::Model` reads them.
pub static MODEL: &[u8] = include_bytes!("../models/model.bin");
/// The weights of the classifier of kinds, as `analyst::Kinds` reads them.
pub static KINDS: &[u8] = include_bytes!("../models/kinds.bin");
/// The weights of the language detector, as `analyst::Languages` reads them.
pub static LANGUAGES: &[u8] = include_bytes!("../models/languages.bin");
/// What sentences of the trade are like, as `analyst::Background` reads it.
pub static BACKGROUND: &[u8] = include_bytes!("../models/background.bin");
/// What tells whether an article answers a ticket, as `analyst::Gate` reads it.
pub static GATE: &[u8] = include_bytes!("../models/gate.bin");
/// What the sentences of the bundled articles mean, as `analyst::SentenceVectors` reads them.
pub static KNOWLEDGE: &[u8] = include_bytes!("../models/knowledge.bin");
/// The sentence encoder, as `encoder::Encoder` reads it. `NOTICE` beside it tells where it comes from.
pub static ENCODER: &[u8] = include_bytes!("../models/encoder.bin");

static KNOWLEDGE_BASE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/customer/knowledge_base");

/// The articles as (file name without extension, Markdown with TOML front matter), by name.
pub fn knowledge_base() -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut files: Vec<_> = KNOWLEDGE_BASE
        .files()
        .filter_map(|file| Some((file.path().file_stem()?.to_str()?, file.contents_utf8()?)))
        .collect();
    files.sort_unstable();
    files.into_iter()
}
