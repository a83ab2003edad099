//! `cargo run`: see `--help`.

use std::process::ExitCode;

use clap::Parser;
use local::{
    backfill,
    cli::{Cli, Command},
    eval, exit, forget, helpdesk, run, serve, sign, stack, train,
};

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match stack::Environment::read() {
        Ok(environment) => {
            runtime::logging::start(&environment.get("RUST_LOG").unwrap_or_else(|| "error".to_owned()));
            match cli.command {
                None => run::command(&cli.run, &environment).await,
                Some(Command::Run(arguments)) => run::command(&arguments, &environment).await,
                Some(Command::Eval(arguments)) => eval::command(&arguments, &environment).await,
                Some(Command::Backfill(arguments)) => backfill::command(&arguments, &environment).await,
                Some(Command::Serve(arguments)) => serve::command(&arguments, &environment).await,
                Some(Command::Helpdesk(arguments)) => helpdesk::command(&arguments).await,
                Some(Command::Sign(arguments)) => sign::command(&arguments, &environment),
                Some(Command::Forget(arguments)) => forget::command(&arguments, &environment).await,
                Some(Command::Train(arguments)) => train::command(&arguments),
            }
        }
        Err(error) => Err(error),
    };
    exit::code(outcome)
}
