//! `tglhost backup` and `tglhost restore`: all that a host is, in one file, and a host again from it.
//!
//! Invariant: what is written is consistent whatever the host does meanwhile. An account's file is copied as of one moment,
//! then the folders of its scripts, then the embedded data centre: so what is later than an account's file is done again from
//! it, as after a crash, and nothing that it counts as done is missing.

mod archive;
mod steady;
mod unpack;

use std::fs::{self, File, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde_json::json;
use tempfile::{Builder, TempDir};

use crate::FAILED_CODE;
use crate::commands::serve::{DATA, HostArgs};
use crate::data_dir::{DataDir, remove_folder, script_homes};
use crate::misuse::misuse;
use crate::output::Output;
use crate::signals::asked_to_end;
use archive::Archive;

#[derive(clap::Args)]
pub(crate) struct BackupArgs {
    #[command(flatten)]
    host: HostArgs,
    /// The file to write, which must not be there yet. It holds the accounts' keys: whoever has it can act as them
    #[arg(long = "to", value_name = "FILE")]
    file: PathBuf,
}

#[derive(clap::Args)]
pub(crate) struct RestoreArgs {
    /// The host's folder, which must be new or empty
    #[arg(long = "host", value_name = "DIR")]
    folder: PathBuf,
    /// What `tglhost backup` has written
    #[arg(long = "from", value_name = "FILE")]
    file: PathBuf,
}

/// Writes a backup of a host, at work or not.
pub(crate) fn backup(args: &BackupArgs, data: Option<PathBuf>, output: &Output) -> Result<u8> {
    let shown = args.file.display();
    if args.file.exists() {
        return Err(misuse(format_args!("{shown} is there already: name another file")));
    }
    let folder = args.host.folder();
    if !folder.join(config::HOST_FILE).is_file() {
        return Err(misuse(format_args!("{} is no host's folder: it has no {}", folder.display(), config::HOST_FILE)));
    }
    let data = DataDir::existing(Some(args.host.data(data)))?;
    // Beside the file, where there is room for it.
    let staging = staging(&args.file, output)?;
    let unfinished = staging.path().join("backup");
    let mut archive = Archive::create(&unfinished, staging.path())?;
    pack_data(&mut archive, &data)?;
    // The file itself may be made in the host's folder.
    let own = [data.root().to_owned(), staging.path().canonicalize()?];
    archive.add_tree("", folder, &|path| path.canonicalize().is_ok_and(|path| own.contains(&path)))?;
    let files = archive.finish()?;
    renameat_with(CWD, &unfinished, CWD, &args.file, RenameFlags::NOREPLACE)
        .with_context(|| format!("cannot make {shown}"))?;
    let bytes = fs::metadata(&args.file)?.len();
    let text = format!("{files} files are in {shown}. It holds the accounts' keys: keep it as you keep them.");
    output.result(&json!({"kind": "backed_up", "files": files, "bytes": bytes}), &text);
    Ok(0)
}

/// The data, in the order that the invariant asks for.
fn pack_data(archive: &mut Archive, data: &DataDir) -> Result<()> {
    let accounts = data.account_folders()?;
    let name = |path: &Path| in_backup(data, path);
    for account in &accounts {
        archive.add_copy(&name(&account.join(store::DATABASE_FILE))?, |to| Ok(store::copy_to(account, to)?))?;
    }
    for account in &accounts {
        for home in script_homes(account)? {
            archive.add_steady(&name(&home)?, &home)?;
        }
    }
    let data_centre = data.data_centre();
    if let Some(database) = datacentre::database(&data_centre) {
        archive.add_copy(&name(&database)?, |to| Ok(datacentre::copy_to(&data_centre, to)?))?;
    }
    archive.add_tree(DATA, data.root(), &is_of_a_moment)
}

/// Where this part of the data lies in a backup.
fn in_backup(data: &DataDir, path: &Path) -> Result<String> {
    let inner = path.strip_prefix(data.root())?;
    archive::name(DATA, inner)
}

/// What means something to a process at work alone: locks, and the logs and the account files that copies were made of, or
/// that came after them.
fn is_of_a_moment(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let of_a_process = [".lock", "-wal", "-shm", "-journal"];
    name == store::DATABASE_FILE || of_a_process.iter().any(|suffix| name.ends_with(suffix))
}

/// Makes a host's folder from a backup.
pub(crate) fn restore(args: &RestoreArgs, output: &Output) -> Result<u8> {
    let shown = args.folder.display();
    let is_free = !args.folder.exists() || fs::read_dir(&args.folder).is_ok_and(|mut inner| inner.next().is_none());
    if !is_free {
        return Err(misuse(format_args!("{shown} is not empty, and nothing is overwritten: name a new folder")));
    }
    let staging = staging(&args.folder, output)?;
    let unfinished = staging.path().join("host");
    let files = unpack::unpack(&args.file, &unfinished)
        .with_context(|| format!("cannot restore from {}", args.file.display()))?;
    rustix::fs::syncfs(File::open(&unfinished)?)?;
    // An empty folder gives way, any other does not.
    fs::rename(&unfinished, &args.folder).with_context(|| format!("cannot make {shown}"))?;
    let text = format!(
        "{files} files are in {shown}. Start a host there only once the one that they come from is stopped for good: Telegram \
         cuts off both where two have the same keys."
    );
    output.result(&json!({"kind": "restored", "files": files}), &text);
    Ok(0)
}

/// A folder that only we can enter, beside what is made. It goes when dropped, and when an end is asked for: it has keys in it.
fn staging(beside: &Path, output: &Output) -> Result<TempDir> {
    let parent = beside.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let made = Builder::new().prefix(".tglhost-").permissions(Permissions::from_mode(0o700)).tempdir_in(parent);
    let made = made.with_context(|| format!("cannot write in {}", parent.display()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let asked_to_end = {
        let _inside = runtime.enter();
        asked_to_end(output)?
    };
    let (folder, output) = (made.path().to_owned(), output.clone());
    std::thread::spawn(move || {
        let code = runtime.block_on(asked_to_end);
        // What is made in it meanwhile would keep it from going.
        while remove_folder(&folder).is_err_and(|error| error.kind() == ErrorKind::DirectoryNotEmpty) {}
        output.failed(&anyhow!("it was ended before it was done: nothing was made"));
        output.finish();
        // It did not do what it was to, whatever it was ended by.
        std::process::exit(code.max(FAILED_CODE).into());
    });
    Ok(made)
}
