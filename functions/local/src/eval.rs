//! `eval`: what a run finds, against the labels in the file.

use std::{collections::BTreeMap, path::Path};

use analysis::evaluate::Confusion;
use anyhow::{Context, bail};
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use domain::{Agent, Intent, Language, Priority, Record, Sentiment, reading::Usage};
use embedded::input::{self, Labels, Row};
use serde_json::{Map, Value, json};
use strum::IntoEnumIterator;

use crate::{
    cli::EvalArguments,
    exit::Ended,
    progress, run, say,
    stack::{Environment, Setup, Shared},
};

/// The file.
pub const EVALUATION: &str = "evaluation.json";

/// One label: its name, its values, and where the truth and the finding stand.
struct Label {
    name: &'static str,
    values: Vec<String>,
    truth: fn(&Labels) -> Option<usize>,
    found: fn(&Record) -> usize,
}

/// Evaluates, prints the table, writes the file.
///
/// # Errors
/// What kept anything from running, or a file without any label.
pub async fn command(arguments: &EvalArguments, environment: &Environment) -> anyhow::Result<Ended> {
    let input = input::read(arguments.input.as_deref(), |problem| eprintln!("skipped: {problem}"))?;
    if input.rows.iter().all(|row| row.labels == Labels::default()) {
        bail!(
            "{} has no labels to compare with: add any of the columns actual_priority, team, sentiment, churn_risk, \
             intent, language",
            input.file
        );
    }
    let setup = Setup { output: &arguments.output, analyst: arguments.analyst, delivery: false, capped: false };
    let shared = Shared::new(setup, environment)?;
    shared.warm().await;
    let run::Outcome { failed } = run::process(&shared, &input.rows, None).await?;

    let found: Vec<(&Row, std::sync::Arc<Record>)> =
        input.rows.iter().filter_map(|row| Some((row, shared.log.newest(row.id)?))).collect();
    let mut file = Map::new();
    let mut tables = Vec::new();
    let mut overview = Table::new();
    overview.load_style(UTF8_FULL_CONDENSED).set_header(["label", "tickets", "accuracy", "macro-F1"]);
    for label in labels() {
        let mut all = Confusion::new(label.values.len());
        let mut by_language: BTreeMap<Language, Confusion> = BTreeMap::new();
        for (row, record) in &found {
            if let Some(truth) = (label.truth)(&row.labels) {
                let found = (label.found)(record);
                all.add(truth, found);
                let language = row.labels.language.unwrap_or(record.language);
                by_language.entry(language).or_insert_with(|| Confusion::new(label.values.len())).add(truth, found);
            }
        }
        if all.total() == 0 {
            continue;
        }
        overview.add_row([
            label.name.to_owned(),
            all.total().to_string(),
            format!("{:.3}", all.accuracy()),
            format!("{:.3}", all.macro_f1()),
        ]);
        tables.push(confusion_table(&label, &all));
        let languages: Map<String, Value> =
            by_language.iter().map(|(language, confusion)| (language.to_string(), scores(confusion).into())).collect();
        let mut entry = scores(&all);
        entry.insert("per_class".to_owned(), per_class(&label, &all).into());
        entry.insert("confusion".to_owned(), confusion_json(&label, &all).into());
        entry.insert("by_language".to_owned(), languages.into());
        file.insert(label.name.to_owned(), entry.into());
    }
    say::line(format_args!("{overview}\n\nRows are the labels in the file, columns what was found."));
    for table in tables {
        say::line(format_args!("\n{table}"));
    }
    let mut usage = Usage::default();
    found.iter().for_each(|(_, record)| usage += record.usage);
    let fallbacks = found.iter().filter(|(_, record)| record.fallback.is_some()).count();
    if let Some(model) = progress::model(usage, fallbacks) {
        say::line(format_args!("\nlanguage model: {model}"));
    }
    let path = write(&arguments.output, &file)?;
    say::line(format_args!("\nWritten to {path}"));
    Ok(if input.problems.len() + failed > 0 { Ended::WithLosses } else { Ended::Well })
}

fn write(folder: &Path, file: &Map<String, Value>) -> anyhow::Result<String> {
    let path = folder.join(EVALUATION);
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&path, serde_json::to_string_pretty(file)? + "\n"))
        .with_context(|| format!("{} cannot be written to; choose another folder with --output", folder.display()))?;
    Ok(path.display().to_string())
}

fn labels() -> Vec<Label> {
    fn names<T: IntoEnumIterator + ToString>() -> Vec<String> {
        T::iter().map(|value| value.to_string()).collect()
    }
    vec![
        Label {
            name: "priority",
            values: names::<Priority>(),
            truth: |labels| labels.priority.map(|priority| priority as usize),
            found: |record| record.priority as usize,
        },
        Label {
            name: "team",
            values: names::<Agent>(),
            truth: |labels| labels.agent.map(|agent| agent as usize),
            found: |record| record.agent as usize,
        },
        Label {
            name: "sentiment",
            values: names::<Sentiment>(),
            truth: |labels| labels.sentiment.map(|sentiment| sentiment as usize),
            found: |record| record.guardian.sentiment as usize,
        },
        Label {
            name: "churn_risk",
            values: vec!["none".to_owned(), "high".to_owned()],
            truth: |labels| labels.churn.map(usize::from),
            found: |record| usize::from(record.guardian.is_high_risk()),
        },
        Label {
            name: "intent",
            values: std::iter::once("none".to_owned()).chain(names::<Intent>()).collect(),
            truth: |labels| labels.intent.map(|intent| intent.map_or(0, |intent| intent as usize + 1)),
            found: |record| record.opportunity.intent.map_or(0, |intent| intent as usize + 1),
        },
        Label {
            name: "language",
            values: names::<Language>(),
            truth: |labels| labels.language.map(|language| language as usize),
            found: |record| record.language as usize,
        },
    ]
}

fn scores(confusion: &Confusion) -> Map<String, Value> {
    [
        ("tickets", confusion.total().into()),
        ("accuracy", rounded(confusion.accuracy()).into()),
        ("macro_f1", rounded(confusion.macro_f1()).into()),
    ]
    .into_iter()
    .map(|(name, score)| (name.to_owned(), score))
    .collect()
}

fn rounded(score: f64) -> f64 {
    (score * 1e4).round() / 1e4
}

fn per_class(label: &Label, confusion: &Confusion) -> Map<String, Value> {
    let class = |(index, name): (usize, &String)| {
        let f1 = confusion.f1(index).map(rounded);
        (name.clone(), json!({ "tickets": confusion.truths(index), "f1": f1 }))
    };
    label.values.iter().enumerate().map(class).collect()
}

/// Label → found → count.
fn confusion_json(label: &Label, confusion: &Confusion) -> Map<String, Value> {
    let row = |truth: usize| -> Map<String, Value> {
        let cell = |(found, name): (usize, &String)| (name.clone(), confusion.count(truth, found).into());
        label.values.iter().enumerate().map(cell).collect()
    };
    let rows = label.values.iter().enumerate().map(|(truth, name)| (name.clone(), row(truth).into()));
    rows.collect()
}

fn confusion_table(label: &Label, confusion: &Confusion) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    let head = std::iter::once(label.name.to_owned()).chain(label.values.iter().cloned());
    table.set_header(head.chain(["F1".to_owned()]));
    for (truth, name) in label.values.iter().enumerate() {
        let counts = (0..label.values.len()).map(|found| confusion.count(truth, found).to_string());
        let f1 = confusion.f1(truth).map_or_else(|| "–".to_owned(), |f1| format!("{f1:.2}"));
        table.add_row(std::iter::once(name.clone()).chain(counts).chain([f1]));
    }
    table
}
