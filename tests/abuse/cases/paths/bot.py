import os

import tgl


def caught_up():
    names = [
        "/etc/passwd", "/proc/self/environ", "/proc/1/root/etc/passwd", "/dev/mem", "/dev/tty", "/home/../../etc/passwd",
        "../../../../tglhost.toml", "/script/../tenant.toml", "/script/../../neighbour/tenant.toml", "/script/bot.py/",
        "/home/link/tglhost.toml", "/home/./../script/../data", "//etc//passwd", "/home/\0/x", "/home/" + "a/" * 5_000,
    ]
    try:
        os.symlink("../../../..", "/home/link")
    except OSError:
        pass
    for name in names:
        for way in (open, os.listdir, os.stat):
            try:
                print("FOUND", name, way(name))
            except (OSError, ValueError):
                pass
    print("done")


tgl.set_on_get_difference_end(caught_up)
