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

/// Replaces a page as a whole: a reader sees the old one or the new one.
#[async_trait]
pub trait Site: Send + Sync {
    async fn publish(&self, page: &Page) -> Result<(), PortError>;
}
