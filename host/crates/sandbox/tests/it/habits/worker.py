"""Answers from a thread that takes its work from a queue, so that handlers return at once."""
import queue
import threading

import tgl

jobs = queue.Queue(maxsize=100)


def worker():
    while True:
        peer, text = jobs.get()
        try:
            peer.send_msg(text.upper(), sent)
            print("answered", text)
        except Exception as error:
            print("failed", error)
        finally:
            jobs.task_done()


def sent(success, msg):
    print("sent", success)


def on_msg_receive(msg):
    if not msg.out:
        jobs.put((msg.src, msg.text))


for number in range(2):
    thread = threading.Thread(target=worker, name="worker-%d" % number)
    thread.setDaemon(True) if hasattr(thread, "setDaemon") else None
    thread.start()
tgl.set_on_msg_receive(on_msg_receive)
