//! Links that a reader of the dashboard asked for. Only whom the alert was written to gets them, so nobody learns by asking
//! who else that is.

use askama::Template;
use domain::{
    AlertKey, EmailAddress,
    ports::{Count, Email, PortError, told},
    record::utc_day,
    shown,
};
use jiff::{SignedDuration, Timestamp};
use runtime::{
    Verdict,
    links::Action,
    words::{self, alert as telling},
};
use strum::IntoEnumIterator;

use crate::Alerting;

/// Mails of this kind that one address gets in a UTC day, whoever asks for them.
const MOST_A_DAY: u64 = 10;

#[derive(Template)]
#[template(path = "ask.html")]
struct AskHtml<'a> {
    subject: &'a str,
    /// How far people are with it.
    stage: &'a str,
    links: &'a [(&'static str, String)],
}

#[derive(Template)]
#[template(path = "ask.txt")]
struct AskText<'a> {
    subject: &'a str,
    /// How far people are with it.
    stage: &'a str,
    links: &'a [(&'static str, String)],
}

/// Mails the links of an alert to somebody it was written to; for anybody else nothing happens.
pub(crate) async fn mail_links(
    alerting: &Alerting,
    key: AlertKey,
    to: &EmailAddress,
    now: Timestamp,
) -> Result<Verdict, PortError> {
    let policy = alerting.settings.policy().await?;
    let Some(alert) = alerting.follow_ups.alert(key, now).await? else { return Ok(Verdict::Done) };
    // Mailed to where the alert went, however whoever asks spells it.
    let to = alert.known(to).filter(|_| !alert.follow_up.is_closed() && policy.withholds().is_none());
    let Some(to) = to else {
        tracing::info!(alert = %key, "Mailed no links: not asked for by whom the alert was written to, or nothing to act on.");
        return Ok(Verdict::Done);
    };
    let Some(signer) = alerting.signer(&policy).await else { return Ok(Verdict::Done) };
    let counter = format!("links/{}/{}", to.folded(), utc_day(now));
    let expires = domain::time::later(now, SignedDuration::from_hours(48));
    if alerting.control.count(&counter, 1, MOST_A_DAY, expires).await? == Count::Over {
        tracing::warn!(alert = %key, "Mailed no links: too many were asked for today.");
        return Ok(Verdict::Done);
    }
    let kind = alert.signal.kind();
    let actions = Action::iter().filter(|action| action.is_open_to(&alert, to));
    let links: Vec<_> = actions.map(|action| (action.words(kind), signer.link(&alert, to, action, now))).collect();
    let who = |by: &EmailAddress| if by == to { "you".to_owned() } else { shown::unlinked(by.as_str()) };
    let stage = words::stage(&alert.follow_up.stage, &policy.time_zone, who);
    let clean = telling::shown(&alert);
    let subject = format!("Your link: {}", telling::headline(&alert));
    let heading = telling::headline(&clean);
    let email = Email {
        name: format!("{}-{kind}-{}-links", alert.ticket.number(), alert.band),
        to: to.clone(),
        sender_name: policy.alerts.sender_name.clone(),
        reply_to: policy.alerts.reply_to.clone(),
        html: render(&AskHtml { subject: &heading, stage: &stage, links: &links }),
        text: render(&AskText { subject: &heading, stage: &stage, links: &links }),
        subject,
        thread: format!("{}-{kind}", alert.ticket.number()),
        answers: None,
        important: false,
        at: now,
    };
    match alerting.mailer.send(&email).await {
        Ok(_) => tracing::info!(alert = %key, "Mailed the links that were asked for."),
        // Whoever asked may ask again; there is nothing to keep.
        Err(error @ PortError::Permanent { .. }) => {
            tracing::warn!(alert = %key, error = told(&error), "The mail service refused a mail with links.");
        }
        Err(error) => return Err(error),
    }
    Ok(Verdict::Done)
}

fn render(template: &impl Template) -> String {
    template.render().expect("writing to a string does not fail")
}
