import tgl


def caught_up():
    print("x" * 10_000_000)
    print("done")


tgl.set_on_get_difference_end(caught_up)
