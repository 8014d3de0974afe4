import tgl


def caught_up():
    try:
        import ctypes
        ctypes.string_at(0)
    except ImportError as error:
        print("refused:", error)


tgl.set_on_get_difference_end(caught_up)
