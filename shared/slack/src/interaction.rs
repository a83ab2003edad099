//! What Slack sends when somebody presses a button.

use domain::{AlertKey, follow_up::Step};
use serde::Deserialize;

use crate::blocks::{Action, Shown};

/// A button of an alert's message was pressed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Press {
    /// Slack's id of whoever pressed.
    pub user: String,
    /// Where, by Slack's names.
    pub channel: String,
    pub message: String,
    pub alert: AlertKey,
    /// What the message showed: of an alert that changed since, nothing is changed.
    pub revision: u32,
    pub step: Step,
}

/// A signed request that we cannot read. It quotes nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InteractionError {
    #[error("the body is no form with a payload")]
    NoPayload,
    #[error("the payload is no interaction as Slack documents it")]
    Unreadable,
    #[error("what was pressed is none of our buttons")]
    NotOurs,
}

#[derive(Deserialize)]
struct Payload {
    #[serde(rename = "type")]
    kind: String,
    user: Option<Named>,
    container: Option<Container>,
    #[serde(default)]
    actions: Vec<Pressed>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

#[derive(Deserialize)]
struct Container {
    channel_id: Option<String>,
    message_ts: Option<String>,
}

#[derive(Deserialize)]
struct Pressed {
    action_id: String,
    block_id: String,
    selected_option: Option<Chosen>,
}

#[derive(Deserialize)]
struct Chosen {
    value: String,
}

/// Reads the body of an interaction. None where there is nothing to do: a link was opened, or it is of another type.
///
/// # Errors
/// [`InteractionError`].
pub fn parse(body: &[u8]) -> Result<Option<Press>, InteractionError> {
    let payload = form_urlencoded::parse(body).find(|(name, _)| name == "payload").map(|(_, value)| value);
    let payload = payload.ok_or(InteractionError::NoPayload)?;
    let payload: Payload = serde_json::from_str(&payload).map_err(|_| InteractionError::Unreadable)?;
    if payload.kind != "block_actions" {
        return Ok(None);
    }
    let pressed = payload.actions.first().ok_or(InteractionError::Unreadable)?;
    let action: Action = pressed.action_id.parse().map_err(|_| InteractionError::NotOurs)?;
    let choice = pressed.selected_option.as_ref().map(|chosen| chosen.value.as_str()).unwrap_or_default();
    let step = match action {
        Action::Open | Action::Dashboard => return Ok(None),
        Action::Take => Some(Step::Take),
        Action::Settle => choice.parse().ok().map(Step::Settle),
        Action::Wrong => choice.parse().ok().map(Step::CallWrong),
        Action::Snooze => choice.parse().ok().map(Step::Snooze),
        Action::HandOver => choice.parse().ok().map(Step::HandOver),
    };
    let step = step.ok_or(InteractionError::NotOurs)?;
    let Shown { alert, revision } = pressed.block_id.parse().map_err(|()| InteractionError::NotOurs)?;
    let container = payload.container.ok_or(InteractionError::Unreadable)?;
    let (user, channel, message) = payload
        .user
        .zip(container.channel_id.zip(container.message_ts))
        .map(|(user, (channel, message))| (user.id, channel, message))
        .ok_or(InteractionError::Unreadable)?;
    Ok(Some(Press { user, channel, message, alert, revision, step }))
}

#[cfg(test)]
mod tests {
    use domain::follow_up::{Outcome, Snooze, WrongReason};
    use serde_json::{Value, json};

    use super::*;

    fn body(payload: &Value) -> Vec<u8> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("payload", &payload.to_string()).finish().into_bytes()
    }

    fn pressed(action: &Value) -> Value {
        json!({
            "type": "block_actions",
            "user": { "id": "U0ANN", "username": "ann", "team_id": "T0" },
            "container": { "type": "message", "message_ts": "1795.0001", "channel_id": "C0G", "is_ephemeral": false },
            "actions": [action],
        })
    }

    #[test]
    fn each_button_is_a_step() {
        let choice = |value: &str| json!({ "value": value });
        for (id, chosen, step) in [
            ("take", Value::Null, Step::Take),
            ("settle", choice("saved"), Step::Settle(Outcome::Saved)),
            ("wrong", choice("old_news"), Step::CallWrong(WrongReason::OldNews)),
            ("snooze", choice("three_days"), Step::Snooze(Snooze::ThreeDays)),
            ("hand_over", choice("bob@example.com"), Step::HandOver("bob@example.com".parse().unwrap())),
        ] {
            let action = json!({ "action_id": id, "block_id": "1004/guardian/critical@3", "selected_option": chosen });
            let press = parse(&body(&pressed(&action))).unwrap().unwrap();
            let expected = Press {
                user: "U0ANN".into(),
                channel: "C0G".into(),
                message: "1795.0001".into(),
                alert: "1004/guardian/critical".parse().unwrap(),
                revision: 3,
                step,
            };
            assert_eq!(press, expected, "{id}");
        }
    }

    #[test]
    fn what_asks_for_nothing_is_left_alone() {
        for link in ["open", "dashboard"] {
            let link = json!({ "action_id": link, "block_id": "1004/guardian/critical@3" });
            assert_eq!(parse(&body(&pressed(&link))), Ok(None));
        }
        assert_eq!(parse(&body(&json!({ "type": "view_submission" }))), Ok(None));
    }

    #[test]
    fn what_is_not_ours_is_refused() {
        let action = |id: &str, block: &str| json!({ "action_id": id, "block_id": block });
        let good = "1004/guardian/critical@3";
        for (payload, expected) in [
            (pressed(&action("pay", good)), InteractionError::NotOurs),
            (pressed(&action("snooze", good)), InteractionError::NotOurs),
            (pressed(&action("hand_over", good)), InteractionError::NotOurs),
            (pressed(&action("take", "1004/guardian/critical")), InteractionError::NotOurs),
            (pressed(&action("take", "1004/guardian/critical@x")), InteractionError::NotOurs),
            (json!({ "type": "block_actions", "actions": [action("take", good)] }), InteractionError::Unreadable),
            (json!({ "type": "block_actions" }), InteractionError::Unreadable),
            (json!([]), InteractionError::Unreadable),
        ] {
            assert_eq!(parse(&body(&payload)), Err(expected), "{payload}");
        }
        assert_eq!(parse(b"text=hello"), Err(InteractionError::NoPayload));
        assert_eq!(parse(b"\xff\xfe"), Err(InteractionError::NoPayload));
    }
}
