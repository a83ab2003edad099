//! Lists in pages, both ways: cursors (`page[size]`), and offsets (`page`, `per_page`) as clients of old have them.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value, json};

use super::{
    call::{Call, encoded},
    reply::{Handled, Reply},
    state::State,
};

const LARGEST: usize = 100;
/// Offset pages end here.
const DEEPEST: usize = 10_000;

/// Where a row stands in its list: what it is sorted by, then its number.
pub(super) type Key = (i64, u64);

/// The page of a list that a request asks for. `rows` come in the order of the list.
pub(super) fn answer(
    state: &State,
    call: &Call<'_>,
    name: &str,
    rows: &[Key],
    render: impl Fn(u64) -> Value,
) -> Handled {
    paged(state, call, name, rows, render).map(|page| Reply::ok(Value::Object(page)))
}

/// As [`answer`], for who adds to it.
pub(super) fn paged(
    state: &State,
    call: &Call<'_>,
    name: &str,
    rows: &[Key],
    render: impl Fn(u64) -> Value,
) -> Result<Map<String, Value>, Reply> {
    let by_cursor = ["page[size]", "page[after]", "page[before]"].iter().any(|key| call.query(key).is_some());
    if by_cursor { by_cursors(state, call, name, rows, render) } else { by_offset(state, call, name, rows, render) }
}

fn by_cursors(
    state: &State,
    call: &Call<'_>,
    name: &str,
    rows: &[Key],
    render: impl Fn(u64) -> Value,
) -> Result<Map<String, Value>, Reply> {
    let size = call.query("page[size]").map_or(Some(LARGEST), |size| size.parse().ok());
    let Some(size) = size.filter(|size| (1..=LARGEST).contains(size)) else {
        return Err(Reply::listed(400, "InvalidValue", "Invalid attribute", "page[size] must be from 1 to 100"));
    };
    let bad = || Reply::listed(400, "InvalidCursor", "Invalid cursor", "page[after] is not a cursor of this list");
    let position = |key: &str| call.query(key).map(|text| read_cursor(text).ok_or_else(bad)).transpose();
    let ascending = rows.first() <= rows.last();
    let beyond = |row: &Key, cursor: Key| if ascending { *row > cursor } else { *row < cursor };
    let (start, end) = match (position("page[after]")?, position("page[before]")?) {
        (Some(after), _) => {
            let start = rows.iter().position(|row| beyond(row, after)).unwrap_or(rows.len());
            (start, rows.len().min(start + size))
        }
        (None, Some(before)) => {
            let end = rows.iter().position(|row| *row == before || beyond(row, before)).unwrap_or(rows.len());
            (end.saturating_sub(size), end)
        }
        (None, None) => (0, rows.len().min(size)),
    };
    let page = rows.get(start..end).unwrap_or_default();
    let cursors = page.first().zip(page.last()).map(|(first, last)| (cursor(*first), cursor(*last)));
    let link = |key: &str, cursor: &str| {
        let others = call.other_parameters();
        let cursor = encoded(cursor);
        format!("{}{}?page%5B{key}%5D={cursor}&page%5Bsize%5D={size}{others}", state.setup.base, call.bare_path())
    };
    let mut answer = listed(name, page, render);
    let (before, after) = cursors.clone().unzip();
    answer
        .insert("meta".into(), json!({ "has_more": end < rows.len(), "after_cursor": after, "before_cursor": before }));
    answer.insert(
        "links".into(),
        json!({
            "prev": cursors.as_ref().map(|(first, _)| link("before", first)),
            "next": cursors.as_ref().map(|(_, last)| link("after", last)),
        }),
    );
    Ok(answer)
}

fn by_offset(
    state: &State,
    call: &Call<'_>,
    name: &str,
    rows: &[Key],
    render: impl Fn(u64) -> Value,
) -> Result<Map<String, Value>, Reply> {
    let number = |key: &str| call.query(key).and_then(|text| text.parse::<usize>().ok()).filter(|number| *number > 0);
    let size = number("per_page").unwrap_or(LARGEST).min(LARGEST);
    let page = number("page").unwrap_or(1);
    let start = (page - 1).saturating_mul(size);
    if start >= DEEPEST {
        return Err(Reply::listed(
            400,
            "InvalidPaginationDepth",
            "Invalid pagination depth",
            "offset pages end at 10000 records; use cursors",
        ));
    }
    let end = rows.len().min(start.saturating_add(size));
    let link = |page: usize| {
        let others = call.other_parameters();
        format!("{}{}?page={page}&per_page={size}{others}", state.setup.base, call.bare_path())
    };
    let mut answer = listed(name, rows.get(start..end).unwrap_or_default(), render);
    answer.insert("count".into(), json!(rows.len()));
    answer.insert("next_page".into(), json!((end < rows.len()).then(|| link(page + 1))));
    answer.insert("previous_page".into(), json!((page > 1).then(|| link(page - 1))));
    Ok(answer)
}

fn listed(name: &str, rows: &[Key], render: impl Fn(u64) -> Value) -> Map<String, Value> {
    let rows: Vec<Value> = rows.iter().map(|(_, id)| render(*id)).collect();
    Map::from_iter([(name.to_owned(), Value::Array(rows))])
}

fn cursor((sorted_by, id): Key) -> String {
    BASE64_STANDARD.encode(format!("{sorted_by}|{id}"))
}

fn read_cursor(text: &str) -> Option<Key> {
    let text = String::from_utf8(BASE64_STANDARD.decode(text).ok()?).ok()?;
    let (sorted_by, id) = text.split_once('|')?;
    Some((sorted_by.parse().ok()?, id.parse().ok()?))
}
