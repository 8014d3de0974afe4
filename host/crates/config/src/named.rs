//! What is granted by name: environment values, secrets and folders. A tenant's file says what each name means, a script which
//! names it asks for.
//!
//! Invariant: a script gets what both name, and of what it asks for without being given it one line each. A secret's text is
//! shown by nothing here but [`Secret::reveal`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use files::{MOUNTS_MAX, Mount, PLACE_VARIABLES, own_folder_around};
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::read::{SCRIPTS, is_variable, unfit_name};
use crate::regular;

/// Environment values, and secrets, that a tenant may be given, and that a script may ask for.
pub const NAMES_LISTED_MAX: usize = 64;
/// Length of a secret's file.
pub const SECRET_BYTES_MAX: u64 = 8 << 10;
/// Where systemd says that a service's credentials are: files that it keeps from others in its own way.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// A text that nobody is to see but the scripts that it is given to.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// The text itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// A folder of the machine.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FolderSection {
    /// Its place, from the root on. Scripts see it at `/NAME`.
    #[schemars(with = "PathBuf")]
    host: Spanned<PathBuf>,
    /// What they may do in it.
    #[serde(default)]
    access: Access,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Access {
    /// Read.
    #[default]
    Read,
    /// Read and write. What they write there has no quota.
    Write,
}

/// Faults, with the spans that they are about.
type Spans = Vec<(Range<usize>, String)>;

/// What a tenant is given.
#[derive(Debug, Default)]
pub(crate) struct Given {
    env: BTreeMap<String, String>,
    secrets: BTreeMap<String, Secret>,
    folders: BTreeMap<String, Mount>,
}

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    env: BTreeSet<String>,
    secrets: BTreeSet<String>,
    folders: BTreeSet<String>,
}

/// What a script gets, and what of it not.
#[derive(Debug, Default)]
pub(crate) struct Granted {
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) secrets: Vec<(String, Secret)>,
    pub(crate) folders: Vec<Mount>,
    /// What is asked for and not given, and how to give it.
    pub(crate) refused: Vec<String>,
}

impl Names {
    /// Environment values.
    pub fn env(&self) -> impl Iterator<Item = &str> {
        self.env.iter().map(String::as_str)
    }

    /// Secrets.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.secrets.iter().map(String::as_str)
    }

    /// Folders.
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        self.folders.iter().map(String::as_str)
    }

    pub(crate) fn read(
        env: &[Spanned<String>],
        secrets: &[Spanned<String>],
        folders: &[Spanned<String>],
        faults: &mut Spans,
    ) -> Self {
        let listed = |names: &[Spanned<String>], most: usize, faults: &mut Spans| {
            if let Some(beyond) = names.get(most) {
                faults.push((beyond.span(), format!("{} names are listed, of {most} at most", names.len())));
            }
            names.iter().map(|name| name.get_ref().clone()).collect()
        };
        env.iter().chain(secrets).for_each(|name| check_variable(name, faults));
        Self {
            env: listed(env, NAMES_LISTED_MAX, faults),
            secrets: listed(secrets, NAMES_LISTED_MAX, faults),
            folders: listed(folders, MOUNTS_MAX, faults),
        }
    }
}

impl Given {
    /// What these tables give. Paths of secrets go from the tenant's folder on; no folder holds one of the host's own.
    pub(crate) fn read(
        env: &BTreeMap<Spanned<String>, Spanned<String>>,
        secrets: &BTreeMap<Spanned<String>, Spanned<PathBuf>>,
        folders: &BTreeMap<Spanned<String>, FolderSection>,
        tenant_folder: &Path,
        own: &[PathBuf],
        faults: &mut Spans,
    ) -> Self {
        let mut given = Self::default();
        too_many(env.keys(), NAMES_LISTED_MAX, faults);
        too_many(secrets.keys(), NAMES_LISTED_MAX, faults);
        for (name, value) in env {
            check_variable(name, faults);
            if value.get_ref().contains('\0') {
                faults.push((value.span(), "a variable holds no NUL character".to_owned()));
            }
            given.env.insert(name.get_ref().clone(), value.get_ref().clone());
        }
        for (name, path) in secrets {
            check_variable(name, faults);
            if given.env.contains_key(name.get_ref()) {
                faults.push((name.span(), format!("{} is given in `env` too: take it away there", name.get_ref())));
            }
            match secret_in(&tenant_folder.join(path.get_ref()), &tenant_folder.join(SCRIPTS)) {
                Ok(secret) => drop(given.secrets.insert(name.get_ref().clone(), secret)),
                Err(what) => faults.push((path.span(), what)),
            }
        }
        for (name, section) in folders {
            match mount(name.get_ref(), section, tenant_folder, own) {
                Ok(mount) => drop(given.folders.insert(name.get_ref().clone(), mount)),
                Err(what) => faults.push((section.host.span(), what)),
            }
        }
        given
    }

    /// Tells names in what one script may have that mean nothing here.
    pub(crate) fn check(
        &self,
        env: &[Spanned<String>],
        secrets: &[Spanned<String>],
        folders: &[Spanned<String>],
        faults: &mut Spans,
    ) {
        for name in env.iter().filter(|name| !self.env.contains_key(name.get_ref())) {
            faults.push((name.span(), not_given("environment value", name, "env", self.env.keys())));
        }
        for name in secrets.iter().filter(|name| !self.secrets.contains_key(name.get_ref())) {
            faults.push((name.span(), not_given("secret", name, "secrets", self.secrets.keys())));
        }
        for name in folders.iter().filter(|name| !self.folders.contains_key(name.get_ref())) {
            faults.push((name.span(), not_given("folder", name, "folders", self.folders.keys())));
        }
    }

    /// Whether there is a secret of this name.
    pub(crate) fn has_secret(&self, name: &str) -> bool {
        self.secrets.contains_key(name)
    }

    /// What a script gets of it that asks for these, where no more than `own` may be given to it.
    pub(crate) fn granted(&self, asked: &Names, own: Option<&Names>) -> Granted {
        let mut refused = Vec::new();
        let env = both(&self.env, &asked.env, own.map(|own| &own.env), |name| {
            refused.push(how_to_give("environment value", name, "env", "a value"));
        });
        let secrets = both(&self.secrets, &asked.secrets, own.map(|own| &own.secrets), |name| {
            refused.push(how_to_give("secret", name, "secrets", "a file"));
        });
        let folders = both(&self.folders, &asked.folders, own.map(|own| &own.folders), |name| {
            refused.push(how_to_give("folder", name, "folders", "a folder of the machine"));
        });
        Granted {
            env: env.into_iter().collect(),
            secrets,
            folders: folders.into_iter().map(|(_, mount)| mount).collect(),
            refused,
        }
    }
}

/// What is given of what is asked for, in the names' order.
fn both<T: Clone>(
    given: &BTreeMap<String, T>,
    asked: &BTreeSet<String>,
    own: Option<&BTreeSet<String>>,
    mut refuse: impl FnMut(&str),
) -> Vec<(String, T)> {
    let get = |name: &String| {
        let value = given.get(name).filter(|_| own.is_none_or(|own| own.contains(name)));
        if value.is_none() {
            refuse(name);
        }
        Some((name.clone(), value?.clone()))
    };
    asked.iter().filter_map(get).collect()
}

fn how_to_give(what: &str, name: &str, key: &str, given_by: &str) -> String {
    format!(
        "the {what} {name:?} is not granted to this script: give it {given_by} in [grants.{key}] in its tenant's file, and name \
         it in `grants.{key}` of the script's own section there if that has grants"
    )
}

fn not_given<'a>(what: &str, name: &Spanned<String>, key: &str, given: impl Iterator<Item = &'a String>) -> String {
    let given: Vec<_> = given.collect();
    format!(
        "this tenant is given no {what} {:?}: give it in [grants.{key}], or take the name away; given are {given:?}",
        name.get_ref()
    )
}

/// Tells a name that no variable has, or one that every script finds its places by.
pub(crate) fn check_variable(name: &Spanned<String>, faults: &mut Spans) {
    if !is_variable(name.get_ref()) {
        let what = "a variable's name has letters, digits and _ only, and begins with no digit";
        faults.push((name.span(), what.to_owned()));
    } else if PLACE_VARIABLES.contains(&&**name.get_ref()) {
        let what = format!(
            "every script has {} already, and finds a folder of its own by it: choose another name",
            name.get_ref()
        );
        faults.push((name.span(), what));
    }
}

fn too_many<'a>(mut names: impl ExactSizeIterator<Item = &'a Spanned<String>>, most: usize, faults: &mut Spans) {
    let count = names.len();
    if let Some(beyond) = names.nth(most) {
        faults.push((beyond.span(), format!("{count} names are given, of {most} at most")));
    }
}

/// The text of a file that its owner alone may read, without the end of its last line.
fn secret_in(path: &Path, scripts: &Path) -> Result<Secret, String> {
    let shown = path.display();
    let real = |path: &Path| path.canonicalize().ok();
    if real(path).zip(real(scripts)).is_some_and(|(path, scripts)| path.starts_with(scripts)) {
        return Err(format!(
            "{shown} lies where scripts see it that do not ask for it: keep it out of the folder {SCRIPTS}"
        ));
    }
    let read = || {
        let file = regular::open(path)?;
        let mode = file.metadata()?.mode();
        if mode & 0o077 != 0 && !is_credential(path) {
            return Err(io::Error::other(format!(
                "others than its owner may open it (its mode is {:o}): chmod 600 {shown}",
                mode & 0o777
            )));
        }
        let mut bytes = Vec::new();
        file.take(SECRET_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => format!("there is no file {shown}: write the secret into it"),
        _ => format!("the secret in {shown} cannot be read: {error}"),
    })?;
    if bytes.len() as u64 > SECRET_BYTES_MAX {
        return Err(format!("{shown} has more than {SECRET_BYTES_MAX} bytes"));
    }
    let text = String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
    let text = text.ok_or_else(|| format!("{shown} holds no text: a secret is UTF-8 without NUL characters"))?;
    let text = text.strip_suffix('\n').map_or(&*text, |line| line.strip_suffix('\r').unwrap_or(line));
    if text.is_empty() {
        return Err(format!("{shown} is empty: write the secret into it"));
    }
    Ok(Secret(text.into()))
}

/// Whether it is one of the credentials that systemd keeps for this service.
fn is_credential(path: &Path) -> bool {
    let folder = std::env::var_os(CREDENTIALS).and_then(|folder| PathBuf::from(folder).canonicalize().ok());
    folder.is_some_and(|folder| path.canonicalize().is_ok_and(|path| path.parent() == Some(&folder)))
}

fn mount(name: &str, section: &FolderSection, tenant_folder: &Path, own: &[PathBuf]) -> Result<Mount, String> {
    if let Some(what) = unfit_name(name) {
        return Err(what);
    }
    let host = section.host.get_ref();
    if !host.is_absolute() || host.components().any(|part| part == Component::ParentDir) {
        return Err(format!("{} is no place of a folder: name it from the root on, without `..`", host.display()));
    }
    let access = if section.access == Access::Write { ":rw" } else { "" };
    let mount = format!("{}:/{name}{access}", host.display()).parse::<Mount>().map_err(|error| error.to_string())?;
    if let Some(own) = own_folder_around(&mount.host) {
        return Err(format!(
            "{} is tglhost's own, by what is in {}, and no script sees it: give a copy of what is needed",
            host.display(),
            own.display()
        ));
    }
    if tenant_folder.canonicalize().is_ok_and(|own| own.starts_with(&mount.host)) {
        return Err(format!(
            "this host's own folder is in {}, and no script comes near that: give a folder that does not hold it",
            host.display()
        ));
    }
    let real = |own: &PathBuf| own.canonicalize().or_else(|_| std::path::absolute(own)).unwrap_or_else(|_| own.clone());
    if let Some(own) = own.iter().map(real).find(|own| own.starts_with(&mount.host) || mount.host.starts_with(own)) {
        return Err(format!(
            "tglhost keeps what is its own in {}, and no script comes near that: give a folder beside it, not {}",
            own.display(),
            host.display()
        ));
    }
    Ok(mount)
}
