import threading

import tgl


def caught_up():
    class Unshown(Exception):
        def __str__(self):
            raise self

        __repr__ = __str__

    def failing(error):
        def fail():
            raise error
        return fail

    for error in (KeyboardInterrupt(), GeneratorExit(), Unshown(), BaseException("x" * 100_000), StopIteration()):
        threading.Timer(0, failing(error)).start()
    threading.Timer(0.1, print, ["done"]).start()


tgl.set_on_get_difference_end(caught_up)
