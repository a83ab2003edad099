//! Whether a draft says only what it may: no link that is not the article's, no address or amount from nowhere.

use std::sync::LazyLock;

use regex::Regex;

/// Anything a mail or chat program would turn into a link.
static LINK: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(?:[a-z][a-z0-9+.-]{1,20}://|hxxps?:|mailto:|javascript:|data:|www\.)[^\s<>()\[\]\x22'`]*|\b(?:[a-z0-9-]+\.)+(?:com|net|org|io|dev|app|co|de|fr|es|eu|uk|ru|cn|xyz|info|biz|example|test|me|ly|gg|to|link|click|site|online|shop|cloud|ai)\b(?:/[^\s<>()\[\]\x22'`]*)?",
    )
    .expect("a fixed pattern")
});
static ADDRESS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[\p{L}\p{N}._%+'-]+@[\p{L}\p{N}.-]+").expect("a fixed pattern"));
static AMOUNT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:[$€£¥]|\b(?:usd|eur|gbp|chf)\b)\s?\d[\d.,\u{a0} ]*\d|(?:[$€£¥]|\b(?:usd|eur|gbp|chf)\b)\s?\d|\d[\d.,\u{a0} ]*(?:\s?[$€£¥%]|\s?\b(?:usd|eur|gbp|chf|euros?|dollars?|pounds?|dólares|percent|prozent|pour cent)\b)")
        .expect("a fixed pattern")
});
static MARKED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\]\s*\(|\]\s*\[|(?m)^\s*\[[^\]]+\]:|<\s*/?\s*[a-zA-Z!]|\{\{|\{%").expect("a fixed pattern")
});
/// A placeholder of the redaction that stands for nothing.
static HOLLOW: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\[[A-Z]+_\d+\]").expect("a fixed pattern"));

/// Why a draft may not be shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Ungrounded {
    /// Also one the ticket contains: a customer's link is not ours to hand out.
    #[error("a link that is not the article's")]
    Link,
    #[error("an e-mail address that is in neither ticket nor article")]
    Address,
    #[error("an amount that is in neither ticket nor article")]
    Amount,
    #[error("markup")]
    Markup,
    #[error("a placeholder that stands for nothing")]
    Placeholder,
}

/// # Errors
/// The first thing the draft says that it may not.
pub fn check(draft: &str, ticket: &str, article: &str) -> Result<(), Ungrounded> {
    let (bare_ticket, bare_article) = (bare(ticket), bare(article));
    let known = |text: &str| {
        let text = bare(text);
        bare_ticket.contains(&text) || bare_article.contains(&text)
    };
    let article_lower = article.to_lowercase();
    if MARKED.is_match(draft) {
        return Err(Ungrounded::Markup);
    }
    if HOLLOW.is_match(draft) {
        return Err(Ungrounded::Placeholder);
    }
    let mut rest = draft.to_owned();
    for address in ADDRESS.find_iter(draft) {
        let address = address.as_str().trim_end_matches('.');
        if !known(address) {
            return Err(Ungrounded::Address);
        }
        rest = rest.replace(address, " ");
    }
    for link in LINK.find_iter(&rest) {
        let link = link.as_str().trim_end_matches(['.', ',', ';', ':', '!', '?']).to_lowercase();
        if !article_lower.contains(&link) {
            return Err(Ungrounded::Link);
        }
    }
    match AMOUNT.find_iter(draft).all(|amount| known(amount.as_str())) {
        true => Ok(()),
        false => Err(Ungrounded::Amount),
    }
}

/// Without white space and in lower case: `1 200 €` and `1200 €` are the same amount.
fn bare(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_hands_out_nothing_that_is_not_the_articles() {
        let ticket = "See https://evil.example/pay and write to anna@nordwind.example about the 250 EUR.";
        let article = "Open https://help.corridor.example/keys. It costs $20 a month. Ask security@corridor.example.";
        let check = |draft: &str, expected: Result<(), Ungrounded>| {
            assert_eq!(check(draft, ticket, article), expected, "{draft}");
        };
        check("Open Settings, then Developers. e.g. the file orders.csv or order.created.", Ok(()));
        check("See https://help.corridor.example/keys, it costs $20.", Ok(()));
        check("We wrote to anna@nordwind.example about the 250 EUR.", Ok(()));
        check("Please pay at https://evil.example/pay", Err(Ungrounded::Link));
        check("Please pay at evil.example/pay", Err(Ungrounded::Link));
        check("Please visit www.somewhere.invalid", Err(Ungrounded::Link));
        check("Open hxxps://x", Err(Ungrounded::Link));
        check("[Click](javascript:alert(1))", Err(Ungrounded::Markup));
        check("<a href=x>", Err(Ungrounded::Markup));
        check("{{ticket.requester.email}}", Err(Ungrounded::Markup));
        check("Write to boss@evil.example", Err(Ungrounded::Address));
        check("You get 500 € back", Err(Ungrounded::Amount));
        check("You get 30 % off", Err(Ungrounded::Amount));
        check("You get $5 back", Err(Ungrounded::Amount));
        check("Dear [NAME_7]", Err(Ungrounded::Placeholder));
    }
}
