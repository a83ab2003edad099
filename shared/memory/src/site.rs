//! A site as a folder.

use std::path::PathBuf;

use async_trait::async_trait;
use domain::ports::{Page, PortError, Site};

use crate::private;

#[derive(Debug)]
pub struct SiteDirectory {
    folder: PathBuf,
}

impl SiteDirectory {
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }
}

#[async_trait]
impl Site for SiteDirectory {
    /// Written beside its place and moved there, so that a reader sees the old page or the new one.
    async fn publish(&self, page: &Page) -> Result<(), PortError> {
        let place = self.folder.join(&page.path);
        let draft = self.folder.join(format!("{}.part", page.path));
        place
            .parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| private::write(&draft, &page.body))
            .and_then(|()| std::fs::rename(&draft, &place))
            .map_err(|error| PortError::permanent("site folder", error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_page_replaces_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let site = SiteDirectory::new(folder.path().to_owned());
        for body in ["first", "second"] {
            let page = Page { path: "days/index.html".into(), content_type: "text/html", body: body.into() };
            site.publish(&page).await.unwrap();
            assert_eq!(std::fs::read_to_string(folder.path().join("days/index.html")).unwrap(), body);
        }
        assert_eq!(std::fs::read_dir(folder.path().join("days")).unwrap().count(), 1, "no draft is left");
    }
}
