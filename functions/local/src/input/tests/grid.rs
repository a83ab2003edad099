//! One ticket in every way a table may be written: delimiter, encoding, ends of lines, quotes.

use encoding_rs::WINDOWS_1252;

use super::*;

const HEADERS: [[&str; 6]; 4] = [
    ["ticket_id", "customer_name", "subject", "description", "timestamp", "mrr"],
    ["Ticket ID", "Customer Name", "Subject", "Description", "Timestamp", "MRR"],
    ["TICKETNUMMER", "Kunde", "Betreff", "Beschreibung", "Erstellt am", "MRR (USD)"],
    ["id", "company", "title", "body", "created at", "Monthly Recurring Revenue"],
];

const TEXT: &str = "Die Kasse „steht“ – für alle; auch, wenn…\nGruß | Tab";

/// The field as it has to be written.
fn quoted(text: &str, all: bool) -> String {
    if all || text.contains([',', ';', '\t', '|', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

fn encoded(text: &str, encoding: &str) -> Vec<u8> {
    let units = |swap: bool| {
        text.encode_utf16().flat_map(move |unit| if swap { unit.to_be_bytes() } else { unit.to_le_bytes() })
    };
    match encoding {
        "utf-8" => text.as_bytes().to_vec(),
        "utf-8 with a mark" => [b"\xef\xbb\xbf", text.as_bytes()].concat(),
        "utf-8 with two marks" => [b"\xef\xbb\xbf\xef\xbb\xbf", text.as_bytes()].concat(),
        "windows-1252" => WINDOWS_1252.encode(text).0.into_owned(),
        "utf-16le" => [0xff, 0xfe].into_iter().chain(units(false)).collect(),
        "utf-16be" => [0xfe, 0xff].into_iter().chain(units(true)).collect(),
        "utf-16le without a mark" => units(false).collect(),
        other => panic!("{other}"),
    }
}

#[test]
fn a_ticket_is_the_same_however_it_is_written() {
    let encodings = [
        "utf-8",
        "utf-8 with a mark",
        "utf-8 with two marks",
        "windows-1252",
        "utf-16le",
        "utf-16be",
        "utf-16le without a mark",
    ];
    let mut checked = 0;
    for header in HEADERS {
        for delimiter in [',', ';', '\t', '|'] {
            for encoding in encodings {
                for end in ["\n", "\r\n", "\r"] {
                    for (all, told) in [(false, false), (true, false), (false, true)] {
                        check(header, delimiter, encoding, end, all, told);
                        checked += 1;
                    }
                }
            }
        }
    }
    assert_eq!(checked, 1_008);
}

fn check(header: [&str; 6], delimiter: char, encoding: &str, end: &str, all: bool, told: bool) {
    let case = format!("{header:?} {delimiter:?} {encoding} {end:?} {all} {told}");
    let row = ["HR-7", "Müller & Söhne", "Kasse „steht“", TEXT, "16.11.2026 07:12", "5.000,00 €"];
    let line = |fields: [&str; 6]| fields.map(|field| quoted(field, all)).join(&delimiter.to_string());
    let first = if told { format!("sep={delimiter}{end}") } else { String::new() };
    let text = format!("{first}{}{end}{}{end}", line(header), line(row));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), encoded(&text, encoding)).unwrap();
    let input = read(Origin { path: Some(file.path()), ..super::unmapped() }, |_| ())
        .unwrap_or_else(|error| panic!("{case}: {error}"));
    assert_eq!((input.rows.len(), input.skipped), (1, 0), "{case}");
    let found = &input.rows[0];
    assert_eq!((found.id_text.as_str(), found.account.as_str()), ("HR-7", "Müller & Söhne"), "{case}");
    assert_eq!((&*found.subject, &*found.description), ("Kasse „steht“", TEXT), "{case}");
    assert_eq!((found.timestamp.to_string().as_str(), found.mrr), ("2026-11-16T07:12:00Z", Some(5_000.0)), "{case}");
    let line = if told { 3 } else { 2 };
    assert_eq!(found.line, line, "{case}");
    let said = input.notes.iter().filter(|note| note.contains("Windows-1252")).count();
    assert_eq!(said, usize::from(encoding == "windows-1252"), "{case}: {:?}", input.notes);
}
