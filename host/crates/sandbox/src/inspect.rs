//! What a component says of itself, read before anything is compiled: its kind, its imports, its exports.
//!
//! Invariant: what passes here imports only interfaces that the linker has, and exports the callbacks. Nothing inside of it
//! is looked at, so this costs next to nothing whatever the component is.

use wasmparser::{Chunk, Parser, Payload};

use crate::bindings::CALLBACKS;
use crate::errors::CompileError;
use crate::source::COMPONENT_BYTES_MAX;

/// The contract's package.
const CONTRACT: &str = "tgl:script";
/// The version of it that this host speaks. Later patch versions fit as well.
const CONTRACT_VERSION: &str = "0.1.0";

/// What a guest may import, by package. Of sockets there is the interface, and every use of it is refused: the Python
/// component cannot be linked without it.
const INTERFACES: [(&str, &[&str]); 7] = [
    (CONTRACT, &["types", "calls", "lookup", "host"]),
    ("wasi:io", &["error", "poll", "streams"]),
    ("wasi:clocks", &["monotonic-clock", "wall-clock"]),
    ("wasi:random", &["random", "insecure", "insecure-seed"]),
    (
        "wasi:cli",
        &[
            "environment",
            "exit",
            "stdin",
            "stdout",
            "stderr",
            "terminal-input",
            "terminal-output",
            "terminal-stdin",
            "terminal-stdout",
            "terminal-stderr",
        ],
    ),
    ("wasi:filesystem", &["types", "preopens"]),
    (
        "wasi:sockets",
        &["network", "instance-network", "udp", "udp-create-socket", "tcp", "tcp-create-socket", "ip-name-lookup"],
    ),
];

/// Says what is wrong with a file, as far as it says itself.
pub(crate) fn check(bytes: &[u8]) -> Result<(), CompileError> {
    if bytes.len() > COMPONENT_BYTES_MAX {
        return Err(CompileError::TooLarge { bytes: bytes.len(), bytes_max: COMPONENT_BYTES_MAX });
    }
    // https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md: magic, version, layer.
    match bytes {
        [0, b'a', b's', b'm', _, _, 1, 0, ..] => {}
        [0, b'a', b's', b'm', _, _, 0, 0, ..] => return Err(CompileError::CoreModule),
        _ => return Err(CompileError::NotWasm),
    }
    let names = names(bytes).map_err(CompileError::Invalid)?;
    check_imports(names.imports)?;
    check_exports(&names.exports)
}

/// The names of a component's own imports and exports, not of those that are nested in it.
#[derive(Default)]
struct Names {
    imports: Vec<String>,
    exports: Vec<String>,
}

fn names(mut rest: &[u8]) -> Result<Names, String> {
    let invalid = |error: wasmparser::BinaryReaderError| error.to_string();
    let mut names = Names::default();
    let mut parser = Parser::new(0);
    loop {
        // Everything is there, so the parser asks for no more.
        let Chunk::Parsed { consumed, payload } = parser.parse(rest, true).map_err(invalid)? else { return Ok(names) };
        rest = rest.get(consumed..).unwrap_or_default();
        match payload {
            Payload::ComponentImportSection(section) => {
                for import in section {
                    names.imports.push(import.map_err(invalid)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    names.exports.push(export.map_err(invalid)?.name.name.to_owned());
                }
            }
            Payload::ModuleSection { unchecked_range: nested, .. }
            | Payload::ComponentSection { unchecked_range: nested, .. } => {
                rest = rest.get(nested.len()..).ok_or("it ends within one of its parts")?;
            }
            Payload::End(_) => return Ok(names),
            _ => {}
        }
    }
}

/// Names every import that guests are not given, and what its author can do.
fn check_imports(imports: Vec<String>) -> Result<(), CompileError> {
    let mut unknown: Vec<(&str, Vec<String>)> = Vec::new();
    for import in imports {
        let name = Name::of(&import);
        if name.package == CONTRACT && !compatible(name.version, CONTRACT_VERSION) {
            return Err(CompileError::OtherVersion { found: import, ours: "tgl:script@0.1.0" });
        }
        if name.is_given() {
            continue;
        }
        let advice = name.advice();
        match unknown.iter_mut().find(|(given, _)| *given == advice) {
            Some((_, imports)) => imports.push(import),
            None => unknown.push((advice, vec![import])),
        }
    }
    let described = unknown.iter().map(|(advice, imports)| format!("{} ({advice})", imports.join(", ")));
    if unknown.is_empty() { Ok(()) } else { Err(CompileError::UnknownImports(described.collect())) }
}

fn check_exports(exports: &[String]) -> Result<(), CompileError> {
    let ours = Name::of(CALLBACKS);
    let of_any_version = exports.iter().find(|export| {
        let name = Name::of(export);
        (name.package, name.interface) == (ours.package, ours.interface)
    });
    match of_any_version {
        Some(export) if compatible(Name::of(export).version, ours.version) => Ok(()),
        Some(export) => Err(CompileError::OtherVersion { found: export.clone(), ours: "tgl:script@0.1.0" }),
        None => Err(CompileError::NotAScript(CALLBACKS)),
    }
}

/// An interface's name in its parts: `package/interface@version`.
struct Name<'a> {
    package: &'a str,
    interface: &'a str,
    version: &'a str,
}

impl<'a> Name<'a> {
    fn of(name: &'a str) -> Self {
        let (path, version) = name.split_once('@').unwrap_or((name, ""));
        let (package, interface) = path.split_once('/').unwrap_or((path, ""));
        Self { package, interface, version }
    }

    fn is_given(&self) -> bool {
        let version = if self.package == CONTRACT { CONTRACT_VERSION } else { "0.2.0" };
        let known =
            |(package, interfaces): &(&str, &[&str])| *package == self.package && interfaces.contains(&self.interface);
        INTERFACES.iter().any(known) && compatible(self.version, version)
    }

    /// What the author of a component can do about an import that is not given.
    fn advice(&self) -> &'static str {
        match self.package {
            "wasi:http" => "a script has no network: with componentize-js, build with `--disable http fetch-event`",
            CONTRACT => "the contract in wit/v0.1 has no such interface",
            package if package.starts_with("wasi:") && !compatible(self.version, "0.2.0") => {
                "scripts are given WASI 0.2: choose that where it is built; with componentize-qjs, by `--sync`"
            }
            package if package.starts_with("wasi:") => "WASI's, and not for scripts",
            "" | "env" => "not an interface: it was left open when the component was linked",
            _ => "another component has to provide it: join the two, as with `wac plug`",
        }
    }
}

/// Whether two versions below 1.0 differ in their patch number at most.
fn compatible(version: &str, ours: &str) -> bool {
    let line = |version: &str| version.rsplit_once('.').map(|(line, _)| line.to_owned());
    line(version).is_some() && line(version) == line(ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_fit_up_to_their_patch_number() {
        for (version, fits) in [("0.1.0", true), ("0.1.7", true), ("0.2.0", false), ("1.1.0", false), ("", false)] {
            assert_eq!(compatible(version, CONTRACT_VERSION), fits, "{version}");
        }
    }

    #[test]
    fn imports_that_are_not_given_come_with_advice() {
        for (import, advice) in [
            ("tgl:script/calls@0.1.0", None),
            ("tgl:script/calls@0.1.3", None),
            ("tgl:script/payments@0.1.0", Some("wit/v0.1")),
            ("wasi:io/poll@0.2.9", None),
            ("wasi:io/poll@0.3.0", Some("WASI 0.2")),
            ("wasi:clocks/timezone@0.2.0", Some("not for scripts")),
            ("wasi:http/types@0.2.3", Some("--disable http")),
            ("wasi:nn/graph@0.2.0", Some("not for scripts")),
            ("acme:kv/store@1.0.0", Some("wac plug")),
            ("acme:kv/store", Some("wac plug")),
            ("env", Some("left open")),
        ] {
            let said = check_imports(vec![import.to_owned()]).map_err(|error| error.to_string());
            match advice {
                None => assert_eq!(said, Ok(()), "{import}"),
                Some(advice) => {
                    let said = said.expect_err(import);
                    assert!(said.contains(import) && said.contains(advice), "{said}");
                }
            }
        }
    }

    #[test]
    fn a_script_exports_its_callbacks() {
        let check = |exports: &[&str]| check_exports(&exports.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
        assert!(check(&["init", CALLBACKS]).is_ok());
        assert!(matches!(check(&["tgl:script/callbacks@0.2.0"]), Err(CompileError::OtherVersion { .. })));
        assert!(matches!(check(&["wasi:cli/run@0.2.0"]), Err(CompileError::NotAScript(_))));
    }
}
