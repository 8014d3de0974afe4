//! A host's files and what scripts ask for in them: each is read or refused with what is wrong, at a place that is in the file,
//! and read again it is the same.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use arbitrary::Unstructured;
use tests::HostFolder;

use crate::damage::text_like;
use crate::holds_for_each;

const HOST: &str = r#"[telegram]
api_id = 1
api_hash_file = "hash"
[http]
listen = "127.0.0.1:0"
[limits]
memory_bytes_max = "64 MiB"
cpu_ms_max = 2_000
[accounts.house]
tenants = ["ann"]
data_centre.embedded = { phone = "9996610001", first_name = "House" }
"#;
const TENANT: &str = r#"[grants]
calls = ["read", "send"]
chats = ["users", "channel#7"]
raw = ["help.getConfig"]
env = { PLACE = "house" }
secrets = { KEY = "key" }
folders = { etc = { host = "/etc", access = "read" } }
[errors]
account = "own"
chat = "user#5"
[totals]
memory_bytes_max = "128 MiB"
[accounts.own]
data_centre.at = { address = "127.0.0.1:1", dc_id = 2, key_file = "key.pem" }
[scripts.bot]
file = "bot.py"
account = "house"
args = ["a"]
env.NAME = "value"
grants = { calls = ["read"], secrets = ["KEY"] }
limits = { loop_rounds_max = 3 }
"#;
const SCRIPT: &str =
    "# /// tglhost\n# calls = [\"read\", \"send\"]\n# chats = [\"users\"]\n# secrets = [\"KEY\"]\n# ///\nimport tgl\n";

#[test]
fn a_hosts_files_are_read_or_refused() {
    let folder = HostFolder::new(&[("hash", "0123456789abcdef0123456789abcdef\n"), ("key.pem", "")]);
    folder.write("tenants/ann/key", "the key itself");
    for private in ["hash", "tenants/ann/key"] {
        fs::set_permissions(folder.path(private), fs::Permissions::from_mode(0o600)).expect("it is ours");
    }
    // One of the three at a time, so that the others lead to it.
    let files = [("tglhost.toml", HOST), ("tenants/ann/tenant.toml", TENANT), ("tenants/ann/scripts/bot.py", SCRIPT)];
    files.iter().for_each(|(file, right)| folder.write(file, right));
    let read = config::read(&folder.path("."), &[]);
    let bot = read.map(|config| config.tenants["ann"].scripts["bot"].clone()).expect("what is right is read");
    assert!(bot.faults.is_empty() && bot.secrets.len() == 1, "{bot:?}");
    let make = |from: &mut Unstructured<'_>| {
        let one = from.choose_index(files.len())?;
        Ok((one, text_like(from, &[files[one].1])?))
    };
    holds_for_each(make, |(one, text)| {
        for (at, (file, right)) in files.iter().enumerate() {
            folder.write(file, if at == *one { text } else { right });
        }
        let read = || format!("{:?}", config::read(&folder.path("."), &[]));
        assert_eq!(read(), read());
        if let Err(faults) = config::read(&folder.path("."), &[]) {
            assert!(!faults.0.is_empty());
            for fault in faults.0.iter().filter(|fault| fault.place.is_some()) {
                let (line, column) = fault.place.expect("it has one");
                let text = fs::read_to_string(&fault.path).unwrap_or_default();
                // The end of the file is a place too.
                let of_line = text.split('\n').nth(line - 1);
                let of_line = of_line.unwrap_or_else(|| panic!("line {line} of {text:?}"));
                assert!(column <= of_line.chars().count() + 1, "column {column} of {of_line:?}");
            }
        }
    });
}

#[test]
fn any_name_is_fit_or_unfit() {
    let right = ["bot", "a-b_c9", "../bot", "a/b", "", "bot.py", "\u{0}", "CON"];
    holds_for_each(
        |from| text_like(from, &right),
        |name| {
            if config::unfit_name(name).is_none() {
                let path = std::path::Path::new(name);
                assert!(
                    path.components().count() == 1 && path.file_name().is_some_and(|file| file == name.as_str()),
                    "{name:?}"
                );
            }
        },
    );
}
