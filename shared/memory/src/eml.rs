//! A message as a file that any mail program opens, headers and both parts included. Written here and not by a crate: the
//! same message has to give the same bytes, and mail builders mark the parts by chance and time.

use std::path::Path;

use base64::{Engine, engine::general_purpose::STANDARD};
use domain::ports::Email;

/// Between the parts: base64 has no such line.
const BOUNDARY: &str = "=_part";
/// A line of base64, and what of it fits into an encoded word of a header (RFC 2047: 75 characters with its marks).
const LINE: usize = 76;
const WORD: usize = 42;

/// The message without a sender: nobody sent it.
pub(crate) fn eml(email: &Email) -> String {
    let mut headers = vec![
        format!("Date: {}", email.at.strftime("%a, %d %b %Y %H:%M:%S +0000")),
        format!("To: {}", email.to),
        format!("Subject: {}", encoded(&email.subject)),
        format!("Message-ID: {}", message_id(&email.name)),
        "Auto-Submitted: auto-generated".to_owned(),
        "MIME-Version: 1.0".to_owned(),
        format!("Content-Type: multipart/alternative; boundary=\"{BOUNDARY}\""),
    ];
    // A thread's name is not a message's: without the prefix the first message could refer to itself.
    let thread = message_id(&format!("thread-{}", email.thread));
    headers.extend(match email.answers.as_deref().map(message_id) {
        Some(answers) => [format!("References: {thread}\r\n {answers}"), format!("In-Reply-To: {answers}")].to_vec(),
        None => vec![format!("References: {thread}")],
    });
    headers.extend(email.reply_to.as_ref().map(|address| format!("Reply-To: {address}")));
    headers.extend(email.important.then(|| "Importance: high".to_owned()));
    let (text, html) = (part("plain", &email.text), part("html", &email.html));
    format!("{}\r\n\r\n{text}{html}--{BOUNDARY}--\r\n", headers.join("\r\n"))
}

/// A message is called by its file, with or without an ending.
fn message_id(file: &str) -> String {
    let name = Path::new(file).file_stem().unwrap_or_default();
    format!("<{}@outbox.invalid>", name.to_string_lossy())
}

fn part(kind: &str, body: &str) -> String {
    let mut lines = String::new();
    for (index, letter) in STANDARD.encode(body).char_indices() {
        if index > 0 && index.is_multiple_of(LINE) {
            lines.push_str("\r\n");
        }
        lines.push(letter);
    }
    format!(
        "--{BOUNDARY}\r\nContent-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{lines}\r\n"
    )
}

/// A line of any letters as a header may hold it.
fn encoded(line: &str) -> String {
    let mut words = Vec::new();
    let mut word = String::new();
    for letter in line.chars() {
        if word.len() + letter.len_utf8() > WORD {
            words.push(std::mem::take(&mut word));
        }
        word.push(letter);
    }
    words.push(word);
    let words = words.iter().map(|word| format!("=?utf-8?B?{}?=", STANDARD.encode(word)));
    words.collect::<Vec<_>>().join("\r\n ")
}

#[cfg(test)]
mod tests {
    use domain::ports::contract::mailer;

    use super::*;

    #[test]
    fn a_file_has_what_a_mail_has() {
        let email = Email { subject: "Ä may leave: “we go” ".repeat(5), ..mailer::email("kam@example.com") };
        insta::assert_snapshot!(eml(&email).replace('\r', ""));
    }

    #[test]
    fn an_answer_names_the_message_it_answers() {
        let first = mailer::email("kam@example.com");
        let answer =
            Email { name: "1002-guardian-elevated".into(), answers: Some(format!("{}.html", first.name)), ..first };
        let header = |name: &str| {
            let whole = eml(&answer).replace("\r\n ", " ");
            whole.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")).map(str::to_owned)).unwrap()
        };
        assert_eq!(header("Message-ID"), "<1002-guardian-elevated@outbox.invalid>");
        assert_eq!(header("In-Reply-To"), "<1001-guardian-critical@outbox.invalid>");
        assert_eq!(header("References"), "<thread-ticket-1001@outbox.invalid> <1001-guardian-critical@outbox.invalid>");
    }

    #[test]
    fn no_line_of_a_customer_is_a_header() {
        let email = Email { subject: "a\r\nBcc: x@example.com".into(), ..mailer::email("kam@example.com") };
        assert!(!eml(&email).contains("Bcc"));
    }
}
