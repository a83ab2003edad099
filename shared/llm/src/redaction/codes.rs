//! PINs and one-time codes by their labels, and passwords that stand beside a user's name.

use std::ops::Range;

use super::{
    labelled::{captured, ended, is_other},
    words::{after, looks_random},
};

pattern!(
    CODES,
    r"(?i)(?-u:\b)(?:recovery|backup|back-up|one[- ]time|wiederherstellungs|ersatz|secours|récupération|recuperación|respaldo)[- ]?(?:codes?|códigos?|schlüssel)?(?: de (?:secours|récupération|recuperación|respaldo))?[^\n:=]{0,30}[:=][ ]?((?:[A-Za-z0-9]{3,}(?:-[A-Za-z0-9]{3,})*[,;]?[ ]?(?:und |and |et |y )?){1,20})"
);
pattern!(
    CODE,
    r#"(?i)(?-u:\b)(?:pin(?:[- ]?(?:code|number|nummer))?|code pin|código pin|puk|cvv2?|cvc2?|otp|totp|tan|(?:one[- ]time|single[- ]use|verification|security|login|sms|2fa|mfa|two[- ]factor|auth(?:entication|enticator)?|confirmation|recovery|backup|access|unlock|reset)[- ](?:pass ?)?(?:code|password|token)s?|passcode|code (?:de vérification|à usage unique|de sécurité|de confirmation|sms|de connexion|d'accès|temporaire|de validation|secret)|mot de passe à usage unique|(?:bestätigungs|einmal|sicherheits|prüf|verifizierungs|anmelde|login|zugangs|freischalt|geheim|sms-?)(?:code|passwort|kennwort|zahl|nummer|ziffer)|código (?:de verificación|de un solo uso|de seguridad|de confirmación|sms|de acceso|temporal|secreto)|clave (?:dinámica|temporal|de un solo uso)|contraseña de un solo uso)["'*_]{0,2}(?:[ \t]+[A-Za-z\u{c0}-\u{24f}'’-]+){0,5}?[ \t]{0,2}[:=]?[ \t]{0,2}["'*_]{0,2}(\d(?:[ -]?\d){2,9}|(?-i:[A-Z0-9]{2,5}-?[A-Z0-9]{2,6}))(?-u:\b)"#
);
pattern!(
    SPOKEN_CODE,
    r"(?i)(?-u:\b)(?:your|my|the|our|mein|unser|ihr|der|dein|mon|votre|notre|le|mi|su|el|nuestro)[ \t]+(?:code|código|codigo)[ \t]+(?:is|was|ist|lautet|war|est|es|era)[ \t]*:?[ \t]*(\d(?:[ -]?\d){3,7})(?-u:\b)"
);
pattern!(PAIR, r#"(?:^|[\s:("'`])([A-Za-z\u{c0}-\u{24f}0-9._@+-]{2,})[ \t]{1,2}[/|:][ \t]{1,2}([^\s/|"'`<>]{6,})"#);
pattern!(
    LOGIN_PAIR,
    r#"(?i)(?-u:\b)(?:log[- ]?in|credentials?|creds|user(?:name)?|account|sign[- ]?in|zugang(?:sdaten)?|anmeldung|anmeldedaten|benutzer(?:name)?|identifiants?|connexion|compte|utilisateur|acceso|credenciales|usuario|cuenta)(?:[ \t]+[A-Za-z\u{c0}-\u{24f}'’]+){0,3}[ \t]*[:=]?[ \t]*["'`]?([A-Za-z\u{c0}-\u{24f}0-9._@+-]{2,})[ \t]{0,2}[/|:][ \t]{0,2}([^\s/|"'`<>]{6,})"#
);
pattern!(CODE_OF_LIST, r"[A-Za-z0-9]{3,}(?:-[A-Za-z0-9]{3,})*");

/// What a number before it counts and is no code: `6 digits`, `10 minutes`.
const UNITS: &str = "% digit char minute min second hour time stellig ziffer zeichen sekunde stunde mal chiffre caractère heure fois dígito caracter segundo hora veces attempt";

/// Codes, and passwords of pairs.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let value = |range: Range<usize>| text.get(range).unwrap_or_default();
    for list in captured(&CODES, text) {
        let codes = CODE_OF_LIST
            .find_iter(value(list.clone()))
            .filter(|code| code.as_str().contains(|c: char| c.is_ascii_digit()));
        found.extend(codes.map(|code| list.start + code.start()..list.start + code.end()));
    }
    for range in captured(&CODE, text).chain(captured(&SPOKEN_CODE, text)) {
        let said = value(range.clone());
        let digits = said.chars().filter(char::is_ascii_digit).count();
        let all_caps = said.chars().all(|c| !c.is_lowercase());
        // A number of minutes, of digits or of a year says something about a code.
        let counted = is_counted(text, range.end);
        if digits >= 3 && all_caps && !counted {
            found.push(range);
        }
    }
    for (pattern, labelled) in [(&*PAIR, false), (&*LOGIN_PAIR, true)] {
        for pair in pattern.captures_iter(text) {
            let (Some(user), Some(said)) = (pair.get(1), pair.get(2)) else { continue };
            let range = ended(text, said.range());
            let said = value(range.clone());
            let chosen = classes(said) >= 3 || labelled && looks_random(said);
            if chosen && looks_random(said) && !is_other(said) && user.as_str().contains(char::is_alphabetic) {
                found.push(range);
            }
        }
    }
    found
}

/// How many of lower case, upper case, digits and signs there are.
fn classes(value: &str) -> usize {
    let has = |is: fn(char) -> bool| usize::from(value.contains(is));
    has(char::is_lowercase)
        + has(char::is_uppercase)
        + has(|c| c.is_ascii_digit())
        + has(|c| "!@#$%^&*?+=~_-.".contains(c))
}

fn is_counted(text: &str, at: usize) -> bool {
    let rest = after(text, at).trim_start().to_lowercase();
    UNITS.split(' ').any(|unit| rest.starts_with(unit))
}
