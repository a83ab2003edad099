//! A message cut where a person would put something between: below the greeting, above the sign-off, above the history.

/// A longer line is no greeting, and no part of a sign-off. In characters.
const SHORT: usize = 40;
/// Lines of the longest sign-off: closing, name, role, company.
const MOST_SIGNING: usize = 4;
/// A speaker's name ends by then. In characters.
const LONGEST_SPEAKER: usize = 20;

/// What headers of a quoted or forwarded mail begin with, in lower case.
const HEADERS: [&str; 24] = [
    "from:",
    "sent:",
    "to:",
    "cc:",
    "date:",
    "subject:",
    "de:",
    "de :",
    "envoyé :",
    "date :",
    "à :",
    "objet :",
    "von:",
    "gesendet:",
    "datum:",
    "an:",
    "betreff:",
    "enviado:",
    "enviado el:",
    "fecha:",
    "para:",
    "asunto:",
    "envoyé:",
    "objet:",
];

/// A message in four parts, any of them perhaps empty. Together they are the text again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Parts<'a> {
    pub(super) greeting: &'a str,
    pub(super) words: &'a str,
    pub(super) sign_off: &'a str,
    /// What others wrote before: a forward, a quoted history.
    pub(super) below: &'a str,
}

impl<'a> Parts<'a> {
    pub(super) fn of(body: &'a str) -> Self {
        let (own, below) = body.split_at(own_end(body));
        let (greeting, rest) = own.split_at(greeting_end(own));
        let (words, sign_off) = rest.split_at(sign_off_start(rest));
        Self { greeting, words, sign_off, below }
    }

    /// With a line above everything.
    pub(super) fn with_on_top(self, line: &str) -> String {
        let Self { greeting, words, sign_off, below } = self;
        format!("{line}\n\n{greeting}{words}{sign_off}{below}")
    }

    /// With a sentence before the customer's words, below the greeting.
    pub(super) fn with_before(self, sentence: &str) -> String {
        let Self { greeting, words, sign_off, below } = self;
        // Data and a speaker's turn begin a line of their own.
        let gap = if words.starts_with(char::is_alphabetic) && speaker(words) == 0 { ' ' } else { '\n' };
        format!("{greeting}{sentence}{gap}{words}{sign_off}{below}")
    }

    /// With a sentence after the customer's words, above the sign-off.
    pub(super) fn with_after(self, sentence: &str) -> String {
        let Self { greeting, words, sign_off, below } = self;
        let above = format!("{greeting}{words}");
        format!("{}{sign_off}{below}", followed(&above, "\n", sentence))
    }

    /// With a sentence in the middle of the customer's words; none where they have no middle.
    pub(super) fn with_between(self, sentence: &str) -> Option<String> {
        let Self { greeting, words, sign_off, below } = self;
        let middle = words.len() / 2;
        let place = boundaries(words).min_by_key(|place| place.abs_diff(middle))?;
        let (first, second) = words.split_at(place);
        let (first, gap) = parted(first);
        Some(format!("{greeting}{first}{gap}{sentence}{gap}{second}{sign_off}{below}"))
    }

    /// With lines under everything the customer wrote, above the history.
    pub(super) fn with_under(self, lines: &str) -> String {
        let Self { greeting, words, sign_off, below } = self;
        let own = format!("{greeting}{words}{sign_off}");
        format!("{}{below}", followed(&own, "\n\n", lines))
    }

    /// With lines at the very end, where a mail server puts them.
    pub(super) fn with_at_end(self, lines: &str) -> String {
        let Self { greeting, words, sign_off, below } = self;
        followed(&format!("{greeting}{words}{sign_off}{below}"), "\n\n", lines)
    }
}

/// Each line of the customer's own that a person wrote, changed. Quoted lines, data, and who speaks stay as they are.
pub(super) fn rewritten(body: &str, mut change: impl FnMut(&str) -> String) -> String {
    let (own, below) = body.split_at(own_end(body));
    let mut changed = String::with_capacity(body.len());
    for line in own.split_inclusive('\n') {
        if is_data(line) {
            changed.push_str(line);
        } else {
            let (speaker, words) = line.split_at(speaker(line));
            changed.push_str(speaker);
            changed.push_str(&change(words));
        }
    }
    changed + below
}

/// A text and the white space at its end.
fn parted(text: &str) -> (&str, &str) {
    text.split_at(text.trim_end().len())
}

/// A text with more below it, before the white space it ends with.
fn followed(text: &str, gap: &str, more: &str) -> String {
    let (text, end) = parted(text);
    let gap = if text.is_empty() { "" } else { gap };
    let end = if end.is_empty() { "\n" } else { end };
    format!("{text}{gap}{more}{end}")
}

/// Lines with their places, line ends included.
fn lines(text: &str) -> Vec<(usize, &str)> {
    let mut at = 0;
    let placed = text.split_inclusive('\n').map(|line| {
        let place = at;
        at += line.len();
        (place, line)
    });
    placed.collect()
}

/// Where the customer's own words end: at a forward, or at quoted lines that nothing follows.
fn own_end(body: &str) -> usize {
    let lines = lines(body);
    let filled = || lines.iter().filter(|(_, line)| !line.trim().is_empty());
    let pairs = filled().zip(filled().skip(1));
    let opened = pairs.clone().find(|((_, line), (_, next))| is_rule(line) || is_header(line) && is_header(next));
    if let Some(((at, _), _)) = opened {
        return *at;
    }
    let mut end = body.len();
    for (at, line) in filled().rev() {
        if line.starts_with('>') {
            end = *at;
            continue;
        }
        // The line that says who wrote what is quoted.
        if end < body.len() && line.trim_end().ends_with(':') {
            end = *at;
        }
        break;
    }
    end
}

/// A line of dashes with words in it, such as "-----Original Message-----".
fn is_rule(line: &str) -> bool {
    (line.starts_with("-----") || line.starts_with("_____")) && line.contains(char::is_alphabetic)
}

fn is_header(line: &str) -> bool {
    let line = line.trim_start_matches(['>', ' ', '*']).to_lowercase();
    HEADERS.iter().any(|header| line.starts_with(header))
}

/// Where the greeting ends; 0 without one.
fn greeting_end(own: &str) -> usize {
    let lines = lines(own);
    let mut filled = lines.iter().filter(|(_, line)| !line.trim().is_empty());
    let (Some((_, first)), Some((next, _))) = (filled.next(), filled.next()) else { return 0 };
    let is_greeting = first.trim_end().ends_with([',', ':']) && is_short(first);
    if is_greeting { *next } else { 0 }
}

/// Where the sign-off begins: the short lines at the end that end no sentence.
fn sign_off_start(words: &str) -> usize {
    let lines = lines(words);
    let filled = || lines.iter().filter(|(_, line)| !line.trim().is_empty());
    let signing =
        |line: &str| is_short(line) && !is_data(line) && !line.trim_end().ends_with(['.', '!', '?', ':', '…']);
    let count = filled().rev().take(MOST_SIGNING).take_while(|(_, line)| signing(line)).count();
    // A text of nothing but short lines is a chat's.
    let all = filled().count();
    if count == 0 || count == all {
        return words.len();
    }
    filled().nth(all - count).map_or(words.len(), |(at, _)| *at)
}

fn is_short(line: &str) -> bool {
    line.trim().chars().count() <= SHORT
}

/// A quoted line, mark-up, data, or a line of a log.
fn is_data(line: &str) -> bool {
    let time = line.split_whitespace().next().unwrap_or_default();
    let is_time = time.starts_with(|c: char| c.is_ascii_digit()) && time.matches(':').count() >= 2;
    line.trim_start().starts_with(['>', '{', '}', '[', ']', '<', '`']) || line.contains("\":") || is_time
}

/// Where the name of a transcript's speaker ends, such as `Caller: `; 0 without one.
fn speaker(line: &str) -> usize {
    let Some((name, rest)) = line.split_once(':') else { return 0 };
    let is_name = name.chars().count() <= LONGEST_SPEAKER
        && name.starts_with(char::is_uppercase)
        && name.split_whitespace().count() <= 2
        && rest.starts_with(' ');
    if is_name { name.len() + 2 } else { 0 }
}

/// The ends of sentences within a text, with the white space that follows; of its lines, if no sentence ends.
fn boundaries(words: &str) -> impl Iterator<Item = usize> {
    let (mut sentences, mut breaks) = (Vec::new(), Vec::new());
    for (at, line) in lines(words).into_iter().filter(|(_, line)| !is_data(line)) {
        let (text, _) = parted(line);
        if at > 0 && !text.is_empty() {
            breaks.push(at);
        }
        for (mark, _) in text.match_indices(['.', '!', '?']) {
            let (before, rest) = text.split_at(mark + 1);
            let next = rest.trim_start();
            let spaces = rest.len() - next.len();
            // "z. B. Schuhe" and "Dr. Weber" are no ends.
            let word = before.chars().rev().skip(1).take_while(|c| c.is_alphabetic()).count();
            if spaces > 0 && word > 2 && next.starts_with(|c: char| c.is_uppercase() || matches!(c, '¿' | '¡')) {
                sentences.push(at + mark + 1 + spaces);
            }
        }
        let end = at + line.len();
        if text.ends_with(['.', '!', '?']) && end < words.trim_end().len() {
            sentences.push(end);
        }
    }
    if sentences.is_empty() { breaks.into_iter() } else { sentences.into_iter() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: &str = "Hello Ines,\n\nThe export stops. It did not yesterday.\n\nKind regards\nOle\n\nOn Monday Ines wrote:\n> All is well.\n";

    fn check(body: &str, expected: [&str; 4]) {
        let Parts { greeting, words, sign_off, below } = Parts::of(body);
        assert_eq!([greeting, words, sign_off, below].map(str::trim), expected, "{body}");
        assert_eq!([greeting, words, sign_off, below].concat(), body);
    }

    #[test]
    fn parts_are_found_and_join_to_the_text() {
        let words = "The export stops. It did not yesterday.";
        check(MAIL, ["Hello Ines,", words, "Kind regards\nOle", "On Monday Ines wrote:\n> All is well."]);
        check("one line", ["", "one line", "", ""]);
        check("two short\nlines", ["", "two short\nlines", "", ""]);
        check("> Quoted.\n\nMine.", ["", "> Quoted.\n\nMine.", "", ""]);
        let forward = "FYI, this came in today.\n\n---------- Forwarded message ---------\nFrom: Jo\n\nAll is well.";
        let below = "---------- Forwarded message ---------\nFrom: Jo\n\nAll is well.";
        check(forward, ["", "FYI, this came in today.", "", below]);
        let outlook = "Bitte prüfen.\n\nVon: Jo\nGesendet: heute\nBetreff: x\n\nAlles gut.";
        check(outlook, ["", "Bitte prüfen.", "", "Von: Jo\nGesendet: heute\nBetreff: x\n\nAlles gut."]);
        check("", [""; 4]);
    }

    #[test]
    fn an_addition_goes_where_a_person_puts_it() {
        let parts = Parts::of(MAIL);
        let has = |text: String, part: &str| assert!(text.contains(part), "{text}");
        has(parts.with_on_top("X"), "X\n\nHello Ines,");
        has(parts.with_before("X."), "Hello Ines,\n\nX. The export stops.");
        has(parts.with_between("X.").unwrap(), "The export stops. X. It did not yesterday.");
        has(parts.with_after("X."), "It did not yesterday.\nX.\n\nKind regards");
        has(parts.with_under("X"), "Ole\n\nX\n\nOn Monday");
        has(parts.with_at_end("X"), "> All is well.\n\nX\n");
        assert_eq!(Parts::of("One line only.").with_between("X."), None);
        let chat = Parts::of("orders are stuck\nsince nine");
        assert_eq!(chat.with_between("X.").unwrap(), "orders are stuck\nX.\nsince nine");
        assert_eq!(chat.with_after("X."), "orders are stuck\nsince nine\nX.\n");
        assert_eq!(Parts::of("{\"a\":1}").with_before("X."), "X.\n{\"a\":1}");
        assert_eq!(Parts::of("Agent: Hi.\nCaller: Hi.").with_before("X."), "X.\nAgent: Hi.\nCaller: Hi.");
        assert_eq!(Parts::of("").with_after("X."), "X.\n");
    }

    #[test]
    fn only_what_a_person_wrote_is_rewritten() {
        let body = "Agent: Hello.\n{\"key\":\"value\"}\n10:14:02 GET /home\n> quoted\nmine\n\nOn Monday Ines wrote:\n> All is well.\n";
        let changed = rewritten(body, str::to_uppercase);
        assert_eq!(
            changed,
            "Agent: HELLO.\n{\"key\":\"value\"}\n10:14:02 GET /home\n> quoted\nMINE\n\nOn Monday Ines wrote:\n> All is well.\n"
        );
    }
}
