import tgl


def caught_up():
    parts = []
    while True:
        try:
            parts.append([None] * 10_000)
        except MemoryError:
            print("no memory at", len(parts) > 100)
            return


tgl.set_on_get_difference_end(caught_up)
