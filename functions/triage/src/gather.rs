//! Everything the decision looks at.

use domain::{Account, PastTicket, Ticket, ports::PortError};
use futures::try_join;
use jiff::Timestamp;

use crate::Triage;

/// Earlier tickets of the account that are looked at.
const HISTORY: usize = 50;

pub(crate) struct Gathered {
    pub(crate) ticket: Ticket,
    pub(crate) account: Account,
    pub(crate) history: Vec<PastTicket>,
}

pub(crate) async fn gather(triage: &Triage, ticket: Ticket, now: Timestamp) -> Result<Gathered, PortError> {
    let (account, history) = try_join!(
        triage.helpdesk.account(&ticket.account),
        triage.records.past(&ticket.account, ticket.id, now, HISTORY)
    )?;
    Ok(Gathered { ticket, account, history })
}
