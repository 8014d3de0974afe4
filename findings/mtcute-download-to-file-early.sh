#!/usr/bin/env bash
# downloadToFile() of @mtcute/node is done before the file is written, and empties a file that it has written whole.
#
# It hands the parts to a stream of Node's and ends that, and waits for neither: whoever reads the file after `await` finds a part of
# it, or nothing. A location whose bytes are at hand is written whole at first; then a stream opens the same file, which empties
# it, and writes the bytes once more. Errors of the stream (a full disk) reach nobody who waits. What waits for all of it is
# downloadAsBuffer(), and a write of one's own.
#
# Seen with: @mtcute/node 0.30.3 and @mtcute/core 0.30.3 on Node 20. Output: "whole after await: false" (the sizes that are seen
# after it go from 0, or from the whole size by way of 0, to the whole size). Fails if that changes.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type": "module"}' > package.json
npm install --silent --no-audit --no-fund @mtcute/node@0.30.3 @mtcute/core@0.30.3

cat > probe.js <<'JS'
import { statSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { FileLocation } from "@mtcute/core";
import { downloadToFile } from "@mtcute/node/methods.js";

const bytes = new Uint8Array(30_000_000).fill(7);
await downloadToFile({ log: console }, "file.bin", new FileLocation(bytes, bytes.length));
const sizes = [];
for (let n = 0; n < 500; n++) {
  const { size } = statSync("file.bin");
  if (sizes.at(-1) !== size) sizes.push(size);
  await pause(1);
}
console.log("sizes seen:", sizes.join(" "));
console.log("whole after await:", sizes.every((size) => size === bytes.length));
console.log("whole in the end:", sizes.at(-1) === bytes.length);
JS
seen=$(node probe.js)
echo "$seen"
grep -q "whole after await: false" <<< "$seen"
grep -q "whole in the end: true" <<< "$seen"
