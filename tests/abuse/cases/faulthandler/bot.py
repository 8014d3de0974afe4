import faulthandler

import tgl


def caught_up():
    faulthandler._sigsegv()


tgl.set_on_get_difference_end(caught_up)
