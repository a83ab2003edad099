//! Where the dashboard is published.

use async_trait::async_trait;

use crate::ports::PortError;

/// One file of the site.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    /// Relative, without `..`.
    pub path: String,
    pub content_type: &'static str,
    pub body: Vec<u8>,
}

/// Pages by their path.
///
/// - [`Site::publish`] replaces a page as a whole: a reader sees the old one or the new one.
/// - [`Site::published`] is what was published last; none where there is no page.
/// - After [`Site::remove`] there is no page. To remove what is not there is no error.
#[async_trait]
pub trait Site: Send + Sync {
    async fn publish(&self, page: &Page) -> Result<(), PortError>;

    async fn published(&self, path: &str) -> Result<Option<Vec<u8>>, PortError>;

    async fn remove(&self, path: &str) -> Result<(), PortError>;
}
