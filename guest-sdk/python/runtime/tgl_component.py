"""The exports of a script that is built into a component of its own, as docs/GUESTS.md shows.

A script ends with `from tgl_component import Callbacks`: componentize-py finds the callbacks there.

Invariant: this is imported last, since from then on what is printed goes to a host, which a build does not have.
"""

from _tglhost import exports
from _tglhost.exports import Callbacks  # noqa: F401 (componentize-py finds it in the script)

exports.install()
