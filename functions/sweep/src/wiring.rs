//! What the sweep runs on: AWS and Zendesk, or the bundled tickets under `sam local`.

use std::sync::Arc;

use aws::{
    ControlTable, ParameterCredentials, Sdk, SqsQueue, TicketTable,
    lambda::{self, Source, variable, wall_clock},
};
use jiff::SignedDuration;
use lambda_runtime::Error;
use memory::Bundled;
use runtime::Invocation;
use sweep::{LOOK_BACK, Setting, Sweep, Swept};
use zendesk::{Access, Budget, Client, HttpTransport, RUNTIME_SCOPES, feed::ZendeskFeed};

/// None: switched off.
pub(crate) struct Function(Option<Sweep>);

/// Records are read here and never written, so what is said of new ones does not matter.
const RETENTION: SignedDuration = SignedDuration::ZERO;

impl lambda::Function for Function {
    /// Whatever the schedule sends, there is one thing to do.
    type Event = serde_json::Value;
    type Answer = Swept;

    async fn deployed(source: Source, sdk: Sdk) -> Result<Self, Error> {
        let mut environment = lambda::environment(&source);
        let queue = environment.required("TICKETS_QUEUE_URL");
        let tickets = environment.required("TICKETS_TABLE");
        let control = environment.required("CONTROL_TABLE");
        let place = environment.required("ZENDESK_SUBDOMAIN");
        let credentials = environment.required("ZENDESK_CREDENTIALS_PARAMETER");
        let setting = environment.choice("SWEEP", Setting::default(), "list, export or off");
        environment.finish()?;
        let Some(mode) = setting.mode() else { return Ok(Self(None)) };
        let transport = HttpTransport::new(&place).map_err(|problem| format!("ZENDESK_SUBDOMAIN: {problem}"))?;
        let control = Arc::new(ControlTable::new(&sdk, control));
        let access = Access::new(Arc::new(ParameterCredentials::new(&sdk, credentials)), RUNTIME_SCOPES);
        let client = Client::new(Arc::new(transport), access, Budget::new(control.clone()), Arc::new(wall_clock));
        Ok(Self(Some(Sweep {
            feed: Arc::new(ZendeskFeed::new(client, mode)),
            records: Arc::new(TicketTable::new(&sdk, tickets, RETENTION)),
            cursors: control.clone(),
            control,
            tickets: Arc::new(SqsQueue::new(&sdk, queue)),
            look_back: LOOK_BACK,
        })))
    }

    fn embedded() -> Result<Self, Error> {
        let bundled = Bundled::new(lambda::scratch(), variable)?;
        Ok(Self(Some(Sweep {
            feed: bundled.helpdesk,
            records: bundled.log,
            cursors: bundled.control.clone(),
            control: bundled.control,
            tickets: Bundled::queue(),
            look_back: LOOK_BACK,
        })))
    }

    async fn handle(&self, _: Self::Event, invocation: &Invocation) -> Result<Self::Answer, Error> {
        match &self.0 {
            Some(sweep) => Ok(sweep::handle(sweep, invocation).await?),
            None => Ok(Swept::default()),
        }
    }
}
