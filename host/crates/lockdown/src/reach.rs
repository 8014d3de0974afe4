//! What the process may open, connect to and signal, by Landlock: the kernel asks it at every path, whatever links and
//! mounts lead there.
//!
//! Invariant: nothing below a folder is executed, and no device, socket or pipe made there.

use std::os::fd::AsFd;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, LandlockStatus, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, RulesetError, Scope, make_bitflags,
};

use crate::{Access, Allowed, LockdownError};

/// The newest that this was tried with: a kernel that has more keeps to this, one that has less to what it has.
const TRIED: ABI = ABI::V7;

/// What may be opened for all scripts alike.
const NULL_PATH: &str = "/dev/null";

/// Bounds it, and gives what this kernel has of Landlock.
pub(crate) fn bound(allowed: &Allowed<'_>) -> Result<ABI, LockdownError> {
    let mut rules = Ruleset::default()
        .handle_access(AccessFs::from_all(TRIED))?
        .handle_access(AccessNet::from_all(TRIED))?
        .scope(Scope::from_all(TRIED))?
        .create()?;
    for (folder, access) in &allowed.folders {
        rules = allow(rules, folder, in_folder(*access))?;
    }
    for file in &allowed.files {
        rules = allow(rules, file, AccessFs::ReadFile.into())?;
    }
    rules = allow(rules, &PathFd::new(NULL_PATH)?, AccessFs::ReadFile | AccessFs::WriteFile)?;
    Ok(match rules.restrict_self()?.landlock {
        LandlockStatus::Available { effective_abi, .. } => effective_abi,
        LandlockStatus::NotEnabled | LandlockStatus::NotImplemented => ABI::Unsupported,
    })
}

fn allow(rules: RulesetCreated, what: impl AsFd, access: BitFlags<AccessFs>) -> Result<RulesetCreated, RulesetError> {
    rules.add_rule(PathBeneath::new(what, access))
}

fn in_folder(access: Access) -> BitFlags<AccessFs> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    match access {
        Access::Read => read,
        Access::Write => {
            read | make_bitflags!(AccessFs::{
                WriteFile | Truncate | MakeReg | MakeDir | MakeSym | RemoveFile | RemoveDir | Refer
            })
        }
    }
}
