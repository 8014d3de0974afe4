import threading

import tgl


def tick():
    threading.Timer(0.1, tick).start()
    for _ in range(100):
        tgl.send_msg(None, None)
    raise ValueError("again")


tgl.set_on_get_difference_end(tick)
