//! Who is who among an account's scripts, and what is known of each from outside.

use super::*;

fn enrol(store: &AccountStore, path: &str, name: Option<&str>) -> (String, Origin) {
    let enrolled = enrolled(store, path, name);
    (enrolled.name, enrolled.origin)
}

#[test]
fn a_script_is_told_by_its_file_or_by_the_name_it_was_given() {
    let long = format!("/{}/{}.py", "f".repeat(200), "x".repeat(200));
    let cut = "x".repeat(100);
    let cut_again = format!("{cut}-2");
    let moved = |from: &str| Origin::OtherFile(PathBuf::from(from));
    // path, given name, what it is called, where that comes from
    let steps: [(&str, Option<&str>, &str, Origin); 18] = [
        ("/alice/bot.py", None, "bot.py", Origin::New),
        ("/alice/bot.py", None, "bot.py", Origin::Known),
        ("/bob/bot.py", None, "bob-bot.py", Origin::New),
        ("/x/bob/bot.py", None, "x-bob-bot.py", Origin::New),
        ("/x/bob-bot.py", None, "x-bob-bot.py-2", Origin::New),
        ("/bob/bot.py", None, "bob-bot.py", Origin::Known),
        ("/carol/BOT.py", None, "carol-BOT.py", Origin::New),
        ("/BOB-bot.py", None, "BOB-bot.py-2", Origin::New),
        ("/a\nb.py", None, "a_b.py", Origin::New),
        (&long, None, &cut, Origin::New),
        (&long.replace("f/", "g/"), None, &cut_again, Origin::New),
        (&long, None, &cut, Origin::Known),
        ("/alice/bot.py", Some("night"), "night", Origin::New),
        ("/alice/bot.py", None, "bot.py", Origin::Known),
        ("/moved/bot.py", Some("night"), "night", moved("/alice/bot.py")),
        ("/moved/bot.py", Some("Night"), "night", Origin::Known),
        ("/moved/bot.py", Some("bot.py"), "bot.py", moved("/alice/bot.py")),
        ("/alice/bot.py", None, "alice-bot.py", Origin::New),
    ];
    let dir = TempDir::new().unwrap();
    for (path, given, name, origin) in steps {
        // Each run opens the account anew.
        let store = open(&dir);
        assert_eq!(enrol(&store, path, given), (name.to_owned(), origin), "{path} {given:?}");
    }
    let mut names: Vec<String> =
        scripts(dir.path()).unwrap().into_iter().map(|script| script.name.to_lowercase()).collect();
    let count = names.len();
    names.dedup();
    assert_eq!((count, names.len()), (11, 11), "{names:?}");
    assert!(names.iter().all(|name| name.len() <= 110 && !name.contains(['/', '\n'])), "{names:?}");
}

#[test]
fn scripts_that_come_together_are_told_as_those_that_come_one_by_one() {
    let come: [(&str, Option<&str>); 7] = [
        ("/alice/bot.py", None),
        ("/bob/bot.py", None),
        ("/carol/BOT.py", None),
        ("/alice/bot.py", Some("night")),
        ("/dora/bot.py", Some("Bob-bot.py")),
        ("/bob/bot.py", None),
        ("/alice/bot.py", None),
    ];
    let (dir, other_dir) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (store, other) = (open(&dir), open(&other_dir));
    receive(&store, [1, 2]);
    receive(&other, [1, 2]);
    let together: Vec<_> = come.map(|(path, name)| (Path::new(path), name)).into();
    let together = store.scripts().enrol(&together).unwrap();
    assert_eq!(together, come.map(|(path, name)| enrolled(&other, path, name)));
    assert!(together.iter().all(|script| script.cursor == 2));
    let third = receive(&store, [3]);
    store.scripts().pass_over(together.iter().map(|script| script.name.as_str()), third).unwrap();
    let waiting: Vec<_> = scripts(dir.path()).unwrap().into_iter().map(|script| script.waiting_events).collect();
    assert_eq!(waiting, [0; 5]);
}

#[test]
fn scripts_are_seen_from_outside_with_what_waits_for_them() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir);
    store.scripts().join("/terminal").unwrap();
    let first = enrolled(&store, "/alice/bot.py", None);
    assert_eq!(first.cursor, 0);
    receive(&store, [1, 2]);
    let unnamed = Event::UserUpdate { user: user(1, "A", "").peer, what: tgl::Changes::default() };
    store.record(|batch| batch.push_event(None, &unnamed)).unwrap();
    store.scripts().handled(&first.name, 1, &[send(11, "one")], &[]).unwrap();
    assert_eq!(enrolled(&store, "/bob/bot.py", None).cursor, 3);
    assert_eq!(store.scripts().messages_between(0, 3).unwrap(), 2, "handled or not; a peer's change is no message");
    store.scripts().part("bob-bot.py").unwrap();
    let seen = scripts(dir.path()).unwrap();
    let counts: Vec<_> =
        seen.iter().map(|s| (s.name.as_str(), s.is_running, s.waiting_events, s.waiting_calls)).collect();
    assert_eq!(counts, [("bob-bot.py", false, 0, 0), ("bot.py", true, 2, 1)]);
    assert!(seen[1].waiting_bytes > 100 && seen[0].waiting_bytes == 0, "{seen:?}");
    assert_eq!(seen[1].path.as_deref(), Some(Path::new("/alice/bot.py")));
    assert!(seen[1].last_run.unwrap() > 1_700_000_000);
    drop(store);
    assert!(!scripts(dir.path()).unwrap()[1].is_running, "its process is gone, without a word");
    assert_eq!(scripts(&dir.path().join("nowhere")).unwrap(), []);
}

#[test]
fn what_is_kept_for_a_script_goes_when_it_is_not_at_work() {
    let dir = TempDir::new().unwrap();
    let removed = std::cell::Cell::new(0);
    let forget_it = |name: &str| {
        forget(dir.path(), name, || {
            removed.set(removed.get() + 1);
            Ok(())
        })
        .unwrap()
    };
    let store = open(&dir);
    for path in ["/a/bot.py", "/b/bot.py"] {
        enrolled(&store, path, None);
    }
    store.scripts().handled("bot.py", 0, &[send(11, "one")], &[]).unwrap();
    assert_eq!(
        (forget_it("bot.py"), forget_it("stranger.py"), removed.get()),
        (Forgotten::Running, Forgotten::Unknown, 0)
    );
    store.scripts().part("b-bot.py").unwrap();
    assert_eq!(
        (forget_it("b-bot.py"), removed.get()),
        (Forgotten::Done, 1),
        "while another script of the account runs"
    );
    drop(store);
    let failed = forget(dir.path(), "bot.py", || Err(std::io::Error::other("the disk says no")));
    assert!(failed.unwrap_err().to_string().contains("the disk says no"));
    assert_eq!(scripts(dir.path()).unwrap()[0].waiting_calls, 1, "nothing is half forgotten");
    assert_eq!((forget_it("bot.py"), removed.get()), (Forgotten::Done, 2));
    assert_eq!(scripts(dir.path()).unwrap(), []);
    let store = open(&dir);
    assert!(store.scripts().outbox("bot.py").unwrap().is_empty());
    assert_eq!(enrol(&store, "/a/bot.py", None), ("bot.py".to_owned(), Origin::New));
}

#[test]
fn who_has_ended_holds_up_nobody() {
    let dir = TempDir::new().unwrap();
    let store = AccountStore::open_bounded(dir.path(), SMALL).unwrap();
    enrolled(&store, "/ends.py", None);
    enrolled(&store, "/runs.py", None);
    store.scripts().part("ends.py").unwrap();
    for id in 1..=20 {
        let seq = receive(&store, [id]);
        store.scripts().handled("runs.py", seq, &[], &[]).unwrap();
    }
    let seen = scripts(dir.path()).unwrap();
    let counts: Vec<_> = seen.iter().map(|s| (s.name.as_str(), s.waiting_events, s.lost_events)).collect();
    let [("ends.py", waiting, lost), ("runs.py", 0, 0)] = counts[..] else { panic!("{counts:?}") };
    assert!(waiting >= 8 && waiting + lost == 20, "what it lost is said: {counts:?}");
}
