//! A team's knowledge base, and the article that answers a ticket.
#![expect(
    clippy::indexing_slicing,
    reason = "stems and articles are numbered by this index itself; a wrong number must panic in a test, not score 0"
)]

mod vocabulary;

use std::{collections::BTreeMap, sync::OnceLock};

use domain::{Language, TeamId};
use encoder::{Encoder, Vector, cosine};
use serde::Deserialize;
use strum::IntoEnumIterator;

use self::vocabulary::Vocabulary;
use crate::text;

/// BM25's usual constants: how fast repeated words stop counting, and how much long articles are held back.
const K1: f32 = 1.2;
const B: f32 = 0.75;
/// A BM25 score at which a long ticket is as good as answered; it brings BM25, which has no upper end, to 0..=1.
const FULL_SCORE: f32 = 40.0;
/// The share of meaning beside words in a score, chosen on the questions of `tests/retrieval.jsonl`.
const MEANING: f32 = 0.4;

/// One article: TOML front matter between `+++` lines, then Markdown. What stands before the first `##` heading is
/// the answer that goes into a draft.
#[derive(Clone, PartialEq, Debug)]
pub struct Article {
    /// File name without extension.
    pub name: String,
    pub title: String,
    pub topic: String,
    pub agent: TeamId,
    /// Answers anybody, without a look at their account.
    pub faq: bool,
    /// The language of the answer.
    pub language: Language,
    /// What the translations of one article share; none for an article that stands alone.
    pub family: Option<String>,
    /// Where it was imported from.
    pub source: Option<String>,
    pub answer: String,
    /// In its own language, and in others where the front matter has them.
    wordings: BTreeMap<Language, Wording>,
    details: String,
}

/// How an article is asked for in one language.
#[derive(Clone, PartialEq, Debug)]
struct Wording {
    title: String,
    questions: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FrontMatter {
    title: String,
    topic: String,
    agent: TeamId,
    faq: bool,
    #[serde(default = "english")]
    language: Language,
    #[serde(rename = "article")]
    family: Option<String>,
    source: Option<String>,
    questions: Vec<String>,
    title_en: Option<String>,
    title_fr: Option<String>,
    title_de: Option<String>,
    title_es: Option<String>,
    #[serde(default)]
    questions_en: Vec<String>,
    #[serde(default)]
    questions_fr: Vec<String>,
    #[serde(default)]
    questions_de: Vec<String>,
    #[serde(default)]
    questions_es: Vec<String>,
}

fn english() -> Language {
    Language::En
}

/// What is wrong with an article.
#[derive(Debug, thiserror::Error)]
pub enum ArticleError {
    #[error("{name}: needs TOML front matter between two `+++` lines")]
    NoFrontMatter { name: String },
    #[error("{name}: front matter: {cause}")]
    FrontMatter { name: String, cause: Box<toml::de::Error> },
    #[error("{name}: no answer before the first `##` heading")]
    NoAnswer { name: String },
}

/// Articles with their index. Small enough to be built at start: 30 articles take a few milliseconds.
pub struct KnowledgeBase {
    articles: Vec<Article>,
    vocabulary: Vocabulary,
    /// For each stem the articles that hold it, and what it adds to their BM25 score.
    postings: Vec<Vec<(usize, f32)>>,
    /// For each stem its inverse document frequency.
    rarity: Vec<f32>,
    /// For each article its title and questions, each as its stems.
    questions: Vec<Vec<Vec<usize>>>,
    /// For each language and article what its title and questions mean, once somebody asked in that language.
    meanings: BTreeMap<Language, OnceLock<Vec<Vec<Vector>>>>,
}

/// A ticket that looks for an article.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    pub subject: &'a str,
    /// The customer's own words.
    pub body: &'a str,
    pub language: Language,
    /// The encoder and what the sentences of the ticket mean; without it only words are compared.
    pub meaning: Option<(&'a Encoder, &'a [Vector])>,
}

/// An article that may answer, and how well it fits.
#[derive(Clone, Copy, Debug)]
pub struct Match<'a> {
    pub article: &'a Article,
    /// 0 to 1.
    pub score: f32,
}

impl Article {
    /// # Errors
    /// [`ArticleError`], naming the article and what is missing.
    pub fn parse(name: &str, source: &str) -> Result<Self, ArticleError> {
        let name = name.to_owned();
        let (front, body) = source
            .trim_start_matches('\u{feff}')
            .replace("\r\n", "\n")
            .strip_prefix("+++\n")
            .and_then(|rest| rest.split_once("\n+++"))
            .map(|(front, body)| (front.to_owned(), body.to_owned()))
            .ok_or_else(|| ArticleError::NoFrontMatter { name: name.clone() })?;
        let front: FrontMatter = toml::from_str(&front)
            .map_err(|cause| ArticleError::FrontMatter { name: name.clone(), cause: Box::new(cause) })?;
        let (answer, details) = body.split_once("\n## ").unwrap_or((&body, ""));
        let answer = answer.trim().to_owned();
        if answer.is_empty() {
            return Err(ArticleError::NoAnswer { name });
        }
        let mut wordings: BTreeMap<Language, Wording> = [
            (Language::En, front.title_en, front.questions_en),
            (Language::Fr, front.title_fr, front.questions_fr),
            (Language::De, front.title_de, front.questions_de),
            (Language::Es, front.title_es, front.questions_es),
        ]
        .into_iter()
        .filter(|(_, title, questions)| title.is_some() || !questions.is_empty())
        .map(|(language, title, questions)| (language, Wording { title: title.unwrap_or_default(), questions }))
        .collect();
        let FrontMatter { title, topic, agent, faq, language, family, source, questions, .. } = front;
        wordings.insert(language, Wording { title: title.clone(), questions });
        let details = details.to_owned();
        Ok(Self { name, title, topic, agent, faq, language, family, source, answer, wordings, details })
    }

    /// How it is asked for in its own language.
    #[must_use]
    pub fn questions(&self) -> &[String] {
        self.wordings.get(&self.language).map_or(&[], |wording| &wording.questions)
    }

    /// Whether both say the same, in different languages or in one.
    fn is_translation_of(&self, other: &Self) -> bool {
        self.family.is_some() && self.family == other.family
    }
}

impl KnowledgeBase {
    /// # Errors
    /// The first article that cannot be parsed.
    pub fn parse<'a>(sources: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Self, ArticleError> {
        Ok(Self::new(sources.map(|(name, source)| Article::parse(name, source)).collect::<Result<_, _>>()?))
    }

    #[must_use]
    pub fn new(articles: Vec<Article>) -> Self {
        let mut vocabulary = Vocabulary::new();
        let counts: Vec<BTreeMap<usize, f32>> = articles.iter().map(|article| vocabulary.weigh(article)).collect();
        let questions = articles.iter().map(|article| vocabulary.questions(article)).collect();
        let lengths: Vec<f32> = counts.iter().map(|counts| counts.values().sum()).collect();
        let all = articles.len() as f32;
        let mean_length = lengths.iter().sum::<f32>() / all.max(1.0);

        let mut holding = vec![0.0f32; vocabulary.len()];
        for stem in counts.iter().flat_map(BTreeMap::keys) {
            holding[*stem] += 1.0;
        }
        let rarity: Vec<f32> =
            holding.iter().map(|holding| libm::logf(1.0 + (all - holding + 0.5) / (holding + 0.5))).collect();
        let mut postings = vec![Vec::new(); vocabulary.len()];
        for (article, (counts, length)) in counts.iter().zip(&lengths).enumerate() {
            let norm = K1 * (1.0 - B + B * length / mean_length);
            for (stem, count) in counts {
                postings[*stem].push((article, rarity[*stem] * count * (K1 + 1.0) / (count + norm)));
            }
        }
        let meanings = Language::iter().map(|language| (language, OnceLock::new())).collect();
        Self { articles, vocabulary, postings, rarity, questions, meanings }
    }

    pub fn articles(&self) -> impl Iterator<Item = &Article> {
        self.articles.iter()
    }

    /// The articles that fit the ticket, best first, at most `limit`.
    ///
    /// By words, the score says how much of a question the article answers the ticket really contains: half the weighted
    /// share of the stems of its closest question found in the ticket, half the BM25 score over titles, questions and
    /// text against a score at which a long ticket is as good as answered. By meaning, it is the cosine of the closest pair
    /// of a sentence of the ticket and a title or question of the article in the ticket's language.
    ///
    /// Of an article's translations one is found: the one in the ticket's language, with the score of the best.
    #[must_use]
    pub fn search(&self, question: Question<'_>, limit: usize) -> Vec<Match<'_>> {
        let Question { subject, body, language, meaning } = question;
        let mut query = self.vocabulary.known(subject, language);
        query.extend(self.vocabulary.known(body, language));
        query.sort_unstable();
        query.dedup();
        let mut scores = vec![0.0f32; self.articles.len()];
        for (article, impact) in query.iter().flat_map(|stem| &self.postings[*stem]) {
            scores[*article] += impact;
        }
        let meanings = meaning.map(|(encoder, sentences)| (self.meanings(encoder, language), sentences));
        let mut found: Vec<Match<'_>> = self
            .articles
            .iter()
            .zip(scores.iter().zip(&self.questions))
            .enumerate()
            .map(|(index, (article, (score, questions)))| {
                let closest = questions.iter().map(|question| self.coverage(question, &query)).fold(0.0, f32::max);
                let words = 0.5 * closest + 0.5 * (score / FULL_SCORE).min(1.0);
                let meant = meanings.map(|(meanings, sentences)| nearest(&meanings[index], sentences));
                let score = meant.map_or(words, |meant| MEANING * meant + (1.0 - MEANING) * words);
                Match { article, score }
            })
            .filter(|found| found.score > 0.0)
            .collect();
        found.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.article.name.cmp(&b.article.name)));
        let mut best: Vec<Match<'_>> = Vec::new();
        for found in found {
            if best.len() < limit && !best.iter().any(|other| other.article.is_translation_of(found.article)) {
                best.push(Match { article: self.translated(found.article, language), ..found });
            }
        }
        best
    }

    /// The article in that language, where there is a translation; else as it is.
    fn translated<'a>(&'a self, article: &'a Article, language: Language) -> &'a Article {
        if article.language == language || article.family.is_none() {
            return article;
        }
        let wanted = |other: &&Article| other.language == language && other.is_translation_of(article);
        self.articles.iter().find(wanted).unwrap_or(article)
    }

    /// What titles and questions mean, in a language or else in the article's own.
    fn meanings(&self, encoder: &Encoder, language: Language) -> &[Vec<Vector>] {
        let of = |article: &Article| {
            let wording = article.wordings.get(&language).or_else(|| article.wordings.get(&article.language));
            let texts = wording.iter().flat_map(|wording| wording.questions.iter().chain([&wording.title]));
            let texts: Vec<String> = texts.filter(|text| !text.is_empty()).map(|text| text::masked(text)).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            encoder.encode(&texts).into_iter().map(|encoded| encoded.vector).collect()
        };
        self.meanings[&language].get_or_init(|| self.articles.iter().map(of).collect())
    }

    /// How near a sentence is to what the article answers, by meaning: the cosine of the closest of its questions.
    #[must_use]
    pub fn nearness(&self, encoder: &Encoder, article: &Article, language: Language, sentence: &Vector) -> f32 {
        let position = self.articles.iter().position(|other| other.name == article.name);
        let questions = position.and_then(|index| self.meanings(encoder, language).get(index));
        questions.map_or(0.0, |questions| nearest(questions, std::slice::from_ref(sentence)))
    }

    /// The share of a question's stems, weighted by rarity, that the query holds.
    fn coverage(&self, question: &[usize], query: &[usize]) -> f32 {
        let weigh = |stem: &usize| self.rarity[*stem];
        let all: f32 = question.iter().map(weigh).sum();
        let shared: f32 = question.iter().filter(|stem| query.binary_search(stem).is_ok()).map(weigh).sum();
        if all > 0.0 { shared / all } else { 0.0 }
    }
}

/// The cosine of the closest pair, at least 0.
fn nearest(questions: &[Vector], sentences: &[Vector]) -> f32 {
    let pairs = questions.iter().flat_map(|question| sentences.iter().map(move |other| (question, other)));
    pairs.map(|(question, sentence)| cosine(question, sentence)).fold(0.0, f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundled() -> KnowledgeBase {
        KnowledgeBase::parse(data::knowledge_base()).unwrap()
    }

    #[test]
    fn the_bundled_base_covers_every_topic() {
        let base = bundled();
        assert!(base.articles().count() >= 24);
        for topic in ["integrations", "payments", "fulfilment", "analytics", "account", "security"] {
            assert!(base.articles().filter(|article| article.topic == topic).count() >= 4, "{topic}");
        }
    }

    #[test]
    fn an_article_is_found_by_a_question_it_was_not_given() {
        let articles: Vec<Article> = bundled().articles().cloned().collect();
        let (mut asked, mut first, mut third) = (0, 0, 0);
        for (index, article) in articles.iter().enumerate() {
            for question in &article.wordings[&Language::En].questions {
                let mut rest = articles.clone();
                rest[index].wordings.get_mut(&Language::En).unwrap().questions.retain(|other| other != question);
                let base = KnowledgeBase::new(rest);
                let asked_in_words = Question { subject: "", body: question, language: Language::En, meaning: None };
                let found = base.search(asked_in_words, 3);
                asked += 1;
                first += usize::from(found.first().is_some_and(|found| found.article.name == article.name));
                third += usize::from(found.iter().any(|found| found.article.name == article.name));
            }
        }
        println!("{asked} questions: recall@1 {first}, recall@3 {third}");
        assert!(first * 100 >= asked * 70 && third * 100 >= asked * 88, "{first} and {third} of {asked}");
    }

    #[derive(Deserialize)]
    struct Labelled {
        language: Language,
        subject: String,
        body: String,
        article: Option<String>,
    }

    #[test]
    fn questions_in_four_languages_find_their_article() {
        let (base, encoder) = (bundled(), Encoder::new(data::ENCODER).unwrap());
        let mut counts: BTreeMap<Language, [usize; 3]> = BTreeMap::new();
        let (mut scores, mut silent) = (Vec::new(), Vec::new());
        for line in include_str!("../tests/retrieval.jsonl").lines() {
            let asked: Labelled = serde_json::from_str(line).unwrap();
            let mut sentences = text::sentences(&asked.body);
            sentences.push(asked.subject.clone());
            let texts: Vec<String> = sentences.iter().map(|sentence| text::masked(sentence)).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let vectors: Vec<Vector> = encoder.encode(&texts).into_iter().map(|encoded| encoded.vector).collect();
            let question = Question {
                subject: &asked.subject,
                body: &asked.body,
                language: asked.language,
                meaning: Some((&encoder, &vectors)),
            };
            let found = base.search(question, 3);
            let Some(article) = asked.article else {
                silent.push(found[0].score);
                continue;
            };
            let [all, first, third] = counts.entry(asked.language).or_default();
            *all += 1;
            *first += usize::from(found[0].article.name == article);
            *third += usize::from(found.iter().any(|found| found.article.name == article));
            scores.push((found[0].score, found[0].article.name == article));
        }
        let [all, first, third] = counts.values().fold([0; 3], |[a, b, c], [d, e, f]| [a + d, b + e, c + f]);
        for threshold in [0.35, 0.4, 0.45, 0.5, 0.55, 0.6] {
            let right = scores.iter().filter(|(score, right)| *right && *score >= threshold).count();
            let wrong = scores.iter().filter(|(score, right)| !right && *score >= threshold).count();
            let false_ones = silent.iter().filter(|score| **score >= threshold).count();
            println!(
                "from {threshold}: {right} right, {wrong} wrong, {false_ones} of {} without an answer",
                silent.len()
            );
        }
        println!("recall@1 {first}, recall@3 {third} of {all}; {counts:?}");
        assert!(all >= 120 && first * 100 >= all * 69 && third * 100 >= all * 85, "{first} and {third} of {all}");
    }

    /// One article in English and French, and another in English alone.
    fn translated() -> KnowledgeBase {
        let article = |title: &str, rest: &str, answer: &str| {
            let front = format!("title = '{title}'\ntopic = 'x'\nagent = 'nexus'\nfaq = true\nquestions = []\n{rest}");
            format!("+++\n{front}\n+++\n{answer}\n")
        };
        let english = article("Rotate an API key", "article = '7'", "Open Settings and rotate the key.");
        let french = article(
            "Renouveler une clé API",
            "article = '7'\nlanguage = 'fr'",
            "Ouvrez Paramètres et changez la clé API.",
        );
        let other = article("Print a label", "", "Open Orders and print the API label.");
        let sources = [("a", &english), ("b", &french), ("c", &other)];
        KnowledgeBase::parse(sources.into_iter().map(|(name, source)| (name, source.as_str()))).unwrap()
    }

    #[test]
    fn a_ticket_gets_the_article_in_its_language() {
        let base = translated();
        for (body, language, expected) in [
            ("How do I rotate the API key?", Language::En, "a"),
            ("Comment renouveler notre clé API ?", Language::Fr, "b"),
            ("Bonjour, rotate an API key : comment faire ?", Language::Fr, "b"),
            ("Wie geht das: rotate an API key?", Language::De, "a"),
        ] {
            let found = base.search(Question { subject: "", body, language, meaning: None }, 3);
            let names: Vec<&str> = found.iter().map(|found| found.article.name.as_str()).collect();
            assert_eq!(names.first(), Some(&expected), "{body}");
            assert_eq!(names.iter().filter(|name| ["a", "b"].contains(name)).count(), 1, "one translation: {names:?}");
        }
    }

    #[test]
    fn a_translation_has_the_score_of_the_best() {
        let base = translated();
        let ask = |language| {
            let question = Question { subject: "", body: "rotate an API key", language, meaning: None };
            base.search(question, 1).first().map(|found| (found.article.language, found.score)).unwrap()
        };
        let (english, french) = (ask(Language::En), ask(Language::Fr));
        assert_eq!((english.0, french.0), (Language::En, Language::Fr));
        assert!((english.1 - french.1).abs() < 1e-6, "{} and {}", english.1, french.1);
    }

    #[test]
    fn a_broken_article_is_named_with_what_is_missing() {
        let check = |source: &str, message: &str| {
            let error = Article::parse("x", source).unwrap_err().to_string();
            assert!(error.starts_with("x: ") && error.contains(message), "{error}");
        };
        check("just text", "front matter between");
        check("+++\ntitle = 1\n+++\nAnswer", "front matter: ");
        check("+++\ntitle='a'\ntopic='b'\nagent='nexus'\nfaq=true\nquestions=[]\n+++\n\n## Details", "no answer");
    }
}
