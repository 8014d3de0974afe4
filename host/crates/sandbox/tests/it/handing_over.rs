//! Code that goes from one process to another as a descriptor: what can be done with it, and how long it is there.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sandbox::{Code, Compiler, CompilerConfig, ComponentSource};

use crate::built;
use crate::components::pretending;
use crate::support::{sandbox, started};

/// The puppet's code, as a compiler with this cache has it.
async fn code(cache: &Path) -> Code {
    let compiler = Compiler::new(CompilerConfig::new(cache)).unwrap();
    compiler.compile(ComponentSource::user(built::puppet()), || ()).await.unwrap()
}

/// A folder for a cache, and one that is done without as it is open to others.
fn caches() -> (tempfile::TempDir, [PathBuf; 2]) {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let caches = [folder.path().join("compiled"), folder.path().to_owned()];
    (folder, caches)
}

/// Where this process has a file mapped as code.
fn places_in_memory(file: &File) -> usize {
    let inode = file.metadata().unwrap().ino().to_string();
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let is_code = |line: &&str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields[1].contains('x') && fields[4] == inode
    };
    maps.lines().filter(is_code).count()
}

#[tokio::test]
async fn code_that_is_handed_over_is_mapped_once_and_runs() {
    let (_folder, caches) = caches();
    for cache in caches {
        let code = code(&cache).await;
        let file = File::from(code.descriptor().unwrap());
        let handed_over = [(); 2].map(|()| Code::handed_over(code.descriptor().unwrap()));
        drop(code);
        let programs = handed_over.map(|code| sandbox().load(&code).unwrap());
        assert_eq!(places_in_memory(&file), 1, "{}", cache.display());
        for program in &programs {
            let mut guest = started(program).await;
            guest.load("").await;
            assert_eq!(guest.tell("print works").await, "works");
        }
        drop(programs);
        assert_eq!(places_in_memory(&file), 0, "{}", cache.display());
    }
}

#[tokio::test]
async fn a_descriptor_does_not_let_its_holder_write() {
    let (_folder, caches) = caches();
    for cache in caches {
        let mut file = File::from(code(&cache).await.descriptor().unwrap());
        assert!(file.write(b"x").is_err() && file.set_len(0).is_err(), "{}", cache.display());
    }
}

#[tokio::test]
async fn code_without_a_cache_can_be_written_by_nobody() {
    let (_folder, [_, none]) = caches();
    let file = File::from(code(&none).await.descriptor().unwrap());
    let again = OpenOptions::new().write(true).open(format!("/proc/self/fd/{}", file.as_raw_fd()));
    // The system lets its owner open it, and nothing come of that.
    if let Ok(mut again) = again {
        assert!(again.write(b"x").is_err() && again.set_len(0).is_err());
    }
}

#[tokio::test]
async fn who_has_the_descriptor_keeps_the_code_from_nobody() {
    let (_folder, [cache, _]) = caches();
    let held = code(&cache).await;
    let file = File::from(held.descriptor().unwrap());
    assert!(file.try_lock().is_err(), "others have a lock of their own");
    file.unlock().unwrap();
    drop(held);
    file.try_lock().unwrap();
    assert!(!code(&cache).await.was_cached(), "nobody waits for it");
    assert!(code(&cache).await.was_cached());
}

#[tokio::test]
async fn the_cache_keeps_code_until_the_last_descriptor_is_closed() {
    let (_folder, [cache, _]) = caches();
    let file = File::from(code(&cache).await.descriptor().unwrap());
    let cache_bytes_max = file.metadata().unwrap().len();
    let compiler = Compiler::new(CompilerConfig { cache_bytes_max, ..CompilerConfig::new(&cache) }).unwrap();
    let puppet =
        || fs::read_dir(&cache).unwrap().any(|entry| entry.unwrap().metadata().unwrap().len() == cache_bytes_max);
    for (number, held) in [("1", Some(file)), ("2", None)] {
        drop(compiler.compile(ComponentSource::user(pretending(number)), || ()).await.unwrap());
        assert_eq!(puppet(), held.is_some());
    }
}
