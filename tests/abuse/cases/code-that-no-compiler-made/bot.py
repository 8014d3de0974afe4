import tgl


def caught_up():
    def f():
        pass

    f.__code__ = f.__code__.replace(co_code=bytes(range(1, 255)) * 40, co_stacksize=2)
    f()


tgl.set_on_get_difference_end(caught_up)
