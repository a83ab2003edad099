//! Changes of what a text is about only by name: people, figures, products.

use std::collections::HashMap;

use training::random::Random;

use super::{parts::Parts, phrases::Products};

/// A figure of fewer digits may be the matter itself: an HTTP status, a count of shops, a share.
const FEWEST_DIGITS: usize = 4;
/// A line of more words is no name.
const LONGEST_NAME: usize = 3;
/// A lower-case word of fewer letters may be no product.
const LONGEST_CODE: usize = 4;

/// What parts the digits of a figure.
const MARKS: [char; 6] = ['.', ',', '\'', ' ', '\u{a0}', '\u{202f}'];

/// What a text has in the place of another word: how many bytes it takes, and what stands there instead.
type Other = Option<(usize, String)>;

/// The text with each word or group of words replaced that `other` knows, looking at the text from the word on.
fn replaced(text: &str, mut other: impl FnMut(&str) -> Other) -> String {
    let mut new = String::with_capacity(text.len());
    let (mut rest, mut within) = (text, false);
    while let Some(c) = rest.chars().next() {
        let found = if within { None } else { other(rest) };
        let taken = match found {
            Some((length, word)) => {
                new.push_str(&word);
                within = true;
                length
            }
            None => {
                new.push(c);
                within = is_word(c);
                c.len_utf8()
            }
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    new
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether a text begins with the name as a whole word.
fn begins(text: &str, name: &str) -> bool {
    text.strip_prefix(name).is_some_and(|rest| !rest.starts_with(is_word))
}

/// How people in texts are found and what they may be called.
#[derive(Clone, Debug)]
pub(super) struct People<'a> {
    pub(super) known: Vec<&'a str>,
    /// Words of the line above a signature, in lower case.
    pub(super) closings: &'a [String],
    pub(super) others: &'a [String],
}

/// Other first names for those in the text: for known ones, and for whoever signs below a closing.
pub(super) fn names(texts: [&str; 2], people: &People<'_>, random: &mut Random) -> Option<[String; 2]> {
    let [_, body] = texts;
    let signed = signed(body, people.closings);
    let mut order: Vec<&String> = people.others.iter().collect();
    random.shuffle(&mut order);
    let is_new = |name: &&str| !texts.iter().any(|text| text.contains(name));
    let mut free = order.into_iter().map(String::as_str).filter(is_new);
    let mut given: HashMap<&str, &str> = HashMap::new();
    let mut other = |rest: &str| {
        let name = people.known.iter().copied().chain(signed).find(|name| begins(rest, name))?;
        let new = match given.get(name) {
            Some(new) => new,
            None => *given.entry(name).or_insert(free.next()?),
        };
        Some((name.len(), new.to_owned()))
    };
    let new = texts.map(|text| replaced(text, &mut other));
    (new != texts).then_some(new)
}

/// The first name in a sign-off: of the first line that is no closing.
fn signed<'a>(body: &'a str, closings: &[String]) -> Option<&'a str> {
    let closes = |line: &&str| {
        let line = line.trim_end().to_lowercase();
        line.ends_with(',')
            || line.split(|c: char| !c.is_alphabetic()).any(|word| closings.iter().any(|closing| closing == word))
    };
    let mut lines = Parts::of(body).sign_off.lines().filter(|line| !line.trim().is_empty());
    let name = lines.find(|line| !closes(line))?.split([',', '|', '(']).next()?;
    let first = name.split_whitespace().next()?;
    let is_name = first.chars().all(char::is_alphabetic)
        && first.starts_with(char::is_uppercase)
        && first.chars().skip(1).all(char::is_lowercase);
    (is_name && first.chars().count() > 2 && name.split_whitespace().count() <= LONGEST_NAME).then_some(first)
}

/// Other figures of the same size for those of four digits and more: numbers of orders, products and accounts, amounts.
/// Years, times, versions and addresses of machines stay.
pub(super) fn figures(texts: [&str; 2], random: &mut Random) -> Option<[String; 2]> {
    let mut given: HashMap<String, String> = HashMap::new();
    let mut other = |rest: &str| {
        let figure = figure(rest)?;
        if !is_exchangeable(figure) {
            return Some((figure.len(), figure.to_owned()));
        }
        let new = given.entry(figure.to_owned()).or_insert_with(|| redrawn(figure, random));
        Some((figure.len(), new.clone()))
    };
    let new = texts.map(|text| replaced(text, &mut other));
    (new != texts).then_some(new)
}

/// The figure that a text begins with, with the marks inside of it.
fn figure(text: &str) -> Option<&str> {
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let digits = |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let mut end = digits(text);
    while let Some(rest) = text.get(end..)
        && let Some(mark) = rest.chars().next().filter(|mark| MARKS.contains(mark))
    {
        let group = rest.get(mark.len_utf8()..).map_or(0, digits);
        // A blank parts thousands, or two figures.
        if group == 0 || mark.is_whitespace() && group != 3 {
            break;
        }
        end += mark.len_utf8() + group;
    }
    text.get(..end)
}

fn is_exchangeable(figure: &str) -> bool {
    let groups: Vec<&str> = figure.split(MARKS).collect();
    let digits: usize = groups.iter().map(|group| group.len()).sum();
    let is_year = figure.len() == 4 && (figure.starts_with("19") || figure.starts_with("20"));
    // Three groups and more are thousands, or a date, a version, an address.
    let is_amount = groups.len() <= 2 || groups.iter().skip(1).all(|group| group.len() == 3);
    digits >= FEWEST_DIGITS && !is_year && is_amount
}

/// Other digits, but for the first, so that it is as large as before.
fn redrawn(figure: &str, random: &mut Random) -> String {
    let digit = |(place, c): (usize, char)| match c.to_digit(10) {
        Some(digit) if place > 0 => char::from_digit((digit + 1 + random.below(9) as u32) % 10, 10).unwrap_or(c),
        Some(_) | None => c,
    };
    figure.chars().enumerate().map(digit).collect()
}

/// Other products of the same role for those in the text, the same one for the same one.
pub(super) fn products(texts: [&str; 2], roles: &[Products], random: &mut Random) -> Option<[String; 2]> {
    let shifts: Vec<usize> = roles.iter().map(|role| 1 + random.below(role.names.len() - 1)).collect();
    let other = |rest: &str| {
        roles.iter().zip(&shifts).find_map(|(role, shift)| {
            let others = role.names.iter().cycle().skip(*shift);
            role.names.iter().zip(others).find_map(|(name, other)| spelled(rest, name, other))
        })
    };
    let new = texts.map(|text| replaced(text, other));
    (new != texts).then_some(new)
}

/// The other name as the text spells the first: as it is, or in one case throughout.
fn spelled(text: &str, name: &str, other: &str) -> Other {
    let cases = |case: fn(&str) -> String| [case(name), case(other)];
    let mut spellings = vec![[name.to_owned(), other.to_owned()]];
    // "ups" is a word, and "wix" a name.
    if name.chars().count() > LONGEST_CODE {
        spellings.extend([cases(str::to_lowercase), cases(str::to_uppercase)]);
    }
    let found = spellings.into_iter().find(|[name, _]| begins(text, name));
    found.map(|[name, other]| (name.len(), other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metamorphic::phrases::phrases;

    #[test]
    fn people_change_their_names_and_keep_them() {
        let body = "Dear Lena,\n\nTomas and Lena agreed, Lenau did not. Please call.\n\nRegards\nIlse Braun";
        let (closings, others) = (["regards".to_owned()], ["Petra", "Jens"].map(str::to_owned));
        let people = People { known: vec!["Lena", "Tom"], closings: &closings, others: &others };
        let [subject, new] = names(["Lena", body], &people, &mut Random(1)).unwrap();
        let signed = if subject == "Petra" { "Jens" } else { "Petra" };
        let expected = body
            .replace("Lena,", &format!("{subject},"))
            .replace("Lena ", &format!("{subject} "))
            .replace("Ilse", signed);
        assert_eq!(new, expected);
        assert_eq!(names(["", "No one."], &people, &mut Random(1)), None);
    }

    #[test]
    fn large_figures_keep_their_size_and_small_ones_their_value() {
        let kept = "HTTP 502 at 10:15 on 2026-10-06 and 16.11.2026, v3, 10.15.7, 192.168.0.1, 30 % of 12 shops in 2025, 12 20 times, V4471";
        assert_eq!(figures(["", kept], &mut Random(1)), None);
        let [subject, body] =
            figures(["Order 88213-B", "88213-B: 14,300 items, 1.250.000 €, 3 000 lignes, 129,00."], &mut Random(1))
                .unwrap();
        let shape = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "0");
        assert_eq!(
            (shape(&subject).as_str(), shape(&body).as_str()),
            ("Order 00000-B", "00000-B: 00,000 items, 0.000.000 €, 0 000 lignes, 000,00.")
        );
        assert!(body.starts_with(subject.trim_start_matches("Order ")) && !body.contains("88213"), "{body}");
        assert!(body.contains(": 1") && body.contains(", 1"), "{body}");
    }

    #[test]
    fn products_change_within_their_role() {
        let roles = &phrases().products;
        let texts =
            ["SHOPIFY and DHL", "shopify or Shopify, not Shopifyer nor my_Shopify. What ups and downs, Power BI!"];
        for seed in 0..50 {
            let [subject, body] = products(texts, roles, &mut Random(seed)).unwrap();
            let shop = roles.first().unwrap().names.iter().find(|name| body.contains(*name) && **name != "Shopify");
            let shop = shop.unwrap_or_else(|| panic!("{body}"));
            assert!(subject.starts_with(&shop.to_uppercase()) || shop.len() <= LONGEST_CODE, "{subject}");
            assert!(body.contains("not Shopifyer nor my_Shopify. What ups and downs, "), "{body}");
            assert!(!subject.contains("DHL") && !body.contains("Power BI"), "{subject} {body}");
        }
        assert_eq!(products(["", "Nothing to sell."], roles, &mut Random(1)), None);
    }
}
