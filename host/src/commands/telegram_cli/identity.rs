//! The user and group that a process goes on as.
//!
//! Invariant: a name that is not known is an error; nothing goes on with more rights than were asked for.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

/// Whom to go on as.
pub(super) struct Identity {
    user_id: Option<u32>,
    group_id: Option<u32>,
    home: Option<PathBuf>,
}

impl Identity {
    /// The user and the group of these names, by the system's files; none where none is named. Without a group it is the
    /// user's own.
    pub(super) fn find(user: Option<&str>, group: Option<&str>) -> Result<Option<Self>> {
        let mut identity = Self { user_id: None, group_id: None, home: None };
        if let Some(user) = user {
            let entry = entry("/etc/passwd", user).with_context(|| format!("there is no user {user:?} (-U)"))?;
            let number = |place: usize| entry.get(place).and_then(|text| text.parse().ok());
            identity.user_id = Some(number(2).with_context(|| format!("the user {user:?} has no number"))?);
            identity.group_id = Some(number(3).with_context(|| format!("the user {user:?} has no group's number"))?);
            identity.home = entry.get(5).map(PathBuf::from);
        }
        if let Some(group) = group {
            let entry = entry("/etc/group", group).with_context(|| format!("there is no group {group:?} (-G)"))?;
            let number = entry.get(2).and_then(|text| text.parse().ok());
            identity.group_id = Some(number.with_context(|| format!("the group {group:?} has no number"))?);
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

/// The fields of a name's line in a file of lines of fields, as passwd(5) and group(5) describe.
fn entry(file: &str, name: &str) -> Option<Vec<String>> {
    let lines = std::fs::read_to_string(file).ok()?;
    let fields = |line: &str| line.split(':').map(str::to_owned).collect::<Vec<_>>();
    lines.lines().map(fields).find(|fields| fields[0] == name)
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
