import errno
import os

import tgl


def caught_up():
    made = 0
    try:
        while True:
            os.makedirs("/home/%d/a" % made)
            made += 1
    except OSError as error:
        print(errno.errorcode[error.errno], made < 100_000)


tgl.set_on_get_difference_end(caught_up)
