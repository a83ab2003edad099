//! What the report runs on: AWS, or memory under `sam local`.

use std::sync::Arc;

use aws::{
    Articles, BucketSite, Deployment, Sdk,
    lambda::{self, Source, variable},
};
use lambda_runtime::Error;
use memory::{Bundled, FixedConfiguration};
use report::{Acting, Metrics, PAGE_BY_ROLE, Reporting, Window};
use runtime::Invocation;

pub(crate) struct Function(Reporting);

impl lambda::Function for Function {
    /// Whatever the schedule or a changed alert sends, there is one thing to do.
    type Event = serde_json::Value;
    type Answer = Metrics;

    async fn deployed(source: Source, sdk: Sdk) -> Result<Self, Error> {
        let mut environment = lambda::environment(&source);
        let site = environment.required("SITE_BUCKET");
        let followup: Option<String> = environment.optional("FOLLOWUP_URL");
        let signed_in: Option<String> = environment.optional("IDENTITY");
        let deployment = Deployment::new(environment, sdk, Articles::Left)?;
        deployment.warm().await?;
        Ok(Self(Reporting {
            configuration: deployment.settings,
            records: deployment.log.clone(),
            alerts: deployment.log,
            site: Arc::new(BucketSite::new(&deployment.sdk, site)),
            pages: PAGE_BY_ROLE,
            acting: match (signed_in.as_deref(), followup) {
                // On the dashboard's own address, where the session is known.
                (Some("oidc"), Some(_)) => Acting::SignedIn { followup: "/followup".to_owned() },
                (_, Some(followup)) => Acting::ByMail { followup },
                (_, None) => Acting::Nowhere,
            },
        }))
    }

    fn embedded() -> Result<Self, Error> {
        let bundled = Bundled::new(lambda::scratch(), variable)?;
        Ok(Self(Reporting {
            configuration: Arc::new(FixedConfiguration(bundled.config)),
            records: bundled.log.clone(),
            alerts: bundled.log,
            site: bundled.site,
            pages: PAGE_BY_ROLE,
            acting: Acting::Nowhere,
        }))
    }

    async fn handle(&self, _: Self::Event, invocation: &Invocation) -> Result<Self::Answer, Error> {
        let window = Window::last_30_days(invocation.now);
        let aggregates = report::handle(&self.0, window, invocation.now).await?;
        Ok(Metrics::of(&aggregates, &self.0.configuration.config().await?.policy.teams))
    }
}
