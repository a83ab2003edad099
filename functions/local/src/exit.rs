//! How a command ended: 0 all done, 1 something was skipped or failed, 2 nothing could run.

use std::process::ExitCode;

/// A command that ran.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    Well,
    /// Some rows were skipped, or some tickets failed.
    WithLosses,
    /// It found something that must not stay so.
    Badly,
}

/// Says what went wrong and turns the outcome into an exit status.
pub fn code(outcome: anyhow::Result<Ended>) -> ExitCode {
    match outcome {
        Ok(Ended::Well) => ExitCode::SUCCESS,
        Ok(Ended::WithLosses) => ExitCode::from(1),
        Ok(Ended::Badly) => ExitCode::from(2),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}
