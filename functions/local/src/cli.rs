//! The command line.

use std::{
    num::NonZero,
    path::{Path, PathBuf},
};

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use memory::demo::{Locale, Plan};

use crate::zendesk::{doctor::DoctorArguments, import::ImportArguments, setup::ZendeskSetupArguments};

use crate::{
    backfill::{By, Span},
    input::{Assignment, Origin},
    metamorphic::Change,
    stack::teams,
};

/// Support-ticket triage on your laptop: no key, no account, no network; nothing is sent to anybody.
///
/// Without a command, takes the 30 bundled tickets through webhook, triage, alert and report, and writes a dashboard and
/// JSON logs to outputs/. Exit status: 0 done, 1 some rows were skipped or failed, 2 nothing ran.
#[derive(Parser, Debug)]
#[command(version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub run: RunArguments,
}

/// The arguments of this process; exits where they are wrong, or ask for help.
#[must_use]
pub fn parse() -> Cli {
    let matches = Cli::command().bin_name(program()).get_matches();
    Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

/// How whoever runs this calls it: cargo sets `CARGO` for what it runs.
#[must_use]
pub fn program() -> String {
    if std::env::var_os("CARGO").is_some() {
        return "cargo run --".to_owned();
    }
    let called = std::env::args_os().next().map(PathBuf::from);
    let name = called.as_deref().and_then(Path::file_name);
    name.map_or_else(|| env!("CARGO_PKG_NAME").to_owned(), |name| name.to_string_lossy().into_owned())
}

#[derive(Subcommand, Debug)]
pub enum Command {
    /// Take the tickets of a CSV through all functions (the default)
    Run(RunArguments),
    /// Compare what a run finds with the labels in a CSV
    Eval(EvalArguments),
    /// Read tickets under changes that must not change a label, such as a greeting, a disclaimer or typos, and count how
    /// often one does
    Metamorphic(MetamorphicArguments),
    /// Triage your own history on this machine and show what would have happened
    Backfill(BackfillArguments),
    /// Serve a real webhook endpoint and the live dashboard on localhost
    Serve(ServeArguments),
    /// Serve a Zendesk in memory on localhost, to try everything against
    DemoZendesk(DemoZendeskArguments),
    /// Print an event with a fresh id, timestamp and signature
    Sign(SignArguments),
    /// Erase tickets from an output folder: from every log, the e-mails and the dashboard
    Forget(ForgetArguments),
    /// Put all functions through days of bad weather in seconds: lost, doubled and late events, failing services, killed
    /// workers, agents in between; then look whether a promise was broken
    Simulate(SimulateArguments),
    /// Refit the embedded analyst on the training corpus and your own tickets (takes minutes; use --release)
    Train(TrainArguments),
    /// Connect a Zendesk: fields, groups, webhook, ids and secrets; or take it down again
    ZendeskSetup(ZendeskSetupArguments),
    /// Bring the articles of a Help Center into the knowledge base
    ImportKb(ImportArguments),
    /// Say whether a deployment could run on the files of a folder: policy.json, agents.json, knowledge_base/*.md. Exit
    /// status 1: a file has to be mended
    CheckConfig(CheckConfigArguments),
    /// Examine a Zendesk, and a stack on AWS: one line for each check, with its fix
    Doctor(DoctorArguments),
}

#[derive(Args, Clone, Debug)]
pub struct CheckConfigArguments {
    /// With the customer's files
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

/// What the columns of a file are, where their names do not tell.
#[derive(Args, Clone, Default, Debug)]
pub struct ColumnArguments {
    /// The column that holds a field, such as subject=Betreff; may be repeated. Fields: ticket_id, customer_name,
    /// requester, subject, description, channel, timestamp, mrr, and the labels
    #[arg(long, value_name = "FIELD=COLUMN")]
    pub map: Vec<Assignment>,
}

impl ColumnArguments {
    /// For a file, or the bundled tickets, labelled with the bundled teams.
    #[must_use]
    pub fn of<'a>(&'a self, path: Option<&'a Path>) -> Origin<'a> {
        Origin { path, map: &self.map, teams: teams() }
    }
}

#[derive(Args, Clone, Debug)]
pub struct RunArguments {
    /// Tickets, `-` for standard input, 256 MB at most: a CSV with ticket_id, customer_name, subject, description and
    /// perhaps channel, timestamp, mrr and labels; or an export of Zendesk, Freshdesk, Intercom, Jira, HubSpot and
    /// others, as CSV or JSON [default: the bundled 30 tickets]
    #[arg(long, value_name = "FILE.csv")]
    pub input: Option<PathBuf>,
    #[command(flatten)]
    pub columns: ColumnArguments,
    /// Folder for the dashboard and the logs; files of an earlier run are replaced
    #[arg(long, value_name = "DIR", default_value = "outputs")]
    pub output: PathBuf,
    /// Whose teams [default: the bundled agents.json]
    #[arg(long, value_name = "AGENTS.json")]
    pub agents: Option<PathBuf>,
    /// Decide and log alerts, but render no e-mail
    #[arg(long)]
    pub demo_mode: bool,
    /// Who reads the tickets [default: the variable ANALYST, else auto]
    #[arg(long, value_enum)]
    pub analyst: Option<AnalystChoice>,
    /// Open the dashboard in the browser when done
    #[arg(long)]
    pub open: bool,
}

#[derive(Args, Clone, Debug)]
pub struct EvalArguments {
    /// Labelled tickets as CSV: any of actual_priority, team, topic, sentiment, churn_risk, intent, language
    /// [default: the bundled 30 tickets]
    #[arg(long, value_name = "LABELLED.csv")]
    pub input: Option<PathBuf>,
    #[command(flatten)]
    pub columns: ColumnArguments,
    /// Folder for evaluation.json
    #[arg(long, value_name = "DIR", default_value = "outputs")]
    pub output: PathBuf,
    /// Whose teams [default: the bundled agents.json]
    #[arg(long, value_name = "AGENTS.json")]
    pub agents: Option<PathBuf>,
    /// Who reads the tickets [default: the variable ANALYST, else auto]
    #[arg(long, value_enum)]
    pub analyst: Option<AnalystChoice>,
    /// Instead of labels: whether the articles of these pairs answer their tickets, as JSON lines with language, subject,
    /// body, article, fits and why
    #[arg(long, value_name = "PAIRS.jsonl", conflicts_with_all = ["input", "compare", "analyst"])]
    pub answers: Option<PathBuf>,
    /// Run a second analyst on the same file and print both
    #[arg(long, value_enum)]
    pub compare: Option<AnalystChoice>,
    /// Fail if a score is below its minimum in this file: JSON pointers into evaluation.json, such as
    /// {"/priority/weighted_kappa": 0.8}
    #[arg(long, value_name = "FILE.json")]
    pub not_below: Option<PathBuf>,
}

#[derive(Args, Clone, Debug)]
pub struct MetamorphicArguments {
    /// Tickets as CSV. They need no labels; a column language says in which language a ticket is changed
    #[arg(long, value_name = "FILE.csv", default_value = "shared/data/corpus/exam.csv")]
    pub input: PathBuf,
    #[command(flatten)]
    pub columns: ColumnArguments,
    /// Read every N-th ticket alone: a sample in a part of the time
    #[arg(long, value_name = "N", default_value = "1")]
    pub every: NonZero<usize>,
    /// Make only this change; may be repeated
    #[arg(long, value_enum, value_name = "CHANGE")]
    pub only: Vec<Change>,
    /// Folder for metamorphic.json
    #[arg(long, value_name = "DIR", default_value = "outputs")]
    pub output: PathBuf,
    /// Fail if a label flips more often under a change than in this file
    #[arg(long, value_name = "FILE.json")]
    pub not_above: Option<PathBuf>,
    /// Write how often each label flips under each change, for --not-above
    #[arg(long, value_name = "FILE.json", conflicts_with = "only")]
    pub write: Option<PathBuf>,
}

#[derive(Args, Clone, Debug)]
pub struct BackfillArguments {
    /// The Zendesk to read, `acme` of `https://acme.zendesk.com`; credentials are in ZENDESK_CLIENT_ID and
    /// ZENDESK_CLIENT_SECRET
    #[arg(long, conflicts_with = "input")]
    pub subdomain: Option<String>,
    /// Tickets created in the last 90d, 12w or 36h
    #[arg(long, value_name = "SPAN", default_value = "90d")]
    pub since: Span,
    /// How Zendesk is asked
    #[arg(long, value_enum, default_value = "list")]
    pub by: By,
    /// Zendesk's own export as JSON lines, instead of a connection
    #[arg(long, value_name = "EXPORT.jsonl")]
    pub input: Option<PathBuf>,
    /// Whose teams, and the groups they are compared by [default: the bundled agents.json]
    #[arg(long, value_name = "AGENTS.json")]
    pub agents: Option<PathBuf>,
    /// Folder for backtest.html, backtest.json, the e-mails and the fetched tickets
    #[arg(long, value_name = "DIR", default_value = "outputs/backtest")]
    pub output: PathBuf,
    /// Who reads the tickets [default: the variable ANALYST, else auto]
    #[arg(long, value_enum)]
    pub analyst: Option<AnalystChoice>,
    /// Only so many, the newest
    #[arg(long, value_name = "N")]
    pub most: Option<usize>,
}

#[derive(Args, Clone, Debug)]
pub struct ServeArguments {
    /// Port on 127.0.0.1; 0 picks a free one
    #[arg(long, default_value_t = 8080)]
    pub port: u16,
    /// Tickets the helpdesk knows, for events that carry ids only [default: the bundled 30 tickets]
    #[arg(long, value_name = "FILE.csv")]
    pub input: Option<PathBuf>,
    #[command(flatten)]
    pub columns: ColumnArguments,
    /// Folder for the dashboard and the e-mails
    #[arg(long, value_name = "DIR", default_value = "outputs")]
    pub output: PathBuf,
    /// Whose teams [default: the bundled agents.json]
    #[arg(long, value_name = "AGENTS.json")]
    pub agents: Option<PathBuf>,
    /// Who reads the tickets [default: the variable ANALYST, else auto]
    #[arg(long, value_enum)]
    pub analyst: Option<AnalystChoice>,
}

#[derive(Args, Clone, Debug)]
pub struct DemoZendeskArguments {
    /// Port on 127.0.0.1; 0 picks a free one
    #[arg(long, default_value_t = 8081)]
    pub port: u16,
    /// Tickets it holds [default: the bundled 30 tickets]
    #[arg(long, value_name = "FILE.csv")]
    pub input: Option<PathBuf>,
    #[command(flatten)]
    pub columns: ColumnArguments,
    /// What goes wrong, and when; docs/formats.md describes the file
    #[arg(long, value_name = "FILE.json")]
    pub scenario: Option<PathBuf>,
    /// Send events to this address, signed with Zendesk's public test secret
    #[arg(long, value_name = "URL")]
    pub webhook: Option<String>,
    /// Whose rate limits apply: trial, team, growth, professional, enterprise, enterprise_plus or unlimited
    #[arg(long, default_value = "professional")]
    pub plan: Plan,
    /// The language of its refusals: en-US, pt-BR or de
    #[arg(long, default_value = "en-US")]
    pub locale: Locale,
    /// Begin with our custom fields in place, under the ids of the bundled policy.json
    #[arg(long)]
    pub set_up: bool,
}

#[derive(Args, Clone, Debug)]
pub struct SignArguments {
    /// An API Gateway event, such as events/ticket-created.json
    #[arg(value_name = "FILE.json")]
    pub event: PathBuf,
    /// Print a curl command that posts the event there, instead of the event
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = "http://localhost:8080/webhooks/zendesk")]
    pub curl: Option<String>,
    /// Keep the event's id, so that posting it again is a repeated delivery
    #[arg(long)]
    pub keep_id: bool,
}

#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = true)]
pub struct Forgotten {
    /// A ticket's number, or its id in the input of the run; may be repeated. `-` reads them from standard input, one per
    /// line
    #[arg(long, value_name = "N")]
    pub ticket: Vec<String>,
    /// The Zendesk user id of somebody without an organisation. Tickets of others have to be named: no file knows who
    /// wrote them
    #[arg(long, value_name = "ID")]
    pub requester: Option<String>,
    /// A customer, as the files name it: the id of its organisation, or its name in a CSV
    #[arg(long, value_name = "ID")]
    pub account: Option<String>,
}

#[derive(Args, Clone, Debug)]
pub struct ForgetArguments {
    #[command(flatten)]
    pub forgotten: Forgotten,
    /// The folder a run or `serve` wrote
    #[arg(long, value_name = "DIR", default_value = "outputs")]
    pub output: PathBuf,
    /// Whose teams the folder was written with [default: the bundled agents.json]
    #[arg(long, value_name = "AGENTS.json")]
    pub agents: Option<PathBuf>,
}

#[derive(Args, Clone, Debug)]
pub struct SimulateArguments {
    /// Tickets a seed
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..))]
    pub tickets: u32,
    /// The first seed; the same seed goes the same way
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How many seeds, one after the other
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub seeds: u64,
    /// What customers write, as CSV [default: the exam's texts in the working folder, else the bundled 30 tickets]
    #[arg(long, value_name = "FILE.csv")]
    pub input: Option<PathBuf>,
    #[command(flatten)]
    pub columns: ColumnArguments,
}

#[derive(Args, Clone, Debug)]
pub struct TrainArguments {
    /// Your own labelled tickets as CSV, added to the corpus: any of actual_priority, team, topic, sentiment, churn_risk,
    /// intent
    #[arg(long, value_name = "LABELLED.csv")]
    pub input: Option<PathBuf>,
    #[command(flatten)]
    pub columns: ColumnArguments,
    /// Folder of the training corpus: *.jsonl in tickets, sentences, topics, acts, noise, prose, kinds, languages and
    /// answers
    #[arg(long, value_name = "DIR", default_value = "shared/data/corpus/training")]
    pub corpus: PathBuf,
    /// Where to write the weights; the next build compiles them in
    #[arg(long, value_name = "FILE", default_value = "shared/data/models/model.bin")]
    pub output: PathBuf,
    /// Where to write the weights of the classifier of kinds
    #[arg(long, value_name = "FILE", default_value = "shared/data/models/kinds.bin")]
    pub kinds: PathBuf,
    /// Where to write the weights of the language detector
    #[arg(long, value_name = "FILE", default_value = "shared/data/models/languages.bin")]
    pub languages: PathBuf,
    /// Where to write what sentences of the trade are like, which teams' examples are compared with
    #[arg(long, value_name = "FILE", default_value = "shared/data/models/background.bin")]
    pub background: PathBuf,
    /// Where to write what tells whether an article answers a ticket
    #[arg(long, value_name = "FILE", default_value = "shared/data/models/gate.bin")]
    pub gate: PathBuf,
    /// Where to write what the sentences of the bundled articles mean
    #[arg(long, value_name = "FILE", default_value = "shared/data/models/knowledge.bin")]
    pub knowledge: PathBuf,
    /// Fit kinds, languages and background alone
    #[arg(long)]
    pub only_kinds: bool,
    /// Fit the heads alone, over what else this build has: for your own tickets
    #[arg(long, conflicts_with = "only_kinds")]
    pub only_heads: bool,
    /// Fit the gate for answers alone and encode the bundled articles, over what else this build has: two minutes. To be
    /// done after every change of an article or of kinds.bin
    #[arg(long, conflicts_with_all = ["only_kinds", "only_heads"])]
    pub only_gate: bool,
    /// Fit nothing: write what the heads would learn from, for infra/encoder/tune.py
    #[arg(long, value_name = "FILE", conflicts_with_all = ["only_kinds", "only_heads", "only_gate", "input"])]
    pub texts: Option<PathBuf>,
}

/// Who reads tickets.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum AnalystChoice {
    /// Claude if ANTHROPIC_API_KEY is set, else the embedded analyst
    Auto,
    /// Claude; the embedded analyst stands in when it fails
    Claude,
    /// The embedded analyst, on this machine
    Embedded,
    /// The embedded analyst; Claude where it is unsure or money is at stake
    Cascade,
}

impl AnalystChoice {
    /// As the variable `ANALYST` has it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Claude => "claude",
            Self::Embedded => "embedded",
            Self::Cascade => "cascade",
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_work_with_and_without_the_word_run() {
        for words in [&["x", "--demo-mode", "--input", "a.csv"][..], &["x", "run", "--demo-mode", "--input", "a.csv"]] {
            let cli = Cli::try_parse_from(words).unwrap();
            let arguments = match cli.command {
                None => cli.run,
                Some(Command::Run(arguments)) => arguments,
                Some(other) => panic!("{other:?}"),
            };
            assert!(arguments.demo_mode && arguments.input.is_some());
        }
    }

    #[test]
    fn teardown_needs_its_own_account_only() {
        let parse = |words: &[&str]| Cli::try_parse_from([&["x", "zendesk-setup"], words].concat());
        for words in
            [&["--subdomain", "acme", "--dry-run"][..], &["teardown", "--subdomain", "acme", "--fields", "delete"]]
        {
            assert!(matches!(parse(words).unwrap().command, Some(Command::ZendeskSetup(_))), "{words:?}");
        }
        assert!(parse(&["teardown"]).is_err());
    }
}
