import sys

import tgl


def caught_up():
    print("neighbour.bot: forged\rneighbour.bot: forged\nneighbour.bot: forged\x1b[2J\x1b]0;title\x07\x9b2J\u2028neighbour.bot: forged")
    sys.stderr.write("neighbour.bot: forged\n\x0bneighbour.bot: forged")
    print()
    print("done")
    raise RuntimeError("bad\nneighbour.bot: forged")


tgl.set_on_get_difference_end(caught_up)
