//! Logs of scripts in files of their own: the lines that `--json` prints.
//!
//! Invariant: whoever writes waits for no disk; and a log has two files of at most [`FILE_BYTES_MAX`], so what is older goes.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The length of a log's file beyond which it becomes the older one of two.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// What may wait to be written, over all logs; what finds no room is dropped and counted.
const WAITING_BYTES_MAX: usize = 8 << 20;
/// Lines that can be asked for at one time: more than two files hold of most logs.
pub(crate) const LOG_LINES_MAX: u32 = 100_000;

/// The logs of all scripts, written by a thread. Cheap to clone.
#[derive(Clone)]
pub(crate) struct ScriptLogs {
    folder: PathBuf,
    shared: Arc<Shared>,
}

/// One script's log. Cheap to clone.
#[derive(Clone)]
pub(crate) struct ScriptLog {
    path: Arc<Path>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    more: Condvar,
}

#[derive(Default)]
struct Waiting {
    logs: BTreeMap<Arc<Path>, Piece>,
    bytes: usize,
}

/// What waits for one log.
#[derive(Default)]
struct Piece {
    text: String,
    /// Lines that found no room.
    dropped: u64,
}

impl ScriptLogs {
    /// Logs in this folder, which is made.
    ///
    /// # Errors
    /// Where there can be no such folder or no thread.
    pub(crate) fn start(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        let shared = Arc::<Shared>::default();
        let written = Arc::clone(&shared);
        std::thread::Builder::new().name("script-logs".to_owned()).spawn(move || write_without_end(&written))?;
        Ok(Self { folder, shared })
    }

    /// The log of the script that its account calls so.
    pub(crate) fn of(&self, script: &str) -> ScriptLog {
        ScriptLog { path: self.folder.join(format!("{script}.jsonl")).into(), shared: Arc::clone(&self.shared) }
    }
}

impl ScriptLog {
    /// Adds a line, which has its end, and gives its length.
    pub(super) fn write(&self, line: String) -> usize {
        let mut waiting = self.shared.lock();
        let has_room = waiting.bytes + line.len() <= WAITING_BYTES_MAX;
        let piece = waiting.logs.entry(Arc::clone(&self.path)).or_default();
        if has_room {
            piece.text.push_str(&line);
            waiting.bytes += line.len();
        } else {
            piece.dropped += 1;
        }
        drop(waiting);
        self.shared.more.notify_one();
        line.len()
    }

    /// What is read of it, from so many lines before its end on.
    ///
    /// # Errors
    /// Where it cannot be read. One that is not there is empty.
    pub(crate) fn tail(&self, lines_max: usize) -> io::Result<(LogTail, String)> {
        LogTail::begin(Arc::clone(&self.path), lines_max)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write_without_end(shared: &Shared) {
    let mut is_told = false;
    loop {
        let logs = {
            let mut waiting = shared.lock();
            while waiting.logs.is_empty() {
                waiting = shared.more.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            }
            std::mem::take(&mut *waiting).logs
        };
        for (path, piece) in logs {
            let written = write(&path, piece);
            if let Err(error) = &written
                && !is_told
            {
                tracing::error!(path = %path.display(), %error, "a script's log cannot be written");
            }
            is_told = written.is_err();
        }
    }
}

fn write(path: &Path, piece: Piece) -> io::Result<()> {
    let mut file = open(path)?;
    if file.metadata()?.len() > FILE_BYTES_MAX {
        fs::rename(path, older(path))?;
        file = open(path)?;
    }
    let mut text = piece.text;
    if piece.dropped > 0 {
        let line =
            super::Line::Note { text: &format!("{} lines are missing here: the disk was too slow", piece.dropped) };
        text.push_str(&super::line::json(super::About::default(), &line));
    }
    file.write_all(text.as_bytes())
}

/// Opens a log, in a folder that somebody may have removed.
fn open(path: &Path) -> io::Result<File> {
    let open = || File::options().create(true).append(true).mode(0o600).open(path);
    match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(path.parent().unwrap_or(path))?;
            open()
        }
        opened => opened,
    }
}

fn older(path: &Path) -> PathBuf {
    path.with_extension("older.jsonl")
}

/// A log that is read on as it grows.
pub(crate) struct LogTail {
    path: Arc<Path>,
    file: Option<File>,
    at: u64,
}

impl LogTail {
    fn begin(path: Arc<Path>, lines_max: usize) -> io::Result<(Self, String)> {
        let mut tail = Self { path, file: None, at: 0 };
        let mut text = match fs::read(older(&tail.path)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read?,
        };
        text.extend(tail.read()?);
        let ends = text.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
        // The end of the last line before those that are wanted.
        let begin = ends.skip(lines_max).next().unwrap_or(0);
        Ok((tail, String::from_utf8_lossy(&text[begin..]).into_owned()))
    }

    /// What has come since the last time.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub(crate) fn more(&mut self) -> io::Result<String> {
        Ok(String::from_utf8_lossy(&self.read()?).into_owned())
    }

    /// Whole lines, from the file that was read so far and from the one that has taken its place.
    fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        loop {
            if let Some(file) = &mut self.file {
                file.seek(SeekFrom::Start(self.at))?;
                let before = text.len();
                file.read_to_end(&mut text)?;
                let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(before, |end| (end + 1).max(before));
                text.truncate(whole);
                self.at += (whole - before) as u64;
            }
            let there = match File::open(&self.path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(text),
                there => there?,
            };
            let number = |file: &File| file.metadata().map(|about| about.ino());
            let is_same = match &self.file {
                Some(file) => number(file)? == number(&there)?,
                None => false,
            };
            if is_same {
                return Ok(text);
            }
            (self.file, self.at) = (Some(there), 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(text: &str) -> Piece {
        Piece { text: text.to_owned(), dropped: 0 }
    }

    #[test]
    fn a_log_is_bounded_and_read_on_across_its_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let path: Arc<Path> = folder.path().join("ann.bot.jsonl").into();
        let (mut tail, text) = LogTail::begin(Arc::clone(&path), 10).expect("read");
        assert_eq!(text, "");
        let line = |number: usize| format!("{number} {}\n", "x".repeat(1_000));
        let mut read = String::new();
        for number in 0..5_000 {
            write(&path, piece(&line(number))).expect("written");
            if number % 100 == 0 {
                read.push_str(&tail.more().expect("read"));
            }
        }
        read.push_str(&tail.more().expect("read"));
        assert!(read == (0..5_000).map(line).collect::<String>(), "each line once and in order");
        let kept: u64 = fs::read_dir(folder.path())
            .expect("a folder")
            .map(|file| file.expect("a file").metadata().expect("about").len())
            .sum();
        assert!(
            kept < 2 * FILE_BYTES_MAX + 4_000 && fs::read_dir(folder.path()).expect("a folder").count() == 2,
            "{kept}"
        );
        let (_, text) = LogTail::begin(path, 3).expect("read");
        assert_eq!(text, [4_997, 4_998, 4_999].map(line).concat());
    }
}
