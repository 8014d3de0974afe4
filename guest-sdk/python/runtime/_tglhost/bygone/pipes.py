"""`pipes`, which Python 3.13 removed: its one function that needs no other program."""

from shlex import quote as quote
