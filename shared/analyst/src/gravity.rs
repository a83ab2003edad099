//! The sentence that nobody may overlook, and the one that no article answers.

use domain::{Grave, Gravity};
use encoder::Vector;

use crate::acts::{Act, PerAct, likeliest};

/// Below this a sentence is not worth naming: a ticket of ten calm sentences has one as sure by chance.
const NAMED: f32 = 0.3;
/// A sentence is neither here nor there if so much of it is courtesy, context or boilerplate.
const NEUTRAL: f32 = 0.5;
/// How near a question has to be to one that the article answers. A second question about the same thing is as near; one
/// about another is at 0.2 to 0.4.
const ANSWERED: f32 = 0.45;

/// The acts that are grave.
const GRAVE: [(Act, Gravity); 4] = [
    (Act::Outage, Gravity::Outage),
    (Act::Loss, Gravity::Loss),
    (Act::Breach, Gravity::Breach),
    (Act::Leaving, Gravity::Leaving),
];

/// The gravest of these sentences, if one is grave.
pub(crate) fn gravest<'a>(sentences: impl Iterator<Item = (&'a str, &'a PerAct)>) -> Option<Grave> {
    let graves = sentences.map(|(sentence, acts)| {
        let confidence: f32 = GRAVE.iter().map(|(act, _)| acts[*act]).sum();
        let (_, what) = GRAVE.iter().copied().fold((0.0, Gravity::Outage), |best, (act, what)| {
            if acts[act] > best.0 { (acts[act], what) } else { best }
        });
        (confidence, what, sentence)
    });
    let (confidence, what, sentence) = graves.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (confidence >= NAMED).then(|| Grave { what, confidence: confidence.min(1.0), quote: sentence.to_owned() })
}

/// The first sentence that is neither courtesy nor context nor near a question of the article. `nearness` tells how near
/// what a sentence means is to what the article answers, as a cosine.
pub(crate) fn unanswered<'a>(
    sentences: impl Iterator<Item = (&'a str, &'a PerAct, &'a Vector)>,
    nearness: impl Fn(&Vector) -> f32,
) -> Option<String> {
    let mut beside =
        sentences.filter(|(_, acts, meaning)| !is_neutral(acts) && !(asks(acts) && nearness(meaning) >= ANSWERED));
    beside.next().map(|(sentence, _, _)| sentence.to_owned())
}

fn is_neutral(acts: &PerAct) -> bool {
    acts[Act::Courtesy] + acts[Act::Context] + acts[Act::Boilerplate] >= NEUTRAL
}

/// A question, or context of one.
fn asks(acts: &PerAct) -> bool {
    matches!(likeliest(acts).0, Act::Question | Act::Context | Act::Courtesy)
}
