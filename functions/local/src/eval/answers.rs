//! `eval --answers`: drafts and public answers against pairs of a ticket and an article.

use std::{collections::BTreeMap, path::Path};

use analyst::{
    EmbeddedAnalyst, KnowledgeBase, Weights,
    embedded::Labels,
    gate::{DRAFT, PUBLIC},
};
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use domain::{Account, Language, Reading};
use serde_json::{Map, Value, json};
use training::{
    corpus::{self, AnswerPair},
    evaluate, parallel,
};

use crate::{answers, say, stack};

/// What the gate and the whole analyst make of a pair.
#[derive(Clone, Debug)]
struct Judged {
    fits: bool,
    language: Language,
    why: String,
    /// Of the pair's own article, as the gate scores it.
    score: f32,
    /// Of the article that a draft was made of, and whether it is the pair's own.
    offered: Option<(f32, bool)>,
}

/// Kinds of pairs that are worth a table.
const MOST_KINDS: usize = 12;

/// Something that is offered for a pair or not.
type Offers = fn(&Judged) -> Option<bool>;

/// What is measured: whether something is offered, and if so whether it is the right article.
const MEASURES: [(&str, Offers); 4] = [
    ("gate_draft", |judged| (judged.score >= DRAFT).then_some(true)),
    ("gate_public", |judged| (judged.score >= PUBLIC).then_some(true)),
    ("search_draft", |judged| judged.offered.map(|(_, own)| own)),
    ("search_public", |judged| judged.offered.filter(|(score, _)| *score >= PUBLIC).map(|(_, own)| own)),
];

/// The scores as the file has them, after printing the tables.
///
/// # Errors
/// Pairs that cannot be read, named by line; a pair whose article the bundled base has not.
pub(super) fn evaluate(path: &Path) -> anyhow::Result<Map<String, Value>> {
    let pairs = corpus::answers_of(path)?;
    let knowledge = KnowledgeBase::parse(data::knowledge_base())?;
    let analyst = EmbeddedAnalyst::new(Weights::bundled()?, knowledge, stack::teams().clone());
    let judged = parallel::map(&pairs, answers::threads(), |pair| judge(&analyst, pair));
    let judged: Vec<Judged> = judged.into_iter().collect::<anyhow::Result<_>>()?;
    let file = scores(&judged);
    print(&judged, &file);
    Ok(Map::from_iter([("answers".to_owned(), file.into())]))
}

fn judge(analyst: &EmbeddedAnalyst, pair: &AnswerPair) -> anyhow::Result<Judged> {
    let ticket = answers::ticket(pair);
    let text = analyst.listen(&ticket, &|| true);
    let question = analyst.question(&text, text.language());
    let evidence = analyst.knowledge().evidence(question, &pair.article, None);
    let (evidence, asked) = evidence.zip(text.asked()).ok_or_else(|| {
        anyhow::anyhow!("no article {}: a pair names the file of one, without its language and ending", pair.article)
    })?;
    let reading: Reading = analyst.read(&text);
    let account =
        Account { id: ticket.account.clone(), name: "".into(), mrr: None, plan: None, health: None, kam: None };
    let draft = analyst.draft(&text, &ticket, &account, Labels::of(&reading));
    let own = |name: &str| {
        analyst.knowledge().articles().any(|article| article.name == name && article.family == pair.article)
    };
    Ok(Judged {
        fits: pair.fits,
        language: pair.language,
        why: pair.why.clone(),
        score: analyst.weights().gate.score(&evidence, asked.whole()),
        offered: draft.map(|draft| (draft.match_score, own(&draft.article))),
    })
}

/// Of what is offered how much fits; None if nothing is offered.
fn precision(judged: &[&Judged], offers: Offers) -> Option<f64> {
    let offered = || judged.iter().filter_map(|judged| offers(judged).map(|own| own && judged.fits));
    let all = offered().count();
    (all > 0).then(|| offered().filter(|right| *right).count() as f64 / all as f64)
}

/// Of the pairs that fit, to how many the article is offered; None if none fits.
fn coverage(judged: &[&Judged], offers: Offers) -> Option<f64> {
    let fitting = || judged.iter().filter(|judged| judged.fits);
    let all = fitting().count();
    (all > 0).then(|| fitting().filter(|judged| offers(judged) == Some(true)).count() as f64 / all as f64)
}

fn scores(judged: &[Judged]) -> Map<String, Value> {
    let all: Vec<&Judged> = judged.iter().collect();
    let mut file = Map::from_iter([
        ("pairs".to_owned(), judged.len().into()),
        ("fitting".to_owned(), judged.iter().filter(|judged| judged.fits).count().into()),
    ]);
    let mut by_language: BTreeMap<Language, Vec<&Judged>> = BTreeMap::new();
    for judged in judged {
        by_language.entry(judged.language).or_default().push(judged);
    }
    for (name, offers) in MEASURES {
        let languages =
            by_language.iter().map(|(language, judged)| (language.to_string(), entry(judged, offers).into()));
        let mut of_all = entry(&all, offers);
        of_all.insert("by_language".to_owned(), languages.collect::<Map<_, _>>().into());
        file.insert(name.to_owned(), of_all.into());
    }
    file
}

fn entry(judged: &[&Judged], offers: Offers) -> Map<String, Value> {
    let offered = judged.iter().filter(|judged| offers(judged).is_some()).count();
    let of = |score: fn(&[&Judged], Offers) -> Option<f64>| {
        json!({
            "value": score(judged, offers).map(round),
            "interval_95": evaluate::interval(judged, |sample| score(sample, offers)).map(|ends| ends.map(round)),
        })
    };
    Map::from_iter([
        ("offered".to_owned(), offered.into()),
        ("precision".to_owned(), of(precision)),
        ("coverage".to_owned(), of(coverage)),
    ])
}

fn round(score: f64) -> f64 {
    (score * 1e4).round() / 1e4
}

fn print(judged: &[Judged], file: &Map<String, Value>) {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(["", "offered", "precision", "95 %", "coverage", "95 %"]);
    let number =
        |value: Option<&Value>| value.and_then(Value::as_f64).map_or_else(|| "–".to_owned(), |n| format!("{n:.3}"));
    for (name, _) in MEASURES {
        let Some(entry) = file.get(name) else { continue };
        let mut row = vec![name.replace('_', ": "), entry.get("offered").map(Value::to_string).unwrap_or_default()];
        for score in ["precision", "coverage"] {
            let ends = |end: usize| number(entry.pointer(&format!("/{score}/interval_95/{end}")));
            row.extend([number(entry.pointer(&format!("/{score}/value"))), format!("[{}, {}]", ends(0), ends(1))]);
        }
        table.add_row(row);
    }
    let fitting = judged.iter().filter(|judged| judged.fits).count();
    say::line(format_args!(
        "{} pairs, {fitting} of them fit. Gate: of the pair's own article. Search: of the article that is found and drafted \
         from, which has to be the pair's own.\n{table}\nIn brackets: 95 % interval, by the bootstrap.",
        judged.len()
    ));
    let mut kinds: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for judged in judged {
        let [all, drafts, answers] = kinds.entry(&judged.why).or_default();
        *all += 1;
        *drafts += usize::from(judged.score >= DRAFT);
        *answers += usize::from(judged.score >= PUBLIC);
    }
    // Whoever tells the reason of each pair in a sentence has no kinds to count.
    if kinds.len() > MOST_KINDS {
        return;
    }
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(["why", "pairs", "drafts", "public answers"]);
    for (why, counts) in kinds {
        table.add_row(std::iter::once(why.to_owned()).chain(counts.map(|count| count.to_string())));
    }
    say::line(format_args!("\nWhat the gate lets through:\n{table}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_article_counts_against_precision() {
        let judged = |fits: bool, offered: Option<(f32, bool)>| Judged {
            fits,
            language: Language::En,
            why: String::new(),
            score: 0.5,
            offered,
        };
        let judged = [
            judged(true, Some((0.7, true))),
            judged(true, Some((0.5, false))),
            judged(true, None),
            judged(false, Some((0.5, true))),
        ];
        let all: Vec<&Judged> = judged.iter().collect();
        let [.., (_, drafts), (_, answers)] = MEASURES;
        assert_eq!(precision(&all, drafts), Some(1.0 / 3.0));
        assert_eq!(coverage(&all, drafts), Some(1.0 / 3.0));
        assert_eq!((precision(&all, answers), precision(&[], drafts)), (Some(1.0), None));
    }
}
