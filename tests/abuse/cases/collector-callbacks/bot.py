import gc
import sys

import tgl


def caught_up():
    gc.callbacks.append(lambda phase, info: [0] * 1_000)
    sys.settrace(lambda *of: [[] for _ in range(100)] and sys.gettrace())
    while True:
        gc.collect()


tgl.set_on_get_difference_end(caught_up)
