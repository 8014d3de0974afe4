//! The user's time zone, as `date` finds it: by TZ, else by /etc/localtime. A guest's C library knows UTC only; a script that
//! wants local time finds in TZ what this gives.
//!
//! Invariant: where the zone is known, what is given can be understood without this machine's files: a name of the time zone
//! database, or a rule.

use std::fs;
use std::path::Path;

/// A zone file of more than this is none.
const ZONE_FILE_BYTES_MAX: u64 = 1 << 20;

/// What a script's TZ is to hold; none for UTC.
pub(crate) fn of_user() -> Option<String> {
    match std::env::var("TZ") {
        Ok(tz) => Some(portable(&tz)),
        Err(_) => of_system(Path::new("/etc")),
    }
}

/// The same zone, where TZ gives it by a file.
fn portable(tz: &str) -> String {
    let name = tz.strip_prefix(':').unwrap_or(tz);
    let file = Path::new(name);
    let found = if file.is_absolute() { named(file).or_else(|| rule(file)) } else { None };
    found.unwrap_or_else(|| name.to_owned())
}

/// The zone that the files in /etc tell: `localtime` is a link into the database or, on some systems, a copy of a file there,
/// whose name `timezone` may tell.
fn of_system(etc: &Path) -> Option<String> {
    let localtime = etc.join("localtime");
    if let Some(name) = named(&localtime) {
        return Some(name);
    }
    let rule = rule(&localtime)?;
    let told = fs::read_to_string(etc.join("timezone")).unwrap_or_default();
    let name = told.trim();
    let original = Path::new("/usr/share/zoneinfo").join(name);
    let is_copy = !name.is_empty() && fs::read(original).ok() == fs::read(localtime).ok();
    Some(if is_copy { name.to_owned() } else { rule })
}

/// The name that a file has in the time zone database.
fn named(file: &Path) -> Option<String> {
    let file = fs::canonicalize(file).ok()?;
    let (_, name) = file.to_str()?.split_once("/zoneinfo/")?;
    let name = name.strip_prefix("posix/").or_else(|| name.strip_prefix("right/")).unwrap_or(name);
    Some(name.to_owned())
}

/// The rule for the present and the future that a zone file ends with, between two newlines.
fn rule(file: &Path) -> Option<String> {
    let about = fs::metadata(file).ok()?;
    if !about.is_file() || about.len() > ZONE_FILE_BYTES_MAX {
        return None;
    }
    let content = fs::read(file).ok()?;
    let text = content.strip_prefix(b"TZif").and(content.strip_suffix(b"\n"))?;
    let start = text.iter().rposition(|&byte| byte == b'\n')? + 1;
    let rule = std::str::from_utf8(&text[start..]).ok()?;
    (!rule.is_empty()).then(|| rule.to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    const BERLIN: &[u8] = b"TZif2 and what more there is\n\nCET-1CEST,M3.5.0,M10.5.0/3\n";

    /// A folder with a zone database in it.
    fn place() -> tempfile::TempDir {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir_all(place.path().join("zoneinfo/posix/Europe")).unwrap();
        fs::write(place.path().join("zoneinfo/posix/Europe/Berlin"), BERLIN).unwrap();
        fs::write(place.path().join("copy"), BERLIN).unwrap();
        fs::write(place.path().join("other"), "not a zone\n").unwrap();
        place
    }

    #[test]
    fn tz_is_given_so_that_it_can_be_understood_elsewhere() {
        let place = place();
        let file = |name: &str| place.path().join(name).to_str().unwrap().to_owned();
        let cases = [
            ("Europe/Berlin".to_owned(), "Europe/Berlin".to_owned()),
            (":Europe/Berlin".to_owned(), "Europe/Berlin".to_owned()),
            ("MSK-3".to_owned(), "MSK-3".to_owned()),
            (String::new(), String::new()),
            (file("zoneinfo/posix/Europe/Berlin"), "Europe/Berlin".to_owned()),
            (format!(":{}", file("copy")), "CET-1CEST,M3.5.0,M10.5.0/3".to_owned()),
            (file("other"), file("other")),
            (file("none"), file("none")),
        ];
        for (tz, expected) in cases {
            assert_eq!(portable(&tz), expected, "{tz}");
        }
    }

    #[test]
    fn the_system_tells_the_zone_by_a_link_or_by_a_copy() {
        let place = place();
        assert_eq!(of_system(place.path()), None);
        let localtime = place.path().join("localtime");
        symlink("zoneinfo/posix/Europe/Berlin", &localtime).unwrap();
        assert_eq!(of_system(place.path()).as_deref(), Some("Europe/Berlin"));
        fs::remove_file(&localtime).unwrap();
        fs::write(&localtime, BERLIN).unwrap();
        assert_eq!(of_system(place.path()).as_deref(), Some("CET-1CEST,M3.5.0,M10.5.0/3"));
        fs::write(place.path().join("timezone"), "Mars/Olympus\n").unwrap();
        assert_eq!(of_system(place.path()).as_deref(), Some("CET-1CEST,M3.5.0,M10.5.0/3"));
    }
}
