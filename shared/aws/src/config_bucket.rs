//! The customer's files: `policy.json`, `agents.json`, `playbooks.json`, `knowledge_base/*.md`.

use std::{collections::BTreeMap, sync::Arc};

use domain::ports::PortError;

use crate::{
    CACHED, Sdk,
    cached::Cached,
    failure::{sort, unreadable},
};

const SERVICE: &str = "S3";
pub(crate) const POLICY: &str = "policy.json";
pub(crate) const AGENTS: &str = "agents.json";
/// Without it the shipped playbooks hold.
pub(crate) const PLAYBOOKS: &str = "playbooks.json";
const KNOWLEDGE_BASE: &str = "knowledge_base/";
const ARTICLE: &str = ".md";

/// A private bucket with the customer's files.
#[derive(Debug)]
pub struct ConfigBucket {
    client: aws_sdk_s3::Client,
    bucket: String,
    /// Whether the knowledge base is wanted too.
    articles: bool,
    cached: Cached<Arc<Snapshot>>,
}

/// The files as they lay in the bucket at one moment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Snapshot {
    files: BTreeMap<String, File>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct File {
    etag: String,
    text: Arc<str>,
}

impl Snapshot {
    /// What a file says.
    pub(crate) fn file(&self, name: &str) -> Option<&str> {
        self.files.get(name).map(|file| &*file.text)
    }

    /// Name, without folder and extension, and text of each article.
    pub fn articles(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().filter_map(|(key, file)| {
            let name = key.strip_prefix(KNOWLEDGE_BASE)?.strip_suffix(ARTICLE)?;
            Some((name, &*file.text))
        })
    }
}

impl ConfigBucket {
    #[must_use]
    pub fn new(sdk: &Sdk, bucket: String) -> Self {
        Self { client: sdk.s3(), bucket, articles: false, cached: Cached::default() }
    }

    /// With the knowledge base.
    #[must_use]
    pub fn with_articles(self) -> Self {
        Self { articles: true, ..self }
    }

    /// The files, at most 300 s old. The same `Arc` as before where nothing changed.
    ///
    /// # Errors
    /// What S3 says, if there is no earlier snapshot.
    pub async fn snapshot(&self) -> Result<Arc<Snapshot>, PortError> {
        self.cached.get(CACHED, |before| self.fetch(before.unwrap_or_default())).await
    }

    /// Lists the bucket, and gets what is new or has another ETag.
    async fn fetch(&self, before: Arc<Snapshot>) -> Result<Arc<Snapshot>, PortError> {
        let mut files = BTreeMap::new();
        let mut pages = self.client.list_objects_v2().bucket(&self.bucket).into_paginator().send();
        while let Some(page) = pages.next().await {
            for object in page.map_err(|error| sort(SERVICE, error))?.contents.unwrap_or_default() {
                let (Some(key), Some(etag)) = (object.key, object.e_tag) else { continue };
                if self.wants(&key) {
                    let file = match before.files.get(&key).filter(|file| file.etag == etag) {
                        Some(known) => known.clone(),
                        None => File { text: self.get(&key).await?, etag },
                    };
                    files.insert(key, file);
                }
            }
        }
        for required in [POLICY, AGENTS] {
            if !files.contains_key(required) {
                let problem = format!("there is no s3://{}/{required}; copy it there", self.bucket);
                return Err(PortError::transient(SERVICE, problem));
            }
        }
        let snapshot = Snapshot { files };
        Ok(if snapshot == *before { before } else { Arc::new(snapshot) })
    }

    fn wants(&self, key: &str) -> bool {
        let article = key.starts_with(KNOWLEDGE_BASE) && key.ends_with(ARTICLE);
        [POLICY, AGENTS, PLAYBOOKS].contains(&key) || (self.articles && article)
    }

    async fn get(&self, key: &str) -> Result<Arc<str>, PortError> {
        let object = self.client.get_object().bucket(&self.bucket).key(key).send().await;
        let body = object.map_err(|error| sort(SERVICE, error))?.body.collect().await;
        let bytes = body.map_err(|error| PortError::transient(SERVICE, error))?.into_bytes();
        let text = str::from_utf8(&bytes).map_err(|_| unreadable(SERVICE, format_args!("{key} is not UTF-8")))?;
        Ok(text.into())
    }
}
