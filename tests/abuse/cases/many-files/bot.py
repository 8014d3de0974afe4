import errno

import tgl


def caught_up():
    files = []
    try:
        while True:
            files.append(open("/home/x", "a"))
    except OSError as error:
        print(errno.errorcode[error.errno], len(files) < 1000)


tgl.set_on_get_difference_end(caught_up)
