//! Labelled tickets, for training and for measuring.

use std::path::{Path, PathBuf};

use analyst::{acts::Act, topics};
use domain::{Intent, Kind, Language, Priority, Sentiment, TeamId};
use serde::{Deserialize, de::DeserializeOwned};

/// One whole ticket with its labels, as `docs/corpus.md` defines them.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelledTicket {
    pub id: String,
    /// Tickets about one situation share it, and are never on both sides of a split.
    pub scenario: String,
    pub language: Language,
    pub style: String,
    /// What makes it hard, if anything; `docs/corpus.md` lists them.
    #[serde(default)]
    pub trap: Option<String>,
    pub subject: String,
    pub body: String,
    pub priority: Priority,
    #[serde(rename = "team")]
    pub agent: TeamId,
    /// One of [`analyst::topics::TOPICS`], where it was marked.
    #[serde(default)]
    pub topic: Option<String>,
    pub sentiment: Sentiment,
    #[serde(rename = "churn_risk")]
    pub churn: Risk,
    #[serde(deserialize_with = "intent")]
    pub intent: Option<Intent>,
    /// Whole sentences of the body that carry the churn signal.
    pub churn_quotes: Vec<String>,
    /// Whole sentences of the body that carry the intent.
    pub intent_quotes: Vec<String>,
    /// Whole sentences that decide the priority, where they were marked.
    pub priority_quotes: Option<Vec<String>>,
    /// Whole sentences that carry a frustrated or angry tone, where they were marked.
    pub sentiment_quotes: Option<Vec<String>>,
}

/// One sentence, labelled for what it tells by itself.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelledSentence {
    pub text: String,
    pub language: Language,
    #[serde(rename = "churn_risk")]
    pub churn: Risk,
    #[serde(deserialize_with = "intent")]
    pub intent: Option<Intent>,
    pub sentiment: Sentiment,
    /// The priority of a ticket that tells this; none if it says nothing of the kind.
    pub severity: Option<Priority>,
}

/// One sentence and what it does, as `docs/corpus.md` defines the acts.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActSentence {
    pub text: String,
    pub language: Language,
    pub act: Act,
}

/// One ticket and its kind, as `docs/corpus.md` defines them.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KindTicket {
    pub subject: String,
    pub body: String,
    pub language: Language,
    pub kind: Kind,
    /// What makes it one.
    pub note: String,
}

/// A ticket and an article, and whether the one answers the other.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerPair {
    pub language: Language,
    pub subject: String,
    pub body: String,
    /// The article's family, such as `refund-a-customer`.
    pub article: String,
    pub fits: bool,
    /// `answers`, or what keeps the article from being one: `fault`, `complaint`, `account`, `direction`, `partly`,
    /// `other_question`, `near_topic`.
    pub why: String,
}

/// One sentence in a language that is not served.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForeignSentence {
    pub text: String,
    /// ISO 639-1, with a script where there are two.
    pub language: String,
}

/// A text that carries no label: what mail is full of.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoiseText {
    pub text: String,
    pub language: Language,
    /// Such as `courtesy`, `disclaimer`, `prose`; `subject` is one that says nothing.
    pub sort: String,
}

impl NoiseText {
    pub(crate) fn is_subject(&self) -> bool {
        self.sort == "subject"
    }
}

/// A sentence and what it is about.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicSentence {
    pub text: String,
    pub language: Language,
    /// One of [`analyst::topics::TOPICS`].
    pub topic: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    High,
    None,
}

impl ActSentence {
    /// The sentences of a text without label that greets or that a program adds, and subjects that say nothing. Others are
    /// left out: there are so many that every second sentence would be background.
    #[must_use]
    pub fn of_noise(noise: &NoiseText) -> Vec<Self> {
        let act = match noise.sort.as_str() {
            "courtesy" | "subject" => Act::Courtesy,
            "signature" | "disclaimer" | "banner" | "footer" => Act::Boilerplate,
            _ => return Vec::new(),
        };
        let sentences = analyst::text::sentences(&noise.text).into_iter();
        sentences.map(|text| Self { text, language: noise.language, act }).collect()
    }

    /// The sentences that give notice: what makes a ticket both a P1 and a risk, where nothing is broken. In languages that
    /// are not written there are no sentences that do anything else, and every one would be a notice.
    #[must_use]
    pub fn notices(ticket: &LabelledTicket) -> Vec<Self> {
        if ticket.priority != Priority::P1 || ticket.agent.as_str() != "sentinel" || !ticket.language.is_written() {
            return Vec::new();
        }
        let decides = |quote: &&String| ticket.priority_quotes.iter().flatten().any(|other| other == *quote);
        let notices = ticket.churn_quotes.iter().filter(decides);
        notices.map(|text| Self { text: text.clone(), language: ticket.language, act: Act::Leaving }).collect()
    }
}

impl NoiseText {
    /// A sentence that carries no label, if it is one.
    #[must_use]
    pub fn of_act(sentence: &ActSentence) -> Option<Self> {
        let nothing = matches!(sentence.act, Act::Courtesy | Act::Boilerplate);
        nothing.then(|| Self {
            text: sentence.text.clone(),
            language: sentence.language,
            sort: <&str>::from(sentence.act).to_owned(),
        })
    }
}

impl Risk {
    #[must_use]
    pub fn is_high(self) -> bool {
        self == Self::High
    }
}

/// Where a corpus file is wrong.
#[derive(Debug, thiserror::Error)]
pub enum CorpusError {
    #[error("{file} cannot be read: {cause}")]
    Unreadable { file: String, cause: std::io::Error },
    #[error("{file}, line {line}: {cause}")]
    Line { file: String, line: usize, cause: serde_json::Error },
    #[error("{file}, line {line}: {id}: {problem}")]
    Label { file: String, line: usize, id: String, problem: &'static str },
}

/// All tickets of a folder's JSON Lines files, by file name.
///
/// # Errors
/// The first file that cannot be read, or the first line of one that is no ticket or contradicts itself.
pub fn tickets(folder: &Path) -> Result<Vec<LabelledTicket>, CorpusError> {
    all(folder, parse)
}

/// All sentences of a folder's JSON Lines files, by file name.
///
/// # Errors
/// The first file that cannot be read, or the first line of one that is no labelled sentence.
pub fn sentences(folder: &Path) -> Result<Vec<LabelledSentence>, CorpusError> {
    all(folder, parse_lines)
}

/// What each sentence of a folder's JSON Lines files does, by file name; none where there is no folder.
///
/// # Errors
/// The first file that cannot be read, or the first line of one that is no such sentence.
pub fn acts(folder: &Path) -> Result<Vec<ActSentence>, CorpusError> {
    if folder.is_dir() { all(folder, parse_lines) } else { Ok(Vec::new()) }
}

/// The tickets by kind of a folder's JSON Lines files, by file name.
///
/// # Errors
/// The first file that cannot be read, or the first line of one that is no such ticket.
pub fn kinds(folder: &Path) -> Result<Vec<KindTicket>, CorpusError> {
    all(folder, parse_lines)
}

/// The pairs of a ticket and an article of a folder's JSON Lines files, by file name; none where there is no folder.
///
/// # Errors
/// The first file that cannot be read, or the first line of one that is no such pair.
pub fn answers(folder: &Path) -> Result<Vec<AnswerPair>, CorpusError> {
    if folder.is_dir() { all(folder, parse_lines) } else { Ok(Vec::new()) }
}

/// The pairs of one JSON Lines file.
///
/// # Errors
/// The file cannot be read, or a line of it is no such pair.
pub fn answers_of(path: &Path) -> Result<Vec<AnswerPair>, CorpusError> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|cause| CorpusError::Unreadable { file: file.clone(), cause })?;
    parse_lines(&file, &text)
}

/// The sentences in other languages of a folder's JSON Lines files, by file name.
///
/// # Errors
/// The first file that cannot be read, or the first line of one that is no such sentence.
pub fn foreign(folder: &Path) -> Result<Vec<ForeignSentence>, CorpusError> {
    all(folder, parse_lines)
}

/// Texts without a label of a folder's JSON Lines files, by file name; none where there is no folder.
///
/// # Errors
/// The first file that cannot be read, or the first line of one that is no such text.
pub fn noise(folder: &Path) -> Result<Vec<NoiseText>, CorpusError> {
    if folder.is_dir() { all(folder, parse_lines) } else { Ok(Vec::new()) }
}

/// Sentences by topic of a folder's JSON Lines files, by file name; none where there is no folder.
///
/// # Errors
/// The first file that cannot be read, or the first line of one that is no such sentence.
pub fn topic_sentences(folder: &Path) -> Result<Vec<TopicSentence>, CorpusError> {
    if folder.is_dir() { all(folder, parse_lines) } else { Ok(Vec::new()) }
}

fn all<T>(folder: &Path, parse: fn(&str, &str) -> Result<Vec<T>, CorpusError>) -> Result<Vec<T>, CorpusError> {
    let unreadable = |path: &Path, cause| CorpusError::Unreadable { file: path.display().to_string(), cause };
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
        .map_err(|cause| unreadable(folder, cause))?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    paths.sort();
    let mut items = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).map_err(|cause| unreadable(&path, cause))?;
        items.extend(parse(&path.display().to_string(), &text)?);
    }
    Ok(items)
}

/// Parses JSON Lines of one form each; the error names the first line that has another.
fn parse_lines<T: DeserializeOwned>(file: &str, text: &str) -> Result<Vec<T>, CorpusError> {
    let sentence = |(index, line)| {
        serde_json::from_str(line).map_err(|cause| CorpusError::Line { file: file.to_owned(), line: index + 1, cause })
    };
    text.lines().enumerate().map(sentence).collect()
}

/// Parses JSON Lines of tickets and checks that quotes and labels agree.
///
/// # Errors
/// The first line that is no ticket or contradicts itself, with its file and number.
pub fn parse(file: &str, text: &str) -> Result<Vec<LabelledTicket>, CorpusError> {
    text.lines()
        .enumerate()
        .map(|(index, line)| {
            let (file, line_number) = (file.to_owned(), index + 1);
            let ticket: LabelledTicket = serde_json::from_str(line).map_err(|cause| CorpusError::Line {
                file: file.clone(),
                line: line_number,
                cause,
            })?;
            match contradiction(&ticket) {
                Some(problem) => Err(CorpusError::Label { file, line: line_number, id: ticket.id, problem }),
                None => Ok(ticket),
            }
        })
        .collect()
}

fn contradiction(ticket: &LabelledTicket) -> Option<&'static str> {
    let decisive = ticket.priority_quotes.iter().chain(&ticket.sentiment_quotes).flatten();
    let mut quotes = ticket.churn_quotes.iter().chain(&ticket.intent_quotes).chain(decisive);
    let is_in_body = |quote: &String| !domain::quote::verified(std::slice::from_ref(quote), &ticket.body).is_empty();
    let problems = [
        ((ticket.churn == Risk::High) == ticket.churn_quotes.is_empty(), "churn_quotes and churn_risk disagree"),
        (ticket.intent.is_some() == ticket.intent_quotes.is_empty(), "intent_quotes and intent disagree"),
        (
            ticket.topic.as_deref().is_some_and(|topic| topics::class(topic).is_none()),
            "topic is none that the heads know",
        ),
        (ticket.agent.class().is_none(), "team is none that the heads have a class for"),
        (!quotes.all(is_in_body), "a quote is not in the body"),
    ];
    problems.into_iter().find(|(wrong, _)| *wrong).map(|(_, problem)| problem)
}

fn intent<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Intent>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text == "none" { Ok(None) } else { text.parse().map(Some).map_err(serde::de::Error::custom) }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet, HashMap};

    use strum::IntoEnumIterator;

    use super::*;

    const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/corpus");

    fn bundled() -> Vec<LabelledTicket> {
        tickets(&Path::new(FOLDER).join("training/tickets")).unwrap()
    }

    #[test]
    fn the_bundled_corpus_covers_the_grid() {
        let tickets = bundled();
        assert!(tickets.len() >= 1_800, "{}", tickets.len());
        let ids: BTreeSet<_> = tickets.iter().map(|ticket| &ticket.id).collect();
        assert_eq!(ids.len(), tickets.len());
        let mut grid: BTreeMap<(&str, String), [usize; 4]> = BTreeMap::new();
        let written = || tickets.iter().filter(|ticket| ticket.language.is_written());
        for ticket in written() {
            let risk = if ticket.churn.is_high() { "high" } else { "none" };
            let intent = ticket.intent.map_or("none", <&str>::from);
            let cells = [
                ("priority", ticket.priority.to_string()),
                ("team", ticket.agent.to_string()),
                ("sentiment", ticket.sentiment.to_string()),
                ("churn_risk", risk.to_owned()),
                ("intent", intent.to_owned()),
                ("style", ticket.style.clone()),
                ("trap", ticket.trap.clone().unwrap_or_else(|| "none named".to_owned())),
                ("all", String::new()),
            ];
            for cell in cells {
                grid.entry(cell).or_default()[ticket.language as usize] += 1;
            }
        }
        for ((field, value), [en, fr, de, es]) in &grid {
            println!("| {field} | {value} | {en} | {fr} | {de} | {es} |");
            let least = if *field == "trap" { 5 } else { 10 };
            assert!([en, fr, de, es].into_iter().all(|count| *count >= least), "{field} {value}");
        }
        for language in Language::iter().filter(|language| *language != Language::Other) {
            let count = tickets.iter().filter(|ticket| ticket.language == language).count();
            assert!(count >= 85, "{count} in {language}");
        }
    }

    /// Runs of five words.
    fn runs(text: &str) -> BTreeSet<String> {
        let words = analyst::features::words(text);
        words.windows(5).map(|run| run.join(" ")).collect()
    }

    #[test]
    fn no_ticket_says_again_what_another_says() {
        let csv = |file: &str| {
            csv::Reader::from_path(Path::new(FOLDER).join(file))
                .unwrap()
                .into_records()
                .map(Result::unwrap)
                .map(|row| (row[0].to_owned(), row[3].to_owned()))
                .collect::<Vec<_>>()
        };
        /// Of the shorter one's runs of five words.
        const SHARED: f64 = 0.3;
        /// An exam's and a training ticket that two hands without sight of each other wrote alike: a notice in one
        /// sentence, a short question. They stay, since an exam is not mended once it was scored.
        const BY_CHANCE: [(&str, &str); 5] = [
            ("#12161", "fr7-208"),
            ("#13038", "de6-021"),
            ("#13327", "fr1-043"),
            ("#13417", "en8-068"),
            ("#13444", "es6-013"),
        ];
        let mut texts: Vec<(String, String, bool)> =
            bundled().into_iter().map(|ticket| (ticket.id, ticket.body, true)).collect();
        let files = std::fs::read_dir(FOLDER).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut others: Vec<String> = files.filter(|name| name.ends_with(".csv")).collect();
        others.sort_unstable();
        assert!(others.len() >= 10, "{others:?}");
        texts.extend(others.iter().flat_map(|file| csv(file)).map(|(id, body)| (id, body, false)));
        let all_runs: Vec<BTreeSet<String>> = texts.iter().map(|(_, body, _)| runs(body)).collect();
        let mut holding: HashMap<&String, Vec<usize>> = HashMap::new();
        let mut said_again = Vec::new();
        for (index, (text, runs)) in texts.iter().zip(&all_runs).enumerate() {
            let mut shared: HashMap<usize, usize> = HashMap::new();
            for other in runs.iter().flat_map(|run| holding.get(run).into_iter().flatten()) {
                *shared.entry(*other).or_default() += 1;
            }
            for (other, count) in shared {
                let least = runs.len().min(all_runs[other].len());
                let share = count as f64 / least as f64;
                // Of two tickets of one file one may be the other but for the detail that decides.
                let file = |id: &str| id.split('-').next().map(str::to_owned);
                let of_corpus = |text: &(String, String, bool)| text.2;
                let contrast = of_corpus(text) && file(&text.0) == file(&texts[other].0);
                let exams = !of_corpus(text) && !of_corpus(&texts[other]);
                let by_chance = BY_CHANCE.contains(&(&text.0, &texts[other].0));
                if count >= 6 && share > SHARED && !contrast && !exams && !by_chance {
                    said_again.push(format!("{} and {} share {share:.2}", text.0, texts[other].0));
                }
            }
            runs.iter().for_each(|run| holding.entry(run).or_default().push(index));
        }
        assert!(said_again.is_empty(), "{said_again:#?}");
    }

    #[test]
    fn single_sentences_are_sound() {
        let sentences = sentences(&Path::new(FOLDER).join("training/sentences")).unwrap();
        let texts: BTreeSet<_> = sentences.iter().map(|sentence| &sentence.text).collect();
        assert_eq!(texts.len(), sentences.len());
        assert!(sentences.len() >= 4_000);
        assert!(parse_lines::<LabelledSentence>("x", "{}").unwrap_err().to_string().contains("line 1"));
    }

    #[derive(Deserialize)]
    struct SecondLabel {
        id: String,
        priority: Priority,
        team: TeamId,
        sentiment: Sentiment,
        churn_risk: Risk,
        #[serde(deserialize_with = "intent")]
        intent: Option<Intent>,
    }

    /// What `docs/corpus.md` says of the second labelling.
    #[test]
    fn a_second_labelling_agrees() {
        let tickets: HashMap<String, LabelledTicket> =
            bundled().into_iter().map(|ticket| (ticket.id.clone(), ticket)).collect();
        let second: Vec<SecondLabel> = include_str!("../tests/second_labels.jsonl")
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(second.len(), 200);
        let check = |name: &str, pairs: fn(&LabelledTicket, &SecondLabel) -> (usize, usize)| {
            let pairs: Vec<_> = second.iter().map(|second| pairs(&tickets[&second.id], second)).collect();
            let table = crate::evaluate::Confusion::of(5, pairs.iter().copied());
            println!("{name}: agreement {:.3}, kappa {:.3}", table.accuracy(), table.kappa());
            assert!(table.kappa() >= 0.9, "{name}");
        };
        check("priority", |first, second| (first.priority as usize, second.priority as usize));
        check("team", |first, second| (first.agent.class().unwrap(), second.team.class().unwrap()));
        check("sentiment", |first, second| (first.sentiment as usize, second.sentiment as usize));
        check("churn_risk", |first, second| (first.churn as usize, second.churn_risk as usize));
        check("intent", |first, second| {
            let class = |intent: Option<Intent>| intent.map_or(0, |intent| intent as usize + 1);
            (class(first.intent), class(second.intent))
        });
    }

    #[test]
    fn a_contradiction_is_named_with_its_line() {
        let line =
            r#"{"id":"a","scenario":"s","language":"en","style":"chat","subject":"","body":"We leave.","priority":"P3",
            "team":"nexus","sentiment":"neutral","churn_risk":"high","intent":"none","churn_quotes":["We leave."],
            "intent_quotes":[]}"#
                .replace('\n', "");
        assert_eq!(parse("x", &line).unwrap().len(), 1);
        let broken = line.replace("\"high\"", "\"none\"");
        let error = parse("x", &format!("{line}\n{broken}")).unwrap_err();
        assert_eq!(error.to_string(), "x, line 2: a: churn_quotes and churn_risk disagree");
        let misquoted = line.replace("[\"We leave.\"]", "[\"We leave.\", \"We are gone.\"]");
        let error = parse("x", &misquoted).unwrap_err();
        assert_eq!(error.to_string(), "x, line 1: a: a quote is not in the body");
        let unknown = line.replace("nexus", "field_ops");
        let error = parse("x", &unknown).unwrap_err();
        assert_eq!(error.to_string(), "x, line 1: a: team is none that the heads have a class for");
        assert!(parse("x", "{}").unwrap_err().to_string().contains("line 1"));
    }
}
