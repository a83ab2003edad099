//! Items of a table and the attributes they are made of.
//!
//! Attribute names have an underscore: none of DynamoDB's reserved words has one of these, so no expression needs
//! placeholders for names.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use domain::ports::{PortError, json_error};
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

use crate::failure::{sort, unreadable};

pub(crate) const SERVICE: &str = "DynamoDB";

/// When DynamoDB may delete the item, in epoch seconds. It may take days, so reads filter.
pub(crate) const EXPIRES: &str = "expires_at";

pub(crate) type Item = HashMap<String, AttributeValue>;

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// To the nanosecond: what was written is read back equal, and order is kept.
pub(crate) fn moment(at: Timestamp) -> AttributeValue {
    number(at.as_nanosecond())
}

pub(crate) fn expiry(at: Timestamp) -> AttributeValue {
    number(at.as_second())
}

pub(crate) fn json(value: &impl Serialize) -> AttributeValue {
    text(serde_json::to_string(value).expect("plain values serialise"))
}

/// A set to add to another or to take from it: doing so twice changes nothing more.
pub(crate) fn one_of_set(member: impl Into<String>) -> AttributeValue {
    AttributeValue::Ss(vec![member.into()])
}

/// Nothing there is an empty set.
pub(crate) fn set_size(item: &Item, name: &str) -> usize {
    item.get(name).and_then(|value| value.as_ss().ok()).map_or(0, Vec::len)
}

pub(crate) fn read_text<'a>(item: &'a Item, name: &str) -> Result<&'a str, PortError> {
    item.get(name).and_then(|value| value.as_s().ok()).map(String::as_str).ok_or_else(|| unreadable(SERVICE, name))
}

pub(crate) fn read_number(item: &Item, name: &str) -> Result<i128, PortError> {
    let digits = item.get(name).and_then(|value| value.as_n().ok());
    digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| unreadable(SERVICE, name))
}

pub(crate) fn read_moment(item: &Item, name: &str) -> Result<Timestamp, PortError> {
    Timestamp::from_nanosecond(read_number(item, name)?).map_err(|_| unreadable(SERVICE, name))
}

pub(crate) fn read_json<T: DeserializeOwned>(item: &Item, name: &str) -> Result<T, PortError> {
    serde_json::from_str(read_text(item, name)?)
        .map_err(|error| unreadable(SERVICE, format_args!("{name}: {}", json_error(error))))
}

/// Whether it is still to be seen at `now`.
pub(crate) fn alive(item: &Item, now: Timestamp) -> Result<bool, PortError> {
    Ok(read_number(item, EXPIRES)? > i128::from(now.as_second()))
}

/// How a conditional write went.
pub(crate) enum Written {
    /// The item after it.
    Done(Item),
    /// The condition did not hold; the item as it is, empty if there is none.
    Refused(Item),
}

/// Runs a conditional update. Both answers come from the one request.
pub(crate) async fn update(request: UpdateItemFluentBuilder) -> Result<Written, PortError> {
    let request = request
        .return_values(ReturnValue::AllNew)
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    match request.send().await {
        Ok(output) => Ok(Written::Done(output.attributes.unwrap_or_default())),
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                Ok(Written::Refused(refused.item.clone().unwrap_or_default()))
            }
            _ => Err(sort(SERVICE, error)),
        },
    }
}

#[cfg(test)]
mod tests {
    use domain::{Record, ports::told};

    use super::*;

    #[test]
    fn an_unreadable_item_is_not_quoted() {
        for (stored, said) in [
            (r#"{"ticket": "PLANTED"}"#, "JSON of an unexpected shape at line 1, column 20"),
            ("PLANTED", "invalid JSON at line 1, column 1"),
        ] {
            let item = Item::from([("record_json".to_owned(), text(stored))]);
            let error = told(&read_json::<Record>(&item, "record_json").unwrap_err());
            assert_eq!(error, format!("DynamoDB refused: unreadable: record_json: {said}"));
        }
    }
}
