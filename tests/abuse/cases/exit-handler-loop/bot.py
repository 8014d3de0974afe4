import atexit

import tgl


@atexit.register
def endless():
    while True:
        pass


tgl.set_on_get_difference_end(lambda: tgl.safe_exit(0))
