//! Text that a machine wrote: for a reader to look at, and without a meaning for the analyst.

use std::sync::LazyLock;

use regex::Regex;

use crate::{Rule, page::Page};

/// Lines of one JSON value or one statement.
const MOST_LINES: usize = 200;
const SQL_LINES: usize = 40;
/// Lines after a bracket that was never closed, until another is tried.
const RETRY: usize = 10;
/// A shorter JSON text in one line is rather an example in a sentence. In bytes.
const SHORTEST_JSON: usize = 20;
/// Letters in a row that nobody writes as a word.
const SHORTEST_BLOB: usize = 60;
/// Lines of a kind in a row, from which on they are no coincidence.
const LOG_LINES: usize = 2;
const TABLE_LINES: usize = 3;
const MARKUP_LINES: usize = 2;
/// A longer line is looked at by its beginning.
const LOOKED_AT: usize = 1_000;

static FRAME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"(?x)^(?: at\s[\w.$<>/@\[\]\ ]{2,}\(.*\)?$ | at\s\S+:\d+:\d+\)?$ | at\s[\w.<>]+\(\)\s(?:in|dans|bei)\s
        | File\s".+",\sline\s\d+ | \#\d+\s+.+(?:\.\w{1,5}[:(]\d+|\)\s*$) | \.{3}\s\d+\s(?:more|common\sframes)
        | from\s.+:\d+:in\s | goroutine\s\d+\s\[ | \d+:\s+0x[0-9a-f]+\s )"#,
    )
    .expect("a fixed pattern")
});
static TRACE_HEAD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^(?:Traceback \(most recent call last\)|Exception in thread |Caused by: |Stack ?trace:?$|Fatal error: |PHP (?:Fatal|Warning|Notice|Parse)|Uncaught |Unhandled [Ee]xception|[\w.$\\]*[A-Za-z](?:Exception|Error)(?::|$))",
    )
    .expect("a fixed pattern")
});
static LOG: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?x)^(?:
        [\[(]?\d{4}[-/.]\d{2}[-/.]\d{2}[T\ _]\d{2}:\d{2}(?::\d{2})?(?:[.,]\d+)?(?:Z|\s?[+-]\d{2}:?\d{2})?[\])]?[\ \t:|-]+.*?(?:\b(?:INFO|WARN(?:ING)?|ERROR|DEBUG|TRACE|FATAL|CRITICAL|NOTICE|SEVERE|info|warn|error|debug|ERR|WRN|INF|DBG)\b|\w+=\S+|\[\w)
        | \[?(?:INFO|WARN(?:ING)?|ERROR|DEBUG|TRACE|FATAL|CRITICAL|NOTICE|SEVERE)\]?[\ \t:|-]+\S
        | (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\ {1,2}\d{1,2}\ \d{2}:\d{2}:\d{2}\ \S+\ \S+(?:\[\d+\])?:
        | \d{1,3}(?:\.\d{1,3}){3}\ \S+\ \S+\ \[
        | (?:[\w.]+=\S+\s+){3}
        )",
    )
    .expect("a fixed pattern")
});
static MARKUP: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^<(?:\?xml|!DOCTYPE|!--|!\[CDATA|/?[A-Za-z][\w.-]*(?::[A-Za-z][\w.-]*)?(?:\s+[\w:.-]+(?:=(?:"[^"]*"|'[^']*'|\S+))?)*\s*/?>)"#).expect("a fixed pattern")
});
static HTTP: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) \S+ HTTP/\d|HTTP/\d(?:\.\d)? \d{3}\b|(?:\$ |> )?curl\s+(?:-|https?://|'|\x22))").expect("a fixed pattern")
});
static FIELD: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^[A-Za-z][A-Za-z0-9-]+: \S").expect("a fixed pattern"));
static SQL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:SELECT\b|INSERT INTO\s|UPDATE\s+\S+\s+SET\b|DELETE FROM\s|CREATE TABLE\s|ALTER TABLE\s|WITH\s+\w+\s+AS\s*\()")
        .expect("a fixed pattern")
});
static SQL_MORE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:FROM|WHERE|AND|OR|(?:LEFT |RIGHT |INNER |OUTER )*JOIN|GROUP BY|ORDER BY|HAVING|LIMIT|VALUES|SET|ON|UNION|SELECT)\b").expect("a fixed pattern")
});

/// Takes the machine's lines out.
pub(crate) fn take_out(page: &mut Page<'_>) {
    let mut at = 0;
    // Within a bracket that is never closed none is looked for again.
    let mut open_until = 0;
    while at < page.len() {
        if !page.is_own(at) || page.line(at).is_blank() {
            at += 1;
            continue;
        }
        let opens = page.bare(at).starts_with(['{', '[']) && at >= open_until;
        if opens && let Some(end) = json(page, at) {
            page.take_out(at..end, Rule::Json);
            at = end;
            continue;
        }
        if opens {
            open_until = at + RETRY;
        }
        match found(page, at) {
            Some((rule, end)) if end > at => {
                page.take_out(at..end, rule);
                at = end;
            }
            Some(_) | None => at += 1,
        }
    }
}

/// What begins at a line, and where it ends.
fn found(page: &Page<'_>, at: usize) -> Option<(Rule, usize)> {
    let line = start(page.bare(at));
    if line.starts_with("```") || line.starts_with("~~~") {
        let mark = line.get(..3).unwrap_or_default();
        let close = (at + 1..page.len().min(at + 5 * MOST_LINES)).find(|at| page.bare(*at).starts_with(mark));
        return close.map(|close| (Rule::Code, close + 1));
    }
    if line.starts_with("-----BEGIN ") {
        let close = (at + 1..page.len().min(at + MOST_LINES)).find(|at| page.bare(*at).starts_with("-----END "));
        return close.map(|close| (Rule::Encoded, close + 1));
    }
    if let Some(end) = trace(page, at) {
        return Some((Rule::Trace, end));
    }
    if HTTP.is_match(line) {
        let continued = |at: usize| at > 0 && page.bare(at - 1).ends_with('\\');
        return Some((Rule::Code, run(page, at + 1, |page, at| FIELD.is_match(start(page.bare(at))) || continued(at))));
    }
    if SQL.is_match(line) && line.contains(['*', ',', ';', '=', '(', '_', '.']) {
        return sql(page, at).map(|end| (Rule::Sql, end));
    }
    let logs = run(page, at, |page, at| LOG.is_match(start(page.bare(at))));
    if logs >= at + LOG_LINES {
        return Some((Rule::Log, logs));
    }
    if is_blob(page.bare(at)) {
        return Some((Rule::Encoded, run(page, at, |page, at| is_blob(page.bare(at)) || is_tail(page.bare(at)))));
    }
    let markup = run(page, at, |page, at| is_markup(page.bare(at)));
    if markup >= at + MARKUP_LINES || (markup > at && line.matches('<').count() >= 4) {
        return Some((Rule::Markup, markup));
    }
    let table = run(page, at, |page, at| is_row(page.bare(at)));
    if table >= at + TABLE_LINES {
        // What names the columns goes with them.
        return Some((Rule::Table, table));
    }
    None
}

/// The first bytes of a line.
fn start(line: &str) -> &str {
    let end = (0..=LOOKED_AT.min(line.len())).rev().find(|end| line.is_char_boundary(*end)).unwrap_or(0);
    line.get(..end).unwrap_or(line)
}

/// The end of a run of own lines.
fn run(page: &Page<'_>, from: usize, is: impl Fn(&Page<'_>, usize) -> bool) -> usize {
    (from..page.len()).find(|at| !page.is_own(*at) || page.line(*at).is_blank() || !is(page, *at)).unwrap_or(page.len())
}

fn trace(page: &Page<'_>, at: usize) -> Option<usize> {
    let frame = |at: usize| FRAME.is_match(start(page.bare(at)));
    let head = TRACE_HEAD.is_match(start(page.bare(at)));
    // A message in the form of an error is the customer's unless frames follow it.
    let python = page.bare(at).starts_with("Traceback");
    let begins = frame(at)
        && (frame(at + 1)
            || page.bare(at).contains(".java:")
            || page.bare(at).contains(".js:")
            || page.bare(at).contains(".php"));
    if !begins && !(head && (frame(at + 1) || frame(at + 2))) {
        return None;
    }
    let mut end = at + 1;
    while end < page.len() && page.is_own(end) && !page.line(end).is_blank() {
        let indented = [" ", "\t"].iter().any(|indent| page.line(end).text.starts_with(indent));
        if !(frame(end) || TRACE_HEAD.is_match(start(page.bare(end))) || (indented && (python || frame(end - 1)))) {
            break;
        }
        end += 1;
    }
    Some(end)
}

/// The end of a JSON value that begins at a line.
fn json(page: &Page<'_>, at: usize) -> Option<usize> {
    let first = page.bare(at);
    if first.len() > 1 && !first.contains('"') && !first.ends_with(['{', '[', '}', ']']) {
        return None;
    }
    let (mut depth, mut bytes, mut keys) = (0i64, 0, 0usize);
    let mut quoted = false;
    for line in at..page.len().min(at + MOST_LINES) {
        if !page.is_own(line) {
            return None;
        }
        let text = page.bare(line);
        let mut escaped = false;
        for c in text.chars() {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => quoted = !quoted,
                '{' | '[' if !quoted => depth += 1,
                '}' | ']' if !quoted => depth -= 1,
                _ => {}
            }
        }
        // A string does not go on in the next line.
        quoted = false;
        bytes += text.len();
        keys += text.matches("\":").count() + text.matches("\" :").count();
        if depth <= 0 {
            let ends = text.trim_end_matches([',', ';']).ends_with(['}', ']']);
            return (ends && keys > 0 && bytes >= SHORTEST_JSON).then_some(line + 1);
        }
    }
    None
}

fn sql(page: &Page<'_>, at: usize) -> Option<usize> {
    let mut end = at + 1;
    while end < page.len().min(at + SQL_LINES) && !page.bare(end - 1).ends_with(';') {
        let line = page.bare(end);
        let indented = page.line(end).text.starts_with("  ");
        if !page.is_own(end) || line.is_empty() || !(SQL_MORE.is_match(line) || indented) {
            break;
        }
        end += 1;
    }
    let words = (at..end).any(|at| {
        let line = start(page.bare(at));
        ["FROM", "INTO", "SET", "TABLE"].iter().any(|word| line.split_whitespace().any(|found| found == *word))
    });
    words.then_some(end)
}

/// A long run without a blank, of letters of both cases and figures.
fn is_blob(line: &str) -> bool {
    let has = |is: fn(&char) -> bool| line.chars().any(|c| is(&c));
    line.len() >= SHORTEST_BLOB
        && line.bytes().all(|c| c.is_ascii_alphanumeric() || b"+/=_-".contains(&c))
        && has(char::is_ascii_digit)
        && has(char::is_ascii_lowercase)
        && (has(char::is_ascii_uppercase) || line.bytes().all(|c| c.is_ascii_hexdigit()))
}

/// The last line of a blob.
fn is_tail(line: &str) -> bool {
    line.len() >= 2 && line.ends_with('=') && line.bytes().all(|c| c.is_ascii_alphanumeric() || b"+/=".contains(&c))
}

fn is_markup(line: &str) -> bool {
    let start = start(line);
    start.starts_with('<') && !start.contains("://>") && line.ends_with(['>', ';']) && MARKUP.is_match(start)
}

/// At least three cells, most of them figures.
fn is_row(line: &str) -> bool {
    let line = start(line);
    let cells: Vec<&str> = if line.contains(['\t', '|', ';']) {
        line.split(['\t', '|', ';']).map(str::trim).filter(|cell| !cell.is_empty()).collect()
    } else if line.contains("  ") {
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()
    } else {
        line.split(',').collect()
    };
    let figure = |cell: &&&str| {
        let digits = cell.chars().filter(char::is_ascii_digit).count();
        digits > 0 && 2 * digits >= cell.chars().filter(|c| !c.is_whitespace()).count()
    };
    // After a comma a writer puts a blank, a program does not.
    let written = cells.iter().skip(1).any(|cell| cell.starts_with(' '));
    cells.len() >= 3 && !written && 2 * cells.iter().filter(figure).count() >= cells.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, rule: Rule) {
        let whole = format!("The nightly export fails with this:\n{text}\nWhat can we do?");
        let mut page = Page::new(&whole);
        take_out(&mut page);
        assert_eq!(page.own(), "The nightly export fails with this:\nWhat can we do?", "{text}");
        assert!(page.left_out().iter().all(|part| part.rule == rule), "{:?}", page.left_out());
    }

    #[test]
    fn what_machines_wrote_is_taken_out() {
        check(
            "java.lang.NullPointerException: order\n\tat com.acme.Sync.run(Sync.java:42)\n\tat com.acme.Main.main(Main.java:7)",
            Rule::Trace,
        );
        check(
            "Traceback (most recent call last):\n  File \"sync.py\", line 4, in <module>\n    run()\nValueError: no stock",
            Rule::Trace,
        );
        check("TypeError: x is undefined\n    at load (app.js:10:4)\n    at main (app.js:22:1)", Rule::Trace);
        check("2026-11-02 09:12:01 ERROR sync failed for store 7\n2026-11-02 09:12:02 INFO retrying", Rule::Log);
        check(
            "[2026-11-02T09:12:01Z] worker[7]: level=error msg=timeout\n[2026-11-02T09:12:02Z] worker[7]: level=info msg=ok",
            Rule::Log,
        );
        check("Nov  2 09:12:01 web1 nginx[812]: upstream timed out\nNov  2 09:12:02 web1 nginx[812]: retry", Rule::Log);
        check("{\n  \"error\": \"timeout\",\n  \"orders\": [1, 2]\n}", Rule::Json);
        check("{\"error\":\"timeout\",\"code\":504}", Rule::Json);
        check("<order>\n  <id>7</id>\n</order>", Rule::Markup);
        check("<soap:Envelope><soap:Body><id>7</id></soap:Body></soap:Envelope>", Rule::Markup);
        check("SGVsbG8gV29ybGQgdGhpcyBpcyBhIGxvbmcgYmxvYiBvZiB0ZXh0IHRoYXQgaXMgZW5jb2RlZDEy\nQWJjZA==", Rule::Encoded);
        check("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", Rule::Encoded);
        check("SELECT id, status FROM orders\nWHERE status = 'open';", Rule::Sql);
        check("1201;17;9.50\n1202;3;11.00\n1203;8;2.10", Rule::Table);
        check("GET /api/orders HTTP/1.1\nHost: api.acme.example\nAccept: */*", Rule::Code);
        check("```\nlet x = 1;\n```", Rule::Code);
    }

    #[test]
    fn what_people_wrote_stays() {
        for text in [
            "Error: the export is empty. At noon it worked.",
            "2026-11-02 09:12 checkout stopped\n2026-11-02 09:40 we restarted it",
            "We get {\"error\":\"timeout\"} all day.",
            "SELECT THE ORDER FROM THE LIST DOES NOT WORK",
            "{product_purchased} is broken",
            "[urgent] please call us",
            "Orders 1, 2 and 3 are late.\nOrders 4, 5 and 6 too.\nOrders 7, 8 and 9 are fine.",
            "- first\n- second\n- third",
            "<ann@shop.example>\n<bob@shop.example>",
        ] {
            let mut page = Page::new(text);
            take_out(&mut page);
            assert_eq!(page.own(), text);
        }
    }
}
