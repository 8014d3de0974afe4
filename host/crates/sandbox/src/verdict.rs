//! What stopped a guest, in the words of who wrote it.
//!
//! Invariant: a script's author reads what the script did, and a trap of WebAssembly's only where it is a component and the
//! reason is known to nobody.

use wasmtime::Store;
use wasmtime::component::ResourceTableError;
use wasmtime_wasi::I32Exit;

use crate::errors::Trap;
use crate::imports::{CallsExhausted, Guest};
use crate::limits::Limits;
use crate::meter::Spent;

/// What wasmtime says when a host call is larger than allowed; it has no error type of its own.
const HOST_CALL_TOO_LARGE: &str = "fuel allocated for hostcalls";
/// How wasmtime begins the text of WebAssembly's own traps.
const TRAP_PREFIX: &str = "wasm trap: ";
/// Bytes of an unknown error's text that are passed on.
const ERROR_TEXT_BYTES_MAX: usize = 300;

/// Says what stopped a guest by this error, in a callback with this budget.
pub(crate) fn verdict(
    error: &wasmtime::Error,
    store: &mut Store<Guest>,
    limits: &Limits,
    cpu_ms_max: u64,
    is_interpreter: bool,
) -> Trap {
    let memory_refused = store.data_mut().limiter.take_memory_refused();
    if let Some(I32Exit(code)) = find(error) {
        return Trap::Exited(*code);
    }
    if find::<Spent>(error).is_some() {
        return Trap::CpuTime { ms_max: cpu_ms_max };
    }
    if find::<CallsExhausted>(error).is_some() {
        return Trap::TooManyCalls;
    }
    if let Some(ResourceTableError::Full) = find(error) {
        return Trap::Resources { max: limits.resources_max };
    }
    if let Some(wasmtime::Trap::StackOverflow) = find(error) {
        return Trap::StackOverflow;
    }
    if memory_refused {
        return Trap::Memory { bytes_max: limits.memory_bytes_max };
    }
    match find::<wasmtime::Trap>(error) {
        Some(trap) if is_interpreter => {
            tracing::debug!("an interpreter crashed: {trap}");
            Trap::InterpreterCrashed
        }
        Some(wasmtime::Trap::UnreachableCodeReached) => Trap::Aborted,
        Some(trap) => other(&trap.to_string()),
        None => {
            let text = error.root_cause().to_string();
            if text.contains(HOST_CALL_TOO_LARGE) {
                Trap::HostCallTooLarge { bytes_max: limits.host_call_bytes_max }
            } else {
                other(&text)
            }
        }
    }
}

fn other(text: &str) -> Trap {
    let text = text.strip_prefix(TRAP_PREFIX).unwrap_or(text);
    Trap::Other(text[..text.floor_char_boundary(ERROR_TEXT_BYTES_MAX)].to_owned())
}

/// An error of this type anywhere in the chain.
fn find<E: std::error::Error + Send + Sync + 'static>(error: &wasmtime::Error) -> Option<&E> {
    error.chain().find_map(|cause| cause.downcast_ref::<E>())
}
