//! Blocks of From, Sent, To and Subject, as mail programs write them over an older message.

use crate::page::Page;

/// Lines looked at for one block.
const MOST_LINES: usize = 14;
/// Lines of one value: a long list of recipients is wrapped.
const MOST_VALUE_LINES: usize = 2;
/// A longer word before a colon is no label. In characters.
const LONGEST_LABEL: usize = 20;
const LONGEST_LINE: usize = 2_000;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    From,
    Sent,
    /// Says when, in a word that any list may have: a shipment has a date too.
    Date,
    To,
    Copy,
    Subject,
    ReplyTo,
}

/// Labels of en fr de es it pt nl pl sv da no fi cs tr ru ja zh ko uk hu ro, in lower case.
const LABELS: [(Role, &[&str]); 7] = [
    (
        Role::From,
        &[
            "from",
            "de",
            "expéditeur",
            "von",
            "absender",
            "da",
            "mittente",
            "desde",
            "van",
            "od",
            "nadawca",
            "från",
            "fra",
            "lähettäjä",
            "kimden",
            "gönderen",
            "от",
            "от кого",
            "отправитель",
            "差出人",
            "送信元",
            "发件人",
            "寄件者",
            "發件人",
            "보낸 사람",
            "від",
            "від кого",
            "feladó",
            "de la",
            "odosielateľ",
        ],
    ),
    (
        Role::Sent,
        &[
            "sent",
            "envoyé",
            "envoyé le",
            "gesendet",
            "enviado",
            "enviado el",
            "enviada",
            "enviada em",
            "enviado em",
            "inviato",
            "verzonden",
            "wysłano",
            "skickat",
            "sendt",
            "lähetetty",
            "odesláno",
            "gönderilen",
            "gönderildi",
            "gönderme tarihi",
            "отправлено",
            "送信日時",
            "发送时间",
            "寄件日期",
            "發送時間",
            "보낸 날짜",
            "надіслано",
            "elküldve",
            "trimis",
            "odoslané",
        ],
    ),
    (
        Role::Date,
        &[
            "date",
            "datum",
            "fecha",
            "data",
            "dato",
            "päivämäärä",
            "päiväys",
            "tarih",
            "дата",
            "日付",
            "日期",
            "날짜",
            "dátum",
            "dată",
        ],
    ),
    (
        Role::To,
        &[
            "to",
            "à",
            "pour",
            "destinataire",
            "an",
            "bis",
            "empfänger",
            "para",
            "a",
            "aan",
            "do",
            "adresat",
            "till",
            "til",
            "vastaanottaja",
            "komu",
            "kime",
            "alıcı",
            "кому",
            "宛先",
            "送信先",
            "收件人",
            "收件者",
            "받는 사람",
            "címzett",
            "către",
        ],
    ),
    (
        Role::Copy,
        &[
            "cc",
            "bcc",
            "copie à",
            "copie",
            "kopie",
            "kopie (cc)",
            "kopia",
            "kopi",
            "kopio",
            "dw",
            "udw",
            "bilgi",
            "копия",
            "抄送",
            "副本",
            "참조",
            "másolat",
            "копія",
        ],
    ),
    (
        Role::Subject,
        &[
            "subject",
            "objet",
            "sujet",
            "betreff",
            "asunto",
            "oggetto",
            "assunto",
            "onderwerp",
            "temat",
            "ämne",
            "emne",
            "aihe",
            "předmět",
            "konu",
            "тема",
            "件名",
            "主题",
            "主旨",
            "主題",
            "제목",
            "tárgy",
            "subiect",
            "predmet",
        ],
    ),
    (
        Role::ReplyTo,
        &[
            "reply-to",
            "antwort an",
            "répondre à",
            "rispondi a",
            "svar til",
            "ответ-кому",
            "importance",
            "attachments",
            "anlagen",
            "pièces jointes",
            "prioriteit",
            "wichtigkeit",
            "priority",
            "organization",
        ],
    ),
];

/// A block and what it says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Block<'a> {
    /// The line after it.
    pub(crate) end: usize,
    pub(crate) from: Option<&'a str>,
    pub(crate) to: Option<&'a str>,
    pub(crate) subject: Option<&'a str>,
}

/// The label of a line, and its value.
pub(crate) fn label(line: &str) -> Option<(Role, &str)> {
    let line = line.trim().trim_start_matches(['*', '>', ' ', '|']);
    let at = line.char_indices().take(LONGEST_LABEL).find(|(_, c)| matches!(c, ':' | '：'))?.0;
    let (name, value) = line.split_at(at);
    let name = name.trim().trim_matches('*').trim().to_lowercase();
    let value = value.trim_start_matches([':', '：']).trim().trim_matches('*').trim();
    let role = LABELS.iter().find(|(_, labels)| labels.contains(&name.as_str()))?.0;
    Some((role, value))
}

/// The block that begins at a line. Only what a mail program writes is one: a sender, a date or a recipient, and a
/// subject, an address or a word for "sent".
pub(crate) fn block<'a>(page: &Page<'a>, at: usize) -> Option<Block<'a>> {
    let block = any(page, at)?;
    let (from, to, mail) = block.1;
    if from && to && mail { Some(block.0) } else { None }
}

/// What stands below a banner that says what it is: one label is enough.
pub(crate) fn below_banner<'a>(page: &Page<'a>, at: usize) -> Option<Block<'a>> {
    any(page, at).map(|block| block.0)
}

fn any<'a>(page: &Page<'a>, at: usize) -> Option<(Block<'a>, (bool, bool, bool))> {
    label(page.bare(at)).filter(|_| page.bare(at).len() <= LONGEST_LINE)?;
    let mut block = Block { end: at, from: None, to: None, subject: None };
    let (mut dated, mut mail) = (false, false);
    let mut value_lines = 0;
    let mut wraps = false;
    let mut last_blank = false;
    for line in at..(at + MOST_LINES).min(page.len()) {
        let text = page.bare(line);
        if text.is_empty() {
            // One blank line may stand between two labels, where each was a paragraph.
            if last_blank || label(page.bare(line + 1)).is_none() {
                break;
            }
            last_blank = true;
            continue;
        }
        if let Some((role, value)) = label(text) {
            match role {
                Role::From if block.from.is_some() => break,
                Role::From => block.from = Some(value),
                Role::Sent => (dated, mail) = (true, true),
                Role::Date => dated = true,
                Role::To => block.to = Some(value),
                Role::Subject => {
                    block.subject = Some(value);
                    mail = true;
                }
                Role::Copy | Role::ReplyTo => {}
            }
            mail = mail || value.contains('@');
            value_lines = 0;
            wraps = value.is_empty() || matches!(role, Role::From | Role::To | Role::Copy | Role::Subject);
            block.end = line + 1;
        } else {
            // The rest of a value: only if another label follows it.
            let more = (line + 1..=line + MOST_VALUE_LINES).any(|next| label(page.bare(next)).is_some());
            value_lines += 1;
            if last_blank || !wraps || !more || value_lines > MOST_VALUE_LINES {
                break;
            }
            mail = mail || text.contains('@');
            if let (Some(""), None) = (block.from, block.to) {
                block.from = Some(text);
            }
        }
        last_blank = false;
    }
    let (from, to) = (block.from.is_some(), block.to.is_some());
    Some((block, (from, dated || to, mail)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_all_languages_are_known() {
        for text in [
            "From: Bob\nSent: Monday\nTo: Support",
            "From: Ann <ann@x.example>\nDate: Monday\nTo: Support",
            "**From:** Ann\n**Sent:** Monday\n**Subject:** Order",
            "Von: Bob\nGesendet: Montag\nAn: Support\nBetreff: AW: Export",
            "Gesendet: Montag, 02. November 2026 um 09:12 Uhr\nVon: \"Bob\" <bob@x.example>\nAn: s@x.example\nBetreff: Export",
            "De : Bob\nEnvoyé : lundi\nÀ : Support\nObjet : RE: export",
            "De: Bob\nEnviado el: lunes\nPara: Soporte\nAsunto: RE: exportación",
            "Da: Bob\nInviato: lunedì\nA: Supporto\nOggetto: R: export",
            "De: Bob\nEnviada em: segunda\nPara: Suporte\nAssunto: RES: export",
            "Van: Bob\nVerzonden: maandag\nAan: Support\nOnderwerp: RE: export",
            "Od: Bob\nWysłano: poniedziałek\nDo: Pomoc\nTemat: Odp: eksport",
            "Från: Bob\nSkickat: måndag\nTill: Support\nÄmne: SV: export",
            "Fra: Bob\nSendt: mandag\nTil: Support\nEmne: SV: eksport",
            "Lähettäjä: Bob\nLähetetty: maanantai\nVastaanottaja: Tuki\nAihe: VS: vienti",
            "Od: Bob\nOdesláno: pondělí\nKomu: Podpora\nPředmět: RE: export",
            "Kimden: Bob\nGönderildi: Pazartesi\nKime: Destek\nKonu: YNT: dışa aktarma",
            "От: Боб\nОтправлено: понедельник\nКому: Поддержка\nТема: RE: экспорт",
            "差出人: ボブ\n送信日時: 2026年11月2日\n宛先: サポート\n件名: RE: 出力",
            "发件人： 鲍勃\n发送时间： 2026年11月2日\n收件人： 支持\n主题： 回复: 导出",
            "보낸 사람: 밥\n보낸 날짜: 2026년 11월 2일\n받는 사람: 지원\n제목: RE: 내보내기",
            "From: Ann Poole\n<ann@x.example>\nSent: Monday\nTo: a@x.example; b@x.example;\nc@x.example\nSubject: Order",
            "From: Ann\n\nSent: Monday\n\nTo: Support\n\nSubject: Order",
        ] {
            let page = Page::new(text);
            let found = block(&page, 0).expect(text);
            assert_eq!(found.end, page.len(), "{text}");
            assert!(found.from.is_some_and(|from| !from.is_empty()), "{text}");
        }
    }

    #[test]
    fn lists_of_other_things_are_none() {
        for text in [
            "From: the warehouse point of view it is fine.\nMore.",
            "From: Berlin\nTo: Paris\nDate: 2 Nov 2026",
            "De: acuerdo.\nMore.",
            "Da: it works.\nData: none",
            "Subject: Export\nMessage: It fails.",
            "From: Ann\nSubject: Export\n\nIt fails.",
            "Date: Monday\nOrder: 17",
        ] {
            assert_eq!(block(&Page::new(text), 0), None, "{text}");
        }
    }
}
