PATTERNS = ["^!fail"]


def run(msg, found):
    return {}["nothing"]
