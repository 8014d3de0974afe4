"""Runs a command in a network namespace where only loopback is up, and that by unshare alone:

    unshare --map-root-user --net python3 in_namespace.py COMMAND...

Everything the command starts can reach loopback and nothing else.
"""
import fcntl
import os
import socket
import struct
import sys

IFF_UP, IFF_RUNNING, SIOCSIFFLAGS = 0x1, 0x40, 0x8914


def main() -> None:
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP | IFF_RUNNING))
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
