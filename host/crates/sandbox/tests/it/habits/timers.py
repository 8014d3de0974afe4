"""Repeats by a timer that starts itself anew, and by a thread that sleeps; stops both on demand."""
import threading
import time

import tgl

beats = []
stop = threading.Event()
lock = threading.Lock()


def by_timer():
    with lock:
        beats.append("timer")
    if not stop.is_set():
        t = threading.Timer(0.01, by_timer)
        t.daemon = True
        t.start()


class ByThread(threading.Thread):
    def __init__(self, interval):
        threading.Thread.__init__(self)
        self.daemon = True
        self.interval = interval

    def run(self):
        while not stop.is_set():
            time.sleep(self.interval)
            with lock:
                beats.append("thread")


by_timer()
ByThread(0.01).start()


def watch():
    while beats.count("timer") < 3 or beats.count("thread") < 3:
        time.sleep(0.01)
    stop.set()
    print("stopped")


def on_msg_receive(msg):
    threading.Thread(target=watch).start()


tgl.set_on_msg_receive(on_msg_receive)
