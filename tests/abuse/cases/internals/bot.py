import sys

import tgl


def caught_up():
    for module in list(sys.modules.values()):
        for name in list(vars(module)):
            if module is not sys.modules[__name__]:
                try:
                    setattr(module, name, None)
                except Exception:
                    pass


tgl.set_on_get_difference_end(caught_up)
