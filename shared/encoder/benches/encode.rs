//! One ticket's sentences, and the first one ever.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use encoder::Encoder;

/// 150 words.
const TICKET: [&str; 10] = [
    "Hi team, since the update on Monday night our order sync with Shopify has been running two hours late every day.",
    "We noticed it first when the warehouse called because the morning wave held only twelve orders instead of ninety.",
    "We have restarted the connector twice, renewed the access token and checked the status page, without any change.",
    "As a workaround one of us exports the orders by hand at eight, noon and four and uploads them as a file.",
    "That works, but it costs us about three hours a day and we have already shipped two orders twice.",
    "The log shows a 429 on the orders endpoint every few minutes and then nothing until the next full hour.",
    "Could you please look at the queue on your side and tell us whether the limit was lowered?",
    "We also have the autumn sale on Friday and expect five times the usual volume, so by then it has to run.",
    "If it helps, I can send you the export of the last seven days and the request ids of the failed calls.",
    "Thanks for your help.",
];

fn bench(criterion: &mut Criterion) {
    let encoder = Encoder::new(data::ENCODER).expect("the bundled encoder is whole");
    criterion.bench_function("open", |bencher| bencher.iter(|| Encoder::new(black_box(data::ENCODER))));
    criterion.bench_function("ticket", |bencher| bencher.iter(|| encoder.encode_within(black_box(&TICKET), &|| true)));
    criterion.bench_function("pieces", |bencher| bencher.iter(|| TICKET.map(|text| encoder.pieces(black_box(text)))));
    criterion.bench_function("first", |bencher| {
        bencher.iter_with_setup(
            || Encoder::new(data::ENCODER).expect("whole"),
            |encoder| encoder.encode(black_box(&["Hello"])),
        );
    });
}

criterion_group!(benches, bench);
criterion_main!(benches);
