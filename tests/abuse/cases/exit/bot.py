import os

import tgl


def caught_up():
    os._exit(3)


tgl.set_on_get_difference_end(caught_up)
