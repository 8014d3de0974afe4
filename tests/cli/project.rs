//! What a script finds where it lies, what becomes of what it writes there, and what it never sees.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use tests::{Finished, Place, after, finish, tglhost};

/// A folder of the test's with these files in it, and a data directory.
struct Stage {
    data: TempDir,
    folder: TempDir,
}

impl Stage {
    fn new(files: &[(&str, &str)]) -> Self {
        let stage = Self { data: TempDir::new().expect("a folder"), folder: TempDir::new().expect("a folder") };
        for (name, text) in files {
            fs::create_dir_all(stage.at(name).parent().expect("a folder")).expect("made");
            fs::write(stage.at(name), text).expect("written");
        }
        stage
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `tglhost run` in the folder, with these arguments.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = tglhost(self.data.path());
        command.arg("run").args(arguments).current_dir(self.folder.path());
        command
    }

    fn run(&self, arguments: &[&str]) -> Finished {
        finish(&mut self.command(arguments), "")
    }

    fn texts(&self, names: &[&str]) -> Vec<String> {
        names.iter().map(|name| fs::read_to_string(self.at(name)).unwrap_or_else(|_| "-".to_owned())).collect()
    }
}

/// A script that tries these statements and says what comes of each: what they give, or the error's class and number.
fn trying(statements: &[&str]) -> String {
    let mut script = "import errno, os, sys\ndef t(f):\n    try: print(f())\n    except Exception as e: \
                      print(type(e).__name__, errno.errorcode.get(getattr(e, 'errno', None), ''))\n\
                      def put(path, text, how='w'):\n    with open(path, how) as file: return file.write(text)\n\
                      def get(path):\n    with open(path) as file: return file.read()\n"
        .to_owned();
    for statement in statements {
        script += &format!("t(lambda: ({statement}))\n");
    }
    script
}

/// Runs a script of a project's, statement by statement.
fn check(stage: &Stage, script: &str, arguments: &[&str], cases: &[(&str, &str)]) -> String {
    let statements: Vec<&str> = cases.iter().map(|(statement, _)| *statement).collect();
    let old = fs::read_to_string(stage.at(script)).unwrap_or_default();
    fs::write(stage.at(script), old + &trying(&statements)).expect("written");
    let run = stage.run(&[&[script], arguments].concat());
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines.len(), cases.len(), "stdout: {} stderr: {}", run.stdout, run.stderr);
    for ((statement, expected), line) in cases.iter().zip(lines) {
        assert_eq!(line, *expected, "{statement}; stderr: {}", run.stderr);
    }
    run.stderr
}

const PROJECT: &[(&str, &str)] = &[
    ("config.json", "{\"a\": 1}"),
    ("settings.ini", "[bot]\nname = ada\n"),
    ("plugins/one.py", "NAME = 'one'"),
    ("plugins/two.py", "NAME = 'two'"),
    ("plugins/.hidden.py", ""),
    ("helper.py", "import os\nHERE = os.path.dirname(__file__)\n"),
    (".env", "SECRET"),
    (".git/config", "SECRET"),
    ("bot.py", ""),
];

#[test]
fn a_script_of_several_files_works_as_in_its_folder_and_leaves_it_as_it_is() {
    let stage = Stage::new(PROJECT);
    let read = "__import__('configparser').ConfigParser()";
    let parsed = format!("(lambda p: (p.read('settings.ini'), p['bot']['name']))({read})");
    check(
        &stage,
        "bot.py",
        &[],
        &[
            ("os.getcwd(), __file__", "('/script', '/script/bot.py')"),
            (
                "os.path.abspath('x').startswith(os.path.dirname(__file__)), os.path.relpath(__file__)",
                "(True, 'bot.py')",
            ),
            ("sorted(os.listdir('/'))", "['home', 'script', 'tmp']"),
            ("__import__('json').load(open('config.json'))", "{'a': 1}"),
            (&parsed, "(['settings.ini'], 'ada')"),
            ("sorted(os.listdir('plugins'))", "['one.py', 'two.py']"),
            (
                "[m.NAME for m in [__import__('importlib').import_module('plugins.' + n) for n in ('one', 'two')]]",
                "['one', 'two']",
            ),
            ("__import__('helper').HERE", "/script"),
            ("os.path.exists('.env'), os.path.exists('/script/.git')", "(False, False)"),
            ("get('.env')", "FileNotFoundError ENOENT"),
            ("put('config.json', '{}'), get('config.json'), get('/script/config.json')", "(2, '{}', '{}')"),
            ("put(os.path.join(os.path.dirname(__file__), 'state'), 'x'), get('state')", "(1, 'x')"),
            ("put('plugins/one.py', '\\nMORE = 1', 'a'), len(get('/script/plugins/one.py'))", "(9, 21)"),
            ("put('save.tmp', 'new'), os.replace('save.tmp', 'settings.ini'), get('settings.ini')", "(3, None, 'new')"),
            ("os.remove('plugins/two.py'), os.listdir('plugins')", "(None, ['one.py'])"),
            ("get('plugins/two.py')", "FileNotFoundError ENOENT"),
            ("__import__('sqlite3').connect('bot.db').execute('create table t (a)').fetchall()", "[]"),
            ("put('/script/../home/up', 'x'), get('up')", "(1, 'x')"),
        ],
    );
    let kept = ["{\"a\": 1}", "[bot]\nname = ada\n", "NAME = 'one'", "NAME = 'two'", "SECRET", "-", "-"];
    let names = ["config.json", "settings.ini", "plugins/one.py", "plugins/two.py", ".env", "state", "bot.db"];
    assert_eq!(stage.texts(&names), kept);
    // And finds it again.
    fs::write(stage.at("bot.py"), trying(&["get('config.json'), get('state'), os.path.exists('plugins/two.py')"]))
        .expect("written");
    assert_eq!(stage.run(&["bot.py"]).stdout, "('{}', 'x', False)\n");
}

#[test]
fn a_script_may_work_in_its_project_itself() {
    let stage = Stage::new(PROJECT);
    check(
        &stage,
        "bot.py",
        &["--write-project"],
        &[
            ("os.getcwd()", "/script"),
            ("put('config.json', '{}'), put('/script/new', 'x'), put('/home/own', 'y')", "(2, 1, 1)"),
            ("sorted(os.listdir('/home'))", "['own']"),
            ("put('/tmp/t', 'x'), get('/home/tmp/t')", "(1, 'x')"),
            ("put('.env', 'x')", "PermissionError EPERM"),
            ("get('.env')", "FileNotFoundError ENOENT"),
        ],
    );
    assert_eq!(stage.texts(&["config.json", "new", "own", ".env"]), ["{}", "x", "-", "SECRET"]);
}

#[test]
fn a_project_is_named_or_found_from_the_folder_above() {
    let files = [
        ("bot/bot.py", "from bot.plugins import one\nimport bot.helper, helper\n"),
        ("bot/helper.py", "NAME = 'helper'"),
        ("bot/plugins/one.py", "NAME = 'one'"),
        ("bot/config.json", "{}"),
        ("common.py", "NAME = 'common'"),
        ("data.txt", "data"),
    ];
    let stage = Stage::new(&files);
    check(
        &stage,
        "bot/bot.py",
        &[],
        &[
            ("__file__, one.NAME, helper.NAME, bot.helper.NAME", "('/script/bot.py', 'one', 'helper', 'helper')"),
            ("get('config.json'), get('bot/config.json')", "('{}', '{}')"),
            ("get('data.txt')", "FileNotFoundError ENOENT"),
        ],
    );
    let stage = Stage::new(&files);
    check(
        &stage,
        "bot/bot.py",
        &["--project", "."],
        &[
            ("__file__, one.NAME, helper.NAME, bot.helper.NAME", "('/script/bot/bot.py', 'one', 'helper', 'helper')"),
            ("get('bot/config.json'), get('data.txt'), __import__('common').NAME", "('{}', 'data', 'common')"),
            ("put('bot/new', 'x'), get(os.path.join(os.path.dirname(__file__), 'new'))", "(1, 'x')"),
        ],
    );
    let above = stage.at("bot").join("plugins");
    let home = stage.folder.path().to_owned();
    for (folder, home, part) in [
        (above.as_path(), None, "is not in it"),
        (Path::new("/"), None, "it is the root of the file system"),
        (Path::new("."), Some(home.as_path()), "it is a home folder"),
        (Path::new("nowhere"), None, "nowhere cannot be the project folder"),
    ] {
        let mut command = stage.command(&["bot/bot.py", "--project"]);
        command.arg(folder);
        home.map(|home| command.env("HOME", home));
        let run = finish(&mut command, "");
        assert_eq!(run.code(), Some(2), "{}", run.stderr);
        assert!(run.stderr.contains(part), "{}: {}", folder.display(), run.stderr);
    }
}

/// Folders in which a script sees itself alone, and what is said of them.
#[test]
fn a_home_folder_and_the_hosts_own_are_nobodys_project() {
    // where the script lies, the home folder, the data directory, what is said
    let cases = [
        ("user", "user", "elsewhere", "it is a home folder"),
        ("user", "user", "user/.local/share/tglhost", "it is a home folder"),
        ("", "user", "elsewhere", "is in it"),
        ("user/bots", "user", "user/bots/data", "tglhost keeps data in it"),
        ("own/scripts", "user", "own", "tglhost keeps its data in"),
    ];
    let cache = dirs_cache();
    for (script, home, data, part) in cases {
        let folder = TempDir::new().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        let (script, data) = (at(script).join("bot.py"), at(data));
        for place in [script.parent().expect("a folder"), &at(home).join(".ssh")] {
            fs::create_dir_all(place).expect("made");
        }
        fs::write(at(home).join(".ssh/id"), "SECRET").expect("written");
        fs::write(script.with_file_name("beside.py"), "SECRET = 1").expect("written");
        let source = trying(&[
            "sorted(os.listdir('/script')), get('/script/bot.py')[:6]",
            "[f for top, _, files in os.walk('/') for f in files]",
            "__import__('beside')",
            "put('bot.py', 'own') and get('/script/bot.py')",
        ]);
        fs::write(&script, source).expect("written");
        let mut command = tglhost(&data);
        command.env("HOME", at(home)).env("XDG_CACHE_HOME", &cache).arg("run").arg(&script);
        let run = finish(&mut command, "");
        let expected = "(['bot.py'], 'import')\n['bot.py', 'bot.py']\nModuleNotFoundError \nown\n";
        assert_eq!(run.stdout, expected, "{}: {}", script.display(), run.stderr);
        assert!(run.stderr.contains("bot.py sees itself alone") && run.stderr.contains(part), "{part}: {}", run.stderr);
        assert!(run.stderr.contains("--project DIR"), "it says what to do: {}", run.stderr);
    }
}

/// The compiled Python runtime is taken from where it is.
fn dirs_cache() -> PathBuf {
    let home = std::env::home_dir().expect("a home folder").join(".cache");
    std::env::var_os("XDG_CACHE_HOME").map_or(home, PathBuf::from)
}

#[test]
fn folders_are_mounted_in_the_project_and_never_show_the_hosts_own() {
    let stage = Stage::new(&[("project/bot.py", ""), ("photos/p", "photo"), ("user/x", "x"), ("user/config/y", "y")]);
    let own = stage.at("user/data");
    let given = |host: &str, guest: &str| format!("{}:{guest}", stage.at(host).display());
    let statements = [
        ("get('photos/p'), get('/script/photos/p'), get('/home/photos/p')", "('photo', 'photo', 'photo')"),
        (
            "sorted(os.listdir('.')), sorted(os.listdir('/'))",
            "(['bot.py', 'photos'], ['home', 'script', 'tmp', 'user'])",
        ),
        ("put('photos/q', 'x')", "OSError EROFS"),
        ("sorted(os.listdir('/user')), os.path.exists('/user/data')", "(['config', 'link', 'x'], False)"),
        ("get('/user/data/embedded/script/account.db')", "FileNotFoundError ENOENT"),
        ("get('/user/link/embedded/script/account.toml')", "FileNotFoundError ENOENT"),
        ("os.mkdir('/user/data')", "PermissionError EACCES"),
        ("os.rename('/user/data', '/user/mine')", "FileNotFoundError ENOENT"),
        ("put('/user/z', 'z')", "1"),
    ];
    std::os::unix::fs::symlink("data", stage.at("user/link")).expect("linked");
    let source = trying(&statements.map(|(statement, _)| statement));
    fs::write(stage.at("project/bot.py"), source).expect("written");
    let run = |folders: &[String]| {
        let mut command = tglhost(&own);
        command.arg("run").arg(stage.at("project/bot.py"));
        folders.iter().for_each(|folder| _ = command.args(["--dir", folder]));
        finish(&mut command, "")
    };
    let all = run(&[given("photos", "/script/photos"), given("user", "/user") + ":rw"]);
    let lines: Vec<&str> = all.stdout.lines().collect();
    assert_eq!(lines, statements.map(|(_, expected)| expected), "{}", all.stderr);
    assert_eq!(stage.texts(&["user/z", "photos/q"]), ["z", "-"]);
    for own in ["user/data", "user/data/embedded", "user/link"] {
        let refused = run(&[given(own, "/data")]);
        assert_eq!(refused.code(), Some(2), "{own}: {}", refused.stdout);
        assert!(refused.stderr.contains("tglhost's own folders"), "{own}: {}", refused.stderr);
    }
}

#[test]
fn the_data_of_another_command_is_in_no_folder_of_a_script() {
    let stage = Stage::new(&[("bots/bot.py", "import tgl\n"), ("bots/x", "x")]);
    // Two data directories in the project: one of this version's, one as an earlier version left it.
    for (data, is_marked) in [("bots/marked", true), ("bots/old", false)] {
        let run = finish(tglhost(&stage.at(data)).arg("run").arg(stage.at("bots/bot.py")), "");
        assert_eq!(run.code(), Some(0), "{}", run.stderr);
        let mark = stage.at(data).join(".tglhost-own");
        assert!(mark.is_file());
        if !is_marked {
            fs::remove_file(mark).expect("removed");
        }
        for (project, note) in
            [(format!("{data}/embedded/script"), "as files there say (.tglhost-own, for one)"), ("bots".to_owned(), "")]
        {
            let inside = stage.at(&project).join("inside.py");
            fs::write(&inside, "").expect("written");
            let run = stage.run(&[&inside.display().to_string()]);
            assert!(run.stderr.contains(note), "{project}: {}", run.stderr);
            fs::remove_file(inside).expect("removed");
        }
        let refused = stage.run(&["bots/bot.py", "--dir", &format!("{data}/embedded/script:/data")]);
        assert!(refused.stderr.contains("tglhost's own folders"), "{}", refused.stderr);
    }
    let found = "sorted(f for _, _, files in os.walk(WHERE) for f in files)";
    let in_project = found.replace("WHERE", "'/script'");
    let in_given = found.replace("WHERE", "'/given'");
    check(
        &stage,
        "bots/bot.py",
        &["--dir", &format!("{}:/given:rw", stage.at("bots").display())],
        &[
            (&in_project, "['bot.py', 'x']"),
            (&in_given, "['bot.py', 'x']"),
            ("get('/given/marked/embedded/script/account.db')", "FileNotFoundError ENOENT"),
            ("get('old/embedded/script/account.db')", "FileNotFoundError ENOENT"),
            ("os.path.exists('/given/old/embedded'), os.path.exists('marked')", "(True, False)"),
            ("put('/given/.tglhost-own', 'x')", "PermissionError EACCES"),
            ("put('/home/.tglhost-own', 'x')", "PermissionError EACCES"),
            ("os.rename('/given/x', '/given/.tglhost-own')", "PermissionError EACCES"),
            ("os.remove('/given/marked/.tglhost-own')", "FileNotFoundError ENOENT"),
        ],
    );
}

#[test]
fn a_script_has_the_null_device_and_no_other() {
    let stage = Stage::new(&[("bot.py", "")]);
    let home_use = "sum(len(files) for _, _, files in os.walk('/home'))";
    let before_and_after = format!(
        "{home_use}, [f.write('x' * 1000000) for f in [open(os.devnull, 'a')] for _ in range(60)][-1], {home_use}"
    );
    check(
        &stage,
        "bot.py",
        &[],
        &[
            ("put(os.devnull, 'x'), get(os.devnull)", "(1, '')"),
            (
                "os.path.exists('/dev/null'), os.path.isfile('/dev/null'), os.stat('/dev/null').st_size",
                "(True, False, 0)",
            ),
            (&before_and_after, "(1, 1000000, 1)"),
            ("os.listdir('/dev')", "['null']"),
            ("__import__('logging').FileHandler(os.devnull).close()", "None"),
            ("get('/dev/zero')", "FileNotFoundError ENOENT"),
            ("get('/dev/fd/0')", "FileNotFoundError ENOENT"),
            ("get('/dev/shm/x')", "FileNotFoundError ENOENT"),
            ("put('/dev/x', 'x')", "OSError EROFS"),
            ("os.mkdir('/dev/x')", "OSError EROFS"),
            ("os.remove('/dev/null')", "OSError EROFS"),
            ("os.rename('/dev/null', 'x')", "OSError EXDEV"),
            ("os.utime('/dev/null')", "OSError EROFS"),
        ],
    );
}

#[test]
fn errors_of_paths_say_what_the_guest_may_do() {
    let stage = Stage::new(&[("project/bot.py", ""), ("project/plugins/a", ""), ("photos/p", "photo")]);
    let cases = [
        (
            "open('/etc/passwd')",
            "a script sees /home, /photos, /script, /tmp; --dir HOST:GUEST gives it one more folder",
        ),
        ("open('../other/x')", "a script sees /home, /photos, /script, /tmp"),
        ("open('/photos/q', 'w')", "--dir HOST:GUEST:rw lets it write there"),
        ("os.mkdir('/photos/q')", "--dir HOST:GUEST:rw lets it write there"),
        ("os.listdir('/var')", "a script sees"),
        ("open('/n', 'w')", "a script writes to /home and to the folders that --dir HOST:GUEST:rw gives it"),
        ("os.makedirs('/q', exist_ok=True)", "a script writes to /home"),
        ("os.rename('plugins', 'plugs')", "has to be copied: shutil.move does that"),
        ("os.rename('/photos/p', 'p')", "has to be copied: shutil.move does that"),
        ("print(shutil.move('plugins', 'plugs'), os.path.exists('plugins'), os.listdir('plugs'))", "plugs False ['a']"),
        ("open('out')", "a link leads out"),
        ("os.stat('out')", "[Errno 2]"),
    ];
    std::os::unix::fs::symlink("../photos/p", stage.at("project/out")).expect("linked");
    let tries: String = cases.iter().map(|(call, _)| format!("try: {call}\nexcept OSError as e: print(e)\n")).collect();
    fs::write(stage.at("project/bot.py"), format!("import os, shutil\n{tries}")).expect("written");
    let run = stage.run(&["project/bot.py", "--dir", &format!("{}:/photos", stage.at("photos").display())]);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines.len(), cases.len(), "{} {}", run.stdout, run.stderr);
    for ((call, part), line) in cases.iter().zip(lines) {
        assert!(line.contains(part), "{call}: {line}");
    }
}

#[test]
fn a_thousand_files_may_be_open_and_one_more_is_an_error_that_can_be_caught() {
    let source = "
import errno, gc
class Kept:
    def __init__(self):
        self.me, self.file = self, open('bot.py')
gc.disable()
for n in range(3000):
    Kept()
gc.enable()
print('those that were dropped were closed')
held = []
try:
    for n in range(2000):
        held.append(open('bot.py'))
        held[-1].read(1)
except OSError as e:
    print(errno.errorcode[e.errno], len(held) > 950, len(held) <= 1000)
held.clear()
open('after', 'w').close()
print('goes on')
";
    let stage = Stage::new(&[("bot.py", source)]);
    let run = stage.run(&["bot.py"]);
    assert_eq!(run.stdout, "those that were dropped were closed\nEMFILE True True\ngoes on\n", "{}", run.stderr);
    assert!(run.stderr.contains("1000 files open"), "{}", run.stderr);
}

#[test]
fn a_script_reads_so_many_folders_at_one_time_and_is_told_of_the_bound() {
    let source = "
import errno, os
held = []
try:
    for n in range(100):
        held.append(os.scandir('.'))
except OSError as e:
    print(errno.errorcode[e.errno], len(held))
held.pop().close()
print(len(os.listdir('.')) > 0)
";
    let run = Stage::new(&[("bot.py", source)]).run(&["bot.py"]);
    assert_eq!(run.stdout, "EMFILE 32\nTrue\n", "{}", run.stderr);
    assert_eq!(run.stderr.matches("reads 32 folders at one time").count(), 1, "{}", run.stderr);
}

#[test]
fn telegram_clis_line_takes_folders_as_well() {
    let place = Place::new();
    let photos = place.data.path().join("photos");
    fs::create_dir(&photos).expect("made");
    fs::write(photos.join("p"), "photo").expect("written");
    let source =
        "import tgl\nprint(open('/photos/p').read())\ntgl.set_on_get_difference_end(lambda: tgl.safe_exit(0))\n";
    let script = place.script("bot.py", source).display().to_string();
    let given = format!("{}:/photos", photos.display());
    let token = "4242:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let run = finish(&mut place.command(&["telegram-cli", "-b", token, "-Z", &script, "--dir", &given]), "");
    assert_eq!((run.code(), run.stdout.as_str()), (Some(0), "photo\n"), "{}", run.stderr);
}

#[test]
fn a_disk_in_a_folder_that_is_given_is_seen_and_what_the_kernel_shows_there_is_not() {
    let stage = Stage::new(&[("bot.py", ""), ("given/version", ""), ("given/own", "own")]);
    for folder in ["disk", "processes", "system", "devices"] {
        fs::create_dir(stage.at("given").join(folder)).expect("made");
    }
    let cases = [
        ("sorted(os.listdir('/given'))", "['disk', 'own', 'version']"),
        ("get('/given/disk/a')", "on the disk"),
        ("put('/given/disk/b', 'x')", "1"),
        ("get('/given/own')", "own"),
        ("get('/given/processes/self/environ')", "FileNotFoundError ENOENT"),
        ("os.listdir('/given/disk/../system')", "FileNotFoundError ENOENT"),
        ("os.path.exists('/given/devices/shm')", "False"),
        ("get('/given/version')", "PermissionError EACCES"),
    ];
    fs::write(stage.at("bot.py"), trying(&cases.map(|(statement, _)| statement))).expect("written");
    let mounts = "cd given && mount -t tmpfs none disk && printf 'on the disk' > disk/a && mount --rbind /proc processes && \
                  mount --rbind /sys system && mount --rbind /dev devices && mount --bind /proc/version version && cd .. || exit 9";
    let run = after(mounts, &stage.command(&["bot.py", "--dir", "./given:/given:rw"]));
    let mut inside = Command::new("unshare");
    inside.args(["--map-root-user", "--mount"]).arg(run.get_program()).args(run.get_args());
    inside.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(stage.at("."));
    let ended = finish(&mut inside, "");
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(lines, cases.map(|(_, expected)| expected), "{}", ended.stderr);
}

#[test]
fn what_a_script_asks_for_by_name_and_run_does_not_give_is_said() {
    let asks = "# /// tglhost\n# secrets = [\"KEY\"]\n# env = [\"PLACE\"]\n# folders = [\"photos\", \"box\"]\n# ///\n";
    let stage = Stage::new(&[("bot.py", &format!("{asks}print('loaded')\n")), ("given/a", "")]);
    let run = stage.run(&["bot.py", "--dir", "given:/box"]);
    assert_eq!(run.stdout, "loaded\n");
    for said in [
        "bot.py asks for KEY, PLACE by name, and has to do without: `tglhost run` gives no environment values and no secrets, \
         `tglhost serve` does.",
        "bot.py asks for the folder \"photos\": give it with --dir HOST:/photos, or it has to do without.",
    ] {
        assert_eq!(run.stderr.matches(said).count(), 1, "{}", run.stderr);
    }
    assert!(!run.stderr.contains("\"box\""), "{}", run.stderr);
}
