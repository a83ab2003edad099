//! Conversations in a chat.

use jiff::SignedDuration;

use crate::{
    Band,
    ports::{Thread, Threads},
    sample,
};

/// What was kept last stands until it ends, under its own name.
pub async fn a_conversation_ends(threads: &impl Threads) {
    let at = |minutes| sample::now() + SignedDuration::from_mins(minutes);
    let thread = |message: &str, band, minutes| Thread { message: message.into(), band, until: at(minutes) };
    assert_eq!(threads.thread("C1/Acme", at(0)).await.unwrap(), None);
    let first = thread("1.1", Band::Elevated, 60);
    threads.keep("C1/Acme", &first).await.unwrap();
    assert_eq!(threads.thread("C1/Acme", at(59)).await.unwrap(), Some(first.clone()));
    assert_eq!(threads.thread("C1/Acme", at(60)).await.unwrap(), None, "its time is over");
    assert_eq!(threads.thread("C1/Bolt", at(0)).await.unwrap(), None);
    let worse = Thread { band: Band::Critical, ..first };
    threads.keep("C1/Acme", &worse).await.unwrap();
    assert_eq!(threads.thread("C1/Acme", at(1)).await.unwrap(), Some(worse));
}
