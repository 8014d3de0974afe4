"""The exceptions that scripts know.

Invariant: their names, their module and what they derive from are telegram-cli's.
"""


class Error(Exception):
    """Known to scripts as `tgl.TglError`; never raised, as it never was."""


class PeerError(Exception):
    """There is no such peer, or the peer is not of the kind that is asked for."""


class MsgError(Exception):
    """A message cannot be made by a script."""


class UnknownPeer(PeerError, SystemError):
    """There is no such peer. The documentation speaks of PeerError, the original raised SystemError: scripts catch either."""


UnknownPeer.__name__ = UnknownPeer.__qualname__ = PeerError.__name__
for _class in (Error, PeerError, MsgError, UnknownPeer):
    _class.__module__ = "tgl"
