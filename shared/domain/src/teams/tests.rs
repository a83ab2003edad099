use super::*;
use crate::sample;

const BUNDLED: &str = include_str!("../../../data/customer/agents.json");

fn read(json: &str) -> Result<Teams, TeamsError> {
    Teams::new(serde_json::from_str(json).expect("an array of profiles"))
}

/// A profile with these fields beside the ones that every team has.
fn profile(id: &str, more: &str) -> String {
    format!(r#"{{"agent":"{id}","team":"T","description":"D","signature":"S"{more}}}"#)
}

/// A file of a catch-all and of teams with these fields.
fn beside_a_default(teams: &[(&str, &str)]) -> Result<Teams, TeamsError> {
    let rest = profile("front_desk", r#","default":true"#);
    let teams = teams.iter().map(|(id, more)| profile(id, more)).chain([rest]);
    read(&format!("[{}]", teams.collect::<Vec<_>>().join(",")))
}

fn team(teams: &Teams, topic: &str, language: Language) -> String {
    let profile = teams.of_topic(&topic.parse().unwrap(), language);
    profile.map_or_else(|| "nobody".to_owned(), |profile| profile.agent.to_string())
}

#[test]
fn the_bundled_file_ties_topics_by_area() {
    let bundled = read(BUNDLED).unwrap();
    for (class, topic) in TOPICS.iter().enumerate() {
        let id = TopicId::known(class).unwrap();
        for language in [Language::En, Language::Th, Language::Other] {
            let found = bundled.of_topic(&id, language).unwrap();
            assert_eq!(found.agent.class(), Some(topic.area), "{}", topic.id);
        }
    }
}

#[test]
fn a_file_without_topics_means_the_bundled_table() {
    let older = sample::policy().teams;
    let bundled = read(BUNDLED).unwrap();
    for id in TeamId::bundled() {
        assert_eq!(older.topics(&id), bundled.topics(&id), "{id}");
    }
    let with_one_more = older.iter().cloned().chain([sample::profile("field_ops", 14)]).collect();
    let with_one_more = Teams::new(with_one_more).unwrap();
    assert!(with_one_more.topics(&sample::team("field_ops")).is_empty());
    assert_eq!(team(&with_one_more, "webhooks", Language::De), "nexus");
}

#[test]
fn a_language_that_is_named_goes_first() {
    let teams = beside_a_default(&[
        ("entwickler", r#","topics":["webhooks","API usage"],"languages":["de"]"#),
        ("developers", r#","topics":["webhooks"]"#),
    ])
    .unwrap();
    for (topic, language, expected) in [
        ("webhooks", Language::De, "entwickler"),
        ("webhooks", Language::Fr, "developers"),
        ("api-usage", Language::De, "entwickler"),
        ("api-usage", Language::Fr, "front_desk"),
        ("payments", Language::De, "front_desk"),
        ("astrology", Language::De, "nobody"),
    ] {
        assert_eq!(team(&teams, topic, language), expected, "{topic} {language}");
    }
    assert!(teams.serves(&sample::team("entwickler"), Language::De));
    assert!(!teams.serves(&sample::team("entwickler"), Language::En));
    assert!(teams.serves(&sample::team("developers"), Language::Other));
}

#[test]
fn a_matter_that_is_learnt_is_a_topic() {
    let examples = r#","examples":["a","b","c","d","e"]"#;
    let teams = beside_a_default(&[("loyalty_programme", examples), ("billing", examples)]).unwrap();
    assert_eq!(team(&teams, "loyalty-programme", Language::En), "loyalty_programme");
    let topics: Vec<String> = teams.all_topics().iter().map(ToString::to_string).collect();
    assert_eq!(topics.len(), TOPICS.len() + 1, "billing is a topic already");
    assert_eq!(topics.last().map(String::as_str), Some("loyalty-programme"));
}

#[test]
fn a_mistake_is_told_by_team_and_field_with_its_fix() {
    let long = format!(r#","examples":["a","b","c","d","{}"]"#, "x".repeat(301));
    let many = format!(r#","examples":[{}]"#, vec![r#""a""#; 21].join(","));
    for (more, expected) in [
        (r#","topics":["webhooks","webhoks"]"#, "pay: topics[1] is no topic; the nearest are webhooks, "),
        (r#","topics":[]"#, "pay: topics is empty; leave it out, or list something"),
        (r#","languages":[]"#, "pay: languages is empty"),
        (r#","languages":["de","Klingon"]"#, "pay: languages[1] is no language; use en, fr, "),
        (r#","signatures":{"klingon":"Qapla'"}"#, "pay: signatures has a language that is none, or no text for one"),
        (r#","signatures":{"de":" "}"#, "pay: signatures has a language that is none, or no text for one; use en, "),
        (r#","examples":[]"#, "pay: examples is empty"),
        (r#","examples":["a","b","c","d"]"#, "pay: examples has 4; give 5 to 20 sentences that customers write"),
        (&many, "pay: examples has 21; give 5 to 20 sentences"),
        (r#","examples":["a","b"," ","d","e"]"#, "pay: examples[2] is empty or longer than 300 characters"),
        (&long, "pay: examples[4] is empty or longer than 300 characters"),
        (r#","default":true"#, "pay and front_desk are both the default"),
    ] {
        let told = beside_a_default(&[("pay", more)]).unwrap_err().to_string();
        assert!(told.starts_with(expected), "{told}");
    }
}

#[test]
fn nobody_shares_a_topic_unless_languages_tell() {
    let shared = |first: &str, second: &str| {
        let topic = r#","topics":["refunds"]"#;
        let [first, second] = [first, second].map(|languages| format!("{topic}{languages}"));
        beside_a_default(&[("one", &first), ("two", &second)]).map(|_| ()).map_err(|error| error.to_string())
    };
    let (de, de_fr, es) = (r#","languages":["de"]"#, r#","languages":["de","fr"]"#, r#","languages":["es"]"#);
    for (first, second) in [(de, es), (de, ""), ("", de_fr)] {
        assert_eq!(shared(first, second), Ok(()));
    }
    for (first, second) in [("", ""), (de, de_fr)] {
        let told = shared(first, second).unwrap_err();
        assert!(told.starts_with("one and two both have the topic refunds; take it from the topics of one"), "{told}");
    }
}

#[test]
fn every_topic_has_a_team_in_every_language() {
    let all: Vec<String> = TOPICS.iter().map(|topic| format!(r#""{}""#, topic.id)).collect();
    let with = |topics: &str, more: &str| read(&format!("[{}]", profile("all", &format!("{topics}{more}"))));
    let all_but = |left_out: usize| format!(r#","topics":[{}]"#, all.get(left_out..).unwrap().join(","));
    assert!(with(&all_but(0), "").is_ok());
    assert!(with("", r#","default":true"#).is_ok(), "one team for everything");
    assert!(with(&all_but(0), r#","languages":["de"],"default":true"#).is_ok());
    let told = |result: Result<Teams, TeamsError>| result.unwrap_err().to_string();
    let two = told(with(&all_but(2), ""));
    assert!(
        two.starts_with("no team has webhooks, api-access; list them as topics of a team, or set \"default\""),
        "{two}"
    );
    let german = told(with(&all_but(0), r#","languages":["de","en"]"#));
    assert!(german.starts_with("no team has webhooks in fr es it pt"), "{german}");
    for nothing in [told(with("", "")), told(read("[]"))] {
        assert!(nothing.starts_with("no team has any topic; list them"), "{nothing}");
    }
}

#[test]
fn every_mistake_is_told_at_once() {
    let error = beside_a_default(&[("one", r#","topics":["x"],"examples":["a"]"#), ("one", "")]).unwrap_err();
    assert_eq!(error.0.len(), 3, "{error}");
    assert!(error.to_string().contains("two profiles for one"), "{error}");
}

#[test]
fn the_how_to_has_every_topic_and_a_file_that_works() {
    let how_to = include_str!("../../../../docs/teams.md");
    for topic in TOPICS {
        let row = format!("| `{}` | {} |", topic.id, topic.definition);
        assert!(how_to.lines().any(|line| line == row), "{row}");
    }
    let file = how_to.split("```json").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let teams = read(file).unwrap();
    for (topic, language, expected) in [
        ("webhooks", Language::De, "schnittstellen"),
        ("webhooks", Language::Fr, "integrations"),
        ("loyalty-programme", Language::Fr, "loyalty_programme"),
        ("contract", Language::De, "front_desk"),
    ] {
        assert_eq!(team(&teams, topic, language), expected, "{topic} {language}");
    }
}
