//! The Help Center: categories, sections, articles and their translations.

use serde_json::{Map, Value, json};
use zendesk::Method;

use super::{
    call::Call,
    object, page,
    records::{self, Kind},
    reply::{Handled, Reply},
    state::{State, number},
};

const DEFAULT: &str = "en-us";

/// The answer to a request under `/help_center`. A locale may stand in front.
pub(super) fn answer(state: &mut State, call: &Call<'_>, words: &[&str]) -> Handled {
    match words {
        ["locales"] => Ok(Reply::ok(json!({ "locales": [DEFAULT, "fr"], "default_locale": DEFAULT }))),
        ["articles" | "sections" | "categories", ..] => within(state, call, None, words),
        [locale, rest @ ..] if is_locale(locale) => within(state, call, Some(locale), rest),
        _ => Err(Reply::no_endpoint()),
    }
}

fn is_locale(word: &str) -> bool {
    let language = word.split('-').next().unwrap_or_default();
    language.len() == 2 && language.bytes().all(|byte| byte.is_ascii_lowercase())
}

fn within(state: &mut State, call: &Call<'_>, locale: Option<&str>, words: &[&str]) -> Handled {
    match (call.method, words) {
        (Method::Get, ["articles"]) => list(state, call, locale, |_| true),
        (Method::Get, ["articles", "search"]) => {
            let text = call.query("query").unwrap_or_default().to_lowercase();
            let holds = |record: &Map<String, Value>, key: &str| {
                record.get(key).and_then(Value::as_str).is_some_and(|held| held.to_lowercase().contains(&text))
            };
            list(state, call, locale, |record| holds(record, "title") || holds(record, "body"))
        }
        (Method::Get, ["sections", id, "articles"]) => {
            let id: u64 = id.parse().map_err(|_| Reply::no_endpoint())?;
            state.record(Kind::Section, id).ok_or_else(Reply::not_found)?;
            list(state, call, locale, |record| number(record, "section_id") == Some(id))
        }
        (Method::Get, ["categories", id, "articles"]) => {
            let id: u64 = id.parse().map_err(|_| Reply::no_endpoint())?;
            let sections: Vec<u64> = state
                .all(Kind::Section)
                .filter(|(_, section)| number(section, "category_id") == Some(id))
                .map(|(section, _)| section)
                .collect();
            list(state, call, locale, |record| number(record, "section_id").is_some_and(|id| sections.contains(&id)))
        }
        (Method::Get, ["categories", id, "sections"]) => {
            let id: u64 = id.parse().map_err(|_| Reply::no_endpoint())?;
            let of_it = |row| state.record(Kind::Section, row).and_then(|row| number(row, "category_id")) == Some(id);
            records::list(state, call, Kind::Section, of_it)
        }
        (Method::Post, ["sections", id, "articles"]) => {
            let id: u64 = id.parse().map_err(|_| Reply::no_endpoint())?;
            state.record(Kind::Section, id).ok_or_else(Reply::not_found)?;
            let author = call.caller.user;
            records::create(state, call, Kind::Article, object(json!({ "section_id": id, "author_id": author })))
        }
        (Method::Post, ["categories", id, "sections"]) => {
            let id: u64 = id.parse().map_err(|_| Reply::no_endpoint())?;
            records::create(state, call, Kind::Section, object(json!({ "category_id": id })))
        }
        (Method::Get, ["articles", id]) => {
            let id = id.parse().map_err(|_| Reply::no_endpoint())?;
            let shown = shown(state, id, locale.unwrap_or(DEFAULT)).ok_or_else(Reply::not_found)?;
            Ok(Reply::ok(json!({ "article": shown })))
        }
        (_, ["articles", id, "translations", rest @ ..]) => translations(state, call, id, rest),
        _ => records::answer(state, call, words),
    }
}

/// The articles there are in a locale.
fn list(state: &State, call: &Call<'_>, locale: Option<&str>, wanted: impl Fn(&Map<String, Value>) -> bool) -> Handled {
    let locale = locale.unwrap_or(DEFAULT);
    let rows: Vec<page::Key> = state
        .all(Kind::Article)
        .filter(|(_, record)| wanted(record) && (is_source(record, locale) || translation(record, locale).is_some()))
        .map(|(id, _)| (0, id))
        .collect();
    let mut answer = page::paged(state, call, "articles", &rows, |id| shown(state, id, locale).unwrap_or_default())?;
    if call.words("include").contains(&"translations") {
        let all = answer.get_mut("articles").and_then(Value::as_array_mut).into_iter().flatten();
        for article in all.filter_map(Value::as_object_mut) {
            let id = number(article, "id").unwrap_or_default();
            article.insert("translations".into(), json!(all_translations(state, id)));
        }
    }
    Ok(Reply::ok(Value::Object(answer)))
}

fn is_source(record: &Map<String, Value>, locale: &str) -> bool {
    record.get("source_locale").and_then(Value::as_str).is_some_and(|source| source.eq_ignore_ascii_case(locale))
}

fn translation<'a>(record: &'a Map<String, Value>, locale: &str) -> Option<&'a Map<String, Value>> {
    record.get("translations")?.get(locale.to_lowercase())?.as_object()
}

fn shown(state: &State, id: u64, locale: &str) -> Option<Value> {
    let record = state.record(Kind::Article, id)?;
    let mut shown = object(records::shown(state, Kind::Article, id));
    if !is_source(record, locale) {
        let translated = translation(record, locale)?;
        for key in ["title", "body", "draft"] {
            shown.insert(key.to_owned(), translated.get(key).cloned().unwrap_or_default());
        }
        shown.insert("name".into(), translated.get("title").cloned().unwrap_or_default());
        shown.insert("locale".into(), json!(locale));
    }
    Some(Value::Object(shown))
}

fn all_translations(state: &State, id: u64) -> Vec<Value> {
    let Some(record) = state.record(Kind::Article, id) else { return Vec::new() };
    let source = record.get("source_locale").and_then(Value::as_str).unwrap_or(DEFAULT);
    let others = record.get("translations").and_then(Value::as_object).into_iter().flatten();
    let one = |locale: &str, text: &Map<String, Value>| {
        let of = |key: &str| text.get(key).cloned().unwrap_or_default();
        json!({
            "id": id + 1, "url": format!("{}/api/v2/help_center/articles/{id}/translations/{locale}.json", state.setup.base),
            "locale": locale, "title": of("title"), "body": of("body"), "draft": of("draft"), "outdated": false,
            "hidden": false, "source_id": id, "source_type": "Article",
            "created_at": record.get("created_at"), "updated_at": record.get("updated_at"),
        })
    };
    let others = others.filter_map(|(locale, text)| Some(one(locale, text.as_object()?)));
    std::iter::once(one(source, record)).chain(others).collect()
}

fn translations(state: &mut State, call: &Call<'_>, id: &str, words: &[&str]) -> Handled {
    let id: u64 = id.parse().map_err(|_| Reply::no_endpoint())?;
    if state.record(Kind::Article, id).is_none() {
        return Err(Reply::not_found());
    }
    let all = all_translations(state, id);
    let of = |locale: &str| all.iter().find(|one| one.get("locale").and_then(Value::as_str) == Some(locale)).cloned();
    match (call.method, words) {
        (Method::Get, []) => {
            let count = all.len();
            Ok(Reply::ok(json!({ "translations": all, "count": count, "next_page": null, "previous_page": null })))
        }
        (Method::Get, ["missing"]) => {
            let missing: Vec<&str> = [DEFAULT, "fr"].into_iter().filter(|locale| of(locale).is_none()).collect();
            Ok(Reply::ok(json!({ "locales": missing })))
        }
        (Method::Get, [locale]) => {
            let found = of(locale).ok_or_else(Reply::not_found)?;
            Ok(Reply::ok(json!({ "translation": found })))
        }
        (Method::Post | Method::Put, _) => {
            let sent = call.object("translation")?;
            let locale = words.first().copied().or_else(|| sent.get("locale")?.as_str()).unwrap_or("fr").to_lowercase();
            write(state, id, &locale, sent);
            let mut found = all_translations(state, id).into_iter();
            let found = found.find(|one| one.get("locale").and_then(Value::as_str) == Some(&locale));
            Ok(Reply::json(if words.is_empty() { 201 } else { 200 }, json!({ "translation": found })))
        }
        _ => Err(Reply::no_endpoint()),
    }
}

fn write(state: &mut State, id: u64, locale: &str, sent: &Map<String, Value>) {
    let now = state.time();
    let Some(article) = state.records.get_mut(&Kind::Article).and_then(|articles| articles.get_mut(&id)) else {
        return;
    };
    article.insert("updated_at".into(), now);
    let is_source = is_source(article, locale);
    let target = if is_source {
        Some(article)
    } else {
        let all = article.entry("translations").or_insert_with(|| json!({})).as_object_mut();
        all.and_then(|all| all.entry(locale.to_owned()).or_insert_with(|| json!({ "draft": false })).as_object_mut())
    };
    if let Some(target) = target {
        for key in ["title", "body", "draft"] {
            if let Some(value) = sent.get(key) {
                target.insert(key.to_owned(), value.clone());
            }
        }
    }
}
