//! Walking a stretch of changes.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    TicketId,
    ports::{Changed, Feed, Stretch, feed::PAGE},
};

/// More pages than any contract's adapter holds.
const ENDLESS: usize = 100;

/// Every ticket that a walk from `since` names, with the last that was said of it.
///
/// # Panics
/// A walk without end, or a page that is too long.
pub async fn walk(feed: &impl Feed, since: Timestamp) -> BTreeMap<TicketId, Changed> {
    let mut stretch = Stretch { since, page: None };
    let mut named = BTreeMap::new();
    for _ in 0..ENDLESS {
        let changes = feed.changes(&stretch).await.unwrap();
        assert!(changes.changed.len() <= PAGE);
        named.extend(changes.changed.into_iter().map(|changed| (changed.ticket, changed)));
        match changes.next {
            Some(next) => stretch.page = Some(next),
            None => return named,
        }
    }
    panic!("the walk has no end");
}

/// All that changed since is named, and nothing that did not. The adapter must hold more than a page of tickets, some
/// changed before `since` and some later.
pub async fn a_walk_names_what_changed(feed: &impl Feed, since: Timestamp, later: &[TicketId]) {
    let named = walk(feed, since).await;
    let mut expected = later.to_vec();
    expected.sort_unstable();
    assert!(expected.len() > PAGE);
    assert_eq!(named.keys().copied().collect::<Vec<_>>(), expected);
    assert!(named.values().all(|changed| changed.updated_at >= since && changed.created_at <= changed.updated_at));
}

/// The newest words of a customer are those a triage would see. The adapter must hold `known` and not `unknown`.
pub async fn the_newest_comment_is_the_customers(feed: &impl Feed, known: TicketId, unknown: TicketId) {
    assert!(feed.newest_customer_comment(known).await.unwrap().is_some());
    assert_eq!(feed.newest_customer_comment(unknown).await.unwrap(), None);
}
