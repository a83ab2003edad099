//! Money at risk: what an account pays, times how likely it leaves, less what time has taken off.

use std::{collections::HashMap, sync::Arc};

/// A risk that nobody was alerted to halves in it as well.
pub(crate) use domain::alert::HALF_LIFE;
use domain::{AccountId, Alert, AlertKind, Stage, TicketId};
use jiff::{SignedDuration, Timestamp};

use crate::{AccountRow, aggregate::Risk};

/// What people made of the alert about a ticket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Heed {
    /// Nobody has said anything.
    Untaken,
    /// Somebody has it, or there is no alert.
    Fading,
    /// It should not have been raised.
    Wrong,
}

/// An account at high risk.
#[derive(Clone, Debug)]
pub(crate) struct AtRisk<'a> {
    pub(crate) id: &'a AccountId,
    pub(crate) account: &'a AccountRow,
    /// US dollars a month; unknown where the MRR is.
    pub(crate) money: Option<f64>,
    /// Of its heaviest ticket, 0 to 1.
    pub(crate) share: f64,
    /// Its newest ticket of high risk that was not called wrong.
    pub(crate) newest: Risk,
    /// The newest alert that somebody may still have to look at, else the newest.
    pub(crate) alert: Option<&'a Alert>,
}

/// The accounts at high risk at `now`, most money first; those whose MRR is unknown follow, likeliest first.
pub(crate) fn ranked<'a>(
    accounts: &'a HashMap<AccountId, AccountRow>,
    alerts: &'a [Arc<Alert>],
    now: Timestamp,
) -> Vec<AtRisk<'a>> {
    let (by_ticket, by_account) = guardian_alerts(alerts);
    let mut found: Vec<AtRisk<'a>> = accounts
        .iter()
        .filter_map(|(id, account)| at_risk((id, account), by_account.get(id).copied(), &by_ticket, now))
        .collect();
    found.sort_by(|a, b| {
        let by_money = b.money.unwrap_or(-1.0).total_cmp(&a.money.unwrap_or(-1.0));
        by_money.then(b.share.total_cmp(&a.share)).then_with(|| a.account.customer.cmp(&b.account.customer))
    });
    found
}

fn at_risk<'a>(
    (id, account): (&'a AccountId, &'a AccountRow),
    alert: Option<&'a Alert>,
    by_ticket: &HashMap<TicketId, &'a Alert>,
    now: Timestamp,
) -> Option<AtRisk<'a>> {
    let heed = |risk: &Risk| heed(by_ticket.get(&risk.ticket).copied());
    let counts = |risk: &Risk| risk.at <= now && heed(risk) != Heed::Wrong;
    let counted: Vec<Risk> = account.high_risks.iter().copied().filter(counts).collect();
    let newest = counted.iter().copied().max_by_key(|risk| (risk.at, risk.ticket))?;
    let share = counted.iter().map(|risk| share(*risk, heed(risk), now)).fold(0.0, f64::max);
    Some(AtRisk { id, account, money: account.mrr.map(|mrr| mrr * share), share, newest, alert })
}

/// How much of the MRR one ticket puts at risk, 0 to 1.
fn share(risk: Risk, heed: Heed, now: Timestamp) -> f64 {
    let age = now.duration_since(risk.at).max(SignedDuration::ZERO);
    let freshness = match heed {
        Heed::Untaken => 1.0,
        Heed::Fading => 0.5_f64.powf(age.as_secs_f64() / HALF_LIFE.as_secs_f64()),
        Heed::Wrong => 0.0,
    };
    f64::from(risk.score) / 10.0 * freshness
}

fn heed(alert: Option<&Alert>) -> Heed {
    match alert.map(|alert| &alert.follow_up.stage) {
        Some(Stage::New) => Heed::Untaken,
        Some(Stage::Wrong { .. }) => Heed::Wrong,
        Some(Stage::Taken { .. } | Stage::Settled { .. } | Stage::Snoozed { .. }) | None => Heed::Fading,
    }
}

/// The Guardian alert that speaks for each ticket and for each account: open before closed, then the newest.
fn guardian_alerts(alerts: &[Arc<Alert>]) -> (HashMap<TicketId, &Alert>, HashMap<AccountId, &Alert>) {
    let mut guardian: Vec<&Alert> =
        alerts.iter().map(|alert| &**alert).filter(|alert| alert.signal.kind() == AlertKind::Guardian).collect();
    // A later entry replaces an earlier one.
    guardian.sort_by_key(|alert| (!alert.follow_up.is_closed(), alert.at, alert.key()));
    let by_ticket = guardian.iter().map(|alert| (alert.ticket, *alert)).collect();
    let by_account = guardian.iter().map(|alert| (alert.account.clone(), *alert)).collect();
    (by_ticket, by_account)
}

#[cfg(test)]
mod tests {
    use domain::{EmailAddress, FollowUp, follow_up::WrongReason, sample};

    use super::*;
    use crate::Aggregates;

    fn days(number: i64) -> SignedDuration {
        SignedDuration::from_hours(24 * number)
    }

    fn account(aggregates: &mut Aggregates, name: &str, tickets: &[(u64, i64, u8)], mrr: Option<f64>) {
        for (number, ago, score) in tickets {
            let mut summary = sample::record(*number, name, sample::now() - days(*ago)).summary();
            (summary.risk_score, summary.mrr) = (*score, mrr);
            aggregates.add(&summary, sample::now());
        }
    }

    fn alert(number: u64, name: &str, stage: Stage) -> Arc<Alert> {
        let follow_up = FollowUp { stage, ..FollowUp::default() };
        Arc::new(Alert { account: sample::account_id(name), follow_up, ..sample::alert(number) })
    }

    fn somebody() -> EmailAddress {
        "kam@example.com".parse().unwrap()
    }

    fn taken() -> Stage {
        Stage::Taken { by: somebody(), at: sample::now() }
    }

    fn wrong() -> Stage {
        Stage::Wrong { reason: WrongReason::Misread, by: somebody(), at: sample::now() }
    }

    #[test]
    fn money_ranks_and_not_the_score() {
        let mut aggregates = Aggregates::default();
        account(&mut aggregates, "Small", &[(1, 0, 10)], Some(190.0));
        account(&mut aggregates, "Large", &[(2, 0, 9)], Some(24_000.0));
        account(&mut aggregates, "Unknown", &[(3, 0, 10)], None);
        account(&mut aggregates, "Calm", &[(4, 0, 6)], Some(90_000.0));
        let found = ranked(&aggregates.accounts, &[], sample::now());
        let told: Vec<_> = found.iter().map(|row| (&*row.account.customer, row.money)).collect();
        assert_eq!(told, [("Large", Some(21_600.0)), ("Small", Some(190.0)), ("Unknown", None)]);
    }

    #[test]
    fn a_risk_halves_in_fourteen_days_once_taken() {
        for (stage, ago, money) in [
            (None, 0, Some(1_000.0)),
            (None, 14, Some(500.0)),
            (Some(Stage::New), 14, Some(1_000.0)),
            (Some(taken()), 14, Some(500.0)),
            (Some(taken()), 28, Some(250.0)),
            (Some(wrong()), 0, None),
        ] {
            let mut aggregates = Aggregates::default();
            account(&mut aggregates, "Acme", &[(1, ago, 10)], Some(1_000.0));
            let alerts: Vec<_> = stage.iter().map(|stage| alert(1, "Acme", stage.clone())).collect();
            let found = ranked(&aggregates.accounts, &alerts, sample::now());
            assert_eq!(found.first().and_then(|row| row.money), money, "{stage:?} after {ago} days");
        }
    }

    #[test]
    fn the_heaviest_ticket_counts_and_the_newest_speaks() {
        let mut aggregates = Aggregates::default();
        account(&mut aggregates, "Acme", &[(1, 14, 10), (2, 1, 7)], Some(1_000.0));
        let alerts = [alert(1, "Acme", Stage::New), alert(2, "Acme", wrong())];
        let found = ranked(&aggregates.accounts, &alerts, sample::now());
        assert_eq!((found[0].money, found[0].newest.ticket.number()), (Some(1_000.0), 1), "what is wrong says nothing");
        let found = ranked(&aggregates.accounts, &alerts[..1], sample::now());
        assert_eq!((found[0].money, found[0].newest.ticket.number()), (Some(1_000.0), 2));
        assert_eq!(found[0].alert.unwrap().ticket.number(), 1);
    }
}
