"""`distutils`, which Python 3.12 removed: the parts that scripts use for other things than building and installing.

Invariant: a path means the same as in `os` and `shutil`, by which all of it is done.
"""
