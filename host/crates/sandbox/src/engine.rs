//! The WebAssembly engine and its settings.
//!
//! Invariant: the settings that decide what compiled code looks like are made in one place ([`compiler_config`]), the same
//! for this process and for the compile worker.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroUsize;

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Strategy};

use crate::limits::{CORE_INSTANCES_MAX, MEMORIES_MAX, TABLES_MAX};
use tgl::Limits;

/// Instances that one sandbox runs at most: each reserves 4 GiB of address space for every memory that it may have, of the
/// 128 TiB that a process has.
pub const INSTANCES_MAX: u32 = 1_000;

/// Linear memory that a pool slot can hold, whatever a script's limits say.
const SLOT_MEMORY_BYTES_MAX: usize = 1 << 30;
/// Stack that WebAssembly may use: enough that Python's own guard against too many levels is reached before.
const WASM_STACK_BYTES: usize = 8 << 20;
/// Functions, one called by the other, that an error tells of: who is this deep when its memory ends has used up its stack.
pub(crate) const FRAMES_TOLD_MAX: usize = 256;
/// Stack of a call, host functions included.
const CALL_STACK_BYTES: usize = 10 << 20;

/// An engine with pooled instances, or without a pool where the address space is too small for one.
pub(crate) fn start(instances_max: u32) -> wasmtime::Result<Engine> {
    let mut config = compiler_config();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(instances_max)));
    Engine::new(&config).or_else(|reason| {
        tracing::info!("instances are not pooled: {reason:#}");
        without_pool()
    })
}

/// An engine that takes a millisecond to start, to compile with.
pub(crate) fn without_pool() -> wasmtime::Result<Engine> {
    Engine::new(&compiler_config())
}

/// The same for engines that can run each other's machine code: of the same settings, version and processor.
pub(crate) fn compatibility(engine: &Engine) -> u64 {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

/// Opens where the pool of any later engine sees which pages a guest has written to. wasmtime does that once in a process, and
/// a pool without it clears whole memories.
pub(crate) fn open_page_map() {
    if !PoolingAllocationConfig::is_pagemap_scan_available() {
        tracing::debug!("this system does not tell which pages a guest has written to");
    }
}

/// The settings that decide what compiled code looks like.
fn compiler_config() -> Config {
    let mut config = Config::new();
    config
        .strategy(Strategy::Cranelift)
        .epoch_interruption(true)
        .concurrency_support(false)
        .wasm_memory64(false)
        .memory_init_cow(true)
        .max_wasm_stack(WASM_STACK_BYTES)
        .async_stack_size(CALL_STACK_BYTES)
        .wasm_backtrace_max_frames(NonZeroUsize::new(FRAMES_TOLD_MAX));
    config
}

fn pool(instances_max: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(instances_max)
        .total_core_instances(instances_max * CORE_INSTANCES_MAX as u32)
        .total_memories(instances_max * MEMORIES_MAX as u32)
        .total_tables(instances_max * TABLES_MAX as u32)
        .total_stacks(instances_max)
        .max_core_instances_per_component(CORE_INSTANCES_MAX as u32)
        .max_memories_per_component(MEMORIES_MAX as u32)
        .max_tables_per_component(TABLES_MAX as u32)
        .table_elements(Limits::default().table_elements_max)
        .max_memory_size(SLOT_MEMORY_BYTES_MAX)
        .pagemap_scan(Enabled::Auto);
    pool
}
