//! Environment values, secrets and folders that a tenant is given by name, and its scripts ask for.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use tempfile::TempDir;
use tests::{HostFolder, Process, finish, wait_until};

use crate::host_api::{ask_as, served, token};

/// What is nowhere to be seen.
const KEY: &str = "5ecret-of-ann";

/// Looks for what it asks for and for what it does not.
const LOOKS: &str = "import os, tgl\n\
    print('env', [os.environ.get(name) for name in ('PLACE', 'UNASKED', 'MISSING', 'OTHER')])\n\
    print('key', os.environ['KEY'], os.environ['KEY'][::-1])\n\
    for piece in ('pieces ', os.environ['KEY'][:5], os.environ['KEY'][5:], '\\n'): print(piece, end='', flush=True)\n\
    print('photos', os.listdir('/photos'), open('/photos/a.txt').read(), os.path.exists('/photos/out/a.txt'))\n\
    try: open('/photos/b.txt', 'w')\n\
    except OSError as error: print('photos:', error.strerror)\n\
    open('/box/b.txt', 'w').write('from the script')\n\
    print('unasked', os.path.exists('/unasked'), flush=True)\n";
/// Fails at its secret.
const FAILS: &str = "# /// tglhost\n# secrets = [\"KEY\"]\n# ///\nimport os\nraise KeyError(os.environ['KEY'])\n";

/// A host, and beside it a folder with the folders that Ann is given.
fn host() -> (HostFolder, TempDir) {
    let asks = "# /// tglhost\n# env = [\"PLACE\", \"MISSING\"]\n# secrets = [\"KEY\", \"OTHER\"]\n# folders = [\"photos\", \"box\"]\n# ///\n";
    let folder = HostFolder::new(&[
        (
            "tglhost.toml",
            "[http]\nlisten = \"127.0.0.1:0\"\n[metrics]\nlisten = \"127.0.0.1:0\"\n[accounts.house]\ntenants = [\"ann\", \"ben\"]\n\
             data_centre.embedded = { phone = \"9996610001\", first_name = \"House\" }\n",
        ),
        ("tenants/ann/scripts/bot.py", &format!("{asks}{LOOKS}")),
        ("tenants/ann/scripts/fails.py", FAILS),
        ("tenants/ann/key", &format!("{KEY}\n")),
        ("tenants/ben/tenant.toml", "[scripts.bot]\nfile = \"bot.py\"\naccount = \"house\"\n"),
        ("tenants/ben/scripts/bot.py", "import tgl\n"),
    ]);
    let outside = TempDir::new().unwrap();
    let [photos, written, other] = ["photos", "box", "else"].map(|name| outside.path().join(name));
    for folder in [&photos, &written, &other] {
        fs::create_dir(folder).unwrap();
        fs::write(folder.join("a.txt"), "a photo").unwrap();
    }
    symlink(&other, photos.join("out")).unwrap();
    fs::set_permissions(folder.path("tenants/ann/key"), fs::Permissions::from_mode(0o600)).unwrap();
    let [photos, written, other] = [photos, written, other].map(|folder| folder.display().to_string());
    folder.write(
        "tenants/ann/tenant.toml",
        &format!(
            "[grants]\nenv = {{ PLACE = \"house\", UNASKED = \"x\" }}\nsecrets = {{ KEY = \"key\" }}\n[grants.folders]\n\
             photos = {{ host = \"{photos}\" }}\nbox = {{ host = \"{written}\", access = \"write\" }}\nunasked = {{ host = \"{other}\" }}\n\
             [scripts.bot]\nfile = \"bot.py\"\naccount = \"house\"\n[scripts.fails]\nfile = \"fails.py\"\naccount = \"house\"\n"
        ),
    );
    (folder, outside)
}

fn line_of(host: &mut Process, script: &str) -> String {
    loop {
        if let Some(rest) = host.line().strip_prefix(&format!("{script}: ")) {
            return rest.to_owned();
        }
    }
}

#[test]
fn a_script_finds_what_it_asks_for_and_is_given_and_its_secret_is_seen_nowhere() {
    let (folder, outside) = host();
    let checked = folder.ask(&["check"]);
    assert_eq!(checked.code(), Some(0), "{}", checked.stderr);
    assert!(
        checked.stderr.contains(
            "ann/bot: the secret \"OTHER\" is not granted to this script: give it a file in [grants.secrets]"
        ),
        "{}",
        checked.stderr
    );
    let (mut host, http, _) = served(&folder);
    let expected = [
        "env ['house', None, None, None]\n".to_owned(),
        format!("key [secret KEY] {}\n", KEY.chars().rev().collect::<String>()),
        "pieces [secret KEY]\n".to_owned(),
        "photos ['a.txt', 'out'] a photo False\n".to_owned(),
        "photos: Read-only file system (the script was given this folder to read; --dir HOST:GUEST:rw lets it write there, on a \
         host of many tenants access = \"write\" in [grants.folders])\n"
            .to_owned(),
        "unasked False\n".to_owned(),
    ];
    for expected in expected {
        assert_eq!(line_of(&mut host, "ann.bot").replace("['out', 'a.txt']", "['a.txt', 'out']"), expected);
    }
    assert_eq!(fs::read_to_string(outside.path().join("box/b.txt")).unwrap(), "from the script");

    wait_until("it fails", || folder.stands("ann/fails")["state"] == "failed");
    let stands = folder.stands("ann/fails");
    assert!(stands["why"].as_str().unwrap().contains("KeyError: '[secret KEY]'"), "{stands}");

    // What a tenant deploys asks for as much as it likes: what it is given is for its owner to say.
    let token = token(&folder, "ben");
    let asks = "# /// tglhost\n# env = [\"PLACE\"]\n# secrets = [\"KEY\"]\n# folders = [\"photos\"]\n# ///\n";
    folder.write("new.py", &format!("{asks}import os\nprint('given', os.environ.get('PLACE'), os.environ.get('KEY'), os.path.exists('/photos'), flush=True)\nimport tgl\n"));
    let new = folder.path("new.py").display().to_string();
    let deployed = ask_as(&folder, &http, &token, &["deploy", "ben/bot", &new]);
    assert_eq!(deployed.code(), Some(0), "{}", deployed.stderr);
    assert_eq!(line_of(&mut host, "ben.bot"), "given None None False\n");

    let refused = [
        ("ann/bot", "the environment value \"MISSING\""),
        ("ann/bot", "the secret \"OTHER\""),
        ("ben/bot", "the environment value \"PLACE\""),
        ("ben/bot", "the secret \"KEY\""),
        ("ben/bot", "the folder \"photos\""),
    ];
    for (script, what) in refused {
        let log = folder.ask(&["logs", script]).stdout;
        assert_eq!(log.matches(&format!("{what} is not granted to this script: give it ")).count(), 1, "{what}: {log}");
    }
    let answers = [&["ps", "--json"][..], &["usage", "--json"], &["logs", "ann/bot"], &["logs", "ann/fails", "--json"]]
        .map(|verb| folder.ask(verb).stdout);
    host.terminate();
    let ended = host.finish();
    let logs = fs::read_dir(folder.path("data/logs")).unwrap();
    let logs = logs.map(|log| fs::read_to_string(log.unwrap().path()).unwrap());
    for text in answers.into_iter().chain(logs).chain([ended.stderr, ended.stdout]) {
        assert!(!text.contains(KEY), "{text}");
    }
}

#[test]
fn a_secret_is_its_owners_file_or_a_credential_of_the_service() {
    let (folder, _outside) = host();
    let key = folder.path("tenants/ann/key");
    let checked = |credentials: &str| {
        let mut check = folder.command(&["check"]);
        finish(check.env("CREDENTIALS_DIRECTORY", folder.path(credentials)), "")
    };
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    let refused = checked("tenants/ben");
    let how = format!("others than its owner may open it (its mode is 640): chmod 600 {}", key.display());
    assert!(refused.code() == Some(2) && refused.stderr.contains(&how), "{}", refused.stderr);
    assert!(!refused.stderr.contains(KEY));
    assert_eq!(checked("tenants/ann").code(), Some(0), "what systemd keeps is kept as it does");
}

#[test]
fn what_is_checked_has_no_folder_with_tglhosts_own_in_it() {
    let (folder, outside) = host();
    let data = outside.path().join("box/data");
    let mut check = folder.command(&["check"]);
    let refused = finish(check.arg("--data").arg(&data), "");
    let what = format!("tglhost keeps what is its own in {}, and no script comes near that", data.display());
    assert!(refused.code() == Some(2) && refused.stderr.contains(&what), "{}", refused.stderr);
}
