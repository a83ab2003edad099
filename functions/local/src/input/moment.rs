//! Times as helpdesks and spreadsheets write them.

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, DateTime, Time},
    fmt::rfc2822,
    tz::Offset,
};

/// 1970 and 2100: outside, a timestamp is a slip.
const EARLIEST: Timestamp = Timestamp::UNIX_EPOCH;
const LATEST: Timestamp = Timestamp::constant(4_102_444_800, 0);

/// Excel counts days from here.
const EXCEL: i64 = 25_569;

/// Whether the day or the month comes first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Order {
    DayFirst,
    MonthFirst,
}

/// A time, as far as its cell alone can tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Moment {
    /// And the order, if the cell shows it.
    At(Timestamp, Option<Order>),
    /// `03/04/2026`.
    Either { day_first: Timestamp, month_first: Timestamp },
}

impl Moment {
    /// With what the column's other cells say of the order; none where nothing tells.
    pub(super) fn settled(self, order: Option<Order>) -> Option<Timestamp> {
        match (self, order) {
            (Self::At(at, _), _) => Some(at),
            (Self::Either { day_first, .. }, Some(Order::DayFirst)) => Some(day_first),
            (Self::Either { month_first, .. }, Some(Order::MonthFirst)) => Some(month_first),
            (Self::Either { .. }, None) => None,
        }
    }
}

/// Without a zone it is UTC. None for what is no time between 1970 and 2100.
pub(super) fn moment(text: &str) -> Option<Moment> {
    let text = text.trim();
    let found = standard(text).or_else(|| counted(text)).map(|at| Moment::At(at, None)).or_else(|| written(text))?;
    let sound = |at: &Timestamp| (EARLIEST..LATEST).contains(at);
    match found {
        Moment::At(at, _) => sound(&at),
        Moment::Either { day_first, month_first } => sound(&day_first) && sound(&month_first),
    }
    .then_some(found)
}

/// RFC 3339 and RFC 2822.
fn standard(text: &str) -> Option<Timestamp> {
    let civil = || text.parse::<DateTime>().ok().and_then(utc);
    let date = || text.parse::<Date>().ok().and_then(|date| utc(date.at(0, 0, 0, 0)));
    text.parse().ok().or_else(civil).or_else(date).or_else(|| Some(rfc2822::parse(text).ok()?.timestamp()))
}

fn utc(civil: DateTime) -> Option<Timestamp> {
    Offset::UTC.to_timestamp(civil).ok()
}

/// Seconds or milliseconds since 1970, or Excel's days.
fn counted(text: &str) -> Option<Timestamp> {
    let (whole, rest) = text.split_once(['.', ',']).unwrap_or((text, ""));
    if !whole.bytes().chain(rest.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: i64 = whole.parse().ok()?;
    match whole.len() {
        9 | 10 => Timestamp::from_second(number).ok(),
        12 | 13 => Timestamp::from_millisecond(number).ok(),
        5 => {
            let part: f64 = format!("0.{rest}0").parse().ok()?;
            let day = Timestamp::from_second(number.checked_sub(EXCEL)?.checked_mul(86_400)?).ok()?;
            day.checked_add(SignedDuration::from_secs((part * 86_400.0).round() as i64)).ok()
        }
        _ => None,
    }
}

/// A piece of a date: digits or a word.
enum Piece<'a> {
    Number(&'a str),
    Word(&'a str),
}

/// Numbers and names of months in any of the usual orders, then perhaps a time of day and a zone.
fn written(text: &str) -> Option<Moment> {
    let (text, offset) = offset(text)?;
    let (mut date, mut time, mut afternoon) = (Vec::new(), Vec::new(), None);
    for piece in pieces(text) {
        match piece {
            Piece::Number(digits) if date.len() < 3 => date.push((digits.parse::<i16>().ok()?, digits.len(), false)),
            Piece::Number(digits) => time.push(digits),
            Piece::Word(word) => match word.to_lowercase().as_str() {
                "am" | "a" => afternoon = Some(false),
                "pm" | "p" => afternoon = Some(true),
                // `16. November um 7 Uhr`, `16th of November`, `7h12`, and what follows `a` of `a.m.`
                "m" | "t" | "at" | "um" | "uhr" | "h" | "à" | "th" | "st" | "nd" | "rd" | "of" | "de" | "der" => {}
                word => match month(word) {
                    Some(month) => date.push((month, 0, true)),
                    None if date.is_empty() && is_weekday(word) => {}
                    None => return None,
                },
            },
        }
    }
    let time = clock(&time, afternoon)?;
    let at = |year: i16, month: i16, day: i16| {
        let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
        utc(date.to_datetime(time))?.checked_sub(SignedDuration::from_secs(offset)).ok()
    };
    let sure = |at: Timestamp| Moment::At(at, None);
    match *date.as_slice() {
        [(year, 4, false), (month, _, false), (day, _, false)] => at(year, month, day).map(sure),
        [(year, 4, false), (month, _, true), (day, _, false)] => at(year, month, day).map(sure),
        [(day, 1 | 2, false), (month, _, true), (year, length, false)] => at(full(year, length)?, month, day).map(sure),
        [(month, _, true), (day, 1 | 2, false), (year, length, false)] => at(full(year, length)?, month, day).map(sure),
        [(first, 1 | 2, false), (second, 1 | 2, false), (year, length, false)] => {
            let year = full(year, length)?;
            let day_first = at(year, second, first);
            // Nobody writes the month before a full stop.
            let dotted = text.trim_start().trim_start_matches(|c: char| c.is_ascii_digit()).starts_with('.');
            match (day_first, if dotted { None } else { at(year, first, second) }) {
                (Some(day_first), None) => {
                    Some(Moment::At(day_first, if dotted { None } else { Some(Order::DayFirst) }))
                }
                (None, Some(month_first)) => Some(Moment::At(month_first, Some(Order::MonthFirst))),
                (Some(day_first), Some(month_first)) if day_first == month_first => Some(sure(day_first)),
                (Some(day_first), Some(month_first)) => Some(Moment::Either { day_first, month_first }),
                (None, None) => None,
            }
        }
        _ => None,
    }
}

/// The text before the zone, and its seconds east of Greenwich.
fn offset(text: &str) -> Option<(&str, i64)> {
    for zone in ["UTC", "GMT", "Z"] {
        if let Some(before) = text.strip_suffix(zone) {
            return Some((before, 0));
        }
    }
    // Only behind a time of day: a hyphen parts dates as well.
    let clock = text.find(':').unwrap_or(text.len());
    let Some(sign) = text.rfind(['+', '-']).filter(|sign| *sign > clock) else { return Some((text, 0)) };
    let (before, zone) = text.split_at(sign);
    let digits: String = zone.chars().filter(char::is_ascii_digit).collect();
    let (hours, minutes) = digits.split_at_checked(2).unwrap_or((&digits, ""));
    let minutes = if minutes.is_empty() { 0 } else { minutes.parse::<i64>().ok()? };
    let seconds = hours.parse::<i64>().ok()? * 3_600 + minutes * 60;
    let before = before.trim_end();
    let before = ["UTC", "GMT"].iter().find_map(|zone| before.strip_suffix(zone)).unwrap_or(before);
    Some((before, if zone.starts_with('-') { -seconds } else { seconds }))
}

/// Runs of digits and of letters: `7PM` is two.
fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c: char| !c.is_alphanumeric());
        let digits = rest.chars().next()?.is_ascii_digit();
        let within = |c: char| c.is_alphanumeric() && c.is_ascii_digit() == digits;
        let end = rest.find(|c| !within(c)).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        rest = after;
        Some(if digits { Piece::Number(run) } else { Piece::Word(run) })
    })
}

/// Hours, minutes, seconds; parts of seconds are left out.
fn clock(parts: &[&str], afternoon: Option<bool>) -> Option<Time> {
    let part = |index: usize| parts.get(index).map_or(Some(0), |digits| digits.parse::<i8>().ok());
    let (hour, minute, second) = (part(0)?, part(1)?, part(2)?);
    let hour = match (afternoon, hour) {
        (Some(_), 13..) => return None,
        (Some(true), hour) => hour % 12 + 12,
        (Some(false), hour) => hour % 12,
        (None, hour) => hour,
    };
    if parts.len() > 4 { None } else { Time::new(hour, minute, second, 0).ok() }
}

/// Of two digits, this century's.
fn full(year: i16, length: usize) -> Option<i16> {
    match length {
        4 => Some(year),
        2 if year < 70 => Some(2000 + year),
        2 => Some(1900 + year),
        _ => None,
    }
}

/// By its beginning, in English, German, French, Spanish, Italian and Dutch.
fn month(word: &str) -> Option<i16> {
    const MONTHS: [&[&str]; 12] = [
        &["jan", "jän", "ene", "gen"],
        &["feb", "fév", "fev"],
        &["mar", "mär", "mrz", "maa", "mrt"],
        &["apr", "avr", "abr"],
        &["may", "mai", "mag", "mei"],
        &["jun", "juin", "giu"],
        &["jul", "juil", "lug"],
        &["aug", "aoû", "aou", "ago"],
        &["sep", "set"],
        &["oct", "okt", "ott"],
        &["nov"],
        &["dec", "dez", "déc", "dic"],
    ];
    let found = MONTHS.iter().position(|names| names.iter().any(|name| word.starts_with(name)))?;
    i16::try_from(found + 1).ok()
}

fn is_weekday(word: &str) -> bool {
    const DAYS: [&str; 24] = [
        "mon", "tue", "wed", "thu", "fri", "sat", "sun", "mo", "di", "mi", "do", "fr", "sa", "so", "lun", "mer", "jeu",
        "ven", "sam", "dim", "mié", "jue", "vie", "sáb",
    ];
    DAYS.iter().any(|day| word.starts_with(day))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPECTED: &str = "2026-11-16T07:12:00Z";

    #[test]
    fn times_are_read_as_exports_write_them() {
        for text in [
            "2026-11-16T07:12:00Z",
            "2026-11-16T08:12:00+01:00",
            "2026-11-16T07:12:00.000Z",
            "2026-11-16T07:12:00.123456",
            "2026-11-16 07:12:00 UTC",
            "2026-11-16 07:12 GMT",
            "2026-11-16 07:12:00 +0000",
            "2026-11-16 02:12:00 -0500",
            "2026-11-16 07:12",
            "2026/11/16 07:12",
            "2026.11.16 07:12",
            "16/11/2026 07:12",
            "16-11-2026 07:12",
            "16.11.2026 07:12",
            "16.11.26, 07:12",
            "16/11/2026, 07:12:00",
            "11/16/2026 7:12 AM",
            "11/16/26 7:12am",
            "16/Nov/26 07:12 AM",
            "16 Nov 2026 07:12 AM",
            "Nov 16, 2026 7:12 a.m.",
            "November 16, 2026 at 7:12 AM",
            "16. November 2026 07:12",
            "16 nov. 2026 à 07:12",
            "16 de noviembre de 2026 07:12",
            "Mon, 16 Nov 2026 07:12:00 +0000",
            "Monday, 16 November 2026 07:12",
            "1794813120",
            "1794813120000",
            "46342.3",
            "46342,3",
            "16/11/2026 08:12 +01:00",
            "16 Nov 2026 09:12 GMT+2",
        ] {
            let Some(found) = moment(text).and_then(|moment| moment.settled(None)) else { panic!("{text}") };
            let minute = found.as_second() / 60 * 60;
            assert_eq!(Timestamp::from_second(minute).unwrap().to_string(), EXPECTED, "{text}");
        }
        let afternoon = moment("11/May/24 03:26 PM").and_then(|moment| moment.settled(None)).unwrap();
        assert_eq!(afternoon.to_string(), "2024-05-11T15:26:00Z");
        assert_eq!(moment("45977").unwrap().settled(None).unwrap().to_string(), "2025-11-16T00:00:00Z");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "yesterday",
            "9999-12-30",
            "1969-12-31",
            "2026-13-01",
            "31/31/2026",
            "30/02/2026",
            "16/11",
            "12:30",
            "7",
            "16/11/2026 25:00",
            "16/11/2026 13:00 PM",
            "2026-11-16 07:12 CET",
            "1.2.3.4.5.6.7.8",
            "16 Foo 2026",
            "99999999999999999999",
        ] {
            assert_eq!(moment(text), None, "{text}");
        }
    }

    #[test]
    fn the_column_tells_the_order_of_day_and_month() {
        let either = moment("03/04/2026").unwrap();
        let day = |order| either.settled(order).map(|at| at.to_string().chars().take(10).collect::<String>());
        assert_eq!(day(None), None);
        assert_eq!(day(Some(Order::DayFirst)).as_deref(), Some("2026-04-03"));
        assert_eq!(day(Some(Order::MonthFirst)).as_deref(), Some("2026-03-04"));
        for (text, order) in [
            ("16/11/2026", Some(Order::DayFirst)),
            ("11/16/2026", Some(Order::MonthFirst)),
            ("05/05/2026", None),
            ("03.04.2026", None),
            ("2026-11-16", None),
        ] {
            assert!(matches!(moment(text), Some(Moment::At(_, found)) if found == order), "{text}");
        }
    }
}
