import asyncio

import tgl


def caught_up():
    asyncio.run(asyncio.Event().wait())


tgl.set_on_get_difference_end(caught_up)
