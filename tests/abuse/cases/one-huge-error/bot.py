import tgl


def caught_up():
    raise RuntimeError("x" * 10_000_000)


tgl.set_on_get_difference_end(caught_up)
