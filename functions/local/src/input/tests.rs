use super::*;

const HEADER: &str =
    "ticket_id,customer_name,subject,description,actual_priority,channel,timestamp,mrr,team,churn_risk,intent";
const GOOD: &str = "#7,Acme,Subject,Text,P1,email,2026-11-16T07:12:00Z,1200,nexus,none,none";

fn with(lines: &[&str]) -> Input {
    parse("t.csv", format!("{HEADER}\n{}\n", lines.join("\n")).as_bytes()).unwrap()
}

#[test]
fn the_bundled_tickets_are_thirty_and_labelled() {
    let input = read(None, |problem| panic!("{problem}")).unwrap();
    assert_eq!(input.rows.len(), 30);
    assert!(input.rows.iter().all(|row| row.labels.priority.is_some() && row.labels.intent.is_some()));
    assert!(input.rows.is_sorted_by_key(|row| row.timestamp));
}

#[test]
fn four_columns_are_enough_and_unknown_ones_are_ignored() {
    let bytes = b"\xef\xbb\xbfTICKET_ID,customer_name,subject,description,colour\n1,A,s,\"d\n\"\"quoted\"\", x\",red\n2,B,s,d,\n";
    let input = parse("t.csv", bytes).unwrap();
    assert_eq!(input.problems, []);
    let [first, second] = input.rows.as_slice() else { panic!("{input:?}") };
    assert_eq!((first.id_text.as_str(), &*first.description), ("1", "d\n\"quoted\", x"));
    assert_eq!((second.line, second.timestamp.duration_since(first.timestamp)), (4, SignedDuration::from_secs(1)));
    assert_eq!((first.mrr, first.labels), (None, Labels::default()));
}

#[test]
fn a_time_without_a_zone_is_utc() {
    for text in ["2026-11-16T07:12:00", "2026-11-16 07:12", "2026-11-16T08:12:00+01:00", "2026-11-16T07:12:00.000Z"] {
        let input = with(&[&GOOD.replace("2026-11-16T07:12:00Z", text)]);
        assert_eq!(input.rows[0].timestamp.to_string(), "2026-11-16T07:12:00Z", "{text}");
    }
}

#[test]
fn a_bad_row_is_named_by_place_and_remedy_and_the_others_run() {
    let long = "x".repeat(1 << 20);
    let cases: [(&str, String, &str, &str); 19] = [
        ("a far future", GOOD.replace("2026-11-16", "9999-12-30"), "column timestamp", "between 1970 and 2100"),
        ("negative MRR", GOOD.replace("1200", "-5"), "column mrr", "negative"),
        ("text as MRR", GOOD.replace("1200", "lots"), "column mrr", "not a number"),
        ("NaN as MRR", GOOD.replace("1200", "NaN"), "column mrr", "not a number"),
        ("unknown priority", GOOD.replace("P1", "URGENT"), "column actual_priority", "use P0, P1, P2 or P3"),
        ("unknown team", GOOD.replace("nexus", "omega"), "column team", "use nexus"),
        ("unknown intent", GOOD.replace("none,none", "none,maybe"), "column intent", "use pricing_request"),
        ("unknown churn", GOOD.replace("none,none", "some,none"), "column churn_risk", "use high or none"),
        ("no subject", GOOD.replace("Subject", " "), "column subject", "fill it in"),
        ("no customer", GOOD.replace("Acme", ""), "column customer_name", "fill it in"),
        ("bad id", GOOD.replace("#7", "T-17"), "column ticket_id", "such as #1001"),
        ("script as id", GOOD.replace("#7", "<script>"), "column ticket_id", "such as #1001"),
        ("bad time", GOOD.replace("2026-11-16T07:12:00Z", "yesterday"), "column timestamp", "write 2026-"),
        ("a megabyte", GOOD.replace("Text", &long), "column description", "shorten it"),
        ("a bell", GOOD.replace("Text", "a\u{7}b"), "column description", "U+0007"),
        ("a null", GOOD.replace("Acme", "Ac\0me"), "column customer_name", "U+0000"),
        ("too few fields", "#7,Acme".to_owned(), "line 2", "fields where the header has 11"),
        ("too many fields", format!("{GOOD},x,y"), "line 2", "double quotes"),
        ("a stray quote", GOOD.replace("Text", "5\" screen"), "line 2", "quoting is broken"),
    ];
    for (name, bad, place, remedy) in cases {
        let input = with(&[&bad, &GOOD.replace("#7", "#8")]);
        assert_eq!(input.rows.len(), 1, "{name}: the other row runs: {:?}", input.problems);
        assert_eq!((input.rows[0].id.number(), input.rows[0].line), (8, 3), "{name}");
        let [problem] = input.problems.as_slice() else { panic!("{name}: {:?}", input.problems) };
        let message = problem.to_string();
        assert!(
            message.starts_with("t.csv, line 2") && message.contains(place) && message.contains(remedy),
            "{message}"
        );
        assert!(message.len() < 250, "{name}: {message}");
    }
}

#[test]
fn an_unclosed_quote_costs_one_row() {
    let open = GOOD.replace("Text", "\"never closed");
    let quoted = GOOD.replace("#7", "#8").replace("Text", "\"fine, \"\"really\"\"\nfine\"");
    let input = with(&[&open, &quoted, &GOOD.replace("#7", "#9")]);
    assert_eq!(input.rows.iter().map(|row| row.id.number()).collect::<Vec<_>>(), [8, 9], "{:?}", input.problems);
    assert_eq!(input.problems.len(), 1);
    assert_eq!(input.rows[1].line, 5);
}

#[test]
fn the_second_of_two_equal_ids_is_left_out() {
    let input = with(&[GOOD, &GOOD.replace("#7", "7"), &GOOD.replace("#7", "#07")]);
    assert_eq!(input.rows.len(), 1);
    for problem in &input.problems {
        assert!(problem.to_string().contains("line 2 already"), "{problem}");
    }
    assert_eq!(input.problems.len(), 2);
}

#[test]
fn bytes_that_are_not_utf8_are_named_by_column() {
    let mut bytes = format!("{HEADER}\n{GOOD}\n").into_bytes();
    let row = GOOD.replace("#7", "#8").replace("Acme", "Caf@");
    bytes.extend(row.bytes().map(|byte| if byte == b'@' { 0xe9 } else { byte }));
    let input = parse("t.csv", &bytes).unwrap();
    assert_eq!(input.rows.len(), 1);
    assert!(
        input.problems[0].to_string().contains("line 3, column customer_name: is not UTF-8"),
        "{:?}",
        input.problems
    );
}

#[test]
fn a_file_that_cannot_be_used_says_why() {
    let check = |bytes: &[u8], expected: &str| {
        let message = parse("t.csv", bytes).unwrap_err().to_string();
        assert!(message.contains("t.csv") && message.contains(expected), "{message}");
    };
    check(b"", "is empty");
    check(b"\xef\xbb\xbf \r\n", "is empty");
    check(b"\xff\xfet\0i\0", "UTF-16");
    check(b"ticket_id,customer_name,subject\n", "column description missing");
    check(b"ticket_id;customer_name;subject;description\n", "not semicolons");
    check(b"a,b\n1,2\n", "columns ticket_id, customer_name, subject, description missing; found a, b");
    let missing = read(Some(Path::new("/no/such.csv")), |_| ()).unwrap_err().to_string();
    assert!(missing.contains("/no/such.csv cannot be read"), "{missing}");
}

#[test]
fn the_largest_id_is_a_number_like_any_other() {
    assert_eq!(with(&[&GOOD.replace("#7", "18446744073709551615")]).rows.len(), 1);
}

#[test]
fn html_is_a_text_like_any_other() {
    let input = with(&[&GOOD.replace("Text", "<script>alert(1)</script>").replace("Acme", "<b>Acme</b>")]);
    assert_eq!(&*input.rows[0].description, "<script>alert(1)</script>");
    assert_eq!(input.problems, []);
}

#[test]
fn an_endless_input_is_given_up_at_the_limit() {
    assert!(limited(std::io::repeat(b'x'), 10_000).unwrap().is_none());
    assert_eq!(limited(&[b'x'; 10][..], 10).unwrap().unwrap().len(), 10);
    assert!(limited(&[b'x'; 11][..], 10).unwrap().is_none());
}

#[test]
fn a_file_too_large_is_not_read() {
    let file = tempfile::NamedTempFile::new().unwrap();
    // Sparse: it takes no room on the disk.
    file.as_file().set_len(LARGEST + 1).unwrap();
    let error = read(Some(file.path()), |_| {}).unwrap_err().to_string();
    assert!(error.ends_with("is larger than 256 MB; split it"), "{error}");
}
