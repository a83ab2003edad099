//! Where the customer's files are: a folder, the config bucket of a deployment, or nowhere but in this program.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use anyhow::Context;

use super::cloud::Cloud;

/// One set of `policy.json`, `agents.json` and `knowledge_base/`.
pub(super) enum Place<'a> {
    /// The bundled files, which cannot be written.
    Bundled,
    Folder(PathBuf),
    Bucket {
        cloud: &'a dyn Cloud,
        bucket: String,
    },
}

/// One of the files.
pub(super) struct File {
    pub(super) text: String,
    /// It is not there yet, and this is the bundled one.
    pub(super) new: bool,
}

impl Place<'_> {
    pub(super) fn policy(&self) -> anyhow::Result<File> {
        self.file("policy.json", data::POLICY)
    }

    pub(super) fn agents(&self) -> anyhow::Result<File> {
        self.file("agents.json", data::AGENTS)
    }

    fn file(&self, name: &str, bundled: &str) -> anyhow::Result<File> {
        let found = match self {
            Self::Bundled => None,
            Self::Folder(folder) => read_if_there(&folder.join(name))?,
            Self::Bucket { cloud, bucket } => cloud.object(bucket, name)?,
        };
        let new = found.is_none();
        Ok(File { text: found.unwrap_or_else(|| bundled.to_owned()), new })
    }

    /// Says where it was written; none if there is no place to write to.
    pub(super) fn write(&self, name: &str, text: &str) -> anyhow::Result<Option<String>> {
        match self {
            Self::Bundled => return Ok(None),
            Self::Folder(folder) => {
                std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
                let path = folder.join(name);
                std::fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))?;
            }
            Self::Bucket { cloud, bucket } => cloud.put_object(bucket, name, text)?,
        }
        Ok(Some(format!("{self}/{name}")))
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bundled => f.write_str("the bundled files"),
            Self::Folder(folder) => folder.display().fmt(f),
            Self::Bucket { bucket, .. } => write!(f, "s3://{bucket}"),
        }
    }
}

fn read_if_there(path: &Path) -> anyhow::Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
    }
}
