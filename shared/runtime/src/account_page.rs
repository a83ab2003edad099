//! Where the dashboard has an account's pages: whoever publishes them and whoever links to them agree here.

use domain::{AccountId, record::utc_day};
use jiff::{Timestamp, civil::Date};
use sha2::{Digest, Sha256};

const PURPOSE: &[u8] = b"account-page-1\n";
const ID_BYTES: usize = 16;

/// Names an account in an address, where its own id may be anything: 32 characters of hex.
#[must_use]
pub fn id(account: &AccountId) -> String {
    let digest = Sha256::new().chain_update(PURPOSE).chain_update(account.as_str()).finalize();
    digest.iter().take(ID_BYTES).map(|byte| format!("{byte:02x}")).collect()
}

/// The month of a UTC day as pages are named by it, such as `2026-11`.
#[must_use]
pub fn month(day: Date) -> String {
    day.strftime("%Y-%m").to_string()
}

/// The page that tells what was at that moment, below the folder of its readers.
#[must_use]
pub fn path(account: &AccountId, at: Timestamp) -> String {
    path_of(&id(account), &month(utc_day(at)))
}

/// The page of an account's [`id`] and a [`month`].
#[must_use]
pub fn path_of(id: &str, month: &str) -> String {
    format!("account/{id}/{month}.html")
}

#[cfg(test)]
mod tests {
    use domain::sample;

    use super::*;

    #[test]
    fn a_page_has_one_address() {
        let path = path(&sample::account_id("Acme"), sample::now());
        assert_eq!(path, "account/ea6f9bb9c042aecba5273adff8f78ba7/2026-11.html");
    }

    #[test]
    fn an_account_may_be_called_anything() {
        let ids = ["../x", "a/b", "ä", "A", "a", "requester-1"].map(|name| id(&sample::account_id(name)));
        assert!(ids.iter().all(|id| id.len() == 32 && id.chars().all(|c| c.is_ascii_hexdigit())), "{ids:?}");
        assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), ids.len());
    }
}
