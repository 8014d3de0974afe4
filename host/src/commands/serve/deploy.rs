//! A new version of a script, from whoever may bring one.
//!
//! Invariant: there is always a whole file in the script's place; where the new one cannot be run, it is the old one.

use std::fs;
use std::path::Path;

use anyhow::Context;

use super::handle::Handle;
use super::host::Host;
use super::refusal::Refusal;
use super::script::ScriptKey;
use crate::script_file::ScriptFile;

/// Puts this file in the place of the script's.
///
/// # Errors
/// Where it cannot be run, or not be written: then all is as it was.
pub(super) async fn put(handle: &Handle, key: ScriptKey, file: Vec<u8>) -> Result<(), Refusal> {
    handle.change(|host| Box::pin(async move { put_now(host, &key, file).await })).await
}

async fn put_now(host: &mut Host, key: &ScriptKey, file: Vec<u8>) -> Result<(), Refusal> {
    let path = host.script_path(key)?;
    let failed = |error: anyhow::Error| Refusal::failed(&error);
    let (new, old) = (beside(&path, "new"), beside(&path, "old"));
    let written = fs::write(&new, file).with_context(|| format!("cannot write {}", new.display()));
    written.map_err(failed)?;
    let fit = ScriptFile::read(&new).and_then(|file| file.unfit().map_or(Ok(()), Err));
    if let Err(why) = fit {
        let _ = fs::remove_file(&new);
        return Err(Refusal::Wrong(format!("it cannot be run: {}", why.root_cause())));
    }
    let is_first = !path.exists();
    let kept = if is_first { Ok(0) } else { fs::copy(&path, &old) };
    let swapped = kept.and_then(|_| fs::rename(&new, &path));
    swapped.with_context(|| format!("cannot write {}", path.display())).map_err(failed)?;
    let renewed = host.renew_script(key).await;
    let settled = match (renewed.is_ok(), is_first) {
        (true, true) => Ok(()),
        (true, false) => fs::remove_file(&old),
        (false, true) => fs::remove_file(&path),
        (false, false) => fs::rename(&old, &path),
    };
    settled.with_context(|| format!("cannot put {} in its place", path.display())).map_err(failed)?;
    renewed
}

/// A file beside the script's, of the same kind.
fn beside(path: &Path, what: &str) -> std::path::PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{what}-{name}"))
}
