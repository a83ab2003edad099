//! Whether a machine wrote, as far as Zendesk knows: its comment flags, why it had suspended the mail, and who sent it. The
//! mail's own headers are not in its API.

use crate::wire::{Comment, User};

/// The comment flag for mail that says of itself that it was generated.
const AUTOMATICALLY_GENERATED: u64 = 4;
/// Causes of suspension: automatic mailer, loop, failed delivery, vacation, system user, backscatter.
const AUTOMATIC_CAUSES: [u64; 6] = [3, 4, 7, 8, 9, 14];
/// Whole local parts nobody reads mail under. `noreply` is not among them: marketplaces relay people's words from it.
const DAEMONS: [&str; 6] = ["mailer-daemon", "mail-daemon", "postmaster", "autoresponder", "bounce", "bounces"];

pub(super) fn wrote(requester: Option<&User>, newest: Option<&Comment>) -> bool {
    let metadata = newest.and_then(|comment| comment.metadata.as_ref());
    let flagged = metadata.is_some_and(|metadata| {
        metadata.flags.contains(&AUTOMATICALLY_GENERATED)
            || metadata.suspension_type_id.is_some_and(|cause| AUTOMATIC_CAUSES.contains(&cause))
    });
    let address = requester.and_then(|user| user.email.as_deref()).unwrap_or_default();
    flagged || is_daemon(address)
}

fn is_daemon(address: &str) -> bool {
    let local = address.split('@').next().unwrap_or_default().to_ascii_lowercase();
    let local = local.split('+').next().unwrap_or_default();
    DAEMONS.contains(&local) || local.starts_with("microsoftexchange")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::CommentMetadata;

    #[test]
    fn flags_causes_and_addresses_tell_machines() {
        let check = |flags: &[u64], cause: Option<u64>, address: &str, expected: bool| {
            let metadata = CommentMetadata { flags: flags.to_vec(), suspension_type_id: cause };
            let comment = Comment { metadata: Some(metadata), ..Comment::default() };
            let user = User { email: Some(address.to_owned()), ..User::default() };
            assert_eq!(wrote(Some(&user), Some(&comment)), expected, "{flags:?} {cause:?} {address}");
        };
        check(&[], None, "ann@bikes.example", false);
        check(&[0, 11], Some(1), "noreply@market.example", false);
        check(&[2, 4], None, "ann@bikes.example", true);
        check(&[], Some(8), "ann@bikes.example", true);
        check(&[], None, "MAILER-DAEMON@mx.example", true);
        check(&[], None, "bounces+77@mx.example", true);
        check(&[], None, "MicrosoftExchange329e71ec@bikes.example", true);
        check(&[], None, "postmaster-team@bikes.example", false);
        assert!(!wrote(None, None));
    }
}
