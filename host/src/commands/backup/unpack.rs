//! A host's folder from a backup.
//!
//! Invariant: a backup is anybody's: nothing of it is made outside the new folder, links are made last so that nothing goes
//! through them, and what is not as its manifest says is refused as a whole.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, symlink};
use std::path::{Component, Path};

use anyhow::{Context, Result, bail, ensure};
use tar::{Entry, EntryType};
use zstd::Decoder;

use super::archive::{ENTRIES_MAX, FORMAT, Hashed, Kept, MANIFEST, Manifest, NAME_BYTES_MAX};

/// Longest manifest, in bytes.
const MANIFEST_BYTES_MAX: u64 = 256 << 20;

/// Makes the folder, and gives the number of its files.
pub(super) fn unpack(backup: &Path, folder: &Path) -> Result<usize> {
    let file = File::open(backup)?;
    let decoder = Decoder::new(file).context("it is no backup")?;
    make_folder(folder)?;
    let mut found = BTreeMap::new();
    let mut manifest: Option<Manifest> = None;
    let mut long_name = None;
    let mut archive = tar::Archive::new(decoder);
    // Raw, because what the archive says of names is kept within bounds here.
    for entry in archive.entries().context("it is no backup")?.raw(true) {
        let mut entry = entry.context("it is damaged, or not whole")?;
        ensure!(manifest.is_none(), "it goes on after its end");
        if entry.header().entry_type() == EntryType::GNULongName {
            long_name = Some(bounded(&mut entry, NAME_BYTES_MAX as u64 + 1)?);
            continue;
        }
        ensure!(entry.header().entry_type() == EntryType::Regular, "it holds something else than files");
        let name = long_name.take().unwrap_or_else(|| entry.path_bytes().into_owned());
        let name = String::from_utf8(name).context("a name in it is no text in UTF-8")?;
        let name = name.trim_end_matches('\0');
        if name == MANIFEST {
            manifest = Some(serde_json::from_slice(&bounded(&mut entry, MANIFEST_BYTES_MAX)?)?);
            continue;
        }
        ensure!(found.len() < ENTRIES_MAX, "it holds more than {ENTRIES_MAX} files");
        let kept = write(&mut entry, name, folder)?;
        found.insert(name.to_owned(), kept);
    }
    // What its checksum says is known once all of it is read.
    io::copy(&mut archive.into_inner(), &mut io::sink()).context("it is damaged, or not whole")?;
    let manifest = manifest.context("it is not whole: its end is missing")?;
    ensure!(
        manifest.format == FORMAT,
        "tglhost {} wrote it in format {}, and this one knows {FORMAT}: restore it by that version",
        manifest.tglhost,
        manifest.format
    );
    let files = found.len();
    check(&manifest, &found)?;
    make_others(&manifest, folder)?;
    Ok(files)
}

/// Writes one file, where there must be none.
fn write(entry: &mut Entry<'_, impl Read>, name: &str, folder: &Path) -> Result<Kept> {
    let path = folder.join(within(name)?);
    make_folder(path.parent().unwrap_or(folder))?;
    let at = || format!("cannot write {}", path.display());
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).with_context(at)?;
    let mut content = Hashed { inner: entry, hasher: blake3::Hasher::new(), bytes: 0 };
    io::copy(&mut content, &mut file).with_context(at)?;
    Ok(Kept::File { bytes: content.bytes, blake3: content.hasher.finalize().to_hex().to_string() })
}

/// The name as a path that leads down only.
fn within(name: &str) -> Result<&Path> {
    let path = Path::new(name);
    let leads_down = path.components().all(|part| matches!(part, Component::Normal(_)));
    ensure!(leads_down && !name.is_empty() && name.len() <= NAME_BYTES_MAX, "{name:?} in it is no name of a file");
    Ok(path)
}

/// The whole of what is said there, which may have so many bytes.
fn bounded(entry: &mut impl Read, bytes_max: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    entry.take(bytes_max + 1).read_to_end(&mut bytes)?;
    ensure!(bytes.len() as u64 <= bytes_max, "a part of it is larger than {bytes_max} bytes");
    Ok(bytes)
}

/// Whether the files are those that the manifest names.
fn check(manifest: &Manifest, found: &BTreeMap<String, Kept>) -> Result<()> {
    for (name, kept) in manifest.entries.iter().filter(|(_, kept)| matches!(kept, Kept::File { .. })) {
        match found.get(name) {
            Some(found) if found == kept => {}
            Some(_) => bail!("{name} in it is not what was backed up"),
            None => bail!("{name} is missing in it"),
        }
    }
    match found.keys().find(|name| !manifest.entries.contains_key(*name)) {
        Some(name) => bail!("{name} in it is not of this backup"),
        None => Ok(()),
    }
}

/// Makes folders and links.
fn make_others(manifest: &Manifest, folder: &Path) -> Result<()> {
    ensure!(manifest.entries.len() <= ENTRIES_MAX, "it holds more than {ENTRIES_MAX} files");
    let of_kind = |kind: fn(&Kept) -> bool| manifest.entries.iter().filter(move |(_, kept)| kind(kept));
    for (name, _) in of_kind(|kept| matches!(kept, Kept::Folder)) {
        make_folder(&folder.join(within(name)?))?;
    }
    let mut links = Vec::new();
    for (name, kept) in of_kind(|kept| matches!(kept, Kept::Link(_))) {
        let path = folder.join(within(name)?);
        make_folder(path.parent().unwrap_or(folder))?;
        links.push((path, kept));
    }
    // Last, once nothing is made any more that could go through one.
    for (path, kept) in links {
        if let Kept::Link(target) = kept {
            symlink(target, &path).with_context(|| format!("cannot make the link {}", path.display()))?;
        }
    }
    Ok(())
}

fn make_folder(path: &Path) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.with_context(|| format!("cannot make the folder {}", path.display()))
}
