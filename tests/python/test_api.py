"""docs/API.md: every public name of the package is in it, in the words of the stubs."""

import unittest

import api


class Api(unittest.TestCase):
    def test_the_page_is_what_the_stubs_say(self):
        written = api.DOCUMENT.read_text("utf-8")
        self.assertEqual(written, api.document(), "`cargo xtask test python` writes it anew")

    def test_every_public_name_stands_in_it(self):
        written = api.DOCUMENT.read_text("utf-8")
        names = api.public_names()
        self.assertGreater(len(names), 100)
        missing = [name for name in names if f"`{name.split('.')[-1]}" not in written and f"`tgl.{name}`" not in written]
        missing = [name for name in missing if f"## {name}\n" not in written]
        self.assertEqual(missing, [])


if __name__ == "__main__":
    unittest.main()
