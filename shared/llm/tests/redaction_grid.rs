//! Values of every class in every language, position and spelling, by another hand than the rules': how many reach a
//! model, and how much is taken that should stay.

use std::collections::BTreeMap;

use llm::redaction::{Known, Redactor};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    text: String,
    gone: Vec<String>,
    stays: Vec<String>,
    class: String,
    #[serde(default)]
    known_people: Vec<String>,
    #[serde(default)]
    known_company: Option<String>,
}

/// What of a class was wrong.
#[derive(Default, Debug)]
struct Tally {
    values: usize,
    leaked: Vec<String>,
    kept: usize,
    lost: Vec<String>,
}

fn cases() -> Vec<Case> {
    let lines = include_str!("redaction_grid.jsonl").lines();
    lines.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

fn tallies() -> BTreeMap<String, Tally> {
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for case in cases() {
        let people: Vec<&str> = case.known_people.iter().map(String::as_str).collect();
        let known = Known { people: &people, company: case.known_company.as_deref() };
        let mut redactor = Redactor::new(known, [case.text.as_str()]);
        let redacted = redactor.redact(&case.text);
        assert_eq!(redactor.restore(&redacted), case.text);
        let tally = tallies.entry(case.class.clone()).or_default();
        tally.values += case.gone.len();
        tally.kept += case.stays.len();
        let leaked = case.gone.iter().filter(|value| redacted.contains(value.as_str()));
        tally.leaked.extend(leaked.map(|value| format!("{value:?} in {redacted:?}")));
        let lost = case.stays.iter().filter(|value| !redacted.contains(value.as_str()));
        tally.lost.extend(lost.map(|value| format!("{value:?} in {:?} became {redacted:?}", case.text)));
    }
    tallies
}

#[test]
fn the_grid_is_wide() {
    let cases = cases();
    assert!(cases.len() >= 450);
    assert!(cases.iter().filter(|case| case.gone.is_empty()).count() >= 120);
}

#[test]
fn hardly_a_value_leaks_or_is_lost() {
    let tallies = tallies();
    let mut all = Tally::default();
    for (class, tally) in tallies {
        println!(
            "{class}: {} of {} leaked, {} of {} lost",
            tally.leaked.len(),
            tally.values,
            tally.lost.len(),
            tally.kept
        );
        all.values += tally.values;
        all.kept += tally.kept;
        all.leaked.extend(tally.leaked);
        all.lost.extend(tally.lost);
    }
    let rate = |wrong: &[String], all: usize| wrong.len() as f64 / all as f64;
    let (leaks, losses) = (rate(&all.leaked, all.values), rate(&all.lost, all.kept));
    println!("{leaks:.4} of {} leaked, {losses:.4} of {} lost", all.values, all.kept);
    let wrong = || format!("leaked:\n{}\nlost:\n{}", all.leaked.join("\n"), all.lost.join("\n"));
    assert!(leaks <= 0.005 && losses <= 0.001, "{}", wrong());
}
