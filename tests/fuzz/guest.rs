//! What a guest hands over at the sandbox's edge: it is a value of the contract's, within its bounds, or the guest ends. The host
//! has no fault of its own, and is told no text or list that is longer than what one call may hand over.

use std::future::ready;

use sandbox::{
    Answer, Compiler, CompilerConfig, ComponentSource, CpuUsed, ExitMoment, GuestError, GuestHost, Limits, LogLevel,
    Output, Sandbox, StartConfig, Trap,
};
use tests::raw_component;
use tgl::{Call, LimitMeter, Message, MessageId, Peer, PeerId, RequestId};

use crate::holds_for_each;

/// Bytes that one call of a guest may hand over.
const HANDED_OVER_BYTES_MAX: usize = 2 << 20;

/// A host that takes what it is told and looks whether it is bounded.
struct Host;

fn is_bounded(text: &str) {
    assert!(text.len() <= HANDED_OVER_BYTES_MAX, "{} bytes", text.len());
}

impl GuestHost for Host {
    fn call(&mut self, call: Call) -> Answer<Option<RequestId>> {
        is_bounded(&format!("{call:?}"));
        Box::pin(ready(Some(1)))
    }

    fn peer(&mut self, _: PeerId) -> Answer<Option<Peer>> {
        Box::pin(ready(None))
    }

    fn message(&mut self, id: MessageId) -> Answer<Option<Message>> {
        Box::pin(ready((id % 2 == 0).then(|| tests::text_message(id, "text"))))
    }

    fn log(&mut self, _: LogLevel, text: &str) {
        is_bounded(text);
    }

    fn print(&mut self, _: Output, text: &str) {
        is_bounded(text);
    }

    fn set_timer(&mut self, _: u64) {}

    fn exit(&mut self, _: u8, _: ExitMoment) {}
}

#[test]
fn whatever_is_handed_over_is_a_value_or_ends_the_guest() {
    let cache = tempfile::tempdir().expect("a folder");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("one");
    let (sandbox, compiler) = (
        Sandbox::new(8).expect("a sandbox"),
        Compiler::new(CompilerConfig::new(cache.path().to_owned())).expect("one"),
    );
    let component = ComponentSource::user(raw_component(include_str!("guest.wat")));
    let compiled = runtime.block_on(compiler.compile(component, || ())).expect("it compiles");
    let program = sandbox.load(&compiled).expect("it is a script");
    holds_for_each(
        |from| from.arbitrary::<i64>(),
        |begin| {
            let config = StartConfig {
                limits: Limits::default(),
                files: files::FileSpace::empty(),
                args: Vec::new(),
                env: Vec::new(),
                cpu_used: CpuUsed::default(),
                limit_meter: LimitMeter::default(),
                host: Box::new(Host),
            };
            let called = runtime.block_on(async {
                let mut instance = program.start(config).await.expect("it starts");
                instance.on_our_id(*begin).await
            });
            assert_ne!(called, Err(GuestError::Trapped(Trap::HostFault)));
        },
    );
}
