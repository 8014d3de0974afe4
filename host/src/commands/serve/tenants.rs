//! Tenants that come and go while the host is at work.
//!
//! Invariant: nothing that was a tenant's is deleted: it is put aside as a whole, for the host's owner to look at.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use config::{Config, Faults, TENANT_FILE};

use super::handle::Handle;
use super::host::Host;
use super::refusal::{Refusal, blocking};
use super::script::own_account_name;
use crate::api::types::Removed;
use crate::output::now;

/// What a new tenant's file says.
const NEW_FILE: &str = include_str!("tenants/tenant.toml");
/// Where in the data is put what was a tenant's.
const REMOVED: &str = "removed";

/// Makes a tenant's folder.
///
/// # Errors
/// Where there is such a tenant, or the name is none, or the folder cannot be made.
pub(super) async fn add(handle: &Handle, name: String) -> Result<(), Refusal> {
    if let Some(why) = config::unfit_name(&name) {
        return Err(Refusal::Wrong(why));
    }
    let folder = tenant_folder(handle, &name);
    handle
        .change(|host| {
            Box::pin(async move {
                if folder.exists() {
                    return Err(Refusal::Conflict(format!("there is {} already", folder.display())));
                }
                make_folder(&folder).map_err(|error| Refusal::failed(&error))?;
                host.add_tenant(&name);
                Ok(())
            })
        })
        .await
}

/// Stops all that is this tenant's and puts it aside.
///
/// # Errors
/// Where there is no such tenant, or the host's file names it still.
pub(super) async fn remove(handle: &Handle, name: String) -> Result<Removed, Refusal> {
    known(handle, &name)?;
    let folder = tenant_folder(handle, &name);
    let (host_folder, own) = (handle.folder().to_owned(), handle.data_dir().own_folders());
    let aside = handle.data_dir().root().join(REMOVED).join(format!("{name}-{}", now().replace(':', "-")));
    let kept_in = aside.display().to_string();
    let (logs, gone) = (handle.data_dir().script_logs(), name.clone());
    handle
        .change(|host| {
            Box::pin(async move {
                let read = || config::read(&host_folder, &own);
                put_aside(host, &name, &folder, read, &aside).await?;
                put_logs_aside(&name, &logs, &aside).map_err(|error| Refusal::failed(&error))
            })
        })
        .await?;
    forget_all(handle, &gone).await?;
    Ok(Removed { kept_in })
}

/// Makes a token that reaches this tenant.
///
/// # Errors
/// Where there is no such tenant, or the token cannot be kept.
pub(super) async fn make_token(handle: &Handle, tenant: &str) -> Result<String, Refusal> {
    known(handle, tenant)?;
    let (tokens, tenant) = (handle.tokens().clone(), tenant.to_owned());
    blocking(move || tokens.make(&tenant).map_err(|error| Refusal::failed(&error))).await
}

/// Forgets all tokens of this tenant.
///
/// # Errors
/// Where there is no such tenant, or that cannot be kept.
pub(super) async fn forget_tokens(handle: &Handle, tenant: &str) -> Result<(), Refusal> {
    known(handle, tenant)?;
    forget_all(handle, tenant).await
}

async fn forget_all(handle: &Handle, tenant: &str) -> Result<(), Refusal> {
    let (tokens, tenant) = (handle.tokens().clone(), tenant.to_owned());
    blocking(move || tokens.forget(&tenant).map_err(|error| Refusal::failed(&error))).await
}

fn known(handle: &Handle, tenant: &str) -> Result<(), Refusal> {
    if handle.board().has_tenant(tenant) { Ok(()) } else { Err(Refusal::no_tenant(tenant)) }
}

fn tenant_folder(handle: &Handle, name: &str) -> PathBuf {
    handle.folder().join(config::TENANTS).join(name)
}

fn make_folder(folder: &Path) -> anyhow::Result<()> {
    let make = || {
        fs::create_dir_all(folder.join(config::SCRIPTS))?;
        fs::write(folder.join(TENANT_FILE), NEW_FILE)
    };
    // A folder without its file would be a fault in the host's files.
    let made = make().inspect_err(|_| _ = fs::remove_dir_all(folder));
    made.with_context(|| format!("cannot make {}", folder.display()))
}

async fn put_aside(
    host: &mut Host,
    name: &str,
    folder: &Path,
    read: impl FnOnce() -> Result<Config, Faults> + Send,
    aside: &Path,
) -> Result<(), Refusal> {
    let failed = |error: anyhow::Error| Refusal::failed(&error);
    fs::create_dir_all(aside).with_context(|| format!("cannot make {}", aside.display())).map_err(failed)?;
    let kept = aside.join("tenant");
    if let Err(error) = fs::rename(folder, &kept) {
        let _ = fs::remove_dir(aside);
        return Err(failed(anyhow::Error::from(error).context(format!("cannot move {}", folder.display()))));
    }
    let config = match read() {
        Ok(config) => config,
        Err(faults) => {
            let back = fs::rename(&kept, folder).and_then(|()| fs::remove_dir(aside));
            back.with_context(|| format!("cannot move {} back", kept.display())).map_err(failed)?;
            return Err(Refusal::Conflict(format!("without {name} the host's files are wrong: {faults}")));
        }
    };
    let places = host.places_of(name);
    host.apply(config).await;
    for place in places {
        place.put_aside(aside).map_err(failed)?;
    }
    Ok(())
}

/// What its scripts have logged: who is called so later is another.
fn put_logs_aside(name: &str, logs: &Path, aside: &Path) -> anyhow::Result<()> {
    let to = aside.join("logs");
    let own = own_account_name(name, "");
    let move_own = || {
        fs::create_dir_all(&to)?;
        for log in fs::read_dir(logs)? {
            let log = log?;
            if log.file_name().to_string_lossy().starts_with(&own) {
                fs::rename(log.path(), to.join(log.file_name()))?;
            }
        }
        Ok::<_, std::io::Error>(())
    };
    move_own().with_context(|| format!("cannot move the logs of {name} to {}", to.display()))
}
