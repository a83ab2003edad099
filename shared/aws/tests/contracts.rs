//! Every adapter against the local cloud: `python3 infra/local-cloud test` deploys the template and runs these.
//!
//! Each test gets tables of its own, with the keys and indexes of those the template made.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use aws::{
    BucketOutbox, BucketSettings, BucketSite, ConfigBucket, ControlTable, ParameterSecrets, Parameters, Sdk, SesMailer,
    SqsQueue, TicketTable, lambda,
};
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_dynamodb::types::{BillingMode, GlobalSecondaryIndex};
use aws_sdk_sqs::types::QueueAttributeName;
use domain::{
    AuditEntry, TicketId,
    ports::{
        Accepted, Claim, Lease, PortError, Queue, Records, Settings, SigningSecrets, TicketLog,
        contract::{
            Spawn, alert_log, audit, control, conversations, cursors, eraser, follow_ups, mailer, queue, records,
            settings, site, threads, ticket_log,
        },
    },
    sample,
};
use jiff::SignedDuration;
use runtime::config::{Defaults, Reader, Variables};

const ON_THREADS: Spawn<'_, bool> = &|task| Box::pin(async { tokio::spawn(task).await.unwrap() });
const RETENTION: SignedDuration = SignedDuration::from_hours(30 * 24);

fn variable(name: &str) -> String {
    lambda::variable(name).unwrap_or_else(|| panic!("{name} is not set; run this with python3 infra/local-cloud test"))
}

/// A configuration of its own, to look behind the adapters.
async fn plain() -> SdkConfig {
    let http = aws_smithy_http_client::Builder::new().build_http();
    aws_config::defaults(BehaviorVersion::latest()).http_client(http).load().await
}

/// An empty table like the one the template made.
async fn table_like(variable_name: &str) -> String {
    static TABLES: AtomicU32 = AtomicU32::new(0);
    let client = aws_sdk_dynamodb::Client::new(&plain().await);
    let model = client.describe_table().table_name(variable(variable_name)).send().await.unwrap().table.unwrap();
    let name = format!("contract-{}-{}", std::process::id(), TABLES.fetch_add(1, Ordering::Relaxed));
    let indexes = model.global_secondary_indexes.unwrap_or_default().into_iter().map(|index| {
        GlobalSecondaryIndex::builder()
            .set_index_name(index.index_name)
            .set_key_schema(index.key_schema)
            .set_projection(index.projection)
            .build()
            .unwrap()
    });
    let indexes: Vec<_> = indexes.collect();
    client
        .create_table()
        .table_name(&name)
        .set_key_schema(model.key_schema)
        .set_attribute_definitions(model.attribute_definitions)
        .set_global_secondary_indexes(Some(indexes).filter(|indexes| !indexes.is_empty()))
        .billing_mode(BillingMode::PayPerRequest)
        .send()
        .await
        .unwrap();
    name
}

async fn tickets() -> TicketTable {
    TicketTable::new(&Sdk::from_env().await, table_like("TICKETS_TABLE").await, RETENTION)
}

async fn control_table() -> ControlTable {
    ControlTable::new(&Sdk::from_env().await, table_like("CONTROL_TABLE").await)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the local cloud"]
async fn the_ticket_log() {
    ticket_log::a_late_worker_cannot_overwrite(&tickets().await).await;
    ticket_log::finish_and_release_free_the_ticket(&tickets().await).await;
    for _ in 0..3 {
        ticket_log::one_of_many_claims_wins(Arc::new(tickets().await), ON_THREADS).await;
    }
}

#[tokio::test]
#[ignore = "needs the local cloud"]
async fn a_reading_is_remembered_and_dies_with_the_triage() {
    let log = tickets().await;
    let now = sample::now();
    let lease = Lease { ticket: sample::ticket_id(1), owner: "a".into(), until: now + SignedDuration::from_secs(10) };
    log.claim(&lease, now).await.unwrap();
    let record = sample::record(1, "Acme", now);
    let state = domain::TicketState {
        reading: Some(Box::new((record.version, sample::reading()))),
        ..domain::TicketState::default()
    };
    log.save(&lease, &state, &[]).await.unwrap();
    log.release(&lease).await.unwrap();
    assert_eq!(log.claim(&lease, now).await.unwrap(), Claim::Mine(Box::new(state.clone())));
    let Claim::Mine(later) = log.claim(&lease, now + RETENTION + RETENTION).await.unwrap() else { panic!() };
    assert_eq!(later.reading, None, "text is gone after the retention");
    let done = domain::TicketState { done: Some(record.version), ..domain::TicketState::default() };
    log.finish(&lease, &done, &record, now + RETENTION, &[]).await.unwrap();
    assert_eq!(log.claim(&lease, now).await.unwrap(), Claim::Mine(Box::new(done)));
}

#[tokio::test]
#[ignore = "needs the local cloud"]
async fn the_records() {
    records::a_ticket_counts_once(&tickets().await).await;
    records::the_past_belongs_to_the_account(&tickets().await).await;
    records::the_expired_is_gone(&tickets().await).await;
    records::corrections_stand_on_their_day(&tickets().await).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the local cloud"]
async fn the_alert_log() {
    alert_log::an_alert_is_opened_once_and_settled_once(&tickets().await).await;
    alert_log::a_late_deliverer_settles_nothing(&tickets().await).await;
    alert_log::a_held_alert_can_be_digested(&tickets().await).await;
    alert_log::only_what_reached_nobody_is_opened_again(&tickets().await).await;
    alert_log::an_earlier_deliverer_is_remembered(&tickets().await).await;
    for _ in 0..3 {
        alert_log::one_of_many_takers_wins(Arc::new(tickets().await), ON_THREADS).await;
    }
}

/// A table of its own and a look behind it.
struct Audited {
    log: TicketTable,
    table: String,
}

impl Audited {
    async fn new() -> Self {
        let table = table_like("TICKETS_TABLE").await;
        Self { log: TicketTable::new(&Sdk::from_env().await, table.clone(), RETENTION), table }
    }
}

#[async_trait]
impl audit::Reader for Audited {
    /// In the order of their keys. The time is the sample's, as the key says.
    async fn entries(&self, ticket: TicketId) -> Vec<AuditEntry> {
        let client = aws_sdk_dynamodb::Client::new(&plain().await);
        let found = client.scan().table_name(&self.table).send().await.unwrap();
        let of = |item: &std::collections::HashMap<_, aws_sdk_dynamodb::types::AttributeValue>, name: &str| {
            item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default()
        };
        let prefix = "AUDIT#2026-11-16T09:00:00.000000000Z#";
        let ours = found
            .items()
            .iter()
            .filter(|item| of(item, "pk") == format!("T#{}", ticket.number()) && of(item, "sk").starts_with(prefix));
        let mut keyed: Vec<(String, AuditEntry)> = ours
            .map(|item| {
                let entry = AuditEntry {
                    at: sample::now(),
                    ticket,
                    action: of(item, "audit_action").parse().unwrap(),
                    target: of(item, "audit_target").into(),
                    outcome: of(item, "audit_outcome").into(),
                };
                (of(item, "sk"), entry)
            })
            .collect();
        keyed.sort_by(|a, b| a.0.cmp(&b.0));
        keyed.into_iter().map(|(_, entry)| entry).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the local cloud"]
async fn the_audit() {
    let audited = Audited::new().await;
    audit::every_entry_is_kept_in_order(&audited.log, &audited).await;
    let audited = Audited::new().await;
    audit::a_change_and_its_entry_are_one_write(&audited.log, &audited).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the local cloud"]
async fn the_follow_ups() {
    let audited = Audited::new().await;
    follow_ups::a_change_needs_the_revision_it_saw(&audited.log, &audited).await;
    follow_ups::delivery_and_follow_up_leave_each_other_alone(&tickets().await).await;
    for _ in 0..3 {
        follow_ups::one_of_many_people_has_it(Arc::new(tickets().await), ON_THREADS).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the local cloud"]
async fn the_eraser() {
    let audited = Audited::new().await;
    eraser::what_came_from_text_is_gone(&audited.log, &audited).await;
    eraser::a_ticket_nobody_knew_is_remembered(&tickets().await).await;
    eraser::only_the_owner_erases(&tickets().await).await;
    for _ in 0..3 {
        eraser::an_alert_on_its_way_is_sent_or_erased(Arc::new(tickets().await), ON_THREADS).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the local cloud"]
async fn the_control() {
    control::an_amount_comes_back(&control_table().await).await;
    control::an_amount_of_zero_only_asks(&control_table().await).await;
    control::work_is_leased_to_one_at_a_time(&control_table().await).await;
    for _ in 0..3 {
        control::a_count_never_passes_its_limit(Arc::new(control_table().await), ON_THREADS).await;
        control::one_of_many_leases_wins(Arc::new(control_table().await), ON_THREADS).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the local cloud"]
async fn the_cursors() {
    cursors::nobody_goes_back(&control_table().await).await;
    cursors::one_of_many_writers_goes_on(Arc::new(control_table().await), ON_THREADS).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the local cloud"]
async fn the_conversations() {
    conversations::a_conversation_goes_on_over_what_was_seen(&control_table().await).await;
    conversations::one_of_many_goes_on(Arc::new(control_table().await), ON_THREADS).await;
}

#[tokio::test]
#[ignore = "needs the local cloud"]
async fn the_threads() {
    threads::a_conversation_ends(&control_table().await).await;
}

/// What an event source mapping would do.
struct Receiving {
    client: aws_sdk_sqs::Client,
    url: String,
}

#[async_trait]
impl queue::Receiver for Receiving {
    async fn receive(&self) -> Vec<(String, String)> {
        let answer =
            self.client.receive_message().queue_url(&self.url).max_number_of_messages(10).send().await.unwrap();
        let message = |message: aws_sdk_sqs::types::Message| (message.body.unwrap(), message.receipt_handle.unwrap());
        answer.messages.unwrap_or_default().into_iter().map(message).collect()
    }

    async fn wait(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

#[tokio::test]
#[ignore = "needs the local cloud"]
async fn the_queue() {
    let client = aws_sdk_sqs::Client::new(&plain().await);
    let create = client.create_queue().queue_name(format!("contract-{}", std::process::id()));
    let url = create.attributes(QueueAttributeName::VisibilityTimeout, "60").send().await.unwrap().queue_url.unwrap();
    let queue = SqsQueue::new(&Sdk::from_env().await, url.clone());
    queue::delay_and_defer(&queue, &Receiving { client, url }).await;
    let missing = SqsQueue::new(&Sdk::from_env().await, "http://localhost/000000000000/missing".to_owned());
    assert!(missing.send("x", Duration::ZERO).await.is_err());
    assert!(matches!(queue.defer("no receipt", Duration::ZERO).await, Err(PortError::Permanent { .. })));
}

#[tokio::test]
#[ignore = "needs the local cloud"]
async fn the_mailer() {
    let sdk = Sdk::from_env().await;
    let from = |sender: &str| SesMailer::new(&sdk, sender.parse().unwrap(), variable("CONFIGURATION_SET"));
    let taken = mailer::a_message_is_taken_each_time(&from("triage@example.com"), "kam@example.com").await;
    assert!(matches!(taken, Accepted::Sent { .. }));
    mailer::a_refusal_of_ours_is_denied(&from("triage@unverified.example"), "kam@example.com").await;
}

/// A reader of the bucket, past the gate.
struct Visiting(aws_sdk_s3::Client);

#[async_trait]
impl site::Visitor for Visiting {
    async fn visit(&self, path: &str) -> Option<Vec<u8>> {
        let object = self.0.get_object().bucket(variable("SITE_BUCKET")).key(path).send().await.ok()?;
        assert_eq!(object.cache_control(), Some("private, no-cache"));
        Some(object.body.collect().await.unwrap().to_vec())
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the local cloud"]
async fn the_site_and_the_outbox() {
    let sdk = Sdk::from_env().await;
    let bucket = BucketSite::new(&sdk, variable("SITE_BUCKET"));
    let config = aws_sdk_s3::config::Builder::from(&plain().await).force_path_style(true).build();
    let visitor = Visiting(aws_sdk_s3::Client::from_conf(config));
    site::a_page_replaces_the_one_before(&bucket, &visitor).await;
    site::a_removed_page_is_gone(&bucket, &visitor).await;
    site::one_of_many_publishers_is_last(Arc::new(bucket.clone()), &visitor, ON_THREADS).await;
    let taken = mailer::a_message_is_taken_each_time(&BucketOutbox(bucket), "kam@example.com").await;
    let Accepted::Filed { file } = taken else { panic!("filed") };
    assert_eq!(file, "outbox/1001-guardian-critical.html");
    assert_eq!(site::Visitor::visit(&visitor, &file).await.unwrap(), b"<p>At risk</p>");
    let outbox = BucketOutbox(BucketSite::new(&sdk, variable("SITE_BUCKET")));
    let (left, gone) = eraser::messages_are_discarded_by_ticket(&outbox).await;
    for (files, exist) in [(left, true), (gone, false)] {
        for file in files {
            assert_eq!(site::Visitor::visit(&visitor, &file).await.is_some(), exist, "{file}");
        }
    }
}

#[tokio::test]
#[ignore = "needs the local cloud"]
async fn the_secrets_and_parameters() {
    let sdk = Sdk::from_env().await;
    let secrets = ParameterSecrets::new(&sdk, variable("WEBHOOK_SECRET_PARAMETER"));
    assert_eq!(settings::there_is_always_a_secret(&secrets).await, [variable("WEBHOOK_SECRET")]);
    assert!(Parameters::new(&sdk).get("/nobody/made/this").await.unwrap().is_none());
    let missing = ParameterSecrets::new(&sdk, "/nobody/made/this".to_owned());
    let error = missing.secrets().await.unwrap_err();
    assert!(matches!(error, PortError::Transient { .. }), "create it and it works");
}

#[tokio::test]
#[ignore = "needs the local cloud"]
async fn the_settings_and_the_customers_files() {
    let sdk = Sdk::from_env().await;
    let bucket = Arc::new(ConfigBucket::new(&sdk, variable("CONFIG_BUCKET")).with_articles());
    let snapshot = bucket.snapshot().await.unwrap();
    let names: Vec<&str> = snapshot.articles().map(|(name, _)| name).collect();
    assert!(names.len() > 5 && names.iter().all(|name| !name.contains('/') && !name.ends_with(".md")), "{names:?}");
    assert!(Arc::ptr_eq(&snapshot, &bucket.snapshot().await.unwrap()));
    let variables = Variables::read(Reader::new(|_| None), &Defaults::laptop()).unwrap();
    let of = |mode| BucketSettings::new(&sdk, bucket.clone(), mode, variables.clone());
    let policy = settings::everybody_gets_the_same_policy(&of(variable("SWITCHES"))).await;
    assert_eq!(policy.mode, domain::Mode::Suggest);
    let untouched = of("/nobody/made/this".to_owned()).policy().await.unwrap();
    assert_eq!((untouched.mode, untouched.auto_reply, untouched.delivery), (domain::Mode::Shadow, false, true));
    let empty = Arc::new(ConfigBucket::new(&sdk, variable("SITE_BUCKET")));
    let PortError::Transient { cause, .. } = empty.snapshot().await.unwrap_err() else { panic!("copy it there") };
    assert!(cause.to_string().contains("policy.json"), "{cause}");
}

#[tokio::test]
#[ignore = "needs the local cloud"]
async fn a_table_that_is_not_there_is_transient() {
    let log = TicketTable::new(&Sdk::from_env().await, "nobody-made-this".to_owned(), RETENTION);
    assert!(matches!(log.record(sample::ticket_id(1), sample::now()).await, Err(PortError::Transient { .. })));
}
