//! Reading and writing a ticket. The adapter must hold ticket `known` and not hold ticket `unknown`.

use crate::{
    Change, FieldChanges, FieldValues, TicketId, TicketUpdate,
    plan::Comment,
    ports::{Applied, Helpdesk, Updated},
    sample,
};

const OURS: [&str; 2] = ["triage_p2", "vip"];

/// An update of `ticket` as last read.
async fn update(helpdesk: &impl Helpdesk, id: TicketId, marker: &str) -> TicketUpdate {
    let ticket = helpdesk.ticket(id).await.unwrap().expect("a ticket the adapter holds");
    TicketUpdate {
        ticket: id,
        updated_stamp: ticket.updated_stamp,
        marker: marker.into(),
        changes: sample::record(id.number(), "Acme", sample::now()).update.unwrap().changes,
        before: ticket.values,
        pending: false,
        // As triage does: tags of others stay, and the option of a field is one.
        tags: ticket.tags.iter().filter(|tag| !OURS.contains(&&***tag)).cloned().chain(OURS.map(Into::into)).collect(),
        comment: Some(Comment::note("a note".into(), Default::default(), None)),
    }
}

/// What is written is read back; a write on an older stamp is refused; the marker tells which write arrived.
pub async fn a_write_is_safe(helpdesk: &impl Helpdesk, known: TicketId, unknown: TicketId) {
    assert_eq!(helpdesk.ticket(unknown).await.unwrap(), None);
    let first = update(helpdesk, known, "marker-1").await;
    assert_eq!(helpdesk.look_up(known, "marker-1").await.unwrap(), None);
    assert_eq!(helpdesk.update(&first).await.unwrap(), Updated::Applied(Applied::default()));
    assert_eq!(helpdesk.look_up(known, "marker-1").await.unwrap(), Some(Applied::default()));
    let read = helpdesk.ticket(known).await.unwrap().unwrap();
    assert_eq!(read.values, first.changes.clone().applied_to(first.before.clone()));
    // What a field holds may be a tag as well.
    assert!(first.tags.iter().all(|tag| read.tags.contains(tag)), "{:?}", read.tags);
    assert_ne!(read.updated_stamp, first.updated_stamp);

    let late = TicketUpdate { marker: "marker-2".into(), ..first.clone() };
    assert_eq!(helpdesk.update(&late).await.unwrap(), Updated::Conflict);
    assert_eq!(helpdesk.look_up(known, "marker-2").await.unwrap(), None);
    let nowhere = TicketUpdate { ticket: unknown, ..first };
    assert_eq!(helpdesk.update(&nowhere).await.unwrap(), Updated::NotFound);
}

/// A cleared field is empty, and what is kept stays.
pub async fn a_cleared_field_is_empty(helpdesk: &impl Helpdesk, known: TicketId) {
    let first = update(helpdesk, known, "marker").await;
    helpdesk.update(&first).await.unwrap();
    let filled = helpdesk.ticket(known).await.unwrap().unwrap().values;
    assert!(filled.opportunity_intent.is_some());
    let clear = FieldChanges { opportunity_intent: Change::Clear, ..FieldChanges::default() };
    let second = TicketUpdate { changes: clear, ..update(helpdesk, known, "marker-2").await };
    assert_eq!(helpdesk.update(&second).await.unwrap(), Updated::Applied(Applied::default()));
    let emptied = helpdesk.ticket(known).await.unwrap().unwrap().values;
    assert_eq!(emptied, FieldValues { opportunity_intent: None, ..filled });
}

/// Our own private note is not a new version of the conversation.
pub async fn our_note_is_no_new_version(helpdesk: &impl Helpdesk, known: TicketId) {
    let before = helpdesk.ticket(known).await.unwrap().unwrap();
    let update = update(helpdesk, known, "marker").await;
    helpdesk.update(&update).await.unwrap();
    let after = helpdesk.ticket(known).await.unwrap().unwrap();
    assert_eq!((after.version, after.follow_ups), (before.version, before.follow_ups));
}
