//! Claims, fenced writes and what they leave behind.

use std::sync::Arc;

use futures::future::join_all;
use jiff::SignedDuration;

use super::Spawn;
use crate::{
    TicketState,
    ports::{Claim, Fenced, Lease, Records, TicketLog},
    sample,
};

fn lease(owner: &str, seconds: i64) -> Lease {
    Lease {
        ticket: sample::ticket_id(1),
        owner: owner.to_owned(),
        until: sample::now() + SignedDuration::from_secs(seconds),
    }
}

/// Two workers, one ticket: the second waits until the lease is over, and then the first can write no more.
pub async fn a_late_worker_cannot_overwrite(log: &(impl TicketLog + Records)) {
    let (first, second) = (lease("first", 10), lease("second", 30));
    let now = sample::now();
    assert_eq!(log.claim(&first, now).await.unwrap(), Claim::Mine(Box::default()));
    assert_eq!(log.claim(&first, now).await.unwrap(), Claim::Mine(Box::default()), "its first answer was lost");
    assert_eq!(log.claim(&second, now).await.unwrap(), Claim::Theirs { until: first.until });
    let state = TicketState {
        corrections: vec![crate::plan::Correction { field: "priority".into(), ours: "P1".into(), theirs: "P3".into() }],
        ..TicketState::default()
    };
    assert_eq!(log.save(&first, &state, &[]).await.unwrap(), Fenced::Written);

    let later = first.until;
    let Claim::Mine(seen) = log.claim(&second, later).await.unwrap() else { panic!("the lease is over") };
    assert_eq!(*seen, state, "saved progress is in the next claim");
    let record = sample::record(1, "Acme", now);
    let expires = now + SignedDuration::from_hours(1);
    assert_eq!(log.save(&first, &TicketState::default(), &[]).await.unwrap(), Fenced::Lost);
    assert_eq!(log.finish(&first, &TicketState::default(), &record, expires, &[]).await.unwrap(), Fenced::Lost);
    log.release(&first).await.unwrap();
    assert_eq!(log.record(record.ticket, later).await.unwrap(), None, "a lost finish stores nothing");
    assert_eq!(
        log.claim(&lease("third", 40), later).await.unwrap(),
        Claim::Theirs { until: second.until },
        "a lost release frees nothing"
    );
}

/// A finished or released ticket can be claimed at once, with its state.
pub async fn finish_and_release_free_the_ticket(log: &(impl TicketLog + Records)) {
    let now = sample::now();
    let record = sample::record(1, "Acme", now);
    let state = TicketState { done: Some(record.version), answered: Some(record.version), ..TicketState::default() };
    let (first, second, third) = (lease("first", 10), lease("second", 10), lease("third", 10));
    log.claim(&first, now).await.unwrap();
    let expires = now + SignedDuration::from_hours(1);
    assert_eq!(log.finish(&first, &state, &record, expires, &[]).await.unwrap(), Fenced::Written);
    assert_eq!(log.record(record.ticket, now).await.unwrap(), Some(record));
    assert_eq!(log.claim(&second, now).await.unwrap(), Claim::Mine(Box::new(state.clone())));
    log.release(&second).await.unwrap();
    assert_eq!(log.claim(&third, now).await.unwrap(), Claim::Mine(Box::new(state)));
}

/// Of many claims at once exactly one wins.
pub async fn one_of_many_claims_wins(log: Arc<impl TicketLog + 'static>, spawn: Spawn<'_, bool>) {
    let claims = (0..64).map(|worker| {
        let log = log.clone();
        spawn(Box::pin(async move {
            let lease = lease(&format!("worker-{worker}"), 10);
            matches!(log.claim(&lease, sample::now()).await.unwrap(), Claim::Mine(_))
        }))
    });
    assert_eq!(join_all(claims).await.into_iter().filter(|won| *won).count(), 1);
}
