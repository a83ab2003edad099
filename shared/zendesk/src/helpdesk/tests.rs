use domain::{
    Change, FieldValues, GroupId, Health, Intent, Priority, Sender, Version,
    plan::{Comment as Note, Field, Part},
    sample,
};
use futures::executor::block_on;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    Budget,
    http::Response,
    script::{Hand, Script, answer, client, client_within, with_header},
};

const TICKET: &str = "GET /api/v2/tickets/7.json?include=users,organizations";
const COMMENTS: &str = "GET /api/v2/tickets/7/comments.json?include=users&page[size]=100";
const PUT: &str = "PUT /api/v2/tickets/7.json";
const AUDITS: &str = "GET /api/v2/tickets/7/audits.json?sort=-created_at&page[size]=100";
const CHATS: &str = "GET /api/v2/tickets/7/audits.json?page[size]=100";
const STAMP: &str = "2026-11-23T09:00:00Z";

fn mapping() -> Mapping {
    Mapping {
        fields: FieldIds { guardian_risk_score: Some(1), opportunity_intent: Some(2), agent_id: Some(3) },
        organization: OrganizationFields::default(),
        kam_domains: vec!["acme.test".to_owned()],
    }
}

fn helpdesk(script: &Arc<Script>) -> ZendeskHelpdesk {
    ZendeskHelpdesk::new(client(script), Arc::new(mapping()), Some(UserId(99)))
}

/// A ticket's answer as Zendesk gives it, with these fields put over it.
fn ticket(over: Value) -> Value {
    let mut ticket = json!({
        "url": "https://acme.zendesk.com/api/v2/tickets/7.json", "id": 7, "external_id": null,
        "via": { "channel": "email", "source": { "from": {}, "to": {}, "rel": null } },
        "created_at": "2026-11-23T08:00:00Z", "updated_at": STAMP, "generated_timestamp": 0,
        "type": null, "subject": "It is down", "raw_subject": "It is down", "description": "plain",
        "priority": null, "status": "open", "recipient": null, "requester_id": 20, "submitter_id": 20,
        "assignee_id": null, "organization_id": 30, "group_id": null, "collaborator_ids": [], "is_public": true,
        "due_at": null, "tags": ["vip"], "custom_fields": [], "fields": [], "satisfaction_rating": null,
        "custom_status_id": 5, "from_messaging_channel": false,
    });
    merge(&mut ticket, over);
    json!({ "ticket": ticket, "users": [user(20, "end-user")], "organizations": [organization()] })
}

fn merge(into: &mut Value, over: Value) {
    for (key, value) in over.as_object().unwrap() {
        into[key] = value.clone();
    }
}

fn user(id: u64, role: &str) -> Value {
    json!({ "id": id, "name": format!("User {id}"), "role": role, "suspended": false, "organization_id": 30,
            "email": "PLANTED@example.com", "phone": "+44 1632 960417", "user_fields": {} })
}

fn organization() -> Value {
    json!({ "id": 30, "name": "Acme", "organization_fields":
            { "mrr": "1250.50", "plan": "pro", "health": "health_at_risk", "kam": "kam@acme.test", "other": null } })
}

fn comment(id: u64, author: u64, text: &str) -> Value {
    json!({ "id": id, "type": "Comment", "author_id": author, "body": text, "html_body": format!("<p>{text}</p>"),
            "plain_body": text, "public": true, "attachments": [], "audit_id": id + 1, "via": { "channel": "email" },
            "created_at": "2026-11-23T08:00:00Z",
            "metadata": { "system": { "ip_address": "PLANTED", "location": "PLANTED" }, "custom": {} } })
}

fn comments(comments: &[Value]) -> Response {
    let users = [user(20, "end-user"), user(21, "end-user"), user(50, "agent"), user(99, "admin")];
    answer(200, json!({ "comments": comments, "users": users, "meta": { "has_more": false, "after_cursor": "x" } }))
}

fn read(ticket: Value, said: &[Value]) -> Ticket {
    let script = Script::new();
    script.expect(TICKET, answer(200, ticket)).expect(COMMENTS, comments(said));
    let read = block_on(helpdesk(&script).ticket(sample::ticket_id(7))).unwrap().unwrap();
    script.seen();
    assert!(!format!("{read:?}").contains("PLANTED"));
    read
}

fn update() -> TicketUpdate {
    TicketUpdate { updated_stamp: STAMP.into(), ..sample::record(7, "Acme", sample::now()).update.unwrap() }
}

fn written(public: Value) -> Response {
    let mut body = ticket(json!({ "updated_at": "2026-11-23T09:01:00Z" }));
    body["audit"] = audit(public, "m");
    answer(200, body)
}

fn audit(public: Value, marker: &str) -> Value {
    json!({ "id": 800, "ticket_id": 7, "author_id": 99, "created_at": STAMP,
            "metadata": { "system": { "ip_address": "PLANTED" }, "custom": { "marker": marker, "public": false } },
            "events": [
                { "id": 801, "type": "Change", "field_name": "priority", "value": "high", "previous_value": null },
                { "id": 802, "type": "Comment", "author_id": 99, "body": "b", "html_body": "b", "public": public },
            ] })
}

/// An update of a ticket that was read just before.
fn update_after(read: Value, update: &TicketUpdate, script: &Arc<Script>) -> Result<Updated, PortError> {
    let first = Script::new();
    first.expect(TICKET, answer(200, read)).expect(COMMENTS, comments(&[comment(1, 20, "help")]));
    let desk = helpdesk(&first);
    block_on(desk.ticket(sample::ticket_id(7))).unwrap();
    first.seen();
    let desk = ZendeskHelpdesk {
        client: client(script),
        mappings: Arc::new(mapping()),
        bot: None,
        remembered: Mutex::new(std::mem::take(&mut *desk.remembered())),
    };
    let updated = block_on(desk.update(update));
    assert_eq!(desk.client.warnings(), 0, "Zendesk warned of our request");
    updated
}

fn applied(refused: &[Part]) -> Updated {
    Updated::Applied(Applied { refused: refused.to_vec(), exposed: false })
}

#[test]
fn a_ticket_is_read_whole() {
    let over = json!({ "priority": "high", "group_id": 40, "tags": ["vip", "intent_upgrade"],
        "custom_fields": [{ "id": 1, "value": "7" }, { "id": 2, "value": "intent_upgrade" }, { "id": 3, "value": "team_cipher" }] });
    let read =
        read(ticket(over), &[comment(1, 20, "help"), comment(2, 50, "we look"), comment(3, 21, "still &amp; yet")]);
    assert_eq!(
        (&*read.subject, &*read.description, &read.follow_ups[..]),
        ("It is down", "help", &["still & yet".to_owned()][..])
    );
    assert_eq!((read.version, &*read.updated_stamp, &*read.channel), (Version(3), STAMP, "email"));
    assert_eq!((read.account.as_str(), read.requester_name.as_deref()), ("30", Some("User 20")));
    assert_eq!(read.requester_phone.as_deref(), Some("+44 1632 960417"));
    assert_eq!((read.sender, read.opened_privately), (Sender::Customer, false));
    assert_eq!(read.created_at.to_string(), "2026-11-23T08:00:00Z");
    assert_eq!(
        read.values,
        FieldValues {
            priority: Some(Priority::P1),
            group: Some(GroupId(40)),
            guardian_risk_score: Some(7),
            opportunity_intent: Some(Intent::Upgrade),
            agent: Some(sample::team("cipher")),
        }
    );
    assert_eq!(read.tags.iter().map(|tag| &**tag).collect::<Vec<_>>(), ["vip", "intent_upgrade"]);
}

#[test]
fn every_recorded_shape_reads_the_same() {
    let plain = read(ticket(json!({})), &[comment(1, 20, "help")]);
    for over in [
        json!({ "id": "7", "requester_id": "20", "organization_id": "30" }),
        json!({ "tags": "vip" }),
        json!({ "custom_fields": null, "fields": null, "collaborator_ids": null }),
        json!({ "custom_fields": [{ "id": 1, "value": null }, { "id": "2", "value": "" }, { "id": 3 }, null, 5] }),
        json!({ "fields": [{ "id": 9, "value": ["a"] }, { "id": 8, "value": true }] }),
        json!({ "group_id": "", "assignee_id": "", "priority": "" }),
        json!({ "is_public": null, "from_messaging_channel": null, "status": null }),
        json!({ "via": { "channel": "email" }, "satisfaction_rating": { "score": "good" } }),
    ] {
        assert_eq!(read(ticket(over.clone()), &[comment(1, 20, "help")]), plain, "{over}");
    }
    for over in [
        json!({ "id": "1", "author_id": "20", "attachments": null, "metadata": null }),
        json!({ "html_body": null }),
        json!({ "html_body": "", "plain_body": null }),
        json!({ "public": null, "type": null, "via": null }),
    ] {
        let mut said = comment(1, 20, "help");
        merge(&mut said, over.clone());
        assert_eq!(read(ticket(json!({})), &[said]), plain, "{over}");
    }
}

#[test]
fn one_of_the_two_field_lists_is_enough() {
    let over = json!({ "custom_fields": [], "fields": [{ "id": 1, "value": 9 }] });
    assert_eq!(read(ticket(over), &[comment(1, 20, "help")]).values.guardian_risk_score, Some(9));
}

#[test]
fn what_is_not_understood_is_not_empty() {
    for value in [json!("PLANT"), json!(11.5), json!(-1), json!(70_000), json!([1])] {
        let over = json!({ "custom_fields": [{ "id": 1, "value": value }, { "id": 3, "value": value }] });
        let values = read(ticket(over), &[comment(1, 20, "help")]).values;
        assert_eq!(values.guardian_risk_score, Some(u8::MAX), "{value}");
        assert!(values.agent.is_some_and(|team| !domain::TeamId::bundled().contains(&team)), "{value}");
    }
    let foreign = ticket(json!({ "custom_fields": [{ "id": 2, "value": "their_option" }] }));
    let script = Script::new();
    script.expect(PUT, written(json!(false)));
    let updated = update_after(foreign, &update(), &script).unwrap();
    assert_eq!(updated, applied(&[Part::Field(Field::OpportunityIntent)]));
    let body = script.seen()[0].body.clone().unwrap();
    let ids: Vec<&Value> =
        body["ticket"]["custom_fields"].as_array().unwrap().iter().map(|field| &field["id"]).collect();
    assert_eq!(ids, [1, 3]);
}

#[test]
fn hidden_text_is_not_read() {
    let mut said = comment(1, 20, "");
    said["html_body"] = json!("<div>My order<span style=\"display:none\">PLANTED</span></div>");
    said["plain_body"] = json!("My order PLANTED");
    said["body"] = json!("My order PLANTED");
    assert_eq!(&*read(ticket(json!({})), &[said]).description, "My order");
}

#[test]
fn only_public_words_of_end_users_make_a_version() {
    let mut private = comment(4, 20, "private");
    private["public"] = json!(false);
    let all = [comment(1, 20, "a"), comment(2, 21, "b"), comment(3, 50, "staff"), private, comment(5, 99, "bot")];
    let read_all = read(ticket(json!({})), &all);
    assert_eq!((read_all.version, &read_all.follow_ups[..]), (Version(2), &["b".to_owned()][..]));
    let staff = read(ticket(json!({ "requester_id": 50 })), &[comment(1, 50, "note"), comment(2, 50, "more")]);
    assert_eq!((staff.version, staff.sender, staff.follow_ups.len()), (Version(1), Sender::Staff, 0));
    let unknown = read(
        ticket(json!({ "requester_id": 77 })),
        &[comment(1, 77, "a"), comment(2, 78, "stranger"), comment(3, 77, "b")],
    );
    assert_eq!(
        (unknown.version, unknown.follow_ups.len()),
        (Version(3), 1),
        "the requester is an end user unless Zendesk says otherwise"
    );
}

#[test]
fn who_gets_no_public_answer_is_told() {
    let mut suspended = ticket(json!({ "requester_id": 22 }));
    suspended["users"] = json!([{ "id": 22, "role": "end-user", "suspended": true }]);
    assert_eq!(read(suspended, &[comment(1, 22, "a")]).sender, Sender::Suspended);
    let mut nobody = ticket(json!({ "requester_id": 23 }));
    nobody["users"] = json!(null);
    assert_eq!(read(nobody, &[comment(1, 23, "a")]).sender, Sender::Staff);
    let mut note = comment(1, 50, "a");
    note["public"] = json!(false);
    assert!(read(ticket(json!({})), &[note]).opened_privately);
    assert!(read(ticket(json!({ "is_public": false })), &[comment(1, 20, "a")]).opened_privately);
}

#[test]
fn a_messaging_ticket_is_its_conversation() {
    let over = json!({ "from_messaging_channel": true, "subject": "Conversation with Ada", "via": { "channel": "native_messaging" } });
    let opening = || comment(1, 20, "Conversation with Ada");
    let spoken = read(
        ticket(over.clone()),
        &[opening(), comment(2, 50, "Hello"), comment(3, 20, "It is broken"), comment(4, 20, "Now")],
    );
    assert_eq!(
        (&*spoken.description, &spoken.follow_ups[..], spoken.version),
        ("It is broken", &["Now".to_owned()][..], Version(4))
    );

    let localised = json!({ "from_messaging_channel": true, "subject": "Conversation avec Ada" });
    let spoken = read(ticket(localised), &[comment(1, 20, "Conversation avec Ada"), comment(2, 20, "Panne")]);
    assert_eq!(&*spoken.description, "Panne");

    let mail = read(ticket(json!({ "subject": "Help" })), &[comment(1, 20, "Conversation with you was nice")]);
    assert_eq!(&*mail.description, "Conversation with you was nice");

    // Whose each line is, the reader tells.
    let lines = "(10:12:07) Visitor 8: It is broken\n(10:12:09) Support: Since when?";
    let mut transcript = comment(2, 20, "");
    transcript["html_body"] = json!(lines.replace('\n', "<br>"));
    assert_eq!(&*read(ticket(over), &[opening(), transcript]).description, lines);
}

#[test]
fn a_chat_that_is_only_in_the_audits_is_read_there() {
    let over = json!({ "from_messaging_channel": true, "subject": "Conversation with Ada" });
    let chat = |history: Value| {
        let script = Script::new();
        script.expect(TICKET, answer(200, ticket(over.clone())));
        script.expect(COMMENTS, comments(&[comment(1, 20, "Conversation with Ada")]));
        script.expect(CHATS, answer(200, json!({ "audits": [{ "id": 5, "events": [{ "id": 6, "type": "ChatStartedEvent", "value": history }] }] })));
        let read = block_on(helpdesk(&script).ticket(sample::ticket_id(7))).unwrap().unwrap();
        script.seen();
        (read.description.to_string(), read.version)
    };
    let history = json!({ "history": [
        { "type": "ChatJoin", "actor_type": "end-user" },
        { "type": "ChatMessage", "actor_type": "end-user", "message": "It is broken" },
        { "type": "ChatMessage", "actor_type": "agent", "message": "Since when?" },
        { "type": "ChatMessage", "actor_type": "end-user", "message": "Since nine" } ] });
    assert_eq!(chat(history), ("It is broken\nSince nine".to_owned(), Version(6)));
    for nothing in [json!(null), json!({ "history": null }), json!("odd"), json!({ "history": [5] })] {
        assert_eq!(chat(nothing), (String::new(), Version(1)));
    }
}

#[test]
fn a_call_is_its_transcript() {
    let mut call = comment(1, 20, "Call from: +1 555 0100");
    merge(
        &mut call,
        json!({ "type": "VoiceComment", "data": { "transcription_text": "Our shop is down", "recording_url": "https://x.test" } }),
    );
    assert_eq!(&*read(ticket(json!({})), &[call.clone()]).description, "Our shop is down");
    call["data"]["transcription_text"] = json!(null);
    assert_eq!(&*read(ticket(json!({})), &[call]).description, "Call from: +1 555 0100");
}

#[test]
fn comments_are_read_page_by_page() {
    let script = Script::new();
    let page = |said: Value, more: bool, cursor: &str| {
        answer(
            200,
            json!({ "comments": [said], "users": [], "meta": { "has_more": more, "after_cursor": cursor },
                            "links": { "next": "https://evil.test/api/v2/x" } }),
        )
    };
    script.expect(TICKET, answer(200, ticket(json!({}))));
    script.expect(COMMENTS, page(comment(1, 20, "a"), true, "c=="));
    script.expect(&format!("{COMMENTS}&page[after]=c%3D%3D"), page(comment(2, 20, "b"), true, "d"));
    script.expect(&format!("{COMMENTS}&page[after]=d"), page(comment(3, 20, "c"), false, ""));
    let read = block_on(helpdesk(&script).ticket(sample::ticket_id(7))).unwrap().unwrap();
    assert_eq!((read.version, read.follow_ups.len()), (Version(3), 2));
    script.seen();
}

#[test]
fn a_list_without_an_end_is_left_after_fifty_pages() {
    let script = Script::new();
    script.expect(TICKET, answer(200, ticket(json!({}))));
    let page = |id: u64| {
        answer(
            200,
            json!({ "comments": [comment(id, 20, "x")], "meta": { "has_more": true, "after_cursor": id.to_string() } }),
        )
    };
    script.expect(COMMENTS, page(1));
    for id in 2..=50 {
        script.expect(&format!("{COMMENTS}&page[after]={}", id - 1), page(id));
    }
    script.expect(
        &format!("{COMMENTS}&sort=-created_at"),
        comments(&[comment(9001, 20, "newest"), comment(9000, 20, "y"), comment(50, 20, "x")]),
    );
    let read = block_on(helpdesk(&script).ticket(sample::ticket_id(7))).unwrap().unwrap();
    assert_eq!((read.version, read.follow_ups.last().map(String::as_str)), (Version(9001), Some("newest")));
    assert_eq!(read.follow_ups.len(), 51);
    script.seen();
}

#[test]
fn a_ticket_that_is_not_there_is_none() {
    let record = || answer(404, json!({ "error": "RecordNotFound", "description": "Not found" }));
    for (ticket_answer, comments_answer) in [
        (record(), None),
        (answer(410, json!({})), None),
        (answer(200, ticket(json!({ "status": "deleted" }))), None),
        (answer(200, ticket(json!({}))), Some(record())),
    ] {
        let script = Script::new();
        script.expect(TICKET, ticket_answer);
        if let Some(comments_answer) = comments_answer {
            script.expect(COMMENTS, comments_answer);
        }
        assert_eq!(block_on(helpdesk(&script).ticket(sample::ticket_id(7))).unwrap(), None);
        script.seen();
    }
    let script = Script::new();
    script.expect(TICKET, answer(404, json!({ "error": "InvalidEndpoint", "description": "Not found" })));
    let error = block_on(helpdesk(&script).ticket(sample::ticket_id(7))).unwrap_err();
    assert!(matches!(error, PortError::Permanent { .. }), "a wrong subdomain is no missing ticket");
}

#[test]
fn an_account_is_the_organisation_of_the_ticket() {
    let (script, hand) = (Script::new(), Hand::new());
    script.expect(TICKET, answer(200, ticket(json!({})))).expect(COMMENTS, comments(&[comment(1, 20, "help")]));
    let desk = ZendeskHelpdesk::new(client_within(&script, Budget::unlimited(), &hand), Arc::new(mapping()), None);
    let read = block_on(desk.ticket(sample::ticket_id(7))).unwrap().unwrap();
    let account = || block_on(desk.account(&read.account)).unwrap();
    let acme = account();
    assert_eq!((&*acme.name, acme.mrr, acme.plan.as_deref()), ("Acme", Some(1250.5), Some("pro")));
    assert_eq!((acme.health, acme.kam.as_ref().map(|kam| kam.as_str())), (Some(Health::AtRisk), Some("kam@acme.test")));
    hand.forward(301);
    let newer = json!({ "organization": { "id": "30", "name": "Acme II", "organization_fields": {} } });
    script.expect("GET /api/v2/organizations/30.json", answer(200, newer));
    assert_eq!((&*account().name, account().mrr), ("Acme II", None), "asked for once more, after five minutes");
    script.seen();
}

#[test]
fn strangers_are_an_account_each() {
    for (over, id) in [
        (json!({ "organization_id": null, "requester_id": 20 }), "requester-20"),
        (json!({ "organization_id": "", "requester_id": 21 }), "requester-21"),
        (json!({ "organization_id": null, "requester_id": null }), "ticket-7"),
    ] {
        assert_eq!(read(ticket(over), &[comment(1, 20, "help")]).account.as_str(), id);
    }
    let script = Script::new();
    script.expect("GET /api/v2/users/20.json", answer(200, json!({ "user": user(20, "end-user") })));
    script.expect("GET /api/v2/users/21.json", answer(404, json!({ "error": "RecordNotFound" })));
    let desk = helpdesk(&script);
    let name = |id: &str| block_on(desk.account(&id.to_owned().try_into().unwrap())).unwrap().name;
    assert_eq!((&*name("requester-20"), &*name("requester-21"), &*name("Acme")), ("User 20", "requester-21", "Acme"));
    script.seen();
}

#[test]
fn facts_of_an_account_are_taken_with_care() {
    let account = |fields: Value| {
        let script = Script::new();
        let organization = json!({ "organization": { "id": 30, "name": " ", "organization_fields": fields } });
        script.expect("GET /api/v2/organizations/30.json", answer(200, organization));
        let account = block_on(helpdesk(&script).account(&"30".to_owned().try_into().unwrap())).unwrap();
        (account.mrr, account.health, account.kam.is_some())
    };
    for (fields, expected) in [
        (json!({ "mrr": 900, "health": "Poor", "kam": "kam@ACME.test" }), (Some(900.0), Some(Health::Poor), true)),
        (json!({ "mrr": "-1", "health": "at risk", "kam": "kam@evil.test" }), (None, Some(Health::AtRisk), false)),
        (json!({ "mrr": "NaN", "health": "unknown", "kam": "kam@acme.test,x@evil.test" }), (None, None, false)),
        (json!({ "mrr": "1e999", "health": 5, "kam": null }), (None, None, false)),
        (json!({ "mrr": true, "kam": "x@evil.test@acme.test" }), (None, None, false)),
        (json!(null), (None, None, false)),
        (json!([]), (None, None, false)),
    ] {
        assert_eq!(account(fields.clone()), expected, "{fields}");
    }
}

#[test]
fn an_update_is_one_request() {
    let script = Script::new();
    script.expect(PUT, written(json!(false)));
    assert_eq!(update_after(ticket(json!({})), &update(), &script).unwrap(), applied(&[]));
    let seen = script.seen();
    let expected = update_request(&update());
    assert_eq!(seen[0].body, expected);
    let metadata = &expected.unwrap()["ticket"]["metadata"];
    assert_eq!((&metadata["marker"], &metadata["public"]), (&json!(&*update().marker), &json!(false)));
}

fn update_request(update: &TicketUpdate) -> Option<Value> {
    crate::request::update_request(update, &mapping().fields).body
}

#[test]
fn an_old_stamp_is_a_conflict_without_a_write() {
    let script = Script::new();
    script.expect(TICKET, answer(200, ticket(json!({ "updated_at": "2026-11-23T09:30:00Z" }))));
    assert_eq!(block_on(helpdesk(&script).update(&update())).unwrap(), Updated::Conflict);
    script.seen();
}

#[test]
fn each_answer_to_a_write_means_one_thing() {
    for (response, expected) in [
        (answer(409, json!({ "error": "UpdateConflict" })), Updated::Conflict),
        (answer(409, json!({ "error": "DatabaseConflict", "description": "Database collision" })), Updated::Conflict),
        (answer(404, json!({ "error": "RecordNotFound" })), Updated::NotFound),
        (answer(410, json!(null)), Updated::Gone),
    ] {
        let script = Script::new();
        script.expect(PUT, response);
        assert_eq!(update_after(ticket(json!({})), &update(), &script).unwrap(), expected);
        script.seen();
    }
    let script = Script::new();
    assert_eq!(update_after(ticket(json!({ "status": "closed" })), &update(), &script).unwrap(), Updated::Gone);
    script.seen();
    for (response, transient) in [(answer(500, json!({})), true), (answer(403, json!({})), false)] {
        let script = Script::new();
        script.expect(PUT, response);
        let error = update_after(ticket(json!({})), &update(), &script).unwrap_err();
        assert_eq!(matches!(error, PortError::Transient { .. }), transient, "{error:?}");
    }
    let script = Script::new();
    script.expect_silence(PUT);
    assert!(matches!(update_after(ticket(json!({})), &update(), &script), Err(PortError::Transient { .. })));
}

/// What Zendesk says of one property, in a language that is not ours.
fn refusal(key: &str, detail: Value) -> Response {
    let mut entry = json!({ "description": "Prioridade: não é válida", "error": null });
    merge(&mut entry, detail);
    answer(422, json!({ "error": "RecordInvalid", "description": "Erros", "details": { key: [entry] } }))
}

#[test]
fn a_refused_part_is_left_out_and_the_rest_written() {
    let pending = || TicketUpdate { pending: true, ..update() };
    let field = |field| Part::Field(field);
    for (key, detail, part, base) in [
        ("priority", json!({ "error": "InvalidValue" }), field(Field::Priority), false),
        ("group", json!({}), field(Field::Group), false),
        ("assignee", json!({ "error": "InvalidValue" }), field(Field::Group), false),
        ("base", json!({ "ticket_field_id": 1 }), field(Field::GuardianRiskScore), true),
        ("base", json!({ "ticket_field_id": "2" }), field(Field::OpportunityIntent), true),
        ("custom_fields", json!({ "ticket_field_id": 3 }), field(Field::AgentId), false),
        ("base", json!({ "ticket_field_id": 12, "ticket_field_type": "FieldAssignee" }), field(Field::Group), true),
        ("base", json!({ "error": "BlankValue", "ticket_field_type": "FieldDescription" }), Part::Comment, true),
        ("comment", json!({}), Part::Comment, false),
        ("tags", json!({}), Part::Tags, false),
        ("status", json!({}), Part::Status, true),
        ("base", json!({ "ticket_field_id": 555, "ticket_field_type": "FieldText" }), Part::Status, true),
    ] {
        let script = Script::new();
        script.expect(PUT, refusal(key, detail.clone()));
        if base {
            script.expect(TICKET, answer(200, ticket(json!({}))));
        }
        script.expect(PUT, written(json!(false)));
        assert_eq!(update_after(ticket(json!({})), &pending(), &script).unwrap(), applied(&[part]), "{key} {detail}");
        let last = script.seen().pop().unwrap().body.unwrap();
        let sent = &last["ticket"];
        assert_eq!(sent["metadata"]["without"], part.name(), "so that a look-up knows it too");
        let there = match part {
            Part::Field(Field::Priority) => sent.get("priority").is_some(),
            Part::Field(Field::Group) => sent.get("group_id").is_some(),
            Part::Field(Field::GuardianRiskScore) => sent["custom_fields"].to_string().contains("\"id\":1,"),
            Part::Field(Field::OpportunityIntent) => sent["custom_fields"].to_string().contains("\"id\":2,"),
            Part::Field(Field::AgentId) => sent["custom_fields"].to_string().contains("\"id\":3,"),
            Part::Tags => sent.get("tags").is_some(),
            Part::Status => sent.get("status").is_some(),
            Part::Comment => sent.get("comment").is_some(),
        };
        assert!(!there, "{key}: {sent}");
        assert!(sent.get("safe_update").is_some());
    }
}

#[test]
fn a_refusal_that_names_nothing_costs_as_little_as_it_can() {
    let puzzle = || answer(422, json!({ "error": "RecordInvalid" }));
    let open = || answer(200, ticket(json!({})));
    let script = Script::new();
    script.expect(PUT, puzzle()).expect(TICKET, open()).expect(PUT, written(json!(false)));
    assert_eq!(update_after(ticket(json!({})), &update(), &script).unwrap(), applied(&[Part::Comment]));
    script.seen();

    let script = Script::new();
    script.expect(PUT, puzzle()).expect(TICKET, open()).expect(PUT, puzzle()).expect(TICKET, open());
    script.expect(PUT, written(json!(false)));
    let Updated::Applied(Applied { refused, .. }) = update_after(ticket(json!({})), &update(), &script).unwrap() else {
        panic!()
    };
    assert!(!refused.contains(&Part::Comment) && refused.contains(&Part::Field(Field::Priority)), "{refused:?}");
    assert!(script.seen().pop().unwrap().body.unwrap()["ticket"].get("comment").is_some());

    let script = Script::new();
    for _ in 0..4 {
        script.expect(PUT, puzzle()).expect(TICKET, open());
    }
    let whole = TicketUpdate { pending: true, ..update() };
    let Updated::Applied(Applied { refused, .. }) = update_after(ticket(json!({})), &whole, &script).unwrap() else {
        panic!()
    };
    assert_eq!(refused.len(), 8, "no fifth attempt, and everything is said to be missing: {refused:?}");
    script.seen();
}

#[test]
fn a_ticket_closed_in_between_is_gone() {
    for (key, detail) in
        [("status", json!({})), ("base", json!({ "ticket_field_type": "FieldStatus" })), ("base", json!({}))]
    {
        let script = Script::new();
        script.expect(PUT, refusal(key, detail)).expect(TICKET, answer(200, ticket(json!({ "status": "closed" }))));
        assert_eq!(update_after(ticket(json!({})), &update(), &script).unwrap(), Updated::Gone);
        script.seen();
    }
}

#[test]
fn an_assignee_keeps_his_ticket() {
    let update = TicketUpdate {
        changes: domain::FieldChanges { group: Change::Set(GroupId(40)), ..update().changes },
        ..update()
    };
    let members = "GET /api/v2/users/50/group_memberships.json?page[size]=100";
    let assigned = |group: Value| ticket(json!({ "assignee_id": 50, "group_id": group }));
    let groups = |ids: &[u64]| {
        answer(200, json!({ "group_memberships": ids.iter().map(|id| json!({ "group_id": id })).collect::<Vec<_>>() }))
    };
    for (response, said) in [
        (groups(&[39, 40]), true),
        (groups(&[39]), false),
        (answer(403, json!({})), false),
        (answer(404, json!({})), false),
    ] {
        let script = Script::new();
        script.expect(members, response).expect(PUT, written(json!(false)));
        let refused: &[Part] = if said { &[] } else { &[Part::Field(Field::Group)] };
        assert_eq!(update_after(assigned(json!(39)), &update, &script).unwrap(), applied(refused));
        let body = script.seen().pop().unwrap().body.unwrap();
        let sent = (body["ticket"]["group_id"].as_u64(), body["ticket"]["assignee_id"].as_u64());
        assert_eq!(sent, if said { (Some(40), Some(50)) } else { (None, None) });
    }
    let script = Script::new();
    script.expect(PUT, written(json!(false)));
    let same = TicketUpdate { before: FieldValues { group: Some(GroupId(40)), ..FieldValues::default() }, ..update };
    assert_eq!(update_after(assigned(json!(40)), &same, &script).unwrap(), applied(&[]));
    assert_eq!(script.seen()[0].body.as_ref().unwrap()["ticket"]["assignee_id"], 50);
}

#[test]
fn a_note_that_came_out_public_is_made_private() {
    let script = Script::new();
    script
        .expect(PUT, written(json!(true)))
        .expect("PUT /api/v2/tickets/7/comments/802/make_private", answer(200, json!({})));
    let updated = update_after(ticket(json!({})), &update(), &script).unwrap();
    assert_eq!(updated, Updated::Applied(Applied { refused: Vec::new(), exposed: true }));
    script.seen();
    let script = Script::new();
    script.expect(PUT, written(json!(true)));
    let public = TicketUpdate { comment: Some(Note::answer("hello".into())), ..update() };
    assert_eq!(
        update_after(ticket(json!({})), &public, &script).unwrap(),
        applied(&[]),
        "a public answer may be public"
    );
    script.seen();
    let script = Script::new();
    script
        .expect(PUT, written(json!(true)))
        .expect("PUT /api/v2/tickets/7/comments/802/make_private", answer(503, json!({})));
    let error = update_after(ticket(json!({})), &update(), &script).unwrap_err();
    assert!(matches!(error, PortError::Transient { .. }), "the look-up of the next attempt mends it");
    script.seen();
}

#[test]
fn an_answer_that_says_nothing_is_looked_up() {
    let marker = update().marker.to_string();
    for response in [answer(200, ticket(json!({}))), answer(200, json!("odd")), answer(200, json!({ "ok": true }))] {
        let script = Script::new();
        script.expect(PUT, response).expect(AUDITS, answer(200, json!({ "audits": [audit(json!(false), &marker)] })));
        assert_eq!(update_after(ticket(json!({})), &update(), &script).unwrap(), applied(&[]));
        script.seen();
    }
}

fn look_up(answers: Vec<(String, Response)>) -> Option<Applied> {
    let script = Script::new();
    for (request, response) in answers {
        script.expect(&request, response);
    }
    let found = block_on(helpdesk(&script).look_up(sample::ticket_id(7), "m")).unwrap();
    script.seen();
    found
}

fn audits(audits: Value, more: bool) -> Response {
    answer(200, json!({ "audits": audits, "meta": { "has_more": more, "after_cursor": "c" } }))
}

#[test]
fn a_write_is_found_by_its_marker() {
    let mut direct = audit(json!(false), "m");
    direct["metadata"] = json!({ "marker": "m", "public": false, "system": {} });
    let mut partly = audit(json!(false), "m");
    partly["metadata"]["custom"]["without"] = json!("group comment");
    let mut odd = audit(json!(false), "m");
    merge(&mut odd, json!({ "metadata": null, "events": null }));
    for (found, expected) in [
        (json!([audit(json!(false), "m")]), Some(vec![])),
        (json!([direct]), Some(vec![])),
        (json!([partly]), Some(vec![Part::Field(Field::Group), Part::Comment])),
        (json!([audit(json!(false), "other"), odd, 5]), None),
        (json!(null), None),
    ] {
        let refused = look_up(vec![(AUDITS.into(), audits(found, false))]).map(|applied| applied.refused);
        assert_eq!(refused, expected);
    }
    assert_eq!(look_up(vec![(AUDITS.into(), answer(404, json!({})))]), None);
}

#[test]
fn audits_are_looked_through_in_either_order() {
    let at = |id: u64, marker: &str| {
        let mut audit = audit(json!(false), marker);
        audit["id"] = json!(id);
        audit
    };
    let next = format!("{AUDITS}&page[after]=c");
    let newest_first = vec![
        (AUDITS.to_owned(), audits(json!([at(9, "x"), at(8, "y")]), true)),
        (next.clone(), audits(json!([at(7, "m")]), true)),
    ];
    assert!(look_up(newest_first).is_some());
    let oldest_first = vec![
        (AUDITS.to_owned(), audits(json!([at(1, "x"), at(2, "y")]), true)),
        (next, audits(json!([at(3, "m")]), false)),
    ];
    assert!(look_up(oldest_first).is_some());
}

#[test]
fn an_exposed_note_is_mended_by_the_look_up() {
    let repair = "PUT /api/v2/tickets/7/comments/802/make_private".to_owned();
    let exposed =
        vec![(AUDITS.into(), audits(json!([audit(json!(true), "m")]), false)), (repair, answer(200, json!({})))];
    assert_eq!(look_up(exposed), Some(Applied { refused: Vec::new(), exposed: true }));
    let change = json!({ "id": 900, "events": [{ "id": 901, "type": "CommentPrivacyChange", "comment_id": 802, "public": false }] });
    let mended = vec![(AUDITS.into(), audits(json!([change, audit(json!(true), "m")]), false))];
    assert_eq!(look_up(mended), Some(Applied { refused: Vec::new(), exposed: true }), "once, and told again");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "(7|20|open|closed|agent|end-user|Comment|ChatEnded|m|<p>)".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        let key = "(ticket|audit|audits|events|users|comments|meta|id|type|author_id|public|html_body|metadata|custom|marker|updated_at|status|tags|custom_fields|value|history|has_more|after_cursor|details|base)";
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(key, inner, 0..8).prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

/// Answers everything with the same.
struct Parrot(Response);

#[async_trait]
impl crate::Transport for Parrot {
    async fn send(&self, _: crate::Request) -> Result<Response, crate::Unanswered> {
        Ok(self.0.clone())
    }
}

proptest! {
    #[test]
    fn no_answer_makes_it_panic(body in any_json(), status in prop_oneof![Just(200u16), Just(422), Just(409), Just(404)], warned in any::<bool>()) {
        let mut response = answer(status, body);
        if warned {
            response = with_header(response, "x-zendesk-api-warn", "é\n");
        }
        let access = crate::Access::api_token("bot", "PLANTED".into());
        let client = Client::new(Arc::new(Parrot(response)), access, Budget::unlimited(), Hand::new().clock());
        let desk = ZendeskHelpdesk::new(client, Arc::new(mapping()), None);
        let _ = block_on(desk.ticket(sample::ticket_id(7)));
        let _ = block_on(desk.account(&"30".to_owned().try_into().unwrap()));
        let _ = block_on(desk.update(&update()));
        let _ = block_on(desk.look_up(sample::ticket_id(7), "m"));
    }
}
