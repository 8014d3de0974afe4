//! What is right and what is wrong in a host's files, as their writer meets it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use config::{Config, DataCentre, Faults};
use tempfile::TempDir;
use tgl::{CallGroup, ChatKind, Limits, PeerId};

/// A host with one of everything.
const HOST: &str = r#"
[accounts.house]
tenants = ["ann", "ben"]
data_centre.embedded = { phone = "9996610001", first_name = "House" }

[limits]
memory_bytes_max = "32 MiB"
"#;
const ANN: &str = r#"
errors = { account = "shop", chat = "user#5" }

[grants]
calls = ["read", "send", "media"]
chats = ["users", "channel#9"]
raw = ["help.getConfig", "messages.getDialogs"]

[accounts.shop]
data_centre.embedded = { phone = "9996610002", first_name = "Shop" }

[scripts.bot]
file = "bot.py"
account = "shop"
args = ["--loud"]
env = { GREETING = "hello" }

[scripts.other]
file = "other/main.py"
account = "house"
grants.calls = ["read", "contacts"]
grants.chats = ["users", "groups"]
limits.cpu_ms_max = 500
"#;
const BEN: &str = "[scripts.bot]\nfile = \"bot.py\"\naccount = \"house\"\n";
const ASKS: &str = "#!/usr/bin/python\n# /// tglhost\n# calls = [\"read\", \"send\", \"profile\"]\n# chats = [\"users\", \"groups\"]\n# raw = [\"messages.getDialogs\", \"users.getUsers\"]\n# ///\nimport tgl\n";

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    let usual = [
        ("tglhost.toml", HOST),
        ("tenants/ann/tenant.toml", ANN),
        ("tenants/ann/scripts/bot.py", ASKS),
        ("tenants/ann/scripts/other/main.py", "import tgl\n"),
        ("tenants/ann/scripts/other/main.py.toml", "calls = [\"read\"]\nchats = [\"users\"]\n"),
        ("tenants/ben/tenant.toml", BEN),
        ("tenants/ben/scripts/bot.py", "import tgl\n"),
        ("tenants/ann/key", "the key itself\n"),
        ("tenants/ann/empty", "\n"),
        ("tenants/ann/open", "the key itself\n"),
    ];
    for (name, text) in usual.iter().chain(files) {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        let mode = if name.ends_with("/open") { 0o644 } else { 0o600 };
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    folder
}

/// Where tglhost keeps what is its own, of which a part is not there yet.
const OWN: [&str; 2] = ["/var/lib/misc/tglhost", "/var/cache/tglhost"];

fn read(folder: &Path) -> Result<Config, Faults> {
    config::read(folder, &OWN.map(Into::into))
}

/// What is read, or all that is wrong, with what scripts ask for too.
fn read_with(files: &[(&str, &str)]) -> Result<Config, Faults> {
    let config = read(folder(files).path())?;
    let scripts = config.tenants.values().flat_map(|tenant| tenant.scripts.values());
    let faults: Vec<_> = scripts.flat_map(|script| script.faults.clone()).collect();
    if faults.is_empty() { Ok(config) } else { Err(Faults(faults)) }
}

#[test]
fn what_a_component_has_among_its_bytes_asks_for_nothing() {
    for (begin, asks) in [("", true), ("\0asm", false)] {
        let read = read(folder(&[("tenants/ann/scripts/bot.py", &format!("{begin}\n{ASKS}"))]).path()).unwrap();
        assert_eq!(read.tenants["ann"].scripts["bot"].asks, asks, "{begin:?}");
    }
}

#[test]
fn what_a_script_asks_for_wrongly_is_no_fault_of_anybody_elses() {
    let config = read(folder(&[("tenants/ann/scripts/bot.py", "# /// tglhost\n# calls = [\n# ///\n")]).path()).unwrap();
    let [bot, other] = ["bot", "other"].map(|name| &config.tenants["ann"].scripts[name]);
    assert!(!bot.faults.is_empty() && bot.grants.calls.is_empty() && other.faults.is_empty(), "{bot:?}");
}

#[test]
fn nothing_but_a_file_is_read() {
    for name in ["tglhost.toml", "tenants/ann/tenant.toml", "tenants/ann/scripts/bot.py"] {
        let folder = folder(&[]);
        let path = folder.path().join(name);
        fs::remove_file(&path).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let said = read(folder.path()).unwrap_err().to_string();
        assert!(said.contains("no regular file") || said.contains("there is no file"), "{said}");
    }
}

#[test]
fn a_whole_configuration_is_read() {
    let config = read_with(&[]).unwrap();
    let (ann, ben) = (&config.tenants["ann"], &config.tenants["ben"]);
    let shop = DataCentre::Embedded { phone: "9996610002".to_owned(), first_name: "Shop".to_owned() };
    assert_eq!(ann.accounts["shop"].data_centre, shop);
    let errors = ann.errors.as_ref().unwrap();
    assert!(
        errors.account == "shop" && errors.is_own_account && errors.chat == PeerId::user(5) && ben.errors.is_none()
    );
    let bot = &ann.scripts["bot"];
    assert!(bot.is_own_account && bot.asks && bot.path.ends_with("tenants/ann/scripts/bot.py"));
    assert_eq!(
        (bot.args.as_slice(), bot.env.as_slice()),
        (&["--loud".to_owned()][..], &[("GREETING".to_owned(), "hello".to_owned())][..])
    );
    assert_eq!((bot.limits.memory_bytes_max, bot.limits.cpu_ms_max), (32 << 20, 2_000));

    assert_eq!(bot.grants.calls, [CallGroup::Read, CallGroup::Send].into(), "granted and asked for");
    assert_eq!(bot.grants.chats.kinds, [ChatKind::Users].into());
    assert_eq!(bot.grants.chats.listed, [PeerId::channel(9)].into(), "one chat granted, all groups asked for");
    assert_eq!(*bot.grants.raw, ["messages.getDialogs".to_owned()].into(), "methods are granted and asked for too");
    let other = &ann.scripts["other"];
    assert!(!other.is_own_account);
    assert_eq!(other.grants.calls, [CallGroup::Read].into(), "its own section cannot grant more than its tenant has");
    assert_eq!((other.limits.memory_bytes_max, other.limits.cpu_ms_max), (32 << 20, 500));

    let silent = &ben.scripts["bot"];
    assert!(!silent.asks && silent.grants.calls.is_empty(), "who asks for nothing gets nothing");
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_what_would_be_right() {
    let host = |text: &'static str| ("tglhost.toml", text);
    let ann = |text: &'static str| ("tenants/ann/tenant.toml", text);
    let rows: &[((&str, &str), &str)] = &[
        (
            (
                "tenants/ben/tenant.toml",
                "[scripts.bot]\nfile = \"bot.py\"\naccount = \"house\"\nargs = [\"a\\u0000b\"]\n",
            ),
            "ben/tenant.toml:4:9: an argument or a variable holds no NUL character",
        ),
        (
            host("[limits]\nmemory = 5\n"),
            "tglhost.toml:2:1: unknown field `memory`, expected one of `memory_bytes_max`",
        ),
        (
            host("[limits]\n\nmemory_bytes_max = \"5 MB\"\n"),
            "tglhost.toml:3:20: invalid value: string \"5 MB\", expected a number that is not negative, or a text as \"64 MiB\"",
        ),
        (host("[limits]\nmemory_bytes_max = -1\n"), "tglhost.toml:2:20: invalid value: integer `-1`"),
        (host("[limits]\nsends_per_s = 0\n"), "tglhost.toml:2:15: sends_per_s is 0, and a script needs some of it"),
        (host("[limits\n"), "tglhost.toml:1:8: "),
        (
            host("[accounts.House]\ntenants = []\ndata_centre = \"telegram\"\n"),
            "tglhost.toml:1:11: \"House\" cannot be a name: use up to 32 small letters",
        ),
        (
            host(
                "[accounts.house]\ntenants = [\"ann\", \"eve\"]\ndata_centre.embedded = { phone = \"9996610001\", first_name = \"H\" }\n",
            ),
            "tglhost.toml:2:19: there is no tenant \"eve\": make the folder tenants/eve",
        ),
        (
            host("[accounts.house]\ntenants = [\"ann\", \"ben\"]\n"),
            "tglhost.toml: an account is at Telegram itself, which wants to know which program connects: write a section [telegram]",
        ),
        (
            host("[telegram]\napi_id = 1\napi_hash_file = \"hash\"\n[accounts.house]\ntenants = [\"ann\", \"ben\"]\n"),
            "tglhost.toml:3:17: there is no file ",
        ),
        (
            host(
                "[accounts.house]\ntenants = []\ndata_centre.embedded = { phone = \"12025550123\", first_name = \"H\" }\n",
            ),
            "tglhost.toml:3:1: a phone number of the embedded data centre is 99966",
        ),
        (
            ann("[grants]\ncalls = [\n  \"read\",\n  \"write\",\n]\n"),
            "tenant.toml:4:3: \"write\" is no group of calls: use read, send, edit,",
        ),
        (
            ann("[grants]\nchats = [\"@bob\"]\n"),
            "tenant.toml:2:10: \"@bob\" is no chat and no kind of chats: use users, groups, secret-chats, or one chat as user#5",
        ),
        (
            ann("[grants]\ncalls = [\"raw\"]\n"),
            "tenant.toml:2:10: \"raw\" is no group of calls: use read, send, edit, media, contacts, groups, profile, secret-chats; raw queries are granted by their methods, in `raw`",
        ),
        (
            ann("[grants]\nraw = [\"messages.getDialogs\", \"messages.getdialogs\"]\n"),
            "tenant.toml:2:31: \"messages.getdialogs\" cannot be granted: layer ",
        ),
        (
            ann("[grants]\nraw = [\"auth.exportAuthorization\"]\n"),
            "tenant.toml:2:8: \"auth.exportAuthorization\" cannot be granted: it is about who may use the account",
        ),
        (
            ann("[grants]\nraw = [\"account.updatePasswordSettings\"]\n"),
            "tenant.toml:2:8: \"account.updatePasswordSettings\" cannot be granted: it is about who may use the account",
        ),
        (
            ann("[grants]\nraw = [\"invokeWithTakeout\"]\n"),
            "tenant.toml:2:8: \"invokeWithTakeout\" cannot be granted: it carries another query",
        ),
        (
            ann("[limits]\nmemory_bytes_max = \"64 MiB\"\n"),
            "tenant.toml:2:20: memory_bytes_max is 67108864, and may be 33554432 at most here",
        ),
        (
            ann("[scripts.x]\nfile = \"bot.py\"\naccount = \"ship\"\n"),
            "tenant.toml:3:11: this tenant has no account \"ship\"",
        ),
        (
            ann("[scripts.x]\nfile = \"../../ben/scripts/bot.py\"\naccount = \"house\"\n"),
            "tenant.toml:2:8: a script's file is named from the folder scripts on, without `..`",
        ),
        (ann("[scripts.x]\nfile = \"missing.py\"\naccount = \"house\"\n"), "tenant.toml:2:8: there is no file "),
        (
            ann("[scripts.x]\nfile = \"bot.py\"\naccount = \"house\"\nenv.\"A B\" = \"\"\n"),
            "tenant.toml:4:5: a variable's name has letters",
        ),
        (ann("[scripts.x]\naccount = \"house\"\n"), "tenant.toml:1:1: missing field `file`"),
        (
            ann("[accounts.house]\ndata_centre = \"telegram\"\n"),
            "tenant.toml:1:11: the host has an account \"house\" too",
        ),
        (
            ("tenants/ben/tenant.toml", "[scripts.bot]\nfile = \"bot.py\"\naccount = \"shop\"\n"),
            "ben/tenant.toml:3:11: this tenant has no account \"shop\"",
        ),
        (
            ("tenants/ann/scripts/bot.py", "import tgl\n# /// tglhost\n# calls = [\"sends\"]\n# ///\n"),
            "bot.py:3:12: \"sends\" is no group of calls",
        ),
        (
            (
                "tenants/ann/scripts/bot.py",
                "import tgl\n\u{feff}# /// tglhost\n# calls = [\"send\"]\nimport os\n# ///\n",
            ),
            "bot.py:2:1: the block that begins here has no end",
        ),
        (
            ("tenants/ann/scripts/other/main.py.toml", "call = [\"read\"]\n"),
            "main.py.toml:1:1: unknown field `call`, expected one of `calls`, `raw`, `chats`, `env`, `secrets`, `folders`",
        ),
        (("tenants/Eve/tenant.toml", ""), "tenants/Eve: \"Eve\" cannot be a name"),
        (
            ("tenants/ben/tenant.toml", "[errors]\naccount = \"shop\"\nchat = \"user#5\"\n"),
            "ben/tenant.toml:2:11: this tenant has no account \"shop\"",
        ),
        (
            ann("[errors]\naccount = \"house\"\nchat = \"users\"\n"),
            "tenant.toml:3:8: \"users\" is not one chat: name it as user#5, chat#7 or channel#9",
        ),
        (ann("[errors]\naccount = \"house\"\n"), "tenant.toml:1:1: missing field `chat`"),
        (ann("[grants]\nenv = [\"A\"]\n"), "tenant.toml:2:7: invalid type: sequence, expected a map"),
        (ann("[grants.env]\n\"A B\" = \"\"\n"), "tenant.toml:2:1: a variable's name has letters"),
        (ann("[grants.secrets]\nKEY = \"nowhere\"\n"), "tenant.toml:2:7: there is no file "),
        (ann("[grants.secrets]\nKEY = \"open\"\n"), "tenant.toml:2:7: the secret in "),
        (ann("[grants.secrets]\nKEY = \"open\"\n"), "others than its owner may open it (its mode is 644): chmod 600 "),
        (ann("[grants.secrets]\nKEY = \"empty\"\n"), "is empty: write the secret into it"),
        (ann("[grants.secrets]\nKEY = \".\"\n"), "cannot be read: it is no regular file"),
        (ann("[grants.secrets]\nKEY = \"scripts/bot.py\"\n"), "tenant.toml:2:7: "),
        (
            ann("[grants.secrets]\nKEY = \"scripts/bot.py\"\n"),
            "bot.py lies where scripts see it that do not ask for it",
        ),
        (ann("[grants]\nenv.KEY = \"x\"\nsecrets.KEY = \"key\"\n"), "tenant.toml:3:9: KEY is given in `env` too"),
        (
            ann(
                "[grants]\nsecrets.KEY = \"key\"\n[scripts.x]\nfile = \"bot.py\"\naccount = \"house\"\nenv.KEY = \"x\"\n",
            ),
            "tenant.toml:6:5: KEY is a secret of this tenant",
        ),
        (
            ann("[grants.folders]\nphotos = { host = \"/tmp/../etc\" }\n"),
            "tenant.toml:2:19: /tmp/../etc is no place of a folder: name it from the root on, without `..`",
        ),
        (ann("[grants.folders]\nphotos = { host = \"photos\" }\n"), "photos is no place of a folder"),
        (
            ann("[grants.folders]\nphotos = { host = \"/etc/passwd\" }\n"),
            "/etc/passwd is not a folder that can be opened",
        ),
        (ann("[grants.folders]\nhome = { host = \"/etc\" }\n"), "/home is there already, as the script's own"),
        (ann("[grants.folders]\nPhotos = { host = \"/etc\" }\n"), "\"Photos\" cannot be a name"),
        (
            ann("[grants.folders]\nall = { host = \"/\" }\n"),
            "this host's own folder is in /, and no script comes near that",
        ),
        (
            ann("[grants.folders]\nx = { host = \"/proc/self\" }\n"),
            "/proc/self is where the kernel shows processes and devices",
        ),
        (ann("[grants.folders]\nx = { host = \"/dev\" }\n"), "/dev is where the kernel shows"),
        (
            ann("[grants.folders]\nx = { host = \"/var/lib\" }\n"),
            "tenant.toml:2:14: tglhost keeps what is its own in /var/lib/misc/tglhost, and no script comes near that: give a \
             folder beside it, not /var/lib",
        ),
        (ann("[grants.folders]\nx = { host = \"/var/cache\" }\n"), "its own in /var/cache/tglhost"),
        (
            ann("[grants]\nchats = [\"users\", \"user#777000\"]\n"),
            "tenant.toml:2:19: user#777000 is Telegram's service",
        ),
        (
            ann("[errors]\naccount = \"house\"\nchat = \"user#777000\"\n"),
            "tenant.toml:3:8: user#777000 is Telegram's service account, to which nobody can write",
        ),
        (ann("[grants.env]\nHOME = \"/x\"\n"), "tenant.toml:2:1: every script has HOME already"),
        (ann("[grants.secrets]\nTMPDIR = \"key\"\n"), "tenant.toml:2:1: every script has TMPDIR already"),
        (
            ann("[scripts.x]\nfile = \"bot.py\"\naccount = \"house\"\nenv.PWD = \"/x\"\n"),
            "tenant.toml:4:5: every script has PWD already, and finds a folder of its own by it: choose another name",
        ),
        (
            ("tenants/ann/scripts/bot.py", "# /// tglhost\n# env = [\"HOME\"]\n# ///\n"),
            "bot.py:2:10: every script has HOME already",
        ),
        (
            ann("[grants]\nsecrets.KEY = \"key\"\n[scripts.x]\nfile = \"bot.py\"\naccount = \"house\"\n\
                 grants.secrets = [\"KEY\", \"KEI\"]\n"),
            "tenant.toml:6:26: this tenant is given no secret \"KEI\": give it in [grants.secrets], or take the name away; \
             given are [\"KEY\"]",
        ),
        (
            ann("[scripts.x]\nfile = \"bot.py\"\naccount = \"house\"\ngrants.env = [\"PLACE\"]\n"),
            "tenant.toml:4:15: this tenant is given no environment value \"PLACE\"",
        ),
        (
            ann("[scripts.x]\nfile = \"bot.py\"\naccount = \"house\"\ngrants.folders = [\"photos\"]\n"),
            "tenant.toml:4:19: this tenant is given no folder \"photos\"",
        ),
        (
            ann("[grants.folders]\nx = { host = \"/etc\", access = \"all\" }\n"),
            "unknown variant `all`, expected `read` or `write`",
        ),
        (
            ("tenants/ann/scripts/bot.py", "# /// tglhost\n# secrets = [\"a-b\"]\n# ///\n"),
            "bot.py:2:14: a variable's name has letters",
        ),
    ];
    for ((name, text), expected) in rows {
        let faults = read_with(&[(name, text)]).expect_err(text).to_string();
        assert!(faults.lines().any(|line| line.contains(expected)), "{text}\n{expected}\nis not in\n{faults}");
        assert!(faults.matches("not a directory").count() <= 1, "a reason is said once: {faults}");
    }
}

#[test]
fn what_a_script_asks_for_and_is_not_granted_is_told() {
    let tenant = "[grants]\ncalls = [\"read\"]\nchats = [\"secret-chats\"]\n[scripts.bot]\nfile = \"bot.py\"\naccount = \"house\"\n";
    let config = read_with(&[("tenants/ann/tenant.toml", tenant), ("tenants/ann/scripts/bot.py", ASKS)]).unwrap();
    let refused = config.tenants["ann"].scripts["bot"].refused.join("\n");
    for part in [
        "the calls \"send\" are not granted to this script: add it to `calls` in [grants]",
        "the calls \"profile\" are not",
        "the method messages.getDialogs is not granted to this script: add it to `raw`",
        "the method users.getUsers is not",
        "none of the chats that it asks for is granted to this script",
    ] {
        assert!(refused.contains(part), "{part} is not in\n{refused}");
    }
    assert!(!refused.contains("read"), "{refused}");
}

#[test]
fn what_is_granted_by_name_is_given_and_asked_for() {
    let given = "[grants]\nenv = { PLACE = \"house\", OTHER = \"x\" }\nsecrets = { KEY = \"key\" }\n\
                 folders = { tmp-files = { host = \"/usr\", access = \"write\" }, etc = { host = \"/etc\" } }\n";
    let scripts = "[scripts.bot]\nfile = \"bot.py\"\naccount = \"house\"\n\
                   [scripts.less]\nfile = \"bot.py\"\naccount = \"house\"\nenv.PLACE = \"garden\"\ngrants.env = [\"PLACE\"]\n\
                   [scripts.other]\nfile = \"other/main.py\"\naccount = \"house\"\n";
    let asks = "# /// tglhost\n# env = [\"PLACE\", \"NONE\"]\n# secrets = [\"KEY\"]\n# folders = [\"etc\", \"tmp-files\"]\n# ///\n";
    let config =
        read_with(&[("tenants/ann/tenant.toml", &format!("{given}{scripts}")), ("tenants/ann/scripts/bot.py", asks)])
            .unwrap();
    let [bot, less, other] = ["bot", "less", "other"].map(|name| &config.tenants["ann"].scripts[name]);
    assert_eq!(bot.env, [("PLACE".to_owned(), "house".to_owned())]);
    let secrets: Vec<_> = bot.secrets.iter().map(|(name, secret)| (name.as_str(), secret.reveal())).collect();
    assert_eq!(secrets, [("KEY", "the key itself")]);
    let folders: Vec<_> = bot.folders.iter().map(|mount| (mount.guest.as_str(), mount.writable)).collect();
    assert_eq!(folders, [("/etc", false), ("/tmp-files", true)]);
    let [refused] = &bot.refused[..] else { panic!("{:?}", bot.refused) };
    assert!(
        refused
            .contains("the environment value \"NONE\" is not granted to this script: give it a value in [grants.env]")
    );
    assert_eq!(less.env, [("PLACE".to_owned(), "garden".to_owned())], "its own goes before its tenant's");
    assert_eq!((less.secrets.len(), less.folders.len(), less.refused.len()), (0, 0, 4), "{:?}", less.refused);
    assert!(other.env.is_empty() && other.secrets.is_empty() && other.folders.is_empty());
    assert!(!format!("{config:?}").contains("the key itself"));
}

#[test]
fn every_fault_is_told_at_once() {
    let calls = (0..60).map(|number| format!("\"x{number}\", ")).collect::<String>();
    let faults = read_with(&[("tenants/ann/tenant.toml", &format!("[grants]\ncalls = [{calls}]\n"))]).unwrap_err();
    assert_eq!(faults.0.len(), 60);
    assert!(faults.to_string().ends_with("\nand 10 further faults"), "{faults}");
    let missing = read(Path::new("/nowhere")).unwrap_err().to_string();
    assert!(missing.contains("tglhost serve --example"), "{missing}");
}

#[test]
fn what_scripts_may_use_is_added_up_and_is_within_their_tenants_totals() {
    let scripts = |count: usize| {
        (0..count).map(|n| format!("[scripts.s{n}]\nfile = \"bot.py\"\naccount = \"house\"\n")).collect::<String>()
    };
    let accounts = |count: usize| {
        let account =
            |n| format!("[accounts.a{n}]\ndata_centre.embedded = {{ phone = \"9996610003\", first_name = \"A\" }}\n");
        (0..count).map(account).collect::<String>()
    };
    // Each total, with two scripts that need all of it and with one byte, message or millisecond less.
    for total in config::totals().into_iter().filter(|total| !["scripts_max", "accounts_max"].contains(&total.name)) {
        let limit = Limits::TABLE.iter().find(|limit| limit.name == total.name).expect("it adds up a limit");
        let tenant = |most: u64| format!("[totals]\n{} = {most}\n{}", total.name, scripts(2));
        let sum = limit.default * 2;
        let read_with = |most| {
            read_with(&[
                (
                    "tglhost.toml",
                    "[accounts.house]\ntenants = [\"ann\"]\ndata_centre.embedded = { phone = \"9996610001\", first_name = \"H\" }\n",
                ),
                ("tenants/ann/tenant.toml", &tenant(most)),
                ("tenants/ben/tenant.toml", ""),
            ])
        };
        assert!(read_with(sum).is_ok(), "{}: {:?}", total.name, read_with(sum));
        let said = read_with(sum - 1).unwrap_err().to_string();
        let expected = format!(
            "ann/tenant.toml:6:10: {} of this tenant's 2 scripts is {sum} in all, and may be {}: lower it in [limits] or for \
             single scripts, or raise it in [totals]",
            total.name,
            sum - 1
        );
        assert!(said.contains(&expected), "{said}\n{expected}");
        assert_eq!(total.default, limit.default * 32, "{}", total.name);
    }
    let ann = |text: String| read_with(&[("tenants/ann/tenant.toml", &text)]);
    let rows = [
        (
            format!("[totals]\nscripts_max = 2\n{}", scripts(3)),
            "tenant.toml:9:10: this tenant has 3 scripts, and may have 2",
        ),
        (scripts(33), "this tenant has 33 scripts, and may have 32"),
        (accounts(33), "this tenant has 33 accounts, and may have 32"),
        ("[totals]\nscripts_max = 33\n".to_owned(), "tenant.toml:2:15: scripts_max is 33, and may be 32 at most here"),
        ("[totals]\nsends_per_s = 0\n".to_owned(), "tenant.toml:2:15: sends_per_s is 0"),
        (
            "[totals]\nmemory_bytes_max = \"3 GiB\"\n".to_owned(),
            "memory_bytes_max is 3221225472, and may be 1073741824 at most here",
        ),
        (
            "[totals]\nload_ms_max = 1\n".to_owned(),
            "tenant.toml:2:1: unknown field `load_ms_max`, expected one of `scripts_max`",
        ),
    ];
    for (text, expected) in rows {
        let said = ann(text).unwrap_err().to_string();
        assert!(said.contains(expected), "{said}\n{expected}");
    }
    assert!(ann(scripts(32)).is_ok(), "{:?}", ann(scripts(32)));
    let faster = HOST.replace("memory_bytes_max = \"32 MiB\"", "sends_per_s = 1_000");
    let one_fast = read_with(&[("tglhost.toml", &faster)]);
    assert!(one_fast.is_ok(), "a host that gives each more gives 32 of them more: {one_fast:?}");
    // A script that may use less leaves the others more.
    let less = format!(
        "[totals]\nsends_per_s = 35\n{}limits.sends_per_s = 5\n{}",
        scripts(1),
        "[scripts.other]\nfile = \"bot.py\"\naccount = \"house\"\n"
    );
    assert!(ann(less).is_ok());
    let host = HOST.replace("[limits]", "[totals]\nsends_per_s = 59\n[limits]");
    let said = read_with(&[("tglhost.toml", &host)]).unwrap_err().to_string();
    assert!(said.contains("sends_per_s of this tenant's 2 scripts is 60 in all, and may be 59"), "{said}");
}
