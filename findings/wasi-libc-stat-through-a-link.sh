#!/usr/bin/env bash
# stat() through a symbolic link gives the link's own number (st_ino) with the target's size, under WASI 0.2.
#
# wasi-libc makes a stat of two questions: metadata-hash-at for the number, stat-at for the rest. stat() hands its
# "follow the link" to the second only; metadata-hash-at is always asked not to follow. A host that answers as the
# interface says (wasi:filesystem/types: path-flags) so gives two files' facts in one answer. Whoever compares numbers to
# see whether two names are one file (samefile in Python's shutil) takes a link and its target for different files.
#
# Seen with: the wasi-libc in Rust 1.95.0's wasm32-wasip2, run by @bytecodealliance/jco 1.35.0 with preview2-shim 0.26.1
# on Node 20. Output: "metadataHashAt link follows=false" and "statAt link follows=true", for one fs::metadata("link").
# Fails if that changes.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
rustup target add wasm32-wasip2 >/dev/null 2>&1
echo '{"type": "module"}' > package.json
npm install --silent --no-audit --no-fund @bytecodealliance/jco@1.35.0 @bytecodealliance/preview2-shim@0.26.1

mkdir data
echo hello > data/file
ln -s file data/link

cat > probe.rs <<'RUST'
fn main() {
    println!("{}", std::fs::metadata("link").map(|about| about.len()).unwrap_or(0));
}
RUST
rustc --target wasm32-wasip2 -O probe.rs -o probe.wasm
npx jco transpile probe.wasm -o out --instantiation async >/dev/null

cat > run.js <<'JS'
import { readFile } from 'node:fs/promises';
import { filesystem } from '@bytecodealliance/preview2-shim';
import { WASIShim } from '@bytecodealliance/preview2-shim/instantiation';
import { instantiate } from './out/probe.js';

const { Descriptor } = filesystem.types;
for (const name of ['metadataHashAt', 'statAt']) {
  const original = Descriptor.prototype[name];
  Descriptor.prototype[name] = function (flags, path) {
    console.log(`${name} ${path} follows=${Boolean(flags.symlinkFollow)}`);
    return original.call(this, flags, path);
  };
}
filesystem._setPreopens({ '/': process.argv[2] });
const load = async (path) => WebAssembly.compile(await readFile(new URL(`./out/${path}`, import.meta.url)));
const component = await instantiate(load, new WASIShim().getImportObject());
component.run.run();
JS

rustc --version
seen=$(node run.js "$PWD/data")
echo "$seen"
expected='metadataHashAt link follows=false
statAt link follows=true
6'
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
