//! Scripts as they lie on disk, and the programs that they become.
//!
//! Invariant: a file is read whole and checked once; nothing here runs any of it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use encoding_rs::Encoding;
use sandbox::{CompilerConfig, ComponentSource};
use supervisor::{Compiling, Supervisor};
use tgl::ScriptName;

use crate::commands::THIS_PROGRAM;
use crate::commands::compile_worker::COMPILE_WORKER;
use crate::data_dir::mark_own;
use crate::misuse::{OrMisuse, misuse};
use crate::output::Output;
use crate::python_component;
use crate::settings;

/// A script larger than this is a mistake.
const SCRIPT_BYTES_MAX: u64 = 16 << 20;

/// A script as it was found on disk.
#[derive(Clone, PartialEq)]
pub(crate) struct ScriptFile {
    /// Its file's name.
    pub(crate) name: ScriptName,
    /// Its file, wherever links to it lie.
    pub(crate) path: PathBuf,
    content: Content,
}

#[derive(Clone, PartialEq)]
enum Content {
    Python(Arc<str>),
    Component(Arc<[u8]>),
    /// It cannot be run, for this reason: then others can.
    Unfit(Arc<str>),
}

impl ScriptFile {
    /// Reads a script. As with telegram-cli, `.py` may be left off.
    pub(crate) fn read(given: &Path) -> Result<Self> {
        let path = &*named(given);
        let shown = path.display();
        if given == Path::new("-") {
            return Err(misuse(
                "cannot run what comes on stdin, which is the chat: save the script in a file and name that",
            ));
        }
        let about = std::fs::metadata(path).with_context(|| format!("cannot run {shown}")).or_misuse()?;
        if !about.is_file() {
            let what = if about.is_dir() { "a folder" } else { "no regular file" };
            return Err(misuse(format_args!(
                "cannot run {shown}: it is {what}, and a script is one file (name its .py or .wasm file)"
            )));
        }
        let path = path.canonicalize().with_context(|| format!("cannot run {shown}")).or_misuse()?;
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            return Err(misuse(format_args!("cannot run {shown}: its name is not UTF-8 text")));
        };
        let is_component = path.extension().is_some_and(|extension| extension == "wasm");
        let bytes_max = if is_component { sandbox::COMPONENT_BYTES_MAX as u64 } else { SCRIPT_BYTES_MAX };
        let content = if about.len() > bytes_max {
            let bytes = about.len();
            Content::Unfit(
                format!("it has {bytes} bytes, and {bytes_max} is the most a script of its kind may have").into(),
            )
        } else {
            let bytes = std::fs::read(&path).with_context(|| format!("cannot read {shown}"))?;
            match is_component || bytes.starts_with(b"\0asm") {
                true => Content::Component(bytes.into()),
                false => {
                    decode(bytes).map_or_else(|why| Content::Unfit(why.into()), |text| Content::Python(text.into()))
                }
            }
        };
        Ok(Self { name: name.into(), path: path.clone(), content })
    }

    /// Why it cannot be run, where that is known already.
    pub(crate) fn unfit(&self) -> Option<anyhow::Error> {
        match &self.content {
            Content::Unfit(why) => Some(anyhow!("cannot run {}: {why}", self.path.display())),
            Content::Python(_) | Content::Component(_) => None,
        }
    }

    /// Python source with this path, where the guest sees it, or nothing for a compiled guest.
    pub(crate) fn source(&self, path: &str) -> Option<(String, String)> {
        match &self.content {
            Content::Python(text) => Some((text.to_string(), path.to_owned())),
            Content::Component(_) | Content::Unfit(_) => None,
        }
    }
}

/// Where the script lies that is named so, links followed.
///
/// # Errors
/// Where it is not there.
pub(crate) fn real_path(given: &Path) -> io::Result<PathBuf> {
    named(given).canonicalize()
}

fn named(given: &Path) -> Cow<'_, Path> {
    let with_suffix = given.with_added_extension("py");
    if !given.exists() && with_suffix.is_file() { with_suffix.into() } else { given.into() }
}

/// A script's text: UTF-8, or what it declares (<https://peps.python.org/pep-0263/>). Else the line where it stops being UTF-8.
fn decode(bytes: Vec<u8>) -> Result<String, String> {
    let error = match String::from_utf8(bytes) {
        Ok(text) => return Ok(text),
        Err(error) => error,
    };
    let bytes = error.as_bytes();
    let text = declared_encoding(bytes)
        .and_then(|encoding| encoding.decode_without_bom_handling_and_without_replacement(bytes));
    if let Some(text) = text {
        return Ok(text.into_owned());
    }
    let valid = &bytes[..error.utf8_error().valid_up_to()];
    let line = valid.iter().filter(|&&byte| byte == b'\n').count() + 1;
    Err(format!(
        "it is not UTF-8 text (line {line}), and no other encoding is declared in its first line: \
         save it as UTF-8 in your editor, or declare what it is, as in `# -*- coding: latin-1 -*-`"
    ))
}

/// What a comment in the first two lines says of the encoding, if it is one that is known.
fn declared_encoding(script: &[u8]) -> Option<&'static Encoding> {
    let mut comments =
        script.split(|&byte| byte == b'\n').take(2).filter(|line| line.trim_ascii_start().starts_with(b"#"));
    comments.find_map(|comment| {
        let (_, after) = std::str::from_utf8(comment).ok()?.split_once("coding")?;
        let name = after.strip_prefix([':', '='])?.trim_start();
        let end = name.find(|letter: char| !letter.is_ascii_alphanumeric() && !"-_.".contains(letter));
        let name = name[..end.unwrap_or(name.len())].replace('_', "-");
        // Python knows some under more names than the standard for the web, which is what this library follows.
        Encoding::for_label(name.as_bytes()).or_else(|| Encoding::for_label(name.replace('-', "").as_bytes()))
    })
}

/// Has compiled what the scripts need, or taken from the cache: each by itself, so that none waits for another's. The Python
/// runtime is compiled once for all of them, and so is a file that was read once for several.
pub(crate) fn compile(files: &[ScriptFile], supervisor: &Supervisor, output: &Output) -> Result<Vec<Compiling>> {
    let mut python: Option<Compiling> = None;
    let mut components: BTreeMap<*const u8, Compiling> = BTreeMap::new();
    let begin = |source: ComponentSource, what: &str| {
        let (output, text) = (output.clone(), format!("Compiling {what} for this machine (once)…"));
        supervisor.compile(source, move || output.note(&text))
    };
    let mut program = |file: &ScriptFile| match &file.content {
        Content::Unfit(why) => Ok(Compiling::failed(why.to_string())),
        Content::Component(bytes) => {
            let begin = || begin(ComponentSource::user(bytes.to_vec()), &file.name);
            Ok(components.entry(bytes.as_ptr()).or_insert_with(begin).clone())
        }
        Content::Python(_) => match &python {
            Some(program) => Ok(program.clone()),
            None => Ok(python.insert(begin(python_component::source()?, "the Python runtime")).clone()),
        },
    };
    files.iter().map(&mut program).collect()
}

/// How programs are compiled: by a process of its own, into the cache.
pub(crate) fn compiler() -> Result<CompilerConfig> {
    let cache_dir = cache_dir()?;
    mark_own(&cache_dir);
    Ok(CompilerConfig {
        compile_worker: Some(sandbox::CompilerCommand {
            program: THIS_PROGRAM.into(),
            args: vec![COMPILE_WORKER.into()],
        }),
        cache_bytes_max: settings::cache_bytes_max()?,
        cache_dir,
    })
}

/// Where compiled components are kept: private to this user, and safe to delete.
pub(crate) fn cache_dir() -> Result<PathBuf> {
    let cache = dirs::cache_dir().context("no cache directory is known for this user: set HOME")?;
    Ok(cache.join("tglhost"))
}
