import tgl


def caught_up():
    global kept
    kept = []
    for size in (1 << 20, 1 << 14, 1 << 8):
        try:
            while True:
                kept.append(bytearray(size))
        except MemoryError:
            pass
    kept.append(bytearray(1 << 20))


tgl.set_on_get_difference_end(caught_up)
