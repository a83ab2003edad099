//! What the report runs on: AWS, or memory under `sam local`.

use std::{error::Error, sync::Arc};

use aws::{
    BucketSettings, BucketSite, ConfigBucket, Sdk, TicketTable,
    lambda::{self, Backend, variable},
};
use memory::Bundled;
use report::{PAGE_BY_ROLE, Reporting};

pub(crate) async fn build() -> Result<Reporting, Box<dyn Error>> {
    if lambda::backend(variable)? == Backend::Embedded {
        let Bundled { settings, log, site, config, .. } = Bundled::new(lambda::scratch(), variable)?;
        let (records, alerts) = (log.clone(), log);
        return Ok(Reporting { settings, records, alerts, site, fields: config.fields, pages: PAGE_BY_ROLE });
    }
    let mut environment = lambda::environment();
    let bucket = environment.required("CONFIG_BUCKET");
    let mode = environment.required("MODE_PARAMETER");
    let tickets = environment.required("TICKETS_TABLE");
    let site = environment.required("SITE_BUCKET");
    environment.finish()?;
    let sdk = Sdk::from_env().await;
    let bucket = Arc::new(ConfigBucket::new(&sdk, bucket));
    let settings = Arc::new(BucketSettings::new(&sdk, bucket, mode, variable));
    let config = settings.config().await?;
    let log = Arc::new(TicketTable::new(&sdk, tickets, config.policy.retention));
    Ok(Reporting {
        settings,
        records: log.clone(),
        alerts: log,
        site: Arc::new(BucketSite::new(&sdk, site)),
        fields: config.fields,
        pages: PAGE_BY_ROLE,
    })
}
