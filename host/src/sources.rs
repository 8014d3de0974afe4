//! What a script is made of on disk: its file and the modules that it may import from its project folder, by times and sizes,
//! and where links to folders of modules lead.
//!
//! Invariant: no file is read, and no more is looked at than [`FOLDERS_MAX`] folders and [`FILES_MAX`] files.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Folders of one project that are looked at; in further ones a change is not seen.
pub(crate) const FOLDERS_MAX: usize = 64;
/// Files of one project that are looked at.
const FILES_MAX: usize = 2_000;

/// As the files were at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sources {
    files: BTreeMap<PathBuf, About>,
    is_cut: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct About {
    modified: Option<SystemTime>,
    bytes: u64,
    /// Another file may have taken the name.
    number: u64,
}

impl Sources {
    /// A script's file and its modules.
    pub(crate) fn of_script(script: &Path, project: Option<&Path>, others: &BTreeSet<PathBuf>) -> Self {
        let mut sources = Self::of_modules(project, others);
        sources.add(script.to_owned(), Path::metadata);
        sources
    }

    /// The modules in this project folder, if there is one; these scripts are none.
    pub(crate) fn of_modules(project: Option<&Path>, scripts: &BTreeSet<PathBuf>) -> Self {
        let mut sources = Self::default();
        let mut folders: VecDeque<PathBuf> = project.map(Path::to_owned).into_iter().collect();
        let mut seen = folders.len();
        while let Some(folder) = folders.pop_front() {
            // One that cannot be listed has nothing for the script either.
            for entry in folder.read_dir().into_iter().flatten().flatten() {
                let path = entry.path();
                let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
                if is_hidden || scripts.contains(&path) {
                    continue;
                }
                let kind = entry.file_type().ok();
                if kind.is_some_and(|kind| kind.is_symlink()) && path.is_dir() {
                    // What it leads to, if the script sees that, is looked at where it lies.
                    sources.add(path, Path::symlink_metadata);
                } else if kind.is_some_and(|kind| kind.is_dir()) {
                    if seen == FOLDERS_MAX {
                        sources.is_cut = true;
                        continue;
                    }
                    seen += 1;
                    folders.push_back(path);
                } else if path.extension().is_some_and(|extension| extension == "py") {
                    sources.add(path, Path::metadata);
                }
            }
        }
        sources
    }

    /// Whether there is more than is looked at.
    pub(crate) fn are_cut(&self) -> bool {
        self.is_cut
    }

    fn add(&mut self, path: PathBuf, about: fn(&Path) -> io::Result<Metadata>) {
        if self.files.len() > FILES_MAX {
            self.is_cut = true;
        } else if let Ok(about) = about(&path) {
            self.files.insert(path, About::from(&about));
        }
    }
}

impl From<&Metadata> for About {
    fn from(about: &Metadata) -> Self {
        Self { modified: about.modified().ok(), bytes: about.len(), number: about.ino() }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_change_in_a_module_is_seen_and_nothing_else_and_no_more_than_so_much() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let write = |name: &str, text: &str| {
            fs::create_dir_all(at(name).parent().unwrap()).unwrap();
            fs::write(at(name), text).unwrap();
        };
        for name in ["bot.py", "other.py", "tools/inner.py", "data.txt", ".hidden/x.py"] {
            write(name, "x");
        }
        let others = BTreeSet::from([at("other.py")]);
        let look = || Sources::of_script(&at("bot.py"), Some(folder.path()), &others);
        let alone = || Sources::of_script(&at("bot.py"), None, &others);
        let (first, first_alone) = (look(), alone());
        let rows = [
            ("bot.py", true),
            ("tools/inner.py", true),
            ("other.py", false),
            ("data.txt", false),
            (".hidden/x.py", false),
        ];
        for (name, is_seen) in rows {
            write(name, "changed");
            assert_eq!((look() != first, alone() != first_alone), (is_seen, name == "bot.py"), "{name}");
            fs::write(at(name), "x").unwrap();
            let was = first.files.get(&at(name)).and_then(|about| about.modified);
            if let Some(was) = was {
                fs::File::options().append(true).open(at(name)).unwrap().set_modified(was).unwrap();
            }
            assert!(look() == first, "{name}");
        }
        fs::create_dir(at("tools-2")).unwrap();
        std::os::unix::fs::symlink("tools", at("linked")).unwrap();
        let linked = look();
        assert!(linked != first);
        fs::remove_file(at("linked")).unwrap();
        std::os::unix::fs::symlink("tools-2", at("linked")).unwrap();
        assert!(look() != linked, "it leads elsewhere");
        fs::remove_file(at("linked")).unwrap();
        fs::remove_file(at("tools/inner.py")).unwrap();
        assert!(look() != first && !look().are_cut());
        (0..FOLDERS_MAX).for_each(|number| write(&format!("many/{number}/x.py"), ""));
        assert!(look().are_cut() && look().files.len() <= FOLDERS_MAX);
    }
}
