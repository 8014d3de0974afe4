import time

import tgl


def busy():
    end = time.process_time() + 0.15
    while time.process_time() < end:
        pass


tgl.set_on_loop(busy)
tgl.set_on_msg_receive(lambda msg: busy())
