//! Which tickets take part while the product is being rolled out.

use sha2::{Digest, Sha256};

use crate::{AccountId, TicketId};

/// Whether the ticket is among the `percent` (0 to 100) that get the configured mode.
///
/// The first 8 bytes, big-endian, of SHA-256(`rollout:<account>:<ticket number>`) mod 100: stable, so that raising the
/// percentage keeps the earlier tickets in.
#[must_use]
pub fn takes_part(account: &AccountId, ticket: TicketId, percent: u8) -> bool {
    if percent >= 100 {
        return true;
    }
    let digest = Sha256::digest(format!("rollout:{account}:{}", ticket.number()));
    let head = digest.first_chunk::<8>().expect("SHA-256 has 32 bytes");
    u64::from_be_bytes(*head) % 100 < u64::from(percent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raising_the_percentage_keeps_the_earlier_tickets() {
        let account = AccountId::try_from("Acme".to_owned()).unwrap();
        let share = |percent| -> Vec<u64> {
            (1..=2000).filter(|n| takes_part(&account, TicketId::new(*n).unwrap(), percent)).collect()
        };
        assert!(share(0).is_empty());
        assert_eq!(share(100).len(), 2000);
        let (ten, thirty) = (share(10), share(30));
        assert!(ten.iter().all(|ticket| thirty.contains(ticket)));
        assert!((150..=250).contains(&ten.len()), "{}", ten.len());
        assert!((520..=680).contains(&thirty.len()), "{}", thirty.len());
    }
}
