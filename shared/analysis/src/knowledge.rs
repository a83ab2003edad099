//! A team's knowledge base, and the article that answers a ticket.

mod vocabulary;

use std::collections::BTreeMap;

use domain::{Agent, Language};
use serde::Deserialize;

use self::vocabulary::Vocabulary;
use crate::text;

/// BM25's usual constants: how fast repeated words stop counting, and how much long articles are held back.
const K1: f32 = 1.2;
const B: f32 = 0.75;
/// A BM25 score at which a long ticket is as good as answered.
const FULL_SCORE: f32 = 40.0;

/// One article: TOML front matter between `+++` lines, then Markdown. What stands before the first `##` heading is
/// the answer that goes into a draft.
#[derive(Clone, PartialEq, Debug)]
pub struct Article {
    /// File name without extension.
    pub name: String,
    pub title: String,
    pub topic: String,
    pub agent: Agent,
    /// Answers anybody, without a look at their account.
    pub faq: bool,
    pub language: Language,
    pub answer: String,
    questions: Vec<String>,
    details: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FrontMatter {
    title: String,
    topic: String,
    agent: Agent,
    faq: bool,
    #[serde(default = "english")]
    language: Language,
    questions: Vec<String>,
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
        let FrontMatter { title, topic, agent, faq, language, questions } = front;
        Ok(Self { name, title, topic, agent, faq, language, answer, questions, details: details.to_owned() })
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
            holding.get_mut(*stem).into_iter().for_each(|count| *count += 1.0);
        }
        let rarity: Vec<f32> =
            holding.iter().map(|holding| libm::logf(1.0 + (all - holding + 0.5) / (holding + 0.5))).collect();
        let mut postings = vec![Vec::new(); vocabulary.len()];
        for (article, (counts, length)) in counts.iter().zip(&lengths).enumerate() {
            let norm = K1 * (1.0 - B + B * length / mean_length);
            for (stem, count) in counts {
                if let (Some(list), Some(rarity)) = (postings.get_mut(*stem), rarity.get(*stem)) {
                    list.push((article, rarity * count * (K1 + 1.0) / (count + norm)));
                }
            }
        }
        Self { articles, vocabulary, postings, rarity, questions }
    }

    pub fn articles(&self) -> impl Iterator<Item = &Article> {
        self.articles.iter()
    }

    /// The articles that share words with the ticket, best first, at most `limit`.
    ///
    /// Ranked by BM25 over title, questions and text. The score of a match says how much of a question the article
    /// answers the ticket really contains: half the weighted share of the stems of its closest question found in the
    /// ticket, half the BM25 score against a score at which a long ticket is as good as answered.
    #[must_use]
    pub fn search(&self, subject: &str, body: &str, limit: usize) -> Vec<Match<'_>> {
        let mut query = self.vocabulary.known(subject);
        query.extend(self.vocabulary.known(&text::current(body)));
        query.sort_unstable();
        query.dedup();
        let mut scores = vec![0.0f32; self.articles.len()];
        for (article, impact) in query.iter().filter_map(|stem| self.postings.get(*stem)).flatten() {
            scores.get_mut(*article).into_iter().for_each(|score| *score += impact);
        }
        let mut found: Vec<(f32, &Article, &Vec<Vec<usize>>)> = scores
            .into_iter()
            .zip(self.articles.iter().zip(&self.questions))
            .filter(|(score, _)| *score > 0.0)
            .map(|(score, (article, questions))| (score, article, questions))
            .collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.name.cmp(&b.1.name)));
        found
            .into_iter()
            .take(limit)
            .map(|(score, article, questions)| {
                let closest = questions.iter().map(|question| self.coverage(question, &query)).fold(0.0, f32::max);
                Match { article, score: 0.5 * closest + 0.5 * (score / FULL_SCORE).min(1.0) }
            })
            .collect()
    }

    /// The share of a question's stems, weighted by rarity, that the query holds.
    fn coverage(&self, question: &[usize], query: &[usize]) -> f32 {
        let weigh = |stem: &usize| self.rarity.get(*stem).copied().unwrap_or(0.0);
        let all: f32 = question.iter().map(weigh).sum();
        let shared: f32 = question.iter().filter(|stem| query.binary_search(stem).is_ok()).map(weigh).sum();
        if all > 0.0 { shared / all } else { 0.0 }
    }
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
            for question in &article.questions {
                let mut rest = articles.clone();
                rest[index].questions.retain(|other| other != question);
                let base = KnowledgeBase::new(rest);
                let found = base.search("", question, 3);
                asked += 1;
                first += usize::from(found.first().is_some_and(|found| found.article.name == article.name));
                third += usize::from(found.iter().any(|found| found.article.name == article.name));
            }
        }
        println!("{asked} questions: recall@1 {first}, recall@3 {third}");
        assert!(first * 100 >= asked * 70 && third * 100 >= asked * 88, "{first} and {third} of {asked}");
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
