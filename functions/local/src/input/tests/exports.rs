//! The shapes of exports, by their real headers and with invented tickets.

use super::*;

/// What a file must become: export, number of tickets, and of the first: id, account, subject, description, time, channel.
struct Expected {
    export: &'static str,
    tickets: usize,
    first: [&'static str; 6],
}

fn check(text: &str, expected: &Expected) {
    let input = parse(text);
    let name = expected.export;
    assert_eq!((input.rows.len(), input.skipped), (expected.tickets, 0), "{name}: {:?}", input.problems);
    assert!(input.notes.iter().any(|note| note.contains(&format!("read as {name}: "))), "{name}: {:?}", input.notes);
    let row = &input.rows[0];
    let account =
        if row.account.is_requester() { row.requester.as_deref().unwrap_or("") } else { row.account.as_str() };
    let time = row.timestamp.to_string();
    assert_eq!([&row.id_text, account, &row.subject, &row.description, &time, &row.channel], expected.first, "{name}");
}

#[test]
fn exports_are_recognised_by_their_headers() {
    for (text, export, first) in [
        (
            "Summation column,Id,Requester,Requester id,Requester external id,Requester email,Requester domain,Submitter,\
             Assignee,Group,Subject,Tags,Status,Priority,Via,Ticket type,Created at,Updated at,Assigned at,Organization,\
             Due date,Priority [list]\n\
             1,4711,Ada Weber,360001,,ada@acme.example,acme.example,Ada Weber,Jo,Support,Orders stuck,a b,Open,High,Mail,\
             Incident,2026-11-16 07:12,2026-11-16 08:00,,Acme,,x\n",
            "Zendesk's ticket list",
            ["4711", "Acme", "Orders stuck", "", "2026-11-16T07:12:00Z", "Mail"],
        ),
        (
            "ID,Subject,Requester,Requested,Group,Priority,Status\n12,Orders stuck,Ada Weber,2026-11-16 07:12,Support,-,Open\n",
            "a Zendesk view",
            ["12", "Ada Weber", "Orders stuck", "", "2026-11-16T07:12:00Z", "unknown"],
        ),
        (
            "Ticket ID,Ticket status,Ticket priority,Ticket subject,Ticket channel,Assignee name,Requester name,\
             Ticket organisation name,Ticket created - Timestamp,Ticket tags,Tickets\n\
             12,Open,High,Orders stuck,Email,Jo,Ada Weber,Acme,2026-11-16T07:12:00,a,1\n\
             12,Open,High,Orders stuck,Email,Jo,Ada Weber,Acme,2026-11-16T07:12:00,b,1\n",
            "Zendesk Explore",
            ["12", "Acme", "Orders stuck", "", "2026-11-16T07:12:00Z", "Email"],
        ),
        (
            "Ticket ID,Subject,Description,Status,Priority,Source,Type,Agent,Group,Created Time,Due by Time,Tags,\
             Full name,Email,Company Name\n\
             12,Orders stuck,They have not moved.,Open,High,Portal,,Jo,,2026-11-16 07:12:00,,\"a,b\",Ada,ada@acme.example,Acme\n",
            "Freshdesk",
            ["12", "Acme", "Orders stuck", "They have not moved.", "2026-11-16T07:12:00Z", "Portal"],
        ),
        (
            "message_id,message_body,message_type,message_created_at,message_author_type,message_author_id,\
             message_author_user_id,message_author_name,message_author_email,message_author_companies,conversation_tags,\
             conversation_id,conversation_state,conversation_created_at\n\
             1,How can we help?,conversation_message,2026-11-16 07:11:00,bot,9,,Bot,,,,77,open,2026-11-16 07:11:00\n\
             3,Any news?,comment,2026-11-16 09:00:00,user,5,,Ada,ada@acme.example,Acme,,77,open,2026-11-16 07:11:00\n\
             2,Orders are stuck.,comment,2026-11-16 07:12:00,user,5,,Ada,ada@acme.example,Acme,,77,open,2026-11-16 07:11:00\n",
            "Intercom by ProdSight",
            ["77", "Acme", "", "Orders are stuck.", "2026-11-16T07:12:00Z", "unknown"],
        ),
        (
            "Summary,Issue key,Issue id,Issue Type,Status,Project key,Priority,Assignee,Reporter,Creator,Created,Labels,\
             Labels,Description,Watchers,Watchers,Custom field (Organizations),Comment,Comment\n\
             Orders stuck,SUP-12,10012,Incident,Open,SUP,High,jo,ada,ada,16/Nov/26 07:12 AM,a,b,\"They have not\n\
             moved.\",x,y,Acme,16/Nov/26 08:00 AM;7;Looking,\n",
            "Jira",
            ["SUP-12", "Acme", "Orders stuck", "They have not\nmoved.", "2026-11-16T07:12:00Z", "unknown"],
        ),
        (
            "\"Ticket ID\",\"Ticket name\",\"Pipeline\",\"Ticket status\",\"Create date\",\"Ticket owner\",\"Source\",\
             \"Last activity date\",\"Ticket description\",\"Associated Company\",\"Associated Contact\"\n\
             \"12345678901\",\"Orders stuck\",\"Support\",\"New\",\"2026-11-16 07:12\",\"Jo\",\"Email\",\"\",\"Not moving.\",\
             \"Acme\",\"Ada\"\n",
            "HubSpot",
            ["12345678901", "Acme", "Orders stuck", "Not moving.", "2026-11-16T07:12:00Z", "Email"],
        ),
        (
            "hs_object_id,subject,content,hs_pipeline,hs_pipeline_stage,hs_ticket_priority,createdate\n\
             12,Orders stuck,Not moving.,0,1,HIGH,1794813120000\n",
            "HubSpot with internal names",
            ["12", "", "Orders stuck", "Not moving.", "2026-11-16T07:12:00Z", "unknown"],
        ),
        (
            "Session ID,Date,Beacon ID,Beacon Device ID,Question,Answer,Answer Type,Customer ID,Comment\n\
             s-1,2026-11-16,b,d,Where are my orders?,There.,AI,c-5,\n",
            "Help Scout's AI answers",
            ["s-1", "c-5", "", "Where are my orders?", "2026-11-16T00:00:00Z", "unknown"],
        ),
        (
            "Message ID,Segment ID,Conversation ID,Ticket IDs,Direction,Status,Inbox,Message date,Autoreply,Assignee,Author,\
             Contact name,Contact handle,Account names,From,To,Cc,Bcc,Extract,Tags,Subject\n\
             m2,s,c-1,,Outbound,x,Help,2026-11-16 08:00,,,,,ada@acme.example,Acme,us,,,,We look.,,Orders stuck\n\
             m1,s,c-1,,Inbound,x,Help,2026-11-16 07:12,,,,,ada@acme.example,Acme,ada,,,,They have not moved.,,Orders stuck\n",
            "Front",
            ["c-1", "Acme", "Orders stuck", "They have not moved.", "2026-11-16T07:12:00Z", "Help"],
        ),
        (
            "\u{feff}ID,Ticket URL,Subject,Status,Channel,Created datetime,Customer email,Tags,Ticket field: Reason\n\
             12,https://x.example,Orders stuck,open,email,2026-11-16T07:12:00,ada@acme.example,a,A::B\n",
            "Gorgias",
            ["12", "ada@acme.example", "Orders stuck", "", "2026-11-16T07:12:00Z", "email"],
        ),
        (
            "Ticket Id,Subject,Channel,Created Time (Ticket),Status (Ticket),Priority (Ticket),Account Name,Email\n\
             112233445566778899,Orders stuck,Email,16 Nov 2026 07:12 AM,Open,-,-,ada@acme.example\n",
            "Zoho Desk",
            ["112233445566778899", "ada@acme.example", "Orders stuck", "", "2026-11-16T07:12:00Z", "Email"],
        ),
        (
            "TicketExtId,ContactExtId,Subject,Description,Status,Created Time\n\
             12,5,Orders stuck,NULL,Open,2026-11-16T07:12:00.000Z\n",
            "Zoho Desk's tickets",
            ["12", "5", "Orders stuck", "", "2026-11-16T07:12:00Z", "unknown"],
        ),
        (
            "ThreadExtId,TicketExtId,Content,SendDateTime,Direction,isPrivate,Channel\n\
             1,12,Not moving.,2026-11-16T07:12:00.000Z,In,false,Email\n2,12,We look.,2026-11-16T08:00:00.000Z,Out,false,Email\n",
            "Zoho Desk's threads",
            ["12", "", "", "Not moving.", "2026-11-16T07:12:00Z", "Email"],
        ),
        (
            "\u{feff}\"Ticket Number\";\"Date Created\";Subject;From;\"From Email\";Priority;Department;Source\n\
             012345;\"16/11/2026 07:12\";\"Orders stuck\";Ada;ada@acme.example;Normal;Support;Email\n",
            "osTicket",
            ["012345", "ada@acme.example", "Orders stuck", "", "2026-11-16T07:12:00Z", "Email"],
        ),
        (
            "\"Case Number\",\"Subject\",\"Description\",\"Status\",\"Case Origin\",\"Date/Time Opened\",\"Account Name\"\n\
             \"00001026\",\"Orders stuck\",\"Not\r\nmoving.\",\"New\",\"Email\",\"16/11/2026 07:12\",\"Acme\"\n\n\n\
             \"Grand Totals (1 records)\"\n\"Confidential Information - Do Not Distribute\"\n\"Copyright (c) 2000-2026\"\n",
            "a Salesforce report",
            ["00001026", "Acme", "Orders stuck", "Not\r\nmoving.", "2026-11-16T07:12:00Z", "Email"],
        ),
        (
            "Id,CaseNumber,Subject,Description,Status,Priority,Origin,AccountId,ContactEmail,CreatedDate\n\
             5003000000D8cuIAAR,00001026,Orders stuck,Not moving.,New,High,Web,0013000000,ada@acme.example,2026-11-16T07:12:00.000Z\n",
            "Salesforce's data export",
            ["00001026", "0013000000", "Orders stuck", "Not moving.", "2026-11-16T07:12:00Z", "Web"],
        ),
        (
            "Ticket ID,Customer Name,Customer Email,Customer Age,Customer Gender,Product Purchased,Date of Purchase,\
             Ticket Type,Ticket Subject,Ticket Description,Ticket Status,Resolution,Ticket Priority,Ticket Channel,\
             First Response Time\n\
             1,Ada Weber,ada@acme.example,32,Female,Camera,2026-03-22,Technical issue,Device,Not moving.,Open,,Critical,\
             Social media,2026-06-01 12:15:36\n",
            "the customer support ticket data set",
            ["1", "Ada Weber", "Device", "Not moving.", "2026-01-01T00:00:00Z", "Social media"],
        ),
        (
            "subject,body,answer,type,queue,priority,language,version,tag_1\n\
             Orders stuck,Not moving.,We look.,Incident,IT,high,pt,51,a\n",
            "the multilingual support ticket data set",
            ["#1", "", "Orders stuck", "Not moving.", "2026-01-01T00:00:00Z", "unknown"],
        ),
    ] {
        check(text, &Expected { export, tickets: 1, first });
    }
}

#[test]
fn json_exports_are_recognised_too() {
    let zendesk = r#"{"id":12,"subject":"Orders stuck","raw_subject":"x","description":"Not moving. \ud83d","priority":"high","requester_id":360001,"organization_id":5,"via":{"channel":"email"},"created_at":"2026-11-16T07:12:00Z","tags":["a"],"custom_fields":[{"id":1,"value":null}]}"#;
    let other = zendesk.replace("12,", "13,").replace("\"organization_id\":5", "\"organization_id\":null");
    let found = "Not moving. \u{fffd}";
    let first = ["12", "organisation 5", "Orders stuck", found, "2026-11-16T07:12:00Z", "email"];
    let zendesk_expected = Expected { export: "Zendesk's JSON export", tickets: 2, first };
    check(&format!("{zendesk}\n{other}\n"), &zendesk_expected);
    check(&format!("{{\"tickets\":[{zendesk},{other}],\"end_of_stream\":true}}"), &zendesk_expected);
    check(&format!("[{zendesk},\n{other}]"), &zendesk_expected);
    for (text, export, first) in [
        (
            r#"{"type":"conversation.list","conversations":[{"id":"77","created_at":1794813120,"title":null,"source":{"type":"email","subject":"Orders stuck","body":"<p>Not moving.</p>","author":{"email":"ada@acme.example"}},"state":"open"}]}"#,
            "Intercom's JSON",
            ["77", "ada@acme.example", "Orders stuck", "<p>Not moving.</p>", "2026-11-16T07:12:00Z", "email"],
        ),
        (
            r#"[{"id":12,"subject":"Orders stuck","description":"<div>Not moving.</div>","description_text":"Not moving.","priority":4,"requester_id":5,"company_id":9,"created_at":"2026-11-16T07:12:00Z"}]"#,
            "Freshdesk's JSON",
            ["12", "organisation 9", "Orders stuck", "Not moving.", "2026-11-16T07:12:00Z", "unknown"],
        ),
        (
            r#"{"data":[{"id":12,"subject":"Orders stuck","channel":"chat","created_datetime":"2026-11-16T07:12:00.123456","customer":{"email":"ada@acme.example"},"messages":[{"body_text":"Not moving."}]}]}"#,
            "Gorgias's JSON",
            ["12", "ada@acme.example", "Orders stuck", "Not moving.", "2026-11-16T07:12:00.123456Z", "chat"],
        ),
    ] {
        check(text, &Expected { export, tickets: 1, first });
    }
}

#[test]
fn objects_without_a_ticket_are_skipped() {
    let input = parse("{\"id\":1,\"subject\":\"a\"}\nPLANTED\n{\"count\":3}\n{\"id\":2,\"subject\":null}\n");
    assert_eq!((input.rows.len(), input.skipped), (2, 2));
    let lines: Vec<u64> = input.problems.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [2, 3]);
    assert!(!input.problems[0].to_string().contains("PLANTED"));
}
