//! `SWEEP`: whether the helpdesk is asked, and how.

use strum::{Display, EnumString};
use zendesk::feed::FeedMode;

/// One word of a deployment.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Display, EnumString)]
#[strum(serialize_all = "lowercase")]
pub enum Setting {
    /// The ticket list, which any agent may read.
    #[default]
    List,
    /// The incremental export, for administrators.
    Export,
    Off,
}

impl Setting {
    /// How to ask; none for not at all.
    #[must_use]
    pub fn mode(self) -> Option<FeedMode> {
        match self {
            Self::List => Some(FeedMode::List),
            Self::Export => Some(FeedMode::Export),
            Self::Off => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_a_word() {
        for (word, mode) in [("list", Some(FeedMode::List)), ("export", Some(FeedMode::Export)), ("off", None)] {
            assert_eq!(word.parse::<Setting>().unwrap().mode(), mode, "{word}");
        }
        assert!("search".parse::<Setting>().is_err());
    }
}
