//! What a guest does in its file space, a line for each thing.

use std::fs;
use std::io::{Read, Write};

use files::{FileSpace, OpenHow, Opened, Place};
use rustix::io::Errno;

/// Does what a line says, as a guest would, and gives what comes of it: text, names, or an errno's name.
pub(crate) fn told(space: &FileSpace, line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let (cwd, path) = (Place::root(), absolute(space, words[1]));
    let mut turn = space.quota().turn();
    let mut room = |bytes| turn.take(bytes);
    let mut open = |how: OpenHow| match space.open_at(&cwd, &path, OpenHow { follow: true, ..how }, &mut room)? {
        Opened::File { file, .. } => Ok(file),
        Opened::Folder(_) => Err(Errno::ISDIR),
    };
    let written = |mut file: fs::File, text: &str| file.write_all(text.as_bytes()).map(|()| String::new()).unwrap();
    let done = match words[0] {
        "read" => open(OpenHow { read: true, ..OpenHow::default() }).map(|mut file| {
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            text
        }),
        "write" => open(OpenHow { write: true, create: true, truncate: true, ..OpenHow::default() })
            .map(|file| written(file, words[2])),
        "append" => open(OpenHow { write: true, create: true, ..OpenHow::default() }).map(|mut file| {
            std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0)).unwrap();
            written(file, words[2])
        }),
        "list" => place(space, &path)
            .and_then(|place| space.list(&place))
            .map(|names| names.into_iter().map(|(name, _)| name).collect::<Vec<_>>().join(" ")),
        "stat" => space.stat(&cwd, &path, true).map(|_| String::new()),
        "mkdir" => space.make_folder(&cwd, &path, &mut room).map(|()| String::new()),
        "rm" => space.remove_file(&cwd, &path, &mut room).map(|()| String::new()),
        "rmdir" => space.remove_folder(&cwd, &path, &mut room).map(|()| String::new()),
        "mv" => space.rename(&cwd, &path, &cwd, &absolute(space, words[2]), &mut room).map(|()| String::new()),
        "ln" => space.add_name(&cwd, &path, &cwd, &absolute(space, words[2]), &mut room).map(|()| String::new()),
        "symlink" => space.make_link(words[2], &cwd, &path, &mut room).map(|()| String::new()),
        other => panic!("no verb {other}"),
    };
    done.unwrap_or_else(|errno| name(errno).to_owned())
}

fn name(errno: Errno) -> &'static str {
    let named = [
        (Errno::ACCESS, "ACCESS"),
        (Errno::BUSY, "BUSY"),
        (Errno::EXIST, "EXIST"),
        (Errno::INVAL, "INVAL"),
        (Errno::ISDIR, "ISDIR"),
        (Errno::NOENT, "NOENT"),
        (Errno::NOSPC, "NOSPC"),
        (Errno::NOTDIR, "NOTDIR"),
        (Errno::NOTEMPTY, "NOTEMPTY"),
        (Errno::PERM, "PERM"),
        (Errno::ROFS, "ROFS"),
        (Errno::XDEV, "XDEV"),
    ];
    named.iter().find_map(|(known, name)| (*known == errno).then_some(*name)).unwrap_or_else(|| panic!("{errno}"))
}

pub(crate) fn absolute(space: &FileSpace, path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("{}/{path}", space.cwd_path()) }
}

fn place(space: &FileSpace, path: &str) -> Result<Place, Errno> {
    let how = OpenHow { read: true, folder: true, follow: true, ..OpenHow::default() };
    match space.open_at(&Place::root(), path, how, &mut |_| false)? {
        Opened::Folder(place) => Ok(place),
        file @ Opened::File { .. } => panic!("{path}: {file:?}"),
    }
}
