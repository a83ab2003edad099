//! The embedded analyst: reads a ticket in milliseconds, without a key or a network.

use std::collections::BTreeMap;

use domain::{
    Account, Grave, Gravity, Intent, Kind, Language, LeavingNotice, Priority, Reading, Scored, Sender, Sentiment,
    TeamId, Teams, Ticket,
    reading::{AskedQuestion, Signal, Usage},
};
use encoder::Vector;

use crate::{
    CustomerText, Gate, Task, Weights,
    acts::{Act, PerAct},
    background::Matter,
    draft::{self, Frame},
    features, gate,
    gravity::{self, ANSWERED},
    greeting::Addressee,
    heard::Heard,
    kinds::marks,
    knowledge::{Article, KnowledgeBase, Question},
    model::{Prediction, argmax},
    routing::{self, Learnt, Route},
    text,
};

/// How it signs its readings. Rises with every change of the model's kind.
pub const NAME: &str = "embedded-3";

/// Articles of which the best is chosen, once the team is looked at.
const CANDIDATES: usize = 5;
/// An article of another team than the ticket's has to fit better; one of a team that is not there is anybody's.
const OTHER_TEAM: f32 = 0.8;
/// A longer reply comes of an endless paragraph, and nobody would send it. In bytes; the bundled articles make
/// replies of at most 2 kB.
const LONGEST_DRAFT: usize = 8 * 1024;
/// From this confidence on a churn or buying signal is claimed, with its quotes: a missed one costs twice a false one. From
/// which confidence on it is acted on is the policy's.
const CLAIM: f32 = 0.33;
/// From this probability on that a tone is none of neutral it is the likelier of the others: business mail says little of
/// what is felt, and a tone that is missed costs one and a half times a false one.
const FELT: f32 = 0.4;
/// How sure it is that a message is automatic of which a program, or the helpdesk, says so.
const MARKED: f32 = 0.95;
/// How sure it is that a forward is a request.
const FORWARD: f32 = 0.6;
/// The heads have enough to go by in a text of more words: one sentence of it raises a doubt, and no alarm.
const LONG: usize = 60;
const DOUBT: f32 = 0.62;
/// A sentence this grave is heard beside a machine's words.
const LOUD: f32 = 0.8;
/// How sure a label is in a language that nobody reads: one of four priorities.
const GUESS: f32 = 0.25;
/// A P0 is taken from this probability on, whatever is likelier: a missed one costs one and a half times a false one, and
/// 1 / (1 + 1.5) is 0.4.
const P0_FROM: f32 = 0.4;
/// Quotes named for a signal.
const MOST_QUOTES: usize = 2;
/// A sentence that is less sure, from this on, gives notice too if the heads find it likelier than not and hear leaving in
/// the whole ticket.
const LIKELY: f32 = 0.65;
/// The least log-odds of a sentence of notice.
const HEARD: f32 = -2.0;
/// A sentence this sure to give notice does.
const NOTICE: f32 = 0.8;
/// A sentence this sure to state a fact of its ticket's priority is the reason for it.
const STATES: f32 = 0.4;
/// Questions listed of a ticket: more are a form, and no letter.
const MOST_QUESTIONS: usize = 8;
/// A sentence within this many log-odds of the strongest one is quoted as well.
const QUOTE_MARGIN: f32 = 1.0;

/// What is learnt, articles for drafts, and the customer's teams.
pub struct EmbeddedAnalyst {
    weights: Weights,
    knowledge: KnowledgeBase,
    teams: Teams,
    /// The teams whose matter no head knows.
    learnt: Vec<(TeamId, Matter)>,
}

impl EmbeddedAnalyst {
    /// Encodes the examples of the teams that have some.
    #[must_use]
    pub fn new(weights: Weights, knowledge: KnowledgeBase, teams: Teams) -> Self {
        let learnt = teams.learnt().map(|profile| {
            let examples: Vec<String> =
                profile.examples.iter().flatten().map(|example| text::masked(example)).collect();
            let encoded = weights.encoder.encode(&examples.iter().map(String::as_str).collect::<Vec<_>>());
            let matter = weights.background.matter(encoded.iter().map(|encoded| &encoded.vector));
            (profile.agent.clone(), matter)
        });
        Self { learnt: learnt.collect(), weights, knowledge, teams }
    }

    /// The ticket's text for [`EmbeddedAnalyst::read`], [`EmbeddedAnalyst::draft`] and every other reader. `go_on` is
    /// asked between sentences; its first no ends the work, and the text is marked as cut.
    #[must_use]
    pub fn listen(&self, ticket: &Ticket, go_on: &dyn Fn() -> bool) -> CustomerText {
        CustomerText::new(&self.weights, ticket, go_on)
    }

    /// Reads a ticket, without a draft. Pure: the same text gives the same reading.
    #[must_use]
    pub fn read(&self, text: &CustomerText) -> Reading {
        let opinion = self.weights.model.predict(text.heard());
        let kind = self.kind(text);
        let grave = gravest(text, kind);
        let (priority, Route { team, topic }) = self.urgency(text, &opinion);
        let priority = unless_all_clear(text, kind, grave.as_ref(), within(text, priority));
        let readable = text.language() != Language::Other && text.has_words();
        let notice = notice(&opinion, text);
        let churn = with_notice(signal(&opinion, Task::Churn, text), notice.as_ref());
        let wish = signal(&opinion, Task::Intent, text);
        let kinds = opinion.probabilities(Task::Intent).get(1..).unwrap_or_default();
        let intent = INTENTS.get(argmax(kinds)).copied();
        Reading {
            analyst: NAME.to_owned(),
            fallback: None,
            language: text.language(),
            priority,
            priority_quote: priority_quote(&opinion, text, priority.value, grave.as_ref()),
            agent: within(text, team),
            topic: readable.then_some(topic),
            sentiment: label(&opinion, Task::Sentiment, &SENTIMENTS),
            churn,
            intent: Signal { value: intent.filter(|_| wish.value), confidence: wish.confidence, quotes: wish.quotes },
            kind,
            grave,
            notice: notice.filter(|_| kind.value != Kind::Phishing),
            mixed: text.is_mixed(),
            reason: None,
            draft: None,
            hidden: Vec::new(),
            english: BTreeMap::new(),
            suspicious: false,
            cut: text.is_cut(),
            second: None,
            redactions: BTreeMap::new(),
            usage: Usage::default(),
        }
    }

    /// Priority, team and topic. What the customer hands on may be the more urgent part, and is all there is where he says
    /// nothing.
    fn urgency(&self, text: &CustomerText, own: &Prediction) -> (Scored<Priority>, Route) {
        let labels = |opinion: &Prediction, heard: &Heard| {
            (label(opinion, Task::Priority, &PRIORITIES), self.route(opinion, heard, text.language()))
        };
        let own = labels(own, text.heard());
        let Some(forwarded) = text.urgent_forward() else { return own };
        let heard = forwarded.heard();
        let both = labels(&self.weights.model.predict(heard), heard);
        if both.0.value < own.0.value || text.sentences().is_empty() { both } else { own }
    }

    fn route(&self, opinion: &Prediction, heard: &Heard, language: Language) -> Route {
        let known = routing::topics(opinion.probabilities(Task::Agent), opinion.probabilities(Task::Topic));
        let serving: Vec<&(TeamId, Matter)> =
            self.learnt.iter().filter(|(team, _)| self.teams.serves(team, language)).collect();
        // A text without a word is about nothing that can be told.
        let meanings = if serving.is_empty() { Vec::new() } else { heard.meanings() };
        let learnt = if meanings.is_empty() { Vec::new() } else { self.learnt(&serving, &meanings) };
        routing::route(&self.teams, language, &known, &learnt)
    }

    fn learnt<'a>(&self, serving: &[&'a (TeamId, Matter)], meanings: &[Vector]) -> Vec<Learnt<'a>> {
        let matters: Vec<&Matter> = serving.iter().map(|(_, matter)| matter).collect();
        let probabilities = self.weights.background.probabilities(meanings, &matters);
        serving.iter().zip(probabilities).map(|((team, _), probability)| Learnt { team, probability }).collect()
    }

    #[must_use]
    pub fn knowledge(&self) -> &KnowledgeBase {
        &self.knowledge
    }

    #[must_use]
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// The same with another gate: while one is fitted.
    #[must_use]
    pub fn with_gate(mut self, gate: Gate) -> Self {
        self.weights.gate = gate;
        Self { knowledge: self.knowledge.renewed(), ..self }
    }

    #[must_use]
    pub fn teams(&self) -> &Teams {
        &self.teams
    }

    /// What the ticket asks the knowledge base, by its words and by what they mean.
    #[must_use]
    pub fn question<'a>(&'a self, text: &'a CustomerText, language: Language) -> Question<'a> {
        let meaning = text.asked().map(|asked| (&self.weights, asked));
        Question { subject: text.subject(), body: text.body(), language, meaning }
    }

    /// A reply made of an article's own words, whoever read the labels: for P2 and P3, if an article truly matches.
    #[must_use]
    pub fn draft(
        &self,
        text: &CustomerText,
        ticket: &Ticket,
        account: &Account,
        labels: Labels<'_>,
    ) -> Option<domain::Draft> {
        let Labels { priority, agent, sentiment, language } = labels;
        // P0 and P1 need a person and no article.
        if priority < Priority::P2 || language == Language::Other {
            return None;
        }
        let fits = self.knowledge.search(self.question(text, language), CANDIDATES).into_iter().map(|mut found| {
            if found.article.agent != *agent && self.teams.get(&found.article.agent).is_some() {
                found.score *= OTHER_TEAM;
            }
            found
        });
        let found = fits.max_by(|a, b| a.score.total_cmp(&b.score))?;
        // A frame in another language than the ticket's helps nobody.
        if found.score < gate::DRAFT || !language.is_written() && found.article.language != language {
            return None;
        }
        let Addressee { name, company } = Addressee::of(ticket, account, self.teams.ids());
        let frame = Frame {
            name,
            company,
            sentiment,
            language,
            signature: self.teams.get(agent).map_or("The support team", |profile| &profile.signature),
        };
        let details = text.asked().map(|asked| self.knowledge.details_for(&self.weights, asked, found.article));
        let details = details.unwrap_or_default();
        let draft = domain::Draft {
            unanswered: self.unanswered(text, found.article, language),
            questions: self.questions(text, found.article, language),
            ..draft::compose(found, &details, frame)
        };
        (draft.text.len() <= LONGEST_DRAFT).then_some(draft)
    }

    /// What the article leaves open of the text. A subject that a person wrote is a sentence like any other.
    fn unanswered(&self, text: &CustomerText, article: &Article, language: Language) -> Option<String> {
        let near = text.asked().map(|asked| self.knowledge.nearness(&self.weights, asked, article, language));
        let sentences = text.parts_by_sentence().map(|(sentence, acts, _)| (sentence, acts));
        gravity::unanswered(sentences.zip(near.into_iter().flatten()))
    }

    /// What the text asks, and what of it the article is known to answer; nothing where that is one question.
    fn questions(&self, text: &CustomerText, article: &Article, language: Language) -> Vec<AskedQuestion> {
        let near = text.asked().map(|asked| self.knowledge.nearness(&self.weights, asked, article, language));
        // The subject stands last, and says again what the text asks.
        let sentences = text.parts_by_sentence().take(text.sentences().len()).zip(near.into_iter().flatten());
        let asked = sentences.filter(|((sentence, ..), _)| sentence.trim_end().ends_with('?'));
        let questions: Vec<AskedQuestion> = asked
            .map(|((sentence, ..), near)| AskedQuestion { quote: sentence.to_owned(), answered: near >= ANSWERED })
            .take(MOST_QUESTIONS)
            .collect();
        if questions.len() > 1 { questions } else { Vec::new() }
    }

    /// What sort of ticket it is. Where nothing can be read there is no kind but that.
    fn kind(&self, text: &CustomerText) -> Scored<Kind> {
        if !text.has_words() {
            return Scored { value: Kind::Empty, confidence: 1.0 };
        }
        if marks::is_automatic(text.subject()) {
            return Scored { value: Kind::Automatic, confidence: MARKED };
        }
        // The encoder knows more languages than the classifier has seen, and too little of them.
        if text.language() == Language::Other {
            return Scored { value: Kind::Request, confidence: GUESS };
        }
        let kind = self.weights.kinds.kind(text.parts());
        match text.sender() {
            Sender::Machine if kind.value == Kind::Request => Scored { value: Kind::Automatic, confidence: MARKED },
            // Whoever hands on an alarm, a letter or a fraud wants something done about it.
            Sender::Customer if text.forwarded().is_some() && kind.value != Kind::Request => {
                Scored { value: Kind::Request, confidence: FORWARD }
            }
            Sender::Customer | Sender::Machine | Sender::Suspended | Sender::Staff => kind,
        }
    }
}

/// A machine that says that all is well is no matter for anybody, whatever words its name has.
fn unless_all_clear(
    text: &CustomerText,
    kind: Scored<Kind>,
    grave: Option<&Grave>,
    priority: Scored<Priority>,
) -> Scored<Priority> {
    if kind.value == Kind::MachineAlert
        && text.parts().is_all_clear()
        && grave.is_none_or(|grave| grave.confidence < LOUD)
    {
        Scored { value: Priority::P3, confidence: kind.confidence }
    } else {
        priority
    }
}

/// The gravest sentence of the customer, or of whoever is forwarded: but leaving is only the customer's own to say, and a
/// fraud threatens with outages of its own.
fn gravest(text: &CustomerText, kind: Scored<Kind>) -> Option<Grave> {
    let own = gravity::gravest(text.parts_by_sentence().map(|(sentence, acts, _)| (sentence, acts)));
    let theirs = text.urgent_forward().and_then(|forwarded| gravity::gravest(forwarded.acts()));
    let theirs = theirs.filter(|grave| grave.what != Gravity::Leaving);
    let mut gravest = own.into_iter().chain(theirs).max_by(|a, b| a.confidence.total_cmp(&b.confidence))?;
    if text.body().split_whitespace().nth(LONG).is_some() {
        gravest.confidence = gravest.confidence.min(DOUBT);
    }
    (kind.value != Kind::Phishing).then_some(gravest)
}

/// The sentence that states by itself what makes a ticket of that priority; else the grave one of an urgent ticket.
fn priority_quote(
    opinion: &Prediction,
    text: &CustomerText,
    priority: Priority,
    grave: Option<&Grave>,
) -> Option<String> {
    let class = PRIORITIES.iter().position(|other| *other == priority)?;
    let stated = opinion.severity.iter().zip(text.heard_sentences());
    let stated = stated.filter_map(|(classes, (sentence, _))| Some((*classes.get(class)?, sentence)));
    let surest = stated.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(sure, _)| *sure >= STATES);
    let grave = grave.filter(|grave| priority <= Priority::P1 && grave.what != Gravity::Leaving);
    surest.map(|(_, sentence)| sentence.clone()).or_else(|| grave.map(|grave| grave.quote.clone()))
}

/// As sure as a guess where the text is in a language that nobody here reads, or is none.
fn within<T>(text: &CustomerText, label: Scored<T>) -> Scored<T> {
    if text.language() == Language::Other || !text.has_words() {
        Scored { confidence: label.confidence.min(GUESS), ..label }
    } else {
        label
    }
}

/// What a draft depends on, whoever found it.
#[derive(Clone, Copy, Debug)]
pub struct Labels<'a> {
    pub priority: Priority,
    pub agent: &'a TeamId,
    pub sentiment: Sentiment,
    pub language: Language,
}

impl<'a> Labels<'a> {
    #[must_use]
    pub fn of(reading: &'a Reading) -> Self {
        Self {
            priority: reading.priority.value,
            agent: &reading.agent.value,
            sentiment: reading.sentiment.value,
            language: reading.language,
        }
    }
}

/// The class to act on: a P0 from `P0_FROM` on, a signal if it is a third likely; else the likeliest.
#[must_use]
pub fn chosen(task: Task, probabilities: &[f32]) -> usize {
    match task {
        Task::Priority => {
            let urgent = probabilities.first().is_some_and(|p0| *p0 >= P0_FROM);
            if urgent { 0 } else { argmax(probabilities) }
        }
        Task::Churn | Task::Intent => {
            let likely = probabilities.first().is_none_or(|none| 1.0 - none >= CLAIM);
            if likely { argmax(probabilities.get(1..).unwrap_or_default()) + 1 } else { 0 }
        }
        Task::Sentiment => {
            let felt = probabilities.first().is_none_or(|neutral| 1.0 - neutral >= FELT);
            if felt { argmax(probabilities.get(1..).unwrap_or_default()) + 1 } else { 0 }
        }
        Task::Agent | Task::Topic => argmax(probabilities),
    }
}

fn label<T: Clone>(opinion: &Prediction, task: Task, values: &[T]) -> Scored<T> {
    let probabilities = opinion.probabilities(task);
    let class = chosen(task, probabilities);
    Scored {
        value: values.get(class).expect("a value for each class").clone(),
        confidence: probabilities.get(class).copied().unwrap_or(0.0),
    }
}

/// Whether a sentence carries a signal, by its own log-odds and by what it does.
type Carries = fn(f32, &PerAct) -> bool;

/// The sentences that carry a signal best are quoted: those that would be heard by themselves.
fn signal(opinion: &Prediction, task: Task, text: &CustomerText) -> Signal<bool> {
    let probabilities = opinion.probabilities(task);
    let confidence = probabilities.first().map_or(0.0, |none| 1.0 - none).clamp(0.0, 1.0);
    let value = chosen(task, probabilities) > 0;
    let (odds, carries): (&[f32], Carries) = match task {
        Task::Churn => (&opinion.churn, carries_churn),
        Task::Intent => (&opinion.intent, carries_intent),
        Task::Priority | Task::Agent | Task::Sentiment | Task::Topic => (&[], |_, _| false),
    };
    let colleague = |sentence: &str| task == Task::Churn && is_about_a_colleague(sentence);
    let carriers = odds
        .iter()
        .zip(text.heard_sentences())
        .filter(|(odds, (sentence, acts))| value && carries(**odds, acts) && !colleague(sentence));
    let mut scored: Vec<(f32, &String)> = carriers.map(|(odds, (sentence, _))| (*odds, sentence)).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    let best = scored.first().map_or(f32::NEG_INFINITY, |(odds, _)| *odds);
    let near = scored.iter().take(MOST_QUOTES).filter(|(odds, _)| best - odds <= QUOTE_MARGIN);
    Signal { value, confidence, quotes: near.map(|(_, sentence)| (*sentence).clone()).collect() }
}

/// An account manager is shown the sentence, so it has to sound like leaving by itself: to either of the two that judge it,
/// or a little to both.
fn carries_churn(odds: f32, acts: &PerAct) -> bool {
    let leaving = acts[Act::Leaving] + acts[Act::Evaluating];
    odds >= -1.0 || leaving >= 0.25 || (odds >= -2.0 && leaving >= 0.1)
}

/// A wish is often said in half a sentence, and a seller loses little by a false one.
fn carries_intent(odds: f32, acts: &PerAct) -> bool {
    odds >= -2.5 || acts[Act::Buying] >= 0.3
}

/// The surest sentence of the customer that gives notice.
fn notice(opinion: &Prediction, text: &CustomerText) -> Option<LeavingNotice> {
    let claimed = chosen(Task::Churn, opinion.probabilities(Task::Churn)) > 0;
    let sentences = text.heard_sentences().zip(&opinion.churn);
    let notices = sentences.filter(|((sentence, acts), odds)| gives_notice(sentence, acts, **odds, claimed));
    let sure = notices.map(|((sentence, acts), _)| (acts[Act::Leaving], sentence));
    let (confidence, sentence) = sure.max_by(|a, b| a.0.total_cmp(&b.0))?;
    Some(LeavingNotice { confidence: confidence.min(1.0), quote: sentence.clone() })
}

/// A plain notice is heard, whatever stands around it: the heads judge whole tickets, and one sentence among many faults or
/// questions is easily lost on them.
fn with_notice(churn: Signal<bool>, notice: Option<&LeavingNotice>) -> Signal<bool> {
    let Some(notice) = notice else { return churn };
    let others = churn.quotes.into_iter().filter(|quote| *quote != notice.quote);
    let quotes = std::iter::once(notice.quote.clone()).chain(others).take(MOST_QUOTES).collect();
    Signal { value: true, confidence: churn.confidence.max(notice.confidence), quotes }
}

/// Whether a sentence gives notice of the contract.
fn gives_notice(sentence: &str, acts: &PerAct, odds: f32, claimed: bool) -> bool {
    let surely = acts[Act::Leaving] >= NOTICE && odds >= HEARD;
    let agreed = acts[Act::Leaving] >= LIKELY && odds >= 0.0 && claimed;
    (agreed || surely) && !is_about_a_colleague(sentence)
}

/// Whether somebody leaves the customer, and not the customer us: the classifiers take one for the other, so that a word for
/// a colleague counts for more, unless a word for the contract stands beside it.
fn is_about_a_colleague(sentence: &str) -> bool {
    const COLLEAGUES: [&str; 14] = [
        "user",
        "users",
        "login",
        "colleague",
        "benutzer",
        "nutzer",
        "zugang",
        "kollege",
        "kollegin",
        "utilisateur",
        "collegue",
        "usuario",
        "usuaria",
        "companero",
    ];
    const CONTRACT: [&str; 14] = [
        "contract",
        "agreement",
        "subscription",
        "plan",
        "vertrag",
        "abo",
        "abonnement",
        "tarif",
        "contrat",
        "formule",
        "contrato",
        "suscripcion",
        "servicio",
        "service",
    ];
    let words = features::words(sentence);
    let has = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
    has(&COLLEAGUES) && !has(&CONTRACT)
}

const PRIORITIES: [Priority; 4] = [Priority::P0, Priority::P1, Priority::P2, Priority::P3];
const SENTIMENTS: [Sentiment; 3] = [Sentiment::Neutral, Sentiment::Frustrated, Sentiment::Angry];
const INTENTS: [Intent; 4] = [Intent::PricingRequest, Intent::Upgrade, Intent::Expansion, Intent::CustomService];

#[cfg(test)]
mod tests {
    use domain::{AgentProfile, sample};
    use strum::IntoEnumIterator;

    use super::*;

    fn analyst() -> EmbeddedAnalyst {
        with_teams(sample::policy().teams)
    }

    fn with_teams(teams: Teams) -> EmbeddedAnalyst {
        let knowledge = KnowledgeBase::parse(data::knowledge_base()).unwrap();
        EmbeddedAnalyst::new(Weights::bundled().unwrap(), knowledge, teams)
    }

    fn read(subject: &str, description: &str) -> Reading {
        let ticket = Ticket { subject: subject.into(), description: description.into(), ..sample::ticket(1) };
        read_ticket(&ticket)
    }

    fn read_ticket(ticket: &Ticket) -> Reading {
        let analyst = analyst();
        let text = analyst.listen(ticket, &|| true);
        let reading = analyst.read(&text);
        let draft = analyst.draft(&text, ticket, &sample::account(), Labels::of(&reading));
        Reading { draft, ..reading }
    }

    #[test]
    fn classes_and_labels_are_in_the_same_order() {
        assert!(Priority::iter().eq(PRIORITIES));
        assert!(Sentiment::iter().eq(SENTIMENTS));
        assert!(Intent::iter().eq(INTENTS));
    }

    fn route(analyst: &EmbeddedAnalyst, subject: &str, description: &str) -> (String, Option<String>) {
        let ticket = Ticket { subject: subject.into(), description: description.into(), ..sample::ticket(1) };
        let reading = analyst.read(&analyst.listen(&ticket, &|| true));
        (reading.agent.value.to_string(), reading.topic.map(|topic| topic.value.to_string()))
    }

    #[test]
    fn a_team_is_learnt_from_eight_sentences() {
        let mut profiles: Vec<AgentProfile> = sample::policy().teams.iter().cloned().collect();
        let examples = [
            "How many points does a customer earn for each euro spent?",
            "The loyalty points of last week's orders were not credited to our members.",
            "Can we change the tiers of our rewards programme from silver and gold to three levels?",
            "A member's points expired although she bought something last month.",
            "We would like to give double points on birthdays.",
            "Shoppers cannot redeem their points for a voucher at the checkout.",
            "How do I merge two loyalty accounts of the same member?",
            "The referral bonus is not shown in the member's card.",
        ];
        let examples = Some(examples.map(str::to_owned).into());
        profiles.push(AgentProfile { examples, ..sample::profile("loyalty_programme", 14) });
        let analyst = with_teams(Teams::new(profiles).unwrap());
        for (subject, text) in [
            ("Punkte weg", "Guten Tag, unsere Stammkunden sehen ihre gesammelten Punkte nicht mehr im Kundenkonto."),
            ("", "Können wir das Bonusprogramm so einstellen, dass es für Anmeldungen zum Newsletter Punkte gibt?"),
            ("Tier lost", "Hi team, a gold member was put back to bronze overnight and lost her bonus points."),
            ("", "Is there a way to let customers pay part of an order with rewards points?"),
        ] {
            let found = route(&analyst, subject, text);
            assert_eq!(found, ("loyalty_programme".to_owned(), Some("loyalty-programme".to_owned())), "{text}");
        }
        for (text, team) in [
            ("Webhook deliveries fail with a 401 since we rotated the signing secret.", "nexus"),
            ("The payout of last Friday is missing in our bank account.", "sentinel"),
            ("Die Auszahlung vom Freitag ist noch nicht auf unserem Konto.", "sentinel"),
            ("The scheduled export of last month's orders is an empty file.", "cipher"),
            ("How do I invite a colleague as a user?", "sentinel"),
        ] {
            assert_eq!(route(&analyst, "", text).0, team, "{text}");
        }
    }

    #[test]
    fn a_subject_that_says_nothing_is_as_none() {
        let body = "Since seven this morning none of our eleven shops has received a single order.";
        let without = read("", body);
        for subject in ["Conversation with Ada Lovelace", "New message from contact form", "Anfrage", "Sin asunto"] {
            assert_eq!(read(subject, body).priority, without.priority, "{subject}");
        }
        assert_ne!(read("Shoes in the wrong colour", body).priority, without.priority);
    }

    #[test]
    fn an_outage_that_a_fraud_threatens_with_is_none() {
        let threat = "Your domain expires. Pay the fee of 240 EUR today or your website and your shops will be down.";
        assert_eq!(read("Domain renewal", threat).kind.value, Kind::Phishing);
        let told = read("All down", "Our hosting ended tonight: all our shops are down and nobody can pay.");
        assert_eq!((told.kind.value, told.priority.value), (Kind::Request, Priority::P0));
    }

    #[test]
    fn a_ticket_is_about_something_if_it_can_be_read() {
        let topic = |text: &str| route(&analyst(), "", text).1;
        assert_eq!(topic("The payout of last Friday is missing in our bank account.").as_deref(), Some("payouts"));
        assert_eq!(topic("Webhook deliveries to our endpoint fail.").as_deref(), Some("webhooks"));
        for nothing in ["", "???", "image001.png"] {
            assert_eq!(topic(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn a_p0_is_taken_before_it_is_likeliest() {
        let less = P0_FROM - 0.01;
        for (probabilities, expected) in [
            ([P0_FROM, 0.0, 0.0, 1.0 - P0_FROM], 0),
            ([less, 0.0, 0.0, 1.0 - less], 3),
            ([0.1, 0.35, 0.15, 0.4], 3),
            ([0.0, 0.4, 0.25, 0.35], 1),
        ] {
            assert_eq!(chosen(Task::Priority, &probabilities), expected, "{probabilities:?}");
        }
    }

    #[test]
    fn only_a_notice_is_one() {
        let notice = |text: &str| read("Stock sync", text).notice.map(|notice| notice.quote);
        let plain = "We hereby cancel our contract at the end of the term.";
        assert_eq!(notice(&format!("The nightly stock sync failed twice. {plain}")).as_deref(), Some(plain));
        for soft in [
            "The nightly stock sync failed twice. Our board compares several vendors at the moment.",
            "What is the notice period of our contract?",
            "How do I cancel a single order after it was exported to the warehouse?",
        ] {
            assert_eq!(notice(soft), None, "{soft}");
        }
    }

    #[test]
    fn an_unsure_notice_needs_the_heads() {
        for (sentence, leaving, odds, claimed, expected) in [
            ("We cancel.", LIKELY, 0.5, true, true),
            ("We cancel.", LIKELY, 0.5, false, false),
            ("We cancel.", LIKELY, -0.5, true, false),
            ("We cancel.", NOTICE, -0.5, false, true),
            ("We cancel.", NOTICE, -2.5, true, false),
            ("We cancel a colleague.", NOTICE, -0.5, false, false),
            ("We cancel a colleague.", NOTICE, 0.5, true, false),
            ("We cancel the contract, delete all users.", NOTICE, 0.5, true, true),
        ] {
            let acts = PerAct::from_fn(|act| if act == Act::Leaving { leaving } else { 0.0 });
            let found = gives_notice(sentence, &acts, odds, claimed);
            assert_eq!(found, expected, "{sentence} {leaving} {odds} {claimed}");
        }
    }

    #[test]
    fn the_sentence_that_made_the_priority_is_quoted() {
        let outage = "Since 06:40 no shopper has been able to pay on any of our four storefronts.";
        let reading = read(
            "Checkout",
            &format!("I hope you had a pleasant weekend. {outage} We have paused our ads for now and wait for you."),
        );
        assert_eq!((reading.priority.value, reading.priority_quote.as_deref()), (Priority::P0, Some(outage)));
        for nothing in ["", "Hello!"] {
            assert_eq!(read("", nothing).priority_quote, None, "{nothing}");
        }
    }

    #[test]
    fn several_questions_are_listed() {
        let two = read("Rotate an API key", "How can I rotate our API key without downtime? Who won the cup final?");
        let asked: Vec<_> = two.draft.into_iter().flat_map(|draft| draft.questions).collect();
        let told: Vec<_> = asked.iter().map(|asked| (asked.quote.as_str(), asked.answered)).collect();
        assert_eq!(told, [("How can I rotate our API key without downtime?", true), ("Who won the cup final?", false)]);
        let one = read("Rotate an API key", "How can I rotate our API key without downtime?");
        assert_eq!(one.draft.unwrap().questions, []);
    }

    #[test]
    fn the_sentence_that_carries_a_signal_is_quoted() {
        let text = "The nightly stock sync failed twice this month. We have decided not to renew our contract and will \
                    move to another provider. The log is attached.";
        let reading = read("Stock sync", text);
        assert!(reading.churn.value, "{:?}", reading.churn);
        assert_eq!(
            reading.churn.quotes.first().map(String::as_str),
            Some("We have decided not to renew our contract and will move to another provider.")
        );
        let calm = read("Cancel an order", "How do I cancel a single order after it was exported to the warehouse?");
        assert!(calm.churn.confidence < reading.churn.confidence);
    }

    #[test]
    fn a_how_to_gets_a_draft_and_an_unrelated_text_gets_none() {
        let how_to = read("Rotate an API key", "Hi, how can I rotate our API key without downtime? Where is the menu?");
        let draft = how_to.draft.expect("an article matches");
        assert_eq!(draft.article, "rotate-an-api-key");
        assert!(draft.text.starts_with("Hi Acme team,"), "{}", draft.text);
        assert!(read("Lunch", "Shall we meet at the harbour café on Friday?").draft.is_none());
    }

    #[test]
    fn a_french_ticket_gets_the_french_article() {
        let text = "Bonjour, comment renouveler notre clé API sans interruption de service ? Merci d'avance.";
        let reading = read("Rotate an API key", text);
        assert_eq!(reading.language, Language::Fr);
        let draft = reading.draft.expect("an article matches");
        assert!(draft.text.starts_with("Bonjour à l'équipe Acme,"), "{}", draft.text);
        assert_eq!((draft.article.as_str(), draft.in_language), ("rotate-an-api-key.fr", true));
    }

    #[test]
    fn a_forward_raises_the_priority_alone() {
        let banner = "---------- Forwarded message ---------\nFrom: Jo <jo@mail.example>\nTo: shop@bikes.example";
        let forward = |words: &str| read("Fwd: Shop", &format!("FYI\n\n{banner}\n\n{words}"));
        let outage = forward("Nobody can pay in any of your shops since this morning, every order fails.");
        assert!(outage.priority.value <= Priority::P1 && outage.mixed, "{:?}", outage.priority);
        let threat = forward("We have decided to cancel our contract and will move to another provider.");
        assert!(!threat.churn.value, "{:?}", threat.churn);
        let wish = forward("Please send us an offer for the Scale plan, we want to upgrade this week.");
        assert_eq!(wish.intent.value, None);
    }

    #[test]
    fn an_endless_name_is_not_greeted() {
        let description = "Hi, how can I rotate our API key without downtime? Where is the menu?".into();
        let ticket = Ticket { subject: "Rotate an API key".into(), description, ..sample::ticket(1) };
        let draft = read_ticket(&Ticket { requester_name: Some("a".repeat(9_000)), ..ticket }).draft.unwrap();
        assert!(draft.text.starts_with("Hello,\n"), "{}", draft.text);
    }

    #[test]
    fn any_text_can_be_read() {
        for text in [
            "",
            " ",
            "\u{0}",
            "💥💥💥",
            &"a".repeat(70_000),
            &"word ".repeat(10_000),
            &"A\n".repeat(32_000),
            &"A. ".repeat(20_000),
            "<script>alert(1)</script>",
        ] {
            let reading = read(text, text);
            let confidences = [
                reading.priority.confidence,
                reading.agent.confidence,
                reading.sentiment.confidence,
                reading.churn.confidence,
                reading.intent.confidence,
            ];
            assert!(confidences.iter().all(|confidence| (0.0..=1.0).contains(confidence)), "{confidences:?}");
        }
    }
}
