//! Charts as inline SVG, as wide as their place: lengths across are percent, so that words keep their size.

use std::collections::BTreeMap;

use askama::Template;
use domain::guardian;
use jiff::{
    ToSpan,
    civil::{Date, Weekday},
};
use runtime::words;

/// Horizontal bars with their names and figures, from zero to the largest.
#[derive(Template)]
#[template(path = "bars.svg", escape = "html")]
pub(crate) struct Bars {
    title: &'static str,
    height: usize,
    most: usize,
    bars: Vec<Bar>,
}

struct Bar {
    label: String,
    class: &'static str,
    count: usize,
    value: String,
    y: usize,
    /// Percent of the chart's width.
    width: f64,
}

/// Room for a bar, its name and its gap.
const ROW: usize = 30;
/// Percent of the width that a full bar has beside names and figures.
const FULL: f64 = 56.0;

impl Bars {
    /// One bar for each (label, CSS class, count).
    pub(crate) fn new(title: &'static str, counts: Vec<(String, &'static str, usize)>) -> Self {
        let most = counts.iter().map(|(_, _, count)| *count).max().unwrap_or(0).max(1);
        let bar = |(index, (label, class, count)): (usize, (String, &'static str, usize))| Bar {
            label,
            class,
            count,
            value: words::count(count),
            y: index * ROW,
            width: share(count, most) * FULL,
        };
        Self { title, most, height: counts.len() * ROW, bars: counts.into_iter().enumerate().map(bar).collect() }
    }
}

/// Tickets over time: a column for each day or week, what matters of them in front, on an axis from zero.
#[derive(Template)]
#[template(path = "columns.html")]
pub(crate) struct Columns {
    title: String,
    /// Whether a script may draw it anew for other tickets.
    daily: bool,
    /// The highest figure of the axis.
    top: usize,
    columns: Vec<Column>,
    ticks: Vec<Tick>,
    labels: Vec<Label>,
}

struct Column {
    title: String,
    day: Date,
    counts: (usize, usize),
    /// Percent of the width.
    x: f64,
    width: f64,
    weekend: bool,
    /// The space that belongs to it, for the shade of a weekend.
    step_x: f64,
    step: f64,
    y: f64,
    height: f64,
    front_y: f64,
    front_height: f64,
}

/// A figure of the axis.
struct Tick {
    y: f64,
    value: String,
}

/// A day below the axis.
struct Label {
    /// Percent of the width.
    x: f64,
    /// A class for what would stand out at an end.
    side: &'static str,
    text: String,
}

/// What one column counts.
pub(crate) struct Count {
    /// The day, or the first day of the week or month.
    pub(crate) day: Date,
    pub(crate) tickets: usize,
    pub(crate) front: usize,
}

/// How far apart the days are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Every {
    Day,
    Week,
    Month,
}

/// Days drawn one by one, and those drawn by the week: in more, a column would be thinner than a pixel.
const MOST_DAYS: i32 = 120;
const MOST_BY_WEEK: i32 = 3 * 366;

impl Every {
    /// How far apart the columns of so long a time are.
    pub(crate) fn of(first: Date, last: Date) -> Self {
        match (last - first).get_days() {
            days if days < MOST_DAYS => Self::Day,
            days if days < MOST_BY_WEEK => Self::Week,
            _ => Self::Month,
        }
    }

    /// The first day of the column that a day is counted in.
    pub(crate) fn begin(self, day: Date) -> Date {
        match self {
            Self::Day => day,
            Self::Week => day.saturating_sub(i32::from(day.weekday().to_monday_zero_offset()).days()),
            Self::Month => day.first_of_month(),
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    fn named(self) -> &'static str {
        if self == Self::Month { "%b %Y" } else { "%-d %b" }
    }
}

/// Pixels from the top to the axis.
const HIGH: f64 = 150.0;
/// Pixels above the highest figure of the axis.
const ROOM: f64 = 10.0;
/// Percent; no column is wider, so that three days do not look like three walls.
const WIDEST: f64 = 14.0;
/// Days that are named below the axis, at most.
const NAMED: usize = 7;

impl Columns {
    /// `counts` without gaps. `front` names what stands in front.
    pub(crate) fn new(every: Every, front: &str, counts: &[Count]) -> Self {
        let most = counts.iter().map(|count| count.tickets).max().unwrap_or(0);
        let step = (100.0 / counts.len().max(1) as f64).min(WIDEST);
        let tick = round_step(most);
        let top = most.div_ceil(tick).max(1) * tick;
        let high = |count: usize| share(count, top) * (HIGH - ROOM);
        let column = |(index, count): (usize, &Count)| {
            let (height, front_height) = (high(count.tickets), high(count.front));
            let step_x = index as f64 * step;
            let weekend = every == Every::Day && matches!(count.day.weekday(), Weekday::Saturday | Weekday::Sunday);
            let day = count.day.strftime(if every == Every::Day { "%a %-d %b" } else { every.named() });
            Column {
                day: count.day,
                counts: (count.tickets, count.front),
                title: format!("{day}: {}, {} {front}", tickets(count.tickets), words::count(count.front)),
                x: step_x + step * 0.1,
                width: step * 0.8,
                weekend,
                step_x,
                step,
                y: HIGH - height,
                height,
                front_y: HIGH - front_height,
                front_height,
            }
        };
        let ticks = (0..=top / tick).map(|number| number * tick);
        let named = |index: &usize| match every {
            Every::Day => counts.get(*index).is_some_and(|count| count.day.weekday() == Weekday::Monday),
            Every::Week | Every::Month => true,
        };
        let named: Vec<usize> = match counts.len() {
            few @ 0..=NAMED => (0..few).collect(),
            many => (0..many).filter(named).collect(),
        };
        let every_so_many = named.len().div_ceil(NAMED).max(1);
        let label = |index: usize| {
            let day = counts.get(index)?.day;
            let x = (index as f64 + 0.5) * step;
            let side = match x {
                ..2.0 => " first",
                94.0.. => " last",
                _ => "",
            };
            Some(Label { x, side, text: day.strftime(every.named()).to_string() })
        };
        let title = match counts {
            [] => "No tickets".to_owned(),
            [first, .., last] | [first @ last] => {
                let each = every.word();
                let sum = counts.iter().map(|count| count.tickets).sum();
                format!(
                    "Tickets a {each}, {} to {}: {} in all, at most {}",
                    first.day,
                    last.day,
                    words::count(sum),
                    words::count(most)
                )
            }
        };
        Self {
            title,
            daily: every == Every::Day,
            top,
            columns: counts.iter().enumerate().map(column).collect(),
            ticks: ticks.map(|value| Tick { y: HIGH - high(value), value: words::count(value) }).collect(),
            labels: named.into_iter().step_by(every_so_many).filter_map(label).collect(),
        }
    }
}

impl Columns {
    /// Never drawn anew: it shows days that the page's script knows nothing of.
    pub(crate) fn still(self) -> Self {
        Self { daily: false, ..self }
    }
}

fn tickets(count: usize) -> String {
    if count == 1 { "1 ticket".to_owned() } else { format!("{} tickets", words::count(count)) }
}

/// A round number of which two to five make up the largest count.
fn round_step(most: usize) -> usize {
    let mut scale = 1;
    loop {
        for round in [1, 2, 5] {
            if most <= 5 * round * scale {
                return round * scale;
            }
        }
        scale *= 10;
    }
}

/// Twelve columns over sixty days: the highest risk of five days each.
#[derive(Template)]
#[template(path = "spark.svg", escape = "html")]
pub(crate) struct Spark {
    columns: Vec<SparkColumn>,
}

struct SparkColumn {
    x: usize,
    /// None: no ticket, as far as is known.
    score: Option<u8>,
    /// Before what is kept.
    unknown: bool,
    high: bool,
    height: usize,
}

const SPARK_COLUMNS: i32 = 12;
const SPARK_DAYS: i32 = crate::RISK_DAYS / SPARK_COLUMNS;

impl Spark {
    /// Of days before `kept` nothing is known any more.
    pub(crate) fn new(risk_by_day: &BTreeMap<Date, u8>, last: Date, kept: Date) -> Self {
        let columns = (0..SPARK_COLUMNS).map(|index| {
            let end = last.saturating_sub((SPARK_DAYS * (SPARK_COLUMNS - 1 - index)).days());
            let begin = end.saturating_sub((SPARK_DAYS - 1).days());
            let score = risk_by_day.range(begin..=end).map(|(_, score)| *score).max();
            SparkColumn {
                x: usize::try_from(index).unwrap_or(0) * 6,
                score,
                unknown: score.is_none() && end < kept,
                high: score.is_some_and(|score| score >= guardian::HIGH),
                // A ticket without any risk is a line, so that it differs from a time without tickets.
                height: score.map_or(0, |score| usize::from(score).max(1) * 2),
            }
        });
        Self { columns: columns.collect() }
    }
}

fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

/// One decimal is plenty for a coordinate.
#[expect(unreachable_pub, reason = "askama's macro makes the filters public")]
mod filters {
    use askama::{Values, filter_fn};

    #[filter_fn]
    pub(super) fn px(value: &f64, _: &dyn Values) -> askama::Result<String> {
        Ok(format!("{value:.1}"))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_spark_has_the_highest_of_five_days() {
        let last = date(2026, 3, 1);
        let scores = BTreeMap::from([(last, 2), (last - 4.days(), 8), (last - 5.days(), 0), (last - 60.days(), 10)]);
        let spark = Spark::new(&scores, last, last - 60.days());
        let told: Vec<_> = spark.columns.iter().map(|column| (column.score, column.height)).collect();
        assert_eq!(told[10..], [(Some(0), 2), (Some(8), 16)]);
        assert!(told[..10].iter().all(|column| *column == (None, 0)), "{told:?}");
    }

    #[test]
    fn a_spark_tells_unknown_from_calm() {
        let last = date(2026, 3, 1);
        let spark = Spark::new(&BTreeMap::from([(last - 40.days(), 8)]), last, last - 29.days());
        let unknown: Vec<usize> = (0..12).filter(|index| spark.columns[*index].unknown).collect();
        assert_eq!(unknown, [0, 1, 2, 4, 5], "the fourth holds a ticket that is there all the same");
        let label = spark.render().unwrap();
        assert!(label.contains("in sixty: ? ? ? 8 ? ? – – – – – –\""), "{label}");
    }

    #[test]
    fn the_largest_count_fills_its_bar_and_nothing_divides_by_zero() {
        let bars = Bars::new("Priority", vec![("P0".into(), "p0", 2), ("P1".into(), "p1", 4)]);
        let widths: Vec<f64> = bars.bars.iter().map(|bar| bar.width).collect();
        assert_eq!(widths, [FULL / 2.0, FULL]);
        let empty = Bars::new("Priority", vec![("P0".into(), "p0", 0)]).render().unwrap();
        assert!(!empty.contains("NaN"), "{empty}");
        assert!(!Columns::new(Every::Day, "urgent", &[]).render().unwrap().contains("NaN"));
    }

    #[test]
    fn an_axis_starts_at_zero_and_has_round_figures() {
        let of = |most| {
            let count = Count { day: date(2026, 11, 14), tickets: most, front: 0 };
            let columns = Columns::new(Every::Day, "urgent", &[count]);
            columns.ticks.into_iter().map(|tick| tick.value).collect::<Vec<_>>().join(" ")
        };
        for (most, ticks) in [
            (0, "0 1"),
            (3, "0 1 2 3"),
            (11, "0 5 10 15"),
            (300, "0 100 200 300"),
            (4_999, "0 1,000 2,000 3,000 4,000 5,000"),
        ] {
            assert_eq!(of(most), ticks);
        }
    }

    #[test]
    fn a_long_time_is_drawn_by_weeks_or_months() {
        let last = date(2026, 11, 29);
        for (days, every, begin) in
            [(90, Every::Day, last), (200, Every::Week, date(2026, 11, 23)), (9_000, Every::Month, date(2026, 11, 1))]
        {
            let found = Every::of(last - days.days(), last);
            assert!(found == every && found.begin(last) == begin, "{days} days: {}", found.word());
        }
    }

    #[test]
    fn weekends_are_shaded_and_mondays_named() {
        let first = date(2026, 11, 1);
        let count = |ago| Count { day: first + i64::from(ago).days(), tickets: 1, front: 1 };
        let counts: Vec<Count> = (0..30).map(count).collect();
        let columns = Columns::new(Every::Day, "urgent", &counts);
        let weekends: Vec<usize> = (0..30).filter(|index| columns.columns[*index].weekend).collect();
        assert_eq!(weekends, [0, 6, 7, 13, 14, 20, 21, 27, 28]);
        let labels: Vec<&str> = columns.labels.iter().map(|label| label.text.as_str()).collect();
        assert_eq!(labels, ["2 Nov", "9 Nov", "16 Nov", "23 Nov", "30 Nov"]);
        assert_eq!(columns.columns[0].title, "Sun 1 Nov: 1 ticket, 1 urgent");
    }
}
