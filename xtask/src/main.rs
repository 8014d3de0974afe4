//! `cargo xtask <verb>`: set-up, run, install, package, test, bench. Each verb has a file.
//!
//! Invariant: every verb does the set-up that it needs, and none does work twice.

mod baseline;
mod bench;
mod bump;
mod conformance;
mod fuzz;
mod guests;
mod package;
mod run;
mod setup;
mod shell;
mod test;

use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask <verb>

  run SCRIPT... [OPTIONS]   build what is needed, then `tglhost run`: a Python file, a component (.wasm),
                            or the folder of a Rust guest
  test [SUITE]              build what is needed, then every test, or one suite: a package (store, telegram…),
                            a file or folder of tests/ (cli, interop…), or python, which writes docs/API.md;
                            conformance writes docs/COMPATIBILITY.md and prints the table
  bench [--quick]           measure, and write docs/BENCHMARKS.md; --quick tries each measurement and writes nothing
  fuzz TARGET [--minutes N] try foreign bytes of one kind (a file of tests/fuzz) for so long; ten minutes otherwise
  bump-wasmtime VERSION     take another version of wasmtime, if the sandbox's tests and every attack stay green with it
  build                     build the host with everything in it
  install [OPTIONS]         build it and install it as `cargo install` does, whose options these are (--root DIR)
  package [deb]             build it and write what packages hold to target/package: the program, man pages,
                            completions; deb makes the Debian package of that, in target/debian
  setup                     get the tools and build the Python runtime component, as every other verb does first";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((verb, arguments)) = arguments.split_first() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let result = match (verb.as_str(), arguments) {
        ("run", _) => run::run(arguments),
        ("test", [] | [_]) => test::test(arguments.first().map(String::as_str)),
        ("bench", []) => bench::compare(),
        ("bench", [option]) if option == "--quick" => bench::bench(bench::quick()),
        ("bump-wasmtime", [version]) => bump::bump_wasmtime(version),
        ("fuzz", _) => fuzz::fuzz(arguments),
        ("build", []) => run::build_host(),
        ("install", _) => run::install(arguments),
        ("package", []) => package::package(),
        ("package", [kind]) if kind == "deb" => package::deb(),
        ("setup", []) => setup::setup(),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
