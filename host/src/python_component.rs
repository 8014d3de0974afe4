//! The Python runtime component, embedded in the binary by build.rs.
//!
//! Invariant: nothing is decompressed unless the compile cache has no use for this machine.

use anyhow::{Result, bail};
use sandbox::ComponentSource;

/// The component, compressed with zstd. Empty where the binary was built without it.
static COMPRESSED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/python.wasm.zst"));

/// BLAKE3 of the component before compression, in hexadecimal.
pub(crate) const CONTENT_HASH: &str = env!("PYTHON_COMPONENT_BLAKE3");

/// Where the sandbox gets the component from. An error if this binary was built without it.
pub(crate) fn source() -> Result<ComponentSource> {
    if COMPRESSED.is_empty() {
        bail!("this tglhost was built without its Python runtime: build it with `cargo xtask build`");
    }
    let content_hash = blake3::Hash::from_hex(CONTENT_HASH).expect("build.rs writes it");
    Ok(ComponentSource::built_in(content_hash.into(), || {
        zstd::bulk::decompress(COMPRESSED, sandbox::COMPONENT_BYTES_MAX)
    }))
}
