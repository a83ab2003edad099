//! Labelled pairs of a ticket and an article, read as the product reads tickets.

use std::num::NonZero;

use analyst::EmbeddedAnalyst;
use domain::{AccountId, FieldValues, Sender, Ticket, TicketId, Version};
use jiff::Timestamp;
use training::{corpus::AnswerPair, parallel, train::gate::LabelledText};

/// As many as this machine runs at once.
pub(crate) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

pub(crate) fn read(analyst: &EmbeddedAnalyst, pairs: &[AnswerPair]) -> Vec<LabelledText> {
    parallel::map(pairs, threads(), |pair| LabelledText {
        text: analyst.listen(&ticket(pair), &|| true),
        pair: pair.clone(),
    })
}

/// The ticket of a pair, as its customer opened it.
pub(crate) fn ticket(pair: &AnswerPair) -> Ticket {
    Ticket {
        id: TicketId::new(1).expect("a number"),
        version: Version(1),
        subject: pair.subject.as_str().into(),
        description: pair.body.as_str().into(),
        follow_ups: Vec::new(),
        channel: "email".into(),
        account: AccountId::try_from("nobody".to_owned()).expect("a name"),
        requester_name: None,
        requester_phone: None,
        sender: Sender::Customer,
        opened_privately: false,
        touched: false,
        created_at: Timestamp::UNIX_EPOCH,
        updated_stamp: "".into(),
        values: FieldValues::default(),
        tags: [].into(),
    }
}
