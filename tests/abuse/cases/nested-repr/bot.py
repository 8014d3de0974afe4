import tgl


def caught_up():
    nested = []
    for _ in range(300_000):
        nested = [nested]
    try:
        repr(nested)
    except RecursionError as error:
        print("done")


tgl.set_on_get_difference_end(caught_up)
