import tgl


def caught_up():
    while True:
        pass


tgl.set_on_get_difference_end(caught_up)
