//! Charts as inline SVG: bars for counts, columns for days. Drawn in a fixed box that scales with the page.

use std::collections::BTreeMap;

use askama::Template;
use domain::guardian;
use jiff::{ToSpan, civil::Date};
use runtime::words;

/// Horizontal bars with their names and figures.
#[derive(Template)]
#[template(path = "bars.svg", escape = "html")]
pub(crate) struct Bars {
    title: &'static str,
    height: usize,
    bars: Vec<Bar>,
}

struct Bar {
    label: String,
    class: &'static str,
    value: String,
    y: usize,
    /// Of the 200 units a full bar has.
    width: f64,
}

/// Room for a bar, its name and its gap.
const ROW: usize = 30;
const FULL: f64 = 200.0;

impl Bars {
    /// One bar for each (label, CSS class, count), scaled to the largest.
    pub(crate) fn new(title: &'static str, counts: Vec<(String, &'static str, usize)>) -> Self {
        let most = counts.iter().map(|(_, _, count)| *count).max().unwrap_or(0).max(1);
        let bar = |(index, (label, class, count)): (usize, (String, &'static str, usize))| Bar {
            label,
            class,
            value: words::count(count),
            y: index * ROW,
            width: share(count, most) * FULL,
        };
        Self { title, height: counts.len() * ROW, bars: counts.into_iter().enumerate().map(bar).collect() }
    }
}

/// A column for each day: all tickets, and the high-risk ones in front.
#[derive(Template)]
#[template(path = "columns.svg", escape = "html")]
pub(crate) struct Columns {
    columns: Vec<Column>,
    /// First and last day.
    span: String,
    most: String,
}

struct Column {
    title: String,
    x: f64,
    width: f64,
    y: f64,
    height: f64,
    risk_y: f64,
    risk_height: f64,
}

const WIDE: f64 = 320.0;
const HIGH: f64 = 90.0;
/// No column is wider than this, so that three days do not look like three walls.
const WIDEST: f64 = 40.0;

impl Columns {
    pub(crate) fn new(days: &[(jiff::civil::Date, crate::aggregate::DayRow)]) -> Self {
        let most = days.iter().map(|(_, row)| row.tickets).max().unwrap_or(0).max(1);
        let step = (WIDE / days.len().max(1) as f64).min(WIDEST);
        let column = |(index, (day, row)): (usize, &(jiff::civil::Date, crate::aggregate::DayRow))| {
            let (height, risk_height) = (share(row.tickets, most) * HIGH, share(row.high_risk, most) * HIGH);
            Column {
                title: format!("{day}: {} tickets, {} urgent, {} at high risk", row.tickets, row.urgent, row.high_risk),
                x: index as f64 * step,
                width: step * 0.8,
                y: HIGH - height,
                height,
                risk_y: HIGH - risk_height,
                risk_height,
            }
        };
        Self {
            columns: days.iter().enumerate().map(column).collect(),
            span: match days {
                [] => String::new(),
                [(only, _)] => only.to_string(),
                [(first, _), .., (last, _)] => format!("{first} to {last}"),
            },
            most: words::count(most),
        }
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
    /// None: no ticket.
    score: Option<u8>,
    high: bool,
    height: usize,
}

const SPARK_COLUMNS: i32 = 12;
const SPARK_DAYS: i32 = crate::RISK_DAYS / SPARK_COLUMNS;

impl Spark {
    pub(crate) fn new(risk_by_day: &BTreeMap<Date, u8>, last: Date) -> Self {
        let columns = (0..SPARK_COLUMNS).map(|index| {
            let end = last.saturating_sub((SPARK_DAYS * (SPARK_COLUMNS - 1 - index)).days());
            let begin = end.saturating_sub((SPARK_DAYS - 1).days());
            let score = risk_by_day.range(begin..=end).map(|(_, score)| *score).max();
            SparkColumn {
                x: usize::try_from(index).unwrap_or(0) * 6,
                score,
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

/// Two decimals are plenty for a coordinate.
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
        let spark = Spark::new(&scores, last);
        let told: Vec<_> = spark.columns.iter().map(|column| (column.score, column.height)).collect();
        assert_eq!(told[10..], [(Some(0), 2), (Some(8), 16)]);
        assert!(told[..10].iter().all(|column| *column == (None, 0)), "{told:?}");
    }

    #[test]
    fn the_largest_count_fills_its_bar_and_nothing_divides_by_zero() {
        let bars = Bars::new("Priority", vec![("P0".into(), "p0", 2), ("P1".into(), "p1", 4)]);
        let widths: Vec<f64> = bars.bars.iter().map(|bar| bar.width).collect();
        assert_eq!(widths, [100.0, 200.0]);
        let empty = Bars::new("Priority", vec![("P0".into(), "p0", 0)]).render().unwrap();
        assert!(!empty.contains("NaN"), "{empty}");
        assert!(!Columns::new(&[]).render().unwrap().contains("NaN"));
    }
}
