import sys

import tgl


def deeper(n):
    return deeper(n + 1) + 1


def caught_up():
    sys.setrecursionlimit(10**9)
    deeper(0)


tgl.set_on_get_difference_end(caught_up)
