//! The user and group that a process goes on as.
//!
//! Invariant: a name that is not known is an error; nothing goes on with more rights than were asked for.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use nix::unistd::{Group, User};

/// Whom to go on as.
pub(super) struct Identity {
    user_id: Option<u32>,
    group_id: Option<u32>,
    home: Option<PathBuf>,
}

impl Identity {
    /// The user and the group of these names, wherever the system knows them from; none where none is named. Without a
    /// group it is the user's own.
    pub(super) fn find(user: Option<&str>, group: Option<&str>) -> Result<Option<Self>> {
        let mut identity = Self { user_id: None, group_id: None, home: None };
        if let Some(user) = user {
            let known = User::from_name(user).with_context(|| format!("cannot look up the user {user:?} (-U)"))?;
            let known = known.with_context(|| format!("there is no user {user:?} (-U)"))?;
            identity.user_id = Some(known.uid.as_raw());
            identity.group_id = Some(known.gid.as_raw());
            identity.home = Some(known.dir);
        }
        if let Some(group) = group {
            let known = Group::from_name(group).with_context(|| format!("cannot look up the group {group:?} (-G)"))?;
            let known = known.with_context(|| format!("there is no group {group:?} (-G)"))?;
            identity.group_id = Some(known.gid.as_raw());
        }
        let is_any = identity.user_id.is_some() || identity.group_id.is_some();
        Ok(is_any.then_some(identity))
    }

    /// Has the command run as this user, with its folders. Other groups of the caller's are given up with the user.
    pub(super) fn assume(&self, command: &mut Command) {
        if let Some(id) = self.group_id {
            command.gid(id);
        }
        if let Some(id) = self.user_id {
            command.uid(id);
        }
        if let Some(home) = &self.home {
            command.env("HOME", home);
            for folder in ["XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"] {
                command.env_remove(folder);
            }
        }
    }

    /// Whether this process runs as this user and group.
    pub(super) fn is_assumed(&self) -> bool {
        let (user_id, group_id) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        self.user_id.is_none_or(|id| id == user_id) && self.group_id.is_none_or(|id| id == group_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_groups_are_found_by_name() {
        let root = Identity::find(Some("root"), None).unwrap().unwrap();
        assert_eq!((root.user_id, root.group_id), (Some(0), Some(0)));
        assert!(Identity::find(None, None).unwrap().is_none());
        for (user, group, about) in [(Some("no such user"), None, "(-U)"), (None, Some("no such group"), "(-G)")] {
            let error = Identity::find(user, group).err().map(|error| error.to_string());
            assert!(error.is_some_and(|error| error.contains(about)), "{about}");
        }
    }
}
