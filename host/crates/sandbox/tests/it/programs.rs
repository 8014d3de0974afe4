//! From a file to a program: what is refused and why, and how much one may be made of.

use sandbox::{CompileError, ComponentSource, Limits, Sandbox, StartError, Trap};

use crate::built;
use crate::components::{importing, memories, modules, pretending};
use crate::support::{With, compiler, made, program, puppet, start};

async fn refusal(bytes: &[u8]) -> String {
    match made(ComponentSource::user(bytes.to_vec())).await {
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
        (&importing("acme:door/key@1.0.0"), "not given: acme:door/key@1.0.0 (another component has to provide it"),
        (&importing("wasi:http/types@0.2.0"), "not given: wasi:http/types@0.2.0 (a script has no network"),
        (&importing("wasi:cli/run@0.3.0"), "not given: wasi:cli/run@0.3.0 (scripts are given WASI 0.2"),
        (&importing("wasi:cli/run@0.2.0"), "not given: wasi:cli/run@0.2.0 (WASI's, and not for scripts)"),
        (&importing("tgl:script/admin@0.1.0"), "not given: tgl:script/admin@0.1.0 (the contract in wit/v0.1 has no"),
        (&importing("tgl:script/calls@0.2.0"), "was built for tgl:script/calls@0.2.0; this tglhost speaks"),
        (&importing("tgl:script/calls@0.1.0"), "it does not export tgl:script/callbacks@0.1.0"),
        (&pretending(""), "does not fit the contract in wit/v0.1, or WASI 0.2"),
        (&with_memories(4, 1), "has 5 linear memories, and 4 is the most"),
    ] {
        let told = refusal(bytes).await;
        assert!(told.contains(reason), "{told}");
    }
    let source = ComponentSource::built_in([0; 32], || Ok(built::puppet()));
    assert!(matches!(made(source).await, Err(CompileError::Damaged)));
}

/// The puppet with more memories than its own, of so many pages (64 KiB) each.
fn with_memories(count: u8, pages: u8) -> Vec<u8> {
    let puppet = built::puppet();
    let more = memories(count, pages, modules(&puppet));
    [puppet, more].concat()
}

#[tokio::test]
async fn what_cannot_be_linked_is_refused_before_it_is_compiled() {
    for bytes in [importing("acme:door/key@1.0.0"), importing("tgl:script/calls@0.1.0"), b"print('hello')".to_vec()] {
        let compiling = || panic!("it is compiled");
        assert!(compiler().compile(ComponentSource::user(bytes), compiling).await.is_err());
    }
}

#[tokio::test]
async fn several_memories_share_the_limit() {
    let limits = Limits { memory_bytes_max: 16 << 20, ..Limits::default() };
    // Three more memories, of so many pages each, and the MiB that are left to allocate.
    for (pages, left) in [(1, "14"), (32, "8"), (64, "2")] {
        let program = program(with_memories(3, pages)).await;
        let mut guest = start(&program, With { limits, ..With::default() }).await.unwrap();
        guest.load("").await;
        assert_eq!(guest.tell("allocate 100").await, left, "{pages} pages each");
    }
    let program = program(with_memories(3, 100)).await;
    let Err(error) = start(&program, With { limits, ..With::default() }).await else { panic!("it starts") };
    assert!(matches!(error, StartError::Trapped(Trap::Memory { .. })), "{error}");
}

#[tokio::test]
async fn a_full_host_says_so() {
    let code = compiler().compile(ComponentSource::user(built::puppet()), || ()).await.unwrap();
    let program = Sandbox::new(2).unwrap().load(&code).unwrap();
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
