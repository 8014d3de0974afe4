//! What the rest relies on: every update once and in its order, whatever comes when.

use super::*;

fn read(pts: i32, pts_count: i32) -> enums::Update {
    types::UpdateDeleteMessages { messages: vec![pts], pts, pts_count }.into()
}

fn envelope(seq: i32, updates: Vec<enums::Update>) -> Envelope {
    Envelope { updates, users: Vec::new(), chats: Vec::new(), date: 0, seq_start: seq, seq }
}

fn pts(ready: &Ready) -> Vec<i32> {
    let pts = |update: &enums::Update| match update {
        enums::Update::DeleteMessages(update) => update.pts,
        _ => 0,
    };
    ready.updates.iter().map(pts).collect()
}

fn at(pts: i32, seq: i32) -> (Order, Instant) {
    let now = Instant::now();
    let mut order = Order::new(UpdateState { pts, qts: 1, date: 0, seq }, now);
    order.begin_difference();
    order.end_difference(now);
    (order, now)
}

#[test]
fn every_arrival_order_gives_the_same_order_once() {
    let sent = [(11, 1), (12, 1), (14, 2), (15, 1)];
    // All 24 ways, each with every update doubled.
    let mut ways = vec![vec![]];
    for update in sent {
        ways = ways
            .into_iter()
            .flat_map(|way: Vec<_>| {
                (0..=way.len()).map(move |at| {
                    let mut way = way.clone();
                    way.insert(at, update);
                    way
                })
            })
            .collect();
    }
    for way in ways {
        let (mut order, now) = at(10, 0);
        let mut got = Vec::new();
        for (number, count) in way.iter().flat_map(|update| [*update, *update]) {
            got.extend(pts(&order.accept(envelope(0, vec![read(number, count)]), now)));
        }
        assert_eq!(got, [11, 12, 14, 15], "{way:?}");
        assert_eq!(order.state().pts, 15);
        assert!(!order.wants_difference() && order.deadline() > Some(now + GAP_WAIT), "no gap is left");
    }
}

#[test]
fn a_gap_that_stays_asks_for_the_difference_after_half_a_second() {
    let (mut order, now) = at(10, 0);
    assert!(pts(&order.accept(envelope(0, vec![read(12, 1)]), now)).is_empty());
    order.on_deadline(now + GAP_WAIT / 2);
    assert!(!order.wants_difference());
    assert_eq!(order.deadline(), Some(now + GAP_WAIT));
    order.on_deadline(now + GAP_WAIT);
    assert!(order.wants_difference());
}

#[test]
fn silence_asks_for_the_difference() {
    let (mut order, now) = at(10, 0);
    assert_eq!(order.deadline(), Some(now + SILENCE_MAX));
    order.on_deadline(now + SILENCE_MAX);
    assert!(order.wants_difference());
    assert!(order.deadline() > Some(now + SILENCE_MAX), "and not at every turn");
}

#[test]
fn what_comes_during_a_difference_comes_after_it_unless_it_was_in_it() {
    let (mut order, now) = at(10, 0);
    order.begin_difference();
    for number in [13, 14, 11] {
        assert!(pts(&order.accept(envelope(0, vec![read(number, 1)]), now)).is_empty());
    }
    order.advance(UpdateState { pts: 13, ..order.state() });
    assert_eq!(pts(&order.end_difference(now)), [14]);
    assert!(!order.wants_difference());
}

#[test]
fn groups_are_ordered_by_seq() {
    let (mut order, now) = at(10, 5);
    assert!(pts(&order.accept(envelope(7, vec![read(0, 0), read(12, 1)]), now)).is_empty());
    assert!(pts(&order.accept(envelope(5, vec![read(0, 0)]), now)).is_empty(), "an old group is dropped");
    assert_eq!(pts(&order.accept(envelope(6, vec![read(11, 1)]), now)), [11, 0, 12]);
    assert_eq!((order.state().seq, order.state().pts), (7, 12));
    order.accept(envelope(9, vec![]), now);
    order.on_deadline(now + GAP_WAIT);
    assert!(order.wants_difference());
}

#[test]
fn too_many_waiting_updates_ask_for_the_difference() {
    let (mut order, now) = at(10, 0);
    for number in 0..=WAITING_MAX as i32 {
        order.accept(envelope(0, vec![read(100 + number, 1)]), now);
    }
    assert!(order.wants_difference());
    let (mut order, now) = at(10, 5);
    order.begin_difference();
    for number in 0..=WAITING_MAX as i32 {
        order.accept(envelope(0, vec![read(100 + number, 1)]), now);
    }
    order.end_difference(now);
    assert!(order.wants_difference());
    assert!(order.waiting.len() <= WAITING_MAX && order.held.is_empty());
}

#[test]
fn what_could_not_be_kept_is_asked_for_again() {
    let (mut order, now) = at(10, 0);
    order.accept(envelope(0, vec![read(11, 1)]), now);
    order.reset(UpdateState { pts: 10, ..order.state() });
    assert!(order.wants_difference());
    assert_eq!(pts(&order.accept(envelope(0, vec![read(11, 1)]), now)), [11]);
}

#[test]
fn a_channels_order_counts_its_own_updates_and_bears_silence() {
    let now = Instant::now();
    let update = |pts| -> enums::Update {
        types::UpdateDeleteChannelMessages { channel_id: 7, messages: vec![], pts, pts_count: 1 }.into()
    };
    let mut order = Order::channel(10, now);
    assert_eq!((order.deadline(), order.is_busy()), (None, false));
    assert_eq!(order.accept(envelope(0, vec![read(11, 1), update(11)]), now).updates.len(), 2);
    assert_eq!(order.state().pts, 11, "the account's pts is not the channel's");
    for number in 0..=CHANNEL_WAITING_MAX as i32 {
        assert!(!order.wants_difference());
        order.accept(envelope(0, vec![update(100 + number)]), now);
    }
    assert!(order.wants_difference() && order.waiting.len() <= CHANNEL_WAITING_MAX);

    let (mut account, now) = at(10, 0);
    assert_eq!(account.accept(envelope(0, vec![update(100), read(11, 1)]), now).updates.len(), 2);
    assert_eq!(account.state().pts, 11, "nor the channel's the account's");
}

#[test]
fn numbers_at_their_end_are_numbers() {
    let (mut order, now) = at(10, 0);
    let held = order.accept(envelope(5, vec![read(12, 1)]), now);
    assert!(pts(&held).is_empty());
    let last = Envelope { seq: i32::MAX, ..envelope(1, vec![read(11, 1)]) };
    assert_eq!(pts(&order.accept(last, now)), [11]);
    assert_eq!(order.state().seq, i32::MAX);
    assert!(order.accept(envelope(i32::MIN, vec![read(i32::MAX, i32::MAX)]), now).updates.is_empty());
}
