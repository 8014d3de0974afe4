//! `tglhost run --watch`: scripts are loaded anew when their files change, and go on where they were.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tests::{Process, tglhost};

/// Answers with its version, its module's, how many messages it has heard, and the message.
fn answers(version: &str) -> String {
    format!(
        "import tgl, part\nheard = 0\n\
         def hear(msg):\n    global heard\n    if msg.out: return\n    heard += 1\n    \
         msg.src.send_msg('{version} %s %d %s' % (part.NAME, heard, msg.text))\n    if msg.text == 'end': tgl.safe_exit(0)\n\
         tgl.set_on_msg_receive(hear)\n"
    )
}

struct Case {
    data: TempDir,
    scripts: TempDir,
}

impl Case {
    fn new(bot: &str) -> Self {
        let case = Self { data: TempDir::new().expect("a folder"), scripts: TempDir::new().expect("a folder") };
        for (name, text) in [("bot.py", bot), ("part.py", "NAME = 'a'\n"), ("other.py", "print('other is loaded')\n")] {
            fs::write(case.path(name), text).expect("written");
        }
        case
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scripts.path().join(name)
    }

    fn run(&self, scripts: &[&str]) -> Process {
        let scripts = scripts.iter().map(|name| self.path(name));
        Process::start(tglhost(self.data.path()).args(["run", "--watch"]).args(scripts))
    }
}

fn ask(run: &mut Process, text: &str) -> String {
    run.write(format!("{text}\n"));
    run.line()
}

fn ended(mut run: Process) -> String {
    run.close_input();
    let ended = run.finish();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    ended.stdout
}

/// An editor: what is done to a file, and what to write there.
type Editor = fn(&Path, &str);

#[test]
fn however_an_editor_writes_the_new_version_goes_on_where_the_old_one_was() {
    let case = Case::new(&answers("one"));
    let mut run = case.run(&["bot.py"]);
    assert_eq!(ask(&mut run, "x"), "one a 1 x\n");
    let editors: [(&str, Editor); 3] = [
        ("writes", |path, text| fs::write(path, text).unwrap()),
        ("renames", |path, text| {
            let new = path.with_extension("py~");
            fs::write(&new, text).unwrap();
            fs::rename(new, path).unwrap();
        }),
        ("removes", |path, text| {
            fs::remove_file(path).unwrap();
            fs::write(path, text).unwrap();
        }),
    ];
    for (version, edit) in editors {
        edit(&case.path("bot.py"), &answers(version));
        run.stderr_line_with("bot.py was loaded anew");
        assert_eq!(ask(&mut run, "y"), format!("{version} a 1 y\n"));
    }
    fs::write(case.path("part.py"), "NAME = 'another'\n").unwrap();
    run.stderr_line_with("bot.py was loaded anew");
    assert_eq!(ask(&mut run, "z"), "removes another 1 z\n");
    // One that cannot be loaded leaves the old one at work, with all that it has in memory.
    for wrong in ["def f(:\n".to_owned(), "\u{e9} = '\n".to_owned(), format!("{}1 / 0\n", answers("wrong"))] {
        fs::write(case.path("bot.py"), wrong).unwrap();
        run.stderr_line_with("its new version could not be loaded, and the one before goes on");
    }
    fs::write(case.path("bot.py"), b"# \xff\n").unwrap();
    run.stderr_line_with("bot.py stays as it was, as its new version cannot be run: cannot run ");
    assert_eq!(ask(&mut run, "z"), "removes another 2 z\n");
    // What comes while it is over waits for the next version.
    assert_eq!(ask(&mut run, "end"), "removes another 3 end\n");
    run.stderr_line_with("bot.py is started again once its files change");
    run.write("while it was over\n");
    fs::write(case.path("bot.py"), answers("last")).unwrap();
    assert_eq!(run.line(), "last another 1 while it was over\n");
    assert_eq!(ended(run), "");
}

#[test]
fn a_script_that_did_not_load_is_started_by_a_change_and_others_are_not() {
    let case = Case::new("import part, nothing_of_this_name\n");
    let mut run = case.run(&["bot.py", "other.py"]);
    assert_eq!(run.line(), "other.py: other is loaded\n");
    run.stderr_line_with("bot.py is started again once its files change");
    fs::write(case.path("bot.py"), answers("one")).unwrap();
    assert_eq!(ask(&mut run, "x"), "chat: one a 1 x\n");
    fs::write(case.path("bot.py"), answers("two")).unwrap();
    run.stderr_line_with("bot.py was loaded anew");
    assert_eq!(ask(&mut run, "y"), "chat: two a 1 y\n");
    assert_eq!(ended(run), "", "the other was not loaded again");
}

#[test]
fn a_link_that_leads_elsewhere_is_a_change() {
    let case = Case::new("");
    for version in ["one", "two"] {
        fs::create_dir_all(case.path(version).join("tools")).unwrap();
        fs::write(
            case.path(version).join("bot.py"),
            answers(version).replace("import tgl, part", "import tgl\nfrom tools import part"),
        )
        .unwrap();
        fs::write(case.path(version).join("tools/part.py"), format!("NAME = 'of {version}'\n")).unwrap();
    }
    fs::create_dir(case.path("two/more")).unwrap();
    fs::write(case.path("two/more/part.py"), "NAME = 'more'\n").unwrap();
    let lead = |link: &str, to: &str| {
        let (link, new) = (case.path(link), case.path("new"));
        std::os::unix::fs::symlink(to, &new).unwrap();
        fs::rename(new, link).unwrap();
    };
    lead("current.py", "one/bot.py");
    let mut run = case.run(&["current.py"]);
    assert_eq!(ask(&mut run, "x"), "one of one 1 x\n");
    // Another script, with another project folder, which is watched from then on.
    lead("current.py", "two/bot.py");
    run.stderr_line_with("bot.py was loaded anew");
    assert_eq!(ask(&mut run, "y"), "two of two 1 y\n");
    fs::rename(case.path("two/tools"), case.path("two/first")).unwrap();
    lead("two/tools", "first");
    run.stderr_line_with("bot.py was loaded anew");
    assert_eq!(ask(&mut run, "z"), "two of two 1 z\n");
    lead("two/tools", "more");
    run.stderr_line_with("bot.py was loaded anew");
    assert_eq!(ask(&mut run, "z"), "two more 1 z\n");
    assert_eq!(ended(run), "");
}
