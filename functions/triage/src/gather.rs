//! Everything the decision looks at.

use domain::{Account, AlertKey, AlertKind, EarlierAlert, PastTicket, Ticket, TicketState, ports::PortError};
use futures::{StreamExt, TryStreamExt, stream, try_join};
use jiff::Timestamp;
use strum::IntoEnumIterator;

use crate::Triage;

/// Earlier tickets of the account that are looked at.
const HISTORY: usize = 50;
/// Of these the newest that raised an alert of a kind, whose alerts of that kind are looked at.
const RAISED: usize = 5;
/// Alerts read at once.
const AT_ONCE: usize = 8;

pub(crate) struct Gathered {
    pub(crate) ticket: Ticket,
    pub(crate) account: Account,
    pub(crate) history: Vec<PastTicket>,
    /// Newest first.
    pub(crate) earlier: Vec<EarlierAlert>,
}

pub(crate) async fn gather(
    triage: &Triage,
    ticket: Ticket,
    state: &TicketState,
    now: Timestamp,
) -> Result<Gathered, PortError> {
    let (account, history) = try_join!(
        triage.helpdesk.account(&ticket.account),
        triage.records.past(&ticket.account, ticket.id, now, HISTORY)
    )?;
    let own = state.done.iter().flat_map(|_| AlertKey::of(ticket.id));
    let of_kind = |kind| {
        let raised = history.iter().filter(move |past| past.raised(kind)).take(RAISED);
        raised.flat_map(|past| AlertKey::of(past.id)).filter(move |key| key.kind == kind)
    };
    let keys = own.chain(AlertKind::iter().flat_map(of_kind));
    let reads: Vec<_> = keys.map(|key| triage.follow_ups.alert(key, now)).collect();
    let found: Vec<_> = stream::iter(reads).buffered(AT_ONCE).try_collect().await?;
    // An attempt of this version that died may have opened its alert already: that is no earlier one.
    let earlier = found.into_iter().flatten().map(|alert| alert.earlier());
    let mut earlier: Vec<EarlierAlert> =
        earlier.filter(|earlier| earlier.key.ticket != ticket.id || earlier.version != ticket.version).collect();
    earlier.sort_by_key(|earlier| std::cmp::Reverse(earlier.at));
    Ok(Gathered { ticket, account, history, earlier })
}
