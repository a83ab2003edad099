mod exports;
mod grid;

use super::*;

const HEADER: &str =
    "ticket_id,customer_name,subject,description,actual_priority,channel,timestamp,mrr,team,churn_risk,intent";
const GOOD: &str = "#7,Acme,Subject,Text,P1,email,2026-11-16T07:12:00Z,1200,nexus,none,none";

fn parse(text: &str) -> Input {
    parse_with(text.as_bytes(), &[])
}

fn parse_with(bytes: &[u8], map: &[&str]) -> Input {
    let map: Vec<Assignment> = map.iter().map(|text| text.parse().unwrap()).collect();
    let from = Origin { map: &map, ..unmapped() };
    reader::parse("t.csv", bytes, from).unwrap_or_else(|error| panic!("{error}"))
}

fn unmapped() -> Origin<'static> {
    Origin { path: None, map: &[], teams: stack::teams() }
}

fn with(lines: &[&str]) -> Input {
    parse(&format!("{HEADER}\n{}\n", lines.join("\n")))
}

#[test]
fn the_bundled_tickets_are_thirty_and_labelled() {
    let input = read(unmapped(), |told| panic!("{told}")).unwrap();
    assert_eq!((input.rows.len(), input.skipped, input.notes.len()), (30, 0, 0));
    assert!(input.rows.iter().all(|row| row.labels.priority.is_some() && row.labels.intent.is_some()));
    assert!(input.rows.is_sorted_by_key(|row| row.timestamp));
}

#[test]
fn four_columns_are_enough_and_unknown_ones_are_ignored() {
    let text =
        "\u{feff}TICKET_ID,customer_name,subject,description,colour\n1,A,s,\"d\n\"\"quoted\"\", x\",red\n2,B,s,d,\n";
    let input = parse(text);
    assert_eq!((input.skipped, input.notes.as_slice()), (0, &[][..]));
    let [first, second] = input.rows.as_slice() else { panic!("{input:?}") };
    assert_eq!((first.id_text.as_str(), &*first.description), ("1", "d\n\"quoted\", x"));
    let later = second.timestamp.duration_since(first.timestamp);
    assert_eq!((second.line, later), (4, jiff::SignedDuration::from_secs(1)));
    assert_eq!((first.mrr, &first.labels), (None, &Labels::default()));
}

#[test]
fn a_bad_value_is_left_out_and_said() {
    let cases = [
        ("a far future", GOOD.replace("2026-11-16", "9999-12-30"), "column timestamp", "between 1970 and 2100"),
        ("bad time", GOOD.replace("2026-11-16T07:12:00Z", "yesterday"), "column timestamp", "write 2026-"),
        ("negative MRR", GOOD.replace("1200", "-5"), "column mrr", "negative"),
        ("text as MRR", GOOD.replace("1200", "lots"), "column mrr", "not a number"),
        ("unknown priority", GOOD.replace("P1", "URGENT"), "column actual_priority", "use P0, P1, P2 or P3"),
        ("unknown team", GOOD.replace("nexus", "omega"), "column team", "use nexus"),
        ("unknown intent", GOOD.replace("none,none", "none,maybe"), "column intent", "use pricing_request"),
        ("unknown churn", GOOD.replace("none,none", "some,none"), "column churn_risk", "use high or none"),
        ("a long text", GOOD.replace("Text", &"x".repeat(1 << 20)), "column description", "cut at the limit"),
        ("a bell", GOOD.replace("Text", "a\u{7}b"), "column description", "control characters were replaced"),
        ("a null", GOOD.replace("Acme", "Ac\0me"), "column customer_name", "control characters were replaced"),
        ("a stray quote", GOOD.replace("Text", "5\" screen"), "1 row with quotes", "line 2"),
        ("too many fields", GOOD.replace("Text", "It is down, all of it"), "1 row with more fields", "double quotes"),
    ];
    for (name, bad, place, remedy) in cases {
        let input = with(&[&bad, &GOOD.replace("#7", "#8")]);
        assert_eq!((input.rows.len(), input.skipped), (2, 0), "{name}: {:?}", input.problems);
        let [note] = input.notes.as_slice() else { panic!("{name}: {:?}", input.notes) };
        assert!(note.starts_with("t.csv: ") && note.contains(place) && note.contains(remedy), "{note}");
        assert!(note.contains("line 2") && note.len() < 250, "{name}: {note}");
    }
}

#[test]
fn a_bad_value_costs_no_other() {
    let input = with(&[&GOOD.replace("1200", "lots").replace("nexus", "omega")]);
    let row = &input.rows[0];
    assert_eq!((row.mrr, row.labels.agent.as_ref(), row.labels.priority), (None, None, Some(Priority::P1)));
    assert_eq!((&*row.subject, row.timestamp.to_string().as_str()), ("Subject", "2026-11-16T07:12:00Z"));
}

#[test]
fn what_is_wrong_is_said_once_a_column() {
    let rows: Vec<String> = (1..=50).map(|id| GOOD.replace("#7", &id.to_string()).replace("1200", "lots")).collect();
    let input = with(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    let expected = "t.csv: column mrr: 50 values count as empty, the first on line 2: “lots” is not a number; write \
                    dollars a month such as 1200, or leave it empty";
    assert_eq!((input.rows.len(), input.notes.as_slice()), (50, &[expected.to_owned()][..]));
}

#[test]
fn an_empty_text_is_a_ticket() {
    for (row, subject, description) in [
        ("1,Acme,,Text", "", "Text"),
        ("1,Acme,Subject,", "Subject", ""),
        ("1,Acme,,", "", ""),
        ("1,Acme,Subject", "Subject", ""),
    ] {
        let input = parse(&format!("ticket_id,customer_name,subject,description\n{row}\n"));
        assert_eq!((input.rows.len(), input.skipped), (1, 0), "{row}");
        assert_eq!((&*input.rows[0].subject, &*input.rows[0].description), (subject, description), "{row}");
    }
}

#[test]
fn a_row_without_text_is_skipped_and_named() {
    let input = with(&["#7,Acme", &GOOD.replace("#7", "#8"), ",,,,,,,,,,", "", "2 tickets"]);
    assert_eq!((input.rows.len(), input.skipped), (1, 2));
    assert_eq!((input.rows[0].id.number(), input.rows[0].line), (8, 3));
    let said =
        "t.csv, line 2: has 2 fields where the header has 11, and no text; put a text with commas in double quotes";
    assert_eq!(input.problems[0].to_string(), said);
}

#[test]
fn commas_without_quotes_stay_in_the_text() {
    for (row, description, mrr) in [
        (GOOD.replace("Text", "It is down, all of it, now"), "It is down, all of it, now", Some(1_200.0)),
        (GOOD.to_owned() + ",,", "Text", Some(1_200.0)),
        (GOOD.to_owned() + ",x", "Text,P1", None),
    ] {
        let input = with(&[&row]);
        assert_eq!((&*input.rows[0].description, input.rows[0].mrr), (description, mrr), "{row}");
    }
}

#[test]
fn an_unclosed_quote_costs_one_row() {
    let open = GOOD.replace("Text", "\"never closed");
    let quoted = GOOD.replace("#7", "#8").replace("Text", "\"fine, \"\"really\"\"\nfine\"");
    let input = with(&[&open, &quoted, &GOOD.replace("#7", "#9")]);
    assert_eq!(input.rows.iter().map(|row| row.id.number()).collect::<Vec<_>>(), [8, 9], "{:?}", input.problems);
    assert_eq!((input.skipped, input.rows[1].line), (1, 5));
}

#[test]
fn the_second_of_two_equal_ids_is_left_out() {
    for (first, others) in [("#7", ["7", "#07"]), ("HR-2231", ["HR-2231", " HR-2231 "])] {
        let others = others.map(|id| GOOD.replace("#7", id));
        let input = with(&[&GOOD.replace("#7", first), &others[0], &others[1]]);
        assert_eq!((input.rows.len(), input.skipped), (1, 2));
        for problem in &input.problems {
            let problem = problem.to_string();
            assert!(problem.contains("column ticket_id") && problem.contains("line 2 already"), "{problem}");
        }
    }
}

#[test]
fn ids_may_be_anything_and_are_kept() {
    let ids = ["#7", "HR-2231", "18446744073709551615", "5e0f8a9c-0a3f", "", "<script>", "7"];
    let rows: Vec<String> = ids.iter().map(|id| GOOD.replace("#7", id)).collect();
    let input = with(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    let shown: Vec<&str> = input.rows.iter().map(|row| row.id_text.as_str()).collect();
    assert_eq!(shown, ["#7", "HR-2231", "18446744073709551615", "5e0f8a9c-0a3f", "#5", "<script>"]);
    let numbers: std::collections::HashSet<u64> = input.rows.iter().map(|row| row.id.number()).collect();
    assert_eq!(numbers.len(), 6);
    assert!(numbers.contains(&7) && numbers.contains(&5));
    assert!(numbers.iter().all(|number| *number < 1 << 53), "exact in JSON");
}

#[test]
fn the_order_of_dates_is_the_columns() {
    let days = |dates: &[&str]| {
        let rows: Vec<String> = dates
            .iter()
            .zip(1..)
            .map(|(date, id)| GOOD.replace("#7", &id.to_string()).replace("2026-11-16T07:12:00Z", date))
            .collect();
        let input = with(&rows.iter().map(String::as_str).collect::<Vec<_>>());
        let day = |row: &Row| row.timestamp.to_string().chars().take(10).collect::<String>();
        (input.rows.iter().map(day).collect::<Vec<_>>(), input.notes)
    };
    assert_eq!(days(&["03/04/2026", "16/11/2026"]), (vec!["2026-04-03".into(), "2026-11-16".into()], vec![]));
    assert_eq!(days(&["03/04/2026", "11/16/2026"]), (vec!["2026-03-04".into(), "2026-11-16".into()], vec![]));
    assert_eq!(days(&["03.04.2026"]), (vec!["2026-04-03".into()], vec![]));
    for undecided in [&["2026-01-01", "03/04/2026"][..], &["03/04/2026", "16/11/2026", "11/16/2026"]] {
        let (_, notes) = days(undecided);
        let [note] = notes.as_slice() else { panic!("{notes:?}") };
        assert!(note.contains("column timestamp: 1 value counts as empty") && note.contains("which"), "{note}");
    }
}

#[test]
fn the_meaning_of_a_comma_is_the_columns() {
    for (amounts, expected) in [
        (&["5,000", "12"][..], 5_000.0),
        (&["5,000", "1,234.50"], 5_000.0),
        (&["5,000", "99,90"], 5.0),
        (&["5.000", "99,90"], 5_000.0),
        (&["5.000", "99.90"], 5.0),
        (&["5.000"], 5_000.0),
    ] {
        let rows: Vec<String> = amounts.iter().map(|amount| format!("A;s;d;{amount}")).collect();
        let input = parse(&format!("customer_name;subject;description;mrr\n{}", rows.join("\n")));
        assert_eq!(input.rows[0].mrr, Some(expected), "{amounts:?}");
    }
}

#[test]
fn whoever_is_not_named_is_an_account_alone() {
    let input = parse(
        "id,customer,email,subject\n1,Acme,a@x.example,s\n2,ACME\u{200b},b@x.example,s\n3,N/A,c@x.example,s\n\
         4,,C@x.example,s\n5,,,s\n6,unknown,-,s\n",
    );
    let accounts: Vec<&AccountId> = input.rows.iter().map(|row| &row.account).collect();
    assert_eq!((accounts[0].as_str(), accounts[0]), ("Acme", accounts[1]));
    assert_eq!(accounts[2], accounts[3]);
    assert!(accounts.iter().skip(2).all(|account| account.is_requester()));
    assert!(accounts[4] != accounts[5] && accounts[4] != accounts[2]);
    assert_eq!(input.rows[2].requester.as_deref(), Some("c@x.example"));
}

#[test]
fn a_file_that_cannot_be_used_says_why() {
    let check = |bytes: &[u8], expected: &str| {
        let message = reader::parse("t.csv", bytes, unmapped()).unwrap_err().to_string();
        assert!(message.contains("t.csv") && message.contains(expected), "{message}");
    };
    check(b"", "is empty");
    check(b"\xef\xbb\xbf \r\n", "is empty");
    check(b"ticket_id,customer_name\n1,Acme\n", "no column holds the text of tickets");
    check(b"a,b\n1,2\n", "Its columns are a, b");
    check(b"[{\"id\":1},", "no JSON with tickets");
    check(b"[{\"id\":1}]", "Its columns are id");
    check("\u{202e}a\u{1b},b\n".as_bytes(), "Its columns are \\u{202e}a, b");
}

#[test]
fn few_problems_are_told_and_the_rest_counted() {
    let text = format!("{HEADER}\n{}{GOOD}\n", "1,2\n".repeat(400));
    let path = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(path.path(), text).unwrap();
    let told = std::cell::RefCell::new(Vec::new());
    let input = read(Origin { path: Some(path.path()), ..unmapped() }, |what| told.borrow_mut().push(what.to_string()));
    assert_eq!(input.unwrap().skipped, 400);
    let told = told.into_inner();
    assert_eq!(told.len(), 21);
    assert!(told[0].starts_with("skipped: ") && told[20].starts_with("skipped: 380 more rows"), "{told:?}");
}

#[test]
fn html_is_a_text_like_any_other() {
    let input = with(&[&GOOD.replace("Text", "<script>alert(1)</script>").replace("Acme", "<b>Acme</b>")]);
    assert_eq!(&*input.rows[0].description, "<script>alert(1)</script>");
    assert_eq!((input.skipped, input.notes.len()), (0, 0));
}

#[test]
fn a_column_that_is_there_twice_is_said() {
    let input = parse("subject,description,Subject\n,b,c\n");
    assert_eq!(&*input.rows[0].subject, "c");
    assert_eq!(input.notes, ["t.csv: column subject is there 2 times; the first that is filled counts"]);
}

#[test]
fn a_column_may_be_named() {
    let text = "Nr,Firma,Kurz,Lang\n1,Acme,Hilfe,Nichts geht";
    let input = parse_with(text.as_bytes(), &["subject=Kurz", "description=lang", "customer_name=Firma"]);
    let row = &input.rows[0];
    assert_eq!((&*row.subject, &*row.description, row.account.as_str()), ("Hilfe", "Nichts geht", "Acme"));
    let [note] = input.notes.as_slice() else { panic!("{:?}", input.notes) };
    assert!(note.contains("read ticket_id from “Nr”") && note.contains("description from “Lang”"), "{note}");
}

proptest::proptest! {
    #[test]
    fn no_file_makes_it_panic(bytes: Vec<u8>, header: bool) {
        let head = if header { format!("{HEADER}\n") } else { String::new() };
        let _ = reader::parse("t.csv", &[head.as_bytes(), &bytes].concat(), unmapped());
        let _ = reader::parse("t.json", &[b"[{\"id\":1,\"subject\":\"", bytes.as_slice()].concat(), unmapped());
    }
}
