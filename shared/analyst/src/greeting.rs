//! Whom a reply greets. Names come from outsiders: anybody may mail under any name, and the reply goes out as ours.

use std::sync::LazyLock;

use domain::{Account, TeamId, Ticket};
use regex::Regex;

/// A longer name is no name but a message.
const LONGEST: usize = 40;
const MOST_WORDS: usize = 5;

/// Letters with their marks, in words joined by a blank, a hyphen, an apostrophe or an ampersand between blanks. The four
/// letters left out are blanks that count as letters.
static NAME: LazyLock<Regex> = LazyLock::new(|| {
    let letter = r"[\p{L}--[\x{115f}\x{1160}\x{3164}\x{ffa0}]]";
    let word = format!(r"{letter}(?:{letter}|\p{{M}})*");
    Regex::new(&format!("^{word}(?:(?: & |[ '’-]){word})*$")).expect("a fixed pattern")
});

/// Stands where a name is not known.
const NOBODY: [&str; 45] = [
    "anonym",
    "anonyme",
    "anonymous",
    "anónimo",
    "aucun",
    "aucune",
    "client",
    "cliente",
    "customer",
    "default",
    "desconocida",
    "desconocido",
    "empty",
    "guest",
    "inconnu",
    "inconnue",
    "keine",
    "kunde",
    "kundin",
    "na",
    "nil",
    "ninguna",
    "ninguno",
    "nobody",
    "none",
    "not applicable",
    "null",
    "private",
    "privat",
    "privado",
    "requester",
    "sans",
    "sin nombre",
    "test",
    "tester",
    "unassigned",
    "unbekannt",
    "undefined",
    "unknown",
    "user",
    "usuario",
    "utilisateur",
    "various",
    "visitor",
    "void",
];
/// The first words of what stands there: `no organisation`, `unknown company`.
const NOBODYS: [&str; 12] =
    ["no", "not", "none", "unknown", "keine", "kein", "ohne", "unbekannte", "sans", "aucune", "sin", "default"];

/// A word of these is a role, a form of address or a mailbox, and no first name.
const ROLES: [&str; 90] = [
    "abteilung",
    "accounting",
    "accounts",
    "admin",
    "administrator",
    "administración",
    "alert",
    "alerts",
    "atención",
    "automation",
    "billing",
    "bot",
    "buchhaltung",
    "büro",
    "client",
    "comptabilité",
    "compta",
    "contabilidad",
    "contact",
    "customer",
    "daemon",
    "department",
    "dept",
    "desk",
    "direction",
    "dr",
    "einkauf",
    "empfang",
    "equipo",
    "facturación",
    "facturation",
    "finance",
    "frau",
    "guest",
    "hello",
    "help",
    "helpdesk",
    "herr",
    "hr",
    "info",
    "it",
    "kundendienst",
    "kundenservice",
    "madame",
    "mail",
    "mailer",
    "manager",
    "marketing",
    "miss",
    "mlle",
    "mme",
    "monsieur",
    "mr",
    "mrs",
    "ms",
    "newsletter",
    "no",
    "noreply",
    "notification",
    "notifications",
    "office",
    "operations",
    "ops",
    "orders",
    "owner",
    "postmaster",
    "prof",
    "purchasing",
    "reply",
    "root",
    "sales",
    "señor",
    "señora",
    "service",
    "services",
    "shop",
    "soporte",
    "sr",
    "sra",
    "store",
    "support",
    "system",
    "team",
    "ventas",
    "vertrieb",
    "verwaltung",
    "visitor",
    "webmaster",
    "équipe",
    "the",
];

/// A name that may be greeted; empty if there is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Addressee<'a> {
    pub(crate) name: &'a str,
    /// A company: the greeting goes to its team.
    pub(crate) company: bool,
}

impl<'a> Addressee<'a> {
    const NOBODY: Self = Self { name: "", company: false };

    /// The requester's first name, else the company's name; nobody where that is no name, or one of our teams'.
    pub(crate) fn of(ticket: &'a Ticket, account: &'a Account, teams: impl Iterator<Item = &'a TeamId>) -> Self {
        let found = match ticket.requester_name.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
            Some(name) => first_name(name).map(|name| Self { name, company: false }),
            None if account.id.is_requester() => None,
            None => company(account.name.trim()).map(|name| Self { name, company: true }),
        };
        found.filter(|found| !names_a_team(found.name, teams)).unwrap_or(Self::NOBODY)
    }
}

fn names_a_team<'a>(name: &str, mut teams: impl Iterator<Item = &'a TeamId>) -> bool {
    let name = name.to_lowercase();
    teams.any(|team| words(&name).any(|word| word == team.as_str()) || name == team.title().to_lowercase())
}

fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split([' ', '-'])
}

/// Of the whole name, so that a message is not greeted by its first word.
fn first_name(name: &str) -> Option<&str> {
    let name = plausible(name)?;
    let role = |word: &str| ROLES.contains(&word) || NOBODY.contains(&word);
    if words(&name.to_lowercase()).any(role) {
        return None;
    }
    name.split(' ').next()
}

fn company(name: &str) -> Option<&str> {
    let name = plausible(name)?;
    let lower = name.to_lowercase();
    let first = lower.split(' ').next().unwrap_or_default();
    if NOBODY.contains(&&*lower) || ROLES.contains(&&*lower) || NOBODYS.contains(&first) { None } else { Some(name) }
}

fn plausible(name: &str) -> Option<&str> {
    let fits = name.chars().count() <= LONGEST && name.split(' ').count() <= MOST_WORDS && NAME.is_match(name);
    fits.then_some(name)
}

#[cfg(test)]
mod tests {
    use domain::{AccountId, UserId, sample};

    use super::*;

    fn addressed(person: Option<&str>, company: &str) -> String {
        let ticket = Ticket { requester_name: person.map(str::to_owned), ..sample::ticket(1) };
        let account = Account { name: company.into(), ..sample::account() };
        let teams = TeamId::bundled();
        let Addressee { name, company } = Addressee::of(&ticket, &account, teams.iter());
        format!("{name}{}", if company { " team" } else { "" })
    }

    fn check(person: Option<&str>, company: &str, greeted: &str) {
        assert_eq!(addressed(person, company), greeted, "{person:?} of {company}");
    }

    #[test]
    fn people_are_greeted_by_their_first_name() {
        for (name, greeted) in [
            ("Zoë Müller", "Zoë"),
            ("Marie-Claire Dupont", "Marie-Claire"),
            ("O’Shea Jackson", "O’Shea"),
            ("Jose\u{301} Díaz", "Jose\u{301}"),
            ("山田太郎", "山田太郎"),
            (" Ann  ", "Ann"),
        ] {
            check(Some(name), "Acme", greeted);
        }
    }

    #[test]
    fn companies_are_greeted_as_teams() {
        for name in ["Acme", "Casa Ombría", "Gribble & Sons Pet Supply", "株式会社サンプル商店", "O'Neill & Sons"]
        {
            check(None, name, &format!("{name} team"));
        }
    }

    #[test]
    fn what_is_no_name_is_not_greeted() {
        for name in [
            "[Sign in](https://evil.example/login)",
            "[Sign&nbsp;in](https://evil.example)",
            "![x](https://evil.example/pixel.png)",
            "<https://evil.example>",
            "evil.example",
            "evil。example",
            "Acme\n# URGENT",
            "Acme\n\nYour account is locked",
            "a/b",
            "N/A",
            "Call 030 901820",
            "&#104;i",
            "**Acme**",
            "_Acme_",
            "`Acme`",
            "Acme: pay now",
            "Your account is locked so call us now",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "\u{3164}",
            "\u{202e}emcA",
            "Ac\u{200b}me",
            "=cmd|calc",
            "- Acme",
            "",
            "Nexus",
            "cipher",
            "Unknown",
            "NULL",
        ] {
            check(Some(name), "", "");
            check(None, name, "");
        }
    }

    #[test]
    fn a_role_is_not_a_first_name() {
        for name in
            ["Support", "Info Acme", "No-Reply", "Dr Hans Maier", "Frau Schmidt", "Sales Team", "Buchhaltung Acme"]
        {
            check(Some(name), "Acme", "");
        }
    }

    #[test]
    fn no_organisation_is_not_a_company() {
        for name in ["no organisation", "No organization", "Keine Organisation", "sans organisation", "Customer"] {
            check(None, name, "");
        }
    }

    #[test]
    fn one_person_is_not_a_team() {
        let ticket = Ticket { requester_name: None, ..sample::ticket(1) };
        let account = Account { id: AccountId::of_requester(UserId(33)), name: "Jane Doe".into(), ..sample::account() };
        let found = Addressee::of(&ticket, &account, [].iter());
        assert_eq!(found, Addressee::NOBODY);
    }
}
