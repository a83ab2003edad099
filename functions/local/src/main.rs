//! `cargo run`: see `--help`.

use std::process::ExitCode;

use local::{
    backfill, check_config,
    cli::{self, Command},
    demo_zendesk, eval, exit, forget, metamorphic, run, serve, sign, simulate, stack, train, zendesk,
};
use tokio::runtime::Handle;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = cli::parse();
    let outcome = match stack::Environment::read() {
        Ok(environment) => {
            // A simulation makes thousands of errors on purpose.
            let level = if matches!(cli.command, Some(Command::Simulate(_))) { "off" } else { "error" };
            runtime::logging::start(&environment.get("RUST_LOG").unwrap_or_else(|| level.to_owned()));
            match cli.command {
                None => run::command(&cli.run, &environment).await,
                Some(Command::Run(arguments)) => run::command(&arguments, &environment).await,
                Some(Command::Eval(arguments)) => eval::command(&arguments, &environment).await,
                Some(Command::Metamorphic(arguments)) => {
                    metamorphic::command(&arguments, &environment, &Handle::current())
                }
                Some(Command::Backfill(arguments)) => backfill::command(&arguments, &environment).await,
                Some(Command::Serve(arguments)) => serve::command(&arguments, &environment).await,
                Some(Command::DemoZendesk(arguments)) => demo_zendesk::command(&arguments).await,
                Some(Command::Sign(arguments)) => sign::command(&arguments, &environment),
                Some(Command::Forget(arguments)) => forget::command(&arguments, &environment).await,
                Some(Command::Simulate(arguments)) => simulate::command(&arguments),
                Some(Command::Train(arguments)) => train::command(&arguments),
                Some(Command::ZendeskSetup(arguments)) => zendesk::setup::command(&arguments, &environment).await,
                Some(Command::ImportKb(arguments)) => zendesk::import::command(&arguments, &environment).await,
                Some(Command::CheckConfig(arguments)) => check_config::command(&arguments),
                Some(Command::Doctor(arguments)) => zendesk::doctor::command(&arguments, &environment).await,
            }
        }
        Err(error) => Err(error),
    };
    exit::code(outcome)
}
