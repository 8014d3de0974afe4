//! What a chat does step by step: how it begins and ends, what is deleted, asked for again, refused.

use secret_chat::{
    Action, CloseReason, Effect, EffectId, EncryptedFile, Event, File, FileEncryptor, Ignored, Incoming, InputFile,
    Media, Message, Outgoing, Refused, SecretChat, SendKind, Status, Unreadable,
};

use crate::pair::{Side, exchange, group, new_pair, pair};

#[test]
fn a_chat_begins_with_the_first_layer_and_goes_on_with_the_last() {
    let [mut a, mut b] = new_pair();
    assert_eq!([a.chat.layer(), b.chat.layer()], [73, 73]);
    assert!(a.chat.is_ours() && !b.chat.is_ours());
    assert_eq!(a.chat.picture().unwrap(), b.chat.picture().unwrap());
    exchange(&mut a, &mut b);
    assert_eq!([a.chat.layer(), b.chat.layer()], [144, 144]);
    for side in [&a, &b] {
        assert_eq!(side.events, [Event::Opened, Event::LayerChanged]);
    }
}

#[test]
fn a_request_can_be_refused_on_each_side() {
    let request = || Side::new(9, |outside| SecretChat::request(group(), outside).unwrap());
    let mut side = request();
    side.confirm(EffectId::Request);
    side.events(|chat, _| chat.discarded());
    assert_eq!((side.chat.status(), side.chat.effects()), (Status::Closed(CloseReason::ByThem), vec![]));

    let mut side = request();
    side.events(|chat, outside| chat.refused(EffectId::Request, outside));
    assert_eq!((side.chat.status(), side.chat.effects()), (Status::Closed(CloseReason::ByDataCentre), vec![]));

    let mut side = Side::new(9, |_| SecretChat::requested(1, &[9; 256]));
    side.events(|chat, _| chat.discard(false));
    assert_eq!(side.chat.effect(EffectId::Discard), Some(Effect::Discard { delete_history: false }));
    side.confirm(EffectId::Discard);
    assert_eq!((side.chat.status(), side.chat.effects()), (Status::Closed(CloseReason::ByUs), vec![]));
    side.events(|chat, outside| chat.accept(group(), outside).unwrap());
    side.restart();
    assert_eq!(side.chat.status(), Status::Closed(CloseReason::ByUs));
}

#[test]
fn halves_of_keys_that_are_not_safe_close_the_chat() {
    let unsafe_halves = [vec![], vec![1], vec![0; 256], vec![0xff; 256], vec![9; 257]];
    for half in unsafe_halves {
        let mut side = Side::new(9, |_| SecretChat::requested(1, &half));
        side.events(|chat, outside| chat.accept(group(), outside).unwrap());
        assert_eq!(side.events, [Event::Closed(CloseReason::UnsafeKey)]);
        let mut side = Side::new(9, |outside| SecretChat::request(group(), outside).unwrap());
        side.confirm(EffectId::Request);
        side.events(|chat, outside| chat.established(&half, 0, outside));
        assert_eq!(side.events, [Event::Closed(CloseReason::UnsafeKey)]);
        assert_eq!(side.chat.effects(), [EffectId::Discard]);
    }
    let mut side = Side::new(9, |outside| SecretChat::request(group(), outside).unwrap());
    side.events(|chat, outside| chat.established(&[9; 256], 0, outside));
    assert_eq!(side.events, [Event::Closed(CloseReason::KeyMismatch)]);
}

#[test]
fn what_the_other_side_writes_at_once_is_taken_before_the_data_centres_word() {
    let mut a = Side::new(3, |outside| SecretChat::request(group(), outside).unwrap());
    let Some(Effect::Request { random_id, g_a }) = a.chat.effect(EffectId::Request) else { panic!() };
    let mut b = Side::new(5, |_| SecretChat::requested(random_id, &g_a));
    b.events(|chat, outside| chat.accept(group(), outside).unwrap());
    let Some(Effect::Accept { g_b, key_fingerprint }) = b.chat.effect(EffectId::Accept) else { panic!() };
    a.events(|chat, outside| chat.established(&g_b, key_fingerprint, outside));
    a.say(1, "early").unwrap();
    b.restart();
    assert_eq!(b.receive(&[7; 64]), Err(Ignored::NotOpen));
    for packet in a.packets() {
        b.receive(&packet).unwrap();
    }
    assert_eq!(b.texts(), ["early"]);
    b.events(|chat, outside| chat.established(&g_b, key_fingerprint, outside));
    exchange(&mut a, &mut b);
    assert_eq!([a.chat.status(), b.chat.status()], [Status::Open, Status::Open]);
}

#[test]
fn an_acceptance_that_the_data_centre_had_already_opens_the_chat() {
    let [a, mut b] = {
        let mut a = Side::new(3, |outside| SecretChat::request(group(), outside).unwrap());
        let Some(Effect::Request { g_a, .. }) = a.chat.effect(EffectId::Request) else { panic!() };
        a.confirm(EffectId::Request);
        [a, Side::new(5, |_| SecretChat::requested(1, &g_a))]
    };
    b.events(|chat, outside| chat.accept(group(), outside).unwrap());
    b.restart();
    b.confirm(EffectId::Accept);
    assert_eq!([a.chat.status(), b.chat.status()], [Status::Requesting, Status::Open]);
}

#[test]
fn a_gap_is_asked_for_once_and_again_after_a_while() {
    let [mut a, mut b] = pair();
    for id in 1..=5 {
        a.say(id, &id.to_string()).unwrap();
    }
    let packets = a.packets();
    b.receive(&packets[3]).unwrap();
    b.receive(&packets[4]).unwrap();
    assert_eq!(b.receive(&packets[4]), Err(Ignored::Known));
    assert_eq!(b.texts(), [""; 0]);
    let first = b.chat.effects();
    assert_eq!(first.len(), 1, "one gap, asked for once");
    let lost = b.packets();
    assert_eq!(lost.len(), 1);
    let deadline = b.chat.deadline().unwrap();
    b.now_s = deadline - 1;
    b.events(|chat, outside| chat.on_time(outside));
    assert_eq!(b.chat.effects(), []);
    b.now_s = deadline;
    b.events(|chat, outside| chat.on_time(outside));
    assert_eq!(b.chat.effects().len(), 1);
    assert!(b.chat.deadline().unwrap() - deadline > 60, "less often than before");
    // The second question comes, and shows that the first is missing.
    let again = b.packets();
    a.receive(&again[0]).unwrap();
    exchange(&mut a, &mut b);
    assert_eq!(b.texts(), ["1", "2", "3", "4", "5"]);
    assert_eq!([a.chat.effects(), b.chat.effects()], [vec![], vec![]]);
}

#[test]
fn a_deleted_message_that_never_arrived_arrives_as_its_deletion() {
    let [mut a, mut b] = pair();
    a.say(1, "one").unwrap();
    a.say(2, "two").unwrap();
    a.packets();
    a.act(3, Action::Delete(vec![1]));
    let kept: Vec<u8> = a.rows.values().flatten().copied().collect();
    assert!(!kept.windows(3).any(|window| window == b"one"), "its text is not kept");
    a.restart();
    exchange(&mut a, &mut b);
    let deletion = |random_id| Event::Action { random_id, action: Action::Delete(vec![1]), date: 1 };
    let two = Message { text: "two".to_owned(), ..Message::default() };
    let two = Event::Message { random_id: 2, message: Box::new(two), date: 1, file: None };
    assert_eq!(b.events, [deletion(1), two, deletion(3)]);
}

#[test]
fn the_other_sides_deletion_reaches_what_it_has_not_got() {
    let [mut a, mut b] = pair();
    a.say(1, "one").unwrap();
    a.say(2, "two").unwrap();
    a.packets();
    b.act(9, Action::Flush);
    b.packets().iter().for_each(|packet| a.receive(packet).unwrap());
    a.say(3, "three").unwrap();
    exchange(&mut a, &mut b);
    assert_eq!(b.texts(), ["three"]);
    assert_eq!(b.events.len(), 3);
}

#[test]
fn what_the_data_centre_does_not_take_leaves_its_place_to_nothing() {
    let [mut a, mut b] = pair();
    a.say(1, "one").unwrap();
    a.act(2, Action::SetTtl(5));
    for id in a.chat.effects() {
        a.events(|chat, outside| chat.refused(id, outside));
        // What was said of it no longer counts.
        a.confirm(id);
    }
    assert_eq!(a.chat.effects().len(), 2);
    a.say(3, "three").unwrap();
    exchange(&mut a, &mut b);
    assert_eq!(b.texts(), ["three"]);
    assert_eq!(b.events.len(), 2, "the message is deleted, the action nothing");
    // Then nothing is left that could be said instead.
    a.say(4, "four").unwrap();
    for _ in 0..2 {
        let id = a.chat.effects()[0];
        a.events(|chat, outside| chat.refused(id, outside));
    }
    assert_eq!(a.chat.status(), Status::Closed(CloseReason::ByDataCentre));
}

#[test]
fn a_file_goes_with_the_place_that_it_has() {
    let [mut a, mut b] = pair();
    let (_, key) = a.step(|_, outside| FileEncryptor::new(outside));
    let fingerprint = key.fingerprint();
    let photo = Media::Photo { file: File { key, size: 5, thumb: None }, w: 1, h: 2 };
    let message = Box::new(Message { media: Some(photo), ..Message::default() });
    let uploaded = InputFile::Uploaded { id: 5, parts: 1, md5_checksum: None };
    assert_eq!(a.send(1, Outgoing::Message(message.clone(), None)), Err(Refused::FileMissing));
    let text = Outgoing::Message(Box::default(), Some(uploaded.clone()));
    assert_eq!(a.send(1, text), Err(Refused::FileMissing));
    a.send(1, Outgoing::Message(message.clone(), Some(uploaded.clone()))).unwrap();
    let id = a.chat.effects()[0];
    let kind = |side: &Side| match side.chat.effect(side.chat.effects()[0]) {
        Some(Effect::Send { kind, .. }) => kind,
        other => panic!("{other:?}"),
    };
    assert_eq!(kind(&a), SendKind::File(uploaded, fingerprint));
    let place = EncryptedFile { id: 6, access_hash: 7, size: 16, dc_id: 2, key_fingerprint: fingerprint };
    let packet = a.packet(id);
    a.events(|chat, outside| chat.confirmed(id, Some(place), outside));
    // Once lost, it is sent from where it is.
    a.say(2, "after").unwrap();
    let after = a.packets();
    b.receive(&after[0]).unwrap();
    b.packets().iter().for_each(|packet| a.receive(packet).unwrap());
    assert_eq!(kind(&a), SendKind::File(InputFile::Known { id: 6, access_hash: 7 }, fingerprint));
    let other = EncryptedFile { key_fingerprint: fingerprint ^ 1, ..place };
    for (file, found) in [(None, None), (Some(other), None), (Some(place), Some(place))] {
        let mut b = Side::of(9, b.rows.clone());
        let incoming = Incoming { bytes: &packet, date: 3, file };
        let events = b.step(|chat, outside| chat.receive(&incoming, outside)).unwrap();
        assert_eq!(events[0], Event::Message { random_id: 1, message: message.clone(), date: 3, file: found });
    }
}

#[test]
fn damaged_rows_are_told_and_not_believed() {
    let [mut a, _] = pair();
    a.say(1, "one").unwrap();
    let load = |change: &dyn Fn(&mut crate::pair::Rows)| {
        let mut rows = a.rows.clone();
        change(&mut rows);
        SecretChat::load(rows).map(|chat| chat.status())
    };
    assert_eq!(load(&|_| {}), Ok(Status::Open));
    assert_eq!(load(&|rows| drop(rows.remove(&0))), Err(Unreadable::Missing));
    assert_eq!(load(&|rows| rows.get_mut(&0).unwrap()[0] += 1), Err(Unreadable::Version));
    assert_eq!(load(&|rows| rows.get_mut(&0).unwrap().push(0)), Err(Unreadable::Damaged));
    assert_eq!(load(&|rows| drop(rows.insert(5, vec![]))), Err(Unreadable::Damaged));
    for key in [-1, i64::MIN, i64::MAX] {
        assert_eq!(load(&|rows| drop(rows.insert(key, vec![1]))), Err(Unreadable::Damaged));
    }
    // However a byte is changed, it is read or it is not.
    for (key, value) in &a.rows {
        for at in 0..value.len() {
            for change in [1, 0x80, 0xff] {
                let _ = load(&|rows| rows.get_mut(key).unwrap()[at] ^= change);
            }
        }
    }
}

#[test]
fn no_key_and_no_text_is_shown() {
    let [mut a, _] = pair();
    a.say(1, "a secret").unwrap();
    let changes = a.chat.changes();
    let shown = format!("{:?} {changes:?}", a.chat);
    assert!(!shown.contains("97, 32, 115") && !shown.contains("a secret"), "{shown}");
    assert!(shown.contains("secret bytes"));
}
