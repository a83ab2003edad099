//! How far something has come that goes on with every run.

use async_trait::async_trait;

use crate::ports::PortError;

/// What was stored under a name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cursor {
    pub text: String,
    /// Rises by one with every write.
    pub revision: u64,
}

/// The answer to a write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moved {
    Written,
    /// Somebody else has written since it was read: nothing was changed.
    Overtaken,
}

/// Small texts by name, such as the place where a walk goes on.
///
/// - [`Cursors::set`] writes only over the revision that `read` says, none for a name never written; of any number of
///   concurrent writes over one revision, one is [`Moved::Written`]. Nobody goes back behind another.
/// - The same write again, whose first answer was lost, is [`Moved::Written`] again.
#[async_trait]
pub trait Cursors: Send + Sync {
    async fn get(&self, name: &str) -> Result<Option<Cursor>, PortError>;

    async fn set(&self, name: &str, text: &str, read: Option<u64>) -> Result<Moved, PortError>;
}
