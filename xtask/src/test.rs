//! `cargo xtask test`.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::shell::{self, cargo, root, step};
use crate::{bench, conformance, guests, run, setup};

/// Where the unit tests of the `tgl` package are.
const PYTHON_TESTS: &str = "tests/python";

/// The suite that builds guests in other languages.
const LANGUAGES: &str = "languages";

/// The suite of independent clients.
const INTEROP: &str = "interop";

/// Writes docs/API.md from the package's stubs.
const API_PAGE: &str = "tests/python/api.py";

/// How many tests ended which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: usize,
    failed: usize,
}

/// Builds what is needed and runs every test, or one suite. An error if one failed.
pub(crate) fn test(suite: Option<&str>) -> Result<()> {
    let mut tally = Tally::default();
    if suite.is_none_or(|suite| suite != "python") {
        let selection = suite.map_or_else(|| Ok(vec!["--workspace".to_owned()]), selection)?;
        run::build_host()?;
        step("Building the Rust guests");
        guests::build_all()?;
        setup::interop_environment()?;
        if suite.is_none_or(|suite| suite == INTEROP) {
            setup::more_interop_environments()?;
        }
        if suite.is_none_or(|suite| suite == LANGUAGES) {
            setup::javascript_tools()?;
        }
        if suite == Some(conformance::SUITE) {
            conformance::prepare()?;
        }
        step("Building and running the tests of the host");
        let mut tests = cargo();
        tests.args(["test", "--no-fail-fast"]).args(&selection).stdout(Stdio::piped());
        tests.env("RUST_TEST_THREADS", threads().to_string());
        tally.add(counted(&mut tests, Stream::Stdout)?);
    }
    if suite.is_none() {
        step("Trying out the measurements");
        tally.add(tried(&mut bench::quick()));
    }
    if suite.is_none_or(|suite| suite == "python") {
        let python = setup::python_tests_environment()?.join("bin/python");
        if suite.is_some() {
            step("Writing docs/API.md");
            shell::run(Command::new(&python).current_dir(root()).arg(API_PAGE))?;
        }
        step("Running the tests of the Python package");
        let mut tests = Command::new(python);
        tests.current_dir(root()).args(["-m", "unittest", "discover", PYTHON_TESTS]).stderr(Stdio::piped());
        tally.add(counted(&mut tests, Stream::Stderr)?);
    }
    if suite == Some(conformance::SUITE) {
        conformance::print_table()?;
    }
    writeln!(std::io::stdout(), "{} passed, {} failed", tally.passed, tally.failed)?;
    if tally.failed > 0 {
        bail!("{} failed", if tally.failed == 1 { "a test".to_owned() } else { format!("{} tests", tally.failed) });
    }
    Ok(())
}

/// Tests of a program at one time: more than there are cores, since most of them wait for processes that they have started.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, |cores| cores.get() * 3 / 2).max(2)
}

/// What cargo is told to test one suite: an integration test of the package `tests`, or a package.
fn selection(suite: &str) -> Result<Vec<String>> {
    let tests = root().join("tests");
    let is_integration_test =
        tests.join(suite).join("main.rs").is_file() || tests.join(suite).with_extension("rs").is_file();
    let arguments: &[&str] =
        if is_integration_test { &["--package", "tests", "--test", suite] } else { &["--package", suite] };
    let known = cargo().args(["pkgid", "--quiet", suite]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !is_integration_test && !known.context("cannot start cargo")?.success() {
        bail!(
            "there is no suite {suite}: name a package (store, telegram…), a file or folder of tests/ (cli, interop…), or python"
        );
    }
    Ok(arguments.iter().map(|&argument| argument.to_owned()).collect())
}

/// Where a test program writes its results.
enum Stream {
    Stdout,
    Stderr,
}

/// Runs a program that is one test.
fn tried(command: &mut Command) -> Tally {
    match shell::run(command) {
        Ok(()) => Tally { passed: 1, failed: 0 },
        Err(error) => {
            step(&format!("{error:#}"));
            Tally { passed: 0, failed: 1 }
        }
    }
}

/// Runs a test program, shows what it writes as it comes, and counts.
fn counted(command: &mut Command, results: Stream) -> Result<Tally> {
    let mut child = command.spawn().context("cannot start the tests")?;
    let pipe: Box<dyn std::io::Read> = match results {
        Stream::Stdout => Box::new(child.stdout.take().context("the tests' output is not piped")?),
        Stream::Stderr => Box::new(child.stderr.take().context("the tests' output is not piped")?),
    };
    let mut tally = Tally::default();
    for line in BufReader::new(pipe).split(b'\n') {
        let line = line?;
        std::io::stdout().write_all(&line)?;
        std::io::stdout().write_all(b"\n")?;
        tally.count(&String::from_utf8_lossy(&line));
    }
    let status = child.wait()?;
    if !status.success() && tally.failed == 0 {
        // It did not even come to its results.
        tally.failed = 1;
    }
    Ok(tally)
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }

    /// Takes in a line that sums up results: cargo's "test result: ok. 3 passed; 0 failed; …", or unittest's "Ran 5 tests in
    /// 0.1s" and "FAILED (failures=1, errors=2)".
    fn count(&mut self, line: &str) {
        if let Some(counts) = line.strip_prefix("test result: ") {
            self.passed += number_before(counts, " passed");
            self.failed += number_before(counts, " failed");
        } else if line.starts_with("Ran ") {
            self.passed += number_before(line, " test");
        } else if let Some(counts) = line.strip_prefix("FAILED (") {
            let failed = number_after(counts, "failures=") + number_after(counts, "errors=");
            self.failed += failed;
            self.passed = self.passed.saturating_sub(failed);
        }
    }
}

fn number_before(text: &str, word: &str) -> usize {
    let Some((before, _)) = text.split_once(word) else { return 0 };
    before.rsplit(|c: char| !c.is_ascii_digit()).next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn number_after(text: &str, word: &str) -> usize {
    let Some((_, after)) = text.split_once(word) else { return 0 };
    after.split(|c: char| !c.is_ascii_digit()).next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_counted_from_what_test_programs_write() {
        let cases = [
            ("test result: ok. 14 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.00s", 14, 0),
            ("test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out", 3, 2),
            ("Ran 52 tests in 0.101s\n\nOK", 52, 0),
            ("Ran 1 test in 0.001s\n\nOK (skipped=1)", 1, 0),
            ("Ran 10 tests in 0.101s\n\nFAILED (failures=1, errors=2, skipped=1)", 7, 3),
            ("test store::tests::it_works ... ok", 0, 0),
        ];
        for (text, passed, failed) in cases {
            let mut tally = Tally::default();
            text.lines().for_each(|line| tally.count(line));
            assert_eq!(tally, Tally { passed, failed }, "{text}");
        }
    }
}
