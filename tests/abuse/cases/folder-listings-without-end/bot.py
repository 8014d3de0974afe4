import os

import tgl


def caught_up():
    for n in range(1_000):
        open("/home/%d" % n, "w").close()
    while True:
        os.listdir("/home")


tgl.set_on_get_difference_end(caught_up)
