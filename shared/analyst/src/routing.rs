//! From topics to teams: whose matter a ticket is, and what it is about.

use domain::{Language, Scored, TeamId, Teams, TopicId, topics::TOPICS};

/// What a ticket is about, and the team that has it.
#[derive(Clone, PartialEq, Debug)]
pub struct Route {
    pub team: Scored<TeamId>,
    pub topic: Scored<TopicId>,
}

/// A team whose matter is learnt from examples, and the probability that a ticket is about it.
#[derive(Clone, Copy, Debug)]
pub struct Learnt<'a> {
    pub team: &'a TeamId,
    pub probability: f32,
}

/// The probability of each of [`TOPICS`]: that of its area, and within the area as the topics are told apart. For the bundled
/// table a team then is as likely as its area.
#[must_use]
pub fn topics(areas: &[f32], topics: &[f32]) -> Vec<f32> {
    let in_area = |area: usize| TOPICS.iter().zip(topics).filter(move |(topic, _)| topic.area == area);
    let within: Vec<(f32, usize)> = (0..areas.len())
        .map(|area| (in_area(area).map(|(_, probability)| probability).sum(), in_area(area).count()))
        .collect();
    let joint = |(topic, probability): (&domain::topics::Known, &f32)| {
        let area = areas.get(topic.area).copied().unwrap_or_default();
        match within.get(topic.area) {
            Some((sum, _)) if *sum > 0.0 => area * probability / sum,
            Some((_, count)) => area / *count as f32,
            None => 0.0,
        }
    };
    TOPICS.iter().zip(topics).map(joint).collect()
}

/// The likeliest team, by the sum of its topics' probabilities, and the likeliest topic. What is about a learnt matter is
/// about no known topic, so that those count for the rest.
///
/// `known` are the probabilities of [`TOPICS`]; `learnt` the teams that serve the language.
#[must_use]
pub fn route(teams: &Teams, language: Language, known: &[f32], learnt: &[Learnt<'_>]) -> Route {
    let rest: f32 = learnt.iter().map(|learnt| 1.0 - learnt.probability).product();
    let all: f32 = learnt.iter().map(|learnt| learnt.probability).sum();
    // Several may sound likely at once; together they have what the rest leaves.
    let share = |learnt: &Learnt<'_>| if all > 0.0 { (1.0 - rest) * learnt.probability / all } else { 0.0 };
    let known = known.iter().enumerate().filter_map(|(class, probability)| {
        let topic = TopicId::known(class)?;
        let team = teams.of_topic(&topic, language)?.agent.clone();
        Some((topic, team, probability * rest))
    });
    let learnt = learnt.iter().map(|learnt| (learnt.team.topic(), learnt.team.clone(), share(learnt)));
    let parts: Vec<(TopicId, TeamId, f32)> = known.chain(learnt).collect();
    let team = likeliest(parts.iter().map(|(_, team, probability)| (team, *probability)));
    let topic = likeliest(parts.iter().map(|(topic, _, probability)| (topic, *probability)));
    Route { team, topic }
}

/// The value with the largest sum, the first of equals.
fn likeliest<'a, T: Clone + PartialEq + 'a>(parts: impl Iterator<Item = (&'a T, f32)>) -> Scored<T> {
    let mut sums: Vec<(&T, f32)> = Vec::new();
    for (value, probability) in parts {
        match sums.iter_mut().find(|(other, _)| *other == value) {
            Some((_, sum)) => *sum += probability,
            None => sums.push((value, probability)),
        }
    }
    let best = sums.into_iter().reduce(|best, next| if next.1 > best.1 { next } else { best });
    let (value, confidence) = best.expect("every topic belongs to a team");
    Scored { value: value.clone(), confidence: confidence.clamp(0.0, 1.0) }
}

#[cfg(test)]
mod tests {
    use domain::topics;

    use super::*;

    fn file(teams: &str) -> Teams {
        Teams::new(serde_json::from_str(teams).unwrap()).unwrap()
    }

    fn bundled() -> Teams {
        file(data::AGENTS)
    }

    /// Probabilities of topics: these, and the rest alike.
    fn known(likely: &[(&str, f32)]) -> Vec<f32> {
        let rest = (1.0 - likely.iter().map(|(_, p)| p).sum::<f32>()) / (TOPICS.len() - likely.len()) as f32;
        let of = |topic: &topics::Known| likely.iter().find(|(id, _)| *id == topic.id).map_or(rest, |(_, p)| *p);
        TOPICS.iter().map(of).collect()
    }

    fn close(a: f32, b: f32) -> bool {
        (a - b).abs() < 1e-5
    }

    #[test]
    fn a_bundled_team_is_as_likely_as_its_area() {
        let spread = known(&[("payouts", 0.6), ("webhooks", 0.2)]);
        for areas in [[0.7, 0.2, 0.1], [0.1, 0.5, 0.4], [0.2, 0.2, 0.6]] {
            let known = topics(&areas, &spread);
            assert!(close(known.iter().sum(), 1.0));
            let found = route(&bundled(), Language::En, &known, &[]).team;
            let likeliest = areas.iter().copied().fold(0.0, f32::max);
            assert!(close(found.confidence, likeliest), "{found:?}");
            assert!(close(areas[found.value.class().unwrap()], likeliest), "{found:?}");
        }
    }

    #[test]
    fn an_area_without_any_topic_is_shared_out() {
        let mut spread = known(&[]);
        for (topic, probability) in TOPICS.iter().zip(&mut spread) {
            *probability = if topic.area == 1 { 0.0 } else { *probability };
        }
        assert!(close(topics(&[0.2, 0.5, 0.3], &spread).iter().sum(), 1.0));
    }

    const GERMAN: &str = r#"[
        {"agent":"zahlungen","team":"Zahlungen","description":"","signature":"","topics":["payments","payouts"],"languages":["de"]},
        {"agent":"money","team":"Money","description":"","signature":"","topics":["payments","payouts","refunds"]},
        {"agent":"treue","team":"Treue","description":"","signature":"","languages":["de"],
         "examples":["a","b","c","d","e"]},
        {"agent":"rest","team":"Rest","description":"","signature":"","default":true}
    ]"#;

    #[test]
    fn a_team_has_the_sum_of_its_topics() {
        let known = known(&[("payments", 0.3), ("payouts", 0.3), ("webhooks", 0.35)]);
        let found = |language| route(&file(GERMAN), language, &known, &[]);
        let Route { team, topic } = found(Language::De);
        assert_eq!((team.value.as_str(), topic.value.as_str()), ("zahlungen", "webhooks"));
        assert!(close(team.confidence, 0.6) && close(topic.confidence, 0.35));
        assert_eq!(found(Language::Fr).team.value.as_str(), "money");
    }

    #[test]
    fn what_is_learnt_leaves_the_others_the_rest() {
        let (teams, known) = (file(GERMAN), known(&[("payouts", 0.9)]));
        let treue: TeamId = "treue".parse().unwrap();
        let found = |probability| route(&teams, Language::De, &known, &[Learnt { team: &treue, probability }]);
        let Route { team, topic } = found(0.8);
        assert_eq!((team.value.as_str(), topic.value.as_str()), ("treue", "treue"));
        assert!(close(team.confidence, 0.8));
        let Route { team, topic } = found(0.3);
        assert_eq!((team.value.as_str(), topic.value.as_str()), ("zahlungen", "payouts"));
        assert!(close(topic.confidence, 0.63), "{topic:?}");
        let two = [Learnt { team: &treue, probability: 0.9 }, Learnt { team: &treue, probability: 0.9 }];
        assert!(close(route(&teams, Language::De, &known, &two).team.confidence, 0.99));
    }
}
