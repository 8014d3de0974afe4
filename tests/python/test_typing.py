"""The package for editors and type checkers: stubs that say what the package does, and a wheel that holds them."""

import importlib.util
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile

from guest import SDK

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"

STRICT = ["--strict", "--allow-untyped-defs", "--allow-untyped-calls", "--allow-incomplete-defs", "--disable-error-code", "var-annotated"]
"""All that mypy can find in scripts that annotate nothing."""

STRICTER = ["tgl.on_\\w+", "tgl.Peer.__new__", "tgl.(Peer|Msg)"]
"""What a script may assign is not there until then; without arguments a peer is an error of its own at run time; and what is
listed of the two classes is said by a metaclass that no script needs to know of."""

MISTAKES = [
    ("tgl.send_msg(peer=p, text='a')", "Unexpected keyword argument"),
    ("p.send_msg(5)", 'incompatible type "int"'),
    ("p.id = 5", "read-only"),
    ("p.send_msg('a', callback=lambda success: None)", 'Argument "callback" to "send_msg"'),
    ("tgl.get_history(p, 0)", "Too few arguments"),
    ("tgl.on_msg_receive = lambda peer, what: None", "Incompatible types in assignment"),
    ("class Mine(tgl.Peer): pass", "Cannot inherit from final class"),
    ("p.nickname", "has no attribute"),
]
"""(a line, what mypy says of it)"""


@unittest.skipUnless(importlib.util.find_spec("mypy"), "mypy is not there; `cargo xtask test python` brings it")
class Typing(unittest.TestCase):
    def run_mypy(self, module, *arguments):
        command = [sys.executable, "-m", module, *arguments]
        environment = {"MYPYPATH": self.cache, "PYTHONPATH": str(SDK), "PATH": "", "MYPY_CACHE_DIR": self.cache}
        answer = subprocess.run(command, cwd=self.cache, env=environment, capture_output=True, text=True, timeout=300)
        return answer.returncode, answer.stdout + answer.stderr

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.cache = folder.name
        # The stubs alone: what is private to the package is not what an editor reads.
        stubs = pathlib.Path(folder.name, "tgl")
        stubs.mkdir()
        shutil.copy(SDK / "tgl" / "__init__.pyi", stubs)

    def test_examples_are_used_as_the_stubs_say(self):
        examples = sorted(map(str, EXAMPLES.glob("*.py")))
        code, said = self.run_mypy("mypy", *STRICT, "--scripts-are-modules", *examples)
        self.assertEqual(code, 0, said)

    def test_stubs_are_what_the_package_is(self):
        allowed = pathlib.Path(self.cache, "allowed")
        allowed.write_text("\n".join(STRICTER))
        code, said = self.run_mypy("mypy.stubtest", "tgl", "--allowlist", str(allowed), "--ignore-disjoint-bases")
        self.assertEqual(code, 0, said)

    def test_mistakes_are_found(self):
        script = pathlib.Path(self.cache, "mistakes.py")
        script.write_text("import tgl\np = tgl.Peer(1, 2)\n" + "".join(f"{line}\n" for line, _ in MISTAKES))
        _, said = self.run_mypy("mypy", *STRICT, str(script))
        for number, (line, wanted) in enumerate(MISTAKES, start=3):
            with self.subTest(line):
                self.assertTrue(any(f"mistakes.py:{number}: " in each and wanted in each for each in said.splitlines()), said)


@unittest.skipUnless(importlib.util.find_spec("setuptools"), "setuptools is not there; `cargo xtask test python` brings it")
class Wheel(unittest.TestCase):
    def test_holds_the_stubs(self):
        with tempfile.TemporaryDirectory() as folder:
            source = shutil.copytree(SDK, pathlib.Path(folder, "python"))
            build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", folder, str(source)]
            answer = subprocess.run(build, capture_output=True, text=True, timeout=300)
            self.assertEqual(answer.returncode, 0, answer.stdout + answer.stderr)
            [wheel] = pathlib.Path(folder).glob("*.whl")
            with zipfile.ZipFile(wheel) as file:
                names = set(file.namelist())
        modules = {f"tgl/{path.name}" for path in (SDK / "tgl").iterdir() if path.is_file()}
        self.assertLessEqual({"tgl/__init__.pyi", "tgl/py.typed"} | modules, names)


if __name__ == "__main__":
    unittest.main()
