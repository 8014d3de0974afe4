//! From a file to a program: what is refused and why, and the cache.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use sandbox::{CompileError, ComponentSource, Program, Sandbox, SandboxConfig, StartError};

use crate::built;
use crate::support::{With, puppet, sandbox, start};

/// A component that imports an instance of this name with one function, in the binary format of the component model.
fn component_importing(name: &str) -> Vec<u8> {
    let instance = [0x42, 0x02, 0x01, 0x40, 0x00, 0x01, 0x00, 0x04, 0x00, 0x01, b'f', 0x01, 0x00];
    let types = [&[0x07, instance.len() as u8 + 1, 0x01], instance.as_slice()].concat();
    let import = [&[0x01, 0x00, name.len() as u8], name.as_bytes(), &[0x05, 0x00]].concat();
    [b"\0asm\x0d\0\x01\0", types.as_slice(), &[0x0a, import.len() as u8], &import].concat()
}

async fn refusal(bytes: &[u8]) -> String {
    match sandbox().compile(ComponentSource::user(bytes.to_vec()), || ()).await {
        Ok(_) => panic!("it is taken as a program"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn what_is_no_script_is_refused_with_the_reason() {
    let mut damaged = built::puppet();
    damaged.truncate(damaged.len() / 2);
    let too_large = [b"\0asm\x0d\0\x01\0".as_slice(), &vec![0; 65 << 20]].concat();
    for (bytes, reason) in [
        (b"print('hello')".as_slice(), "this is not a WebAssembly file"),
        (b"", "this is not a WebAssembly file"),
        (b"\0asm\x01\0\0\0", "this is a core WebAssembly module, not a component"),
        (b"\0asm\x0d\0\x01\0", "the component is not a script: it does not export tgl:script/callbacks@0.1.0"),
        (&damaged, "the component is not valid: "),
        (&too_large, "the component has 68157448 bytes; the most that is compiled is 67108864"),
        (&component_importing("acme:door/key@1.0.0"), "interfaces that scripts are not given: acme:door/key@1.0.0;"),
        (
            &component_importing("wasi:http/types@0.2.0"),
            "interfaces that scripts are not given: wasi:http/types@0.2.0;",
        ),
        (&component_importing("wasi:cli/run@0.3.0"), "interfaces that scripts are not given: wasi:cli/run@0.3.0;"),
        (
            &component_importing("tgl:script/admin@0.1.0"),
            "interfaces that scripts are not given: tgl:script/admin@0.1.0;",
        ),
        (&component_importing("tgl:script/calls@0.2.0"), "was built for tgl:script/calls@0.2.0; this tglhost speaks"),
        (&component_importing("wasi:cli/run@0.2.0"), "does not fit the contract in wit/: "),
    ] {
        let told = refusal(bytes).await;
        assert!(told.contains(reason), "{told}");
    }
    let source = ComponentSource::built_in([0; 32], || Ok(built::puppet()));
    assert!(matches!(sandbox().compile(source, || ()).await, Err(CompileError::Damaged)));
}

/// Compiles the puppet with this cache, and says whether it had to be compiled.
async fn compiled(cache: &Path) -> (Program, bool) {
    let sandbox = Sandbox::new(SandboxConfig { instances_max: 2, ..SandboxConfig::new(cache) }).unwrap();
    let compiling = AtomicBool::new(false);
    let source = ComponentSource::user(built::puppet());
    let program = sandbox.compile(source, || compiling.store(true, Ordering::Relaxed)).await.unwrap();
    assert_eq!(program.was_cached(), !compiling.load(Ordering::Relaxed));
    let mut guest = start(&program, With::default()).await.unwrap();
    guest.load("").await;
    assert_eq!(guest.tell("print works").await, "works");
    (program, compiling.load(Ordering::Relaxed))
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
async fn the_cache_keeps_so_many_programs_and_no_unfinished_ones() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("compiled");
    fs::DirBuilder::new().mode(0o700).create(&cache).unwrap();
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(4_000);
    for name in (0..40).map(|number| format!("{number}.cwasm")).chain(["unfinished-1".into()]) {
        fs::File::create(cache.join(name)).unwrap().set_modified(old).unwrap();
    }
    compiled(&cache).await;
    let names: Vec<String> =
        fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(names.iter().filter(|name| name.ends_with(".cwasm")).count(), 32, "{names:?}");
    assert!(!names.iter().any(|name| name.starts_with("unfinished")), "{names:?}");
}

#[tokio::test]
async fn a_folder_open_to_others_is_done_without() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    assert!(compiled(folder.path()).await.1);
    assert!(compiled(folder.path()).await.1, "compiled each time");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_full_host_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (program, _) = compiled(&folder.path().join("compiled")).await;
    let first = start(&program, With::default()).await.unwrap();
    let _second = start(&program, With::default()).await.unwrap();
    let Err(error) = start(&program, With::default()).await else { panic!("a third one starts") };
    assert!(matches!(error, StartError::HostFull(2)), "{error}");
    drop(first);
    start(&program, With::default()).await.unwrap();
}

#[tokio::test]
async fn an_interpreter_is_told_from_a_compiled_guest() {
    assert!(puppet().await.is_interpreter());
}
