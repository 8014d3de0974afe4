import threading

import tgl


def ask():
    for _ in range(4):
        tgl.ext_function('(messages.sendMessage peer=inputPeerSelf message="' + "x" * 500_000 + '" random_id=1)')
    threading.Timer(0.001, ask).start()


tgl.set_on_get_difference_end(ask)
