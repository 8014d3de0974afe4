//! The example that `tglhost serve --example` writes: two tenants, three scripts, accounts of the embedded data centre.
//!
//! Invariant: it runs as it is, and overwrites nothing.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::misuse::misuse;

/// The files, by their places in the host's folder.
const FILES: [(&str, &str); 6] = [
    ("tglhost.toml", include_str!("example/tglhost.toml")),
    ("tenants/ann/tenant.toml", include_str!("example/ann.toml")),
    ("tenants/ann/scripts/echo.py", include_str!("example/echo.py")),
    ("tenants/ben/tenant.toml", include_str!("example/ben.toml")),
    ("tenants/ben/scripts/greeter.py", include_str!("example/greeter.py")),
    ("tenants/ben/scripts/listener.py", include_str!("example/listener.py")),
];

/// Writes it.
pub(super) fn write(folder: &Path) -> Result<()> {
    let is_empty = fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
    if !is_empty {
        return Err(misuse(format_args!(
            "{} is not empty, and an example is written to a new folder only: name one with --host DIR",
            folder.display()
        )));
    }
    for (name, text) in FILES {
        let path = folder.join(name);
        let write = || {
            fs::create_dir_all(path.parent().unwrap_or(folder))?;
            fs::write(&path, text)
        };
        // It was new or empty, and is so again for the next try.
        let written = write().inspect_err(|_| _ = fs::remove_dir_all(folder));
        written.with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
