//! `metamorphic`: every ticket read as it is and under changes that are no reason to read it differently, and how often a
//! label flips. No ticket needs a label for that: a reading is compared with a reading.

mod change;
mod gate;
mod layout;
mod letters;
mod measure;
mod parts;
mod phrases;
mod print;
mod subject;
mod swapped;

use std::{num::NonZero, path::Path};

use anyhow::Context;
use clap::ValueEnum;
use serde_json::{Map, Value, json};
use tokio::runtime::Handle;

pub use self::change::Change;
use self::{
    gate::Reached,
    measure::{Outcome, compared, measure, share},
};
use crate::{
    cli::{AnalystChoice, MetamorphicArguments},
    exit::Ended,
    input::{self, Row},
    progress::Progress,
    say,
    stack::{Environment, Setup, Shared, teams},
};

/// The file.
pub const METAMORPHIC: &str = "metamorphic.json";

/// Reads the tickets with the embedded analyst, prints the table, writes the file.
///
/// # Errors
/// An input, a configuration or a gate that cannot be read, or a gate of other tickets.
pub fn command(arguments: &MetamorphicArguments, environment: &Environment, runtime: &Handle) -> anyhow::Result<Ended> {
    let allowed = arguments.not_above.as_deref().map(Reached::read).transpose()?;
    let input = input::read(arguments.columns.of(Some(&arguments.input)), input::tell)?;
    let setup = Setup {
        output: &arguments.output,
        analyst: Some(AnalystChoice::Embedded),
        delivery: false,
        capped: false,
        teams: teams(),
    };
    let shared = Shared::new(setup, environment)?;
    let rows: Vec<&Row> = input.rows.iter().step_by(arguments.every.get()).collect();
    let changes = if arguments.only.is_empty() { Change::value_variants() } else { &arguments.only };

    say::line(format_args!("Reading {} tickets as they are and under {} changes …", rows.len(), changes.len()));
    let progress = Progress::new(rows.len());
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let read = |row: &Row| Ok(runtime.block_on(shared.alone(row))?);
    let outcomes = measure(&rows, changes, threads, read, || progress.step())?;
    progress.finish();

    say::line(format_args!("{}\n{}", print::table(&outcomes), print::verdict(&outcomes)));
    let path = write(&arguments.output, &json(arguments.every.get(), rows.len(), &outcomes))?;
    say::line(format_args!("\nWritten to {path}"));
    if let Some(path) = &arguments.write {
        Reached::of(arguments.every.get(), rows.len(), &outcomes).write(path)?;
        say::line(format_args!("Flips reached written to {}", path.display()));
    }
    let exceeded = match allowed {
        Some(allowed) => allowed.exceeded(arguments.every.get(), rows.len(), &outcomes)?,
        None => Vec::new(),
    };
    for problem in &exceeded {
        eprintln!("more flips than reached before: {problem}");
    }
    Ok(if input.skipped + exceeded.len() > 0 { Ended::WithLosses } else { Ended::Well })
}

/// The outcomes by change, with every ticket that flips.
fn json(every: usize, tickets: usize, outcomes: &[Outcome<'_>]) -> Value {
    let labels = compared();
    let of_change = |outcome: &Outcome<'_>| {
        let figures = |flips: usize| json!({ "flips": flips, "share": round(share(flips, outcome.tickets)) });
        let mut entry = Map::from_iter([("tickets".to_owned(), outcome.tickets.into())]);
        entry.insert("any".to_owned(), figures(outcome.flipped.len()));
        for (place, label) in labels.iter().enumerate() {
            let exempt = outcome.change.exempts(label.name);
            let figures = if exempt { Value::Null } else { figures(outcome.flips(place).count()) };
            entry.insert(label.name.to_owned(), figures);
        }
        let flipped = outcome.flipped.iter().map(|flipped| {
            let flips = labels.iter().enumerate().filter_map(|(place, label)| {
                let flip = flipped.flip(place)?;
                let [before, after] = [flip.before, flip.after].map(|value| label.values.get(value));
                Some((label.name.to_owned(), json!({ "before": before, "after": after })))
            });
            json!({ "ticket_id": flipped.row.id_text, "labels": flips.collect::<Map<_, _>>() })
        });
        entry.insert("flipped".to_owned(), flipped.collect());
        (outcome.change.name(), entry.into())
    };
    json!({ "every": every, "tickets": tickets, "changes": outcomes.iter().map(of_change).collect::<Map<_, _>>() })
}

fn round(share: f64) -> f64 {
    (share * 1e4).round() / 1e4
}

fn write(folder: &Path, file: &Value) -> anyhow::Result<String> {
    let path = folder.join(METAMORPHIC);
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&path, serde_json::to_string_pretty(file)? + "\n"))
        .with_context(|| format!("{} cannot be written to; choose another folder with --output", folder.display()))?;
    Ok(path.display().to_string())
}
