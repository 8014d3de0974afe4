//! What the `tgl` package puts in the place of parts of Python, in the component itself: threads, pools and coroutines.

use sandbox::LogLevel;

use crate::python::python;
use crate::support::{Running, started};

/// A script that is loaded, and what it printed meanwhile.
pub(crate) async fn loaded(source: &str) -> (Running, String) {
    let mut guest = started(&python().await).await;
    let loaded = guest.instance.load(source, "/script/bot.py").await;
    assert_eq!(loaded, Ok(()), "{source}\n{}", guest.notes.stderr());
    let told = guest.notes.take_stdout();
    (guest, told)
}

/// Loads each source, delivers a message and wakes it up as it asks; gives what differs from what it should print, but for
/// blanks and newlines.
pub(crate) async fn surprises(cases: &[(&str, &str)]) -> String {
    let mut surprises = String::new();
    for (source, printed) in cases {
        let (mut guest, mut told) = loaded(source).await;
        if source.contains("on_msg_receive") {
            told.push_str(" | ");
            told.push_str(&guest.tell("hello").await);
            told.push_str(&woken(&mut guest).await);
        }
        let stderr = guest.notes.stderr();
        let told: Vec<&str> = told.split_whitespace().collect();
        if told != printed.split_whitespace().collect::<Vec<_>>() || !stderr.is_empty() {
            surprises.push_str(&format!("{source}\n=> {told:?}, not {printed:?}\n{stderr}\n"));
        }
    }
    surprises
}

/// Wakes a script up as long as it asks to be woken within a second; gives what it prints.
pub(crate) async fn woken(guest: &mut Running) -> String {
    let mut told = String::new();
    while let Some(ms) = guest.notes.take_timer_ms().filter(|ms| *ms < 1000) {
        tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
        guest.instance.on_timer().await.unwrap();
        told.push(' ');
        told.push_str(&guest.notes.take_stdout());
    }
    told
}

#[tokio::test]
async fn threads_go_on_between_callbacks() {
    let cases = [
        (
            "import threading, time\ndef loop():\n    for n in range(3): time.sleep(0.01 if n else 0.5); print(n)\n\
             threading.Thread(target=loop, daemon=True).start()\ndef on_msg_receive(msg): print(msg.text)",
            "| hello 0 1 2",
        ),
        (
            "import threading, queue\nq = queue.Queue()\ndef work():\n    while True: msg = q.get(); print('did', msg.text); q.task_done()\n\
             threading.Thread(target=work, daemon=True).start()\ndef on_msg_receive(msg): q.put(msg); print('put')",
            "| put did hello",
        ),
        (
            "import threading\nclass Beat(threading.Thread):\n    def __init__(self):\n        super().__init__(daemon=True)\n        \
             self.stop = threading.Event()\n    def run(self):\n        while not self.stop.wait(0.5): print('beat'); self.stop.set()\n\
             beat = Beat()\nbeat.start()\ndef on_msg_receive(msg): beat.join(); print(beat.is_alive())",
            "| beat False",
        ),
        (
            "import threading, queue\nq = queue.Queue(1)\ndef make():\n    for n in range(4): q.put(n)\n\
             threading.Thread(target=make).start()\nprint(*(q.get() for _ in range(4)))",
            "0 1 2 3",
        ),
        (
            "import threading, asyncio\nloop = asyncio.get_event_loop()\nasync def add(n): await asyncio.sleep(0.01); return n + 1\n\
             def ask(): print(asyncio.run_coroutine_threadsafe(add(1), loop).result())\n\
             def on_msg_receive(msg): threading.Thread(target=ask).start()",
            "| 2",
        ),
    ];
    assert_eq!(surprises(&cases).await, "");
}

#[tokio::test]
async fn many_threads_may_wait() {
    let cases = [
        (
            "import threading, time\nt = [threading.Thread(target=time.sleep, args=[0.2]) for _ in range(2000)]\n\
             for one in t: one.start()\nfor one in t: one.join()\nprint(sum(one.is_alive() for one in t))",
            "0",
        ),
        (
            "import threading, time\nfrom functools import partial\ndone = []\ndef nap(n): sorted([0.01], key=time.sleep); done.append(n)\n\
             for n in range(250): threading.Thread(target=partial(nap, n)).start()\n\
             def on_msg_receive(msg): print(len(done), sorted(done) == list(range(250)))",
            "| 250 True",
        ),
        (
            "import threading, sys\ndef down(n): return n and down(n - 1)\nout = []\ndef f(n):\n    sorted([900], key=down)\n\
             \x20   if n: t = threading.Thread(target=f, args=[n - 1]); t.start(); sorted([t], key=lambda t: t.join())\n    out.append(n)\n\
             f(20)\nprint(len(out), sys.getrecursionlimit())",
            "21 1000",
        ),
        (
            "import threading\nerrors = []\ndef f(n):\n    if n == 120: return\n    t = threading.Thread(target=f, args=[n + 1])\n\
             \x20   t.start()\n    try: sorted([t], key=threading.Thread.join)\n    except RuntimeError as e: errors.append(str(e))\n\
             f(0)\nprint(len(errors), errors[0][:24], '100 threads that wait' in errors[0])",
            "1 this would wait for ever True",
        ),
    ];
    assert_eq!(surprises(&cases).await, "");
}

#[tokio::test]
async fn pools_of_threads_work() {
    let cases = [
        (
            "from multiprocessing.pool import ThreadPool\nwith ThreadPool(3) as p:\n    print(p.map(abs, [-1, -2, 3]), \
             p.apply(int, ('7',)), p.starmap(pow, [(2, 3), (3, 2)]), list(p.imap(str, range(3))), \
             sorted(p.imap_unordered(str, range(3))), list(p.imap(str, range(5), 2)))",
            "[1, 2, 3] 7 [8, 9] ['0', '1', '2'] ['0', '1', '2'] ['0', '1', '2', '3', '4']",
        ),
        (
            "from multiprocessing.pool import ThreadPool\np = ThreadPool(2)\n\
             r = p.map_async(int, ['1', 'x'], callback=print, error_callback=lambda e: print('bad', e))\nr.wait()\n\
             print(r.ready(), r.successful())\ntry: r.get()\nexcept ValueError as e: print(e)\n\
             p.apply_async(int, ['5'], callback=lambda n: print('got', n)).get()\n\
             p.close(); p.join()\ntry: p.map(int, [])\nexcept ValueError as e: print(e)",
            "bad invalid literal for int() with base 10: 'x'\nTrue False\ninvalid literal for int() with base 10: 'x'\ngot 5\nPool not running",
        ),
        (
            "from multiprocessing.dummy import Pool, Process, Queue, Lock, Event\nq = Queue()\np = Process(target=q.put, args=(5,))\n\
             p.start(); p.join()\nprint(q.get(), p.exitcode)\nwith Lock(), Pool() as pool: print(pool.map(len, ['a', 'bb']))",
            "5 0\n[1, 2]",
        ),
        (
            "from multiprocessing.pool import ThreadPool\nbegun = []\np = ThreadPool(2, begun.append, ['init'])\n\
             print(len(p.map(str, range(30_000), 1)), begun)\np.terminate(); p.join()",
            "30000 ['init']",
        ),
        (
            "from concurrent.futures import ThreadPoolExecutor, wait\nimport time\nlive = most = 0\ndef job(n):\n    global live, most\n\
             \x20   live += 1; most = max(most, live); time.sleep(0.001); live -= 1; return n\nwith ThreadPoolExecutor(4) as pool:\n\
             \x20   futures = [pool.submit(job, n) for n in range(40)]\n    print(len(wait(futures).done), sum(f.result() for f in futures), most)\n\
             print(len(ThreadPoolExecutor().submit(list, range(3)).result()), sum(ThreadPoolExecutor(2).map(abs, range(20_000))))",
            "40 780 4\n3 199990000",
        ),
        (
            "import queue, threading\nq, out = queue.Queue(), []\ndef produce():\n    for n in range(5): q.put(n)\n    q.put(None)\n\
             threading.Thread(target=produce).start()\nwhile (n := q.get()) is not None: out.append(n); q.task_done()\nprint(out)\n\
             p = queue.PriorityQueue()\nfor n in 3, 1: p.put(n)\ns = queue.SimpleQueue()\ns.put(7)\nprint(p.get(), s.get(), queue.LifoQueue().empty())",
            "[0, 1, 2, 3, 4]\n1 7 True",
        ),
        (
            "import sched, time\ns = sched.scheduler(time.time, time.sleep)\nfor n, at in enumerate([0.02, 0.01]): s.enter(at, 1, print, [n])\n\
             s.run()\nt = sched.scheduler()\nt.enter(0.001, 1, print, ['default'])\nt.run()",
            "1\n0\ndefault",
        ),
        (
            "import threading\nb, out = threading.Barrier(3), []\ndef f(n): out.append((n, b.wait() in range(3)))\n\
             t = [threading.Thread(target=f, args=[n]) for n in range(3)]\nfor one in t: one.start()\nfor one in t: one.join()\n\
             print(sorted(out))",
            "[(0, True), (1, True), (2, True)]",
        ),
    ];
    assert_eq!(surprises(&cases).await, "");
}

#[tokio::test]
async fn coroutines_go_on_between_callbacks() {
    let cases = [
        (
            "import asyncio\nasync def on_msg_receive(msg):\n    print(msg.text, end=' ')\n    await asyncio.sleep(0.01)\n    print('later', end=' ')\n\
             \x20   print(await asyncio.to_thread(len, 'abc'), await asyncio.gather(asyncio.sleep(0.01, 1), asyncio.sleep(0, 2)))",
            "| hello later 3 [1, 2]",
        ),
        (
            "import asyncio\nasync def tick(n):\n    while n: await asyncio.sleep(0.01); print(n, end=' '); n -= 1\n\
             asyncio.get_event_loop().create_task(tick(2))\nasyncio.ensure_future(tick(1))\ndef on_msg_receive(msg): pass",
            "| 2 1 1",
        ),
        (
            "import asyncio\nasync def main(): await asyncio.sleep(0.01); return 7\nprint(asyncio.run(main()))\n\
             def on_msg_receive(msg):\n    print(asyncio.run(main()))\n    asyncio.get_event_loop().create_task(main()).add_done_callback(lambda t: print(t.result()))",
            "7 | 7 7",
        ),
        (
            "import asyncio, time\nasync def f(): await asyncio.sleep(0); print('other', end=' ')\nasync def on_msg_receive(msg):\n\
             \x20   asyncio.create_task(f())\n    time.sleep(0.01)\n    print('blocks')",
            "| blocks other",
        ),
        (
            "import asyncio\nq = asyncio.Queue()\nasync def work():\n    while True: print('got', await asyncio.wait_for(q.get(), 5))\n\
             async def on_binlog_replay_end(): pass\nasync def on_msg_receive(msg):\n    global w\n    w = asyncio.create_task(work())\n    await q.put(msg.text)",
            "| got hello",
        ),
        (
            "import asyncio, threading\nloop = asyncio.get_event_loop()\nasync def f(): print('from a thread', threading.current_thread().name)\n\
             def on_msg_receive(msg):\n    threading.Thread(target=lambda: asyncio.run_coroutine_threadsafe(f(), loop)).start()",
            "| from a thread MainThread",
        ),
        (
            "import asyncio\nloop = asyncio.get_event_loop()\nloop.run_until_complete(asyncio.sleep(0.01))\nprint('ran')\nloop.close()\n\
             async def on_msg_receive(msg):\n    async with asyncio.timeout(5): await asyncio.sleep(0.01)\n    print('still')",
            "ran | still",
        ),
    ];
    let told = surprises(&cases).await;
    assert_eq!(told, "");
}

#[tokio::test]
async fn a_misspelt_handler_is_told_once() {
    let (guest, _) = loaded("import tgl\ndef f(msg): pass\ntgl.on_msg_recieve = f").await;
    let [(LogLevel::Warn, line)] = &guest.notes.log()[..] else { panic!("{:?}", guest.notes.log()) };
    assert!(line.contains("did you mean tgl.set_on_msg_receive(f)"), "{line}");
}

#[tokio::test]
async fn what_tgl_lists_is_for_scripts() {
    let source = "import tgl\nnames = dir(tgl)\nprint([n for n in names if n.startswith('_') and not n.startswith('__')], \
                  'send_msg' in names, '__name__' in names)";
    let (_, told) = loaded(source).await;
    assert_eq!(told, "[] True True");
}

#[tokio::test]
async fn a_generator_function_that_is_to_be_called_is_told_of_once() {
    let own = "def on_msg_receive(msg):\n    print(msg.text)\n    yield\n";
    let registers = format!("{own}tgl.set_on_msg_receive(on_msg_receive)");
    // source, the function that is told of, and its line
    let cases = [
        (own, "on_msg_receive", 2),
        (registers.as_str(), "on_msg_receive", 2),
        ("async def f(msg):\n    yield\ntgl.on_msg_receive = f", "f", 2),
        ("class Bot:\n    def f(self, msg): yield\ntgl.set_on_msg_receive(Bot().f)", "f", 3),
        ("import functools\ndef f(more, msg): yield\ntgl.set_on_msg_receive(functools.partial(f, 1))", "f", 3),
        // One that is not known before: what it gives is nobody's.
        ("def f(): yield\ntgl.set_on_msg_receive(lambda msg: f())", "f", 2),
    ];
    for (source, name, line) in cases {
        let (mut guest, _) = loaded(&format!("import tgl\n{source}")).await;
        assert_eq!((guest.tell("hello").await, guest.tell("again").await), Default::default(), "{source}");
        let log = guest.notes.log();
        let said = format!(
            "{name} (file \"/script/bot.py\", line {line}) has a `yield`, so to call it runs none of its lines"
        );
        let told: Vec<bool> =
            log.iter().map(|(level, text)| *level == LogLevel::Warn && text.starts_with(&said)).collect();
        assert_eq!(told, [true], "{source}: {log:?}");
    }
    let (mut guest, _) =
        loaded("import tgl\ndef f(*_): yield\ntgl.get_contact_list(f)\ntgl.set_on_msg_receive(print)").await;
    let request = guest.notes.take_calls().len() as u64;
    guest.instance.on_completion(request, &Err(tgl::CallError::new(tgl::Failure::Unavailable, "no"))).await.unwrap();
    let log = guest.notes.log();
    assert!(log.iter().any(|(_, text)| text.starts_with("f (file \"/script/bot.py\", line 2)")), "{log:?}");
}
