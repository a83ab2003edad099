//! The tables a person reads: what the file says, and two analysts side by side.

use std::{
    collections::{BTreeSet, HashMap},
    iter,
};

use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use domain::Teams;
use serde_json::{Map, Value};
use training::evaluate::{self, Confusion};

use super::{
    label::{Label, labels},
    score::{self, Found},
};
use crate::say;

/// A matrix of more values is wider than a terminal.
const MOST_COLUMNS: usize = 8;
/// Values named that another was taken for.
const MOST_CONFUSED: usize = 3;

/// Prints the scores of a file.
pub(super) fn tables(file: &Map<String, Value>, teams: &Teams) {
    let labels: Vec<(Label<'_>, &Value)> =
        labels(teams).into_iter().filter_map(|label| file.get(label.name).map(|entry| (label, entry))).collect();
    say::line(format_args!("{}\nIn brackets: 95 % interval, by the bootstrap.", overview(&labels)));
    if let Some(table) = languages(&labels) {
        say::line(format_args!("\nMacro-F1 by language:\n{table}"));
    }
    if let Some(table) = calibration(&labels) {
        say::line(format_args!(
            "\nCalibration: the share that was right (or has the signal) in each range of confidence, of so many tickets.\n{table}"
        ));
    }
    say::line(format_args!("\nRows are the labels in the file, columns what was found."));
    for (label, entry) in &labels {
        let table = if label.values.len() > MOST_COLUMNS { by_class(label, entry) } else { confusion(label, entry) };
        say::line(format_args!("\n{table}"));
    }
}

fn table(head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(head);
    table
}

/// A number of the file to so many places; a dash where there is none.
fn number(value: Option<&Value>, places: usize) -> String {
    value.and_then(Value::as_f64).map_or_else(|| "–".to_owned(), |number| format!("{number:.places$}"))
}

fn interval(value: Option<&Value>) -> String {
    match value.and_then(Value::as_array).map(Vec::as_slice) {
        Some([low, high]) => format!("[{}, {}]", number(Some(low), 3), number(Some(high), 3)),
        Some(_) | None => "–".to_owned(),
    }
}

fn overview(labels: &[(Label<'_>, &Value)]) -> Table {
    let mut table = table(&["label", "tickets", "score", "", "95 %"]);
    for (label, entry) in labels {
        for (index, (name, _)) in score::scores(label).into_iter().enumerate() {
            let first = |text: String| if index == 0 { text } else { String::new() };
            table.add_row([
                first(label.name.to_owned()),
                first(number(entry.get("tickets"), 0)),
                name.replace('_', " "),
                number(entry.get(name), 3),
                interval(entry.get("interval_95").and_then(|intervals| intervals.get(name))),
            ]);
        }
    }
    table
}

/// None if there is one language only.
fn languages(labels: &[(Label<'_>, &Value)]) -> Option<Table> {
    let by = |entry: &Value| entry.get("by_language").and_then(Value::as_object).cloned().unwrap_or_default();
    let names: BTreeSet<String> = labels.iter().flat_map(|(_, entry)| by(entry)).map(|(name, _)| name).collect();
    if names.len() < 2 {
        return None;
    }
    let mut table = table(&iter::once("label").chain(names.iter().map(String::as_str)).collect::<Vec<_>>());
    for (label, entry) in labels {
        let by = by(entry);
        let scores = names.iter().map(|name| number(by.get(name).and_then(|scores| scores.get("macro_f1")), 3));
        table.add_row(iter::once(label.name.to_owned()).chain(scores));
    }
    Some(table)
}

/// None where no label tells how sure it is.
fn calibration(labels: &[(Label<'_>, &Value)]) -> Option<Table> {
    let mut table = table(&["label", "expected error", "tells right from wrong (AUC)", "confidence → right (tickets)"]);
    for (label, entry) in labels {
        let Some(calibration) = entry.get("calibration") else { continue };
        let bins = calibration.get("reliability").and_then(Value::as_array).into_iter().flatten();
        let bins: Vec<String> = bins
            .map(|bin| {
                let [confidence, right] = ["confidence", "right"].map(|name| number(bin.get(name), 2));
                format!("{confidence} → {right} ({})", number(bin.get("tickets"), 0))
            })
            .collect();
        let error = number(calibration.get("expected_error"), 3);
        let error = format!("{error} {}", interval(calibration.get("interval_95")));
        let auc = number(calibration.get("discrimination"), 3);
        let auc = format!("{auc} {}", interval(calibration.get("discrimination_95")));
        table.add_row([label.name.to_owned(), error, auc, bins.join("\n")]);
    }
    (!table.is_empty()).then_some(table)
}

fn confusion(label: &Label<'_>, entry: &Value) -> Table {
    let values = || label.values.iter().map(String::as_str);
    let mut table = table(&iter::once(label.name).chain(values()).chain(iter::once("F1")).collect::<Vec<_>>());
    for truth in values() {
        let row = entry.get("confusion").and_then(|rows| rows.get(truth));
        let counts = values().map(|found| number(row.and_then(|row| row.get(found)), 0));
        let f1 = entry.get("per_class").and_then(|classes| classes.get(truth)?.get("f1"));
        table.add_row(iter::once(truth.to_owned()).chain(counts).chain([number(f1, 2)]));
    }
    table
}

/// Of a label with too many values for a matrix: each value that occurs, and what it was most often taken for.
fn by_class(label: &Label<'_>, entry: &Value) -> Table {
    let mut table = table(&[label.name, "tickets", "F1", "recall", "precision", "taken for"]);
    for truth in &label.values {
        let class = entry.get("per_class").and_then(|classes| classes.get(truth));
        if class.and_then(|class| class.get("tickets")).and_then(Value::as_u64).is_none_or(|tickets| tickets == 0) {
            continue;
        }
        let row = entry.get("confusion").and_then(|rows| rows.get(truth)).and_then(Value::as_object);
        let found = row.into_iter().flatten().filter(|(found, _)| *found != truth);
        let mut others: Vec<(&str, u64)> =
            found.filter_map(|(found, count)| Some((found.as_str(), count.as_u64()?))).collect();
        others.retain(|(_, count)| *count > 0);
        others.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let others = others.iter().take(MOST_CONFUSED).map(|(found, count)| format!("{found} {count}"));
        let score = |name: &str, places: usize| number(class.and_then(|class| class.get(name)), places);
        table.add_row([
            truth.clone(),
            score("tickets", 0),
            score("f1", 2),
            score("recall", 2),
            score("precision", 2),
            others.collect::<Vec<_>>().join(", "),
        ]);
    }
    table
}

/// A truth and what was found.
type Pair = (usize, usize);

/// Two analysts over the same rows. The interval is of the difference, so it is much narrower than either score's.
pub(super) fn comparison(found: &[Found<'_>], others: &[Found<'_>], other: &str, teams: &Teams) {
    let mut table = table(&["label", "score", "this", other, "difference", "95 %"]);
    let by_line: HashMap<u64, &Found<'_>> = others.iter().map(|that| (that.row.line, that)).collect();
    for label in labels(teams) {
        let classes = label.values.len();
        let both: Vec<[Pair; 2]> = found
            .iter()
            .filter_map(|this| {
                let that = by_line.get(&this.row.line)?;
                let truth = label.truth(&this.row.labels)?;
                Some([(truth, label.found(this.record)), (truth, label.found(that.record))])
            })
            .collect();
        if both.is_empty() {
            continue;
        }
        let score_of = |pairs: &[[Pair; 2]], of: fn(&Confusion) -> Option<f64>| {
            let one = |which: fn(&[Pair; 2]) -> Pair| of(&Confusion::of(classes, pairs.iter().map(which)));
            Some((one(|[this, _]| *this)?, one(|[_, that]| *that)?))
        };
        for (name, of) in score::scores(&label) {
            let Some((this, that)) = score_of(&both, of) else { continue };
            let interval = evaluate::interval(&both, |sample| score_of(sample, of).map(|(this, that)| this - that));
            table.add_row([
                label.name.to_owned(),
                name.replace('_', " "),
                format!("{this:.3}"),
                format!("{that:.3}"),
                format!("{:+.3}", this - that),
                interval.map_or_else(|| "–".to_owned(), |[low, high]| format!("[{low:+.3}, {high:+.3}]")),
            ]);
        }
    }
    say::line(format_args!("\nCompared with {other}:\n{table}"));
}
