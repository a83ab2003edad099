//! The main job on a laptop: the functions in one process, over the in-memory adapters.

mod answers;
pub mod backfill;
pub mod check_config;
pub mod cli;
pub mod demo_zendesk;
pub mod eval;
pub mod exit;
pub mod forget;
mod http;
pub mod input;
mod interrupt;
pub mod metamorphic;
mod observed;
pub mod outputs;
pub mod progress;
pub mod run;
pub mod say;
pub mod serve;
pub mod sign;
pub mod simulate;
pub mod stack;
pub mod train;
mod variables;
pub mod zendesk;
