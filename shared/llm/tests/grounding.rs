//! Drafts and notes that a careless or hostile model wrote, and honest ones, by another hand than the rules'.

use llm::{
    grounding,
    redaction::{Known, Redactor},
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Draft {
    draft: String,
    article: String,
    ticket: String,
    ok: bool,
    #[serde(default)]
    why: String,
}

#[derive(Deserialize)]
struct Note {
    reason: String,
    ticket: String,
    ok: bool,
    #[serde(default)]
    why: String,
}

fn read<T: for<'a> Deserialize<'a>>(lines: &str) -> Vec<T> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// How many that must not be shown are, and how many that may be are not.
struct Tally {
    bad: usize,
    shown: Vec<String>,
    good: usize,
    lost: Vec<String>,
}

fn tally<T>(
    cases: &[T],
    ok: fn(&T) -> bool,
    verdict: impl Fn(&T) -> Result<(), String>,
    say: fn(&T) -> String,
) -> Tally {
    let mut tally = Tally { bad: 0, shown: Vec::new(), good: 0, lost: Vec::new() };
    for case in cases {
        match (ok(case), verdict(case)) {
            (true, Ok(())) => tally.good += 1,
            (true, Err(why)) => {
                tally.good += 1;
                tally.lost.push(format!("{why}: {}", say(case)));
            }
            (false, Err(_)) => tally.bad += 1,
            (false, Ok(())) => {
                tally.bad += 1;
                tally.shown.push(say(case));
            }
        }
    }
    println!("{} of {} shown, {} of {} lost", tally.shown.len(), tally.bad, tally.lost.len(), tally.good);
    println!("shown:\n{}\nlost:\n{}", tally.shown.join("\n"), tally.lost.join("\n"));
    tally
}

#[test]
fn hardly_a_bad_draft_is_shown() {
    let cases: Vec<Draft> = read(include_str!("drafts.jsonl"));
    let verdict = |case: &Draft| {
        let redactor = Redactor::new(Known::default(), []);
        grounding::draft(&case.draft, &case.ticket, &case.article, &redactor).map_err(|error| error.to_string())
    };
    let tally = tally(&cases, |case| case.ok, verdict, |case| format!("{:?} ({})", case.draft, case.why));
    assert!(tally.bad >= 70 && tally.good >= 40);
    assert!(tally.shown.is_empty() && tally.lost.is_empty(), "the rates reached");
}

#[test]
fn hardly_a_bad_note_is_shown() {
    let cases: Vec<Note> = read(include_str!("notes.jsonl"));
    let verdict = |case: &Note| {
        let redactor = Redactor::new(Known::default(), []);
        grounding::note(&case.reason, &case.ticket, &redactor).map_err(|error| error.to_string())
    };
    let tally = tally(&cases, |case| case.ok, verdict, |case| format!("{:?} ({})", case.reason, case.why));
    assert!(tally.bad >= 30 && tally.good >= 20);
    assert!(tally.shown.is_empty() && tally.lost.is_empty(), "the rates reached");
}
