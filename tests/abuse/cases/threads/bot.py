import threading

import tgl


def caught_up():
    def more():
        for _ in range(10):
            threading.Thread(target=more).start()

    more()


tgl.set_on_get_difference_end(caught_up)
