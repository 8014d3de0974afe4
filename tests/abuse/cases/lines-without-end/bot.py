import threading

import tgl


def tick():
    for n in range(1_000):
        print(100 * "line")
    threading.Timer(0.01, tick).start()


tgl.set_on_get_difference_end(tick)
