//! Texts by name, written over what was read.

use std::sync::Arc;

use futures::future::join_all;

use super::Spawn;
use crate::ports::{Cursor, Cursors, Moved};

/// Whoever read an older revision writes nothing; a repeated write is no other.
pub async fn nobody_goes_back(cursors: &impl Cursors) {
    let set = async |text, read| cursors.set("sweep", text, read).await.unwrap();
    let get = async || cursors.get("sweep").await.unwrap();
    assert_eq!(get().await, None);
    assert_eq!(set("one", Some(1)).await, Moved::Overtaken, "over a revision that never was");
    assert_eq!(set("one", None).await, Moved::Written);
    let first = get().await.unwrap();
    assert_eq!(first.text, "one");
    assert_eq!(set("one", None).await, Moved::Written, "its first answer was lost");
    assert_eq!(get().await, Some(first.clone()), "and it was not written twice");
    assert_eq!(set("late", None).await, Moved::Overtaken);
    assert_eq!(set("two", Some(first.revision)).await, Moved::Written);
    assert_eq!(set("late", Some(first.revision)).await, Moved::Overtaken);
    assert_eq!(get().await, Some(Cursor { text: "two".to_owned(), revision: first.revision + 1 }));
    assert_eq!(cursors.get("other").await.unwrap(), None, "names are apart");
    assert_eq!(cursors.set("other", "one", None).await.unwrap(), Moved::Written);
}

/// Of many writers at once one goes on.
pub async fn one_of_many_writers_goes_on(cursors: Arc<impl Cursors + 'static>, spawn: Spawn<'_, bool>) {
    let writes = (0..64).map(|writer| {
        let cursors = cursors.clone();
        spawn(Box::pin(async move {
            cursors.set("race", &format!("writer-{writer}"), None).await.unwrap() == Moved::Written
        }))
    });
    assert_eq!(join_all(writes).await.into_iter().filter(|written| *written).count(), 1);
}
