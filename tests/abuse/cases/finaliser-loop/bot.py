import tgl


class Endless:
    def __del__(self):
        while True:
            pass


def caught_up():
    Endless()


tgl.set_on_get_difference_end(caught_up)
