import os
import sys

import tgl


def caught_up():
    print("HAS", sorted(os.environ), sys.argv[1:])


tgl.set_on_get_difference_end(caught_up)
