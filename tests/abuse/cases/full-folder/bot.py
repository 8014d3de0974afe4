import errno

import tgl


def caught_up():
    def fill(way):
        try:
            way(open("/home/big", "wb"))
            print("FILLED")
        except OSError as error:
            print(errno.errorcode[error.errno])

    fill(lambda file: [file.write(bytes(1 << 20)) for _ in range(100)])
    fill(lambda file: file.truncate(1 << 40))
    fill(lambda file: (file.seek(1 << 40), file.write(b"x"), file.flush()))


tgl.set_on_get_difference_end(caught_up)
