//! The scores of what was found, as the file has them.

use std::collections::BTreeMap;

use crate::input::Row;
use domain::{Language, Record, Teams};
use serde_json::{Map, Value, json};
use training::evaluate::{self, Confusion};

use super::label::{Confidence, Label, labels};

/// A row and what the run made of it.
#[derive(Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) row: &'a Row,
    pub(super) record: &'a Record,
}

/// (truth, found) of every row that has the label.
pub(super) fn pairs(label: &Label<'_>, found: &[Found<'_>]) -> Vec<(usize, usize)> {
    found.iter().filter_map(|Found { row, record }| Some((label.truth(&row.labels)?, label.found(record)))).collect()
}

/// A score of a confusion table.
pub(super) type Score = (&'static str, fn(&Confusion) -> Option<f64>);

/// The scores of a label, by their names in the file.
pub(super) fn scores(label: &Label<'_>) -> Vec<Score> {
    let mut scores: Vec<Score> =
        vec![("accuracy", |table| Some(table.accuracy())), ("macro_f1", |table| Some(table.macro_f1()))];
    if label.urgent_first {
        scores.extend([
            ("weighted_kappa", (|table| Some(table.weighted_kappa())) as fn(&Confusion) -> Option<f64>),
            ("p0_recall", |table| table.recall(0)),
            ("p0_precision", |table| table.precision(0)),
            ("low_urgent_errors", |table| Some(table.opposite())),
        ]);
    }
    if label.values.len() == 2 {
        scores.extend([
            ("f1", (|table| table.f1(1)) as fn(&Confusion) -> Option<f64>),
            ("recall", |table| table.recall(1)),
            ("precision", |table| table.precision(1)),
        ]);
    }
    scores
}

pub(super) fn interval(label: &Label<'_>, pairs: &[(usize, usize)], (_, score): Score) -> Option<[f64; 2]> {
    let classes = label.values.len();
    evaluate::interval(pairs, |sample| score(&Confusion::of(classes, sample.iter().copied())))
}

/// How sure the analyst was, and whether that was so.
pub(super) fn outcomes(label: &Label<'_>, found: &[Found<'_>]) -> Vec<(f32, bool)> {
    let outcome = |Found { row, record }: &Found<'_>| {
        let truth = label.truth(&row.labels)?;
        match label.confidence {
            Confidence::OfTheValue(confidence) => Some((confidence(record), truth == label.found(record))),
            Confidence::OfAny(confidence) => Some((confidence(record), truth > 0)),
            Confidence::Untold => None,
        }
    };
    found.iter().filter_map(outcome).collect()
}

pub(super) fn json(found: &[Found<'_>], teams: &Teams) -> Map<String, Value> {
    labels(teams).iter().filter_map(|label| Some((label.name.to_owned(), entry(label, found)?.into()))).collect()
}

/// None where no row has the label.
fn entry(label: &Label<'_>, found: &[Found<'_>]) -> Option<Map<String, Value>> {
    let pairs = pairs(label, found);
    let all = Confusion::of(label.values.len(), pairs.iter().copied());
    if all.total() == 0 {
        return None;
    }
    let mut entry = plain(label, &all);
    let intervals =
        scores(label).into_iter().map(|score| (score.0.to_owned(), rounded(interval(label, &pairs, score))));
    entry.insert("interval_95".to_owned(), intervals.collect::<Map<_, _>>().into());
    entry.insert("per_class".to_owned(), per_class(label, &all).into());
    entry.insert("confusion".to_owned(), confusion(label, &all).into());
    let outcomes = outcomes(label, found);
    if !outcomes.is_empty() {
        let bins: Vec<Value> = evaluate::reliability(&outcomes)
            .into_iter()
            .map(
                |bin| json!({ "tickets": bin.tickets, "confidence": round(bin.confidence), "right": round(bin.right) }),
            )
            .collect();
        let calibration = json!({
            "expected_error": round(evaluate::calibration_error(&outcomes)),
            "interval_95": rounded(evaluate::interval(&outcomes, |sample| Some(evaluate::calibration_error(sample)))),
            "discrimination": evaluate::discrimination(&outcomes).map(round),
            "discrimination_95": rounded(evaluate::interval(&outcomes, evaluate::discrimination)),
            "reliability": bins,
        });
        entry.insert("calibration".to_owned(), calibration);
    }
    let mut by_language: BTreeMap<Language, Vec<Found<'_>>> = BTreeMap::new();
    for found in found {
        by_language.entry(found.row.labels.language.unwrap_or(found.record.language)).or_default().push(*found);
    }
    let languages = by_language.into_iter().filter_map(|(language, found)| {
        let table = Confusion::of(label.values.len(), self::pairs(label, &found));
        (table.total() > 0).then(|| (language.to_string(), plain(label, &table).into()))
    });
    entry.insert("by_language".to_owned(), languages.collect::<Map<_, _>>().into());
    Some(entry)
}

fn plain(label: &Label<'_>, table: &Confusion) -> Map<String, Value> {
    let mut plain = Map::from_iter([("tickets".to_owned(), table.total().into())]);
    plain.extend(scores(label).into_iter().map(|(name, score)| (name.to_owned(), score(table).map(round).into())));
    plain
}

fn round(score: f64) -> f64 {
    (score * 1e4).round() / 1e4
}

fn rounded(interval: Option<[f64; 2]>) -> Value {
    interval.map(|interval| interval.map(round).to_vec()).into()
}

fn per_class(label: &Label<'_>, table: &Confusion) -> Map<String, Value> {
    let class = |(index, name): (usize, &String)| {
        let [f1, recall, precision] =
            [table.f1(index), table.recall(index), table.precision(index)].map(|score| score.map(round));
        let class = json!({ "tickets": table.truths(index), "f1": f1, "recall": recall, "precision": precision });
        (name.clone(), class)
    };
    label.values.iter().enumerate().map(class).collect()
}

/// Label → found → count.
fn confusion(label: &Label<'_>, table: &Confusion) -> Map<String, Value> {
    let row = |truth: usize| -> Map<String, Value> {
        let cell = |(found, name): (usize, &String)| (name.clone(), table.count(truth, found).into());
        label.values.iter().enumerate().map(cell).collect()
    };
    label.values.iter().enumerate().map(|(truth, name)| (name.clone(), row(truth).into())).collect()
}
