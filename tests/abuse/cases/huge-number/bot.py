import sys

import tgl


def caught_up():
    sys.set_int_max_str_digits(0)
    str(7 ** 10**8)


tgl.set_on_get_difference_end(caught_up)
