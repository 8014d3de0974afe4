import tgl


def caught_up():
    kept = []
    try:
        for n in range(10**9):
            kept.append(bytes(1_000 + 7_919 * n % 100_000))
            if n % 3:
                kept[n // 2] = None
    except MemoryError:
        kept = None
        print("done")


tgl.set_on_get_difference_end(caught_up)
