//! What there is to compile.
//!
//! Invariant: what comes out of here is the content that its hash names, and could be linked by what it says of itself.

use std::io;

use crate::errors::CompileError;
use crate::inspect;

/// The largest component that is compiled; the Python component has 28 MiB.
pub const COMPONENT_BYTES_MAX: usize = 64 << 20;

/// Where a component comes from.
pub struct ComponentSource {
    pub(crate) content_hash: blake3::Hash,
    bytes: Box<dyn FnOnce() -> io::Result<Vec<u8>> + Send>,
    built_in: bool,
}

/// A component's bytes, and whether it comes with the host.
pub(crate) struct CheckedBytes {
    pub(crate) content: Vec<u8>,
    pub(crate) built_in: bool,
}

impl ComponentSource {
    /// A component that comes with the host: the blake3 hash of its bytes, and the bytes, which are asked for only where
    /// the cache does not have it.
    pub fn built_in(content_hash: [u8; 32], bytes: impl FnOnce() -> io::Result<Vec<u8>> + Send + 'static) -> Self {
        Self { content_hash: content_hash.into(), bytes: Box::new(bytes), built_in: true }
    }

    /// A component that a user gives.
    pub fn user(bytes: Vec<u8>) -> Self {
        Self { content_hash: blake3::hash(&bytes), bytes: Box::new(|| Ok(bytes)), built_in: false }
    }

    /// Its bytes, if it is a script's.
    pub(crate) fn checked(self) -> Result<CheckedBytes, CompileError> {
        let Self { content_hash, bytes, built_in } = self;
        let content = bytes()?;
        if built_in && blake3::hash(&content) != content_hash {
            return Err(CompileError::Damaged);
        }
        inspect::check(&content)?;
        Ok(CheckedBytes { content, built_in })
    }
}
