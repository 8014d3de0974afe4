//! WASI's random numbers: wasmtime-wasi's, so many at once.
//!
//! Invariant: a guest that asks for more is stopped by an error of its own type, [`RandomTooLong`].

use thiserror::Error;
use wasmtime::component::{HasData, Linker};
use wasmtime::{Result, ensure};
use wasmtime_wasi::p2::bindings::random::{insecure, random};
use wasmtime_wasi::random::WasiRandomCtx;

use crate::imports::Guest;

/// A guest asked for more random bytes at once than it may.
#[derive(Debug, Error)]
#[error("too many random bytes at once")]
pub(crate) struct RandomTooLong;

/// Puts this in the place of wasmtime-wasi's, whose error for it has no type.
pub(crate) fn add_to_linker(linker: &mut Linker<Guest>) -> Result<()> {
    random::add_to_linker::<Guest, BoundedRandom>(linker, Guest::random)?;
    insecure::add_to_linker::<Guest, BoundedRandom>(linker, Guest::random)
}

impl Guest {
    fn random(&mut self) -> Random<'_> {
        Random { bytes_max: self.random_bytes_max, wasi: self.wasi.random() }
    }
}

struct BoundedRandom;

impl HasData for BoundedRandom {
    type Data<'a> = Random<'a>;
}

struct Random<'a> {
    bytes_max: u64,
    wasi: &'a mut WasiRandomCtx,
}

impl random::Host for Random<'_> {
    fn get_random_bytes(&mut self, bytes: u64) -> Result<Vec<u8>> {
        ensure!(bytes <= self.bytes_max, RandomTooLong);
        random::Host::get_random_bytes(self.wasi, bytes)
    }

    fn get_random_u64(&mut self) -> Result<u64> {
        random::Host::get_random_u64(self.wasi)
    }
}

impl insecure::Host for Random<'_> {
    fn get_insecure_random_bytes(&mut self, bytes: u64) -> Result<Vec<u8>> {
        ensure!(bytes <= self.bytes_max, RandomTooLong);
        insecure::Host::get_insecure_random_bytes(self.wasi, bytes)
    }

    fn get_insecure_random_u64(&mut self) -> Result<u64> {
        insecure::Host::get_insecure_random_u64(self.wasi)
    }
}
