//! Passwords and keys by the words before or behind them, in the four languages.

use std::ops::Range;

use regex::Regex;

use super::words::{JOINT, after, before, looks_random, one_of};

const PASSWORD: &str = r"pass ?words?|passwd|pass[- ]?phrase|pass ?code|kenn?wort|pas?swort|zugangscode|mots? ?de ?passe|phrase secrète|contraseñas?|contrasenas?|clave de acceso";
/// Too short or too common to count without a colon.
const SHORT: &str = r"pwd|pw|psw|pass|mdp|clave|secret|token|credentials?|zugangsdaten|identifiants|credenciales";
const KEY: &str = r"api[_ -]?keys?|api[_ -]?secret|api[_ -]?token|app[_ -]?secret|shared[_ -]?secret|consumer[_ -]?secret|client[_ -]?secret|access[_ -]?token|auth[_ -]?token|bearer[_ -]?token|refresh[_ -]?token|access[_ -]?key(?:[_ -]?id)?|account[_ -]?key|app[_ -]?key|secret[_ -]?access[_ -]?key|secret[_ -]?key|private[_ -]?key|signing[_ -]?(?:key|secret)|encryption[_ -]?key|webhook[_ -]?secret|license[_ -]?key|api[- ]?schlüssel|geheimschlüssel|zugangsschlüssel|geheimer schlüssel|zugriffsschlüssel|clé(?: d'| de l'|s? )?api|clé secrète|clé d'accès|jeton(?: d'accès)?|clave secreta|clave (?:de )?(?:la )?api|clave de acceso";
/// Verbs between a label and its value.
const IS: &str = r"is|was|are|set to|reads|ist|lautet|war|heißt|heisst|est|était|c'est|es|era";
/// What may stand between them beside that: `for the shop`, `still`.
const BETWEEN: &str = r"(?:[ \t]+[A-Za-z0-9\u{c0}-\u{24f}'’.@#-]+){0,8}?";
const OPENING: &str = r#"["'`„“”«‚‘*_(]{0,3}(?:«[ \u{a0}])?"#;

pattern!(
    WITH_COLON,
    format!(
        r#"(?i)(?:{PASSWORD}|{KEY}|(?-u:\b)(?:{SHORT}))[A-Za-z0-9_-]*["'`”*_\])]{{0,3}}[ \t\u{{a0}}]{{0,3}}(?:(?:{IS})[ \t]{{0,2}})?(?:>|(?::=|=>|->|→|[:=|])[ \t]{{0,4}}[*_]{{0,2}}(?:\r?\n)?[ \t>]{{0,4}}{OPENING}(?:base64:)?)([^\s"'`<>„“”«»]{{4,}})"#
    )
);
pattern!(
    WITH_VERB,
    format!(
        r#"(?i)(?-u:\b)(?:{PASSWORD}|{KEY}|clave|pass|mdp|token){BETWEEN}[ \t]+(?:{IS}|(to|auf|in|en|a|à|into))[ \t]+(?:now |still |just |simply |jetzt |nun |noch |maintenant |toujours |ahora |todavía |simplemente )?({OPENING})([^\s"'`<>„“”«»]{{4,}})"#
    )
);
pattern!(
    RIGHT_AFTER,
    format!(
        r#"(?i)(?-u:\b)(?:{PASSWORD}|{KEY}|mdp|pwd|pw|token)[, \t]+(?:[-–—][ \t]+|(?:for|für|pour|para)[ \t]+)?{OPENING}([^\s"'`<>„“”«»]{{6,}})"#
    )
);
pattern!(
    LABEL_BEHIND,
    format!(
        r#"([^\s"'`<>„“”«»]{{6,}})["'`“»)]{{0,2}}[ \u{{a0}}]?»?[,.]?\s+{JOINT}\s+(?i:(?:[a-z\u{{c0}}-\u{{24f}}'’]+\s){{0,4}}?(?:{PASSWORD}|{KEY}|(?:[a-z]+[- ])?(?:token|jeton|secret|schlüssel|clave|clé|key)))(?-u:\b)"#
    )
);
pattern!(
    VARIABLE,
    r#"(?i)(?-u:\b)[a-z0-9_]*[a-z0-9]_(?:key|secret|token|pass|passwd|password|pwd|credentials?|auth)["']?[ ]?[:=][ ]?["']?(?:base64:)?([^\s"'`<>]{6,})"#
);
pattern!(
    NEAR,
    r"(?i)(?:secret|(?-u:\b)keys?(?-u:\b)|token|password|passwort|kennwort|credential|schlüssel|clé[ :]|jeton|contraseña|(?-u:\b)clave|signature)[^\n]{0,40}?[\s:=\x22'`(]([A-Za-z0-9+/_.~-]{16,}={0,2})"
);

/// Words that follow a label and are no password, in the four languages.
const PLAIN: &str = "wrong correct incorrect right expired invalid valid required mandatory missing empty blank weak strong \
    secure insecure unknown known changed please accepted rejected refused forgotten lost gone different same \
    unique optional always never still already being case-sensitive there where that this what when your they \
    about none null true false falsch richtig korrekt abgelaufen ungültig gültig unbekannt vergessen nicht \
    weiterhin immer bekannt sicher unsicher zwar bitte leer notwendig erforderlich faux fausse expiré \
    invalide valide incorrecte correcte oublié toujours perdu vide obligatoire refusé bloqué incorrecta \
    correcta caducada inválida válida olvidada siempre desconocida obligatoria vacía";
/// Endings of words that say what became of a password.
const PLAIN_ENDINGS: &str =
    "ed ing able ible less ent lich bar iert elt tet igt iche ées ée és ant ado ada ido ida ente able ory";
/// Names of things that carry long codes and are no secret.
const NO_SECRET: &str = "commit sha hash uuid guid order tracking request trace event error checksum version id";

/// Values after a label.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let value = |range: Range<usize>| text.get(range).unwrap_or_default();
    for range in captured(&WITH_COLON, text) {
        let range = quoted(text, range.clone()).unwrap_or_else(|| ended(text, range));
        if value(range.clone()).chars().count() >= 4 && !is_other(value(range.clone())) {
            found.push(range);
        }
    }
    for verb in WITH_VERB.captures_iter(text) {
        let (changed_to, Some(opening), Some(said)) = (verb.get(1), verb.get(2), verb.get(3)) else { continue };
        let range = quoted(text, said.range()).unwrap_or_else(|| ended(text, said.range()));
        let (said, quoted) = (value(range.clone()), !opening.as_str().is_empty());
        let closing = after(text, range.end).trim_start_matches(['"', '\'', '”', '»']);
        let last = closing.is_empty() || closing.starts_with(['.', ',', '!', ';', ')']);
        if !is_other(said) && (quoted || looks_random(said) || last && changed_to.is_none() && is_a_word_for_one(said))
        {
            found.push(range);
        }
    }
    let right_after = captured(&RIGHT_AFTER, text).map(|range| ended(text, range));
    found.extend(right_after.filter(|range| looks_random(value(range.clone())) && !is_other(value(range.clone()))));
    for pattern in [&*LABEL_BEHIND, &*VARIABLE] {
        let random = captured(pattern, text).map(|range| ended(text, range));
        found.extend(random.filter(|range| {
            let said = value(range.clone());
            (looks_random(said) || said.len() >= 20) && !is_other(said) && !is_path(said)
        }));
    }
    for range in captured(&NEAR, text).map(|range| ended(text, range)) {
        let said = value(range.clone());
        let digits = said.chars().filter(char::is_ascii_digit).count();
        let letters = said.chars().filter(char::is_ascii_alphabetic).count();
        let named = before(text, range.start).to_lowercase();
        let named = named.split(|c: char| !c.is_alphanumeric()).rfind(|word| !word.is_empty()).unwrap_or_default();
        let dashed = said.split('-').count() == 5 && said.len() == 36;
        let secret = digits >= 2 && letters >= 4 && said.len() >= 16 && !dashed && !said.contains("..");
        if secret && !one_of(NO_SECRET, named) && !is_other(said) && !is_path(said) {
            found.push(range);
        }
    }
    found
}

/// What the first group of a pattern stands for.
pub(super) fn captured<'t>(pattern: &'t Regex, text: &'t str) -> impl Iterator<Item = Range<usize>> + 't {
    pattern.captures_iter(text).filter_map(|found| found.get(1)).map(|found| found.range())
}

/// Up to the closing mark, if the value stands in quotation marks and has blanks.
fn quoted(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let opening = text.get(..range.start)?.chars().next_back()?;
    let closing = match opening {
        '"' | '\'' | '`' => opening,
        '„' => '“',
        '“' => '”',
        '«' => '»',
        _ => return None,
    };
    let line = after(text, range.start);
    let end = line.find(closing)?;
    (end <= 60).then_some(range.start..range.start + line.get(..end)?.trim_end().len())
}

/// Without the next parameter or field, and the sentence's own marks.
pub(super) fn ended(text: &str, range: Range<usize>) -> Range<usize> {
    let value = text.get(range.clone()).unwrap_or_default();
    let next = value.char_indices().find(|(at, c)| {
        let rest = value.get(at + c.len_utf8()..).unwrap_or_default();
        matches!(c, '&' | ';' | ',') && (rest.is_empty() || NEXT.is_match(rest))
    });
    let value = next.map_or(value, |(at, _)| value.get(..at).unwrap_or(value));
    range.start..range.start + value.trim_end_matches(['.', ',', ')', ']', '}', '!', '?', ':', ';', '*', '|']).len()
}

pattern!(NEXT, r"^[A-Za-z_][A-Za-z0-9_ .-]*=");

/// A word, an address or a placeholder, and no value.
pub(super) fn is_other(value: &str) -> bool {
    let lower = value.to_lowercase();
    let address = lower.starts_with("http") || value.contains('@') && value.contains('.') && !looks_random(value);
    let hidden = value.chars().all(|c| matches!(c, '*' | '•' | 'x' | 'X' | '.' | '-' | '…'));
    one_of(PLAIN, &lower) || address || hidden || super::PLACEHOLDER.is_match(value)
}

/// Whether a word at the end of a sentence may be a password: no word that says how one is.
fn is_a_word_for_one(word: &str) -> bool {
    let lower = word.to_lowercase();
    word.chars().count() >= 6
        && word.chars().all(char::is_alphanumeric)
        && !PLAIN_ENDINGS.split(' ').any(|ending| lower.ends_with(ending))
}

/// Words with slashes or dots between them.
fn is_path(value: &str) -> bool {
    let parts: Vec<&str> = value.split(['/', '.', '-', '_']).filter(|part| !part.is_empty()).collect();
    let words = parts.iter().filter(|part| part.chars().all(|c| c.is_ascii_lowercase()) || part.len() <= 2).count();
    parts.len() >= 3 && words * 3 >= parts.len() * 2
}
