//! A request taken apart: where it goes, what it asks for, who asks.

use serde_json::{Map, Value};
use zendesk::{Method, Request};

use super::reply::Reply;

/// One request under way.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) request: &'a Request,
    pub(super) method: Method,
    /// The words of the path, decoded, without `.json`.
    pub(super) path: Vec<String>,
    query: Vec<(String, String)>,
    pub(super) caller: Caller,
}

/// Who asks.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Caller {
    /// Nobody: no credentials, or Basic ones that are none of ours.
    pub(super) user: Option<u64>,
    /// What an OAuth token may do; none for an API token, which may do what its user may.
    pub(super) scopes: Option<Vec<String>>,
}

impl<'a> Call<'a> {
    pub(super) fn new(request: &'a Request) -> Self {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let path = path.trim_matches('/');
        let path = path.strip_suffix(".json").unwrap_or(path);
        Self {
            request,
            method: request.method,
            path: path.split('/').map(decoded).collect(),
            query: query
                .split('&')
                .filter(|pair| !pair.is_empty())
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(key, value)| (decoded(key), decoded(value)))
                .collect(),
            caller: Caller::default(),
        }
    }

    pub(super) fn query(&self, key: &str) -> Option<&str> {
        self.query.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    pub(super) fn number(&self, key: &str) -> Option<u64> {
        self.query(key)?.parse().ok()
    }

    /// The words of a comma-separated parameter.
    pub(super) fn words(&self, key: &str) -> Vec<&str> {
        self.query(key).unwrap_or_default().split(',').map(str::trim).filter(|word| !word.is_empty()).collect()
    }

    /// The path without its query, as it was written.
    pub(super) fn bare_path(&self) -> &str {
        self.request.path.split('?').next().unwrap_or_default()
    }

    /// The parameters but those that say which page, as a query.
    pub(super) fn other_parameters(&self) -> String {
        let paging = ["page[after]", "page[before]", "page[size]", "page", "per_page", "cursor", "start_time"];
        let kept = self.query.iter().filter(|(key, _)| !paging.contains(&key.as_str()));
        kept.map(|(key, value)| format!("&{}={}", encoded(key), encoded(value))).collect()
    }

    /// The object under `key` of the body.
    pub(super) fn object(&self, key: &str) -> Result<&'a Map<String, Value>, Reply> {
        let found = self.request.body.as_ref().and_then(|body| body.get(key)).and_then(Value::as_object);
        found.ok_or_else(|| Reply::missing_key(key))
    }

    /// A value of the body.
    pub(super) fn body(&self, key: &str) -> Option<&'a Value> {
        self.request.body.as_ref()?.get(key)
    }
}

/// Percent signs and plus signs decoded.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes().iter();
    while let Some(&byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = rest.as_slice().get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
                match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
                    Some(decoded) => {
                        bytes.push(decoded);
                        rest.nth(1);
                    }
                    None => bytes.push(b'%'),
                }
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// As part of a query.
pub(super) fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_apart() {
        let request = Request::get("/api/v2/tickets/7.json?include=users%2Cgroups&page[size]=5&page%5Bafter%5D=x%3D");
        let call = Call::new(&request);
        assert_eq!(call.path, ["api", "v2", "tickets", "7"]);
        assert_eq!(call.words("include"), ["users", "groups"]);
        assert_eq!((call.number("page[size]"), call.query("page[after]")), (Some(5), Some("x=")));
        assert_eq!(call.other_parameters(), "&include=users%2Cgroups");
    }

    proptest::proptest! {
        #[test]
        fn what_is_encoded_is_decoded(text: String) {
            proptest::prop_assert_eq!(decoded(&encoded(&text)), text);
        }
    }
}
