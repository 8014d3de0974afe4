//! What stopped a guest, in the words of who wrote it.
//!
//! Invariant: a script's author reads what the script did, and a trap of WebAssembly's only where it is a component and the
//! reason is known to nobody.

use wasmtime::component::ResourceTableError;
use wasmtime::{Store, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use crate::engine::FRAMES_TOLD_MAX;
use crate::errors::Trap;
use crate::imports::{CallsExhausted, Guest};
use crate::meter::Spent;
use crate::random::RandomTooLong;
use tgl::Limits;

/// What wasmtime says when a host call is larger than allowed: the one error here that is known by its text, since its type is
/// wasmtime's own (`HostcallFuelExhausted`) and nothing else tells of it. Not read right, it is told in these words.
const HOST_CALL_TOO_LARGE: &str = "fuel allocated for hostcalls";
/// How wasmtime begins the text of WebAssembly's own traps; it is not shown.
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
    if find::<RandomTooLong>(error).is_some() {
        return Trap::RandomTooLong { bytes_max: limits.random_bytes_max };
    }
    if let Some(ResourceTableError::Full) = find(error) {
        return Trap::Resources { max: limits.resources_max };
    }
    if is_stack_used_up(error) {
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
        Some(trap) => in_plain_words(*trap),
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

/// A guest has two stacks: the engine's, and one at the begin of its memory, where compilers keep what has an address. Who
/// uses up the second one meets the end of its memory, deep down; in a bad pointer nobody is that deep.
fn is_stack_used_up(error: &wasmtime::Error) -> bool {
    match find(error) {
        Some(wasmtime::Trap::StackOverflow) => true,
        Some(wasmtime::Trap::MemoryOutOfBounds) => {
            error.downcast_ref::<WasmBacktrace>().is_some_and(|functions| functions.frames().len() >= FRAMES_TOLD_MAX)
        }
        _ => false,
    }
}

fn in_plain_words(trap: wasmtime::Trap) -> Trap {
    use wasmtime::Trap::*;
    match trap {
        MemoryOutOfBounds | HeapMisaligned => {
            other("it used memory that it does not have, by a bad pointer or by variables too large for its stack")
        }
        TableOutOfBounds => other(
            "it used an entry of a table beyond the table's end, as one does who calls a function by a bad pointer",
        ),
        IndirectCallToNull | BadSignature => other("it called a function by a pointer that points to none of its kind"),
        NullReference | CastFailure => other("it used a reference that refers to nothing of the kind"),
        ArrayOutOfBounds => other("it used an element of an array beyond the array's end"),
        IntegerDivisionByZero => other("it divided by zero"),
        IntegerOverflow | BadConversionToInteger => other("it computed a number that its type has no room for"),
        _ => other(&trap.to_string()),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_components_crash_is_told_in_plain_words() {
        for (trap, told) in [
            (wasmtime::Trap::MemoryOutOfBounds, "memory that it does not have"),
            (wasmtime::Trap::TableOutOfBounds, "beyond the table's end"),
            (wasmtime::Trap::IndirectCallToNull, "by a pointer"),
            (wasmtime::Trap::BadSignature, "by a pointer"),
            (wasmtime::Trap::IntegerDivisionByZero, "divided by zero"),
            (wasmtime::Trap::BadConversionToInteger, "no room for"),
        ] {
            let said = in_plain_words(trap).to_string();
            assert!(said.contains(told) && !said.contains("wasm"), "{trap}: {said}");
        }
    }
}
