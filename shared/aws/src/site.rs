//! The site bucket: pages, and the messages nobody would take.

use async_trait::async_trait;
use aws_sdk_s3::{operation::get_object::GetObjectError, primitives::ByteStream};
use domain::{
    AlertKey, TicketId,
    ports::{Accepted, Email, Mailer, Outbox, Page, PortError, Site},
};

use crate::{Sdk, failure::sort};

const SERVICE: &str = "S3";

/// Pages in a private bucket, behind CloudFront.
#[derive(Clone, Debug)]
pub struct BucketSite {
    client: aws_sdk_s3::Client,
    bucket: String,
}

impl BucketSite {
    #[must_use]
    pub fn new(sdk: &Sdk, bucket: String) -> Self {
        Self { client: sdk.s3(), bucket }
    }

    async fn put(&self, key: &str, content_type: &str, body: Vec<u8>) -> Result<(), PortError> {
        let request = self.client.put_object().bucket(&self.bucket).key(key).content_type(content_type);
        // Restricted pages belong in no shared cache, and a new one counts at once.
        let request = request.cache_control("private, no-cache").body(ByteStream::from(body));
        request.send().await.map_err(|error| sort(SERVICE, error))?;
        Ok(())
    }
}

#[async_trait]
impl Site for BucketSite {
    async fn publish(&self, page: &Page) -> Result<(), PortError> {
        self.put(&page.path, page.content_type, page.body.clone()).await
    }

    async fn published(&self, path: &str) -> Result<Option<Vec<u8>>, PortError> {
        let object = match self.client.get_object().bucket(&self.bucket).key(path).send().await {
            Ok(object) => object,
            Err(error) if error.as_service_error().is_some_and(GetObjectError::is_no_such_key) => return Ok(None),
            Err(error) => return Err(sort(SERVICE, error)),
        };
        let body = object.body.collect().await.map_err(|error| PortError::transient(SERVICE, error))?;
        Ok(Some(body.into_bytes().into()))
    }

    /// The bucket keeps no versions, and CloudFront no copies: what is deleted is gone.
    async fn remove(&self, path: &str) -> Result<(), PortError> {
        let request = self.client.delete_object().bucket(&self.bucket).key(path);
        request.send().await.map_err(|error| sort(SERVICE, error))?;
        Ok(())
    }
}

/// Messages as pages under `outbox/` of the site. The same message twice is one page.
#[derive(Clone, Debug)]
pub struct BucketOutbox(pub BucketSite);

#[async_trait]
impl Mailer for BucketOutbox {
    async fn send(&self, email: &Email) -> Result<Accepted, PortError> {
        let file = format!("outbox/{}.html", email.name);
        self.0.put(&file, "text/html; charset=utf-8", email.html.clone().into_bytes()).await?;
        Ok(Accepted::Filed { file })
    }
}

#[async_trait]
impl Outbox for BucketOutbox {
    /// By the names that messages about one ticket have: whoever discards may not list or read the bucket.
    async fn discard(&self, ticket: TicketId) -> Result<(), PortError> {
        let BucketSite { client, bucket } = &self.0;
        let discards = AlertKey::of(ticket).map(|key| {
            let file = format!("outbox/{}-{}-{}.html", ticket.number(), key.kind, key.band);
            client.delete_object().bucket(bucket).key(file).send()
        });
        futures::future::try_join_all(discards).await.map_err(|error| sort(SERVICE, error))?;
        Ok(())
    }
}
