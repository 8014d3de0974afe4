PATTERNS = [r"^!echo (.+)$"]


def run(msg, found):
    return found.group(1)
