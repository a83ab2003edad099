//! Lines such as "On Monday, Ann <ann@shop.example> wrote:", of any mail program, in any language.
//!
//! A verb alone is no attribution: "On Tuesday I am offline" was cut off by more than one library. It takes a date or an
//! address, the shape of a beginning, and an end in a colon.

use std::sync::LazyLock;

use regex::Regex;

use crate::page::Page;

/// Physical lines that a mail program may wrap one attribution into.
const MOST_LINES: usize = 3;
/// A longer line is no attribution. In bytes.
const LONGEST: usize = 320;
const MOST_WORDS: usize = 40;
/// Words that may follow the verb where no colon ends the line.
const NAME_WORDS: usize = 6;

static VERB: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?ix)
        \b(?: wrote | schrieb | a\s[ée]crit | escribi[óo] | ha\sscritto | escreveu | schreef | volgende\sgeschreven
            | napisał(?:a|\(a\))? | wiadomość\snapisana | pisze | skrev | kirjoitti | napsal(?:a|\(a\))? | yazdı | yazmış
            | (?:на)?писал(?:а|\(а\))? | пишет | пише | írta | a\sscris | napísal(?:a|\(a\))? | έγραψε )(?:\b|[^\p{L}]|$)
        | のメール | のメッセージ | 書きました | 写道 | 寫道 | 写到 | 작성 | 쓴\s글 | 쓴\s내용",
    )
    .expect("a fixed pattern")
});
static ADDRESS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[<(\[]\s*(?:mailto:)?[^\s<>()\[\]@]+@[^\s<>()\[\]@]+").expect("a fixed pattern"));
static DATE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b(?:19|20)\d\d(?:\b|[年년])|\b\d{1,4}[./-]\s?\d{1,2}[./-]\s?\d{2,4}\b").expect("a fixed pattern")
});
/// How an attribution begins: a preposition, a date, a weekday before a figure, or a name before an address.
static START: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"(?ix)^(?:
        (?: on | le | am | el | il | in\sdata | em | no\sdia | às | a | op | w\sdniu | dnia | den | på | dne | na | la )\s
        | wiadomość\snapisana | [在於于] | \(?\d | \p{L}+[.,]{0,2}\s{1,2}(?:\p{L}+[.,]?\s)?\d
        | ["'“«„]?[\p{L}\p{M}\p{N}\ .,'’“”"()&_/@|-]+[<(\[]\s*(?:mailto:)?[^\s<>@]+@
        )"#,
    )
    .expect("a fixed pattern")
});
/// A name of up to four words before the verb: "Anna Pohl schrieb am 2.11.2026:".
static NAME_FIRST: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^(?:\p{Lu}[\p{L}\p{M}.'’-]*\s+){1,4}(?:schrieb|schreef|skrev|kirjoitti|wrote|писал|a écrit|escribió)\b",
    )
    .expect("a fixed pattern")
});
static DATE_FIRST: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(?:[(\[]?\d|\p{L}+[.,]{0,2}\s{1,2}(?:\p{L}+[.,]?\s)?\d)").expect("a fixed pattern"));
/// Who tells of another's words in a sentence of his own: "your colleague wrote:".
const TELLING: &[&str] = &[
    "i", "we", "you", "he", "she", "they", "your", "our", "my", "their", "his", "her", "the", "me", "us", "ich", "wir",
    "ihr", "sie", "er", "mir", "uns", "ihnen", "dein", "euer", "ihre", "unser", "eure", "je", "nous", "vous", "il",
    "elle", "votre", "vos", "notre", "nos", "mon", "su", "sus", "nuestro", "vuestro", "usted", "ustedes", "me", "nos",
    "tu", "uw", "jullie", "onze",
];
/// The same at the start of a line, where they have a capital.
const TELLERS: &[&str] = &[
    "I", "We", "You", "He", "She", "They", "Your", "Our", "My", "The", "Ihr", "Ihre", "Unser", "Unsere", "Der", "Die",
    "Wir", "Ich", "Sie", "Votre", "Notre", "Su", "Nuestro", "Euer", "Vous", "Nous",
];

/// How many lines from `at` on are an attribution.
pub(crate) fn lines(page: &Page<'_>, at: usize) -> Option<usize> {
    let depth = page.line(at).depth;
    let mut joined = String::new();
    for count in 1..=MOST_LINES {
        let last = at + count - 1;
        let line = page.line(last);
        if line.is_blank() || !page.is_own(last) || line.text.len() > LONGEST || (count > 1 && line.depth > depth) {
            return None;
        }
        if count > 1 {
            // A sentence that ended is no part of the line after it.
            if joined.ends_with(['!', '?', '。']) || ends_sentence(&joined) {
                return None;
            }
            joined.push(' ');
        }
        joined.push_str(line.text.trim());
        let next = page.line(page.next_filled(last + 1));
        if is(&joined, next.depth > line.depth) {
            // "… <ann@shop.example>" may go on with "wrote:" in the next line.
            let more = format!("{joined} {}", page.bare(last + 1));
            let goes_on = !joined.ends_with([':', '：']) && more.ends_with([':', '：']) && is(&more, false);
            let count = if goes_on && page.is_own(last + 1) { count + 1 } else { count };
            let last = at + count - 1;
            // Where the lines below are one by themselves, what stands above is the customer's.
            let inner = (1..count).any(|skip| {
                let rest: Vec<&str> = (at + skip..=last).map(|at| page.bare(at)).collect();
                is(&rest.join(" "), false)
            });
            return if inner { None } else { Some(count) };
        }
    }
    None
}

fn ends_sentence(text: &str) -> bool {
    let word = text.rsplit(char::is_whitespace).next().unwrap_or_default();
    word.strip_suffix('.').is_some_and(|word| word.chars().count() >= 5 && word.chars().all(char::is_alphabetic))
}

/// Whether the line is one; `quoted` if the next one is quoted more deeply.
pub(crate) fn is(line: &str, quoted: bool) -> bool {
    let line = line.trim();
    let dashed = line.starts_with("--") && line.ends_with("--");
    let line = line.trim_matches(['-', '=', '*', ' ']);
    if line.is_empty() || line.len() > LONGEST || line.split_whitespace().count() > MOST_WORDS {
        return false;
    }
    let colon = dashed || line.ends_with([':', '：']);
    if !colon && !quoted && !line.ends_with(['>', ')', ']']) {
        return false;
    }
    let address = ADDRESS.is_match(line);
    let date = DATE.is_match(line);
    let verb = VERB.find(line);
    if colon && verb.is_none() && (address || quoted) && date && DATE_FIRST.is_match(line) {
        return true;
    }
    let Some(verb) = verb else {
        // Old Gmail: a date, a name, an address and nothing else.
        return address && line.ends_with('>') && DATE_FIRST.is_match(line) && date && !line.contains(['?', '!']);
    };
    let starts = START.is_match(line) || NAME_FIRST.is_match(line);
    if colon && quoted {
        // "You wrote:" above quoted lines needs no date.
        return starts || line.split_whitespace().count() <= 5;
    }
    if !starts || tells(line) && !address {
        return false;
    }
    let after = line.get(verb.end()..).unwrap_or_default().split_whitespace().count();
    (address || date) && (colon || (date && (quoted || address) && after <= NAME_WORDS))
}

fn tells(line: &str) -> bool {
    let mut words = line.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
    line.split_whitespace().next().is_some_and(|first| TELLERS.contains(&first))
        || words.any(|word| TELLING.contains(&word) && word.starts_with(char::is_lowercase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributions_of_all_clients_are_known() {
        for line in [
            "On Mon, Nov 2, 2026 at 9:12 AM Ann Poole <ann@bikes.example> wrote:",
            "On 2 Nov 2026, at 09:12, Ann Poole <ann@bikes.example> wrote:",
            "On 02/11/2026 09:12, Ann Poole wrote:",
            "---- On Mon, 02 Nov 2026 09:12:00 +0000 Ann Poole <ann@bikes.example> wrote ----",
            "On Monday, November 2nd, 2026 at 9:12 AM, Ann <ann@x.example> wrote:",
            "Ann Poole via Forum <forum@x.example> wrote:",
            "Le lun. 2 nov. 2026 à 09:12, Ann Poole <ann@bikes.example> a écrit :",
            "Le 02/11/2026 à 09:12, Ann Poole a écrit\u{a0}:",
            "Am Mo., 2. Nov. 2026 um 09:12 Uhr schrieb Anna Pohl <anna@laden.example>:",
            "Anna Pohl <anna@laden.example> schrieb am Mo., 2. Nov. 2026, 09:12:",
            "Am 02.11.26, 06:33 schrieb Anna Pohl <anna@laden.example>:",
            "Am 02.11.26 um 09:12 schrieb Anna Pohl:",
            "Anna Pohl schrieb am 02.11.2026 um 09:12:",
            "El lun, 2 nov 2026 a las 9:12, Ana (<ana@tienda.example>) escribió:",
            "Il giorno lun 2 nov 2026 alle ore 09:12 Anna <anna@negozio.example> ha scritto:",
            "Em seg., 2 de nov. de 2026 às 09:12, Ana <ana@loja.example> escreveu:",
            "Op ma 2 nov 2026 om 09:12 schreef Ann Poole <ann@bikes.example>:",
            "Op 2 nov. 2026, om 09:12 heeft Ann <ann@x.example> het volgende geschreven:",
            "pon., 2 lis 2026 o 09:12 Anna <anna@sklep.example> napisał(a):",
            "Wiadomość napisana przez Anna <anna@sklep.example> w dniu 2 lis 2026, o godz. 09:12:",
            "W dniu 2.11.2026 o 09:12, Anna pisze:",
            "Den mån 2 nov. 2026 kl 09:12 skrev Anna <anna@butik.example>:",
            "2 nov. 2026 kl. 09:12 skrev Anna <anna@butik.example>:",
            "man. 2. nov. 2026 kl. 09.12 skrev Anna <anna@butikk.example>:",
            "ma 2. marrask. 2026 klo 9.12 Anna <anna@kauppa.example> kirjoitti:",
            "Anna <anna@kauppa.example> kirjoitti 2.11.2026 kello 9.12:",
            "po 2. 11. 2026 v 9:12 odesílatel Anna <anna@obchod.example> napsal:",
            "Dne 2. 11. 2026 v 9:12 Anna napsal(a):",
            "Ayşe <ayse@dukkan.example>, 2 Kas 2026 Pzt, 09:12 tarihinde şunu yazdı:",
            "пн, 2 нояб. 2026 г. в 09:12, Анна <anna@mag.example>:",
            "2 нояб. 2026 г., в 9:12, Анна <anna@mag.example> написал(а):",
            "2026年11月2日(月) 9:12 田中 <tanaka@mise.example>:",
            "2026/11/02 9:12、田中 <tanaka@mise.example>のメール:",
            "Li <li@dian.example> 于2026年11月2日周一 09:12写道：",
            "在 2026-11-02 09:12:31，\"Li\" <li@dian.example> 写道：",
            "2026년 11월 2일 (월) 오전 9:12, 김 <kim@gage.example>님이 작성:",
            "Anna <anna@bolt.example> ezt írta (időpont: 2026. nov. 2., H, 9:12):",
            "2 лист. 2026 р. 09:12 \"Анна\" <anna@kram.example> пише:",
            "2026-11-02 09:12 GMT+01:00 Ann <ann@x.example>:",
            "2026/11/2 Ann <ann@x.example>",
        ] {
            assert!(is(line, false), "{line}");
        }
    }

    #[test]
    fn sentences_are_no_attributions() {
        for line in [
            "On Tuesday I am offline.",
            "On Tuesday, 3 Nov 2026 your colleague wrote:",
            "Am 2. November 2026 schrieb mir Ihr Support Folgendes:",
            "Ihr Support schrieb am 2.11.2026:",
            "Am I right that the export of 2026 wrote:",
            "Le 2 nov. 2026 votre équipe a écrit :",
            "El 2/11/2026 su equipo me escribió:",
            "one is not on",
            "From 2 Nov 2026 on we see these errors:",
            "Here is what happened on 2026-11-02:",
            "Our log on 2026-11-02 wrote:",
            "Please write to Ann <ann@x.example>:",
            "Le rapport du 2 nov. 2026 est vide :",
            "2026-11-02: the export failed.",
            "Order 1234 of 2026-11-02:",
        ] {
            assert!(!is(line, false), "{line}");
        }
    }

    #[test]
    fn wrapped_ones_are_one() {
        let check = |text: &str, expected: Option<usize>| assert_eq!(lines(&Page::new(text), 0), expected, "{text}");
        check("On 2 Nov 2026, at 09:12, Ann Poole\n<ann.poole@bikes.example> wrote:\n\nold", Some(2));
        check("Am Mo., 2. Nov. 2026 um 09:12 Uhr schrieb Anna Pohl\n<anna@laden.example>:", Some(2));
        check("Le lun. 2 nov. 2026 à 09:12, Ann Poole <ann@bikes.example>\na écrit :", Some(2));
        check("Op ma 2 nov 2026 09:12 schreef \"Ann\" <ann@x.example> het\nvolgende geschreven:", Some(2));
        check("Anna <anna@bolt.example> ezt írta (időpont: 2026. nov.\n2., H, 9:12):", Some(2));
        check("> On 2 Nov 2026, Ann <ann@x.example> wrote:\n>> old", Some(1));
        check("On Tuesday I called.\nOn 2 Nov 2026, Ann <ann@x.example> wrote:", None);
        check("On Mon, Bob wrote:\n> old", Some(1));
        check("You wrote:\n> old", Some(1));
        check("The page says:\n> Payment is down", None);
    }
}
