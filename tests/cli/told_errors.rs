//! Errors of a tenant's scripts, told in the chat that its file names.

use std::fs;

use tests::{HostFolder, Process};

const ASKS: &str =
    "# /// tglhost\n# calls = [\"read\", \"send\", \"contacts\"]\n# chats = [\"users\"]\n# ///\nimport tgl\n";
const GRANTS: &str = "[grants]\ncalls = [\"read\", \"send\", \"contacts\"]\nchats = [\"users\"]\n";

/// Two tenants whose scripts fail at every message on an account that both share, their own messages too, and an owner who
/// writes there and prints what is told.
fn host() -> HostFolder {
    let fails = |error: &str| {
        format!(
            "{ASKS}def heard(msg):\n    if msg.text == 'other':\n        1 / 0\n    raise {error}(msg.text)\n\
             tgl.set_on_msg_receive(heard)\n"
        )
    };
    let owner = format!(
        "{ASKS}import os\nis_again = os.path.exists('/home/again')\nopen('/home/again', 'w').close()\n\
         def met(ok, peers):\n    for text in ('second', 'other', 'second') if is_again else ('first',): peers[0].send_msg(text)\n\
         def heard(msg):\n    if not msg.out: print('told', repr(msg.text))\n\
         tgl.set_on_msg_receive(heard)\ntgl.set_on_our_id(lambda id: print('id', id))\n\
         tgl.set_on_get_difference_end(lambda: tgl.add_contact('9996610001', 'House', '', met))\n"
    );
    let on_house = format!("{GRANTS}[scripts.bot]\nfile = \"bot.py\"\naccount = \"house\"\n");
    HostFolder::new(&[
        (
            "tglhost.toml",
            "[accounts.house]\ntenants = [\"ann\", \"ben\"]\ndata_centre.embedded = { phone = \"9996610001\", first_name = \"House\" }\n",
        ),
        ("tenants/ann/tenant.toml", &on_house),
        ("tenants/ann/scripts/bot.py", &fails("ValueError")),
        ("tenants/ben/tenant.toml", &on_house),
        ("tenants/ben/scripts/bot.py", &fails("KeyError")),
        (
            "tenants/zoe/tenant.toml",
            &format!(
                "{GRANTS}[accounts.own]\ndata_centre.embedded = {{ phone = \"9996610002\", first_name = \"Zoe\" }}\n\
                 [scripts.owner]\nfile = \"owner.py\"\naccount = \"own\"\n"
            ),
        ),
        ("tenants/zoe/scripts/owner.py", &owner),
    ])
}

/// What the owner prints that begins with this.
fn printed(host: &mut Process, word: &str) -> String {
    loop {
        if let Some(rest) = host.line().strip_prefix(&format!("zoe.owner: {word} ")) {
            return rest.trim_end().to_owned();
        }
    }
}

#[test]
fn a_tenants_errors_are_told_once_each_in_its_chat_and_nobody_elses_there() {
    let folder = host();
    let mut host = folder.serve();
    let owner = printed(&mut host, "id");
    host.stderr_line_with("ann.bot: ValueError: first");
    // Where they go is changed without a new start of any script: Ann's to the owner, Ben's to nobody who is known.
    for (tenant, user) in [("ann", &*owner), ("ben", "4")] {
        let path = format!("tenants/{tenant}/tenant.toml");
        let text = fs::read_to_string(folder.path(&path)).unwrap();
        folder.write(&path, &format!("{text}[errors]\naccount = \"house\"\nchat = \"user#{user}\"\n"));
    }
    assert_eq!(folder.ask(&["reload"]).code(), Some(0));
    assert_eq!(folder.ask(&["restart", "zoe/owner"]).code(), Some(0));
    // What is told comes to the script that fails at everything: it fails once more, which is not told again.
    for end in [
        "\\n    raise ValueError(msg.text)\\nValueError: second'",
        "\\n    1 / 0\\n    ~~^~~\\nZeroDivisionError: division by zero'",
    ] {
        let told = printed(&mut host, "told");
        let begins = "'ann/bot: error\\nTraceback (most recent call last):\\n  File \"/script/bot.py\", line ";
        assert!(told.starts_with(begins) && told.ends_with(end), "{told}");
    }
    host.terminate();
    let ended = host.finish();
    assert!(!ended.stdout.contains("told"), "{}", ended.stdout);
    let said: Vec<&str> = ended.stderr.lines().filter(|line| line.contains("cannot be told")).collect();
    assert!(matches!(said[..], [line] if line.contains("Errors of ben cannot be told in user#4")), "{said:?}");
}
