//! What is only kept and shown: users, organisations, groups, fields, forms, triggers, articles. One kind of record each,
//! with the keys that may be written.

use serde_json::{Map, Value, json};
use strum::{EnumIter, IntoEnumIterator};
use zendesk::Method;

use super::{
    call::Call,
    fields, page,
    reply::{Handled, Reply},
    state::{State, number},
    texts::{Text, capitalised},
};

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, EnumIter)]
pub(super) enum Kind {
    User,
    Organization,
    Group,
    GroupMembership,
    TicketField,
    OrganizationField,
    UserField,
    TicketForm,
    CustomStatus,
    Brand,
    Trigger,
    TriggerCategory,
    Category,
    Section,
    Article,
}

/// How a kind is named, and what of it may be written.
pub(super) struct Names {
    pub(super) one: &'static str,
    pub(super) many: &'static str,
    /// The key no record of this kind goes without.
    required: &'static str,
    writable: &'static [&'static str],
}

impl Kind {
    pub(super) fn names(self) -> Names {
        let (one, many, required, writable): (_, _, _, &[&str]) = match self {
            Self::User => (
                "user",
                "users",
                "name",
                &[
                    "name",
                    "email",
                    "role",
                    "organization_id",
                    "suspended",
                    "locale",
                    "time_zone",
                    "tags",
                    "user_fields",
                    "external_id",
                    "alias",
                    "details",
                    "notes",
                    "phone",
                    "verified",
                    "default_group_id",
                    "signature",
                    "only_private_comments",
                    "ticket_restriction",
                    "custom_role_id",
                    "skip_verify_email",
                ],
            ),
            Self::Organization => (
                "organization",
                "organizations",
                "name",
                &[
                    "name",
                    "external_id",
                    "domain_names",
                    "details",
                    "notes",
                    "group_id",
                    "tags",
                    "organization_fields",
                    "shared_tickets",
                    "shared_comments",
                ],
            ),
            Self::Group => ("group", "groups", "name", &["name", "description", "default", "is_public"]),
            Self::GroupMembership => {
                ("group_membership", "group_memberships", "user_id", &["user_id", "group_id", "default"])
            }
            Self::TicketField => (
                "ticket_field",
                "ticket_fields",
                "title",
                &[
                    "type",
                    "title",
                    "description",
                    "position",
                    "active",
                    "required",
                    "collapsed_for_agents",
                    "regexp_for_validation",
                    "title_in_portal",
                    "visible_in_portal",
                    "editable_in_portal",
                    "required_in_portal",
                    "tag",
                    "custom_field_options",
                    "agent_description",
                    "sub_type_id",
                ],
            ),
            Self::OrganizationField => ("organization_field", "organization_fields", "key", FIELD),
            Self::UserField => ("user_field", "user_fields", "key", FIELD),
            Self::TicketForm => (
                "ticket_form",
                "ticket_forms",
                "name",
                &[
                    "name",
                    "display_name",
                    "end_user_visible",
                    "position",
                    "active",
                    "default",
                    "ticket_field_ids",
                    "agent_conditions",
                    "end_user_conditions",
                    "in_all_brands",
                    "restricted_brand_ids",
                ],
            ),
            Self::CustomStatus => (
                "custom_status",
                "custom_statuses",
                "agent_label",
                &[
                    "status_category",
                    "agent_label",
                    "end_user_label",
                    "description",
                    "end_user_description",
                    "active",
                    "default",
                ],
            ),
            Self::Brand => ("brand", "brands", "name", &["name", "subdomain", "active", "default"]),
            Self::Trigger => (
                "trigger",
                "triggers",
                "title",
                &["title", "category_id", "active", "conditions", "actions", "description", "position"],
            ),
            Self::TriggerCategory => ("trigger_category", "trigger_categories", "name", &["name", "position"]),
            Self::Category => ("category", "categories", "name", &["name", "description", "position", "locale"]),
            Self::Section => {
                ("section", "sections", "name", &["name", "description", "position", "locale", "category_id"])
            }
            Self::Article => (
                "article",
                "articles",
                "title",
                &[
                    "title",
                    "body",
                    "locale",
                    "draft",
                    "promoted",
                    "position",
                    "label_names",
                    "content_tag_ids",
                    "comments_disabled",
                    "section_id",
                    "user_segment_id",
                    "user_segment_ids",
                    "permission_group_id",
                    "author_id",
                    "translations",
                ],
            ),
        };
        Names { one, many, required, writable }
    }

    fn named(word: &str) -> Option<Self> {
        Self::iter().find(|kind| kind.names().many == word)
    }
}

const FIELD: &[&str] = &[
    "key",
    "type",
    "title",
    "description",
    "position",
    "active",
    "regexp_for_validation",
    "custom_field_options",
    "tag",
];

/// What an account has before anybody sets anything up.
pub(super) fn furnish(state: &mut State) {
    fields::furnish(state);
    let add = |state: &mut State, kind: Kind, record: Value| {
        let id = state.next_id();
        let given = record.as_object().cloned().unwrap_or_default();
        let whole = filled(state, kind, id, given);
        state.put(kind, id, whole);
        id
    };
    state.places.brand = add(state, Kind::Brand, json!({ "name": "Demo", "active": true, "default": true }));
    let fields: Vec<u64> = state.all(Kind::TicketField).map(|(id, _)| id).collect();
    let form = json!({ "name": "Default", "default": true, "active": true, "ticket_field_ids": fields });
    state.places.form = add(state, Kind::TicketForm, form);
    for category in ["new", "open", "pending", "hold", "solved"] {
        let label = capitalised(category);
        let status = json!({ "status_category": category, "agent_label": label, "active": true, "default": true });
        add(state, Kind::CustomStatus, status);
    }
    add(state, Kind::TriggerCategory, json!({ "name": "Notifications" }));
}

/// The answer to a request about records of one kind.
pub(super) fn answer(state: &mut State, call: &Call<'_>, words: &[&str]) -> Handled {
    let Some((kind, rest)) = words.split_first().and_then(|(word, rest)| Some((Kind::named(word)?, rest))) else {
        return Err(Reply::no_endpoint());
    };
    match (call.method, rest) {
        (Method::Get, []) => list(state, call, kind, |_| true),
        (Method::Post, []) => create(state, call, kind, Map::new()),
        (Method::Get, ["count"]) => {
            let count = state.all(kind).count();
            Ok(Reply::ok(json!({ "count": { "value": count, "refreshed_at": state.time() } })))
        }
        (Method::Get, ["show_many"]) => {
            let ids: Vec<u64> = call.words("ids").iter().filter_map(|id| id.parse().ok()).collect();
            if ids.len() > 100 {
                return Err(too_many());
            }
            list(state, call, kind, |id| ids.contains(&id))
        }
        (method, [id]) => {
            let id = id.parse().map_err(|_| Reply::no_endpoint())?;
            if state.record(kind, id).is_none() {
                return Err(Reply::not_found());
            }
            match method {
                Method::Get => Ok(Reply::ok(json!({ (kind.names().one): shown(state, kind, id) }))),
                Method::Put | Method::Patch => update(state, call, kind, id),
                Method::Delete => delete(state, kind, id),
                Method::Post => Err(Reply::no_endpoint()),
            }
        }
        _ => Err(Reply::no_endpoint()),
    }
}

pub(super) fn too_many() -> Reply {
    let text = "Parameter  cannot specify more than 100 values";
    Reply::json(400, json!({ "error": "TooManyValues", "description": text, "max_count": 100 }))
}

/// Those of a kind that are wanted, in the order of their places.
pub(super) fn list(state: &State, call: &Call<'_>, kind: Kind, wanted: impl Fn(u64) -> bool) -> Handled {
    let place = |record: &Map<String, Value>| record.get("position").and_then(Value::as_i64).unwrap_or_default();
    let mut rows: Vec<page::Key> =
        state.all(kind).filter(|(id, _)| wanted(*id)).map(|(id, record)| (place(record), id)).collect();
    rows.sort_unstable();
    page::answer(state, call, kind.names().many, &rows, |id| shown(state, kind, id))
}

/// Makes a record of what is sent, with `more` that the path says.
pub(super) fn create(state: &mut State, call: &Call<'_>, kind: Kind, more: Map<String, Value>) -> Handled {
    let names = kind.names();
    let (mut given, foreign) = permitted(call.object(names.one)?, &names);
    given.extend(more);
    if given.get(names.required).is_none_or(|value| value.is_null() || value.as_str().is_some_and(str::is_empty)) {
        return Err(invalid(state, names.required, Text::Blank, "BlankValue"));
    }
    validate(state, kind, None, &given)?;
    let id = state.next_id();
    let record = filled(state, kind, id, given);
    state.put(kind, id, record);
    let shown = shown(state, kind, id);
    let location = shown.get("url").and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(warned(Reply::created(json!({ (names.one): shown }), &location), names.one, &names, "create", &foreign))
}

fn update(state: &mut State, call: &Call<'_>, kind: Kind, id: u64) -> Handled {
    let names = kind.names();
    let (given, foreign) = permitted(call.object(names.one)?, &names);
    validate(state, kind, Some(id), &given)?;
    let mut record = state.record(kind, id).cloned().unwrap_or_default();
    for (key, value) in given {
        // Fields of a user or an organisation are written one by one.
        match (record.get_mut(&key), value) {
            (Some(Value::Object(kept)), Value::Object(new)) if key.ends_with("_fields") => kept.extend(new),
            (_, value) => {
                record.insert(key, value);
            }
        }
    }
    record.insert("updated_at".into(), state.time());
    let record = completed(state, kind, record);
    state.put(kind, id, record);
    let reply = Reply::ok(json!({ (names.one): shown(state, kind, id) }));
    Ok(warned(reply, names.one, &names, "update", &foreign))
}

fn delete(state: &mut State, kind: Kind, id: u64) -> Handled {
    if kind == Kind::TicketField
        && state.record(kind, id).and_then(|field| field.get("removable")) == Some(&json!(false))
    {
        return Err(Reply::forbidden_role());
    }
    match kind {
        // A group stays readable by its number.
        Kind::Group => {
            if let Some(group) = state.records.get_mut(&kind).and_then(|groups| groups.get_mut(&id)) {
                group.insert("deleted".into(), json!(true));
            }
        }
        Kind::TicketField => {
            state.tickets.values_mut().for_each(|ticket| ticket.forget_field(id));
            state.records.entry(kind).or_default().remove(&id);
        }
        _ => {
            state.records.entry(kind).or_default().remove(&id);
        }
    }
    Ok(Reply::no_content())
}

fn permitted(sent: &Map<String, Value>, names: &Names) -> (Map<String, Value>, Vec<String>) {
    let (mut given, mut foreign) = (Map::new(), Vec::new());
    for (key, value) in sent {
        if names.writable.contains(&key.as_str()) {
            given.insert(key.clone(), value.clone());
        } else {
            foreign.push(key.clone());
        }
    }
    (given, foreign)
}

fn warned(reply: Reply, one: &str, names: &Names, action: &str, foreign: &[String]) -> Reply {
    warning(names.many, action, one, foreign).into_iter().fold(reply, |reply, text| reply.with_header(WARNING, text))
}

pub(super) const WARNING: &str = "x-zendesk-api-warn";

/// What is told of keys that nobody knows: they are no error.
pub(super) fn warning(controller: &str, action: &str, one: &str, foreign: &[String]) -> Option<String> {
    let keys: Vec<String> = foreign.iter().map(|key| format!("\"{one}.{key}\"")).collect();
    (!keys.is_empty()).then(|| {
        format!(
            "{{:controller=>\"api/v2/{controller}\", :action=>\"{action}\", :unpermitted_keys=>[{}]}}",
            keys.join(", ")
        )
    })
}

pub(super) fn invalid(state: &State, key: &str, text: Text, code: &str) -> Reply {
    let locale = state.setup.locale;
    let title = capitalised(key);
    let detail = json!([{ "description": format!("{title}: {}", locale.say(text)), "error": code }]);
    Reply::invalid(locale.say(Text::Validation), Map::from_iter([(key.to_owned(), detail)]))
}

fn validate(state: &State, kind: Kind, id: Option<u64>, given: &Map<String, Value>) -> Result<(), Reply> {
    let taken = |key: &str| {
        let value = given.get(key).and_then(Value::as_str);
        let same = |other: Option<&Value>| {
            value.zip(other.and_then(Value::as_str)).is_some_and(|(one, other)| one.eq_ignore_ascii_case(other))
        };
        state.all(kind).any(|(other, record)| Some(other) != id && same(record.get(key)))
    };
    match kind {
        Kind::Organization if taken("name") => Err(invalid(state, "name", Text::Taken, "DuplicateValue")),
        Kind::User if taken("email") => Err(invalid(state, "email", Text::Taken, "DuplicateValue")),
        Kind::OrganizationField | Kind::UserField if taken("key") => {
            Err(invalid(state, "key", Text::Taken, "DuplicateValue"))
        }
        Kind::TicketField => fields::validate(state, id, given),
        Kind::GroupMembership => {
            let known = |kind: Kind, key: &str| number(given, key).is_some_and(|id| state.record(kind, id).is_some());
            if known(Kind::User, "user_id") && known(Kind::Group, "group_id") {
                Ok(())
            } else {
                Err(invalid(state, "user", Text::Invalid, "InvalidValue"))
            }
        }
        _ => Ok(()),
    }
}

/// With everything that a record of its kind has.
pub(super) fn filled(state: &mut State, kind: Kind, id: u64, given: Map<String, Value>) -> Map<String, Value> {
    let now = state.time();
    let position = state.all(kind).count() + 1;
    let defaults = match kind {
        Kind::User => json!({
            "name": "", "email": null, "time_zone": "UTC", "iana_time_zone": "Etc/UTC", "phone": null,
            "shared_phone_number": null, "photo": null, "locale_id": 1, "locale": state.setup.locale.code(),
            "organization_id": null, "role": "end-user", "verified": true, "external_id": null, "tags": [],
            "alias": null, "active": true, "shared": false, "shared_agent": false, "last_login_at": null,
            "two_factor_auth_enabled": null, "signature": null, "details": null, "notes": null, "role_type": null,
            "custom_role_id": null, "moderator": false, "ticket_restriction": "requested",
            "only_private_comments": false, "restricted_agent": true, "suspended": false, "default_group_id": null,
            "report_csv": false, "user_fields": {},
        }),
        Kind::Organization => json!({
            "shared_tickets": false, "shared_comments": false, "external_id": null, "domain_names": [],
            "details": null, "notes": null, "group_id": null, "tags": [], "organization_fields": {},
        }),
        Kind::Group => json!({ "is_public": true, "description": "", "default": false, "deleted": false }),
        Kind::GroupMembership => json!({ "default": false }),
        Kind::TicketField => fields::defaults(position),
        Kind::OrganizationField | Kind::UserField => json!({
            "type": "text", "title": "", "description": "", "position": position, "active": true, "system": false,
            "regexp_for_validation": null,
        }),
        Kind::TicketForm => json!({
            "display_name": null, "end_user_visible": true, "position": position, "active": true, "default": false,
            "ticket_field_ids": [], "agent_conditions": [], "end_user_conditions": [], "in_all_brands": true,
            "restricted_brand_ids": [],
        }),
        Kind::CustomStatus => json!({
            "status_category": "open", "end_user_label": null, "description": "", "end_user_description": "",
            "active": true, "default": false,
        }),
        Kind::Brand => json!({ "active": true, "default": false, "has_help_center": true }),
        Kind::Trigger => json!({
            "active": true, "default": false, "conditions": { "all": [], "any": [] }, "actions": [],
            "description": null, "position": position, "category_id": null,
        }),
        Kind::TriggerCategory => json!({ "position": position }),
        Kind::Category | Kind::Section => json!({
            "description": "", "position": 0, "locale": "en-us", "source_locale": "en-us", "outdated": false,
        }),
        Kind::Article => json!({
            "author_id": null, "comments_disabled": true, "content_tag_ids": [], "label_names": [], "draft": false,
            "promoted": false, "position": 0, "vote_sum": 0, "vote_count": 0, "section_id": null, "edited_at": now,
            "body": "", "source_locale": "en-us", "locale": "en-us", "outdated": false, "outdated_locales": [],
            "permission_group_id": 1, "user_segment_id": null, "user_segment_ids": [], "translations": {},
        }),
    };
    let mut record = defaults.as_object().cloned().unwrap_or_default();
    record.extend(given);
    record.insert("id".into(), json!(id));
    record.entry("created_at").or_insert(now.clone());
    record.entry("updated_at").or_insert(now);
    completed(state, kind, record)
}

/// With what follows from the rest of it.
fn completed(state: &mut State, kind: Kind, mut record: Map<String, Value>) -> Map<String, Value> {
    let mut copy = |from: &str, to: &str| {
        let value = record.get(from).cloned().unwrap_or_default();
        record.insert(to.to_owned(), value);
    };
    match kind {
        Kind::TicketField => {
            copy("title", "raw_title");
            copy("description", "raw_description");
            copy("title", "title_in_portal");
            copy("title", "raw_title_in_portal");
            fields::number_options(state, &mut record);
        }
        Kind::OrganizationField | Kind::UserField => {
            copy("title", "raw_title");
            copy("description", "raw_description");
            fields::number_options(state, &mut record);
        }
        Kind::Trigger => {
            copy("title", "raw_title");
            let category = record.get("category_id").and_then(super::state::id);
            let category = category.or_else(|| state.all(Kind::TriggerCategory).next().map(|(id, _)| id));
            record.insert("category_id".into(), json!(category.map(|id| id.to_string())));
        }
        Kind::CustomStatus => {
            copy("agent_label", "raw_agent_label");
            if record.get("end_user_label").is_none_or(Value::is_null) {
                let label = record.get("agent_label").cloned().unwrap_or_default();
                record.insert("end_user_label".into(), label);
            }
        }
        Kind::Article => copy("title", "name"),
        Kind::User
        | Kind::Organization
        | Kind::Group
        | Kind::GroupMembership
        | Kind::TicketForm
        | Kind::Brand
        | Kind::TriggerCategory
        | Kind::Category
        | Kind::Section => {}
    }
    record
}

/// A record as answers have it.
pub(super) fn shown(state: &State, kind: Kind, id: u64) -> Value {
    let Some(record) = state.record(kind, id) else { return Value::Null };
    let mut record = record.clone();
    let folder = match kind {
        Kind::Category | Kind::Section | Kind::Article => "help_center/",
        _ => "",
    };
    let url = format!("{}/api/v2/{folder}{}/{id}.json", state.setup.base, kind.names().many);
    record.insert("url".into(), json!(url));
    if kind == Kind::TriggerCategory {
        record.insert("id".into(), json!(id.to_string()));
    }
    if kind == Kind::Article {
        record.remove("translations");
        record.insert("html_url".into(), json!(format!("{}/hc/en-us/articles/{id}", state.setup.base)));
    }
    Value::Object(record)
}
