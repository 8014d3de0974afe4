"""`distutils.dir_util`."""

import os
import shutil

from .errors import DistutilsFileError
from .file_util import copy_file


def mkpath(name: str, mode: int = 0o777, verbose: int = 1, dry_run: int = 0) -> list[str]:
    """Makes a folder and those above it; gives those that were made."""
    missing: list[str] = []
    at = os.path.normpath(name)
    while at and not os.path.isdir(at):
        missing.insert(0, at)
        at = os.path.dirname(at)
    if not dry_run:
        os.makedirs(name, mode, exist_ok=True)
    return missing


def copy_tree(
    src: str,
    dst: str,
    preserve_mode: int = 1,
    preserve_times: int = 1,
    preserve_symlinks: int = 0,
    update: int = 0,
    verbose: int = 1,
    dry_run: int = 0,
) -> list[str]:
    """Copies a folder's content into another, which may be there already; gives the files' new places."""
    if not os.path.isdir(src):
        raise DistutilsFileError(f"cannot copy tree '{src}': not a directory")
    mkpath(dst, dry_run=dry_run)
    copied: list[str] = []
    for name in sorted(os.listdir(src)):
        here, there = os.path.join(src, name), os.path.join(dst, name)
        if preserve_symlinks and os.path.islink(here):
            if not dry_run:
                os.symlink(os.readlink(here), there)
            copied.append(there)
        elif os.path.isdir(here):
            copied += copy_tree(here, there, preserve_mode, preserve_times, preserve_symlinks, update, verbose, dry_run)
        else:
            copy_file(here, there, preserve_mode, preserve_times, update, dry_run=dry_run)
            copied.append(there)
    return copied


def remove_tree(directory: str, verbose: int = 1, dry_run: int = 0) -> None:
    """Removes a folder and all in it."""
    if not dry_run:
        shutil.rmtree(directory)
