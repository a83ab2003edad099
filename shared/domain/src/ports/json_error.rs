//! What may be said of JSON that could not be read.

use std::fmt;

use serde_json::error::Category;

/// Where reading JSON failed and in what way, without a word of the JSON: serde's own message quotes the value it met,
/// which may be a customer's text or an address, and errors end in logs and audits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JsonError {
    /// From 1; 0 where a value was read that had been parsed before, which has no lines.
    pub line: usize,
    /// From 1, in bytes; 0 as for the line, or at the very start of one.
    pub column: usize,
    pub category: Category,
}

/// What may be logged of an error of serde's.
#[must_use]
pub fn json_error(error: serde_json::Error) -> JsonError {
    JsonError { line: error.line(), column: error.column(), category: error.classify() }
}

impl From<serde_json::Error> for JsonError {
    fn from(error: serde_json::Error) -> Self {
        json_error(error)
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.category {
            Category::Io => "the JSON could not be read",
            Category::Syntax => "invalid JSON",
            Category::Data => "JSON of an unexpected shape",
            Category::Eof => "incomplete JSON",
        })?;
        match self.line {
            0 => Ok(()),
            line => write!(f, " at line {line}, column {}", self.column),
        }
    }
}

impl std::error::Error for JsonError {}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its errors are looked at")]
    struct Small {
        id: u8,
        kind: Option<Kind>,
    }

    #[derive(Deserialize, Debug)]
    enum Kind {
        Known,
    }

    #[test]
    fn no_word_of_the_json_is_repeated() {
        for (text, said) in [
            (r#"{"id": "PLANTED"}"#, "JSON of an unexpected shape at line 1, column 16"),
            (r#"{"id": 1, "kind": "PLANTED"}"#, "JSON of an unexpected shape at line 1, column 27"),
            ("{\n\"PLANTED\": 1}", "JSON of an unexpected shape at line 2, column 9"),
            ("PLANTED", "invalid JSON at line 1, column 1"),
            (r#"{"id": 1, "PLANTED"#, "incomplete JSON at line 1, column 18"),
        ] {
            let error = serde_json::from_str::<Small>(text).unwrap_err();
            assert_eq!(json_error(error).to_string(), said, "{text}");
        }
    }

    #[test]
    fn a_parsed_value_has_no_lines() {
        let error = serde_json::from_value::<Small>(serde_json::json!({ "id": "PLANTED" })).unwrap_err();
        assert_eq!(json_error(error).to_string(), "JSON of an unexpected shape");
    }
}
