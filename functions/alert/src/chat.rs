//! Alerts in a chat beside the mails. The mail is what counts: nothing here keeps one back, and what the chat refuses for
//! good is logged and left to it.

use domain::{
    Alert, AlertKey, AlertKind, AuditAction, AuditEntry, Delivery, FollowUp,
    alert::HoldReason,
    conversation::Matter,
    follow_up::Posted,
    policy::ChatPolicy,
    ports::{Count, Fenced, Leased, PortError, Post, Thread, told},
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use runtime::Invocation;

use crate::{Alerting, Chatting};

/// One message about an account and then its thread, for so long.
const CONVERSATION: SignedDuration = SignedDuration::from_hours(24);
/// Somebody who presses a link meanwhile is looked at again that often.
const LOOKS: usize = 4;
/// Chats take one message a second in a channel.
const A_SECOND: SignedDuration = SignedDuration::from_secs(1);

/// One alert on its way into the chat.
struct Telling<'a> {
    alerting: &'a Alerting,
    chatting: &'a Chatting,
    policy: &'a ChatPolicy,
    helpdesk_url: &'a str,
    currency: &'a str,
    time_zone: &'a TimeZone,
    owner: &'a str,
    now: Timestamp,
    until: Timestamp,
}

/// Posts an alert whose mail is decided, unless it stands there already. What is held for a day's thread is only posted
/// into one.
///
/// # Errors
/// Transient ones alone: the alert's message comes again.
pub(crate) async fn tell(
    alerting: &Alerting,
    key: AlertKey,
    owner: &str,
    invocation: &Invocation,
) -> Result<(), PortError> {
    let Some(chatting) = &alerting.chat else { return Ok(()) };
    let policy = alerting.settings.policy().await?;
    let (Some(slack), None) = (&policy.alerts.slack, policy.withholds()) else { return Ok(()) };
    let telling = Telling {
        alerting,
        chatting,
        policy: slack,
        helpdesk_url: &policy.helpdesk_url,
        currency: &policy.currency,
        time_zone: &policy.time_zone,
        owner,
        now: invocation.now,
        until: invocation.lease_until(),
    };
    match telling.tell(key).await {
        Err(error @ PortError::Transient { .. }) => Err(error),
        Err(error) => {
            tracing::error!(alert = %key, error = told(&error), "Slack did not take an alert; its mail stands.");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

/// Shows an alert in the chat as it is now. What fails shows with the next change: the mail said the same.
pub(crate) async fn refresh(alerting: &Alerting, alert: &Alert) {
    let Some(chatting) = &alerting.chat else { return };
    if let Err(error) = chatting.chat.update(alert).await {
        tracing::warn!(alert = %alert.key(), error = told(&error), "Failed to change an alert's message in Slack.");
    }
}

/// Whether a delivery's alert belongs into the chat, and only into a thread that is there.
fn place(delivery: &Delivery) -> Option<bool> {
    match delivery {
        // Whether the mail service answers does not matter here.
        Delivery::Pending | Delivery::Sent { .. } | Delivery::Filed { .. } | Delivery::Refused { .. } => Some(false),
        Delivery::Held { reason: HoldReason::Cooldown | HoldReason::SameOutage } => Some(true),
        Delivery::Held { reason: HoldReason::DailyCap } | Delivery::Skipped { .. } | Delivery::Digested => None,
    }
}

/// Whether what goes into a thread is shown beside it. A P0 that is not held for another is a new call.
fn calls(alert: &Alert, thread: &Thread, held: bool) -> bool {
    let outage = alert.signal.kind() == AlertKind::Outage;
    alert.band > thread.band || (outage && !held)
}

impl Telling<'_> {
    async fn tell(&self, key: AlertKey) -> Result<(), PortError> {
        let Some(alert) = self.alerting.follow_ups.alert(key, self.now).await? else { return Ok(()) };
        let Some(in_thread_alone) = place(&alert.delivery) else { return Ok(()) };
        if alert.follow_up.posted.is_some() || alert.follow_up.is_closed() {
            return Ok(());
        }
        let Some(channel) = self.channel(&alert).await? else { return Ok(()) };
        let conversation = format!("{channel}/{}", Matter::of(&alert));
        let (control, work) = (&self.alerting.control, format!("chat/{conversation}"));
        match control.lease(&work, self.owner, self.now, self.until).await? {
            Leased::Mine { .. } => {}
            Leased::Theirs { .. } => return Err(throttled("somebody else writes into this conversation")),
        }
        let posted = self.under_lease(alert, &channel, &conversation, in_thread_alone).await;
        if let Err(error) = control.release(&work, self.owner).await {
            tracing::warn!(error = told(&error), "Failed to release a conversation's lease; it has to expire.");
        }
        posted
    }

    /// The recipient's own, if they have an account there, else the channel of the kind.
    async fn channel(&self, alert: &Alert) -> Result<Option<String>, PortError> {
        let direct = if self.policy.direct { self.chatting.chat.direct(&alert.recipient).await? } else { None };
        Ok(direct.or_else(|| self.policy.channel(alert.signal.kind()).map(str::to_owned)))
    }

    async fn under_lease(
        &self,
        mut alert: Alert,
        channel: &str,
        conversation: &str,
        in_thread_alone: bool,
    ) -> Result<(), PortError> {
        let threads = &self.chatting.threads;
        let thread = threads.thread(conversation, self.now).await?;
        if in_thread_alone && thread.is_none() {
            return Ok(());
        }
        self.wait_for_our_turn(channel).await?;
        let mut posted = Posted {
            channel: channel.to_owned(),
            message: None,
            may_press: self.policy.may_press.clone(),
            helpdesk_url: self.helpdesk_url.to_owned(),
            page: self.alerting.pages.as_ref().map(|pages| pages.account(&alert)),
            time_zone: self.time_zone.clone(),
            currency: self.currency.to_owned(),
        };
        // Its buttons name the revision that storing it makes.
        alert.follow_up = alert.follow_up.posted(posted.clone());
        let message = self
            .chatting
            .chat
            .post(Post {
                alert: &alert,
                posted: &posted,
                thread: thread.as_ref().map(|thread| thread.message.as_str()),
                broadcast: thread.as_ref().is_some_and(|thread| calls(&alert, thread, in_thread_alone)),
            })
            .await?;
        posted.message = message.clone();
        let shown = alert.follow_up.revision;
        if let Some(stored) = self.store(alert.key(), posted).await?
            && stored.follow_up.revision != shown
        {
            refresh(self.alerting, &stored).await;
        }
        if let Some(message) = message {
            let band = thread.as_ref().map_or(alert.band, |thread| thread.band.max(alert.band));
            let (first, until) = thread
                .map_or_else(|| (message, self.now + CONVERSATION), |thread| (thread.message.clone(), thread.until));
            threads.keep(conversation, &Thread { message: first, band, until }).await?;
        }
        Ok(())
    }

    async fn wait_for_our_turn(&self, channel: &str) -> Result<(), PortError> {
        if !self.chatting.paced {
            return Ok(());
        }
        let second = format!("chat/{channel}/{}", self.now.as_second());
        match self.alerting.control.count(&second, 1, 1, self.now + SignedDuration::from_mins(1)).await? {
            Count::Within { .. } => Ok(()),
            Count::Over => Err(throttled("this second's message of the channel is out")),
        }
    }

    /// Stores where it stands, whatever people press meanwhile. Returns the alert as it is then; none if it was erased, and
    /// then its message goes too.
    async fn store(&self, key: AlertKey, posted: Posted) -> Result<Option<Alert>, PortError> {
        let mut trouble = None;
        for _ in 0..LOOKS {
            let Some(mut alert) = self.alerting.follow_ups.alert(key, self.now).await? else {
                self.chatting.chat.remove(&posted).await?;
                return Ok(None);
            };
            if alert.follow_up.posted.as_ref() == Some(&posted) {
                return Ok(Some(alert));
            }
            let next: FollowUp = alert.follow_up.posted(posted.clone());
            match self.alerting.follow_ups.follow_up(&alert, &next, &self.entry(&alert)).await {
                Ok(Fenced::Written) => {
                    tracing::info!(alert = %key, "Posted an alert in Slack.");
                    alert.follow_up = next;
                    return Ok(Some(alert));
                }
                Ok(Fenced::Lost) => {}
                // The message is out: another attempt here costs less than a second message.
                Err(error @ PortError::Transient { .. }) => trouble = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(trouble.unwrap_or_else(|| PortError::transient("the alert log", "an alert kept changing")))
    }

    fn entry(&self, alert: &Alert) -> AuditEntry {
        AuditEntry {
            at: self.now,
            ticket: alert.ticket,
            action: AuditAction::AlertChat,
            target: alert.key().to_string().into(),
            outcome: "posted".into(),
        }
    }
}

fn throttled(cause: &'static str) -> PortError {
    PortError::throttled("the chat", A_SECOND.unsigned_abs(), cause)
}
