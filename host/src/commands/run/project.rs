//! Which folder of the host a script sees as its project, and which it never sees.
//!
//! Invariant: nobody gets to see a home folder, the root or the host's own folders by where a script happens to lie: then it
//! sees itself alone. A folder that the user names is taken as named, or refused.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context, Result, bail};
use files::{Folders, Mount, OWN_FOLDER_MARK, Project, SCRIPT_PATH, own_folder_around};

use crate::commands::FOLDERS_HEADING;

/// What the user says of the project folder.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct ProjectArgs {
    /// The folder that the scripts see as theirs, at /script, where it is not the one they lie in
    #[arg(long = "project", value_name = "DIR", help_heading = FOLDERS_HEADING)]
    folder: Option<PathBuf>,
    /// Lets the scripts work in their project folder itself: what they write by a relative path changes it
    #[arg(long = "write-project", help_heading = FOLDERS_HEADING)]
    write: bool,
}

/// A script's project.
#[derive(Clone, Debug)]
pub(super) struct ScriptProject {
    project: Project,
    /// Where the script sees itself.
    pub(super) script_path: String,
    /// What its user should know.
    pub(super) note: Option<String>,
}

/// Why a folder can be nobody's project.
enum Unfit {
    Root,
    Home,
    HoldsHome,
    HoldsOwn(PathBuf),
    InOwn(PathBuf),
    InSigned(PathBuf),
}

impl std::fmt::Display for Unfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unfit::Root => write!(f, "it is the root of the file system"),
            Unfit::Home => write!(f, "it is a home folder"),
            Unfit::HoldsHome => write!(f, "your home folder is in it"),
            Unfit::HoldsOwn(own) => write!(f, "tglhost keeps data in it, in {}", own.display()),
            Unfit::InOwn(own) => write!(f, "tglhost keeps its data in {}", own.display()),
            Unfit::InSigned(own) => {
                write!(
                    f,
                    "tglhost keeps its data in {}, as files there say ({OWN_FOLDER_MARK}, for one)",
                    own.display()
                )
            }
        }
    }
}

/// Finds scripts' projects. A folder is looked at once, however many scripts lie in it.
pub(super) struct Projects<'a> {
    args: &'a ProjectArgs,
    /// The host's own folders.
    private: &'a [PathBuf],
    homes: Vec<PathBuf>,
    /// Why folders can be nobody's project, of those that were looked at.
    unfit: HashMap<PathBuf, Option<Rc<Unfit>>>,
}

impl<'a> Projects<'a> {
    pub(super) fn new(args: &'a ProjectArgs, private: &'a [PathBuf]) -> Self {
        Self { args, private, homes: homes(), unfit: HashMap::new() }
    }

    /// The projects of the scripts at these paths, links in them followed.
    pub(super) fn find_all<'b>(mut self, scripts: impl Iterator<Item = &'b Path>) -> Result<Vec<ScriptProject>> {
        scripts.map(|script| self.find(script)).collect()
    }

    /// The project of the script at this path.
    pub(super) fn find(&mut self, script: &Path) -> Result<ScriptProject> {
        let args = self.args;
        let (Some(own), Some(name)) = (script.parent(), script.file_name().and_then(OsStr::to_str)) else {
            bail!("{} is no script's file", script.display());
        };
        let mut found = match &args.folder {
            Some(folder) => self.named(folder, script)?,
            None => match self.unfit(own) {
                None => ScriptProject {
                    project: Project::new(own),
                    script_path: format!("{SCRIPT_PATH}/{name}"),
                    note: None,
                },
                Some(why) if args.write => bail!(
                    "{name} cannot work in the folder it lies in ({}): {why}. Move it and its files into a folder of their own",
                    own.display()
                ),
                Some(why) => ScriptProject {
                    project: Project { only: Some(name.to_owned()), ..Project::new(own) },
                    script_path: format!("{SCRIPT_PATH}/{name}"),
                    note: Some(format!(
                        "{name} sees itself alone and no file beside it in {}: {why}. Move it and its files into a folder \
                         of their own, or name that with --project DIR.",
                        own.display()
                    )),
                },
            },
        };
        found.project.writable = args.write;
        Ok(found)
    }

    /// In a folder that the user names.
    fn named(&mut self, folder: &Path, script: &Path) -> Result<ScriptProject> {
        let shown = folder.display();
        let folder = folder.canonicalize().with_context(|| format!("{shown} cannot be the project folder"))?;
        if !folder.is_dir() {
            bail!("{shown} cannot be the project folder: it is no folder");
        }
        if let Some(why) = self.unfit(&folder) {
            bail!(
                "{shown} cannot be the project folder: {why}. Name a folder that holds the script and its files alone"
            );
        }
        let Some(rest) = script.strip_prefix(&folder).ok().and_then(Path::to_str) else {
            bail!("{shown} cannot be the project folder: {} is not in it", script.display());
        };
        if rest.split('/').any(|name| name.starts_with('.')) {
            bail!("{shown} cannot be the project folder: a script sees no dot-folders, and {rest} is in one");
        }
        Ok(ScriptProject { project: Project::new(&folder), script_path: format!("{SCRIPT_PATH}/{rest}"), note: None })
    }

    fn unfit(&mut self, folder: &Path) -> Option<Rc<Unfit>> {
        if let Some(known) = self.unfit.get(folder) {
            return known.clone();
        }
        let found = unfit(folder, &self.homes, self.private).map(Rc::new);
        self.unfit.insert(folder.to_owned(), found.clone());
        found
    }
}

impl ScriptProject {
    /// The folder that the script's modules lie in, if it sees any.
    pub(super) fn modules(&self) -> Option<&Path> {
        self.project.modules()
    }

    /// All the folders that the script is to see.
    pub(super) fn folders(
        &self,
        home: PathBuf,
        home_bytes_max: u64,
        mounts: &[Mount],
        private: Vec<PathBuf>,
    ) -> Folders {
        let project = Some(self.project.clone());
        Folders { project, home: Some(home), home_bytes_max, mounts: mounts.to_vec(), private }
    }
}

/// The first of tglhost's own folders that lies in this one.
pub(crate) fn own_folder_in(folder: &Path, private: &[PathBuf]) -> Option<PathBuf> {
    let real = |own: &PathBuf| own.canonicalize().unwrap_or_else(|_| own.clone());
    private.iter().map(real).find(|own| own.starts_with(folder))
}

fn unfit(folder: &Path, homes: &[PathBuf], private: &[PathBuf]) -> Option<Unfit> {
    if folder.parent().is_none() {
        return Some(Unfit::Root);
    }
    if homes.iter().any(|home| home == folder) {
        return Some(Unfit::Home);
    }
    if homes.first().is_some_and(|home| home.starts_with(folder)) {
        return Some(Unfit::HoldsHome);
    }
    if let Some(own) = own_folder_in(folder, private) {
        return Some(Unfit::HoldsOwn(own));
    }
    for own in private {
        let real = own.canonicalize().unwrap_or_else(|_| own.clone());
        if folder.starts_with(&real) {
            return Some(Unfit::InOwn(real));
        }
    }
    own_folder_around(folder).map(|own| Unfit::InSigned(own.to_owned()))
}

/// The home folders of this machine's users, this one's first.
fn homes() -> Vec<PathBuf> {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = users.lines().filter_map(|line| line.split(':').nth(5)).map(PathBuf::from);
    let real = |home: PathBuf| home.canonicalize().ok();
    std::env::home_dir().into_iter().chain(named).filter_map(real).filter(|home| home.parent().is_some()).collect()
}
