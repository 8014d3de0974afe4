import tgl


def caught_up():
    chain = iter([1])
    for _ in range(200_000):
        chain = (x for x in chain)
    print("next", next(chain))


tgl.set_on_get_difference_end(caught_up)
