//! `forget`: erases tickets from a folder that `run` or `serve` wrote.
//!
//! Everything there is made of [`outputs::RECORDS`]: what is left of it is written anew, and the dashboard with it.

use std::{collections::BTreeSet, io::Read, path::Path, sync::Arc};

use anyhow::{Context, bail, ensure};
use domain::{
    AccountId, Alert, AuditAction, AuditEntry, Delivery, ErasureReason, TicketId, TicketState,
    ports::{AlertLog, Lease, Outbox, TicketLog},
};
use jiff::Timestamp;

use crate::{
    cli::{AnalystChoice, ForgetArguments, Forgotten},
    exit::Ended,
    outputs::{self, Kept},
    say,
    stack::{Environment, Setup, Shared, teams_of, wall_clock},
};

/// Erases and says what was erased.
///
/// # Errors
/// A folder that cannot be used, or words that name no ticket.
pub async fn command(arguments: &ForgetArguments, environment: &Environment) -> anyhow::Result<Ended> {
    let folder = &arguments.output;
    ensure!(folder.is_dir(), "{} is no folder; name one that a run wrote with --output", folder.display());
    let _in_use = outputs::in_use(folder)?;
    let (covered, kept) = outputs::read(folder)?;
    let named = Named::read(&arguments.forgotten)?;
    let (gone, mut left): (Vec<Kept>, Vec<Kept>) = kept.into_iter().partition(|ticket| named.covers(ticket));
    let tickets: BTreeSet<TicketId> = gone.iter().map(|ticket| ticket.record.ticket).collect();
    let mentioning = unmention(&mut left, &tickets);

    // Not opened again for reading: nobody reads here, and no key is needed.
    let (analyst, teams) = (Some(AnalystChoice::Embedded), &*teams_of(arguments.agents.as_deref())?);
    let setup = Setup { output: folder, analyst, delivery: false, capped: true, teams };
    let shared = Shared::new(setup, environment)?;
    for ticket in tickets.iter().chain(&mentioning) {
        shared.outbox().discard(*ticket).await?;
    }
    fill(&shared, &left).await?;
    shared.report(covered.window(), covered.now).await?;
    tell(folder, &tickets, wall_clock())?;
    // Last, so that whatever stops in the middle can be done again.
    outputs::write(folder, covered, left.into_iter())?;

    for ticket in &gone {
        say::line(format_args!("Erased {}", say::escaped(&ticket.ticket_id)));
    }
    let names: BTreeSet<&str> = gone.iter().map(|ticket| ticket.ticket_id.as_str()).collect();
    let is_gone = |word: &str| names.contains(word) || word.parse().is_ok_and(|number| tickets.contains(&number));
    let missing = named.words.iter().filter(|word| !is_gone(word));
    let missing: Vec<String> = missing.map(|word| say::escaped(word)).collect();
    if !missing.is_empty() {
        eprintln!("not in {}: {}", folder.display(), missing.join(", "));
    }
    say::line(format_args!(
        "{} tickets erased from {}, with their alerts, requests and e-mails; {} e-mails of other tickets that named them; \
         the dashboard is rebuilt. The audit stays: it holds no text. Copies you made of the folder are yours to delete.",
        gone.len(),
        folder.display(),
        mentioning.len()
    ));
    Ok(if missing.is_empty() && !gone.is_empty() { Ended::Well } else { Ended::WithLosses })
}

/// What is to be forgotten.
#[derive(Debug, Default)]
struct Named {
    /// Numbers, or what the input of the run called them.
    words: BTreeSet<String>,
    /// Of these, what can be read as a number: `7` and `#7` name the same ticket.
    tickets: BTreeSet<TicketId>,
    accounts: Vec<AccountId>,
    /// As the tickets call them: a CSV knows no numbers.
    customers: Vec<Arc<str>>,
}

impl Named {
    fn read(forgotten: &Forgotten) -> anyhow::Result<Self> {
        let mut named = Self::default();
        for word in &forgotten.ticket {
            if word == "-" {
                let mut numbers = String::new();
                std::io::stdin().read_to_string(&mut numbers).context("standard input cannot be read")?;
                numbers.split_whitespace().try_for_each(|word| named.ticket(word))?;
            } else {
                named.ticket(word)?;
            }
        }
        if let Some(requester) = &forgotten.requester {
            ensure!(
                !requester.contains('@'),
                "--requester: no address is kept, so none can be looked for; give the user's id, or list the numbers of \
                 their tickets with Zendesk (GET /api/v2/users/ID/tickets/requested) and give them to --ticket -"
            );
            let id = requester.parse().context("--requester: write a Zendesk user id such as 8447388090494")?;
            named.accounts.push(AccountId::of_requester(domain::UserId(id)));
        }
        if let Some(account) = &forgotten.account {
            named.customers.push(account.as_str().into());
            named.accounts.extend(
                [account.clone(), format!("organisation {account}")].map(AccountId::try_from).into_iter().flatten(),
            );
            if named.accounts.is_empty() {
                bail!("--account: is empty; give an organisation's id, or a customer's name");
            }
        }
        Ok(named)
    }

    fn ticket(&mut self, word: &str) -> anyhow::Result<()> {
        ensure!(!word.trim().is_empty(), "--ticket: is empty; give a number such as 1001, or the id of the input");
        self.tickets.extend(word.trim().parse::<TicketId>().ok());
        self.words.insert(word.trim().to_owned());
        Ok(())
    }

    fn covers(&self, ticket: &Kept) -> bool {
        self.tickets.contains(&ticket.record.ticket)
            || self.words.contains(&ticket.ticket_id)
            || self.accounts.contains(&ticket.record.account)
            || self.customers.contains(&ticket.record.customer)
    }
}

/// Takes the tickets out of other alerts' lists of earlier ones. Returns whose e-mails show such a list.
fn unmention(left: &mut [Kept], gone: &BTreeSet<TicketId>) -> BTreeSet<TicketId> {
    let mut mentioning = BTreeSet::new();
    for Alert { ticket, past, earlier, .. } in left.iter_mut().flat_map(|ticket| &mut ticket.alerts) {
        let before = past.len() + earlier.len();
        past.retain(|past| !gone.contains(&past.id));
        earlier.retain(|earlier| !gone.contains(&earlier.key.ticket));
        if past.len() + earlier.len() < before {
            mentioning.insert(*ticket);
        }
    }
    mentioning
}

/// The log as it would be had the others never been.
async fn fill(shared: &Shared, left: &[Kept]) -> anyhow::Result<()> {
    let (log, owner) = (&shared.log, "forget");
    for Kept { record, alerts, .. } in left {
        let lease = Lease { ticket: record.ticket, owner: owner.to_owned(), until: Timestamp::MAX };
        log.claim(&lease, record.triaged_at).await?;
        log.finish(&lease, &TicketState::default(), record, Timestamp::MAX, &[]).await?;
        for alert in alerts {
            let entry = entry(alert.ticket, alert.at);
            log.open(&Alert { delivery: Delivery::Pending, ..alert.clone() }, Timestamp::MAX, &entry).await?;
            if alert.delivery != Delivery::Pending {
                log.take(alert.key(), owner, alert.at, Timestamp::MAX).await?;
                log.settle(alert.key(), owner, alert.delivery.clone(), &entry).await?;
            }
        }
    }
    Ok(())
}

fn entry(ticket: TicketId, at: Timestamp) -> AuditEntry {
    let reason: &'static str = ErasureReason::Forgotten.into();
    AuditEntry { at, ticket, action: AuditAction::Erased, target: "what was held".into(), outcome: reason.into() }
}

/// Says in the audit of the folder, of whichever kind it is, what was erased.
fn tell(folder: &Path, tickets: &BTreeSet<TicketId>, now: Timestamp) -> anyhow::Result<()> {
    let erased: Vec<AuditEntry> = tickets.iter().map(|ticket| entry(*ticket, now)).collect();
    let path = folder.join(outputs::AUDIT);
    if !path.exists() {
        return outputs::append_audit(folder, &erased);
    }
    let unreadable = || format!("{} cannot be read", path.display());
    let audit = std::fs::read_to_string(&path).with_context(unreadable)?;
    let mut entries: Vec<AuditEntry> = serde_json::from_str(&audit).with_context(unreadable)?;
    entries.extend(erased);
    outputs::write_audit(folder, entries)
}
