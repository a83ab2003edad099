//! The teams of `agents.json`, and which of them has a topic.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use strum::IntoEnumIterator;

use crate::{
    EmailAddress, GroupId, Language, TeamId, TopicId,
    topics::{self, TOPICS},
};

/// Sentences that teach a team's matter. Fewer say too little of it; more take the time of every cold start.
pub const EXAMPLES: std::ops::RangeInclusive<usize> = 5..=20;
/// An example is a sentence. In characters.
pub const LONGEST_EXAMPLE: usize = 300;
/// Names that an unknown topic may have been meant for.
const NEAREST: usize = 3;

/// One team, as `agents.json` has it.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentProfile {
    pub agent: TeamId,
    /// The team as customers know it.
    pub team: String,
    /// What the team is for.
    pub description: String,
    /// Its Zendesk group; without one the group is left alone.
    pub group: Option<GroupId>,
    /// The last line of a reply.
    pub signature: String,
    /// The same in other languages, by their codes.
    #[serde(default)]
    pub signatures: BTreeMap<String, String>,
    /// What belongs to it, of [`TOPICS`].
    pub topics: Option<Vec<String>>,
    /// Codes of the languages it serves; all, if none are named.
    pub languages: Option<Vec<String>>,
    /// What customers write to it, where [`TOPICS`] has no word for its matter.
    pub examples: Option<Vec<String>>,
    /// Whom a P0 of the team is told. None: [`Recipients::lead`](crate::policy::Recipients::lead).
    pub lead: Option<EmailAddress>,
    /// It takes every topic that no other team has.
    #[serde(default)]
    pub default: bool,
}

impl AgentProfile {
    /// The last line of a reply in that language.
    #[must_use]
    pub fn signature(&self, language: Language) -> &str {
        self.signatures.get(language.into()).unwrap_or(&self.signature)
    }
}

/// The teams of `agents.json` in its order. In every language each of [`TOPICS`] belongs to one of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Teams(Vec<Team>);

#[derive(Clone, PartialEq, Eq, Debug)]
struct Team {
    profile: AgentProfile,
    /// Their places among [`TOPICS`].
    topics: BTreeSet<usize>,
    /// All, if it is empty.
    languages: BTreeSet<Language>,
}

/// Everything that is wrong with `agents.json` as a whole.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct TeamsError(pub Vec<TeamsProblem>);

/// A problem, with the team, the field and what to do. Of what stands in a field nothing is quoted: it may have been pasted
/// there by mistake.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TeamsProblem {
    #[error("two profiles for {0}; give each team an `agent` of its own")]
    Twice(TeamId),
    #[error("{team}: {field} is empty; leave it out, or list something")]
    Empty { team: TeamId, field: &'static str },
    #[error("{team}: topics[{place}] is no topic; the nearest are {}", nearest.join(", "))]
    UnknownTopic { team: TeamId, place: usize, nearest: Vec<&'static str> },
    #[error("{team}: languages[{place}] is no language; use {}", languages().join(", "))]
    UnknownLanguage { team: TeamId, place: usize },
    #[error("{team}: signatures has a language that is none, or no text for one; use {}", languages().join(", "))]
    Signatures { team: TeamId },
    #[error(
        "{team}: examples has {count}; give {} to {} sentences that customers write",
        EXAMPLES.start(),
        EXAMPLES.end()
    )]
    Examples { team: TeamId, count: usize },
    #[error("{team}: examples[{place}] is empty or longer than {LONGEST_EXAMPLE} characters; give one sentence")]
    Example { team: TeamId, place: usize },
    #[error(
        "{first} and {second} both have the topic {topic}; take it from the topics of one, or tell them apart by languages"
    )]
    Shared { first: TeamId, second: TeamId, topic: &'static str },
    #[error("{first} and {second} are both the default; one team takes what no other has")]
    Defaults { first: TeamId, second: TeamId },
    #[error(
        "no team has {topics}; list them as topics of a team, or set \"default\": true on the one that takes the rest"
    )]
    Untied { topics: String },
}

fn languages() -> Vec<&'static str> {
    Language::iter().map(Into::into).collect()
}

impl Teams {
    /// A file in which no team has `topics` but which has the bundled teams, as files were before there were topics, means
    /// the bundled table: to each of the three belong the topics of its area.
    ///
    /// # Errors
    /// Every problem: a team that is named twice, a field that cannot be used, a topic of two teams, or of none.
    pub fn new(profiles: Vec<AgentProfile>) -> Result<Self, TeamsError> {
        let mut problems = Vec::new();
        let bundled = is_bundled_table(&profiles);
        let teams: Vec<Team> =
            profiles.into_iter().map(|profile| Team::read(profile, bundled, &mut problems)).collect();
        let teams = Self(teams);
        problems.extend(teams.twice());
        // A topic that was misspelt is missing elsewhere: to tell so as well would mislead.
        if problems.is_empty() {
            problems.extend(teams.shared());
            problems.extend(teams.untied());
        }
        if problems.is_empty() { Ok(teams) } else { Err(TeamsError(problems)) }
    }

    #[must_use]
    pub fn get(&self, team: &TeamId) -> Option<&AgentProfile> {
        self.iter().find(|profile| profile.agent == *team)
    }

    pub fn iter(&self) -> impl Iterator<Item = &AgentProfile> {
        self.0.iter().map(|team| &team.profile)
    }

    pub fn ids(&self) -> impl Iterator<Item = &TeamId> {
        self.iter().map(|profile| &profile.agent)
    }

    /// The team that has a topic in that language: of those that have it the one that names the language, else the one that
    /// serves all, else the default. None of a topic that is nobody's, which none of [`TOPICS`] is.
    #[must_use]
    pub fn of_topic(&self, topic: &TopicId, language: Language) -> Option<&AgentProfile> {
        let Some(class) = topics::class(topic.as_str()) else {
            return self.learnt().find(|profile| profile.agent.topic() == *topic);
        };
        let having = || self.0.iter().filter(|team| team.topics.contains(&class));
        let named = having().find(|team| team.languages.contains(&language));
        let serving_all = || having().find(|team| team.languages.is_empty());
        let default = || self.0.iter().find(|team| team.profile.default);
        named.or_else(serving_all).or_else(default).map(|team| &team.profile)
    }

    /// The topics that a team lists, in the order of [`TOPICS`]; of the bundled teams of an older file, those of their areas.
    #[must_use]
    pub fn topics(&self, team: &TeamId) -> Vec<&'static topics::Known> {
        let team = self.0.iter().find(|other| other.profile.agent == *team);
        let classes = team.into_iter().flat_map(|team| &team.topics);
        classes.filter_map(|class| TOPICS.get(*class)).collect()
    }

    /// The languages that a team names; none, if it serves all.
    #[must_use]
    pub fn languages(&self, team: &TeamId) -> Vec<Language> {
        let team = self.0.iter().find(|other| other.profile.agent == *team);
        team.into_iter().flat_map(|team| team.languages.iter().copied()).collect()
    }

    /// Whether a team names that language, or none.
    #[must_use]
    pub fn serves(&self, team: &TeamId, language: Language) -> bool {
        let languages = self.languages(team);
        languages.is_empty() || languages.contains(&language)
    }

    /// The teams whose matter is learnt from examples.
    pub fn learnt(&self) -> impl Iterator<Item = &AgentProfile> {
        self.iter().filter(|profile| profile.examples.is_some())
    }

    /// Every topic that a ticket may be about: [`TOPICS`], then the matters of the teams that are learnt.
    #[must_use]
    pub fn all_topics(&self) -> Vec<TopicId> {
        let mut all: Vec<TopicId> = (0..TOPICS.len()).filter_map(TopicId::known).collect();
        for profile in self.learnt() {
            let topic = profile.agent.topic();
            if !all.contains(&topic) {
                all.push(topic);
            }
        }
        all
    }

    fn twice(&self) -> Vec<TeamsProblem> {
        let mut problems = Vec::new();
        let mut seen = BTreeSet::new();
        let mut default: Option<&TeamId> = None;
        for Team { profile, .. } in &self.0 {
            if !seen.insert(&profile.agent) {
                problems.push(TeamsProblem::Twice(profile.agent.clone()));
            }
            if profile.default {
                match default {
                    Some(first) => {
                        problems.push(TeamsProblem::Defaults { first: first.clone(), second: profile.agent.clone() })
                    }
                    None => default = Some(&profile.agent),
                }
            }
        }
        problems
    }

    /// The topics of two teams that no language tells apart.
    fn shared(&self) -> Vec<TeamsProblem> {
        let mut problems = Vec::new();
        for (place, first) in self.0.iter().enumerate() {
            for second in self.0.iter().skip(place + 1).filter(|second| first.is_taken_for(second)) {
                let both = first.topics.intersection(&second.topics).filter_map(|class| TOPICS.get(*class));
                problems.extend(both.map(|topic| TeamsProblem::Shared {
                    first: first.profile.agent.clone(),
                    second: second.profile.agent.clone(),
                    topic: topic.id,
                }));
            }
        }
        problems
    }

    /// The topics that are nobody's, each with the languages in which it is so.
    fn untied(&self) -> Option<TeamsProblem> {
        if self.0.iter().all(|team| team.topics.is_empty() && !team.profile.default) {
            return Some(TeamsProblem::Untied { topics: "any topic".to_owned() });
        }
        let untied = TOPICS.iter().enumerate().filter_map(|(class, topic)| {
            let id = TopicId::known(class)?;
            let without: Vec<&str> =
                Language::iter().filter(|language| self.of_topic(&id, *language).is_none()).map(Into::into).collect();
            match without.len() {
                0 => None,
                all if all == Language::iter().count() => Some(topic.id.to_owned()),
                _ => Some(format!("{} in {}", topic.id, without.join(" "))),
            }
        });
        let topics = untied.collect::<Vec<_>>().join(", ");
        (!topics.is_empty()).then_some(TeamsProblem::Untied { topics })
    }
}

impl Team {
    fn read(profile: AgentProfile, bundled: bool, problems: &mut Vec<TeamsProblem>) -> Self {
        let team = &profile.agent;
        let fields = [("topics", &profile.topics), ("languages", &profile.languages), ("examples", &profile.examples)];
        for (field, list) in fields {
            if list.as_ref().is_some_and(Vec::is_empty) {
                problems.push(TeamsProblem::Empty { team: team.clone(), field });
            }
        }
        let mut topics = BTreeSet::new();
        for (place, text) in profile.topics.iter().flatten().enumerate() {
            let id = text.parse::<TopicId>().ok();
            match id.and_then(|id| topics::class(id.as_str())) {
                Some(class) => drop(topics.insert(class)),
                None => {
                    problems.push(TeamsProblem::UnknownTopic { team: team.clone(), place, nearest: nearest(text) });
                }
            }
        }
        if bundled {
            topics.extend((0..TOPICS.len()).filter(|class| TOPICS.get(*class).map(|topic| topic.area) == team.class()));
        }
        let mut languages = BTreeSet::new();
        for (place, text) in profile.languages.iter().flatten().enumerate() {
            match text.trim().parse() {
                Ok(language) => drop(languages.insert(language)),
                Err(_) => problems.push(TeamsProblem::UnknownLanguage { team: team.clone(), place }),
            }
        }
        let unusable = |(language, text): (&String, &String)| {
            text.trim().is_empty() || !Language::iter().any(|known| language == <&str>::from(known))
        };
        if profile.signatures.iter().any(unusable) {
            problems.push(TeamsProblem::Signatures { team: team.clone() });
        }
        let examples = profile.examples.as_deref().unwrap_or_default();
        if !examples.is_empty() && !EXAMPLES.contains(&examples.len()) {
            problems.push(TeamsProblem::Examples { team: team.clone(), count: examples.len() });
        }
        let unusable = |example: &&String| example.trim().is_empty() || example.chars().count() > LONGEST_EXAMPLE;
        if let Some(place) = examples.iter().position(|example| unusable(&example)) {
            problems.push(TeamsProblem::Example { team: team.clone(), place });
        }
        Self { profile, topics, languages }
    }

    /// Whether there is a language in which nothing says which of the two a topic of both belongs to.
    fn is_taken_for(&self, other: &Self) -> bool {
        match (self.languages.is_empty(), other.languages.is_empty()) {
            (true, true) => true,
            (false, false) => !self.languages.is_disjoint(&other.languages),
            (true, false) | (false, true) => false,
        }
    }
}

/// Whether it is a file of before there were topics: the bundled teams are there, and no team has any.
fn is_bundled_table(profiles: &[AgentProfile]) -> bool {
    let named = |id: &TeamId| profiles.iter().any(|profile| profile.agent == *id);
    profiles.iter().all(|profile| profile.topics.is_none()) && TeamId::bundled().iter().all(named)
}

/// The topics that look most like a word.
#[must_use]
pub fn nearest(word: &str) -> Vec<&'static str> {
    let word = word.trim().to_lowercase().replace([' ', '_'], "-");
    let mut scored: Vec<(f64, &str)> =
        TOPICS.iter().map(|topic| (strsim::jaro_winkler(&word, topic.id), topic.id)).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().take(NEAREST).map(|(_, id)| id).collect()
}

#[cfg(test)]
mod tests;
