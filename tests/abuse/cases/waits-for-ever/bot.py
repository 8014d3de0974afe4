import threading

import tgl


def caught_up():
    threading.Event().wait()


tgl.set_on_get_difference_end(caught_up)
