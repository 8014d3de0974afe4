import os

import tgl


def caught_up():
    while True:
        os.urandom(60_000)


tgl.set_on_get_difference_end(caught_up)
