//! The compile cache: what is taken from it, what is not, and what goes when it is full.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use sandbox::{Code, Compiler, CompilerConfig, ComponentSource};

use crate::built;
use crate::components::pretending;
use crate::support::{sandbox, started};

/// Compiles the puppet with this cache, and says whether it had to be compiled.
async fn compiled(cache: &Path) -> (Code, bool) {
    let compiler = Compiler::new(CompilerConfig::new(cache)).unwrap();
    let compiling = AtomicBool::new(false);
    let source = ComponentSource::user(built::puppet());
    let code = compiler.compile(source, || compiling.store(true, Ordering::Relaxed)).await.unwrap();
    assert_eq!(code.was_cached(), !compiling.load(Ordering::Relaxed));
    let mut guest = started(&sandbox().load(&code).unwrap()).await;
    guest.load("").await;
    assert_eq!(guest.tell("print works").await, "works");
    (code, compiling.load(Ordering::Relaxed))
}

fn file_with(cache: &Path, extension: &str) -> std::path::PathBuf {
    let with = |path: &std::path::PathBuf| path.extension().is_some_and(|found| found == extension);
    fs::read_dir(cache).unwrap().map(|entry| entry.unwrap().path()).find(with).unwrap()
}

#[tokio::test]
async fn a_program_is_compiled_once_and_again_on_any_doubt() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("compiled");
    assert!(compiled(&cache).await.1, "nothing is there yet");
    assert!(!compiled(&cache).await.1, "the second time it is");
    for entry in fs::read_dir(&cache).unwrap() {
        let mode = entry.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    type Doubt = (&'static str, fn(&Path));
    let doubts: [Doubt; 8] = [
        ("a changed byte", |cache| {
            let path = file_with(cache, "cwasm");
            let mut code = fs::read(&path).unwrap();
            let middle = code.len() / 2;
            code[middle] ^= 1;
            fs::write(path, code).unwrap();
        }),
        ("a shorter file", |cache| {
            let file = fs::OpenOptions::new().write(true).open(file_with(cache, "cwasm")).unwrap();
            file.set_len(1_000).unwrap();
        }),
        ("a changed seal", |cache| {
            let path = file_with(cache, "seal");
            let mut seal = fs::read(&path).unwrap();
            seal[0] ^= 1;
            fs::write(path, seal).unwrap();
        }),
        ("no seal", |cache| fs::remove_file(file_with(cache, "seal")).unwrap()),
        ("another key", |cache| fs::write(cache.join("key"), [7; 32]).unwrap()),
        ("half a key", |cache| fs::write(cache.join("key"), [7; 16]).unwrap()),
        ("others may write", |cache| {
            fs::set_permissions(file_with(cache, "cwasm"), fs::Permissions::from_mode(0o622)).unwrap();
        }),
        ("a symbolic link", |cache| {
            let (path, elsewhere) = (file_with(cache, "cwasm"), cache.join("elsewhere"));
            fs::rename(&path, &elsewhere).unwrap();
            std::os::unix::fs::symlink(elsewhere, path).unwrap();
        }),
    ];
    for (doubt, make) in doubts {
        make(&cache);
        assert!(compiled(&cache).await.1, "{doubt}: compiled again");
        assert!(!compiled(&cache).await.1, "{doubt}: good again afterwards");
    }
}

#[tokio::test]
async fn a_copied_cache_is_recognised_by_its_content() {
    let folder = tempfile::tempdir().unwrap();
    let (cache, copy) = (folder.path().join("compiled"), folder.path().join("copy"));
    compiled(&cache).await;
    assert!(std::process::Command::new("cp").arg("-r").arg(&cache).arg(&copy).status().unwrap().success());
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o700)).unwrap();
    assert!(!compiled(&copy).await.1);
}

#[tokio::test]
async fn a_folder_open_to_others_is_done_without() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    assert!(compiled(folder.path()).await.1);
    assert!(compiled(folder.path()).await.1, "compiled each time");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Bytes of machine code in the cache.
fn bytes_in(cache: &Path) -> u64 {
    let codes = fs::read_dir(cache).unwrap().map(|entry| entry.unwrap());
    let codes = codes.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "cwasm"));
    codes.map(|code| code.metadata().unwrap().len()).sum()
}

/// Has components compiled that nobody runs, each a small one of its own.
async fn scan(compiler: &Compiler, count: usize) {
    for number in 0..count {
        let source = ComponentSource::user(pretending(&number.to_string()));
        drop(compiler.compile(source, || ()).await.unwrap());
    }
}

/// A cache of so many bytes.
fn with_room(cache: &Path, cache_bytes_max: u64) -> Compiler {
    Compiler::new(CompilerConfig { cache_bytes_max, ..CompilerConfig::new(cache) }).unwrap()
}

#[tokio::test]
async fn a_scan_of_many_programs_drives_out_none_that_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("compiled");
    scan(&with_room(&cache, u64::MAX), 1).await;
    let scanned_bytes = bytes_in(&cache);
    let (code, _) = compiled(&cache).await;
    let puppet_bytes = bytes_in(&cache) - scanned_bytes;
    let cache_bytes_max = puppet_bytes + 8 * scanned_bytes;
    let compiler = with_room(&cache, cache_bytes_max);

    scan(&compiler, 40).await;
    assert!(bytes_in(&cache) <= cache_bytes_max);
    assert!(!compiled(&cache).await.1, "it was used once, and runs");
    drop(code);
    scan(&compiler, 80).await;
    assert!(bytes_in(&cache) <= cache_bytes_max);
    assert!(!compiled(&cache).await.1, "it does not run, and was used again");

    let elsewhere = folder.path().join("elsewhere");
    drop(compiled(&elsewhere).await);
    scan(&with_room(&elsewhere, puppet_bytes), 40).await;
    assert!(compiled(&elsewhere).await.1, "it was used once, and does not run");
}

#[tokio::test]
async fn what_has_no_room_is_compiled_and_drives_out_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("compiled");
    scan(&with_room(&cache, u64::MAX), 8).await;
    let before = bytes_in(&cache);
    for cache_bytes_max in [0, before] {
        let code = with_room(&cache, cache_bytes_max).compile(ComponentSource::user(built::puppet()), || ()).await;
        assert!(!code.unwrap().was_cached());
        assert_eq!(bytes_in(&cache), before);
    }
}

#[tokio::test]
async fn what_was_never_finished_goes() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("compiled");
    drop(compiled(&cache).await);
    let strays = ["unfinished-1", "a.cwasm", "b.seal", "c.compiling"];
    for stray in strays {
        let file = fs::File::create(cache.join(stray)).unwrap();
        file.set_permissions(fs::Permissions::from_mode(0o600)).unwrap();
    }
    scan(&with_room(&cache, u64::MAX), 1).await;
    let left: Vec<&str> = strays.into_iter().filter(|stray| cache.join(stray).exists()).collect();
    assert_eq!(left, [""; 0]);
}

#[tokio::test]
async fn the_same_component_given_twice_at_once_is_compiled_once() {
    let folder = tempfile::tempdir().unwrap();
    let compiler = Compiler::new(CompilerConfig::new(folder.path().join("compiled"))).unwrap();
    let compiling = std::sync::atomic::AtomicUsize::new(0);
    let compile = || async {
        let source = ComponentSource::user(built::puppet());
        compiler.compile(source, || _ = compiling.fetch_add(1, Ordering::Relaxed)).await.unwrap()
    };
    let _codes = tokio::join!(compile(), compile(), compile());
    assert_eq!(compiling.load(Ordering::Relaxed), 1);
}
