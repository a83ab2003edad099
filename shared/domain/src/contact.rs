//! Whom to call about a ticket: as people sign, and as the helpdesk knows them.

use serde::{Deserialize, Serialize};

use crate::Ticket;

/// Lines at the end of a message that may be its signature.
const SIGNATURE: usize = 8;
/// In characters: a longer line is a sentence.
const LONGEST: usize = 80;
/// Digits of a telephone number.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;
/// Words that stand where a name may.
const NO_NAMES: [&str; 20] = [
    "regards",
    "wishes",
    "thanks",
    "thank",
    "cheers",
    "sincerely",
    "best",
    "team",
    "support",
    "grüße",
    "grüßen",
    "gruß",
    "dank",
    "cordialement",
    "salutations",
    "merci",
    "équipe",
    "saludos",
    "gracias",
    "equipo",
];

/// A person, as far as is known. Outsiders wrote all of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Contact {
    pub name: String,
    /// What stands below or behind the name: a role, a company, or both.
    #[serde(default)]
    pub role: Option<String>,
    #[serde(default)]
    pub phone: Option<String>,
}

impl Contact {
    /// Of the newest message that is signed; else the requester by name. Without a number in the signature, the
    /// helpdesk's.
    #[must_use]
    pub fn of(ticket: &Ticket) -> Option<Self> {
        let requester = ticket.requester_name.as_deref().map(str::trim).filter(|name| !name.is_empty());
        let messages: Vec<&str> = ticket.messages().collect();
        let signed = messages.into_iter().rev().find_map(|message| signed(message, requester, ticket.account.as_str()));
        let contact = signed.or_else(|| Some(Self { name: requester?.to_owned(), role: None, phone: None }))?;
        let kept = || ticket.requester_phone.as_deref().and_then(phone);
        Some(Self { phone: contact.phone.or_else(kept), ..contact })
    }
}

/// Who signs a message: the requester, or where that one is not known whoever's name stands there.
fn signed(message: &str, requester: Option<&str>, account: &str) -> Option<Contact> {
    let lines: Vec<&str> = message.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = lines.get(lines.len().saturating_sub(SIGNATURE)..)?;
    let is_signature = |line: &&str| {
        let name = name_of(line);
        // "Guten Tag," and "Kind Regards," end in a comma.
        if line.ends_with(',') {
            return false;
        }
        match requester {
            Some(requester) => name.eq_ignore_ascii_case(requester),
            None => is_name(name) && name != account,
        }
    };
    let at = last.iter().position(is_signature)?;
    let line = last.get(at)?.trim_start_matches(['-', '–', '—', ' ']);
    let name = name_of(line);
    let beside = line.get(name.len()..).unwrap_or_default().trim_matches([',', '|', '-', '–', '(', ')', ' ']);
    let below = last.get(at + 1..).unwrap_or_default();
    let role =
        Some(beside).filter(|role| is_role(role)).or_else(|| below.first().copied().filter(|line| is_role(line)));
    let phone = below.iter().find_map(|line| phone(line));
    Some(Contact { name: name.to_owned(), role: role.map(str::to_owned), phone })
}

/// The part of a line before a comma, a bar or a bracket.
fn name_of(line: &str) -> &str {
    let line = line.trim_start_matches(['-', '–', '—', ' ']);
    line.split([',', '|', '(']).next().unwrap_or_default().trim()
}

/// Two to four words of letters, each with a capital.
fn is_name(text: &str) -> bool {
    let capital = |word: &str| {
        word.chars().next().is_some_and(char::is_uppercase)
            && word.chars().all(|c| c.is_alphabetic() || matches!(c, '-' | '\'' | '’' | '.'))
            && !NO_NAMES.contains(&word.to_lowercase().as_str())
    };
    (2..=4).contains(&text.split_whitespace().count()) && text.split_whitespace().all(capital)
}

/// A few words without a digit, an address or the end of a sentence.
fn is_role(text: &str) -> bool {
    let plain = |c: char| !c.is_numeric() && !matches!(c, '@' | ':' | '/' | '?' | '!');
    !text.is_empty() && text.chars().count() <= LONGEST && text.chars().all(plain) && !text.ends_with('.')
}

fn phone(line: &str) -> Option<String> {
    let start = line.find(|c: char| c == '+' || c.is_ascii_digit())?;
    let number = line.get(start..)?;
    let end = number.find(|c: char| !(c.is_ascii_digit() || " +()-/.".contains(c))).unwrap_or(number.len());
    let number = number.get(..end)?.trim();
    let digits = number.chars().filter(char::is_ascii_digit).count();
    DIGITS.contains(&digits).then(|| number.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn check(requester: Option<&str>, message: &str, expected: Option<(&str, Option<&str>, Option<&str>)>) {
        let requester_name = requester.map(str::to_owned);
        let ticket = Ticket { description: message.into(), requester_name, ..sample::ticket(1) };
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let expected =
            expected.map(|(name, role, phone)| Contact { name: name.into(), role: owned(role), phone: owned(phone) });
        assert_eq!(Contact::of(&ticket), expected, "{message}");
    }

    #[test]
    fn whoever_signs_is_called() {
        let head = Some("Head of Operations, Tolliver & Quay");
        check(
            None,
            "Nobody can pay.\n\nKind regards,\nEdith Tolliver\nHead of Operations, Tolliver & Quay\n+44 1632 960417",
            Some(("Edith Tolliver", head, Some("+44 1632 960417"))),
        );
        check(
            None,
            "We go.\n\nRick Castrovel\nManaging Director",
            Some(("Rick Castrovel", Some("Managing Director"), None)),
        );
        check(None, "Help.\n\n-- Jonas Abara, Tarnbrook Audio", Some(("Jonas Abara", Some("Tarnbrook Audio"), None)));
        check(
            None,
            "Guten Tag,\n\nbitte um Hilfe.\n\nMit freundlichen Grüßen\nDörte Lindhorst",
            Some(("Dörte Lindhorst", None, None)),
        );
        check(None, "Viele Grüße\nDörte Lindhorst", Some(("Dörte Lindhorst", None, None)));
        check(Some("Ann Lee"), "Please help.\n\nThanks\nANN LEE | CFO", Some(("ANN LEE", Some("CFO"), None)));
        check(Some("Ann Lee"), "Please help.", Some(("Ann Lee", None, None)));
        check(Some("Ann Lee"), "Please help.\n\nBob Roe", Some(("Ann Lee", None, None)));
    }

    #[test]
    fn a_number_in_the_signature_goes_before_the_helpdesks() {
        for (message, kept, number) in [
            ("Help.", Some("+44 1632 960417"), Some("+44 1632 960417")),
            ("Help.\n\nAnn Lee\n+44 1632 960999", Some("+44 1632 960417"), Some("+44 1632 960999")),
            ("Help.", Some("call me maybe"), None),
        ] {
            let (requester_name, requester_phone) = (Some("Ann Lee".to_owned()), kept.map(str::to_owned));
            let ticket = Ticket { description: message.into(), requester_name, requester_phone, ..sample::ticket(1) };
            assert_eq!(Contact::of(&ticket).unwrap().phone.as_deref(), number, "{message}");
        }
    }

    #[test]
    fn what_is_no_name_is_not_called() {
        for message in ["Nobody can pay.", "Best Regards", "Thanks, Maud", "We leave you.\nKind Regards", "Acme", ""] {
            check(None, message, None);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_message_can_be_looked_at(message in "(?s).{0,200}") {
            let _ = Contact::of(&Ticket { description: message.into(), ..sample::ticket(1) });
        }
    }
}
