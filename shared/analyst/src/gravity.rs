//! The sentence that nobody may overlook, and the one that no article answers.

use domain::{Grave, Gravity};

use crate::acts::{Act, PerAct, likeliest};

/// Below this a sentence is not worth naming: a ticket of ten calm sentences has one as sure by chance.
const NAMED: f32 = 0.4;
/// A sentence stands in the way of an answer if it is this sure to do something else than ask.
const MORE: f32 = 0.5;
/// A question this near to one that the article answers is that question, whatever else it sounds like.
pub(crate) const ANSWERED: f32 = 0.5;
/// Something in the ticket has to be this near, or nobody asked.
const ASKED: f32 = 0.4;
/// One that is farther is another question.
const ANOTHER: f32 = 0.35;

/// A sentence this likely to be grave must not stand unanswered beside an article's words.
const MAYBE: f32 = 0.35;
/// A question of no more words means nothing without the one before it: "Where is that?"
const SHORT: usize = 5;

/// The gravest of these sentences, if one is grave.
pub(crate) fn gravest<'a>(sentences: impl Iterator<Item = (&'a str, &'a PerAct)>) -> Option<Grave> {
    let graves = sentences.map(|(sentence, acts)| (gravity(acts), sentence));
    let ((confidence, what), sentence) = graves.max_by(|a, b| a.0.0.total_cmp(&b.0.0))?;
    (confidence >= NAMED).then(|| Grave { what, confidence: confidence.min(1.0), quote: sentence.to_owned() })
}

/// How grave a sentence is, and what makes it so: an act with the milder one beside it. The three are not added up: a little
/// of each is none of them.
fn gravity(acts: &PerAct) -> (f32, Gravity) {
    let with = |act: Act, milder: Act| if acts[act] >= acts[milder] { acts[act] + acts[milder] } else { acts[act] };
    let (outage, loss) = (acts[Act::Outage], acts[Act::Loss]);
    let trouble = if outage >= loss { Gravity::Outage } else { Gravity::Loss };
    let others = [
        (with(Act::Breach, Act::Vulnerability), Gravity::Breach),
        (with(Act::Leaving, Act::Evaluating), Gravity::Leaving),
    ];
    others.into_iter().fold((outage + loss, trouble), |most, grave| if grave.0 > most.0 { grave } else { most })
}

/// The first sentence that is neither courtesy nor context nor near a question of the article; the first of all where none
/// is near one, as below the subject of an older message. Each comes with how near what it means is to what the article
/// answers, as a cosine.
pub(crate) fn unanswered<'a>(sentences: impl Iterator<Item = ((&'a str, &'a PerAct), f32)>) -> Option<String> {
    let sentences: Vec<(&str, &PerAct, f32)> =
        sentences.map(|((sentence, acts), nearness)| (sentence, acts, nearness)).collect();
    let asked = sentences.iter().any(|(_, _, nearness)| *nearness >= ASKED);
    let beside = sentences.iter().find(|(sentence, acts, nearness)| {
        let vague = likeliest(acts).0 == Act::Question && sentence.split_whitespace().nth(SHORT).is_none();
        !asked || stands_beside(acts, *nearness) && !vague
    });
    beside.map(|(sentence, ..)| (*sentence).to_owned())
}

/// Whether a sentence is neither courtesy nor context nor a question so near to the article's.
fn stands_beside(acts: &PerAct, nearness: f32) -> bool {
    if gravity(acts).0 >= MAYBE && nearness < ANSWERED {
        return true;
    }
    match likeliest(acts) {
        (Act::Courtesy | Act::Context | Act::Boilerplate, _) => false,
        (Act::Question, sure) => sure >= MORE && nearness < ANOTHER,
        (Act::Buying | Act::Shopper, sure) => sure >= MORE && nearness < ANSWERED,
        (_, sure) => sure >= MORE,
    }
}
