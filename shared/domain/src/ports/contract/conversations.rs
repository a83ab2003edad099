//! Conversations by mail.

use std::sync::Arc;

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::Spawn;
use crate::{
    Conversation,
    conversation::Said,
    ports::{Conversations, Fenced},
    sample,
};

fn at(minutes: i64) -> Timestamp {
    sample::now() + SignedDuration::from_mins(minutes)
}

/// Opened by the sample alert of that number, for an hour.
fn opened(number: u64, revision: i64) -> Conversation {
    let said = Said::of(&sample::alert(number), at(0));
    Conversation { opened_by: said.alert, said: vec![said], until: at(60), revision }
}

/// What goes on is what was stored last, over what was seen, until it ends or is erased.
pub async fn a_conversation_goes_on_over_what_was_seen(conversations: &impl Conversations) {
    let stored = async |name: &str, minute| conversations.conversation(name, at(minute)).await.unwrap();
    let go_on = async |name: &str, seen: Option<&Conversation>, next: &Conversation, minute| {
        conversations.go_on(name, seen, next, at(minute)).await.unwrap()
    };
    let first = opened(1, 100);
    let second = Conversation { until: at(90), revision: 101, ..opened(1, 0) };
    assert_eq!(stored("a", 0).await, None);
    assert_eq!(go_on("a", Some(&first), &second, 0).await, Fenced::Lost, "there is none");
    assert_eq!(go_on("a", None, &first, 0).await, Fenced::Written);
    assert_eq!(stored("a", 59).await, Some(first.clone()));
    assert_eq!(stored("b", 0).await, None, "another name");
    assert_eq!(go_on("a", None, &opened(2, 102), 59).await, Fenced::Lost, "one goes on");
    assert_eq!(go_on("a", Some(&first), &second, 1).await, Fenced::Written);
    assert_eq!(go_on("a", Some(&first), &second, 1).await, Fenced::Lost, "no longer what was seen");
    assert_eq!((stored("a", 89).await, stored("a", 90).await), (Some(second.clone()), None));
    let later = Conversation { until: at(200), revision: 200, ..opened(3, 0) };
    assert_eq!(go_on("a", None, &later, 90).await, Fenced::Written, "the one before has ended");
    assert_eq!(go_on("a", Some(&second), &first, 90).await, Fenced::Lost);
    assert_eq!(stored("a", 90).await, Some(later.clone()));
    for _ in 0..2 {
        conversations.erase("a").await.unwrap();
    }
    assert_eq!(stored("a", 91).await, None);
    let next = Conversation { revision: 201, ..later.clone() };
    assert_eq!(go_on("a", Some(&later), &next, 91).await, Fenced::Lost, "erased since it was seen");
    assert_eq!(go_on("a", None, &next, 91).await, Fenced::Written);
}

/// Of many that saw the same exactly one goes on, whether there was a conversation or not.
pub async fn one_of_many_goes_on(conversations: Arc<impl Conversations + 'static>, spawn: Spawn<'_, bool>) {
    let mut seen = None;
    for round in 0..2 {
        let calls = (0..32).map(|number: u64| {
            let (conversations, seen) = (conversations.clone(), seen.clone());
            let next = opened(number + 1, 100 + round);
            spawn(Box::pin(async move {
                let went_on = conversations.go_on("race", seen.as_ref(), &next, at(0)).await.unwrap();
                went_on == Fenced::Written
            }))
        });
        assert_eq!(join_all(calls).await.into_iter().filter(|won| *won).count(), 1, "round {round}");
        seen = conversations.conversation("race", at(0)).await.unwrap();
    }
}
