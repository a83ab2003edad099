//! Personal data that must be found, and what only looks like it.

use std::collections::BTreeMap;

use llm::redaction::{Known, Redactor};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    language: String,
    text: String,
    names: Vec<String>,
    company: String,
    expect: Vec<(String, String)>,
}

fn cases() -> Vec<Case> {
    let lines = include_str!("redaction.jsonl").lines();
    lines.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

fn redactor(case: &Case) -> Redactor {
    let people: Vec<&str> = case.names.iter().map(String::as_str).collect();
    let company = Some(case.company.as_str()).filter(|company| !company.is_empty());
    Redactor::new(Known { people: &people, company }, [case.text.as_str()])
}

#[test]
fn the_suite_has_all_kinds_in_all_languages() {
    let cases = cases();
    let mut languages: BTreeMap<&str, usize> = BTreeMap::new();
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for case in &cases {
        *languages.entry(&case.language).or_default() += 1;
        case.expect.iter().for_each(|(kind, _)| *kinds.entry(kind).or_default() += 1);
    }
    assert!(
        cases.len() >= 150 && languages.len() == 4 && languages.values().all(|count| *count >= 25),
        "{languages:?}"
    );
    assert!(kinds.len() == 8 && kinds.values().all(|count| *count >= 5), "{kinds:?}");
    assert!(cases.iter().filter(|case| case.expect.is_empty()).count() >= 50);
}

#[test]
fn every_value_is_found_and_every_look_alike_stays() {
    let mut wrong = Vec::new();
    for case in cases() {
        let redactor = redactor(&case);
        let found: Vec<(String, String)> = redactor
            .find(&case.text)
            .into_iter()
            .map(|found| (found.kind.to_string(), case.text[found.range].to_owned()))
            .collect();
        if found != case.expect {
            wrong.push(format!("{}\n  expected {:?}\n  found    {found:?}", case.text, case.expect));
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_is_redacted_holds_no_value_and_comes_back() {
    for case in cases() {
        let mut redactor = redactor(&case);
        let redacted = redactor.redact(&case.text);
        for (kind, value) in &case.expect {
            let short = matches!(kind.as_str(), "name" | "company");
            assert!(short || !redacted.contains(value.as_str()), "{value} in {redacted}");
        }
        assert_eq!(redactor.restore(&redacted), case.text);
        let counted: u32 = redactor.counts().values().sum();
        assert_eq!(counted as usize, case.expect.len(), "{}", case.text);
    }
}
