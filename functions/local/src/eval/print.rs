//! The tables a person reads.

use std::collections::{BTreeSet, HashMap};

use analysis::evaluate::{self, Confusion};
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use domain::Language;

use super::{
    label::{Label, labels},
    score::{self, Found},
};
use crate::say;

pub(super) fn tables(found: &[Found<'_>]) {
    let labels: Vec<(Label, Vec<(usize, usize)>)> = labels()
        .into_iter()
        .map(|label| {
            let pairs = score::pairs(&label, found);
            (label, pairs)
        })
        .filter(|(_, pairs)| !pairs.is_empty())
        .collect();
    say::line(format_args!("{}\nIn brackets: 95 % interval, by the bootstrap.", overview(&labels)));
    if let Some(table) = languages(&labels, found) {
        say::line(format_args!("\nMacro-F1 by language:\n{table}"));
    }
    if let Some(table) = calibration(&labels, found) {
        say::line(format_args!(
            "\nCalibration: the share that was right (or has the signal) in each range of confidence, of so many tickets.\n{table}"
        ));
    }
    say::line(format_args!("\nRows are the labels in the file, columns what was found."));
    for (label, pairs) in &labels {
        say::line(format_args!("\n{}", confusion(label, pairs)));
    }
}

fn table(head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(head);
    table
}

fn overview(labels: &[(Label, Vec<(usize, usize)>)]) -> Table {
    let mut table = table(&["label", "tickets", "score", "", "95 %"]);
    for (label, pairs) in labels {
        let all = Confusion::of(label.values.len(), pairs.iter().copied());
        for (index, (name, of)) in score::scores(label).into_iter().enumerate() {
            let interval = score::interval(label, pairs, (name, of));
            let first = |text: String| if index == 0 { text } else { String::new() };
            table.add_row([
                first(label.name.to_owned()),
                first(all.total().to_string()),
                name.replace('_', " "),
                of(&all).map_or_else(|| "–".to_owned(), |score| format!("{score:.3}")),
                interval.map_or_else(|| "–".to_owned(), |[low, high]| format!("[{low:.3}, {high:.3}]")),
            ]);
        }
    }
    table
}

/// None if there is one language only.
fn languages(labels: &[(Label, Vec<(usize, usize)>)], found: &[Found<'_>]) -> Option<Table> {
    let of = |found: &Found<'_>| found.row.labels.language.unwrap_or(found.record.language);
    let languages: Vec<Language> = found.iter().map(of).collect::<BTreeSet<_>>().into_iter().collect();
    if languages.len() < 2 {
        return None;
    }
    let names: Vec<String> = languages.iter().map(ToString::to_string).collect();
    let mut table = table(&std::iter::once("label").chain(names.iter().map(String::as_str)).collect::<Vec<_>>());
    for (label, _) in labels {
        let scores = languages.iter().map(|language| {
            let those: Vec<Found<'_>> = found.iter().filter(|found| of(found) == *language).copied().collect();
            let table = Confusion::of(label.values.len(), score::pairs(label, &those));
            if table.total() == 0 { "–".to_owned() } else { format!("{:.3}", table.macro_f1()) }
        });
        table.add_row(std::iter::once(label.name.to_owned()).chain(scores));
    }
    Some(table)
}

/// None where no label tells how sure it is.
fn calibration(labels: &[(Label, Vec<(usize, usize)>)], found: &[Found<'_>]) -> Option<Table> {
    let mut table = table(&["label", "expected error", "confidence → right (tickets)"]);
    for (label, _) in labels {
        let outcomes = score::outcomes(label, found);
        if outcomes.is_empty() {
            continue;
        }
        let interval = evaluate::interval(&outcomes, |sample| Some(evaluate::calibration_error(sample)));
        let interval = interval.map_or_else(String::new, |[low, high]| format!(" [{low:.3}, {high:.3}]"));
        let bins: Vec<String> = evaluate::reliability(&outcomes)
            .iter()
            .map(|bin| format!("{:.2} → {:.2} ({})", bin.confidence, bin.right, bin.tickets))
            .collect();
        let error = format!("{:.3}{interval}", evaluate::calibration_error(&outcomes));
        table.add_row([label.name.to_owned(), error, bins.join("\n")]);
    }
    (!table.is_empty()).then_some(table)
}

fn confusion(label: &Label, pairs: &[(usize, usize)]) -> Table {
    let all = Confusion::of(label.values.len(), pairs.iter().copied());
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    let head = std::iter::once(label.name.to_owned()).chain(label.values.iter().cloned());
    table.set_header(head.chain(["F1".to_owned()]));
    for (truth, name) in label.values.iter().enumerate() {
        let counts = (0..label.values.len()).map(|found| all.count(truth, found).to_string());
        let f1 = all.f1(truth).map_or_else(|| "–".to_owned(), |f1| format!("{f1:.2}"));
        table.add_row(std::iter::once(name.clone()).chain(counts).chain([f1]));
    }
    table
}

/// A truth and what was found.
type Pair = (usize, usize);

/// Two analysts over the same rows. The interval is of the difference, so it is much narrower than either score's.
pub(super) fn comparison(found: &[Found<'_>], others: &[Found<'_>], other: &str) {
    let mut table = table(&["label", "score", "this", other, "difference", "95 %"]);
    let by_line: HashMap<u64, &Found<'_>> = others.iter().map(|that| (that.row.line, that)).collect();
    for label in labels() {
        let classes = label.values.len();
        let both: Vec<[Pair; 2]> = found
            .iter()
            .filter_map(|this| {
                let that = by_line.get(&this.row.line)?;
                let truth = (label.truth)(&this.row.labels)?;
                Some([(truth, (label.found)(this.record)), (truth, (label.found)(that.record))])
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
