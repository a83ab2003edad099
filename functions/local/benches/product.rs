//! What a ticket and a report cost. `cargo bench`.
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::{hint::black_box, time::Duration};

use analyst::{embedded::Labels, knowledge::Question};
use criterion::{Criterion, criterion_group, criterion_main};
use domain::{Account, Language, Ticket, TicketContext, TicketState, decide, sample};
use llm::{
    injection,
    redaction::{Known, Redactor},
};
use local::{input, stack};

/// The bundled tickets as the analyst gets them.
fn tickets() -> Vec<(Ticket, Account)> {
    let input = input::bundled();
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
            let context =
                TicketContext { ticket: &ticket, account: &account, history: &[], earlier: &[], state: &state };
            decide(black_box(context), &reading, &policy, sample::now())
        });
    });
}

fn analyst(criterion: &mut Criterion) {
    let analyst = stack::embedded_analyst(&sample::policy().teams).unwrap();
    let tickets = tickets();
    let mut next = tickets.iter().cycle();
    criterion.bench_function("embedded analyst, a ticket", |bench| {
        bench.iter(|| {
            let (ticket, account) = next.next().unwrap();
            let text = analyst.listen(black_box(ticket), &|| true);
            let reading = analyst.read(&text);
            analyst.draft(&text, ticket, account, Labels::of(&reading))
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

/// Texts as long as a comment of Zendesk can be, each made to cost the most.
fn hostile_texts() -> Vec<(&'static str, String)> {
    let repeated = |part: fn(usize) -> String| {
        let mut text = String::new();
        for part in (0..).map(part) {
            if text.len() >= 65_000 {
                break;
            }
            text.push_str(&part);
        }
        text
    };
    vec![
        ("placeholders and addresses", repeated(|n| format!("[IP_{n}] 10.1.{}.{} ", n / 256 % 256, n % 256))),
        ("e-mails", repeated(|n| format!("customer{n}@shop.example, "))),
        ("names", repeated(|n| format!("Anna Keller {n} "))),
        ("cards", repeated(|n| format!("4111 1111 1111 {n:04} "))),
        ("single digits", repeated(|_| "4 ".to_owned())),
        ("phones", repeated(|n| format!("tel +49 30 {n:07}; "))),
        ("IPv6", repeated(|n| format!("2001:db8::{:x} ", n % 65_536))),
        ("secrets", repeated(|n| format!("password: s3cret{n} "))),
        ("IBANs", repeated(|n| format!("DE{:02} 3704 0044 0532 0130 00 ", n % 100))),
        ("one word", "a".repeat(65_000)),
        ("letters with accents", "é è ü ".repeat(7_200)),
    ]
}

/// Without the limit that every reading has: what redaction itself makes of a whole text.
fn hostile_redaction(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("redaction, 65 kB of");
    group.sample_size(10);
    for (shape, text) in hostile_texts() {
        group.bench_function(shape, |bench| {
            bench.iter(|| {
                let known = Known { people: &["Anna Keller"], company: Some("Nordwind GmbH") };
                Redactor::new(known, [text.as_str()]).redact(black_box(&text)).len()
            });
        });
    }
    group.finish();
}

/// What a text of the greatest length costs the embedded analyst.
fn hostile_reading(criterion: &mut Criterion) {
    let analyst = stack::embedded_analyst(&sample::policy().teams).unwrap();
    let mut group = criterion.benchmark_group("embedded analyst, 65 kB of");
    group.sample_size(10);
    let blob: String = (0..65_000_u32).map(|n| char::from(b'A' + (n * n % 57) as u8)).collect();
    for (shape, text) in [
        ("sentences of one letter", "A.\n".repeat(21_000)),
        ("rare letters", "𓀀𓀁 ᚠᛇ ".repeat(4_000)),
        ("one word", blob),
        ("e-mails", (0..2_600).map(|n| format!("customer{n}@shop.example, ")).collect()),
    ] {
        let ticket = Ticket { description: text.into(), ..sample::ticket(1) };
        group.bench_function(shape, |bench| {
            bench.iter(|| analyst.read(&analyst.listen(black_box(&ticket), &|| true)));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().measurement_time(Duration::from_secs(3)).warm_up_time(Duration::from_secs(1));
    targets = signature, decision, analyst, hostile_redaction, hostile_reading
}
criterion_main!(benches);
