"""Threads that are left where they wait. In a process of its own: what stands in the place of `threading` stays there."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

from guest import SDK

DRIVER = """
import contextlib, importlib, io, json, linecache, math, sys, threading, time, traceback
from tgl import _threads, _turns
_threads.install()

def run(bot):
    for turn in range(1, 1000):
        _turns.run_all()
        if hasattr(bot, "on_turn"):
            bot.on_turn(turn)
            _turns.run_all()
        wait_s = _turns.deadline() - time.monotonic()
        if getattr(bot, "over", wait_s == math.inf):
            return
        _turns._system_sleep(max(0, min(wait_s, 0.1)))

told = []
for name in sys.argv[1:]:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            run(importlib.import_module(name))
        except BaseException:
            traceback.print_exc()
    told.append(printed.getvalue() + f"| {len(_turns.left)} {sys.getrecursionlimit()}")
    for thread in list(_turns.left):
        del threading._active[thread.ident], _turns.left[thread]
print(json.dumps(told))
"""
"""Imports scripts, and gives the threads of each their turns, as the host's wake-ups do, until it says that it is over. Prints
what each printed, how many threads are left, and how deep calls may go."""

HEAD = "import threading, time, queue, functools\nout = []\n"

# what | the script | what it prints
SCRIPTS = [
    ("a loop that sleeps", "def f():\n    while len(out) < 3:\n        time.sleep(0.001)\n        out.append(1)\n    print(out)\nthreading.Thread(target=f, daemon=True).start()", "[1, 1, 1] | 0 1000"),
    ("two loops side by side", "def f(n):\n    for _ in range(3):\n        out.append(n)\n        time.sleep(0.001)\nfor n in 'ab': threading.Thread(target=f, args=n).start()\ndef on_turn(n):\n    global over\n    over = len(out) == 6\n    if over: print(sorted(out), out[:2])", "['a', 'a', 'a', 'b', 'b', 'b'] ['a', 'b'] | 2 1000"),
    ("a worker that waits for work", "q = queue.Queue()\ndef work():\n    while True:\n        item = q.get()\n        if item is None: break\n        print('did', item)\n        q.task_done()\nthreading.Thread(target=work, daemon=True).start()\ndef on_turn(n):\n    q.put(n if n < 3 else None)\n    global over\n    over = n == 3", "did 1\ndid 2 | 0 1000"),
    ("a queue that is full", "q = queue.Queue(2)\ndef make():\n    for n in range(5): q.put(n)\n    q.put(None)\nthreading.Thread(target=make).start()\nwhile (n := q.get()) is not None: out.append(n)\nprint(out)", "[0, 1, 2, 3, 4] | 0 1000"),
    ("a class of its own", "class Clock(threading.Thread):\n    def __init__(self, n):\n        super().__init__(daemon=True)\n        self.__left = n\n        self.stopped = threading.Event()\n    def run(self):\n        while not self.stopped.wait(0.001) and self.__left:\n            self.__tick()\n    def __tick(self):\n        time.sleep(0.001)\n        self.__left -= 1\n        print('tick', self.__left)\nc = Clock(2)\nc.start()\nc.join()\nprint(c.is_alive())", "tick 1\ntick 0\nFalse | 0 1000"),
    ("functions that call each other", "def nap(s, *more, times=1, **named):\n    for _ in range(times): time.sleep(s)\n    return more, named\ndef f(a, b=2, *, c=3):\n    r = nap(0.001, a, b, times=2, c=c)\n    return functools.partial(nap, 0)(r)\ndef g(): print(f(1), f(1, c=5))\nthreading.Thread(target=g).start()", "(((1, 2), {'c': 3}),) {} (((1, 2), {'c': 5}),) {}".replace("(((1, 2), {'c': 3}),) {}", "((((1, 2), {'c': 3}),), {})").replace(" (((1, 2), {'c': 5}),) {}", " ((((1, 2), {'c': 5}),), {})") + " | 0 1000"),
    ("variables around it", "def make(n):\n    count = 0\n    def f():\n        nonlocal count\n        for _ in range(n):\n            time.sleep(0.001)\n            count += 1\n        print(count, n)\n    return f, lambda: count\nf, g = make(3)\nt = threading.Thread(target=f)\nt.start()\nt.join()\nprint(g())", "3 3\n3 | 0 1000"),
    ("a lambda", "threading.Thread(target=lambda: (time.sleep(0.001), print('slept'))).start()", "slept | 0 1000"),
    ("what is raised names the script's lines", "import traceback\ndef f():\n    time.sleep(0.001)\n    1 / 0\nthreading.excepthook = lambda a: print([(e.lineno, e.name, e.line) for e in traceback.extract_tb(a.exc_traceback)])\nthreading.Thread(target=f).start()", "[(6, 'f', '1 / 0')] | 0 1000"),
    ("errors are caught where they were", "def bad():\n    time.sleep(0.001)\n    raise ValueError('x')\ndef f():\n    try: bad()\n    except ValueError as e: print('caught', e)\n    finally: time.sleep(0.001); print('finally')\n    return 5\nthreading.Thread(target=f).start()", "caught x\nfinally | 0 1000"),
    ("locks keep others out", "lock = threading.Lock()\ndef f(n):\n    with lock:\n        out.append(n)\n        time.sleep(0.002)\n        out.append(n)\nt = [threading.Thread(target=f, args=[n]) for n in range(3)]\nfor one in t: one.start()\nfor one in t: one.join()\nprint(out, lock.locked())", "[0, 0, 1, 1, 2, 2] False | 0 1000"),
    ("locks that may be taken again", "lock = threading.RLock()\ndef f(n):\n    with lock:\n        assert lock.acquire()\n        out.append(n)\n        time.sleep(0.002)\n        out.append(n)\n        lock.release()\nt = [threading.Thread(target=f, args=[n]) for n in range(3)]\nfor one in t: one.start()\nfor one in t: one.join()\nprint(out, lock.acquire(False))\ntry: threading.RLock().release()\nexcept RuntimeError as e: print(e)", "[0, 0, 1, 1, 2, 2] True\ncannot release un-acquired lock | 0 1000"),
    ("what is of one thread alone", "own = threading.local()\nown.n = 'main'\ndef f(n):\n    out.append(hasattr(own, 'n'))\n    own.n = n\n    time.sleep(0.001)\n    out.append(own.n == n)\nt = [threading.Thread(target=f, args=[n]) for n in range(2)]\nfor one in t: one.start()\nfor one in t: one.join()\nprint(out, own.n)", "[False, False, True, True] main | 0 1000"),
    ("jobs of a pool that wait", "from concurrent.futures import ThreadPoolExecutor\nfrom multiprocessing.pool import ThreadPool\ngo = threading.Event()\ndef job(n):\n    go.wait()\n    return n\npool = ThreadPoolExecutor(2)\nfutures = [pool.submit(job, n) for n in range(3)]\nresult = ThreadPool(2).map_async(job, 'ab')\ntime.sleep(0)\nprint([one.done() for one in futures], result.ready())\ngo.set()\nprint([one.result() for one in futures], result.get())", "[False, False, False] False\n[0, 1, 2] ['a', 'b'] | 0 1000"),
    ("conditions and events", "c, ready, e = threading.Condition(threading.Lock()), [], threading.Event()\ndef waits():\n    with c:\n        while not ready: c.wait()\n        print('noticed', ready)\n    e.set()\ndef tells():\n    time.sleep(0.001)\n    with c:\n        ready.append(1)\n        c.notify_all()\nthreading.Thread(target=waits).start()\nthreading.Thread(target=tells).start()\nprint(e.wait(5), e.wait(0))", "noticed [1]\nTrue True | 0 1000"),
    ("times that are up", "q, e, s = queue.Queue(), threading.Event(), threading.Semaphore(0)\ndef f():\n    print(e.wait(0.001), s.acquire(timeout=0.001), threading.Lock().acquire(timeout=0.001))\n    try: q.get(timeout=0.001)\n    except queue.Empty: print('empty')\n    try: q.get(False)\n    except queue.Empty: print('empty')\n    try: time.sleep(-1)\n    except ValueError as error: print(error)\nthreading.Thread(target=f).start()", "False False True\nempty\nempty\nsleep length must be non-negative | 0 1000"),
    ("a pool's result", "from concurrent.futures import ThreadPoolExecutor\npool = ThreadPoolExecutor(2)\ndef f():\n    print(pool.submit(len, 'ab').result(5), pool.submit(int, 'x').exception())\nthreading.Thread(target=f).start()", "2 invalid literal for int() with base 10: 'x' | 0 1000"),
    ("generators, comprehensions and decorators as they are", "def twice(f):\n    @functools.wraps(f)\n    def both(*a):\n        f(*a)\n        return f(*a)\n    return both\n@twice\ndef f(n):\n    def numbers():\n        for x in range(n): yield x\n    print([x for x in numbers()], sum(y * 2 for y in numbers()), {**{}}, f'{len(str(n))}')\n    time.sleep(0)\nthreading.Thread(target=f, args=[3]).start()", "[0, 1, 2] 6 {} 1\n[0, 1, 2] 6 {} 1 | 0 1000"),
    ("many", "def f(n):\n    time.sleep(0.01)\n    out.append(n)\nt = [threading.Thread(target=f, args=[n]) for n in range(3000)]\nfor one in t: one.start()\nprint(threading.active_count())\nfor one in t: one.join()\nprint(len(out), threading.active_count())", "3001\n3000 1 | 0 1000"),
    ("names of those that run and those that are left", "def f():\n    time.sleep(0.001)\n    print(threading.current_thread().name)\nt = threading.Thread(target=f, name='T')\nt.start()\ntime.sleep(0)\nprint([one.name for one in threading.enumerate()], t.is_alive())\nt.join()\nprint([one.name for one in threading.enumerate()], threading.current_thread().name)", "['MainThread', 'T'] True\nT\n['MainThread'] MainThread | 0 1000"),
    ("a number for each of them", "me = threading.main_thread()\nids = {threading.get_ident()}\ndef f():\n    t = threading.current_thread()\n    for _ in range(2):\n        print(t.ident == threading.get_ident(), t.native_id == threading.get_native_id(), t.ident in ids)\n        time.sleep(0.001)\n    ids.add(t.ident)\nfor _ in range(2):\n    t = threading.Thread(target=f)\n    t.start()\n    t.join()\nprint(me.ident == threading.get_ident(), me.native_id == threading.get_native_id(), threading.Thread().native_id)\nimport _thread\nprint(_thread.get_ident is threading.get_ident, threading.Timer(0, f).ident)", "True True False\nTrue True False\n" * 2 + "True True None\nTrue None | 0 1000"),
    ("what nothing can bring", "def f():\n    queue.Queue().get()\nt = threading.Thread(target=f)\nt.start()\ntry: t.join()\nexcept RuntimeError as e: print(str(e)[:24])", "this would wait for ever | 1 1000"),
    ("whom logging and warnings name", "import logging, sys\nlogging.basicConfig(stream=sys.stdout, format='%(funcName)s %(lineno)d %(message)s', force=True)\ndef f():\n    time.sleep(0)\n    logging.warning('%s', str(len(max([''], key=len))))\nthreading.Thread(target=f).start()", "f 7 0 | 0 1000"),
    ("names with underscores outside of a class", "class Box: pass\nBox.__x = 5\ndef f(*a, **k):\n    time.sleep(0)\n    print(Box.__x, f'{dict(*a, **k)}', (lambda n: n)(n=3))\nthreading.Thread(target=f, args=[[('a', 1)]], kwargs={'b': 2}).start()", "5 {'a': 1, 'b': 2} 3 | 0 1000"),
    ("functions that call themselves", "def down(n): return n and 1 + down(n - 1)\ndef f():\n    print(down(900))\n    try: down(10_000)\n    except RecursionError: print('too deep')\n    time.sleep(0)\n    print(threading.current_thread()._steps_depth)\nthreading.Thread(target=f).start()", "900\ntoo deep\n1 | 0 1000"),
    ("a thread that joins itself", "threading.excepthook = lambda a: print(a.exc_value)\nt = threading.Thread(target=lambda: t.join())\nt.start()", "cannot join current thread | 0 1000"),
    ("a timer whose function waits", "from tgl import _timers\n_timers.install()\ndef f(n):\n    for _ in range(n):\n        time.sleep(0.001)\n        out.append(threading.current_thread().name)\nt = threading.Timer(0.001, f, [2])\nt.name = 'T'\nt.start()\nthreading.Timer(0.001, lambda: (time.sleep(0.001), out.append('other'))).start()\ndef on_turn(n):\n    global over\n    over = len(out) == 3\n    if over: print(sorted(out))", "['T', 'T', 'other'] | 0 1000"),
    ("a callback of C", "def slow(n): time.sleep(0.001); return n\ndef f(): print(sorted([2, 1], key=slow), list(map(slow, [3])))\nthreading.Thread(target=f).start()", "[1, 2] [3] | 0 1000"),
    ("a base class's method", "class Base:\n    def work(self):\n        time.sleep(0.001)\n        return 'base'\nclass Mine(Base):\n    def work(self):\n        return 'mine of ' + super().work()\nthreading.Thread(target=lambda: print(Mine().work())).start()", "mine of base | 0 1000"),
]  # fmt: skip

LOOPS = [
    ("iter with a last value", "q = queue.Queue()\ndef f():\n    for item in iter(q.get, None): print(item)\n    else: print('end')\nthreading.Thread(target=f).start()\ndef on_turn(n):\n    global over\n    q.put(n if n < 3 else None)\n    over = n == 4", "1\n2\nend | 0 1000"),
    ("iter made elsewhere, in other hands", "q = queue.Queue()\nitems = iter(functools.partial(q.get, timeout=5), 9)\ndef f(items):\n    print(next(items), next(items, 0))\n    for n, item in enumerate(items, 5): print(n, item)\nthreading.Thread(target=f, args=[items]).start()\ndef on_turn(n):\n    q.put(n if n < 4 else 9)\n    global over\n    over = n == 5", "1 2\n5 3 | 0 1000"),
    ("a generator that sleeps", "def tick():\n    n = 0\n    try:\n        while True:\n            n += 1\n            yield n\n            time.sleep(0.001)\n    finally: print('closed')\ndef f():\n    for n in tick():\n        if n == 2: continue\n        print(n)\n        if n == 3: break\n    else: print('never')\n    print('after')\nthreading.Thread(target=f).start()\ndef on_turn(n): out.append(n)", "1\n3\nclosed\nafter | 0 1000"),
    ("generators that hand on", "q = queue.Queue()\ndef inner():\n    yield q.get()\n    return 'got'\ndef outer():\n    r = yield from inner()\n    yield r\n    yield from [7]\ndef f(): print([n for n in outer()], sum(n for n in map(int, ['4'])))\nthreading.Thread(target=f).start()\ndef on_turn(n):\n    global over\n    if n == 2: q.put(5)\n    over = n == 4", "[5, 'got', 7] 4 | 0 1000"),
    ("generators are as they were", "import inspect\ndef echo():\n    got = yield time.sleep(0)\n    while True:\n        try: got = yield got\n        except ValueError as e: got = repr(e)\ndef f():\n    g = echo()\n    print(inspect.isgenerator(g), g.__name__, next(g), g.send(1), g.throw(ValueError('x')), list(zip('ab', g)))\n    g.close()\n    print(list(g))\n    try: next(g)\n    except StopIteration: print('over')\nthreading.Thread(target=f).start()", "True echo None 1 ValueError('x') [('a', None), ('b', None)]\n[]\nover | 0 1000"),
    ("iterators of the script", "class Feed:\n    def __init__(self): self.n = 0\n    def __iter__(self): return self\n    def __next__(self):\n        time.sleep(0.001)\n        self.n += 1\n        if self.n > 2: raise StopIteration\n        return self.n\nclass Lines:\n    def __iter__(self):\n        for n in Feed():\n            time.sleep(0.001)\n            yield n * 2\ndef both():\n    yield from Lines()\n    yield from Feed()\ndef f(): print(list(Feed()), [n for n in Lines()], list(both()), any(n > 3 for n in Lines()), dict(zip(Lines(), Feed())), max(Lines()))\nthreading.Thread(target=f).start()\ndef on_turn(n): out.append(n)", "[1, 2] [2, 4] [2, 4, 1, 2] True {2: 1, 4: 2} 4 | 0 1000"),
    ("a mapping, and a name of Python's, of the script", "import collections.abc\ndef input(text):\n    time.sleep(0.001)\n    return text * 2\nclass Map(collections.abc.Mapping):\n    def __len__(self): return 2\n    def __iter__(self):\n        time.sleep(0.001)\n        yield from 'ab'\n    def __getitem__(self, key): return input(key)\ndef f(): print(dict(Map()), list(Map()), {**Map()}, input('x'))\nthreading.Thread(target=f).start()", "{'a': 'aa', 'b': 'bb'} ['a', 'b'] {'a': 'aa', 'b': 'bb'} xx | 0 1000"),
    ("comprehensions that wait", "def nap(n):\n    time.sleep(0.001)\n    return n\ndef f(k):\n    print([nap(n) * k for n in range(3) if nap(n)], {nap(n) for n in [1, 1]}, {nap(n): [nap(m) for m in range(n)] for n in range(2)}, sorted(nap(n) for n in (2, 1)), sum(map(nap, [1, 2])))\nthreading.Thread(target=f, args=[2]).start()", "[2, 4] {1} {0: [], 1: [0]} [1, 2] 3 | 0 1000"),
    ("what raises in a comprehension names its lines", "import traceback\ndef bad(n):\n    time.sleep(0)\n    1 / n\ndef f():\n    return [\n        bad(n)\n        for n in [0]\n    ]\nthreading.excepthook = lambda a: print([(e.lineno, e.name) for e in traceback.extract_tb(a.exc_traceback)])\nthreading.Thread(target=f).start()", "[(8, 'f'), (9, 'f'), (6, 'bad')] | 0 1000"),
    ("a scheduler", "import sched\ns = sched.scheduler(time.monotonic, time.sleep)\ndef tick():\n    out.append(1)\n    if len(out) < 3: s.enter(0.001, 1, tick)\ns.enter(0.001, 1, tick)\ndef f():\n    s.run()\n    print(out)\nthreading.Thread(target=f, daemon=True).start()\ndef on_turn(n): pass", "[1, 1, 1] | 0 1000"),
    ("conditions, barriers and pools", "from concurrent.futures import ThreadPoolExecutor, as_completed, wait\nc, ready, b = threading.Condition(), [], threading.Barrier(2)\ndef nap(n):\n    time.sleep(n / 1000)\n    return n\ndef f():\n    with c: print(c.wait_for(lambda: ready))\n    b.wait()\n    with ThreadPoolExecutor(2) as pool:\n        print(list(pool.map(nap, [2, 1])), [one.result() for one in as_completed([pool.submit(nap, 3)])], len(wait([pool.submit(nap, 1)]).done))\nthreading.Thread(target=f).start()\nthreading.Thread(target=b.wait).start()\ndef on_turn(n):\n    global over\n    if n == 3:\n        with c: ready.append(n), c.notify()\n    over = n > 3 and threading.active_count() == 1", "[3]\n[2, 1] [3] 1 | 0 1000"),
    ("what stands in a with", "import contextlib\n@contextlib.contextmanager\ndef slow(name):\n    time.sleep(0.001)\n    try: yield name\n    finally: print('leaves', name)\nclass Quiet:\n    def __enter__(self): time.sleep(0.001); return self\n    def __exit__(self, kind, error, trace): time.sleep(0.001); print(kind.__name__ if kind else None); return True\ndef f():\n    with slow('a') as a, Quiet(): 1 / 0\n    for n in range(2):\n        with Quiet():\n            if n: return print('done', a)\n            continue\ndef g():\n    f()\n    try:\n        with 5: pass\n    except TypeError as e: print(str(e)[:45])\nthreading.Thread(target=g).start()", "ZeroDivisionError\nleaves a\nNone\ndone a\nNone\n'int' object does not support the context man | 0 1000"),
    ("a class, an object that is called, lambdas of one line", "class Bot:\n    def __init__(self, n):\n        time.sleep(0.001)\n        print('made', n)\n    def __call__(self, n):\n        time.sleep(0.001)\n        print('called', n)\ndef f():\n    Bot(1)(2)\nfor one in (f, lambda: (time.sleep(0.001), print('a')), lambda: (time.sleep(0.002), print('b'))): t = threading.Thread(target=one); t.start(); t.join()\nthreading.Thread(target=Bot(0), args=[3]).start()", "made 1\ncalled 2\na\nb\nmade 0\ncalled 3 | 0 1000"),
    ("a listener of logging", "import logging, logging.handlers, sys\nq = queue.Queue()\nlistener = logging.handlers.QueueListener(q, logging.StreamHandler(sys.stdout))\nlistener.start()\ndef on_turn(n):\n    global over\n    q.put(logging.makeLogRecord({'msg': f'said {n}'}))\n    over = n == 2", "said 1\nsaid 2 | 1 1000"),
    ("StopIteration comes through", "def last(items):\n    time.sleep(0)\n    return next(items)\ndef f():\n    try: last(iter([]))\n    except StopIteration: print('stopped')\n    try: last(5)\n    except TypeError as e: print(e)\nthreading.Thread(target=f).start()", "stopped\n'int' object is not an iterator | 0 1000"),
]  # fmt: skip
"""What loops of threads go over."""


class Steps(unittest.TestCase):
    def test_scripts(self):
        names = [f"script_{number}" for number in range(len(SCRIPTS + LOOPS))]
        with tempfile.TemporaryDirectory() as folder:
            for name, (_, source, _) in zip(names, SCRIPTS + LOOPS):
                pathlib.Path(folder, f"{name}.py").write_text(HEAD + source)
            command = [sys.executable, "-c", DRIVER, *names]
            places = {"PYTHONPATH": f"{SDK}:{folder}", "PYTHONDONTWRITEBYTECODE": "1"}
            run = subprocess.run(command, env=places, capture_output=True, text=True, timeout=300)
        self.assertEqual(run.stderr, "")
        for (what, _, wanted), told in zip(SCRIPTS + LOOPS, json.loads(run.stdout)):
            with self.subTest(what):
                self.assertEqual(told.replace("\n|", " |").strip(), wanted)


if __name__ == "__main__":
    unittest.main()
