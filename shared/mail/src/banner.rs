//! Lines such as "-----Original Message-----" and "Begin forwarded message:".

use std::borrow::Cow;

/// What a banner says of the message below it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Banner {
    /// A reply or a forward: mail programs use it for both.
    Original,
    Forward,
}

/// Characters that draw a line around a banner.
pub(crate) const DASHES: [char; 13] = ['-', '‐', '‑', '‒', '–', '—', '―', '─', '_', '=', '*', '#', '~'];
/// A longer line is no banner. In bytes.
const LONGEST: usize = 160;

/// In lower case.
pub(crate) const ORIGINAL: &[&str] = &[
    "original message",
    "reply message",
    "message d'origine",
    "message original",
    "message initial",
    "ursprüngliche nachricht",
    "original-nachricht",
    "originalnachricht",
    "ursprüngliche e-mail",
    "mensaje original",
    "messaggio originale",
    "mensagem original",
    "oorspronkelijk bericht",
    "wiadomość oryginalna",
    "oryginalna wiadomość",
    "treść oryginalnej wiadomości",
    "ursprungligt meddelande",
    "oprindelig meddelelse",
    "oprindelig besked",
    "opprinnelig melding",
    "alkuperäinen viesti",
    "alkuperäinen viesti / orig.msg.",
    "původní zpráva",
    "özgün ileti",
    "orijinal ileti",
    "orijinal mesaj",
    "исходное сообщение",
    "оригинальное сообщение",
    "元のメッセージ",
    "邮件原件",
    "原始邮件",
    "回复的原邮件",
    "原始郵件",
    "원본 메시지",
    "izvorna poruka",
    "eredeti üzenet",
    "mesaj original",
    "pôvodná správa",
];
pub(crate) const FORWARD: &[&str] = &[
    "forwarded message",
    "begin forwarded message",
    "forwarded mail",
    "forwarded email",
    "message réexpédié",
    "début du message réexpédié",
    "début du message transféré",
    "message transféré",
    "message transmis",
    "anfang der weitergeleiteten nachricht",
    "anfang der weitergeleiteten e-mail",
    "weitergeleitete nachricht",
    "inicio del mensaje reenviado",
    "mensaje reenviado",
    "inizio messaggio inoltrato",
    "messaggio inoltrato",
    "início da mensagem reencaminhada",
    "início da mensagem encaminhada",
    "mensagem reencaminhada",
    "mensagem encaminhada",
    "begin doorgestuurd bericht",
    "doorgestuurd bericht",
    "początek przekazywanej wiadomości",
    "treść przekazanej wiadomości",
    "przekazana wiadomość",
    "wiadomość przesłana dalej",
    "vidarebefordrat mejl",
    "vidarebefordrat meddelande",
    "start på videresendt besked",
    "videresendt meddelelse",
    "videresendt besked",
    "videresendt melding",
    "välitetty viesti alkaa",
    "välitetty viesti",
    "välitetty viesti / fwd.msg",
    "edelleenlähetetty viesti",
    "začátek přeposílané zprávy",
    "přeposlaná zpráva",
    "ileti başlangıcı",
    "iletilen ileti",
    "iletilmiş mesaj",
    "начало переадресованного сообщения",
    "перенаправленное сообщение",
    "пересылаемое сообщение",
    "початок листа, що пересилається",
    "továbbított levél kezdete",
    "începe mesajul redirecționat",
    "začiatok preposlanej správy",
    "započni proslijeđenu poruku",
    "转发的消息",
    "轉寄郵件",
    "전달된 메시지",
    "メッセージを転送",
    "転送されたメッセージ",
];
/// Lotus Notes and others: who forwarded it, and when.
const FORWARDED_BY: &[&str] = &[
    "forwarded by ",
    "weitergeleitet von ",
    "transféré par ",
    "réacheminé par ",
    "reenviado por ",
    "inoltrato da ",
    "doorgestuurd door ",
    "encaminhado por ",
];

/// What a line says. `labelled` if a header's label stands below it: then it needs no dashes.
pub(crate) fn kind(line: &str, labelled: bool) -> Option<Banner> {
    let line = line.trim();
    if line.is_empty() || line.len() > LONGEST {
        return None;
    }
    let core = line.trim_matches(|c: char| DASHES.contains(&c) || c.is_whitespace() || matches!(c, '>' | '|'));
    let dashed =
        line.starts_with(|c: char| DASHES.contains(&c)) && line.chars().nth(1).is_some_and(|c| DASHES.contains(&c));
    let colon = core.ends_with([':', '：']);
    if !dashed && !colon && !labelled {
        return None;
    }
    let core = core.trim_end_matches([':', '：', ' ', '.']).to_lowercase();
    let core = if core.contains('’') { Cow::Owned(core.replace('’', "'")) } else { Cow::Borrowed(&core) };
    if ORIGINAL.contains(&core.as_str()) {
        Some(Banner::Original)
    } else if FORWARD.contains(&core.as_str()) || (dashed && FORWARDED_BY.iter().any(|start| core.starts_with(start))) {
        Some(Banner::Forward)
    } else {
        None
    }
}

/// Nothing but dashes.
pub(crate) fn is_rule(line: &str) -> bool {
    let line = line.trim();
    line.chars().count() >= 3 && line.chars().all(|c| DASHES.contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn banners_are_told_apart() {
        let check = |line: &str, expected: Option<Banner>| assert_eq!(kind(line, false), expected, "{line}");
        check("-----Original Message-----", Some(Banner::Original));
        check("-------- Original-Nachricht --------", Some(Banner::Original));
        check("‐‐‐‐‐‐‐ Original Message ‐‐‐‐‐‐‐", Some(Banner::Original));
        check("-----Message d’origine-----", Some(Banner::Original));
        check("---------- Forwarded message ---------", Some(Banner::Forward));
        check("============ Forwarded message ============", Some(Banner::Forward));
        check("Begin forwarded message:", Some(Banner::Forward));
        check("Début du message réexpédié :", Some(Banner::Forward));
        check("----- Forwarded by Ann/ACME on 02/11/2026 -----", Some(Banner::Forward));
        check("> Anfang der weitergeleiteten Nachricht:", Some(Banner::Forward));
        check("The original message was lost.", None);
        check("Original message", None);
        check("We saw a forwarded message:", None);
        assert_eq!(kind("Originalnachricht", true), Some(Banner::Original));
    }
}
