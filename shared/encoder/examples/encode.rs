//! Encodes texts, one JSON string a line, for `infra/encoder/oracle.py`.

use std::io::{BufRead, Write};

use encoder::Encoder;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let encoder = Encoder::new(data::ENCODER)?;
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let text: String = serde_json::from_str(&line?)?;
        let vector = encoder.encode(&[&text]).into_iter().next().map(|encoded| Vec::from(encoded.vector));
        serde_json::to_writer(&mut out, &serde_json::json!({ "pieces": encoder.pieces(&text), "vector": vector }))?;
        writeln!(out)?;
    }
    Ok(())
}
