//! A team's knowledge base, and the article that answers a ticket.
#![expect(
    clippy::indexing_slicing,
    reason = "stems and articles are numbered by this index itself; a wrong number must panic in a test, not score 0"
)]

mod vocabulary;

use std::{
    collections::BTreeMap,
    sync::{LazyLock, OnceLock},
};

use domain::{Language, TeamId};
use ndarray::ArrayView1;
use serde::Deserialize;
use strum::IntoEnumIterator;

use self::vocabulary::Vocabulary;
use crate::{
    Weights,
    asked::Asked,
    gate::{
        Evidence,
        evidence::{Comparison, Nearness, Said, Sides},
    },
    sentence_vectors, text,
};

/// BM25's usual constants: how fast repeated words stop counting, and how much long articles are held back.
const K1: f32 = 1.2;
const B: f32 = 0.75;
/// A BM25 score at which a long ticket is as good as answered; it brings BM25, which has no upper end, to 0..=1.
const FULL_SCORE: f32 = 40.0;

/// A sentence of the details nearer than this says something of the question.
const NEAR: f32 = 0.3;
/// More sentences than these are not an answer but the article.
const MOST_DETAILS: usize = 3;

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
    /// What the translations of one article share: the front matter's `article`, else the name without its language.
    pub family: String,
    /// Where it was imported from.
    pub source: Option<String>,
    pub answer: String,
    /// In its own language, and in others where the front matter has them.
    wordings: BTreeMap<Language, Wording>,
    /// What stands below the first heading, by sentence, without headings.
    details: Vec<String>,
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

/// Articles with their index. Small enough to be built at start: the 120 bundled ones take a few milliseconds.
pub struct KnowledgeBase {
    articles: Vec<Article>,
    vocabulary: Vocabulary,
    /// For each stem the articles that hold it, and what it adds to their BM25 score.
    postings: Vec<Vec<(usize, f32)>>,
    /// For each stem its inverse document frequency.
    rarity: Vec<f32>,
    /// For each article its title and questions, each as its stems.
    questions: Vec<Vec<Vec<usize>>>,
    /// The articles by family, in the order of each family's first.
    families: Vec<Vec<usize>>,
    /// For each language and family what it says, once somebody asked in that language.
    said: BTreeMap<Language, Vec<OnceLock<Said>>>,
    /// Texts encoded for one ticket, at most by one article more; what is left waits for the next.
    at_once: usize,
    /// For each family its labelled tickets, once somebody asked.
    examples: OnceLock<Vec<Sides>>,
}

/// A ticket that looks for an article.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    pub subject: &'a str,
    /// The customer's own words.
    pub body: &'a str,
    pub language: Language,
    /// What is learnt, and what the ticket asks; without it only words are compared.
    pub meaning: Option<(&'a Weights, &'a Asked)>,
}

/// An article that may answer, and how well it fits.
#[derive(Clone, Copy, Debug)]
pub struct Match<'a> {
    pub article: &'a Article,
    /// 0 to 1. By meaning it is the gate's: [`gate::DRAFT`](crate::gate::DRAFT) and [`gate::PUBLIC`](crate::gate::PUBLIC)
    /// are its thresholds. By words alone it only ranks.
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
        let family = family.unwrap_or_else(|| stem(&name, language).to_owned());
        // The first line is what stands beside `##`, and others begin with theirs.
        let text = details.split_once('\n').map_or("", |(_, text)| text);
        let details = text::sentences(text).into_iter().filter(|sentence| !sentence.starts_with('#')).collect();
        Ok(Self { name, title, topic, agent, faq, language, family, source, answer, wordings, details })
    }

    /// How it is asked for in its own language.
    #[must_use]
    pub fn questions(&self) -> &[String] {
        self.wordings.get(&self.language).map_or(&[], |wording| &wording.questions)
    }

    /// What stands below the first heading, by sentence.
    #[must_use]
    pub fn details(&self) -> Vec<&str> {
        self.details.iter().map(String::as_str).collect()
    }

    /// Every text of it that is compared with a ticket by meaning: questions in a language, or else its own, and title; then
    /// sentences.
    fn texts(&self, language: Language) -> [Vec<String>; 2] {
        let wording = self.wordings.get(&language).or_else(|| self.wordings.get(&self.language));
        let questions = wording.iter().flat_map(|wording| wording.questions.iter().chain([&wording.title]));
        let sentences = text::sentences(&self.answer).into_iter().chain(self.details.iter().cloned());
        [questions.filter(|text| !text.is_empty()).cloned().collect(), sentences.collect()]
    }
}

/// A name without the language it ends in, as `refund-a-customer` of `refund-a-customer.fr`.
fn stem(name: &str, language: Language) -> &str {
    name.rsplit_once('.').filter(|(_, ending)| *ending == <&str>::from(language)).map_or(name, |(stem, _)| stem)
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
        let mut families: Vec<Vec<usize>> = Vec::new();
        for (index, article) in articles.iter().enumerate() {
            match families.iter_mut().find(|family| articles[family[0]].family == article.family) {
                Some(family) => family.push(index),
                None => families.push(vec![index]),
            }
        }
        Self {
            said: nothing_said(&families),
            examples: OnceLock::new(),
            at_once: usize::MAX,
            articles,
            vocabulary,
            postings,
            rarity,
            questions,
            families,
        }
    }

    /// The same articles, to be compared by other examples.
    pub(crate) fn renewed(self) -> Self {
        Self { said: nothing_said(&self.families), examples: OnceLock::new(), ..self }
    }

    /// The same articles for a reader whose time is bounded: an article of the customer's own is found by meaning once its
    /// turn to be encoded has come, some tickets later, and no ticket waits for all of them.
    #[must_use]
    pub fn in_turns(self) -> Self {
        /// Some 8 s at 0.29 of a core.
        const AT_ONCE: usize = 1_500;
        Self { at_once: AT_ONCE, ..self }
    }

    pub fn articles(&self) -> impl Iterator<Item = &Article> {
        self.articles.iter()
    }

    /// One article of each family: the English one, else the first.
    pub fn originals(&self) -> impl Iterator<Item = &Article> {
        self.families.iter().map(|family| &self.articles[self.member(family, Language::En)])
    }

    /// The articles that fit the ticket, best first, at most `limit`. Of an article's translations one is found: the one in
    /// the ticket's language, else the English one, else the first.
    ///
    /// By words, the score says how much of a question the article answers the ticket really contains: half the weighted
    /// share of the stems of its closest question found in the ticket, half the BM25 score over titles, questions and
    /// text against a score at which a long ticket is as good as answered; the best of its translations. By meaning, the
    /// order is that of the [gate's ranking](crate::gate::Gate::rank), in which the words have a part, and the score the
    /// gate's.
    #[must_use]
    pub fn search(&self, question: Question<'_>, limit: usize) -> Vec<Match<'_>> {
        let words = self.words(question);
        let compared =
            question.meaning.map(|(weights, asked)| (weights, self.compare(weights, asked, question.language, None)));
        let mut order: Vec<(f32, usize)> = match &compared {
            None => words.iter().copied().zip(0..).filter(|(score, _)| *score > 0.0).collect(),
            Some((weights, compared)) => {
                let rank = |family: usize| weights.gate.rank(&compared.ranked(family, words[family]));
                (0..self.families.len()).map(|family| (rank(family), family)).collect()
            }
        };
        let name = |family: usize| &self.articles[self.families[family][0]].name;
        order.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| name(a.1).cmp(name(b.1))));
        order.truncate(limit);
        let found = |(by_words, family): (f32, usize)| {
            let article = &self.articles[self.member(&self.families[family], question.language)];
            let score = compared.as_ref().map_or(by_words, |(weights, compared)| {
                weights.gate.score(&compared.evidence(family, words[family]), compared.asked.whole())
            });
            Match { article, score }
        };
        order.into_iter().map(found).collect()
    }

    /// For each family how well its words agree with the ticket's, 0 to 1.
    fn words(&self, question: Question<'_>) -> Vec<f32> {
        let Question { subject, body, language, .. } = question;
        let mut query = self.vocabulary.known(subject, language);
        query.extend(self.vocabulary.known(body, language));
        query.sort_unstable();
        query.dedup();
        let mut scores = vec![0.0f32; self.articles.len()];
        for (article, impact) in query.iter().flat_map(|stem| &self.postings[*stem]) {
            scores[*article] += impact;
        }
        let of_article = |article: &usize| {
            let questions = &self.questions[*article];
            let closest = questions.iter().map(|question| self.coverage(question, &query)).fold(0.0, f32::max);
            0.5 * closest + 0.5 * (scores[*article] / FULL_SCORE).min(1.0)
        };
        self.families.iter().map(|family| family.iter().map(of_article).fold(0.0, f32::max)).collect()
    }

    /// The evidence that an article of this family answers the ticket. `without` leaves out an example, by its number. None
    /// if there is no such family, or nothing was asked by meaning.
    #[must_use]
    pub fn evidence(&self, question: Question<'_>, family: &str, without: Option<usize>) -> Option<Evidence> {
        let number = self.families.iter().position(|members| self.articles[members[0]].family == family)?;
        let evidence = self.all_evidence(question, without)?;
        evidence.into_iter().nth(number)
    }

    /// The evidence for each family, in the order of [`Self::originals`].
    #[must_use]
    pub fn all_evidence(&self, question: Question<'_>, without: Option<usize>) -> Option<Vec<Evidence>> {
        let (weights, asked) = question.meaning?;
        let compared = self.compare(weights, asked, question.language, without);
        let words = self.words(question).into_iter().enumerate();
        Some(words.map(|(family, words)| compared.evidence(family, words)).collect())
    }

    fn compare<'a>(
        &self,
        weights: &Weights,
        asked: &'a Asked,
        language: Language,
        without: Option<usize>,
    ) -> Comparison<'a> {
        let known = self.said(weights, language).into_iter().zip(self.examples(weights));
        let all = asked.all();
        let near = known.map(|(said, examples)| Nearness::new(all.view(), said, examples, without)).collect();
        Comparison { asked, language, near }
    }

    /// Of a family the one in that language, else the English one, else the first.
    fn member(&self, family: &[usize], language: Language) -> usize {
        let written_in = |language| family.iter().find(move |index| self.articles[**index].language == language);
        *written_in(language).or_else(|| written_in(Language::En)).unwrap_or(&family[0])
    }

    /// What a family says to a question in that language. The questions of the English article are many, and the encoder knows
    /// all languages, so that they are compared as well.
    fn texts(&self, family: &[usize], language: Language) -> [Vec<String>; 2] {
        let own = self.member(family, language);
        let [mut questions, sentences] = self.articles[own].texts(language);
        let english = self.member(family, Language::En);
        if english != own {
            questions.extend(self.articles[english].texts(Language::En)[0].iter().cloned());
        }
        [questions, sentences]
    }

    /// Every text that is compared with tickets by meaning, in any of these languages: for each a vector is needed.
    pub fn all_texts(&self, languages: &[Language]) -> impl Iterator<Item = String> {
        let pairs = self.families.iter().flat_map(|family| languages.iter().map(move |language| (family, *language)));
        pairs.flat_map(|(family, language)| self.texts(family, language).into_iter().flatten())
    }

    /// What each family says, as far as it is encoded.
    fn said(&self, weights: &Weights, language: Language) -> Vec<&Said> {
        static NOTHING: LazyLock<Said> = LazyLock::new(Said::default);
        let mut left = self.at_once;
        let mut said = Vec::with_capacity(self.families.len());
        for (family, of_family) in self.families.iter().zip(&self.said[&language]) {
            if left > 0 {
                of_family.get_or_init(|| {
                    let [questions, text] = self.texts(family, language).map(|texts| {
                        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                        left =
                            left.saturating_sub(texts.iter().filter(|text| weights.known.get(text).is_none()).count());
                        weights.known.rows(&weights.encoder, &texts)
                    });
                    Said { questions, text }
                });
            }
            said.push(of_family.get().unwrap_or(&NOTHING));
        }
        said
    }

    fn examples(&self, weights: &Weights) -> &[Sides] {
        let of = |family: &Vec<usize>| {
            let article = self.fingerprint(family);
            let side = |fits| weights.gate.examples.side(article, fits);
            side(true).zip(side(false)).map(<[_; 2]>::from)
        };
        self.examples.get_or_init(|| self.families.iter().map(of).collect())
    }

    /// Tells an article's text from any other: examples are of a text, and hold no longer when it changes.
    fn fingerprint(&self, family: &[usize]) -> [u8; 8] {
        let article = &self.articles[self.member(family, Language::En)];
        sentence_vectors::key(&format!("{}\n{}", article.answer, article.details.join("\n")))
    }

    /// The fingerprint of the article of that family.
    #[must_use]
    pub fn fingerprint_of(&self, family: &str) -> Option<[u8; 8]> {
        let members = self.families.iter().find(|members| self.articles[members[0]].family == family)?;
        Some(self.fingerprint(members))
    }

    /// How near each row of what is asked is to what the article answers, by meaning: the cosine of the closest of its
    /// questions, or of what it is known to answer.
    pub(crate) fn nearness(&self, weights: &Weights, asked: &Asked, article: &Article, language: Language) -> Vec<f32> {
        let family = self.families.iter().position(|members| self.articles[members[0]].family == article.family);
        let near = family.and_then(|family| {
            let said = *self.said(weights, language).get(family)?;
            Some(Nearness::new(asked.all().view(), said, self.examples(weights).get(family)?, None))
        });
        (0..asked.acts.len()).map(|row| near.as_ref().map_or(0.0, |near| near.to(row))).collect()
    }

    /// The sentences below the article's first heading that are nearest to what is asked: for each question the nearest, if
    /// it is near at all, in the article's order.
    pub(crate) fn details_for<'a>(&self, weights: &Weights, asked: &Asked, article: &'a Article) -> Vec<&'a str> {
        let details = article.details();
        let rows = weights.known.rows(&weights.encoder, &details);
        let near = rows.cosines(asked.meanings.view());
        let mut chosen: Vec<usize> =
            asked.asking_numbers().into_iter().filter_map(|question| nearest(near.column(question))).collect();
        chosen.sort_unstable();
        chosen.dedup();
        chosen.into_iter().take(MOST_DETAILS).map(|index| details[index]).collect()
    }

    /// The share of a question's stems, weighted by rarity, that the query holds.
    fn coverage(&self, question: &[usize], query: &[usize]) -> f32 {
        let weigh = |stem: &usize| self.rarity[*stem];
        let all: f32 = question.iter().map(weigh).sum();
        let shared: f32 = question.iter().filter(|stem| query.binary_search(stem).is_ok()).map(weigh).sum();
        if all > 0.0 { shared / all } else { 0.0 }
    }
}

fn nothing_said(families: &[Vec<usize>]) -> BTreeMap<Language, Vec<OnceLock<Said>>> {
    Language::iter().map(|language| (language, families.iter().map(|_| OnceLock::new()).collect())).collect()
}

/// The number of the nearest, if it is near at all.
fn nearest(near: ArrayView1<'_, f32>) -> Option<usize> {
    let (index, near) = near.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
    (*near >= NEAR).then_some(index)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::{Ticket, sample};
    use encoder::{Encoder, cosine};

    use super::*;
    use crate::{
        EmbeddedAnalyst,
        gate::{DRAFT, PUBLIC},
    };

    fn analyst() -> EmbeddedAnalyst {
        EmbeddedAnalyst::new(Weights::bundled().unwrap(), bundled(), sample::policy().teams)
    }

    fn bundled() -> KnowledgeBase {
        KnowledgeBase::parse(data::knowledge_base()).unwrap()
    }

    #[test]
    fn articles_of_ones_own_are_encoded_in_turns() {
        let source = |number: usize| {
            let front = format!(
                "title='Paint {number}'\ntopic='x'\nagent='nexus'\nfaq=true\nquestions=['How is {number} mixed?']"
            );
            (format!("paint-{number}"), format!("+++\n{front}\n+++\nStir {number} with water. Wait {number} hours.\n"))
        };
        let sources: Vec<(String, String)> = (0..5).map(source).collect();
        let base =
            || KnowledgeBase::parse(sources.iter().map(|(name, source)| (name.as_str(), source.as_str()))).unwrap();
        let weights = Weights::bundled().unwrap();
        let encoded =
            |base: &KnowledgeBase| base.said(&weights, Language::En).iter().filter(|said| said.text.len() > 0).count();
        // Four texts an article: the second one is begun with two left.
        let hurried = KnowledgeBase { at_once: 6, ..base() };
        assert_eq!([(); 4].map(|()| encoded(&hurried)), [2, 4, 5, 5]);
        assert_eq!(encoded(&base()), 5);
        let bundled = bundled().in_turns();
        assert_eq!(encoded(&bundled), bundled.families.len(), "what is in the build takes no turn");
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
    fn every_article_is_there_in_each_written_language() {
        let base = bundled();
        let written: Vec<Language> = Language::iter().filter(|language| language.is_written()).collect();
        assert_eq!(base.articles().count(), base.originals().count() * written.len());
        for (original, language) in base.originals().flat_map(|original| written.iter().map(move |l| (original, *l))) {
            let family = || base.articles().filter(|article| article.family == original.family);
            let article = family().find(|article| article.language == language);
            let article = article.unwrap_or_else(|| panic!("{} is not there in {language}", original.family));
            assert_eq!((&article.topic, &article.agent, article.faq), (&original.topic, &original.agent, original.faq));
            assert!(article.questions().len() >= 5 && article.details().len() >= 5, "{}", article.name);
        }
    }

    /// After a change of an article: `cargo run --release -- train --only-gate`.
    #[test]
    fn knowledge_bin_belongs_to_the_articles() {
        let (base, weights) = (bundled(), Weights::bundled().unwrap());
        let written: Vec<Language> = Language::iter().filter(|language| language.is_written()).collect();
        let texts: BTreeSet<String> = base.all_texts(&written).collect();
        let unknown: Vec<&String> = texts.iter().filter(|text| weights.known.get(text).is_none()).collect();
        assert!(unknown.is_empty() && weights.known.len() == texts.len(), "run `train --only-gate`: {unknown:?}");
        let encoder = Encoder::new(data::ENCODER).unwrap();
        for text in texts.iter().step_by(200) {
            let now = encoder.encode(&[&text::masked(text)])[0].vector;
            assert!(cosine(&weights.known.get(text).unwrap(), &now) > 0.999, "run `train --only-gate`: {text}");
        }
    }

    /// After a change of an English article: `cargo run --release -- train --only-gate`.
    #[test]
    fn every_article_has_its_examples_in_the_gate() {
        let (base, weights) = (bundled(), Weights::bundled().unwrap());
        for article in base.originals() {
            let fingerprint = base.fingerprint_of(&article.family).unwrap();
            for fits in [true, false] {
                let side = weights.gate.examples.side(fingerprint, fits);
                assert!(side.is_some(), "run `train --only-gate`: no examples of {}", article.family);
            }
        }
    }

    #[test]
    fn an_article_is_found_by_a_question_it_was_not_given() {
        let articles: Vec<Article> = bundled().articles().cloned().collect();
        let (mut asked, mut first, mut third) = (0, 0, 0);
        let english = articles.iter().enumerate().filter(|(_, article)| article.language == Language::En);
        for (index, article) in english {
            for question in &article.wordings[&Language::En].questions {
                let mut rest = articles.clone();
                rest[index].wordings.get_mut(&Language::En).unwrap().questions.retain(|other| other != question);
                let base = KnowledgeBase::new(rest);
                let asked_in_words = Question { subject: "", body: question, language: Language::En, meaning: None };
                let found = base.search(asked_in_words, 3);
                asked += 1;
                first += usize::from(found.first().is_some_and(|found| found.article.family == article.family));
                third += usize::from(found.iter().any(|found| found.article.family == article.family));
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
        let analyst = analyst();
        let mut counts: BTreeMap<Language, [usize; 3]> = BTreeMap::new();
        let (mut scores, mut silent) = (Vec::new(), Vec::new());
        for line in include_str!("../tests/retrieval.jsonl").lines() {
            let asked: Labelled = serde_json::from_str(line).unwrap();
            let (subject, description) = (asked.subject.as_str().into(), asked.body.as_str().into());
            let text = analyst.listen(&Ticket { subject, description, ..sample::ticket(1) }, &|| true);
            let found = analyst.knowledge().search(analyst.question(&text, asked.language), 3);
            let Some(article) = asked.article else {
                silent.push(found[0].score);
                continue;
            };
            let [all, first, third] = counts.entry(asked.language).or_default();
            *all += 1;
            *first += usize::from(found[0].article.family == article);
            *third += usize::from(found.iter().any(|found| found.article.family == article));
            scores.push((found[0].score, found[0].article.family == article));
        }
        let [all, first, third] = counts.values().fold([0; 3], |[a, b, c], [d, e, f]| [a + d, b + e, c + f]);
        for threshold in [DRAFT, PUBLIC] {
            let right = scores.iter().filter(|(score, right)| *right && *score >= threshold).count();
            let wrong = scores.iter().filter(|(score, right)| !right && *score >= threshold).count();
            let false_ones = silent.iter().filter(|score| **score >= threshold).count();
            println!(
                "from {threshold}: {right} right, {wrong} wrong, {false_ones} of {} without an answer",
                silent.len()
            );
        }
        println!("recall@1 {first}, recall@3 {third} of {all}; {counts:?}");
        assert!(all >= 120 && first * 100 >= all * 82 && third * 100 >= all * 92, "{first} and {third} of {all}");
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
