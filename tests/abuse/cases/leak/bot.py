import threading

import tgl

kept = []


def tick():
    kept.append(b"x" * (1 << 20))
    threading.Timer(0.001, tick).start()


tgl.set_on_get_difference_end(tick)
