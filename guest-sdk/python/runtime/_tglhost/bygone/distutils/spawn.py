"""`distutils.spawn`."""

import shutil
from typing import Never, Optional

from ... import reasons
from .errors import DistutilsExecError


def find_executable(executable: str, path: Optional[str] = None) -> Optional[str]:
    """Where a program lies."""
    return shutil.which(executable, path=path)


def spawn(cmd: list[str], *args: object, **kwargs: object) -> Never:
    """Not there."""
    raise DistutilsExecError(f"command {cmd[0]!r} failed: {reasons.NO_PROGRAMS}")
