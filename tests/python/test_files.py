"""How files fail: what is tried before, and what is said."""

import errno
import os
import unittest

from guest import GuestTest


class Files(GuestTest):
    def setUp(self):
        super().setUp()
        from _tglhost import files

        self.files = files

    def failing(self, *failures):
        """A function that fails with these, one after the other, and then gives what it is given."""
        left = list(failures)

        def function(value):
            if left:
                raise left.pop(0)
            return value

        return self.files._checked(function)

    def test_too_many_open_files_are_tried_once_more_when_garbage_is_collected(self):
        full = OSError(errno.EDQUOT, "full", "a")
        self.assertEqual(self.failing(full)("x"), "x")
        self.assertEqual(self.failing(MemoryError())("x"), "x")
        with self.assertRaises(OSError) as raised:
            self.failing(full, OSError(errno.EMFILE, "full", "a"))("x")
        self.assertEqual((raised.exception.errno, raised.exception.filename), (errno.EMFILE, "a"))
        with self.assertRaises(FileNotFoundError):
            self.failing(full, OSError(errno.ENOENT, "none", "a"))("x")

    def test_an_error_says_what_to_do_where_the_place_is_the_reason(self):
        outside = "/no-such-folder-of-this-machine/x"
        for number, path, part in (
            (errno.ENOENT, outside, "a script sees /"),
            (errno.EPERM, outside, "a script sees /"),
            (errno.EROFS, outside, "a script writes to /home"),
            (errno.EROFS, os.path.abspath("x"), "rw lets it write there"),
            (errno.EPERM, os.path.abspath("x"), "leads out"),
            (errno.ENOENT, os.path.abspath("x"), ""),
            (errno.EEXIST, outside, ""),
            (errno.ENOENT, None, ""),
            (errno.ENOENT, "\0", ""),
            (errno.ENOENT, outside.encode(), "a script sees /"),
        ):
            with self.subTest(number=number, path=path), self.assertRaises(OSError) as raised:
                self.failing(OSError(number, "failed", path))("x")
            error = raised.exception
            self.assertEqual((error.errno, error.filename), (number, path))
            self.assertEqual("(" in error.strerror, bool(part))
            self.assertIn(part, error.strerror)


if __name__ == "__main__":
    unittest.main()
