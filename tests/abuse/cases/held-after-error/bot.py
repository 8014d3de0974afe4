import threading

import tgl

kept = []


def tick():
    threading.Timer(0.01, tick).start()
    try:
        while True:
            kept.append(bytes(1 << 20))
    except MemoryError as error:
        kept.append(error)
        print("no more")


tgl.set_on_get_difference_end(tick)
