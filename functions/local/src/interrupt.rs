//! Ctrl-C and SIGTERM: the first requests an orderly shutdown, the second ends the process at once.

use std::process::exit;

use anyhow::Context;
use tokio::sync::watch;

/// What a shell reports of a command that Ctrl-C ended: 128 + 2.
const ENDED_AT_ONCE: i32 = 130;

/// Tells everyone who waits that shutdown was requested.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    /// Listens from now on.
    ///
    /// # Errors
    /// The system does not allow listening for signals.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let mut signals = Signals::new().context("cannot listen for Ctrl-C")?;
        let (tell, heard) = watch::channel(false);
        tokio::spawn(async move {
            signals.next().await;
            // Nobody may be waiting any more; the command is about to end then anyway.
            let _ = tell.send(true);
            signals.next().await;
            eprintln!("stopped at once; queued messages are lost");
            exit(ENDED_AT_ONCE);
        });
        Ok(Self(heard))
    }

    /// Returns once shutdown was requested.
    pub(crate) async fn heard(&mut self) {
        if self.0.wait_for(|asked| *asked).await.is_err() {
            // The listener is gone without having heard anything.
            std::future::pending::<()>().await;
        }
    }

    #[cfg(test)]
    pub(crate) fn by_hand() -> (watch::Sender<bool>, Self) {
        let (tell, heard) = watch::channel(false);
        (tell, Self(heard))
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
