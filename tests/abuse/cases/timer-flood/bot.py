import threading

import tgl


def tick():
    for _ in range(20):
        threading.Timer(0, tick).start()


tick()
