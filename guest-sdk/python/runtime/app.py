"""The module that componentize-py makes the component of. It runs once, at build time; what it leaves in memory is the
snapshot that every script starts from.

Invariant: when this is done nothing of the build machine is needed any more: no file, no folder, no environment.
"""

import gc
import sys

sys.dont_write_bytecode = True

from _tglhost import stdlib

stdlib.take()

from _tglhost.exports import Callbacks, Interpreter  # noqa: F401 (componentize-py finds its exports here)

sys.path[:] = []
sys.path_importer_cache.clear()
gc.collect()
gc.freeze()  # The collector would otherwise write to every page of the snapshot, and so unshare it.
