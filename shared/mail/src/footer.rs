//! What programs, companies and their lawyers put under and over a message.

mod words;

use std::sync::LazyLock;

use regex::Regex;

use crate::{Rule, page::Page};
use words::{
    ADDRESSEE, ANTIVIRUS, BEWARE, COMPANY, FIRST_PERSON, ITSELF, LABEL, LEGAL, NATURE, OUTSIDE, PRINT, SUBSCRIBED,
    UNSUBSCRIBE,
};

/// A paragraph of more lines is no footer.
const MOST_LINES: usize = 40;
/// A line of so many words may be a footer by itself, whatever stands directly above it.
const LONG_LINE: usize = 16;
/// A disclaimer has at least this many words.
const DISCLAIMER_WORDS: usize = 12;
/// Paragraphs of one disclaimer: two languages, or two sentences apart.
const PARAGRAPHS: usize = 6;
/// The banner over mail from outside stands within the first lines.
const BANNER_LINES: usize = 8;
const BANNER_WORDS: usize = 70;

static DEVICE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?ix)^[\[(]?(?:
        sent\s(?:from|via|with)\s(?:my\s|outlook|yahoo|proton|mail\sfor|samsung|gmail|mobile|the\sall[- ]new|tutanota|blackberry|fairmail|the\sfree)
        | get\soutlook\sfor\s | get\s<?https://aka\.ms | envoyé\s(?:de(?:puis)?\s(?:mon|ma|outlook|yahoo|l'app)|à\spartir\sde\s) | (?:obtenez|télécharger?)\soutlook\spour
        | von\smeinem?\s.{2,}\s(?:gesendet|aus\sgesendet) | gesendet\s(?:von|mit|über)\s | diese\snachricht\swurde\svon\smeinem\s | holen\ssie\ssich\soutlook | outlook\sfür\s(?:ios|android)
        | enviado\s(?:desde|do|a\spartir\sd|con)\s | obtener\soutlook | inviato\sda\s(?:iphone|ipad|outlook|il\smio|mobile|smartphone|libero|yahoo|samsung) | scarica\soutlook
        | (?:verstuurd|verzonden)\s(?:vanaf|met|vanuit)\s | skickat\sfrån\s | sendt\sfra\s | hent\soutlook | hämta\soutlook | lähetetty\s(?:iphone|ipad|android|samsung|outlook)\S* | wysłan[oe]\sz\s
        | odesláno\sz\s | odoslané\sz\s | отправлено\s(?:с|из)\s | iphone'umdan | 從我的|发自我的|來自我的|iphoneから送信 | 내\s.+에서\s보냄 | trimis\sde\spe\s | elküldve\saz?\s
        )",
    )
    .expect("a fixed pattern")
});
const DEVICE_WORDS: usize = 12;

/// "Sent from my iPhone".
pub(crate) fn is_device(line: &str) -> bool {
    line.len() <= 160 && line.split_whitespace().count() <= DEVICE_WORDS && DEVICE.is_match(line)
}

/// Takes the last paragraph before `end` out if it is a footer. Returns where it began.
pub(crate) fn take_out(page: &mut Page<'_>, end: usize) -> Option<usize> {
    let last = (0..end).rev().find(|at| page.is_own(*at) && !page.line(*at).is_blank())?;
    let start = paragraph(page, last);
    let line = page.bare(last);
    let above = |start: usize| (0..start).rev().any(|at| page.is_own(at) && !page.line(at).is_blank());
    if is_device(line) && above(last) {
        page.take_out(last..end, Rule::Device);
        return Some(last);
    }
    let whole = text(page, start, last + 1);
    let long = line.split_whitespace().count() >= LONG_LINE;
    let candidates = [(last, line.to_lowercase()), (start, whole)];
    for (start, text) in candidates.into_iter().skip(usize::from(!long && start != last)) {
        if let Some(rule) = rule(&text).filter(|_| above(start)) {
            page.take_out(start..end, rule);
            return Some(start);
        }
        // The second half of a disclaimer is one only below the first.
        if legal(&text) >= 2 && plain(&text) && above(start) {
            let mut top = start;
            for _ in 0..PARAGRAPHS {
                let Some(above_it) = (0..top).rev().find(|at| page.is_own(*at) && !page.line(*at).is_blank()) else {
                    break;
                };
                top = paragraph(page, above_it);
                let upper = self::text(page, top, above_it + 1);
                if is_disclaimer(&upper) && above(top) {
                    page.take_out(top..end, Rule::Disclaimer);
                    return Some(top);
                }
                if legal(&upper) < 2 {
                    break;
                }
            }
        }
    }
    None
}

/// Takes the banner out that a company puts over mail from outside.
pub(crate) fn take_out_banner(page: &mut Page<'_>) {
    let mut at = page.next_filled(0);
    let mut taken = false;
    while at < BANNER_LINES.min(page.len()) {
        let line = page.bare(at);
        let lower = line.to_lowercase();
        let count = |list: &[&str]| list.iter().filter(|word| lower.contains(**word)).count();
        let words = line.split_whitespace().count();
        let known = lower.contains("aka.ms/learnaboutsenderidentification");
        let framed = line.starts_with(['[', '*', '<', '(', '-']) && line.ends_with([']', '*', '>', ')', '-']);
        let short = words <= 4 && count(OUTSIDE) > 0 && (framed || line == line.to_uppercase());
        let banner = !line.contains('?') && words <= BANNER_WORDS && count(OUTSIDE) > 0 && count(BEWARE) >= 2;
        let more = taken && words <= BANNER_WORDS && count(BEWARE) >= 2 && !line.contains('?');
        let rule = line.chars().all(|c| !c.is_alphanumeric()) && !line.is_empty();
        if known || short || banner || more || (rule && (taken || page.line(at + 1).is_blank())) {
            if !rule || taken {
                page.take_out(at..at + 1, Rule::External);
            }
            taken = taken || !rule;
        } else if line.is_empty() {
        } else if let Some(rest) = tagged(page.line(at).text) {
            page.set_text(at, rest);
            break;
        } else {
            break;
        }
        at += 1;
    }
}

/// What follows `[EXTERNAL]` on one line with it.
fn tagged(line: &str) -> Option<&str> {
    let (tag, rest) = line.trim_start().strip_prefix('[')?.split_once(']')?;
    let known = ["external", "extern", "externe", "externo", "esterno", "ext"]
        .contains(&tag.trim().trim_end_matches([':', '!']).to_lowercase().as_str());
    if known { Some(rest.trim_start()) } else { None }
}

/// The first line of the paragraph that ends at `last`.
fn paragraph(page: &Page<'_>, last: usize) -> usize {
    let mut start = last;
    while start > 0 && last - start < MOST_LINES && page.is_own(start - 1) && !page.line(start - 1).is_blank() {
        start -= 1;
    }
    start
}

fn text(page: &Page<'_>, start: usize, end: usize) -> String {
    (start..end).map(|at| page.bare(at)).collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Which footer a paragraph in lower case is.
fn rule(text: &str) -> Option<Rule> {
    let words = text.split_whitespace().count();
    let any = |list: &[&str]| list.iter().any(|word| text.contains(word));
    if is_disclaimer(text) {
        return Some(Rule::Disclaimer);
    }
    if words <= 45 && any(PRINT) && any(NATURE) && !text.contains(['1', '2', '3', '4', '5', '6', '7', '8', '9']) {
        return Some(Rule::Environment);
    }
    if words <= 30
        && any(ANTIVIRUS)
        && (text.contains("virus")
            || text.contains("viren")
            || text.contains("vírus")
            || text.contains("antivirus")
            || text.contains("avast")
            || text.contains("mailscanner"))
        && !text.contains('?')
    {
        return Some(Rule::Antivirus);
    }
    if words <= 90 && any(UNSUBSCRIBE) && any(SUBSCRIBED) && plain(text) {
        return Some(Rule::Unsubscribe);
    }
    if words <= 80 && COMPANY.iter().filter(|word| text.contains(**word)).count() >= 2 && !text.contains('?') {
        return Some(Rule::Company);
    }
    None
}

fn is_disclaimer(text: &str) -> bool {
    let any = |list: &[&str]| list.iter().any(|word| text.contains(word));
    let words = text.split_whitespace().count();
    let labelled = LABEL.iter().any(|label| text.trim_start_matches(['*', '_', '-', ' ', '[']).starts_with(label));
    if !plain(text) {
        return false;
    }
    if labelled && (legal(text) >= 2 || words <= 3) {
        return true;
    }
    words >= DISCLAIMER_WORDS && any(ITSELF) && (any(ADDRESSEE) && legal(text) >= 3 || legal(text) >= 4)
}

/// How many of the things are named that may not be done.
fn legal(text: &str) -> usize {
    LEGAL.iter().filter(|word| text.contains(**word)).count()
}

/// No question, and nobody who speaks of himself.
fn plain(text: &str) -> bool {
    let padded = format!(" {text} ");
    !text.contains('?') && !FIRST_PERSON.iter().any(|word| padded.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Option<Rule>) {
        assert_eq!(rule(&line.to_lowercase()), expected, "{line}");
    }

    #[test]
    fn footers_of_many_languages_are_known() {
        for line in [
            "This e-mail and any attachments are confidential and intended solely for the addressee. If you have received it in error, please notify the sender and delete it.",
            "CONFIDENTIALITY NOTICE: The information contained in this transmission is privileged. Any disclosure or copying is strictly prohibited.",
            "Diese E-Mail enthält vertrauliche Informationen. Wenn Sie nicht der richtige Empfänger sind, informieren Sie bitte den Absender und vernichten Sie diese Mail.",
            "Ce message et toutes les pièces jointes sont confidentiels et établis à l'intention exclusive de ses destinataires. Toute diffusion est interdite.",
            "Este mensaje va dirigido exclusivamente a su destinatario y contiene información confidencial. Queda prohibida su divulgación; notifíquelo al remitente y elimínelo.",
            "Questo messaggio è riservato ed è destinato esclusivamente al destinatario. È vietata la divulgazione; se ricevuto per errore avvisare il mittente e cancellarlo.",
            "Dit bericht is vertrouwelijk en uitsluitend bestemd voor de geadresseerde. Is het niet voor u bestemd, verwijder het dan en informeer de afzender.",
            "Esta mensagem é confidencial e destinada apenas ao destinatário. Se a recebeu por engano, avise o remetente e apague-a.",
        ] {
            check(line, Some(Rule::Disclaimer));
        }
        check("Please consider the environment before printing this e-mail.", Some(Rule::Environment));
        check("Bitte denken Sie an die Umwelt, bevor Sie diese E-Mail ausdrucken.", Some(Rule::Environment));
        check("Pensez à l'environnement avant d'imprimer ce message.", Some(Rule::Environment));
        check("Virus-free. www.avast.com", Some(Rule::Antivirus));
        check("Garanti sans virus. www.avast.com", Some(Rule::Antivirus));
        check(
            "You are receiving this because you signed up. Unsubscribe: https://x.example/u",
            Some(Rule::Unsubscribe),
        );
        check("Sie erhalten diese E-Mail als Kunde. Newsletter abbestellen", Some(Rule::Unsubscribe));
        check("Geschäftsführer: Anna Pohl | Amtsgericht Köln HRB 12345", Some(Rule::Company));
        check("Registered in England. Company number 01234567", Some(Rule::Company));
    }

    #[test]
    fn what_customers_write_is_no_footer() {
        for line in [
            "We received confidential data of another customer by mistake. Who deletes it?",
            "The label printer prints nothing in our environment 2.",
            "Your plugin is reported as a virus by our scanner.",
            "How do I unsubscribe one user from the newsletter?",
            "Please notify the recipient when the parcel is sent.",
            "I want to delete the message to the recipient, it is confidential and this email was sent by mistake.",
        ] {
            check(line, None);
        }
    }

    #[test]
    fn device_lines_stand_alone() {
        for line in [
            "Sent from my iPhone",
            "Sent from Outlook for iOS",
            "Get Outlook for Android",
            "Envoyé de mon iPhone",
            "Von meinem iPhone gesendet",
            "Gesendet mit der GMX Mail App",
            "Enviado desde mi iPhone",
            "Inviato da iPhone",
            "Verstuurd vanaf mijn iPhone",
            "Enviado do meu iPhone",
            "Skickat från min iPhone",
            "Wysłano z iPhone'a",
            "Lähetetty iPhonesta",
            "Отправлено с iPhone",
        ] {
            assert!(is_device(line), "{line}");
        }
        for line in [
            "Sent the parcel yesterday",
            "Sent from the warehouse in Leeds on Monday",
            "Enviado el lunes",
            "Gesendet am Montag",
        ] {
            assert!(!is_device(line), "{line}");
        }
    }

    #[test]
    fn the_banner_over_outside_mail_goes() {
        let check = |text: &str, expected: &str| {
            let mut page = Page::new(text);
            take_out_banner(&mut page);
            assert_eq!(page.own(), expected, "{text}");
        };
        check(
            "CAUTION: This email originated from outside the organization. Do not click links or open attachments.\n\nIt fails.",
            "It fails.",
        );
        check("[EXTERNAL]\nIt fails.", "It fails.");
        check("[EXTERNAL] It fails.", "It fails.");
        check(
            "ACHTUNG: Diese E-Mail kommt von einem externen Absender. Keine Anhänge öffnen.\n\nEs geht nicht.",
            "Es geht nicht.",
        );
        check(
            "[You don't often get email from a@x.example. Learn why at https://aka.ms/LearnAboutSenderIdentification ]\n\nHi",
            "Hi",
        );
        check("The external sender of the parcel is wrong.", "The external sender of the parcel is wrong.");
        check("External links in the attachment are broken, why?", "External links in the attachment are broken, why?");
        check("We use external scripts.", "We use external scripts.");
    }
}
