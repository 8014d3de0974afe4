import re

import tgl

tgl.set_on_get_difference_end(lambda: re.match("(a+)+$", 40 * "a" + "!"))
