//! The articles of a Help Center, in every language there is an answer in.

use std::collections::{BTreeMap, BTreeSet};

use domain::Language;
use mail::html;
use serde_json::Value;

use crate::{
    client::{ApiError, Client},
    found,
};

/// Before its first heading an article says at least so many words, or the heading belongs to the answer.
const ENOUGH: usize = 25;

/// What is wanted. Empty: everything.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    pub sections: Vec<u64>,
    pub locales: Vec<String>,
}

/// One article in one language.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HelpArticle {
    /// The same for all translations.
    pub id: u64,
    pub locale: String,
    pub language: Language,
    pub title: String,
    pub section: u64,
    /// The section's name, in any language.
    pub topic: String,
    pub url: String,
    pub labels: Vec<String>,
    pub text: Text,
}

/// An article's body: what a draft says, and what only retrieval reads, from its first `##` heading on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Text {
    pub answer: String,
    pub details: String,
}

/// The Help Center as far as it is for everybody.
#[derive(Clone, Debug, Default)]
pub struct HelpCenter {
    pub articles: Vec<HelpArticle>,
    /// What was left out, and why.
    pub skipped: Vec<Skipped>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Skipped {
    pub what: String,
    pub why: String,
}

/// Reads all articles of the selection, one locale after the other.
///
/// # Errors
/// What Zendesk says.
pub async fn fetch(client: &Client, selection: &Selection) -> Result<HelpCenter, ApiError> {
    let mut center = HelpCenter::default();
    let public = public_segments(client).await?;
    for (locale, language) in locales(client, selection, &mut center.skipped).await? {
        let base = format!("/api/v2/help_center/{}", found::escaped(&locale));
        let named = |value: &Value| Some((found::number(value, "id")?, found::text(value, "name")));
        let sections: BTreeMap<u64, String> =
            found::all(client, &format!("{base}/sections.json"), "sections", named).await?.into_iter().collect();
        let articles =
            found::all(client, &format!("{base}/articles.json"), "articles", |value| Some(value.clone())).await?;
        for value in articles {
            let section = found::number(&value, "section_id").unwrap_or(0);
            // A list by locale may hold articles that are not translated yet; they come with their own locale.
            let translated = found::text(&value, "locale").eq_ignore_ascii_case(&locale);
            if !translated || !(selection.sections.is_empty() || selection.sections.contains(&section)) {
                continue;
            }
            match read(&value, &locale, language, &public) {
                Ok(article) => {
                    let topic = sections.get(&section).cloned().unwrap_or_default();
                    center.articles.push(HelpArticle { section, topic, ..article });
                }
                Err(why) => {
                    let what = format!("{} ({}, {locale})", found::text(&value, "title"), found::text(&value, "id"));
                    center.skipped.push(Skipped { what, why: why.to_owned() });
                }
            }
        }
    }
    Ok(center)
}

/// One locale for each language, the default one first: two English texts of one article would compete.
async fn locales(
    client: &Client,
    selection: &Selection,
    skipped: &mut Vec<Skipped>,
) -> Result<Vec<(String, Language)>, ApiError> {
    let answer: Value = client.get("/api/v2/help_center/locales.json").await?;
    let default = found::text(&answer, "default_locale");
    let mut all: Vec<String> =
        found::list(&answer, "locales").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    all.sort_by_key(|locale| (*locale != default, locale.len(), locale.clone()));
    let wanted = |locale: &String| {
        selection.locales.is_empty() || selection.locales.iter().any(|wanted| wanted.eq_ignore_ascii_case(locale))
    };
    let mut taken = BTreeMap::new();
    let mut skip = |locale: &str, why: String| skipped.push(Skipped { what: format!("locale {locale}"), why });
    for locale in all.into_iter().filter(wanted) {
        match language(&locale) {
            None => skip(&locale, "no answers are written in this language".to_owned()),
            Some(language) => match taken.get(&language) {
                Some(other) => skip(&locale, format!("{other} is taken for this language")),
                None => {
                    taken.insert(language, locale);
                }
            },
        }
    }
    for locale in &selection.locales {
        if !taken.values().any(|taken| taken.eq_ignore_ascii_case(locale)) && language(locale).is_some() {
            skip(locale, "the Help Center has no such locale, or another of its language is taken".to_owned());
        }
    }
    Ok(taken.into_iter().map(|(language, locale)| (locale, language)).collect())
}

/// `fr-ca` is French.
fn language(locale: &str) -> Option<Language> {
    locale.split(['-', '_']).next()?.parse().ok().filter(|language: &Language| language.is_written())
}

/// The segments whose articles any customer may read: every signed-in user. Any other is for some people only.
async fn public_segments(client: &Client) -> Result<BTreeSet<u64>, ApiError> {
    let public = |value: &Value| {
        let everyone = found::flag(value, "built_in", false) && found::text(value, "user_type") == "signed_in_users";
        found::number(value, "id").filter(|_| everyone)
    };
    match found::all(client, "/api/v2/help_center/user_segments.json", "user_segments", public).await {
        Ok(segments) => Ok(segments.into_iter().collect()),
        // Not on every plan, and for Help Center managers only: then what is restricted at all is left out.
        Err(ApiError::NotFound { .. } | ApiError::Refused { .. } | ApiError::Forbidden { .. }) => Ok(BTreeSet::new()),
        Err(error) => Err(error),
    }
}

fn read(value: &Value, locale: &str, language: Language, public: &BTreeSet<u64>) -> Result<HelpArticle, &'static str> {
    if found::flag(value, "draft", false) {
        return Err("is a draft");
    }
    let segments = found::list(value, "user_segment_ids")
        .iter()
        .map(Value::as_u64)
        .chain([found::number(value, "user_segment_id")]);
    if segments.flatten().any(|segment| !public.contains(&segment)) {
        return Err("is not for everybody");
    }
    let id = found::number(value, "id").ok_or("has no id")?;
    let title = one_line(&found::text(value, "title"));
    if title.is_empty() {
        return Err("has no title");
    }
    let text = shape(&html::to_markdown(&found::text(value, "body"))).ok_or("has no text")?;
    Ok(HelpArticle {
        id,
        locale: locale.to_lowercase(),
        language,
        title,
        section: 0,
        topic: String::new(),
        url: one_line(&found::text(value, "html_url")),
        labels: found::list(value, "label_names").iter().filter_map(Value::as_str).map(str::to_lowercase).collect(),
        text,
    })
}

fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Cuts an article where its details begin. Headings before there is an answer become bold lines, since many an article
/// begins with one.
fn shape(markdown: &str) -> Option<Text> {
    let (mut answer, mut details) = (String::new(), String::new());
    let mut fenced = false;
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        let heading = (!fenced).then(|| heading(line)).flatten();
        let line = match heading {
            Some((level, title)) => {
                if !details.is_empty() || answer.split_whitespace().count() >= ENOUGH {
                    details.push_str(&format!("{} {title}\n", if level <= 2 { "##" } else { "###" }));
                    continue;
                }
                format!("**{}**", title.trim_matches('*'))
            }
            // In a listing, or a heading without a title: the details must not begin here.
            None if line.starts_with("## ") && fenced => format!(" {line}"),
            None if line.starts_with("## ") => continue,
            None => line.to_owned(),
        };
        let part = if details.is_empty() { &mut answer } else { &mut details };
        part.push_str(&line);
        part.push('\n');
    }
    // What begins with a small heading would not be told from the answer.
    if details.starts_with("###") {
        details.remove(0);
    }
    let (answer, details) = (answer.trim().to_owned(), details.trim().to_owned());
    let says_something = answer.lines().any(|line| !line.trim().is_empty() && !is_bold(line));
    if says_something { Some(Text { answer, details }) } else { None }
}

fn is_bold(line: &str) -> bool {
    line.starts_with("**") && line.ends_with("**")
}

/// Level and text of a Markdown heading.
fn heading(line: &str) -> Option<(usize, &str)> {
    let level = line.bytes().take_while(|byte| *byte == b'#').count();
    let title = line.get(level..)?.strip_prefix(' ')?.trim();
    if (1..=6).contains(&level) && !title.is_empty() { Some((level, title)) } else { None }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use serde_json::json;

    use super::*;
    use crate::script::{Script, answer, client};

    const LONG: &str = "Open Settings, choose API keys, press Rotate, copy the new key into your shop, wait for the first order, \
                        then delete the old key for good and tell your team.";

    #[test]
    fn an_answer_ends_where_the_details_begin() {
        let check = |markdown: &str, answer: &str, details: &str| {
            let expected = Text { answer: answer.to_owned(), details: details.to_owned() };
            assert_eq!(shape(markdown), Some(expected), "{markdown}");
        };
        check(&format!("{LONG}\n\n## More\n\nx"), LONG, "## More\n\nx");
        check(&format!("# Rotate\n\n{LONG}\n\n# More\n\nx"), &format!("**Rotate**\n\n{LONG}"), "## More\n\nx");
        check(&format!("Short.\n\n## How\n\n{LONG}"), &format!("Short.\n\n**How**\n\n{LONG}"), "");
        check(&format!("{LONG}\n\n### Small\n\nx\n\n#### Smaller"), LONG, "## Small\n\nx\n\n### Smaller");
        check(&format!("{LONG}\n\n```\n## no heading\n```"), &format!("{LONG}\n\n```\n ## no heading\n```"), "");
        for nothing in ["", "\n\n", "## Heading\n\n## Another"] {
            assert_eq!(shape(nothing), None, "{nothing}");
        }
    }

    fn article(id: u64, locale: &str, rest: Value) -> Value {
        let mut article = json!({ "id": id, "locale": locale, "title": "Rotate\na key", "body": format!("<p>{LONG}</p>"),
            "section_id": 7, "draft": false, "user_segment_id": null, "html_url": "https://x/hc/1", "label_names": ["FAQ"] });
        for (key, value) in rest.as_object().unwrap() {
            article[key] = value.clone();
        }
        article
    }

    /// A Help Center in English and French, of which the French part answers with these articles.
    fn center(locales: Value, english: Value, french: Value) -> std::sync::Arc<Script> {
        let script = Script::new();
        let page = "page[size]=100";
        let segment = json!({ "id": 5, "built_in": true, "user_type": "signed_in_users" });
        script.expect(
            &format!("GET /api/v2/help_center/user_segments.json?{page}"),
            answer(200, json!({ "user_segments": [segment, { "id": 6, "built_in": true, "user_type": "staff" }] })),
        );
        script.expect("GET /api/v2/help_center/locales.json", answer(200, locales));
        for (locale, articles) in [("en-us", english), ("fr", french)] {
            let base = format!("GET /api/v2/help_center/{locale}");
            let sections = json!({ "sections": [{ "id": 7, "name": "Security" }] });
            script.expect(&format!("{base}/sections.json?{page}"), answer(200, sections));
            script.expect(&format!("{base}/articles.json?{page}"), answer(200, json!({ "articles": articles })));
        }
        script
    }

    fn both() -> Value {
        json!({ "locales": ["fr", "en-gb", "en-us", "pt-br"], "default_locale": "en-us" })
    }

    fn skipped(center: &HelpCenter) -> Vec<String> {
        center.skipped.iter().map(|skipped| format!("{}: {}", skipped.what, skipped.why)).collect()
    }

    #[test]
    fn every_language_comes_once() {
        let english = json!([article(1, "en-us", json!({})), article(2, "en-us", json!({}))]);
        let french = json!([article(1, "fr", json!({})), article(2, "en-us", json!({}))]);
        let script = center(both(), english, french);
        let center = block_on(fetch(&client(&script), &Selection::default())).unwrap();
        let found: Vec<(u64, &str)> = center.articles.iter().map(|found| (found.id, found.locale.as_str())).collect();
        assert_eq!(found, [(1, "en-us"), (2, "en-us"), (1, "fr")], "what is not translated is not French");
        assert_eq!(center.articles[0].title, "Rotate a key");
        assert_eq!(
            (center.articles[0].topic.as_str(), &*center.articles[0].labels),
            ("Security", &["faq".to_owned()][..])
        );
        assert_eq!(
            skipped(&center),
            ["locale en-gb: en-us is taken for this language", "locale pt-br: no answers are written in this language"]
        );
    }

    #[test]
    fn only_what_everybody_may_read_is_taken() {
        let english = json!([
            article(1, "en-us", json!({ "draft": true })),
            article(2, "en-us", json!({ "user_segment_id": 6 })),
            article(3, "en-us", json!({ "user_segment_id": 99 })),
            article(4, "en-us", json!({ "user_segment_id": 5 })),
            article(5, "en-us", json!({ "user_segment_id": null, "user_segment_ids": [5, 6] })),
            article(6, "en-us", json!({ "body": "<h2>Soon</h2>" })),
            article(7, "en-us", json!({ "body": null })),
        ]);
        let script = center(both(), english, json!([]));
        let center = block_on(fetch(&client(&script), &Selection::default())).unwrap();
        assert_eq!(center.articles.iter().map(|article| article.id).collect::<Vec<_>>(), [4]);
        let reasons: Vec<&str> = center.skipped.iter().skip(2).map(|skipped| skipped.why.as_str()).collect();
        let closed = "is not for everybody";
        assert_eq!(reasons, ["is a draft", closed, closed, closed, "has no text", "has no text"]);
    }

    #[test]
    fn sections_may_be_chosen() {
        let english = json!([article(1, "en-us", json!({})), article(2, "en-us", json!({ "section_id": 8 }))]);
        let script = center(both(), english, json!([]));
        let selection = Selection { sections: vec![8], ..Selection::default() };
        let center = block_on(fetch(&client(&script), &selection)).unwrap();
        assert_eq!(center.articles.iter().map(|article| article.id).collect::<Vec<_>>(), [2]);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(#{0,8} ?[a-z*`\n ]{0,40}\n){0,12}") {
            if let Some(shaped) = shape(&text) {
                assert!(!format!("\n{}", shaped.answer).contains("\n## "));
                assert!(shaped.details.is_empty() || shaped.details.starts_with("## "));
            }
        }
    }
}
