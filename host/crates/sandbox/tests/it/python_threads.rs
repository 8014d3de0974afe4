//! Threads, pools and event loops of scripts in the Python component, which has one thread.

use crate::python_scripts::{start_beside, surprises};

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
async fn a_thread_that_cannot_be_left_and_waits_too_long_is_ended() {
    let waits = [
        "while True: time.sleep(100)",
        "while not threading.Event().wait(100): pass",
        "threading.Timer(0.01, print).start(); time.sleep(100)",
        "other = threading.Thread(target=time.sleep, args=[100]); other.start(); other.join(); time.sleep(100)",
        "for _ in range(100):\n        try: time.sleep(100)\n        except Exception: pass",
        "from concurrent.futures import ThreadPoolExecutor as P; print(repr(P().submit(time.sleep, 100).exception())); time.sleep(100)",
    ];
    for wait in waits {
        let source = format!(
            "import threading, time\ndef loop(_):\n    print('begins')\n    {wait}\n\
             def called_by_map(): list(map(loop, [1]))\nthreading.Thread(target=called_by_map, name='T', daemon=True).start()\ndef on_msg_receive(msg): print('goes on')"
        );
        let mut script = start_beside(&[], None).await;
        script.guest.load(&source).await;
        assert!(script.guest.notes.take_stdout().starts_with("begins"), "{wait}");
        let log = script.guest.notes.log();
        let (_, line) = log.last().expect("it is said");
        assert!(line.starts_with("thread 'T' is ended where it waits: a script has one thread"), "{wait}: {log:?}");
        assert!(line.ends_with("start a new threading.Timer each time"), "{wait}: {log:?}");
        assert_eq!(script.guest.tell("hello").await, "goes on", "{wait}");
    }
}
