//! Every kind of trouble of a real inbox, as far as one reading and one decision go. `infra/inbox.py` tries the whole
//! product on the same files.

use std::{collections::BTreeMap, path::Path};

use domain::{Kind, Resolution, Ticket, TicketContext, TicketState, decide, sample};
use serde::Deserialize;
use strum::IntoEnumIterator;

/// The columns that matter here.
#[derive(Deserialize)]
struct Row {
    ticket_id: String,
    subject: String,
    description: String,
    kind: Kind,
}

/// How the tickets of one right kind fared.
#[derive(Clone, Copy, Default)]
struct Tally {
    all: u32,
    right: u32,
    answered: u32,
}

/// Of 100 tickets of the kind, how many are at least found to be of it. Missing one of the last two costs most; a lawyer's
/// notice of leaving may be taken for his client's own.
fn at_least(kind: Kind) -> u32 {
    match kind {
        Kind::Request => 95,
        Kind::Thanks => 85,
        Kind::Automatic | Kind::Solicitation | Kind::SecurityReport => 75,
        Kind::Phishing | Kind::LegalLetter | Kind::MachineAlert => 70,
        Kind::Empty => 80,
        Kind::DataRequest | Kind::PersonInDanger => 95,
    }
}

#[test]
fn a_real_inbox_is_told_apart() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/corpus/inbox");
    let analyst = local::stack::embedded_analyst(local::stack::teams()).unwrap();
    let (account, policy, state) = (sample::account(), sample::policy(), TicketState::default());
    let mut tallies: BTreeMap<Kind, Tally> = BTreeMap::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        // The files by kind; the others try what surrounds a text, and take a minute.
        if !path.file_name().unwrap().to_string_lossy().starts_with('k') {
            continue;
        }
        for row in csv::Reader::from_path(&path).unwrap().deserialize::<Row>() {
            let row = row.unwrap();
            let ticket =
                Ticket { subject: row.subject.into(), description: row.description.into(), ..sample::ticket(1) };
            let text = analyst.listen(&ticket, &|| true);
            let reading = analyst.read(&text);
            let draft = analyst.draft(&text, &ticket, &account, analyst::embedded::Labels::of(&reading));
            let reading = domain::Reading { draft, ..reading };
            let context =
                TicketContext { ticket: &ticket, account: &account, history: &[], earlier: &[], state: &state };
            let decision = decide(context, &reading, &policy, sample::now()).decision;
            let tally = tallies.entry(row.kind).or_default();
            tally.all += 1;
            tally.right += u32::from(decision.kind == row.kind);
            let answered = decision.resolution == Resolution::Answered;
            tally.answered += u32::from(answered);
            assert!(
                !answered || row.kind == Kind::Request,
                "{} #{}: a {} is answered in public",
                path.display(),
                row.ticket_id,
                row.kind
            );
        }
    }
    for kind in Kind::iter() {
        let Tally { all, right, answered } = tallies.get(&kind).copied().unwrap_or_default();
        println!("{kind}: {right} of {all} found, {answered} answered in public");
        assert!(all > 3 && right * 100 >= all * at_least(kind), "{kind}: {right} of {all}");
    }
}
