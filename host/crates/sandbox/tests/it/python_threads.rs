//! Threads, pools and event loops of scripts in the Python component, which has one thread.

use sandbox::LogLevel;

use crate::python_scripts::{start_beside, surprises};
use crate::python_tgl;

#[tokio::test]
async fn threads_run_when_the_callback_returns_or_waits() {
    let cases = [
        (
            "import threading\ndef f(n): print(n, threading.current_thread().name, threading.current_thread().daemon)\n\
             for n in 1, 2: threading.Thread(target=f, args=(n,), name=f't{n}', daemon=True).start()\n\
             print(threading.active_count(), threading.current_thread().name)",
            "3 MainThread\n1 t1 True\n2 t2 True",
        ),
        (
            "import threading\ndef f(): print('ran')\ndef on_msg_receive(msg):\n    t = threading.Thread(target=f)\n\
             \x20   t.start()\n    print(t.is_alive())\n    t.join()\n    print(t.is_alive(), t.ident is not None)\n    t.join()",
            "|True\nran\nFalse True",
        ),
        (
            "import threading\nt = threading.Thread(target=lambda: t.join())\nt.start()\ntry:\n    threading.Thread().join()\n\
             except RuntimeError as e: print(e)\nthreading.excepthook = lambda a: print(a.exc_value)",
            "cannot join thread before it is started\ncannot join current thread",
        ),
        (
            "import threading\nclass T(threading.Thread):\n    def run(self): print('run', self.name); raise SystemExit(3)\n\
             T(name='own').start()",
            "run own",
        ),
        (
            "import threading, queue\nq = queue.Queue()\nthreading.Thread(target=q.put, args=[5]).start()\nprint(q.get())\n\
             try: q.get()\nexcept RuntimeError as e: print(e)\ntry: q.get(timeout=0.01)\nexcept queue.Empty: print('empty')",
            "5\nthis would wait for ever: a script has one thread, and all that was started has run or is waiting itself. \
             If it is only to keep the script running, remove it: the host does that. What only a later callback can bring \
             is to be handled in that callback, or by threading.Timer\nempty",
        ),
        (
            "import threading\nlock = threading.Lock()\nwith lock:\n    print(lock.locked(), lock.acquire(False), \
             lock.acquire(timeout=0.01))\n    try: lock.acquire()\n    except RuntimeError as e: print(str(e)[:24])\n\
             print(lock.locked())\nwith threading.RLock() as r, threading.Semaphore(), threading.Condition(): pass",
            "True False False\nthis would wait for ever\nFalse",
        ),
        (
            "import threading\nd = threading.Event()\nthreading.Timer(0.02, d.set).start()\nprint(d.wait(5), d.wait())",
            "True True",
        ),
        (
            "from concurrent.futures import ThreadPoolExecutor, as_completed\n\
             with ThreadPoolExecutor(2) as pool:\n    print(list(pool.map(abs, [-1, -2])), pool.submit(int, '7').result())\n\
             \x20   f = pool.submit(int, 'x')\nprint(repr(f.exception()))\n\
             print([f.result() for f in as_completed([ThreadPoolExecutor().submit(len, 'ab')])])",
            "[1, 2] 7\nValueError(\"invalid literal for int() with base 10: 'x'\")\n[2]",
        ),
        ("import _thread, time\n_thread.start_new_thread(print, ('a',))\ntime.sleep(0.01)\nprint('b')", "a\nb"),
        (
            "import threading\nfor _ in range(10_000): threading.Thread().start()\ntry: threading.Thread().start()\n\
             except RuntimeError as e: print(e)",
            "can't start new thread: 10000 are under way already",
        ),
        (
            "import threading, logging\nl = threading.local()\nl.x = 1\nlogging.basicConfig(format='%(threadName)s %(message)s', \
             stream=__import__('sys').stdout)\nthreading.Thread(target=logging.warning, args=['w'], name='T').start()",
            "T w",
        ),
    ];
    let surprises = surprises(&[], None, &cases).await;
    assert!(surprises.is_empty(), "{surprises}");
}

#[tokio::test]
async fn pools_of_multiprocessing_that_need_no_processes_work() {
    let cases = [
        (
            "from multiprocessing.pool import ThreadPool\nwith ThreadPool(3) as p:\n    print(p.map(abs, [-1, 2]), p.starmap(pow, [(2, 3)]), \
             p.apply(len, ('ab',)), list(p.imap(abs, [-3])), list(p.imap_unordered(abs, [-3])))\n    \
             r = p.apply_async(int, ('7',), callback=print)\n    print(r.get(1), r.ready(), r.successful())\n    r = p.map_async(int, ['x'])\n    \
             try: r.get()\n    except ValueError as e: print(e)",
            "[1, 2] [8] 2 [3] [3]\n7\n7 True True\ninvalid literal for int() with base 10: 'x'",
        ),
        (
            "from multiprocessing.dummy import Pool, Process, Queue\nq = Queue()\np = Process(target=q.put, args=(1,))\np.start()\np.join()\n\
             print(q.get(), Pool(2).map(str, [1]))",
            "1 ['1']",
        ),
    ];
    let surprises = surprises(&[], None, &cases).await;
    assert!(surprises.is_empty(), "{surprises}");
}

#[tokio::test]
async fn asyncio_runs() {
    let cases = [
        (
            "import asyncio\nasync def main():\n    await asyncio.sleep(0.01)\n    \
             print(await asyncio.gather(asyncio.to_thread(len, 'abc'), asyncio.wait_for(asyncio.sleep(0.01, 5), 1)))\n    \
             try: await asyncio.wait_for(asyncio.sleep(10), 0.01)\n    except TimeoutError: print('late')\nasyncio.run(main())",
            "[3, 5]\nlate",
        ),
        ("import asyncio\nprint(asyncio.get_event_loop().run_until_complete(asyncio.sleep(0, 7)))", "7"),
        (
            "import asyncio, threading\nasync def main():\n    done = asyncio.get_running_loop().create_future()\n    \
             loop = asyncio.get_running_loop()\n    threading.Timer(0.01, lambda: loop.call_soon_threadsafe(done.set_result, 3)).start()\n    \
             return await done\nprint(asyncio.run(main()))",
            "3",
        ),
        (
            "import asyncio, threading\nasync def main():\n    threading.Thread(target=lambda: asyncio.run(asyncio.sleep(0, print('other')))).start()\n    \
             await asyncio.sleep(0.05)\n    print('main')\nasyncio.run(main())",
            "other\nmain",
        ),
        (
            "import asyncio\nasync def main(): await asyncio.get_running_loop().create_future()\ntry: asyncio.run(main())\n\
             except RuntimeError as e: print(str(e)[:24])",
            "this would wait for ever",
        ),
        (
            "import asyncio\nloop = asyncio.new_event_loop()\nasync def count():\n    for n in range(3):\n        print(n)\n        \
             await asyncio.sleep(0 if n == 0 else 3600)\ntask = loop.create_task(count())\nprint(loop.due_in_s())\nloop.advance()\n\
             print(3590 < loop.due_in_s() <= 3600)\ntask.cancel()\nloop.advance()\nprint(loop.due_in_s(), task.cancelled())",
            "0\n0\n1\nTrue\nNone True",
        ),
    ];
    let surprises = surprises(&[], None, &cases).await;
    assert!(surprises.is_empty(), "{surprises}");
}

#[tokio::test]
async fn an_event_loop_in_a_thread_runs_between_callbacks() {
    // what is started beside the handler, what the handler does | what it prints
    let head = "import asyncio, threading, time\nout = []\n\
                async def double(n):\n    await asyncio.sleep(0.01)\n    return n * 2\n\
                async def tick(times):\n    for n in range(times): await asyncio.sleep(0.01)\n    print('ticked', end=' ')\n\
                def thread(f, *a): t = threading.Thread(target=f, args=a, daemon=True); t.start(); return t\n";
    let cases = [
        ("thread(lambda: asyncio.run(tick(3)))", "pass", "| ticked"),
        ("thread(asyncio.run, tick(3))", "pass", "| ticked"),
        (
            "loop = asyncio.new_event_loop()\nt = thread(loop.run_forever)",
            "f = asyncio.run_coroutine_threadsafe(double(4), loop); print(loop.is_running(), f.done(), f.result(5))",
            "| True False 8",
        ),
        (
            "loop = asyncio.new_event_loop()\nt = thread(loop.run_forever)",
            "asyncio.run_coroutine_threadsafe(double(4), loop).add_done_callback(lambda f: print('later', f.result()))",
            "| later 8",
        ),
        (
            "loop = asyncio.new_event_loop()\nt = thread(loop.run_forever)",
            "\n    try: asyncio.run_coroutine_threadsafe(asyncio.sleep(9), loop).result(0.01)\n    except TimeoutError: print('late')\n    \
             loop.call_soon_threadsafe(loop.stop); t.join(); print(t.is_alive(), loop.is_running())",
            "| late False False",
        ),
        (
            "def run():\n    loop = asyncio.new_event_loop()\n    asyncio.set_event_loop(loop)\n    out.append(loop)\n    \
             print(asyncio.get_event_loop() is loop)\n    loop.create_task(tick(2))\n    loop.run_forever()\n    print('over', loop.is_closed())\nthread(run)",
            "print(asyncio.get_event_loop() is out[0]); threading.Timer(0.1, lambda: out[0].call_soon_threadsafe(out[0].stop)).start()",
            "True | False ticked over False",
        ),
        (
            "loop = asyncio.get_event_loop()\nthread(loop.run_forever)",
            "loop.call_soon_threadsafe(lambda: print('soon', loop.create_task(tick(1)).done()))",
            "| soon False ticked",
        ),
        (
            "async def main():\n    q = asyncio.Queue()\n    out[:] = [asyncio.get_running_loop(), q]\n    async with asyncio.TaskGroup() as g: g.create_task(work(q))\n\
             async def work(q):\n    while (item := await q.get()): print('got', item, await asyncio.to_thread(len, item))\nthread(lambda: asyncio.run(main()))",
            "out[0].call_soon_threadsafe(out[1].put_nowait, msg.text); out[0].call_soon_threadsafe(out[1].put_nowait, None)",
            "| got hello 5",
        ),
        (
            "async def busy():\n    while not out: await asyncio.sleep(0)\n    print(out)\nt = thread(lambda: asyncio.run(busy()))",
            "out.append(msg.text)",
            "| ['hello']",
        ),
        // Below the thread that has its turn another loop waits, in a task of its own.
        (
            "async def waits():\n    t = thread(asyncio.run, tick(1))\n    t.join()\n    print(asyncio.current_task() is not None)",
            "asyncio.run(waits())",
            "| ticked True",
        ),
    ]; // fmt: skip
    let sources = cases.map(|(beside, does, told)| (format!("{head}{beside}\ndef on_msg_receive(msg): {does}"), told));
    let cases: Vec<(&str, &str)> = sources.iter().map(|(source, told)| (source.as_str(), *told)).collect();
    assert_eq!(python_tgl::surprises(&cases).await, "");
}

#[tokio::test]
async fn a_script_hears_of_events_while_its_threads_wait() {
    let head = "import contextlib, queue, sched, threading, time\nq, e, c = queue.Queue(), threading.Event(), threading.Condition()\n\
                def tick():\n    while True:\n        yield 'tick'\n        time.sleep(100)\n\
                def beat():\n    print('beat')\n    s.enter(100, 1, beat)\n\
                s = sched.scheduler()\ns.enter(0, 1, beat)\n";
    let waits = [
        ("for item in iter(q.get, None): print(item)", "", "heard hello"),
        ("for item in iter(lambda: q.get(timeout=100), None): print(item)", "", "heard hello"),
        ("for item in tick(): print(item)", "tick", "heard"),
        ("print(*[item for item in zip('a', tick())])\n    e.wait()", "('a', 'tick')", "heard"),
        ("s.run()", "beat", "heard"),
        ("while not e.wait(100): pass", "", "heard"),
        ("while True:\n        with c: c.wait(); print('noticed')", "", "heard noticed"),
        ("with c: c.wait_for(lambda: not q.empty()); print(q.get())", "", "heard hello"),
        ("while True:\n        try: print(q.get(timeout=100))\n        except queue.Empty: pass", "", "heard hello"),
        ("print(list(map(q.get, [True])))", "", "heard ['hello']"),
        ("[print(q.get()) for _ in range(2)]", "", "heard hello"),
    ];
    for (wait, loaded, told) in waits {
        let source = format!(
            "{head}def loop():\n    {wait}\nthreading.Thread(target=loop, daemon=True).start()\n\
             def on_msg_receive(msg):\n    print('heard')\n    q.put(msg.text)\n    with c: c.notify()"
        );
        let (mut guest, before) = python_tgl::loaded(&source).await;
        assert_eq!(before, loaded, "{wait}");
        let heard = guest.tell("hello").await + &python_tgl::woken(&mut guest).await;
        assert_eq!(heard.split_whitespace().collect::<Vec<_>>().join(" "), told, "{wait}");
        assert_eq!((guest.notes.stderr(), guest.notes.log()), (String::new(), Vec::new()), "{wait}");
    }
}

#[tokio::test]
async fn a_thread_that_cannot_be_left_is_ended_at_once_with_the_reason() {
    let line = "file \"/script/bot.py\", line";
    // what the thread does, where it waits, what holds it
    let waits = [
        ("sorted([1], key=wait)", 3, "wait, which the script does not call itself,"),
        ("sorted([1], key=lambda n: e.wait())", 5, "loop.<lambda>, which the script does not call itself,"),
        ("sorted([1], key=lambda n: time.sleep(100))", 5, "loop.<lambda>, which the script does not call itself,"),
        (
            "while True:\n        try: sorted([1], key=wait)\n        except Exception: pass",
            3,
            "wait, which the script does not call itself,",
        ),
        (
            "import cmd\n    class C(cmd.Cmd):\n        def do_x(self, a): e.wait()\n    C().onecmd('x')",
            7,
            "cmd.Cmd.onecmd",
        ),
        (
            "async def main(): time.sleep(100)\n    asyncio.run(main())",
            5,
            "the coroutine loop.main, which should await instead,",
        ),
        (
            "functools.reduce(lambda a, b: time.sleep(b), [1, 100])",
            5,
            "loop.<lambda>, which the script does not call itself,",
        ),
    ]; // fmt: skip
    for (wait, number, holder) in waits {
        let source = format!(
            "import asyncio, functools, threading, time\ne = threading.Event(); ticks = (e.wait() for _ in 'ab')\ndef wait(n): e.wait()\n\
             def loop():\n    {wait}\nthreading.Thread(target=loop, name='T', daemon=True).start()\ndef on_msg_receive(msg): print('goes on')"
        );
        let (mut guest, _) = python_tgl::loaded(&source).await;
        let told = [(
            LogLevel::Warn,
            format!(
                "thread 'T' is ended where it waits ({line} {number}): a script has one thread, and nothing else of it could \
                 run meanwhile, since {holder} cannot be left in the middle. Let it wait in functions and loops of the \
                 script, or start a new threading.Timer each time"
            ),
        )];
        assert_eq!((guest.notes.log(), guest.notes.stderr()), (told.into(), String::new()), "{wait}");
        assert_eq!(guest.tell("hello").await, "goes on", "{wait}");
    }
}

#[tokio::test]
async fn the_traceback_of_a_thread_has_the_lines_of_the_script_alone() {
    let mut script = start_beside(&[], None).await;
    let source = "import threading\ndef work(): 1 / 0\nthreading.Thread(target=work, name='w').start()";
    script.guest.load(source).await;
    let stderr = script.guest.notes.stderr();
    assert!(stderr.contains("Exception in thread w") && stderr.contains("line 2, in work"), "{stderr}");
    assert_eq!(stderr.matches("File \"").count(), 1, "{stderr}");
}
