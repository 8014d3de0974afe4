import zlib

import tgl


def caught_up():
    packed = zlib.compress(bytes(1 << 20), 9)
    stream = zlib.compressobj(9)
    packed = b"".join(stream.compress(bytes(1 << 20)) for _ in range(64)) + stream.flush()
    zlib.decompress(packed)


tgl.set_on_get_difference_end(caught_up)
