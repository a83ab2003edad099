//! Fitting the gate: which article a ticket is about, and whether that article answers it.

use analyst::{
    CustomerText, EmbeddedAnalyst, Gate,
    gate::{Evidence, Example, Examples, Judge, RANKED},
};
use encoder::DIMENSIONS;
use ndarray::{Array1, Array2, Axis};

use super::FOLDS;
use crate::{corpus::AnswerPair, parallel};

/// The pull of weights towards zero, per pair. Between a third and three times as much little changes on pairs held out.
const RIDGE: f32 = 0.1;
/// How much larger the numbers of what a ticket is about are made beside the evidence, which has a deviation of 1: they are
/// of a vector of length 1, and there are 512. Chosen on folds held out among 4, 8, 16, 24, 32 and 48: from 16 on a draft is
/// offered for seven in ten of what fits, and more weight costs plain questions theirs.
const WHOLE: f32 = 16.0;
/// Steps of accelerated gradient descent: ten times as many change no probability in its third digit.
const STEPS: usize = 600;
const RANKING_STEPS: usize = 4_000;
const RANKING_RATE: f32 = 2.0;
const RANKING_RIDGE: f32 = 1e-4;
/// The precision asked for on folds held out. More than is wanted: tickets by a new hand are less like those seen.
const DRAFT_PRECISION: f32 = 0.86;
const PUBLIC_PRECISION: f32 = 0.98;
/// Between the log-odds for a draft and those for an answer, so that the scores between them can be told apart.
const LEAST_APART: f32 = 0.1;

/// A labelled ticket as the analyst reads it.
#[derive(Clone, Debug)]
pub struct LabelledText {
    pub pair: AnswerPair,
    pub text: CustomerText,
}

/// A gate, and what its like said of pairs that it had not seen.
#[derive(Debug)]
pub struct FittedGate {
    pub gate: Gate,
    /// By the judge for articles with examples.
    pub exemplified: HeldOut,
    /// By the judge for articles without examples; the folds are of articles it had not seen.
    pub plain: HeldOut,
}

/// Whether an article fits, and the log-odds that it does by a judge that had not seen the pair: a fifth is held out at a
/// time.
pub type HeldOut = Vec<(bool, f32)>;

/// A pair as numbers.
struct Row {
    ticket: usize,
    fits: bool,
    /// The article is the one that the pair names, and not the likeliest of the others.
    named: bool,
    family: usize,
    evidence: Evidence,
    whole: Array1<f32>,
}

/// Fits on all pairs, and chooses the thresholds on a fifth of them held out at a time.
///
/// # Errors
/// The first pair that names no article of the base.
pub fn fit(analyst: EmbeddedAnalyst, seen: &[LabelledText], threads: usize) -> Result<FittedGate, UnknownArticle> {
    let examples = seen.iter().map(|labelled| example(&analyst, labelled)).collect::<Result<Vec<_>, _>>()?;
    let gate = Gate { examples: Examples(examples), ..Gate::blank() };
    let analyst = analyst.with_gate(gate.clone());
    let numbered: Vec<(usize, &LabelledText)> = seen.iter().enumerate().collect();
    let all: Vec<Vec<Evidence>> =
        parallel::map(&numbered, threads, |(number, labelled)| all_evidence(&analyst, labelled, *number));
    let families = || analyst.knowledge().originals().map(|article| article.family.as_str());
    let family =
        |labelled: &LabelledText| families().position(|family| family == labelled.pair.article).unwrap_or_default();
    let ranking =
        ranking(seen.iter().zip(&all).filter(|(labelled, _)| labelled.pair.fits).map(|(labelled, evidence)| {
            let rows = evidence.iter().map(|evidence| evidence.ranked).collect();
            (family(labelled), rows)
        }));
    let gate = Gate { ranking, ..gate };
    let row = |ticket: usize, labelled: &LabelledText, evidence: &[Evidence], named: bool| {
        let own = family(labelled);
        let others = || evidence.iter().enumerate().filter(|(other, _)| *other != own);
        let rival = others().max_by(|a, b| gate.rank(&a.1.ranked).total_cmp(&gate.rank(&b.1.ranked)));
        let family = if named { own } else { rival?.0 };
        let whole = labelled.text.asked()?.whole().to_owned();
        let fits = named && labelled.pair.fits;
        Some(Row { ticket, fits, named, family, evidence: evidence.get(family)?.clone(), whole })
    };
    // Search finds other articles too, and the gate has to know them for what they are.
    let rows: Vec<Row> = (seen.iter().zip(&all).enumerate())
        .flat_map(|(ticket, (labelled, evidence))| [true, false].map(|named| row(ticket, labelled, evidence, named)))
        .flatten()
        .collect();
    let by_pair = |row: &Row| row.ticket % FOLDS;
    let by_article = |row: &Row| row.family % FOLDS;
    let (exemplified, of_exemplified) = judge(&rows, numbers, by_pair);
    // Without examples an article beside the right one is told by the search alone: these rows would teach the regression
    // that what a ticket is about says nothing.
    let named: Vec<Row> = rows.into_iter().filter(|row| row.named).collect();
    let (plain, of_plain) = judge(&named, plain_numbers, by_article);
    Ok(FittedGate { gate: Gate { plain, exemplified, ..gate }, exemplified: of_exemplified, plain: of_plain })
}

/// A pair names an article that the base has not.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("no article {0}: a pair names the file of one, without its language and ending")]
pub struct UnknownArticle(String);

fn example(analyst: &EmbeddedAnalyst, labelled: &LabelledText) -> Result<Example, UnknownArticle> {
    let family = &labelled.pair.article;
    let article = analyst.knowledge().fingerprint_of(family).ok_or_else(|| UnknownArticle(family.clone()))?;
    let asked = labelled.text.asked().ok_or_else(|| UnknownArticle(family.clone()))?;
    Ok(Example::new(article, labelled.pair.fits, asked))
}

fn all_evidence(analyst: &EmbeddedAnalyst, labelled: &LabelledText, number: usize) -> Vec<Evidence> {
    let question = analyst.question(&labelled.text, labelled.text.language());
    analyst.knowledge().all_evidence(question, Some(number)).unwrap_or_default()
}

fn numbers(row: &Row) -> Vec<f32> {
    row.evidence.numbers()
}

fn plain_numbers(row: &Row) -> Vec<f32> {
    row.evidence.plain.clone()
}

/// A judge with its thresholds, and what its like said of what it had not seen.
fn judge(rows: &[Row], numbers: impl Fn(&Row) -> Vec<f32>, fold: impl Fn(&Row) -> usize) -> (Judge, HeldOut) {
    let inputs = |rows: &[&Row]| -> Vec<(bool, Vec<f32>, Array1<f32>)> {
        rows.iter().map(|row| (row.fits, numbers(row), row.whole.clone())).collect()
    };
    let mut judge = regression(&inputs(&rows.iter().collect::<Vec<_>>()));
    let mut held_out = Vec::new();
    for left_out in 0..FOLDS {
        let (unseen, seen): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| fold(row) == left_out);
        let of_fold = regression(&inputs(&seen));
        let named = unseen.into_iter().filter(|row| row.named);
        held_out.extend(named.map(|row| (row.fits, of_fold.log_odds(&numbers(row), row.whole.view()))));
    }
    judge.draft = threshold(&held_out, DRAFT_PRECISION);
    judge.public = threshold(&held_out, PUBLIC_PRECISION).max(judge.draft + LEAST_APART);
    (judge, held_out)
}

/// The lowest log-odds from which on at least this share fits; more than any there is if none will do.
fn threshold(held_out: &[(bool, f32)], precision: f32) -> f32 {
    let mut sorted = held_out.to_vec();
    sorted.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut right = 0;
    let mut lowest = sorted.first().map_or(1.0, |(_, most)| most + 1.0);
    for (index, (fits, log_odds)) in sorted.iter().enumerate() {
        right += usize::from(*fits);
        if right as f32 >= precision * (index + 1) as f32 {
            lowest = *log_odds;
        }
    }
    lowest
}

/// Logistic regression with a ridge, by Nesterov's accelerated gradient descent over numbers of mean 0 and deviation 1.
fn regression(examples: &[(bool, Vec<f32>, Array1<f32>)]) -> Judge {
    let count = examples.len();
    let width = examples.first().map_or(0, |(_, numbers, _)| numbers.len());
    let mut inputs = Array2::zeros((count, width + DIMENSIONS));
    for ((_, numbers, whole), mut row) in examples.iter().zip(inputs.rows_mut()) {
        row.iter_mut()
            .zip(numbers.iter().copied().chain(whole.iter().map(|number| WHOLE * number)))
            .for_each(|(to, from)| *to = from);
    }
    let truth: Array1<f32> = examples.iter().map(|(fits, ..)| f32::from(u8::from(*fits))).collect();
    let means = inputs.mean_axis(Axis(0)).unwrap_or_default();
    let mut scales = inputs.std_axis(Axis(0), 0.0).mapv(|deviation| 1.0 / deviation.max(1e-6));
    scales.iter_mut().skip(width).for_each(|scale| *scale = 1.0);
    inputs -= &means;
    inputs *= &scales;

    // The largest curvature: a quarter of the largest eigenvalue of the inputs' covariance, which is at most its trace.
    let rate = 1.0 / (0.25 * largest_eigenvalue(&inputs) + RIDGE);
    // A copy by column: its products are of neighbours in memory.
    let columns = inputs.t().as_standard_layout().to_owned();
    let (mut weights, mut ahead) = (Array1::<f32>::zeros(inputs.ncols()), Array1::<f32>::zeros(inputs.ncols()));
    let (mut bias, mut bias_ahead) = (0.0f32, 0.0f32);
    for step in 0..STEPS {
        let mut errors = inputs.dot(&ahead);
        errors.mapv_inplace(|log_odds| 1.0 / (1.0 + libm::expf(-(log_odds + bias_ahead))));
        errors -= &truth;
        errors /= count as f32;
        let gradient = columns.dot(&errors) + &ahead * RIDGE;
        let (next, next_bias) = (&ahead - &(gradient * rate), bias_ahead - 4.0 * errors.sum());
        let momentum = step as f32 / (step as f32 + 3.0);
        ahead = &next + &((&next - &weights) * momentum);
        bias_ahead = next_bias + (next_bias - bias) * momentum;
        (weights, bias) = (next, next_bias);
    }
    weights *= &scales;
    let bias = bias - weights.dot(&means);
    weights.iter_mut().skip(width).for_each(|weight| *weight *= WHOLE);
    Judge { weights, bias, draft: 0.0, public: 1.0 }
}

/// Of the covariance of rows of mean 0, by power iteration.
fn largest_eigenvalue(inputs: &Array2<f32>) -> f32 {
    let mut direction = Array1::<f32>::ones(inputs.ncols());
    let mut value = 0.0;
    for _ in 0..50 {
        direction /= libm::sqrtf(direction.dot(&direction)).max(f32::MIN_POSITIVE);
        let next = inputs.t().dot(&inputs.dot(&direction)) / inputs.nrows() as f32;
        value = direction.dot(&next);
        direction = next;
    }
    1.1 * value
}

/// What ranks the right article first: multinomial logistic regression over the articles of each ticket.
fn ranking(tickets: impl Iterator<Item = (usize, Vec<[f32; RANKED]>)>) -> [f32; RANKED] {
    let tickets: Vec<(usize, Vec<[f32; RANKED]>)> = tickets.collect();
    let mut weights = [1.0f32; RANKED];
    for _ in 0..RANKING_STEPS {
        let mut gradient = weights.map(|weight| RANKING_RIDGE * weight);
        for (right, articles) in &tickets {
            let logits: Vec<f32> =
                articles.iter().map(|numbers| numbers.iter().zip(&weights).map(|(a, b)| a * b).sum()).collect();
            let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let all: f32 = logits.iter().map(|logit| libm::expf(logit - most)).sum();
            for (article, (numbers, logit)) in articles.iter().zip(&logits).enumerate() {
                let wanted = f32::from(u8::from(article == *right));
                let error = (libm::expf(logit - most) / all - wanted) / tickets.len() as f32;
                gradient.iter_mut().zip(numbers).for_each(|(sum, number)| *sum += error * number);
            }
        }
        weights.iter_mut().zip(gradient).for_each(|(weight, slope)| *weight -= RANKING_RATE * slope);
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_keeps_its_precision() {
        let held_out = [(true, 3.0), (true, 2.0), (false, 1.0), (true, 0.5), (false, 0.0)];
        for (precision, expected) in [(1.0, 2.0), (0.75, 0.5), (0.6, 0.0)] {
            assert!((threshold(&held_out, precision) - expected).abs() < 1e-6, "{precision}");
        }
        assert!((threshold(&[(false, 1.0)], 0.9) - 2.0).abs() < 1e-6);
    }

    #[test]
    fn a_regression_finds_what_decides() {
        let examples: Vec<(bool, Vec<f32>, Array1<f32>)> = (0..200)
            .map(|index| {
                let decides = (index % 7) as f32;
                (decides > 3.0, vec![decides, (index % 3) as f32], Array1::zeros(DIMENSIONS))
            })
            .collect();
        let judge = regression(&examples);
        for (fits, numbers, whole) in &examples {
            assert_eq!(judge.log_odds(numbers, whole.view()) > 0.0, *fits, "{numbers:?}");
        }
    }
}
