//! What the process may open, connect to and signal, by Landlock: the kernel asks it at every path, whatever links and
//! mounts lead there.
//!
//! Invariant: nothing below a folder is executed, and no device, socket or pipe made there.

use std::os::fd::AsFd;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, AddRuleError, AddRulesError, BitFlags, LandlockStatus, PathBeneath, PathFd,
    Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, Scope, make_bitflags,
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
        rules = rules.add_rule(PathBeneath::new(folder, in_folder(*access)))?;
    }
    for file in &allowed.files {
        allow_file(&mut rules, file)?;
    }
    rules = rules.add_rule(PathBeneath::new(PathFd::new(NULL_PATH)?, AccessFs::ReadFile | AccessFs::WriteFile))?;
    Ok(match rules.restrict_self()?.landlock {
        LandlockStatus::Available { effective_abi, .. } => effective_abi,
        LandlockStatus::NotEnabled | LandlockStatus::NotImplemented => ABI::Unsupported,
    })
}

/// One that is in memory alone has no place in a file system: it is opened again without a rule, and Landlock takes none.
fn allow_file(rules: &mut RulesetCreated, file: impl AsFd) -> Result<(), RulesetError> {
    match rules.add_rule(PathBeneath::new(file, AccessFs::ReadFile)) {
        Err(RulesetError::AddRules(AddRulesError::Fs(AddRuleError::AddRuleCall { source, .. })))
            if source.raw_os_error() == Some(libc::EBADFD) =>
        {
            Ok(())
        }
        other => other.map(drop),
    }
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
