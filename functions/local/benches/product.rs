//! What a ticket and a report cost. `cargo bench`.
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::{hint::black_box, time::Duration};

use analyst::knowledge::Question;
use criterion::{Criterion, criterion_group, criterion_main};
use domain::{Account, Language, Ticket, TicketContext, TicketState, decide, sample};
use llm::{
    injection,
    redaction::{Known, Redactor},
};
use local::{input, stack};

/// The bundled tickets as the analyst gets them.
fn tickets() -> Vec<(Ticket, Account)> {
    let input = input::read(None, |problem| panic!("{problem}")).unwrap();
    let ticket = |row: input::Row| {
        let account = Account { name: row.account.to_name(), mrr: row.mrr, ..sample::account() };
        let ticket = Ticket { subject: row.subject, description: row.description, ..sample::ticket(row.id.number()) };
        (ticket, account)
    };
    input.rows.into_iter().map(ticket).collect()
}

fn signature(criterion: &mut Criterion) {
    let secrets = ["current".into(), zendesk::signature::TEST_SECRET.into()];
    let body = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/ticket-created.json")).unwrap();
    let at = sample::now().to_string();
    let signed = zendesk::signature::sign(&zendesk::signature::TEST_SECRET.into(), &at, &body);
    criterion.bench_function("signature check, 2 secrets", |bench| {
        bench.iter(|| {
            zendesk::signature::verify(black_box(&secrets), Some(&signed), Some(&at), &body, sample::now()).unwrap();
        });
    });
}

fn decision(criterion: &mut Criterion) {
    let (ticket, account, state, policy) =
        (sample::ticket(1), sample::account(), TicketState::default(), sample::policy());
    let reading = sample::signals();
    criterion.bench_function("decide", |bench| {
        bench.iter(|| {
            let context = TicketContext { ticket: &ticket, account: &account, history: &[], state: &state };
            decide(black_box(context), &reading, &policy, sample::now())
        });
    });
}

fn analyst(criterion: &mut Criterion) {
    let analyst = stack::embedded_analyst(&sample::policy()).unwrap();
    let tickets = tickets();
    let mut next = tickets.iter().cycle();
    criterion.bench_function("embedded analyst, a ticket", |bench| {
        bench.iter(|| {
            let (ticket, account) = next.next().unwrap();
            analyst.read(black_box(ticket), account)
        });
    });
    let knowledge = analyst::KnowledgeBase::parse(data::knowledge_base()).unwrap();
    let mut next = tickets.iter().cycle();
    criterion.bench_function("retrieval over the knowledge base", |bench| {
        bench.iter(|| {
            let (ticket, _) = next.next().unwrap();
            let question = Question {
                subject: black_box(&ticket.subject),
                body: &ticket.description,
                language: Language::En,
                meaning: None,
            };
            knowledge.search(question, 3).len()
        });
    });
    let mut next = tickets.iter().cycle();
    criterion.bench_function("injection rules, a ticket", |bench| {
        bench.iter(|| {
            let (ticket, _) = next.next().unwrap();
            injection::suspected(black_box(ticket).texts())
        });
    });
    let mut next = tickets.iter().cycle();
    criterion.bench_function("redaction, a ticket", |bench| {
        bench.iter(|| {
            let (ticket, account) = next.next().unwrap();
            let known = Known { people: &["Anna Keller"], company: Some(&account.name) };
            let mut redactor = Redactor::new(known, ticket.texts());
            ticket.texts().map(|text| redactor.redact(black_box(text)).len()).sum::<usize>()
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().measurement_time(Duration::from_secs(3)).warm_up_time(Duration::from_secs(1));
    targets = signature, decision, analyst
}
criterion_main!(benches);
