import ast
import json
import pickle

import tgl


def caught_up():
    for way in (lambda: compile("(" * 100_000, "x", "eval"), lambda: json.loads("[" * 100_000), lambda: pickle.loads(b"(" * 100_000 + b"."), lambda: ast.literal_eval("-" * 50_000 + "1")):
        try:
            way()
        except (SyntaxError, RecursionError, MemoryError, Exception) as error:
            print(type(error).__name__)
    print("done")


tgl.set_on_get_difference_end(caught_up)
