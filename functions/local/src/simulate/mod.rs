//! `simulate`: days of a busy inbox in seconds, and all that can go wrong goes wrong.
//!
//! Customers write and agents work in the demo Zendesk. Its webhooks arrive twice, late, in another order or never; the
//! network to it fails before and after a request; every other port fails by chance; calls of the functions are killed
//! on their way. The functions and the adapter are the ones that are deployed; only the analyst is replayed. At the end
//! `check` looks for broken promises. One thread a seed, and a clock that jumps from event to event: the same seed goes
//! the same way.

#[expect(clippy::indexing_slicing, reason = "what is not in a JSON value reads as null")]
mod check;
mod clock;
#[expect(clippy::indexing_slicing, reason = "what is not in a JSON value reads as null")]
mod people;
mod replay;
mod weather;
#[expect(clippy::indexing_slicing, reason = "what is not in a JSON value reads as null")]
mod world;

use std::{
    num::NonZero,
    panic,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use domain::Mode;
use jiff::Timestamp;
use runtime::config::{Config, Defaults, Files, Switches};

use self::{
    replay::Replay,
    world::{Course, World},
};
use crate::{cli::SimulateArguments, exit::Ended, say};

/// When every simulation begins: a Monday morning.
const START: Timestamp = Timestamp::constant(1_794_819_600, 0);

/// Simulates one seed after the other, on all cores.
///
/// # Errors
/// Texts that cannot be read.
pub fn command(arguments: &SimulateArguments) -> anyhow::Result<Ended> {
    let started = Instant::now();
    let config = config()?;
    let file = arguments.input.as_deref().or_else(|| Some(Path::new(EXAM)).filter(|exam| exam.exists()));
    let replay = Arc::new(Replay::new(arguments.columns.of(file), &config.policy)?);
    say::line(format_args!(
        "{} tickets a seed, {} texts, seeds {} to {}",
        arguments.tickets,
        replay.texts.len(),
        arguments.seed,
        arguments.seed.saturating_add(arguments.seeds) - 1
    ));
    let (next, failed) = (AtomicU64::new(0), AtomicU64::new(0));
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    if place >= arguments.seeds {
                        return;
                    }
                    let seed = arguments.seed.saturating_add(place);
                    let outcome = panic::catch_unwind(panic::AssertUnwindSafe(|| {
                        simulate(seed, arguments.tickets, &config, &replay)
                    }));
                    let (course, broken) = outcome.unwrap_or_else(|_| (None, vec!["it panicked".to_owned()]));
                    failed.fetch_add(u64::from(!broken.is_empty()), Ordering::Relaxed);
                    tell(seed, course, &broken);
                }
            });
        }
    });
    let failed = failed.into_inner();
    say::line(format_args!(
        "{} of {} seeds kept every promise, in {:.1} s",
        arguments.seeds - failed,
        arguments.seeds,
        started.elapsed().as_secs_f64()
    ));
    Ok(if failed == 0 { Ended::Well } else { Ended::WithLosses })
}

/// Tickets in ordinary words that the analyst was not trained on.
const EXAM: &str = "shared/data/corpus/exam.csv";

fn simulate(seed: u64, tickets: u32, config: &Config, replay: &Arc<Replay>) -> (Option<Course>, Vec<String>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a thread of its own");
    runtime.block_on(async {
        let mut world = World::new(seed, tickets as usize, config, replay.clone(), START);
        match world.run(seed).await {
            Ok(course) => (Some(course), check::broken(&world).await),
            Err(unrest) => {
                let mut broken = check::broken(&world).await;
                broken.push(unrest);
                (None, broken)
            }
        }
    })
}

/// Everything switched on.
fn config() -> anyhow::Result<Config> {
    let files = Files { policy: data::POLICY, agents: data::AGENTS, playbooks: Some(data::PLAYBOOKS) };
    let switches = Switches { mode: Mode::Act, auto_reply: true, delivery: true };
    Ok(runtime::config::read(files, |_| None, &Defaults { switches, ..Defaults::laptop() })?)
}

fn tell(seed: u64, course: Option<Course>, broken: &[String]) {
    let course = course.map_or_else(String::new, |course| {
        let Course { simulated, calls, killed, faults } = course;
        format!("{simulated:#} simulated, {calls} rounds, {killed} calls killed, {faults} faults: ")
    });
    say::line(format_args!("seed {seed}: {course}{}", if broken.is_empty() { "kept" } else { "BROKEN" }));
    for promise in broken.iter().take(20) {
        say::line(format_args!("    {promise}"));
    }
}
