//! Secrets where programs put them: headers, cookies, addresses of servers, parameters of links.

use std::ops::Range;

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use regex::Regex;

use super::words::{before, looks_random};

pattern!(
    AUTHORIZATION,
    r#"(?i)(?-u:\b)(?:proxy-)?authorization["'`]?\s{0,2}[:=]?\s{0,2}["'`]?(?:((?:digest|aws4-hmac-sha256|hawk|oauth)\s[^\r\n]{8,})|(?:(?:basic|bearer|token|apikey|api-key|negotiate|zoho-oauthtoken|splunk)\s{1,3})?([^\s"'`<>,;]{8,}))"#
);
pattern!(BEARER, r"(?i)(?-u:\b)bearer\s+([A-Za-z0-9._~+/-]{16,}=*)");
pattern!(BASIC, r"(?i)(?-u:\b)basic\s+([A-Za-z0-9+/]{8,}={0,2})");
pattern!(
    HEADER,
    r#"(?i)(?-u:\b)x-[a-z0-9-]*(?:key|token|secret|signature|password|auth|hmac-sha256)["'`]?(\s{0,2}[:=]\s{0,2}|\s)["'`]?([^\s"'`<>,;]{6,})"#
);
pattern!(COOKIES, r#"(?i)(?-u:\b)(?:set-)?cookie["'`]?\s?[:=]\s?([^\r\n]{4,})"#);
pattern!(COOKIE, r#"([A-Za-z0-9_.!$%*+-]+)=([^\s;,"'`]{4,})"#);
pattern!(
    SESSION,
    r#"(?i)(?-u:\b)(?:[a-z0-9_.-]*(?:sess|session|sessionid|session_id|sessid|_sid)|sid|connect\.sid|remember_token|csrftoken|xsrf-token)=(?:s%3A)?([^\s;,"'`&]{8,})"#
);
pattern!(CREDENTIALS, r#"(?-u:\b)[A-Za-z][A-Za-z0-9+.-]+://([^\s/:@"'`<>]*:[^\s/"'`<>]+|[A-Za-z0-9]{16,})@"#);
pattern!(
    PARAMETER,
    r#"(?i)[?&#;](?:[a-z0-9_.-]*[_.-])?(?:(?:api|access|auth|secret|private)?key|token|secret|sig|signature|passw(?:or)?d|pwd|pass|auth|session|sessionid|sid|jwt|otp|hmac|credential|magic|invite|reset|ticket|code)=([^&\s"'`<>#]{4,})"#
);
pattern!(LONG_PARAMETER, r"[?&#][A-Za-z0-9_.-]+=([A-Za-z0-9_~.%-]{32,})");
pattern!(ORACLE, r"(?i)jdbc:oracle:[a-z]+:([^\s/@]+/[^\s@]+)@");
pattern!(
    CLIENT,
    r#"(?-u:\b)(?:mysql[a-z]*|mariadb[a-z-]*|sshpass|mongo[a-z]*|redis-cli|ldapsearch)(?-u:\b)[^\r\n]*?\s-(?:p|a|w)\s?["']?([^\s"'-][^\s"']{3,})"#
);
pattern!(
    ONE_TIME_PATH,
    r#"(?i)/[a-z0-9_-]*(?:reset|invit|verif|confirm|activat|magic|login|signin|token|password|passwort|auth)[a-z0-9_-]*/([A-Za-z0-9_.~-]{16,})"#
);
pattern!(CURL_USER, r#"(?-u:\b)curl\b[^\r\n]*?\s(?:-u|--user)\s?["']?([^\s"']{3,})"#);
pattern!(OPTION, r#"\s--?(?:password|passwd|token|secret|api-key|apikey|access-token)(?:=|\s)["']?([^\s"']{4,})"#);

/// Attributes of a cookie: no values.
const ATTRIBUTES: [&str; 7] = ["path", "expires", "max-age", "domain", "samesite", "priority", "version"];

/// Values of headers, cookies, parameters and user parts of addresses.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for header in AUTHORIZATION.captures_iter(text) {
        let long = header.get(1).map(|value| value.range());
        let short = header.get(2).filter(|value| value.as_str().contains(|c: char| c.is_ascii_digit() || c == '='));
        found.extend(long.or(short.map(|value| trimmed(text, value.range()))));
    }
    for pattern in [&*BEARER, &*CURL_USER, &*CLIENT, &*OPTION, &*SESSION, &*ORACLE] {
        found.extend(captured(pattern, text).map(|range| trimmed(text, range)));
    }
    found.extend(captured(&BASIC, text).filter(|range| is_credentials(text.get(range.clone()).unwrap_or_default())));
    for header in HEADER.captures_iter(text) {
        let (Some(joint), Some(value)) = (header.get(1), header.get(2)) else { continue };
        let range = trimmed(text, value.range());
        // Without a colon the next word may be one of the sentence's.
        let value = text.get(range.clone()).unwrap_or_default();
        if joint.as_str().contains([':', '=']) || looks_random(value) {
            found.push(range);
        }
    }
    for line in captured(&COOKIES, text) {
        let pairs = COOKIE.captures_iter(text.get(line.clone()).unwrap_or_default());
        for pair in pairs {
            let (Some(name), Some(value)) = (pair.get(1), pair.get(2)) else { continue };
            if !ATTRIBUTES.contains(&name.as_str().to_lowercase().as_str()) {
                found.push(line.start + value.start()..line.start + value.end());
            }
        }
    }
    found.extend(captured(&CREDENTIALS, text));
    for range in captured(&PARAMETER, text).map(|range| trimmed(text, range)) {
        let value = text.get(range.clone()).unwrap_or_default();
        let name = before(text, range.start).to_lowercase();
        // A discount code and the number of a ticket are parameters too.
        let plain = ["code=", "ticket="].iter().any(|plain| name.ends_with(plain));
        if !plain || value.len() >= 16 {
            found.push(range);
        }
    }
    found.extend(captured(&LONG_PARAMETER, text).filter(|range| {
        let value = text.get(range.clone()).unwrap_or_default();
        let has = |is: fn(&char) -> bool| value.chars().filter(is).count() >= 3;
        has(char::is_ascii_uppercase) && has(char::is_ascii_lowercase) && has(char::is_ascii_digit)
    }));
    found.extend(captured(&ONE_TIME_PATH, text).map(|range| trimmed(text, range)).filter(|range| {
        let value = text.get(range.clone()).unwrap_or_default();
        value.contains(|c: char| c.is_ascii_digit()) && value.contains(char::is_alphabetic)
    }));
    found
}

fn captured<'t>(pattern: &'t Regex, text: &'t str) -> impl Iterator<Item = Range<usize>> + 't {
    pattern.captures_iter(text).filter_map(|found| found.get(1)).map(|found| found.range())
}

/// Without the sentence's own marks at the end.
fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let value = text.get(range.clone()).unwrap_or_default();
    range.start..range.start + value.trim_end_matches(['.', ',', ')', ']', '!', '?', ':', ';']).len()
}

/// What `Basic` is followed by: a name and a password in base64, and not the word authentication.
fn is_credentials(value: &str) -> bool {
    STANDARD_NO_PAD.decode(value.trim_end_matches('=')).is_ok_and(|bytes| bytes.contains(&b':') && bytes.is_ascii())
}
