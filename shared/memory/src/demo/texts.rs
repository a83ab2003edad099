//! The texts of refusals. Zendesk writes them in the language of the account, so nobody should decide by them.

use serde::{Deserialize, Serialize};
use strum::EnumString;

/// The language of the account.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize, EnumString)]
pub enum Locale {
    #[default]
    #[serde(rename = "en-US")]
    #[strum(serialize = "en-US")]
    English,
    #[serde(rename = "pt-BR")]
    #[strum(serialize = "pt-BR")]
    Portuguese,
    #[serde(rename = "de")]
    #[strum(serialize = "de")]
    German,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Text {
    Validation,
    Closed,
    Invalid,
    NoReset,
    Required,
    Blank,
    NotMember,
    Full,
    Taken,
}

impl Locale {
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::English => "en-US",
            Self::Portuguese => "pt-BR",
            Self::German => "de",
        }
    }

    pub(super) fn say(self, text: Text) -> &'static str {
        let [english, portuguese, german] = match text {
            Text::Validation => {
                ["Record validation errors", "Erros de validação do registro", "Fehler bei der Validierung"]
            }
            Text::Closed => [
                "closed prevents ticket update",
                "fechado impede a atualização do ticket",
                "geschlossen verhindert Änderung",
            ],
            Text::Invalid => ["is invalid", "é inválido", "ist ungültig"],
            Text::NoReset => ["cannot be reset", "não pode ser redefinida", "kann nicht zurückgesetzt werden"],
            Text::Required => [
                "is required when solving a ticket",
                "é obrigatório ao resolver um ticket",
                "ist beim Lösen erforderlich",
            ],
            Text::Blank => ["cannot be blank", "não pode ficar em branco", "darf nicht leer sein"],
            Text::NotMember => {
                ["is not a member of the group", "não é membro do grupo", "ist kein Mitglied der Gruppe"]
            }
            Text::Full => ["has too many comments", "tem comentários demais", "hat zu viele Kommentare"],
            Text::Taken => ["has already been taken", "já está em uso", "ist bereits vergeben"],
        };
        match self {
            Self::English => english,
            Self::Portuguese => portuguese,
            Self::German => german,
        }
    }
}

/// With a capital letter in front.
pub(super) fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
