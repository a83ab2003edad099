//! By when something happens, as a sentence says it: "by Friday 5 pm", "bis Ende des Monats", "avant vendredi",
//! "antes del lunes".
//!
//! A day that may as well lie in the past ("on Friday") is none: a weekday needs a word that looks ahead, and a date has to
//! be near. What is unclear is read as the earlier of two days, since a call that comes early does no harm.

mod vocabulary;

use std::ops::Range;

use jiff::{
    Timestamp, ToSpan, ZonedDateTime,
    civil::{Date, Time, Weekday},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};

use self::vocabulary::{Vocabulary, vocabulary};
use crate::{Language, fold};

/// A date without a word that looks ahead is a deadline if it comes within so many days: one that passed lies almost a year
/// ahead.
const NEAR_DAYS: i64 = 92;
/// "in" so many days or hours at most.
const MOST_UNITS: u32 = 400;
/// English hours up to this one are in the afternoon where nothing else is said: nobody works at 5 in the morning.
const AFTERNOON: i8 = 6;

/// A limit in time, in the time of whoever reads it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Deadline {
    /// The last day.
    pub day: Date,
    /// Where the hour is said.
    #[serde(default)]
    pub time: Option<Time>,
    /// The words it was read from.
    pub words: String,
}

impl Deadline {
    /// What deadlines are sorted by: a day without an hour ends at midnight.
    fn end(&self) -> (Date, Time) {
        (self.day, self.time.unwrap_or(Time::MAX))
    }

    /// When it has passed, in the time zone of whoever reads it.
    #[must_use]
    pub fn passes_at(&self, zone: &TimeZone) -> Timestamp {
        let (day, time) = self.end();
        zone.to_timestamp(day.to_datetime(time)).unwrap_or(Timestamp::MAX)
    }
}

/// `Tue 17 Nov, 09:00`
impl std::fmt::Display for Deadline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.day.strftime("%a %-d %b"))?;
        match self.time {
            Some(time) => write!(f, ", {}", time.strftime("%H:%M")),
            None => Ok(()),
        }
    }
}

/// The earliest deadline of these sentences.
#[must_use]
pub fn earliest<'a>(
    sentences: impl IntoIterator<Item = &'a str>,
    language: Language,
    said: &ZonedDateTime,
) -> Option<Deadline> {
    let deadlines = sentences.into_iter().filter_map(|sentence| read(sentence, language, said));
    deadlines.min_by_key(Deadline::end)
}

/// The earliest deadline of a sentence that was said at that moment, in its reader's time zone; none that is over by then.
/// A language without a vocabulary of its own is read as English.
#[must_use]
pub fn read(sentence: &str, language: Language, said: &ZonedDateTime) -> Option<Deadline> {
    let tokens = tokens(sentence);
    let text = Text { tokens: &tokens, words: vocabulary(language), now: said };
    let (days, times) = (text.days(), text.times());
    let dated = days.into_iter().map(|(day, at)| {
        let near = times.iter().filter_map(|(time, when)| Some((gap(&at, when)?, time, when)));
        match near.filter(|(gap, ..)| text.is_filler(gap.clone())).min_by_key(|(gap, ..)| gap.len()) {
            Some((_, time, when)) => (day, Some(time.time), at.start.min(when.start)..at.end.max(when.end)),
            None => (day, None, at),
        }
    });
    let hours = times.iter().filter_map(|(time, when)| text.hour_alone(time, when));
    let found = dated.chain(hours).map(|(day, time, at)| Deadline { day, time, words: text.said(sentence, at) });
    let now = (said.date(), said.time());
    found.filter(|deadline| deadline.end() >= now).min_by_key(Deadline::end)
}

/// A word in lower case without accents, a number, or a mark.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Token {
    text: String,
    bytes: Range<usize>,
}

impl Token {
    fn number(&self) -> Option<u32> {
        self.text.parse().ok()
    }

    fn is_mark(&self) -> bool {
        !self.text.chars().any(char::is_alphanumeric)
    }
}

fn tokens(sentence: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut before = None;
    for (start, c) in sentence.char_indices() {
        let bytes = start..start + c.len_utf8();
        let kind = (c.is_numeric(), c.is_alphabetic());
        match tokens.last_mut().filter(|last| before == Some(kind) && last.bytes.end == start && c.is_alphanumeric()) {
            Some(last) => {
                last.text.extend(fold::letter(c));
                last.bytes.end = bytes.end;
            }
            None if c.is_whitespace() => {}
            None => tokens.push(Token { text: fold::letter(c).collect(), bytes }),
        }
        before = Some(kind);
    }
    tokens
}

/// An hour as it stands in the text.
struct Hour {
    time: Time,
    /// It is an hour whatever stands around it: `17:00`, `5 pm`, `9 Uhr`.
    marked: bool,
}

#[derive(Clone, Copy)]
struct Text<'a> {
    tokens: &'a [Token],
    words: &'static Vocabulary,
    now: &'a ZonedDateTime,
}

/// A day and the tokens that say it.
type Said<T> = (T, Range<usize>);

impl Text<'_> {
    fn word(&self, index: usize) -> &str {
        self.tokens.get(index).map_or("", |token| token.text.as_str())
    }

    fn number(&self, index: usize) -> Option<u32> {
        self.tokens.get(index).and_then(Token::number)
    }

    /// Whether one of these words, of one or several tokens, begins there; where it ends.
    fn one_of(&self, index: usize, words: &[&str]) -> Option<usize> {
        words.iter().find_map(|word| {
            let mut end = index;
            for part in word.split(' ') {
                if self.word(end) != part {
                    return None;
                }
                end += 1;
            }
            Some(end)
        })
    }

    /// Where the words before a day begin that look ahead, if some do; and whether they leave the day itself out.
    fn looks_ahead(&self, day: usize) -> Option<(usize, bool)> {
        (day.saturating_sub(4)..day).find_map(|start| {
            let limit = self.one_of(start, self.words.by).map(|end| (end, false));
            let (end, before) = limit.or_else(|| self.one_of(start, self.words.before).map(|end| (end, true)))?;
            (end <= day && self.is_filler(end..day)).then_some((start, before))
        })
    }

    /// Whether these tokens are articles and their like, or none at all.
    fn is_filler(&self, range: Range<usize>) -> bool {
        range.into_iter().all(|index| self.words.filler.contains(&self.word(index)))
    }

    fn is_past(&self, start: usize, end: usize) -> bool {
        let near = start.saturating_sub(2)..start;
        near.into_iter().any(|index| self.words.since.contains(&self.word(index)))
            || self.words.past.contains(&self.word(end))
    }

    /// Every day that is a deadline.
    fn days(&self) -> Vec<Said<Date>> {
        let mut days: Vec<Said<Date>> = Vec::new();
        let mut index = 0;
        while index < self.tokens.len() {
            let found = self.day(index).filter(|(_, at)| !self.is_past(at.start, at.end));
            index = found.as_ref().map_or(index + 1, |(_, at)| at.end);
            days.extend(found);
        }
        days
    }

    fn day(&self, index: usize) -> Option<Said<Date>> {
        self.named(index)
            .or_else(|| self.end_of_a_period(index))
            .or_else(|| self.weekday(index))
            .or_else(|| self.date(index))
            .or_else(|| self.in_a_while(index))
    }

    /// Today, tomorrow, the day after.
    fn named(&self, index: usize) -> Option<Said<Date>> {
        let today = self.now.date();
        let named = [(self.words.in_two_days, 2), (self.words.tomorrow, 1), (self.words.tonight, 0)];
        let (end, days) = named.into_iter().find_map(|(words, days)| Some((self.one_of(index, words)?, days)))?;
        let other = days == 1 && index > 0 && self.words.morning.contains(&self.word(index - 1));
        let (start, before) = self.looks_ahead(index).unwrap_or((index, false));
        let day = today.checked_add((days - i64::from(before && days > 0)).days()).ok()?;
        (!other).then_some((day, start..end))
    }

    /// The end of the day, the week, the month or a month by name.
    fn end_of_a_period(&self, index: usize) -> Option<Said<Date>> {
        let today = self.now.date();
        let start = self.looks_ahead(index).map_or(index, |(start, _)| start);
        let whole = |words: &[&str], day: Date| Some((day, start..self.one_of(index, words)?));
        let friday = self.next(Weekday::Friday, today).unwrap_or(today);
        let friday = if today.weekday() == Weekday::Friday { today } else { friday };
        whole(self.words.end_of_day, today)
            .or_else(|| whole(self.words.end_of_week, friday))
            .or_else(|| whole(self.words.end_of_month, today.last_of_month()))
            .or_else(|| whole(self.words.end_of_year, today.last_of_year()))
            .or_else(|| {
                let month = self.one_of(index, self.words.end_of)?;
                let (number, end) = self.month(month)?;
                let this_year = Date::new(today.year(), number, 1).ok()?.last_of_month();
                let day = if this_year < today { next_year(this_year)?.last_of_month() } else { this_year };
                Some((day, start..end))
            })
    }

    fn weekday(&self, index: usize) -> Option<Said<Date>> {
        let (weekday, end) = self
            .words
            .weekdays
            .iter()
            .zip(WEEK)
            .find_map(|(names, weekday)| Some((weekday, self.one_of(index, names)?)))?;
        let (start, before, end) = match (self.looks_ahead(index), self.one_of(end, self.words.latest)) {
            (Some((start, before)), _) => (start, before, end),
            (None, Some(end)) => (index, false, end),
            (None, None) => return None,
        };
        let day = self.next(weekday, self.now.date())?;
        let day = if before { day.checked_sub(1.day()).ok()? } else { day };
        Some((day, start..end))
    }

    /// The next such day after today.
    fn next(&self, weekday: Weekday, today: Date) -> Option<Date> {
        today.nth_weekday(1, weekday).ok()
    }

    /// `15 December`, `December 15th`, `15.12.`, `2026-12-15`.
    fn date(&self, index: usize) -> Option<Said<Date>> {
        let today = self.now.date();
        let (day, end) = self.full_date(index).or_else(|| {
            let ((month, day), end) = self.day_and_month(index)?;
            let this_year = Date::new(today.year(), month, day).ok()?;
            Some((if this_year < today { next_year(this_year)? } else { this_year }, end))
        })?;
        match self.looks_ahead(index) {
            Some((start, before)) => {
                let day = if before { day.checked_sub(1.day()).ok()? } else { day };
                Some((day, start..end))
            }
            None => {
                let days = today.until(day).ok()?.get_days();
                (0..=NEAR_DAYS).contains(&i64::from(days)).then_some((day, index..end))
            }
        }
    }

    fn full_date(&self, index: usize) -> Option<(Date, usize)> {
        let year = self.number(index).filter(|year| (2000..2100).contains(year))?;
        if self.word(index + 1) != "-" || self.word(index + 3) != "-" {
            return None;
        }
        let (month, day) = (small(self.number(index + 2)?)?, small(self.number(index + 4)?)?);
        Some((Date::new(i16::try_from(year).ok()?, month, day).ok()?, index + 5))
    }

    fn day_and_month(&self, index: usize) -> Option<((i8, i8), usize)> {
        if let Some((month, end)) = self.month(index) {
            let day = small(self.number(end)?)?;
            let end = if ["st", "nd", "rd", "th"].contains(&self.word(end + 1)) { end + 2 } else { end + 1 };
            // An hour, and no day: "in March 10:30".
            return (self.word(end) != ":").then_some(((month, day), end));
        }
        let day = small(self.number(index)?)?;
        let after = (index + 1..index + 4).find(|at| !self.words.ordinals.contains(&self.word(*at)))?;
        if let Some((month, end)) = self.month(after) {
            return Some(((month, day), end));
        }
        // Days first, as in all of Europe; where an American might write it, only what cannot be a month.
        let mark = self.word(index + 1);
        let month = small(self.number(index + 2)?)?;
        let dotted = mark == "." && self.word(index + 3) == ".";
        let slashed = mark == "/" && (self.words.days_first || day > 12);
        (dotted || slashed).then_some(((month, day), index + if dotted { 4 } else { 3 }))
    }

    fn month(&self, index: usize) -> Option<(i8, usize)> {
        let found = self.words.months.iter().position(|names| names.contains(&self.word(index)))?;
        Some((small(u32::try_from(found).ok()? + 1)?, index + 1))
    }

    /// "within 48 hours", "in 3 days".
    fn in_a_while(&self, index: usize) -> Option<Said<Date>> {
        let from = self.one_of(index, self.words.within)?;
        let from = (from..from + 3).find(|at| !self.words.filler.contains(&self.word(*at)))?;
        let count = self.number(from).filter(|count| (1..=MOST_UNITS).contains(count))?;
        let (unit, end) = [(1, self.words.hours), (24, self.words.days), (7 * 24, self.words.weeks)]
            .into_iter()
            .find_map(|(hours, words)| Some((hours, self.one_of(from + 1, words)?)))?;
        if index > 0 && self.words.times.contains(&self.word(index - 1)) {
            return None;
        }
        let then = self.now.checked_add((i64::from(count) * unit).hours()).ok()?;
        Some((then.date(), index..end))
    }

    /// Every hour, and the tokens that say it.
    fn times(&self) -> Vec<Said<Hour>> {
        let mut times = Vec::new();
        let mut index = 0;
        while index < self.tokens.len() {
            let found = self.hour(index);
            index = found.as_ref().map_or(index + 1, |(_, at): &Said<Hour>| at.end);
            times.extend(found);
        }
        times
    }

    fn hour(&self, index: usize) -> Option<Said<Hour>> {
        for (words, hour) in [(self.words.noon, 12), (self.words.midnight, 23)] {
            if let Some(end) = self.one_of(index, words) {
                let minute = if hour == 23 { 59 } else { 0 };
                return Some((Hour { time: Time::new(hour, minute, 0, 0).ok()?, marked: true }, index..end));
            }
        }
        let said_at = index > 0 && self.words.at.contains(&self.word(index - 1));
        let mut hour = small(self.number(index)?)?;
        let mut end = index + 1;
        let (mut minute, mut marked) = (0, false);
        if [":", "h", "."].contains(&self.word(end))
            && let Some(minutes) = self.number(end + 1).filter(|_| self.word(end + 1).len() == 2)
        {
            (minute, marked, end) = (small(minutes)?, self.word(end) != ".", end + 2);
        }
        let afternoon = self.one_of(end, self.words.pm);
        if let Some(after) = afternoon.or_else(|| self.one_of(end, self.words.am)) {
            (marked, end) = (true, after);
        } else if let Some(after) = self.one_of(end, self.words.clock) {
            (marked, end) = (true, after);
        } else if self.words.twelve_hours && hour <= AFTERNOON && !marked && said_at {
            hour += 12;
        }
        if afternoon.is_some() && hour < 12 {
            hour += 12;
        }
        if hour == 24 {
            (hour, minute) = (23, 59);
        }
        let time = Time::new(hour, minute, 0, 0).ok()?;
        (marked || said_at).then_some((Hour { time, marked }, index..end))
    }

    /// "by 5 pm": today, or tomorrow where that is over.
    fn hour_alone(&self, hour: &Hour, at: &Range<usize>) -> Option<(Date, Option<Time>, Range<usize>)> {
        let (start, _) = self.looks_ahead(at.start).filter(|_| hour.marked)?;
        let today = self.now.date();
        let day = if hour.time < self.now.time() { today.tomorrow().ok()? } else { today };
        // Beside a day it is that day's.
        let dated = |(_, day): &Said<Date>| {
            gap(day, at).is_some_and(|gap| self.is_filler(gap)) || (day.start <= start && at.end <= day.end)
        };
        (!self.days().iter().any(dated)).then_some((day, Some(hour.time), start..at.end))
    }

    fn said(&self, sentence: &str, range: Range<usize>) -> String {
        let tokens = self.tokens.get(range).unwrap_or_default();
        let last = tokens.iter().rev().find(|token| !token.is_mark());
        let bytes = tokens.first().zip(last).map(|(first, last)| first.bytes.start..last.bytes.end);
        bytes.and_then(|bytes| sentence.get(bytes)).unwrap_or_default().to_owned()
    }
}

const WEEK: [Weekday; 7] = [
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
    Weekday::Saturday,
    Weekday::Sunday,
];

fn small(number: u32) -> Option<i8> {
    i8::try_from(number).ok()
}

fn next_year(day: Date) -> Option<Date> {
    day.checked_add(1.year()).ok()
}

/// What stands between two ranges that do not overlap.
fn gap(a: &Range<usize>, b: &Range<usize>) -> Option<Range<usize>> {
    let (first, second) = if a.start <= b.start { (a, b) } else { (b, a) };
    (first.end <= second.start).then_some(first.end..second.start)
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::sample;

    /// Said on Monday 16 November 2026 at 09:00.
    fn check(language: Language, sentence: &str, expected: Option<&str>) {
        let said = sample::now().to_zoned_datetime(TimeZone::UTC);
        let found = read(sentence, language, &said);
        assert_eq!(found.as_ref().map(ToString::to_string).as_deref(), expected, "{sentence}: {found:?}");
        let words = found.map(|found| found.words).unwrap_or_default();
        assert!(sentence.contains(&words), "{sentence}: {words}");
    }

    #[test]
    fn english_deadlines_are_read() {
        for (sentence, expected) in [
            ("Fix it by Friday 5 pm or we leave.", Some("Fri 20 Nov, 17:00")),
            ("If it is not running by Friday, we cancel.", Some("Fri 20 Nov")),
            ("We decide before Friday.", Some("Thu 19 Nov")),
            ("i sign it tomorrow at 9 unless somebody calls me first", Some("Tue 17 Nov, 09:00")),
            ("If the connector isn't running by tonight we are terminating.", Some("Mon 16 Nov")),
            ("I need it by the end of the month.", Some("Mon 30 Nov")),
            ("We need a quote by end of day.", Some("Mon 16 Nov")),
            ("Answer by 5pm.", Some("Mon 16 Nov, 17:00")),
            ("Answer by 8:30 am.", Some("Tue 17 Nov, 08:30")),
            ("The contract ends on 15 December.", Some("Tue 15 Dec")),
            ("The renewal on December 15th is off.", Some("Tue 15 Dec")),
            ("We must know by 2026-12-01.", Some("Tue 1 Dec")),
            ("You have until Wednesday noon.", Some("Wed 18 Nov, 12:00")),
            ("Reply within 48 hours.", Some("Wed 18 Nov")),
            ("Our board meets in 3 days.", Some("Thu 19 Nov")),
            ("At 9 tomorrow we sign.", Some("Tue 17 Nov, 09:00")),
            ("The day after tomorrow we go live.", Some("Wed 18 Nov")),
            ("By the end of November we are gone.", Some("Mon 30 Nov")),
            ("Call me by Friday at 5.", Some("Fri 20 Nov, 17:00")),
            ("By next Monday.", Some("Mon 23 Nov")),
            ("Friday at the latest.", Some("Fri 20 Nov")),
            ("Nothing has come in since Monday.", None),
            ("It broke on Friday at 9.", None),
            ("Third outage in 3 days, four times in 3 days.", None),
            ("We moved on 1 November.", None),
            ("It ran fine until last Friday.", None),
            ("I may cancel in March.", None),
            ("We have 5 stores at 9 sites.", None),
            ("", None),
        ] {
            check(Language::En, sentence, expected);
        }
    }

    #[test]
    fn german_deadlines_are_read() {
        for (sentence, expected) in [
            ("Wir kündigen, wenn es bis Freitag 17 Uhr nicht läuft.", Some("Fri 20 Nov, 17:00")),
            ("Der Steuerberater braucht die Zahlen bis Monatsende.", Some("Mon 30 Nov")),
            ("Bitte bis Ende des Monats.", Some("Mon 30 Nov")),
            ("Bis zum 15. Dezember müssen wir uns entscheiden.", Some("Tue 15 Dec")),
            ("Die Frist endet am 15.12. um 12 Uhr.", Some("Tue 15 Dec, 12:00")),
            ("Morgen um 9 unterschreibe ich.", Some("Tue 17 Nov, 09:00")),
            ("Übermorgen sind wir weg.", Some("Wed 18 Nov")),
            ("Bis heute Abend, sonst gehen wir.", Some("Mon 16 Nov")),
            ("Spätestens am Mittwoch.", Some("Wed 18 Nov")),
            ("Vor Freitag brauchen wir eine Antwort.", Some("Thu 19 Nov")),
            ("Innerhalb von 48 Stunden.", Some("Wed 18 Nov")),
            ("Guten Morgen zusammen.", None),
            ("Seit Freitag geht nichts.", None),
            ("Am Freitag ging es noch.", None),
        ] {
            check(Language::De, sentence, expected);
        }
    }

    #[test]
    fn french_deadlines_are_read() {
        for (sentence, expected) in [
            ("Nous partons si ce n'est pas réglé avant vendredi.", Some("Thu 19 Nov")),
            ("Réponse attendue d'ici vendredi 17h.", Some("Fri 20 Nov, 17:00")),
            ("Il nous le faut demain à 9h30.", Some("Tue 17 Nov, 09:30")),
            ("Sans réponse ce soir, nous résilions.", Some("Mon 16 Nov")),
            ("Avant la fin du mois.", Some("Mon 30 Nov")),
            ("Le contrat se termine le 15 décembre.", Some("Tue 15 Dec")),
            ("Vendredi au plus tard.", Some("Fri 20 Nov")),
            ("Sous 48 heures.", Some("Wed 18 Nov")),
            ("Nous avons déménagé le 1er novembre.", None),
            ("Depuis vendredi rien ne marche.", None),
        ] {
            check(Language::Fr, sentence, expected);
        }
    }

    #[test]
    fn spanish_deadlines_are_read() {
        for (sentence, expected) in [
            ("Necesitamos una respuesta antes del lunes.", Some("Sun 22 Nov")),
            ("Tienen hasta el viernes a las 17:00.", Some("Fri 20 Nov, 17:00")),
            ("Mañana a las 9 firmo con otro.", Some("Tue 17 Nov, 09:00")),
            ("Pasado mañana nos vamos.", Some("Wed 18 Nov")),
            ("Antes de fin de mes.", Some("Mon 30 Nov")),
            ("Esta noche cancelamos.", Some("Mon 16 Nov")),
            ("El contrato vence el 15 de diciembre.", Some("Tue 15 Dec")),
            ("En un plazo de 48 horas.", Some("Wed 18 Nov")),
            ("A las 9 de la mañana falló todo.", None),
            ("Desde el viernes no funciona.", None),
        ] {
            check(Language::Es, sentence, expected);
        }
    }

    #[test]
    fn every_day_of_a_year_gives_the_next_friday() {
        let mut said = sample::now().to_zoned_datetime(TimeZone::UTC);
        for _ in 0..400 {
            let found = read("by Friday", Language::En, &said).unwrap();
            let days = said.date().until(found.day).unwrap().get_days();
            assert_eq!(found.day.weekday(), Weekday::Friday, "{said}");
            assert!((1..=7).contains(&days), "{said}: {days}");
            said = said.tomorrow().unwrap();
        }
    }

    #[test]
    fn a_deadline_is_the_readers_day() {
        let late = "2026-11-16T23:30:00Z".parse::<jiff::Timestamp>().unwrap();
        for (zone, expected) in [("UTC", "Tue 17 Nov, 09:00"), ("Europe/Berlin", "Wed 18 Nov, 09:00")] {
            let said = late.to_zoned_datetime(TimeZone::get(zone).unwrap());
            assert_eq!(read("tomorrow at 9", Language::En, &said).unwrap().to_string(), expected, "{zone}");
        }
    }

    #[test]
    fn the_earliest_counts() {
        let said = sample::now().to_zoned_datetime(TimeZone::UTC);
        let found = earliest(["by Friday", "tomorrow", "tomorrow at 9"], Language::En, &said).unwrap();
        assert_eq!(found.to_string(), "Tue 17 Nov, 09:00");
    }

    proptest::proptest! {
        #[test]
        fn no_sentence_panics(sentence in "(?s).{0,60}", words in "(by|bis|avant|hasta|tomorrow|Friday|end of|99|15|:|h|/|\\.|in|days| ){0,12}") {
            for said in [jiff::Timestamp::MIN, sample::now(), jiff::Timestamp::MAX] {
                for language in [Language::En, Language::De, Language::Fr, Language::Es] {
                    let said = said.to_zoned_datetime(TimeZone::UTC);
                    let _ = (read(&sentence, language, &said), read(&words, language, &said));
                }
            }
        }
    }

    #[test]
    fn a_day_without_an_hour_passes_at_midnight() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let day = jiff::civil::date(2026, 11, 17);
        for (time, passed) in
            [(None, "2026-11-17T23:00:00Z"), (Some(Time::constant(9, 0, 0, 0)), "2026-11-17T08:00:00Z")]
        {
            let deadline = Deadline { day, time, words: String::new() };
            let passed: Timestamp = passed.parse().unwrap();
            assert!(passed.duration_since(deadline.passes_at(&berlin)).as_secs() < 1, "{time:?}");
        }
    }
}
