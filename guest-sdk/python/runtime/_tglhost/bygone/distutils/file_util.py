"""`distutils.file_util`."""

import os
import shutil

from .errors import DistutilsFileError


def copy_file(
    src: str,
    dst: str,
    preserve_mode: int = 1,
    preserve_times: int = 1,
    update: int = 0,
    link: object = None,
    verbose: int = 1,
    dry_run: int = 0,
) -> tuple[str, int]:
    """Copies a file to a path or into a folder; gives where it is, and whether it was copied."""
    if not os.path.isfile(src):
        raise DistutilsFileError(f"can't copy '{src}': doesn't exist or not a regular file")
    if os.path.isdir(dst):
        dst = os.path.join(dst, os.path.basename(src))
    if update and os.path.exists(dst) and os.path.getmtime(src) <= os.path.getmtime(dst):
        return dst, 0
    if not dry_run:
        shutil.copyfile(src, dst)
        if preserve_times:
            shutil.copystat(src, dst)
        elif preserve_mode:
            shutil.copymode(src, dst)
    return dst, 1


def move_file(src: str, dst: str, verbose: int = 1, dry_run: int = 0) -> str:
    """Moves a file; gives where it is."""
    if not os.path.isfile(src):
        raise DistutilsFileError(f"can't move '{src}': not a regular file")
    if os.path.isdir(dst):
        dst = os.path.join(dst, os.path.basename(src))
    return dst if dry_run else shutil.move(src, dst)


def write_file(filename: str, contents: list[str]) -> None:
    """Writes lines to a file."""
    with open(filename, "w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in contents)
