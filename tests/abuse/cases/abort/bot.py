import os

import tgl


def caught_up():
    os.abort()


tgl.set_on_get_difference_end(caught_up)
