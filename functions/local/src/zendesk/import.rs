//! `import-kb`: the articles of a Help Center as files of the knowledge base.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use analyst::{EmbeddedAnalyst, knowledge::Article};
use anyhow::{Context, bail, ensure};
use clap::Args;
use domain::{AccountId, FieldValues, Sender, TeamId, Ticket, TicketId, Version};
use jiff::Timestamp;
use zendesk::{
    Transport,
    articles::{self, HelpArticle, HelpCenter, Selection},
};

use super::{
    access::{self, Account},
    cloud::Cloud,
    place::{File, Place},
    setup::{PlaceArguments, Site},
};
use crate::{
    exit::Ended,
    say,
    stack::{self, Environment},
};

/// The folder of the articles, in a bucket or beside the other files.
const KNOWLEDGE_BASE: &str = "knowledge_base";
/// Begins the name of every file of ours.
const PREFIX: &str = "zendesk-";
/// The label of an article whose words may be sent automatically.
const FAQ: &str = "faq";

#[derive(Args, Clone, Debug)]
pub struct ImportArguments {
    #[command(flatten)]
    pub account: Account,
    /// Sections to take, by the number in their address [default: all]
    #[arg(long, value_name = "ID", num_args = 1..)]
    pub section: Vec<u64>,
    /// Locales to take, such as en-us fr [default: one for each language there are answers in]
    #[arg(long, value_name = "LOCALE", num_args = 1..)]
    pub locale: Vec<String>,
    /// Team that signs the answers of a section [default: the one the embedded analyst chooses for each article]
    #[arg(long, value_name = "SECTION=TEAM", num_args = 1..)]
    pub team: Vec<SectionTeam>,
    /// Folder of the knowledge base
    #[arg(long, value_name = "DIR", required_unless_present = "stack")]
    pub output: Option<PathBuf>,
    /// Stack on AWS: the articles go into its config bucket, with your AWS command line
    #[arg(long, value_name = "NAME", conflicts_with = "output")]
    pub stack: Option<String>,
    /// Say what would be written and removed, and do neither
    #[arg(long)]
    pub dry_run: bool,
}

/// `360001=nexus`
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SectionTeam {
    section: u64,
    team: TeamId,
}

impl FromStr for SectionTeam {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (section, team) = text.split_once('=').ok_or("is not SECTION=TEAM, such as 360001=nexus")?;
        let section = section.trim().parse().map_err(|_| "the section is not a number".to_owned())?;
        let team = TeamId::try_from(team.trim().to_owned()).map_err(|error| format!("the team {error}"))?;
        Ok(Self { section, team })
    }
}

/// Where articles are kept.
trait Shelf {
    /// Every article file by name, without folder.
    fn files(&self) -> anyhow::Result<BTreeMap<String, String>>;
    fn write(&self, name: &str, text: &str) -> anyhow::Result<()>;
    fn remove(&self, name: &str) -> anyhow::Result<()>;
}

/// What happens to each file.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
struct Changes {
    /// Name and text.
    write: BTreeMap<String, String>,
    remove: BTreeSet<String>,
    unchanged: usize,
    /// Of those to write.
    new: usize,
}

/// # Errors
/// Credentials that cannot be used, what Zendesk says, or a knowledge base that cannot be written.
pub async fn command(arguments: &ImportArguments, environment: &Environment) -> anyhow::Result<Ended> {
    let site = Site::open(&PlaceArguments { stack: arguments.stack.clone(), config: None })?;
    run(arguments, environment, &site, &arguments.account.transport()?).await
}

/// The import, whoever carries requests.
///
/// # Errors
/// As [`command`].
pub(super) async fn run(
    arguments: &ImportArguments,
    environment: &Environment,
    site: &Site,
    transport: &Arc<dyn Transport>,
) -> anyhow::Result<Ended> {
    let credentials = access::setup_credentials(environment)?;
    let client = access::setup_client(transport, &credentials);
    let selection = Selection { sections: arguments.section.clone(), locales: arguments.locale.clone() };
    let center = articles::fetch(&client, &selection).await?;
    for skipped in &center.skipped {
        eprintln!("skipped: {}: {}", skipped.what, skipped.why);
    }
    let teams = runtime::config::teams(&beside(arguments, site)?.text)?;
    let analyst = stack::embedded_analyst(&teams)?;
    match (&arguments.output, &site.deployment) {
        (Some(folder), _) => import(&center, &Folder(folder.clone()), &analyst, arguments)?,
        (None, Some(deployment)) => {
            let bucket = deployment.output("ConfigBucketName")?.to_owned();
            import(&center, &Bucket { cloud: site.cloud(), bucket }, &analyst, arguments)?;
        }
        (None, None) => bail!("name --output or --stack"),
    }
    Ok(Ended::Well)
}

/// The `agents.json` that goes with the articles: the deployment's, or the one in the folder that theirs is in.
fn beside(arguments: &ImportArguments, site: &Site) -> anyhow::Result<File> {
    match (&site.deployment, arguments.output.as_deref().and_then(Path::parent)) {
        (None, Some(folder)) => Place::Folder(folder.to_owned()).agents(),
        (Some(_), _) | (None, None) => site.place()?.agents(),
    }
}

fn import(
    center: &HelpCenter,
    shelf: &dyn Shelf,
    analyst: &EmbeddedAnalyst,
    arguments: &ImportArguments,
) -> anyhow::Result<()> {
    // A Help Center that is closed to these credentials looks empty.
    ensure!(!center.articles.is_empty(), "no article was found; nothing is written or removed");
    let teams: BTreeMap<u64, TeamId> =
        arguments.team.iter().map(|choice| (choice.section, choice.team.clone())).collect();
    let present = shelf.files()?;
    let changes = changes(&center.articles, &present, |article| {
        teams.get(&article.section).cloned().unwrap_or_else(|| team(analyst, article))
    })?;
    let Changes { write, remove, unchanged, new } = &changes;
    let languages: BTreeSet<&str> = center.articles.iter().map(|article| article.language.into()).collect();
    if !arguments.dry_run {
        for (name, text) in write {
            shelf.write(name, text)?;
        }
        for name in remove {
            shelf.remove(name)?;
        }
    }
    for name in write.keys() {
        say::line(format_args!("{:<10} {name}", if present.contains_key(name) { "updated" } else { "new" }));
    }
    for name in remove {
        say::line(format_args!("{:<10} {name}", "removed"));
    }
    say::line(format_args!(
        "{} articles in {}: {new} new, {} updated, {unchanged} unchanged, {} removed, {} skipped{}",
        center.articles.len(),
        languages.into_iter().collect::<Vec<_>>().join(", "),
        write.len() - new,
        remove.len(),
        center.skipped.len(),
        if arguments.dry_run { " (dry run: nothing was written)" } else { "" },
    ));
    Ok(())
}

/// Compares what is there with what should be. Only files of ours are ever removed.
fn changes(
    articles: &[HelpArticle],
    present: &BTreeMap<String, String>,
    team: impl Fn(&HelpArticle) -> TeamId,
) -> anyhow::Result<Changes> {
    let mut changes = Changes::default();
    let mut names = BTreeSet::new();
    for article in articles {
        let name = format!("{PREFIX}{}-{}.md", article.id, article.locale);
        let before = present.get(&name);
        let kept = before.and_then(|text| Article::parse(&name, text).ok());
        let text = file(article, kept.as_ref(), &team);
        Article::parse(&name, &text).context("an article that was just written")?;
        if before == Some(&text) {
            changes.unchanged += 1;
        } else {
            changes.new += usize::from(before.is_none());
            changes.write.insert(name.clone(), text);
        }
        names.insert(name);
    }
    changes.remove = present
        .iter()
        .filter(|(name, text)| !names.contains(*name) && is_ours(name, text))
        .map(|(name, _)| name.clone())
        .collect();
    Ok(changes)
}

/// A file that an import wrote: by its name, and by what its front matter says.
fn is_ours(name: &str, text: &str) -> bool {
    let Some(rest) = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(".md")) else { return false };
    let id = rest.split('-').next().unwrap_or_default();
    Article::parse(name, text).is_ok_and(|article| article.family == format!("{PREFIX}{id}"))
}

/// The article as a file. What people chose about it (team, topic, whether it is an FAQ, questions) stays as they chose.
fn file(article: &HelpArticle, kept: Option<&Article>, team: impl Fn(&HelpArticle) -> TeamId) -> String {
    let topic = if article.topic.is_empty() { "help center" } else { &article.topic };
    let (topic, agent, faq) = match kept {
        Some(kept) => (kept.topic.clone(), kept.agent.clone(), kept.faq),
        None => (topic.to_owned(), team(article), article.labels.iter().any(|label| label == FAQ)),
    };
    let questions: Vec<String> = match kept {
        Some(kept) => kept.questions().to_vec(),
        None => asked(article),
    };
    let questions: String = questions.iter().map(|question| format!("  {},\n", quoted(question))).collect();
    let language: &str = article.language.into();
    let details = if article.text.details.is_empty() { String::new() } else { format!("\n{}\n", article.text.details) };
    format!(
        "+++\ntitle = {}\ntopic = {}\nagent = {}\nfaq = {faq}\nlanguage = {}\narticle = {}\nsource = {}\nquestions = [\n{questions}]\n\
         +++\n\n{}\n{details}",
        quoted(&article.title),
        quoted(&topic),
        quoted(agent.as_str()),
        quoted(language),
        quoted(&format!("{PREFIX}{}", article.id)),
        quoted(&article.url),
        article.text.answer,
    )
}

/// Headings that are questions.
fn asked(article: &HelpArticle) -> Vec<String> {
    let headings = article.text.details.lines().filter_map(|line| line.strip_prefix('#'));
    let headings = headings.map(|line| line.trim_start_matches('#').trim());
    headings.filter(|heading| heading.ends_with('?')).map(str::to_owned).collect()
}

/// As a basic string of TOML, which has JSON's escapes and forbids control characters.
fn quoted(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    serde_json::to_string(&text).unwrap_or_default()
}

/// Whom the embedded analyst would give a ticket with these words.
fn team(analyst: &EmbeddedAnalyst, article: &HelpArticle) -> TeamId {
    let ticket = Ticket {
        id: TicketId::new(1).expect("a number"),
        version: Version(1),
        subject: article.title.as_str().into(),
        description: article.text.answer.as_str().into(),
        follow_ups: Vec::new(),
        channel: "web".into(),
        account: AccountId::try_from("nobody".to_owned()).expect("a name"),
        requester_name: None,
        requester_phone: None,
        sender: Sender::Customer,
        opened_privately: false,
        touched: false,
        created_at: Timestamp::UNIX_EPOCH,
        updated_stamp: "".into(),
        values: FieldValues::default(),
        tags: [].into(),
    };
    analyst.read(&analyst.listen(&ticket, &|| true)).agent.value
}

/// A folder of this machine.
struct Folder(PathBuf);

impl Shelf for Folder {
    fn files(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let shown = self.0.display();
        let entries = match std::fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(error) => return Err(error).with_context(|| format!("{shown} cannot be read")),
        };
        let mut files = BTreeMap::new();
        for entry in entries {
            let path = entry.with_context(|| format!("{shown} cannot be read"))?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            if let Some(name) = name.filter(|name| name.starts_with(PREFIX) && name.ends_with(".md")) {
                let text =
                    std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
                files.insert(name.to_owned(), text);
            }
        }
        Ok(files)
    }

    fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        std::fs::create_dir_all(&self.0).with_context(|| format!("{} cannot be made", self.0.display()))?;
        let path = self.0.join(name);
        std::fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))
    }

    fn remove(&self, name: &str) -> anyhow::Result<()> {
        let path: &Path = &self.0.join(name);
        std::fs::remove_file(path).with_context(|| format!("{} cannot be removed", path.display()))
    }
}

/// The config bucket of a stack.
struct Bucket<'a> {
    cloud: &'a dyn Cloud,
    bucket: String,
}

impl Bucket<'_> {
    fn key(name: &str) -> String {
        format!("{KNOWLEDGE_BASE}/{name}")
    }
}

impl Shelf for Bucket<'_> {
    fn files(&self) -> anyhow::Result<BTreeMap<String, String>> {
        // The command line follows the pages by itself.
        let input = serde_json::json!({ "Bucket": self.bucket, "Prefix": Self::key(PREFIX) });
        let answer = self.cloud.call("s3api", "list-objects-v2", &input)?;
        let objects = answer.get("Contents").and_then(serde_json::Value::as_array).into_iter().flatten();
        let mut files = BTreeMap::new();
        for key in objects.filter_map(|object| object.get("Key")?.as_str()) {
            if let (Some((_, name)), Some(text)) = (key.split_once('/'), self.cloud.object(&self.bucket, key)?) {
                files.insert(name.to_owned(), text);
            }
        }
        Ok(files)
    }

    fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        Ok(self.cloud.put_object(&self.bucket, &Self::key(name), text)?)
    }

    fn remove(&self, name: &str) -> anyhow::Result<()> {
        let input = serde_json::json!({ "Bucket": self.bucket, "Key": Self::key(name) });
        self.cloud.call("s3api", "delete-object", &input)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use domain::Language;
    use zendesk::articles::Text;

    use super::*;

    fn article(id: u64, language: Language) -> HelpArticle {
        HelpArticle {
            id,
            locale: <&str>::from(language).to_owned(),
            language,
            title: r#"How "do" I \ rotate?"#.to_owned(),
            section: 7,
            topic: "Security".to_owned(),
            url: "https://acme.zendesk.com/hc/en-us/articles/1".to_owned(),
            labels: vec!["faq".to_owned()],
            text: Text { answer: "Press Rotate.".to_owned(), details: "## Why does it ask?\n\nx".to_owned() },
        }
    }

    fn nexus(_: &HelpArticle) -> TeamId {
        TeamId::try_from("nexus".to_owned()).unwrap()
    }

    fn files(changes: &Changes) -> BTreeMap<String, String> {
        changes.write.clone()
    }

    #[test]
    fn an_imported_article_is_an_article() {
        let first = changes(&[article(1, Language::En), article(1, Language::Fr)], &BTreeMap::new(), nexus).unwrap();
        assert_eq!((first.new, first.write.len()), (2, 2));
        let parsed: Vec<Article> = first.write.iter().map(|(name, text)| Article::parse(name, text).unwrap()).collect();
        assert_eq!(parsed[0].title, r#"How "do" I \ rotate?"#);
        assert_eq!(
            (parsed[0].answer.as_str(), parsed[0].questions()),
            ("Press Rotate.", &["Why does it ask?".to_owned()][..])
        );
        assert_eq!((parsed[0].language, parsed[1].language), (Language::En, Language::Fr));
        assert!(parsed[0].family == parsed[1].family && parsed[0].faq);
    }

    #[test]
    fn a_second_import_changes_nothing() {
        let articles = [article(1, Language::En)];
        let present = files(&changes(&articles, &BTreeMap::new(), nexus).unwrap());
        let second = changes(&articles, &present, nexus).unwrap();
        assert_eq!(second, Changes { unchanged: 1, ..Changes::default() });
    }

    #[test]
    fn what_people_chose_stays() {
        let present = files(&changes(&[article(1, Language::En)], &BTreeMap::new(), nexus).unwrap());
        let edited = |text: &String| {
            text.replace("faq = true", "faq = false")
                .replace("\"nexus\"", "\"cipher\"")
                .replace("Why does it ask?\",", "Mine?\",")
        };
        let present: BTreeMap<String, String> =
            present.iter().map(|(name, text)| (name.clone(), edited(text))).collect();
        let text = Text { answer: "Press it twice.".to_owned(), ..article(1, Language::En).text };
        let changes = changes(&[HelpArticle { text, ..article(1, Language::En) }], &present, nexus).unwrap();
        let (name, text) = changes.write.first_key_value().unwrap();
        let parsed = Article::parse(name, text).unwrap();
        assert_eq!(
            (parsed.faq, parsed.agent.as_str(), parsed.questions()),
            (false, "cipher", &["Mine?".to_owned()][..])
        );
        assert_eq!(parsed.answer, "Press it twice.");
    }

    #[test]
    fn only_our_own_files_go() {
        let mut present =
            files(&changes(&[article(1, Language::En), article(2, Language::En)], &BTreeMap::new(), nexus).unwrap());
        let theirs = "+++\ntitle='a'\ntopic='b'\nagent='nexus'\nfaq=true\nquestions=[]\n+++\nText.\n";
        present.insert("zendesk-3-en.md".to_owned(), theirs.to_owned());
        present.insert("zendesk-4-en.md".to_owned(), "broken".to_owned());
        present.insert("mine.md".to_owned(), theirs.to_owned());
        let changes = changes(&[article(1, Language::En)], &present, nexus).unwrap();
        assert_eq!(changes.remove.iter().collect::<Vec<_>>(), ["zendesk-2-en.md"]);
    }

    #[test]
    fn a_folder_is_brought_into_line() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Folder(folder.path().join("kb"));
        assert_eq!(shelf.files().unwrap(), BTreeMap::new());
        shelf.write("zendesk-1-en.md", "x").unwrap();
        shelf.write("mine.md", "y").unwrap();
        assert_eq!(shelf.files().unwrap().keys().collect::<Vec<_>>(), ["zendesk-1-en.md"]);
        shelf.remove("zendesk-1-en.md").unwrap();
        assert_eq!(shelf.files().unwrap(), BTreeMap::new());
    }

    #[test]
    fn a_section_is_given_a_team() {
        let choice: SectionTeam = "360001=nexus".parse().unwrap();
        assert_eq!((choice.section, choice.team.as_str()), (360_001, "nexus"));
        for bad in ["nexus", "x=nexus", "1=Not A Team"] {
            assert!(bad.parse::<SectionTeam>().is_err(), "{bad}");
        }
    }
}
