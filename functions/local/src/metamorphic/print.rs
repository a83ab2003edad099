//! The table a person reads: a line a change, worst first.

use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};

use super::measure::{Outcome, compared, share};

/// The share of tickets that may flip under any change.
const AIM: f64 = 0.03;
/// Tickets named for a change.
const MOST_NAMED: usize = 3;

/// The table.
pub(super) fn table(outcomes: &[Outcome<'_>]) -> Table {
    let labels = compared();
    let mut table = Table::new();
    let head = ["change", "tickets", "any"].into_iter().chain(labels.iter().map(|label| label.name)).chain(["such as"]);
    table.load_style(UTF8_FULL_CONDENSED).set_header(head);
    for outcome in outcomes {
        let cells = labels.iter().enumerate().map(|(place, label)| {
            if outcome.change.exempts(label.name) {
                "exempt".to_owned()
            } else {
                percent(share(outcome.flips(place).count(), outcome.tickets))
            }
        });
        let named = outcome.flipped.iter().take(MOST_NAMED).map(|flipped| crate::say::escaped(&flipped.row.id_text));
        let head = [outcome.change.name(), outcome.tickets.to_string(), percent(outcome.share())];
        table.add_row(head.into_iter().chain(cells).chain([named.collect::<Vec<_>>().join(" ")]));
    }
    table
}

/// How many changes are past the aim.
pub(super) fn verdict(outcomes: &[Outcome<'_>]) -> String {
    let above = outcomes.iter().filter(|outcome| outcome.share() > AIM).count();
    format!(
        "Share of tickets with another label than before, in per cent. The aim is {} or less in any: {above} of {} changes are above it.",
        percent(AIM),
        outcomes.len()
    )
}

fn percent(share: f64) -> String {
    format!("{:.1}", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        input,
        metamorphic::{
            change::Change,
            measure::{Flip, Flipped},
        },
    };

    #[test]
    fn a_line_has_shares_exemptions_and_tickets_to_look_at() {
        let input = input::bundled();
        let flip = Some(Flip { before: 2, after: 1 });
        let flipped = |row| Flipped { row, flips: vec![flip, None, None, None, None, None, None] };
        let flipped = input.rows.iter().take(4).map(flipped).collect();
        let outcomes = [
            Outcome { change: Change::Capitals, tickets: 30, flipped },
            Outcome { change: Change::Greeting, tickets: 0, flipped: Vec::new() },
        ];
        let table = table(&outcomes).to_string();
        let cells = |name: &str| {
            let line = table.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{name} in {table}"));
            line.split('┆').map(|cell| cell.trim_matches(['│', ' ']).to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(cells("change").get(..6).unwrap(), ["change", "tickets", "any", "priority", "team", "topic"]);
        let capitals = cells("capitals");
        assert_eq!(capitals.get(..7).unwrap(), ["capitals", "30", "13.3", "13.3", "0.0", "0.0", "exempt"]);
        assert_eq!(capitals.last().unwrap(), "#1001 #1002 #1003");
        assert_eq!(cells("greeting").get(..3).unwrap(), ["greeting", "0", "0.0"]);
        assert!(verdict(&outcomes).ends_with("The aim is 3.0 or less in any: 1 of 2 changes are above it."));
    }
}
