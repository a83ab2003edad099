//! What alerting runs on: AWS, or memory under `sam local`.

use std::{sync::Arc, time::Duration};

use alert::{AccountPlace, Alerting, Answer, Chatting, Event, Links, Pages};
use aws::{
    Articles, BucketOutbox, BucketSite, ControlTable, Deployment, ParameterSecrets, ParameterToken, Sdk, SesMailer,
    SqsQueue,
    lambda::{self, Source, variable},
};
use domain::ports::{AlertLog, FollowUps};
use lambda_runtime::Error;
use memory::Bundled;
use runtime::{Invocation, rebuild::Announcing};
use slack::{Api, Client};

/// One call of Slack. An alert takes three, and the function has 30 s.
const SLACK_PATIENCE: Duration = Duration::from_secs(5);

pub(crate) struct Function(Alerting);

impl lambda::Function for Function {
    type Event = Event;
    type Answer = Answer;

    async fn deployed(source: Source, sdk: Sdk) -> Result<Self, Error> {
        let mut environment = lambda::environment(&source);
        let queue = environment.required("ALERTS_QUEUE_URL");
        let dead_letters = environment.required("ALERTS_DEAD_LETTERS_URL");
        let control = environment.required("CONTROL_TABLE");
        let site = environment.required("SITE_BUCKET");
        let pages = environment.optional("SITE_URL").map(|site: String| Pages {
            guardian: format!("{site}/accounts/"),
            opportunity: format!("{site}/sales/"),
            outage: format!("{site}/lead/"),
            accounts: AccountPlace::Page,
        });
        let followup: Option<String> = environment.optional("FOLLOWUP_URL");
        let secret: Option<String> = environment.optional("FOLLOWUP_SECRET_PARAMETER");
        let slack: Option<String> = environment.optional("SLACK_TOKEN_PARAMETER");
        let slack_api = environment.or("SLACK_API", Api::default());
        let rebuilds: Option<String> = environment.optional("REBUILDS_QUEUE_URL");
        let sender = environment.parsed("SENDER_EMAIL");
        let configuration_set = environment.required("CONFIGURATION_SET");
        let deployment = Deployment::new(environment, sdk, Articles::Left)?;
        let sender = sender.ok_or("SENDER_EMAIL: is not set")?;
        deployment.warm().await?;
        let sdk = &deployment.sdk;
        let control = Arc::new(ControlTable::new(sdk, control));
        let links = followup
            .zip(secret)
            .map(|(base, secret)| Links { base, secrets: Arc::new(ParameterSecrets::new(sdk, secret)) });
        let chat = slack.map(|token| Chatting {
            chat: Arc::new(Client::over_http(Arc::new(ParameterToken::new(sdk, token)), SLACK_PATIENCE, slack_api)),
            threads: control.clone(),
            paced: true,
        });
        let (alerts, follow_ups): (Arc<dyn AlertLog>, Arc<dyn FollowUps>) = match rebuilds {
            Some(queue) => {
                let log = Arc::new(Announcing::new(deployment.log, Arc::new(SqsQueue::new(sdk, queue))));
                (log.clone(), log)
            }
            None => (deployment.log.clone(), deployment.log),
        };
        Ok(Self(Alerting {
            settings: deployment.settings,
            alerts,
            follow_ups,
            conversations: control.clone(),
            control,
            mailer: Arc::new(SesMailer::new(sdk, sender, configuration_set)),
            outbox: Arc::new(BucketOutbox(BucketSite::new(sdk, site))),
            queue: Arc::new(SqsQueue::new(sdk, queue)),
            dead_letters: Arc::new(SqsQueue::new(sdk, dead_letters)),
            pages,
            links,
            chat,
        }))
    }

    fn embedded() -> Result<Self, Error> {
        let bundled = Bundled::new(lambda::scratch(), variable)?;
        Ok(Self(Alerting {
            settings: bundled.settings,
            alerts: bundled.log.clone(),
            follow_ups: bundled.log,
            conversations: bundled.control.clone(),
            control: bundled.control,
            mailer: bundled.outbox.clone(),
            outbox: bundled.outbox,
            queue: Bundled::queue(),
            dead_letters: Bundled::queue(),
            pages: None,
            links: None,
            chat: None,
        }))
    }

    async fn handle(&self, event: Self::Event, invocation: &Invocation) -> Result<Self::Answer, Error> {
        Ok(alert::handle_event(&self.0, event, invocation).await?)
    }
}
