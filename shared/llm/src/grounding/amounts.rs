//! Amounts of money, however they are written: `$1,200.00` is `1200 dollars`.

use std::{collections::HashSet, sync::LazyLock};

use regex::Regex;

const CURRENCY: &str = r"[$€£¥₿]|(?-u:\b)(?:usd|eur|gbp|chf|btc|eth|usdt|euros?|dollars?|pounds?|francs?|franken|dólares|libras|bitcoins?)(?-u:\b)";

static MONEY: LazyLock<Regex> = LazyLock::new(|| {
    let number = r"\d(?:[\d.,'’\u{a0}\u{202f} ]*\d)?";
    Regex::new(&format!(r"(?i)({CURRENCY})\s?({number})|({number})\s?({CURRENCY})")).expect("a fixed pattern")
});
/// Numbers in words before a currency, in the four languages.
static IN_WORDS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(&format!(r"(?i)(?:\p{{L}}*(?:ten|twenty|thirty|forty|fifty|hundred|thousand|million|zehn|zwanzig|hundert|tausend|dix|vingt|cent|mille|diez|veinte|cien(?:to|tos|tas)?|quinientos|mil))\s+(?:{CURRENCY})"))
        .expect("a fixed pattern")
});

/// Each amount as its number and its currency.
pub(super) fn of(text: &str) -> HashSet<(String, &'static str)> {
    let figures = MONEY.captures_iter(text).filter_map(|found| {
        let currency = found.get(1).or(found.get(4))?;
        let number = found.get(2).or(found.get(3))?;
        Some((digits(number.as_str()), currency_of(currency.as_str())))
    });
    let words = IN_WORDS.find_iter(text).map(|found| (found.as_str().to_lowercase(), "words"));
    figures.chain(words).collect()
}

/// Without separators, and without decimals that are noughts.
fn digits(number: &str) -> String {
    let whole = [".00", ",00"].iter().find_map(|decimals| number.strip_suffix(decimals)).unwrap_or(number);
    whole.chars().filter(char::is_ascii_digit).collect()
}

fn currency_of(text: &str) -> &'static str {
    match text.to_lowercase().as_str() {
        "$" | "usd" | "dollar" | "dollars" | "dólares" => "usd",
        "€" | "eur" | "euro" | "euros" => "eur",
        "£" | "gbp" | "pound" | "pounds" | "libras" => "gbp",
        "chf" | "franc" | "francs" | "franken" => "chf",
        _ => "other",
    }
}
