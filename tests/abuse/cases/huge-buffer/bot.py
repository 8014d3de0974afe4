import tgl

tgl.set_on_get_difference_end(lambda: bytearray(2**31 - 1))
