//! A site as a folder.

use std::{
    io::ErrorKind,
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use domain::ports::{Page, PortError, Site};

use crate::private;

/// Two publishers of one page must not write into the same draft.
static DRAFTS: AtomicU64 = AtomicU64::new(0);

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
        let number = DRAFTS.fetch_add(1, Ordering::Relaxed);
        let draft = self.folder.join(format!("{}.{}-{number}.part", page.path, std::process::id()));
        place
            .parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| private::write(&draft, &page.body))
            .and_then(|()| std::fs::rename(&draft, &place))
            .map_err(failed)
    }

    async fn published(&self, path: &str) -> Result<Option<Vec<u8>>, PortError> {
        found(std::fs::read(self.folder.join(path)))
    }

    async fn remove(&self, path: &str) -> Result<(), PortError> {
        found(std::fs::remove_file(self.folder.join(path))).map(|_| ())
    }
}

fn found<T>(result: std::io::Result<T>) -> Result<Option<T>, PortError> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

fn failed(error: std::io::Error) -> PortError {
    PortError::permanent("site folder", error)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::ports::contract::site as contract;

    use super::*;

    #[async_trait]
    impl contract::Visitor for SiteDirectory {
        async fn visit(&self, path: &str) -> Option<Vec<u8>> {
            std::fs::read(self.folder.join(path)).ok()
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn it_keeps_the_contract() {
        let folder = tempfile::tempdir().unwrap();
        let site = Arc::new(SiteDirectory::new(folder.path().to_owned()));
        contract::a_page_replaces_the_one_before(&*site, &*site).await;
        contract::a_removed_page_is_gone(&*site, &*site).await;
        contract::one_of_many_publishers_is_last(site.clone(), &*site, &|task| {
            Box::pin(async { tokio::spawn(task).await.unwrap() })
        })
        .await;
        let left = std::fs::read_dir(folder.path().join("contract")).unwrap();
        let names = left.map(|file| file.unwrap().file_name().into_string().unwrap());
        assert!(names.into_iter().all(|name| !name.ends_with(".part")), "a draft is left");
    }
}
