//! An alert's turn in the conversation with its recipient.

use domain::{
    Alert, AlertKey, Conversation, Delivery, Policy,
    alert::HoldReason,
    conversation::{self, Matter, Patience, Reply, Turn},
    ports::{Fenced, PortError, told},
};
use jiff::{SignedDuration, Timestamp};

use crate::{Alerting, give_back_count, render::Place, within_cap};

/// Others who speak meanwhile are looked at again that often.
const LOOKS: usize = 4;

/// Whether an alert's message goes out now.
pub(crate) enum Admitted {
    Held(HoldReason),
    Speaks(Box<Spoken>),
}

/// A message that the conversation knows of, and the cap counts.
pub(crate) struct Spoken {
    pub(crate) place: Place,
    name: String,
    before: Option<Conversation>,
    /// None: it was known of before.
    after: Option<Conversation>,
}

/// Gives an alert its turn. The conversation is written before the message is sent: one that is sent again finds itself in
/// it, and its message gets the same headers.
///
/// # Errors
/// What a port says; nothing was sent.
pub(crate) async fn admit(
    alerting: &Alerting,
    alert: &Alert,
    policy: &Policy,
    now: Timestamp,
) -> Result<Admitted, PortError> {
    let name = conversation::name(&alert.recipient, &Matter::of(alert));
    let patience = Patience {
        cooldown: SignedDuration::from_hours(policy.alerts.cooldown_hours.into()),
        retention: policy.retention,
    };
    let mut counted = false;
    for _ in 0..LOOKS {
        let before = alerting.conversations.conversation(&name, now).await?;
        let Turn::Speaks { reply, next } = conversation::turn(before.as_ref(), alert, patience, now) else {
            if counted {
                give_back_count(alerting, now).await;
            }
            return Ok(Admitted::Held(HoldReason::after_another(alert.signal.kind())));
        };
        let place = place(alerting, alert.key(), reply, now).await?;
        if !counted && !within_cap(alerting, policy, alert.band, now).await? {
            return Ok(Admitted::Held(HoldReason::DailyCap));
        }
        counted = true;
        let Some(after) = next else {
            return Ok(Admitted::Speaks(Box::new(Spoken { place, name, before, after: None })));
        };
        match alerting.conversations.go_on(&name, before.as_ref(), &after, now).await {
            Ok(Fenced::Written) => {
                return Ok(Admitted::Speaks(Box::new(Spoken { place, name, before, after: Some(after) })));
            }
            Ok(Fenced::Lost) => {}
            Err(error) => {
                give_back_count(alerting, now).await;
                return Err(error);
            }
        }
    }
    give_back_count(alerting, now).await;
    Err(PortError::transient("the control table", "a conversation kept changing"))
}

impl Spoken {
    /// Takes a message that reached nobody out of the conversation: the next one must neither wait for it nor answer it.
    pub(crate) async fn take_back(&self, alerting: &Alerting, now: Timestamp) -> Result<(), PortError> {
        let Some(after) = &self.after else { return Ok(()) };
        let back = Conversation::taken_back(self.before.as_ref(), after, now);
        match alerting.conversations.go_on(&self.name, Some(after), &back, now).await? {
            Fenced::Written => {}
            Fenced::Lost => tracing::warn!("A conversation went on over a message that reached nobody."),
        }
        Ok(())
    }
}

/// Where a message stands: in the thread that the first one opened, as an answer to that, if it is known what the mail
/// service called it.
async fn place(alerting: &Alerting, key: AlertKey, reply: Option<Reply>, now: Timestamp) -> Result<Place, PortError> {
    let Some(reply) = reply else { return Ok(Place::first(key)) };
    let first = alerting.follow_ups.alert(reply.opened_by, now).await?;
    let answers = first.as_ref().and_then(|first| message(&first.delivery));
    Ok(Place { thread: conversation::thread(reply.opened_by), answers, reply: Some(reply) })
}

/// Where what is said once more about an alert stands: it answers the alert's own message, in the same thread.
pub(crate) async fn again(alerting: &Alerting, alert: &Alert, now: Timestamp) -> Place {
    let name = conversation::name(&alert.recipient, &Matter::of(alert));
    let conversation = alerting.conversations.conversation(&name, now).await.unwrap_or_else(|error| {
        tracing::warn!(error = told(&error), "A reminder stands outside its conversation.");
        None
    });
    let known = conversation.filter(|conversation| conversation.has(alert.ticket));
    let opened_by = known.map_or(alert.key(), |conversation| conversation.opened_by);
    Place { thread: conversation::thread(opened_by), answers: message(&alert.delivery), reply: None }
}

/// What the mail service called an alert's message.
fn message(delivery: &Delivery) -> Option<String> {
    match delivery {
        Delivery::Sent { id } => Some(id.clone()),
        Delivery::Filed { file } => Some(file.clone()),
        Delivery::Pending
        | Delivery::Skipped { .. }
        | Delivery::Held { .. }
        | Delivery::Digested
        | Delivery::Refused { .. } => None,
    }
}
