//! What a run shows while it runs, and at its end.

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use domain::{Kind, Language, Policy, Priority, Record, Resolution, reading::Usage};
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use report::Aggregates;
use runtime::words;
use strum::IntoEnumIterator;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::say;

/// Up to this many tickets, each gets a line; above it, the bar has to do.
const MOST_LINES: usize = 1_000;

/// Topics named in the table at the end.
const MOST_TOPICS: usize = 6;

/// A bar on a terminal, and lines above it (or alone, where there is no terminal).
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    /// None where the bar has to do.
    lines: Option<Mutex<InOrder>>,
}

/// Lines in the order of the input: tickets are done in any.
#[derive(Debug, Default)]
struct InOrder {
    next: usize,
    waiting: BTreeMap<usize, String>,
}

impl InOrder {
    /// What may be printed now that the line of this place is known.
    fn ready(&mut self, place: usize, line: String) -> Vec<String> {
        let mut ready = if self.next == 0 && place == 0 { vec![HEADER.to_owned()] } else { Vec::new() };
        self.waiting.insert(place, line);
        while let Some(line) = self.waiting.remove(&self.next) {
            ready.push(line);
            self.next += 1;
        }
        ready
    }
}

impl Progress {
    #[must_use]
    pub fn new(tickets: usize) -> Self {
        let bar = ProgressBar::new(tickets as u64);
        let style = ProgressStyle::with_template("{bar:32} {human_pos}/{human_len} tickets, {rate}, {eta} left");
        bar.set_style(style.expect("a fixed template").with_key(
            "rate",
            |state: &ProgressState, to: &mut dyn Write| {
                let _ = to.write_str(&rate(state.per_sec()));
            },
        ));
        Self { bar, lines: (tickets <= MOST_LINES).then(Mutex::default) }
    }

    /// `place` is that of the ticket in the input, from 0.
    pub fn ticket(&self, place: usize, id_text: &str, record: Option<&Record>) {
        let id_text = say::escaped(id_text);
        let line = record.map_or_else(|| format!("{id_text:>8}  failed"), |record| line(&id_text, record));
        let ready = match &self.lines {
            Some(lines) => lines.lock().unwrap_or_else(PoisonError::into_inner).ready(place, line),
            None if record.is_none() => vec![line],
            None => Vec::new(),
        };
        if !ready.is_empty() {
            self.bar.suspend(|| ready.iter().for_each(say::line));
        }
        self.bar.inc(1);
    }

    /// A ticket is done, and nothing is to be said of it.
    pub fn step(&self) {
        self.bar.inc(1);
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// Above the lines of [`line()`].
pub const HEADER: &str =
    "  ticket      team      customer                subject                                 found";
/// Columns of a customer's name and of a subject.
const CUSTOMER: usize = 22;
const SUBJECT: usize = 38;

/// A ticket in a line: where it goes, whose it is, and what was found in it.
#[must_use]
pub fn line(id_text: &str, record: &Record) -> String {
    let risk = record.guardian.is_high_risk().then(|| format!("risk {}", record.guardian.risk_score));
    let wish = record.opportunity.intent.map(|intent| intent.title().to_owned());
    let kind = (record.kind != Kind::Request).then(|| record.kind.title().to_owned());
    let language = (record.language != Language::En).then(|| record.language.to_string());
    let resolution = match record.resolution {
        Resolution::Answered => Some("answered".to_owned()),
        Resolution::AnswerReady => Some("answer ready".to_owned()),
        Resolution::Routed => None,
    };
    let unsure = record.unsure.then(|| "unsure".to_owned());
    let found: Vec<String> = [risk, wish, kind, language, resolution, unsure].into_iter().flatten().collect();
    let line = format!(
        "{id_text:>8}  {}  {}  {}  {}  {}",
        record.priority,
        fitted(&record.agent.title(), 8),
        fitted(&record.customer, CUSTOMER),
        fitted(&record.subject, SUBJECT),
        found.join(" · ")
    );
    line.trim_end().to_owned()
}

/// In one line of so many columns of a terminal, clipped or filled up.
fn fitted(text: &str, columns: usize) -> String {
    let text = say::escaped(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    let mut fitted = String::new();
    if text.width() <= columns {
        fitted.push_str(&text);
    } else {
        for c in text.chars() {
            if fitted.width() + c.width().unwrap_or_default() >= columns {
                break;
            }
            fitted.push(c);
        }
        fitted.push('…');
    }
    let blanks = columns.saturating_sub(fitted.width());
    fitted + &" ".repeat(blanks)
}

/// `12 a second`, `40 a minute`: whole numbers, of the unit in which there is one.
fn rate(per_second: f64) -> String {
    if per_second >= 2.0 {
        format!("{} a second", words::count(per_second as usize))
    } else {
        format!("{:.0} a minute", per_second * 60.0)
    }
}

/// The table at the end of a run.
#[must_use]
pub fn summary(aggregates: &Aggregates, policy: &Policy, took: Duration) -> String {
    let count = |number: Option<&usize>| words::count(number.copied().unwrap_or(0));
    let list = |parts: Vec<String>| parts.join(" · ");
    let share = |part: usize| match aggregates.tickets {
        0 => words::count(part),
        all => {
            let percent = 100.0 * part as f64 / all as f64;
            // Fifteen of five thousand are not none.
            let digits = usize::from(part > 0 && percent < 1.0);
            format!("{} of {} ({percent:.digits$} %)", words::count(part), words::count(all))
        }
    };
    let priorities = Priority::iter().map(|p| format!("{p} {}", count(aggregates.by_priority.get(&p)))).collect();
    let teams = aggregates.teams(&policy.teams).into_iter();
    let teams = teams.map(|(team, tickets)| format!("{} {}", team.title(), words::count(tickets)));
    let languages = aggregates.by_language.iter();
    let languages = languages.map(|(language, tickets)| format!("{language} {}", words::count(*tickets))).collect();
    let seconds = took.as_secs_f64();
    let time = format!("{seconds:.1} s, {}", rate(aggregates.tickets as f64 / seconds.max(1e-3)));
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.add_rows([
        ["mode".to_owned(), format!("{}, {} % of tickets", policy.mode, policy.rollout_percent)],
        ["priorities".to_owned(), list(priorities)],
        ["teams".to_owned(), list(teams.collect())],
        ["languages".to_owned(), list(languages)],
        ["Guardian signals".to_owned(), words::count(aggregates.high_risk)],
        ["Opportunity signals".to_owned(), words::count(aggregates.opportunities)],
        ["answered automatically".to_owned(), share(aggregates.answered_automatically)],
        ["auto-resolved".to_owned(), share(aggregates.auto_resolved)],
        ["answers ready".to_owned(), words::count(aggregates.answer_ready)],
        ["time".to_owned(), time],
    ]);
    let without = aggregates.topics_without_article();
    if !without.is_empty() {
        let shown = without.iter().take(MOST_TOPICS).map(|topic| {
            format!(
                "{} {} of {}",
                topic.topic.title(),
                words::count(topic.without_article()),
                words::count(topic.questions)
            )
        });
        let more = without.len().saturating_sub(MOST_TOPICS);
        let more = (more > 0).then(|| format!("{more} more in {}", report::METRICS));
        table.add_row(["questions without an article".to_owned(), list(shown.chain(more).collect())]);
    }
    if let Some(model) = model(aggregates.usage, aggregates.fallbacks) {
        table.add_row(["language model".to_owned(), model]);
    }
    table.to_string()
}

/// What the language model did and cost; none where it was not asked.
#[must_use]
pub fn model(usage: Usage, fallbacks: usize) -> Option<String> {
    let tokens = |number: u64| words::count(usize::try_from(number).unwrap_or(usize::MAX));
    let mut parts = Vec::new();
    if usage.llm_calls > 0 {
        let calls = usage.llm_calls;
        parts.push(format!("{} call{}", tokens(calls.into()), if calls == 1 { "" } else { "s" }));
        let cached = tokens(usage.cache_read_tokens);
        parts.push(format!("{} tokens in ({cached} from the cache)", tokens(usage.input_tokens)));
        parts.push(format!("{} out", tokens(usage.output_tokens)));
        parts.push(format!("${:.4}", usage.cost_usd));
    }
    if fallbacks > 0 {
        parts.push(format!("{} read by the fallback", words::count(fallbacks)));
    }
    (!parts.is_empty()).then(|| parts.join(" · "))
}

#[cfg(test)]
mod tests {
    use domain::sample;

    use super::*;

    #[test]
    fn a_line_shows_whose_it_is_and_what_was_found() {
        let record =
            Record { subject: "a\nb \u{1b}[3\u{202e}m ".repeat(30).into(), ..sample::record(7, "Acme", sample::now()) };
        let line = line("#7", &record);
        assert!(line.starts_with("      #7  P2  Nexus     Acme                    a b"), "{line}");
        assert!(line.ends_with("…  risk 7 · expansion"), "{line}");
        assert!(!line.contains(['\n', '\u{1b}', '\u{202e}']) && line.width() < 120, "{line}");
        assert_eq!(line.find("Nexus"), HEADER.find("team"));
        assert_eq!(line.find("Acme"), HEADER.find("customer"));
    }

    #[test]
    fn wide_letters_take_two_columns() {
        for (text, fits) in [("日本語", "日本語  "), ("日本語株式会社", "日本語…"), ("Grüße aus X", "Grüße a…")]
        {
            assert_eq!(fitted(text, 8).trim_end(), fits.trim_end(), "{text}");
            assert_eq!(fitted(text, 8).width(), 8, "{text}");
        }
    }

    #[test]
    fn lines_come_in_the_order_of_the_input() {
        let mut lines = InOrder::default();
        assert!(lines.ready(1, "b".into()).is_empty());
        assert_eq!(lines.ready(0, "a".into()), [HEADER, "a", "b"]);
        assert_eq!(lines.ready(2, "c".into()), ["c"]);
    }

    #[test]
    fn rates_are_whole_numbers() {
        assert_eq!([0.5, 45.826, 12_345.6].map(rate), ["30 a minute", "45 a second", "12,345 a second"]);
    }

    #[test]
    fn few_of_many_are_not_none() {
        let mut aggregates = Aggregates::default();
        (aggregates.tickets, aggregates.answered_automatically) = (5_000, 15);
        let table = summary(&aggregates, &sample::policy(), Duration::from_secs(100));
        assert!(table.contains("15 of 5,000 (0.3 %)") && table.contains("100.0 s, 50 a second"), "{table}");
        assert!(table.contains("act, 100 % of tickets"), "{table}");
    }
}
