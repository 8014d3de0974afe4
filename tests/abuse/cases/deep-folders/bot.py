import os

import tgl


def caught_up():
    while True:
        os.mkdir("d")
        os.chdir("d")


tgl.set_on_get_difference_end(caught_up)
