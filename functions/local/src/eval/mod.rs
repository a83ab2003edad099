//! `eval`: what a run finds, against the labels in the file.

mod answers;
pub(crate) mod label;
mod print;
mod score;

use std::{path::Path, sync::Arc};

use crate::input::{self, Input, Labels, Origin, Row};
use anyhow::{Context, bail};
use domain::{Record, reading::Usage};
use serde_json::{Map, Value};

use self::score::Found;
use crate::{
    cli::EvalArguments,
    exit::Ended,
    progress, run, say,
    stack::{Environment, Setup, Shared, teams_of},
};

/// The file.
pub const EVALUATION: &str = "evaluation.json";

/// Evaluates, prints the tables, writes the file.
///
/// # Errors
/// Whatever kept the run from starting, a file without any label, or a minimum that cannot be read.
pub async fn command(arguments: &EvalArguments, environment: &Environment) -> anyhow::Result<Ended> {
    let minimums = arguments.not_below.as_deref().map(minimums).transpose()?.unwrap_or_default();
    if let Some(pairs) = &arguments.answers {
        let file = answers::evaluate(pairs)?;
        return finish(arguments, file, &minimums, 0);
    }
    let teams = &*teams_of(arguments.agents.as_deref())?;
    let from = Origin { teams, ..arguments.columns.of(arguments.input.as_deref()) };
    let input = input::read(from, input::tell)?;
    if input.rows.iter().all(|row| row.labels == Labels::default()) {
        bail!(
            "{} has no labels to compare with: add any of the columns actual_priority, team, topic, sentiment, \
             churn_risk, intent, language",
            input.file
        );
    }
    let setup = Setup { output: &arguments.output, analyst: None, delivery: false, capped: false, teams };
    let (records, failed) = triaged(&input, Setup { analyst: arguments.analyst, ..setup }, environment).await?;
    let found = paired(&input, &records);
    let mut file = score::json(&found, teams);
    print::tables(&file, teams);
    let mut usage = Usage::default();
    records.iter().flatten().for_each(|record| usage += record.usage);
    let fallbacks = records.iter().flatten().filter(|record| record.fallback.is_some()).count();
    if let Some(model) = progress::model(usage, fallbacks) {
        say::line(format_args!("\nlanguage model: {model}"));
    }
    let mut lost = input.skipped + failed;
    if let Some(other) = arguments.compare {
        let (records, failed) = triaged(&input, Setup { analyst: Some(other), ..setup }, environment).await?;
        lost += failed;
        let others = paired(&input, &records);
        print::comparison(&found, &others, other.word(), teams);
        file.insert("compared_with".to_owned(), score::json(&others, teams).into());
    }
    finish(arguments, file, &minimums, lost)
}

/// Writes the file, and says what of it is below its minimum.
fn finish(
    arguments: &EvalArguments,
    file: Map<String, Value>,
    minimums: &[(String, f64)],
    lost: usize,
) -> anyhow::Result<Ended> {
    let path = write(&arguments.output, &file)?;
    say::line(format_args!("\nWritten to {path}"));
    let below = below(&Value::from(file), minimums);
    for problem in &below {
        eprintln!("below the minimum: {problem}");
    }
    Ok(if lost + below.len() > 0 { Ended::WithLosses } else { Ended::Well })
}

/// The newest record of each row, and how many rows failed.
async fn triaged(
    input: &Input,
    setup: Setup<'_>,
    environment: &Environment,
) -> anyhow::Result<(Vec<Option<Arc<Record>>>, usize)> {
    let shared = Shared::new(setup, environment)?;
    shared.warm().await;
    let run::Outcome { failed } = run::process(&shared, &input.rows, None).await?;
    Ok((input.rows.iter().map(|row| shared.log.newest(row.id)).collect(), failed))
}

fn paired<'a>(input: &'a Input, records: &'a [Option<Arc<Record>>]) -> Vec<Found<'a>> {
    let pair = |(row, record): (&'a Row, &'a Option<Arc<Record>>)| Some(Found { row, record: record.as_deref()? });
    input.rows.iter().zip(records).filter_map(pair).collect()
}

/// JSON pointers into the file, and the least that must stand there.
fn minimums(path: &Path) -> anyhow::Result<Vec<(String, f64)>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let minimums: Map<String, Value> = serde_json::from_str(&text).with_context(|| {
        format!("{} is not an object such as {{\"/priority/weighted_kappa\": 0.8}}", path.display())
    })?;
    let minimum = |(pointer, least): (String, Value)| {
        let least = least.as_f64().with_context(|| format!("{}: {pointer} is not a number", path.display()))?;
        Ok((pointer, least))
    };
    minimums.into_iter().map(minimum).collect()
}

fn below(file: &Value, minimums: &[(String, f64)]) -> Vec<String> {
    minimums
        .iter()
        .filter_map(|(pointer, least)| match file.pointer(pointer).and_then(Value::as_f64) {
            Some(score) if score >= *least => None,
            Some(score) => Some(format!("{pointer} is {score}, at least {least} was asked for")),
            None => Some(format!("{pointer} is not in {EVALUATION}; at least {least} was asked for")),
        })
        .collect()
}

fn write(folder: &Path, file: &Map<String, Value>) -> anyhow::Result<String> {
    let path = folder.join(EVALUATION);
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&path, serde_json::to_string_pretty(file)? + "\n"))
        .with_context(|| format!("{} cannot be written to; choose another folder with --output", folder.display()))?;
    Ok(path.display().to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_below_its_minimum_is_named_with_both_numbers() {
        let file = json!({ "priority": { "weighted_kappa": 0.8 }, "team": { "macro_f1": 0.9 } });
        let check = |pointer: &str, least: f64, expected: Option<&str>| {
            assert_eq!(below(&file, &[(pointer.to_owned(), least)]).first().map(String::as_str), expected);
        };
        check("/priority/weighted_kappa", 0.8, None);
        check("/team/macro_f1", 0.95, Some("/team/macro_f1 is 0.9, at least 0.95 was asked for"));
        check("/x", 0.1, Some("/x is not in evaluation.json; at least 0.1 was asked for"));
    }
}
