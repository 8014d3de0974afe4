"""Makes the values that the host sends cheap to build.

componentize-py builds an enum.Flag and an enum.Enum for every message, which costs more than the rest of it together. The
`tgl` package needs their numbers only. Invariant: only types that the host sends and a guest never does are changed here.
"""

from wit_world.imports import types


def make_cheap() -> None:
    """Has flags and enums arrive as plain int: bit n is the n-th flag of the WIT, n its n-th case. To be called before
    componentize-py looks the types up, that is while app.py is imported."""
    types.MessageFlags = int
    types.Changes = int
    types.ServiceAction = int
