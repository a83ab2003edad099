//! The scripted Slack as a process of its own: `scripted_slack PORT U1=ann@example.com …`. What it was told is at `/_scripted`.
#![expect(clippy::unwrap_used, reason = "what is wrong with its arguments may end it")]
#![expect(clippy::disallowed_methods, reason = "here the limits of Slack are those of the clock")]

use std::{thread::sleep, time::Duration};

use jiff::Timestamp;
use slack::scripted::ScriptedSlack;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let slack = ScriptedSlack::start_at(arguments.next().unwrap().parse().unwrap());
    for person in arguments {
        let (id, address) = person.split_once('=').unwrap();
        slack.add_person(id, address);
    }
    loop {
        slack.set_now(Timestamp::now());
        sleep(Duration::from_millis(100));
    }
}
