//! Ticket fields: those every account has, and custom ones with their types, options and checks.

use serde_json::{Map, Value, json};

use super::{
    records::{Kind, filled, invalid},
    reply::Reply,
    state::{State, number},
    texts::Text,
};

const TYPES: [&str; 11] = [
    "text",
    "textarea",
    "checkbox",
    "date",
    "integer",
    "decimal",
    "regexp",
    "partialcreditcard",
    "multiselect",
    "tagger",
    "lookup",
];

const SYSTEM: [(&str, &str); 7] = [
    ("subject", "Subject"),
    ("description", "Description"),
    ("status", "Status"),
    ("tickettype", "Type"),
    ("priority", "Priority"),
    ("group", "Group"),
    ("assignee", "Assignee"),
];

pub(super) fn furnish(state: &mut State) {
    for (kind, title) in SYSTEM {
        let id = state.next_id();
        let given = json!({ "type": kind, "title": title, "removable": false, "required": kind == "subject" });
        let record = filled(state, Kind::TicketField, id, given.as_object().cloned().unwrap_or_default());
        state.put(Kind::TicketField, id, record);
    }
}

pub(super) fn defaults(position: usize) -> Value {
    json!({
        "type": "text", "title": "", "description": "", "position": position, "active": true, "required": false,
        "collapsed_for_agents": false, "regexp_for_validation": null, "visible_in_portal": false,
        "editable_in_portal": false, "required_in_portal": false, "tag": null, "removable": true, "key": null,
        "agent_description": null,
    })
}

pub(super) fn validate(state: &State, id: Option<u64>, given: &Map<String, Value>) -> Result<(), Reply> {
    let kind = given.get("type").and_then(Value::as_str);
    let of_a_new_one = id.is_none() && kind.is_none_or(|kind| !TYPES.contains(&kind));
    let kept = id.and_then(|id| state.record(Kind::TicketField, id)).and_then(|field| field.get("type"));
    let changed = kept.zip(kind).is_some_and(|(kept, kind)| kept.as_str() != Some(kind));
    if of_a_new_one || changed {
        return Err(invalid(state, "type", Text::Invalid, "InvalidValue"));
    }
    let values: Vec<&str> = options(given).collect();
    let twice = values.iter().enumerate().any(|(place, value)| values.iter().take(place).any(|other| other == value));
    let without = kind == Some("tagger") && values.is_empty();
    if twice || without {
        return Err(invalid(state, "custom_field_options", Text::Invalid, "InvalidValue"));
    }
    Ok(())
}

/// Every option has an id; one that is kept keeps it.
pub(super) fn number_options(state: &mut State, field: &mut Map<String, Value>) {
    let known = state.record(Kind::TicketField, field.get("id").and_then(Value::as_u64).unwrap_or_default()).cloned();
    let Some(Value::Array(options)) = field.get_mut("custom_field_options") else { return };
    for option in options.iter_mut().filter_map(Value::as_object_mut) {
        let value = option.get("value").cloned().unwrap_or_default();
        let kept = known.as_ref().and_then(|known| known.get("custom_field_options")?.as_array()).into_iter().flatten();
        let kept = kept.filter(|kept| kept.get("value") == Some(&value)).find_map(|kept| kept.get("id").cloned());
        let id = kept.unwrap_or_else(|| json!(state.next_id()));
        option.insert("id".into(), id);
        let name = option.get("name").cloned().unwrap_or_default();
        option.insert("raw_name".into(), name);
        option.entry("default").or_insert(json!(false));
    }
}

/// The values a tagger or multiselect may hold, which are tags.
pub(super) fn options(field: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let options = field.get("custom_field_options").and_then(Value::as_array).into_iter().flatten();
    options.filter_map(|option| option.get("value")?.as_str())
}

/// A custom field that tickets have.
pub(super) struct Custom<'a> {
    pub(super) id: u64,
    pub(super) field: &'a Map<String, Value>,
}

pub(super) fn custom(state: &State) -> impl Iterator<Item = Custom<'_>> {
    let in_use = |field: &Map<String, Value>| {
        field.get("removable") != Some(&json!(false)) && field.get("active") == Some(&json!(true))
    };
    state.all(Kind::TicketField).filter(move |(_, field)| in_use(field)).map(|(id, field)| Custom { id, field })
}

/// The id of a field that every account has.
pub(super) fn system(state: &State, kind: &str) -> Option<u64> {
    state
        .all(Kind::TicketField)
        .find(|(_, field)| field.get("type").and_then(Value::as_str) == Some(kind))
        .map(|(id, _)| id)
}

impl Custom<'_> {
    fn kind(&self) -> &str {
        self.field.get("type").and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn is_tagger(&self) -> bool {
        self.kind() == "tagger"
    }

    fn has_option(&self, value: &Value) -> bool {
        value.as_str().is_some_and(|value| options(self.field).any(|option| option == value))
    }

    /// The tags that a value of this field puts on the ticket.
    pub(super) fn tags(&self, value: &Value) -> Vec<String> {
        match (self.kind(), value) {
            ("tagger", Value::String(option)) => vec![option.clone()],
            ("multiselect", Value::Array(options)) => {
                options.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            ("checkbox", Value::Bool(true)) => {
                self.field.get("tag").and_then(Value::as_str).map(str::to_owned).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// The value as the field keeps it; none for one it does not take.
    pub(super) fn read(&self, value: &Value) -> Option<Value> {
        if value.is_null() || value.as_str() == Some("") {
            return Some(if self.kind() == "checkbox" { json!(false) } else { Value::Null });
        }
        let digits = |text: &str| text.trim().parse::<i64>().ok();
        let takes = match self.kind() {
            "integer" => value.as_i64().or_else(|| digits(value.as_str()?)).is_some(),
            "decimal" => value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()).is_some_and(f64::is_finite),
            "checkbox" => value.is_boolean(),
            "tagger" => self.has_option(value),
            "multiselect" => value.as_array().is_some_and(|all| all.iter().all(|one| self.has_option(one))),
            "date" => value.as_str().is_some_and(|text| text.parse::<jiff::civil::Date>().is_ok()),
            "lookup" => number(&Map::from_iter([("id".to_owned(), value.clone())]), "id").is_some(),
            _ => value.is_string() || value.is_number(),
        };
        takes.then(|| value.clone())
    }

    /// The refusal of a value.
    pub(super) fn refusal(&self, state: &State) -> Value {
        let title = self.field.get("title").and_then(Value::as_str).unwrap_or_default();
        json!({
            "description": format!("{title}: {}", state.setup.locale.say(Text::Invalid)),
            "error": "InvalidValue",
            "ticket_field_id": self.id,
            "ticket_field_type": format!("Field{}", super::texts::capitalised(self.kind())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_takes_its_values() {
        let options = json!([{ "name": "Upgrade", "value": "upgrade" }]);
        for (kind, value, taken) in [
            ("integer", json!(7), true),
            ("integer", json!("7"), true),
            ("integer", json!("seven"), false),
            ("integer", json!(7.5), false),
            ("decimal", json!("7.5"), true),
            ("checkbox", json!("yes"), false),
            ("tagger", json!("upgrade"), true),
            ("tagger", json!("Upgrade"), false),
            ("tagger", json!(null), true),
            ("multiselect", json!(["upgrade"]), true),
            ("multiselect", json!(["other"]), false),
            ("date", json!("2026-11-28"), true),
            ("date", json!("28.11.2026"), false),
            ("text", json!("anything"), true),
        ] {
            let field = json!({ "type": kind, "custom_field_options": options });
            let custom = Custom { id: 1, field: field.as_object().unwrap() };
            assert_eq!(custom.read(&value).is_some(), taken, "{kind} {value}");
        }
    }
}
