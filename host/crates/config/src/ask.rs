//! What a script asks for: a block of comments in it, or a file beside it.
//!
//! Invariant: what a script does not ask for it does not get, whatever its tenant is granted.

use std::io;
use std::path::{Path, PathBuf};

use tgl::Grants;

use crate::fault::{Fault, Text};
use crate::grants::AskedSection;
use crate::named::Names;
use crate::regular;

/// The line that begins the block, in the form of Python's inline script metadata.
const BEGIN: &str = "# /// tglhost";
/// The line that ends it.
const END: &str = "# ///";
/// The block stands in the first part of the file, and a file beside is no longer.
const ASKING_BYTES_MAX: u64 = 64 << 10;

/// How a component begins, which has no comments.
const COMPONENT_BEGIN: &[u8] = b"\0asm";

/// What a script asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// What it is to be granted; nothing where it says nothing.
    pub grants: Grants,
    /// What it is to be given by name.
    pub names: Names,
    /// It says something.
    pub is_said: bool,
}

/// What the script in this file asks for: in a file beside it, `bot.py.toml` for `bot.py`, else, where it is no component, in a
/// block of comments:
///
/// ```python
/// # /// tglhost
/// # calls = ["read", "send"]
/// # chats = ["users"]
/// # secrets = ["API_KEY"]
/// # ///
/// ```
///
/// # Errors
/// What is wrong with what it says. A file that cannot be read asks for nothing.
pub fn asked_in(script: &Path) -> Result<Asked, Vec<Fault>> {
    let mut beside = script.as_os_str().to_owned();
    beside.push(".toml");
    let beside = PathBuf::from(beside);
    if let Ok(text) = beginning(&beside) {
        return read(&Text { path: &beside, text: &text });
    }
    let text = beginning(script).unwrap_or_default();
    // Every line of the block keeps its place, so that a fault is told by the script's own lines.
    match block(&text) {
        Block::None => Ok(Asked::default()),
        Block::Whole(block) => read(&Text { path: script, text: &block }),
        Block::Open(begin) => {
            let what =
                format!("the block that begins here has no end: end it with a line `{END}`, of comments before it");
            Err(vec![Fault { path: script.to_owned(), place: Some((begin + 1, 1)), what }])
        }
    }
}

fn beginning(path: &Path) -> io::Result<String> {
    let bytes = regular::beginning(path, ASKING_BYTES_MAX)?;
    if bytes.starts_with(COMPONENT_BEGIN) {
        return Ok(String::new());
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What a script's text has of a block.
enum Block {
    None,
    /// Its text, with nothing in the place of all that is not in it.
    Whole(String),
    /// It begins at this line, the first one 0, and does not end.
    Open(usize),
}

fn block(text: &str) -> Block {
    let is_begin = |line: &str| line.trim_start_matches('\u{feff}').trim_end() == BEGIN;
    let Some(begin) = text.lines().position(is_begin) else { return Block::None };
    let mut block = "\n".repeat(begin + 1);
    for line in text.lines().skip(begin + 1) {
        if line.trim_end() == END {
            return Block::Whole(block);
        }
        let Some(content) = line.strip_prefix('#') else { break };
        // In the place of the comment's sign, so that columns stay.
        block.push(' ');
        block.push_str(content);
        block.push('\n');
    }
    Block::Open(begin)
}

fn read(text: &Text<'_>) -> Result<Asked, Vec<Fault>> {
    let section: AskedSection =
        toml::from_str(text.text).map_err(|error| vec![text.fault(error.span(), error.message())])?;
    let mut faults = Vec::new();
    let (grants, names) = section.read(&mut faults);
    if faults.is_empty() {
        return Ok(Asked { grants, names, is_said: true });
    }
    Err(faults.into_iter().map(|(span, what)| text.fault(Some(span), what)).collect())
}
