import tgl


class Link:
    def __init__(self, next):
        self.next = next

    def __del__(self):
        pass


def caught_up():
    plain, with_finalisers = None, None
    for _ in range(300_000):
        plain = [plain]
    for _ in range(20_000):
        with_finalisers = Link(with_finalisers)
    del plain, with_finalisers
    print("all gone")


tgl.set_on_get_difference_end(caught_up)
