//! Whether a deployment could run on a customer's files: what `cargo run -- check-config DIR` says before they are
//! uploaded.

use std::{
    fs,
    path::{Path, PathBuf},
};

use analyst::knowledge::Article;
use anyhow::{Context, ensure};
use runtime::config::{ConfigError, Defaults, Files};

use crate::{cli::CheckConfigArguments, exit::Ended, say};

/// Names everything that is wrong, on standard error.
///
/// # Errors
/// The folder cannot be read.
pub fn command(arguments: &CheckConfigArguments) -> anyhow::Result<Ended> {
    let articles = articles(&arguments.folder)?;
    let problems = problems(&arguments.folder, &articles);
    for problem in &problems {
        eprintln!("{problem}");
    }
    if problems.is_empty() {
        say::line(format!("policy.json, agents.json and {} articles can be used.", articles.len()));
        Ok(Ended::Well)
    } else {
        Ok(Ended::WithLosses)
    }
}

fn problems(folder: &Path, articles: &[PathBuf]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut text = |path: &Path| {
        fs::read_to_string(path).map_err(|error| problems.push(format!("{}: {error}", path.display()))).ok()
    };
    let files = text(&folder.join("policy.json")).zip(text(&folder.join("agents.json")));
    let playbooks = folder.join("playbooks.json");
    let playbooks = if playbooks.exists() { text(&playbooks) } else { None };
    let articles: Vec<(&PathBuf, String)> =
        articles.iter().filter_map(|path| text(path).map(|text| (path, text))).collect();
    if let Some((policy, agents)) = &files {
        let files = Files { policy, agents, playbooks: playbooks.as_deref() };
        if let Err(ConfigError(found)) = runtime::config::read(files, |_| None, &Defaults::laptop()) {
            problems.extend(found);
        }
    }
    for (path, text) in articles {
        if let Err(error) = Article::parse(&path.file_stem().unwrap_or_default().to_string_lossy(), &text) {
            problems.push(format!("{}: {error:#}", path.display()));
        }
    }
    problems
}

/// The Markdown files of the knowledge base in their order; none where there is no such folder.
fn articles(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    ensure!(folder.is_dir(), "{}: is no folder", folder.display());
    let folder = folder.join("knowledge_base");
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()).with_context(|| folder.display().to_string()));
    let mut paths = paths.collect::<Result<Vec<_>, _>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_files_can_be_used_and_mistakes_are_named_together() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        let examine = || problems(folder.path(), &articles(folder.path()).unwrap());
        assert_eq!(examine().len(), 2, "both files are missing");
        write("policy.json", data::POLICY);
        write("agents.json", data::AGENTS);
        fs::create_dir(folder.path().join("knowledge_base")).unwrap();
        for (name, text) in data::knowledge_base() {
            write(&format!("knowledge_base/{name}.md"), text);
        }
        assert_eq!(examine(), Vec::<String>::new());
        write("policy.json", &data::POLICY.replace("\"daily_cap\"", "\"daily_cup\""));
        write("agents.json", "[]");
        let nameless = data::PLAYBOOKS.replace("\"id\": \"competitor\"", "\"id\": \"A competitor\"");
        write("playbooks.json", &nameless);
        write("knowledge_base/none.md", "no front matter");
        write("knowledge_base/notes.txt", "not an article");
        let found = examine().join("\n");
        for part in [
            "policy.json: alerts.daily_cup",
            "agents.json: no team has any topic",
            "playbooks.json: guardian[3].id: is not of a-z",
            "none.md: ",
        ] {
            assert!(found.contains(part), "{part} in {found}");
        }
        assert_eq!(examine().len(), 4, "{found}");
    }
}
