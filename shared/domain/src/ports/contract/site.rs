//! Publishing pages.

use std::sync::Arc;

use async_trait::async_trait;
use futures::future::join_all;

use super::Spawn;
use crate::ports::{Page, Site};

/// Who reads the site.
#[async_trait]
pub trait Visitor: Send + Sync {
    /// The page as it is now; none if there is none.
    async fn visit(&self, path: &str) -> Option<Vec<u8>>;
}

fn page(path: &str, body: &[u8]) -> Page {
    Page { path: path.into(), content_type: "text/html", body: body.into() }
}

/// The newest page counts, and one path does not touch another.
pub async fn a_page_replaces_the_one_before(site: &impl Site, visitor: &impl Visitor) {
    for body in [&b"a first page, longer than what follows"[..], b"second", b""] {
        site.publish(&page("contract/index.html", body)).await.unwrap();
        site.publish(&page("contract/deeper/index.html", b"other")).await.unwrap();
        assert_eq!(visitor.visit("contract/index.html").await.as_deref(), Some(body));
        assert_eq!(site.published("contract/index.html").await.unwrap().as_deref(), Some(body));
    }
    assert_eq!(visitor.visit("contract/deeper/index.html").await.as_deref(), Some(&b"other"[..]));
    assert_eq!(visitor.visit("contract/missing.html").await, None);
}

/// A page that was removed is gone, alone, and may be published again.
pub async fn a_removed_page_is_gone(site: &impl Site, visitor: &impl Visitor) {
    for path in ["contract/gone.html", "contract/left.html"] {
        site.publish(&page(path, b"here")).await.unwrap();
    }
    for _ in 0..2 {
        site.remove("contract/gone.html").await.unwrap();
        assert_eq!(visitor.visit("contract/gone.html").await, None);
        assert_eq!(site.published("contract/gone.html").await.unwrap(), None);
    }
    assert_eq!(site.published("contract/left.html").await.unwrap().as_deref(), Some(&b"here"[..]));
    site.remove("contract/never/there.html").await.unwrap();
    site.publish(&page("contract/gone.html", b"again")).await.unwrap();
    assert_eq!(visitor.visit("contract/gone.html").await.as_deref(), Some(&b"again"[..]));
}

/// Of many publishers at once each succeeds, and one page is there as a whole.
pub async fn one_of_many_publishers_is_last(
    site: Arc<impl Site + 'static>,
    visitor: &impl Visitor,
    spawn: Spawn<'_, bool>,
) {
    let publishers = (0..16u8).map(|letter| {
        let site = site.clone();
        spawn(Box::pin(async move {
            site.publish(&page("contract/race.html", &[b'a' + letter; 100_000])).await.unwrap();
            true
        }))
    });
    join_all(publishers).await;
    let body = visitor.visit("contract/race.html").await.unwrap();
    assert_eq!(body.len(), 100_000);
    assert!(body.iter().all(|letter| *letter == body[0]), "a mixture of two pages");
}
