"""The module that componentize-py makes the component of. It runs once, at build time; what it leaves in memory is the
snapshot that every script starts from.

Invariant: when this is done nothing of the build machine is needed any more: no file, no folder, no environment.
"""

import sys

sys.dont_write_bytecode = True

from _tglhost import stdlib

stdlib.take()

from _tglhost import local_time, posix_files, thaw

thaw.install()
local_time.install()
posix_files.install()

from tgl import _event_loop, _threads

_threads.install()
_event_loop.install()
stdlib.preload()

from _tglhost import absences, compression, deep_tracebacks, ends, exports, files, kept_code, key_derivation, linux_errno
from _tglhost import missing_modules, native_code, permissions, refusals, script, snapshot, sqlite
from _tglhost.bygone import names
from _tglhost.exports import Callbacks, Interpreter  # noqa: F401 (componentize-py finds its exports here)

sys.path[:] = []
sys.path_importer_cache.clear()
sys.meta_path.append(script.OwnPackage())
for part in (
    absences, compression, deep_tracebacks, ends, files, kept_code, key_derivation, missing_modules, names, native_code, permissions,
    refusals, sqlite,
):  # fmt: skip
    part.install()
linux_errno.install()
snapshot.warm_up()
exports.install()
snapshot.pack()
