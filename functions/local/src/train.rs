//! `train`: refits the embedded analyst.

use anyhow::{Context, bail};
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};

use crate::{cli::TrainArguments, exit::Ended, say};

/// Fits all heads, prints how they did on held-out scenarios, writes the weights.
///
/// # Errors
/// A corpus that cannot be read or contradicts itself, named by file and line.
pub fn command(arguments: &TrainArguments) -> anyhow::Result<Ended> {
    let mut files: Vec<_> = std::fs::read_dir(&arguments.corpus)
        .with_context(|| format!("{} cannot be read", arguments.corpus.display()))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    let mut tickets = Vec::new();
    for path in files {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(&path).with_context(|| format!("{name} cannot be read"))?;
        tickets.extend(analysis::corpus::parse(&name, &text)?);
    }
    if tickets.is_empty() {
        bail!("{} holds no tickets: put JSON Lines files (*.jsonl) there", arguments.corpus.display());
    }
    say::line(format_args!("Fitting the heads on {} tickets …", tickets.len()));
    let trained = analysis::train::train(&tickets, |task| say::line(format_args!("  {}", <&str>::from(task))));

    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(["head", "accuracy", "macro-F1"]);
    for (task, confusion) in &trained.held_out {
        let name: &str = task.into();
        table.add_row([
            name.to_owned(),
            format!("{:.3}", confusion.accuracy()),
            format!("{:.3}", confusion.macro_f1()),
        ]);
    }
    say::line(format_args!("On scenarios held out, five folds:\n{table}"));
    let bytes = trained.model.to_bytes();
    let output = &arguments.output;
    std::fs::write(output, &bytes).with_context(|| format!("{} cannot be written", output.display()))?;
    let news = if bytes == data::MODEL {
        "the weights this build has"
    } else {
        "new; the next build takes in shared/data/model.bin"
    };
    say::line(format_args!("{}: {} bytes, {news}", output.display(), bytes.len()));
    Ok(Ended::Well)
}
