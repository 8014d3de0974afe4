//! telegram-cli's flags that have no meaning here, and why.
//!
//! Invariant: each takes as many values as it took there, so that what follows it is read as it was meant.

use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches};

use crate::output::Output;

/// Flag, long name, whether it takes a value, and why nothing is done about it.
const FLAGS: [(Option<char>, &str, bool, &str); 22] = [
    (Some('k'), "rsa-key", true, "the keys of Telegram's data centres are built in"),
    (Some('c'), "config", true, "settings are in tglhost.toml, and accounts are made by `tglhost login`"),
    (Some('B'), "no-config", false, "there is no configuration in telegram-cli's form to leave out"),
    (Some('s'), "lua-script", true, "Lua scripts do not run here"),
    (Some('q'), "reset-authorization", false, "`tglhost login NAME` logs an account in anew"),
    (Some('W'), "wait-dialog-list", false, "chats are known from the account's own file, from the start on"),
    (Some('f'), "sync-from-start", false, "what was missed is always fetched, from where the account left off"),
    (Some('E'), "disable-auto-accept", false, "secret chats are not accepted by themselves"),
    (Some('w'), "allow-weak-random", false, "random numbers are the system's, and never weak"),
    (Some('P'), "tcp-port", true, "there is no command socket: have a script do what its commands did"),
    (Some('S'), "unix-socket", true, "there is no command socket: have a script do what its commands did"),
    (None, "accept-any-tcp", false, "there is no command socket"),
    (Some('e'), "exec", true, "there are no commands: have a script do what they did"),
    (Some('N'), "enable-msg-id", false, "only what the script prints is shown"),
    (Some('I'), "disable-names", false, "only what the script prints is shown"),
    (Some('D'), "disable-output", false, "only what the script prints is shown"),
    (Some('A'), "alert", false, "only what the script prints is shown"),
    (Some('C'), "disable-colors", false, "nothing is coloured"),
    (Some('R'), "disable-readline", false, "nothing is typed"),
    (Some('6'), "enable-ipv6", false, "the way to a data centre is chosen by its address"),
    (None, "permanent-msg-ids", false, "ids are always permanent"),
    (None, "permanent-peer-ids", false, "ids are always permanent"),
];

/// The flags of the table that were given.
pub(super) struct Ignored(Vec<usize>);

impl Ignored {
    /// Says of each flag that was given why it has no meaning.
    pub(super) fn tell(&self, output: &Output) {
        for &index in &self.0 {
            let (short, long, _, why) = FLAGS[index];
            let short = short.map(|short| format!("-{short}/")).unwrap_or_default();
            output.note(&format!("{short}--{long} has no meaning here: {why}"));
        }
    }

    /// Whether a Lua script was named.
    pub(super) fn names_lua_script(&self) -> bool {
        self.0.iter().any(|&index| FLAGS[index].1 == "lua-script")
    }
}

impl clap::Args for Ignored {
    fn augment_args(command: Command) -> Command {
        command.next_help_heading("Flags of telegram-cli that have no meaning here").args(FLAGS.iter().map(
            |&(short, long, takes_value, why)| {
                let action = if takes_value { ArgAction::Append } else { ArgAction::Count };
                let arg = Arg::new(long).long(long).action(action).help(why);
                let arg = if takes_value { arg.value_name("VALUE") } else { arg };
                short.into_iter().fold(arg, Arg::short)
            },
        ))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Ignored {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let is_given = |&index: &usize| {
            let (_, long, takes_value, _) = FLAGS[index];
            if takes_value { matches.contains_id(long) } else { matches.get_count(long) > 0 }
        };
        Ok(Self((0..FLAGS.len()).filter(is_given).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
