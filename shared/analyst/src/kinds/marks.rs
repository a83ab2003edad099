//! Subjects by which programs mark their mail, so that no reading is needed.
//!
//! What mail programs and servers write in the languages they come in. A leading `Re:` means that a person answered, and
//! then nothing here applies.

use crate::features::words;

/// Whole beginnings, wherever the subject goes on.
const BEGINNINGS: [&str; 25] = [
    "automatic reply",
    "auto reply",
    "autoreply",
    "reponse automatique",
    "automatische antwort",
    "abwesenheitsnotiz",
    "respuesta automatica",
    "risposta automatica",
    "resposta automatica",
    "automatisch antwoord",
    "afwezigheidsbericht",
    "odpowiedz automatyczna",
    "automatiskt svar",
    "automatisk svar",
    "automaattinen vastaus",
    "undelivered mail returned",
    "delivery status notification",
    "mail delivery failed",
    "mail delivery failure",
    "mail delivery subsystem",
    "returned mail see transcript",
    "автоматический ответ",
    "自動応答",
    "自動返信",
    "自动回复",
];
/// Words that people use as well: a colon has to follow, or nothing at all.
const LABELS: [&str; 26] = [
    "auto",
    "out of office",
    "abwesend",
    "absence du bureau",
    "fuera de la oficina",
    "fuori sede",
    "buiten kantoor",
    "autosvar",
    "undeliverable",
    "undelivered",
    "unzustellbar",
    "non remis",
    "no se puede entregar",
    "non recapitabile",
    "nao entregue",
    "onbestelbaar",
    "failure notice",
    "delivery failure",
    "delivery delayed",
    "delayed",
    "zustellung verzogert",
    "zustellung fehlgeschlagen",
    "remise differee",
    "echec de la remise",
    "error de entrega",
    "entrega retrasada",
];

/// Whether a program says that it wrote this.
pub(crate) fn is_automatic(subject: &str) -> bool {
    let folded = |text: &str| words(text).join(" ");
    let begins = {
        let subject = folded(subject);
        BEGINNINGS.iter().any(|beginning| subject.starts_with(beginning))
    };
    let label = folded(subject.split(':').next().unwrap_or_default());
    begins || LABELS.contains(&label.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_told_from_people() {
        let check = |subject: &str, expected: bool| assert_eq!(is_automatic(subject), expected, "{subject}");
        check("Automatic reply: Orders", true);
        check("Réponse automatique : Commandes", true);
        check("AUTOMATISCHE ANTWORT: AW: Bestellungen", true);
        check("Out of Office: Ann Poole", true);
        check("Undeliverable: checkout down", true);
        check("Out of office", true);
        check("自動応答: 注文", true);
        check("Out of office hours, whom do we call?", false);
        check("Delayed orders since Monday", false);
        check("Undeliverable parcels: what now?", false);
        check("Re: Automatic reply", false);
        check("", false);
    }
}
