//! What crosses the sockets between a host and its workers, the calls of scripts among it: a frame is a message or none, a short
//! one is not much in memory, and a message that is sent on comes out as it was.

use std::fmt::Debug;

use broker::{Frames, NewCall, foreign, frame};
use sandbox::{LogLevel, Output};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tgl::{Call, PeerId};
use worker::{ORDER_BYTES_MAX, Order, REPORT_BYTES_MAX, Report};

use crate::damage::bytes_like;
use crate::holds_for_each;

/// Frames that are right, each some messages.
fn right<T: Serialize>(messages: impl IntoIterator<Item = T>, bytes_max: usize) -> Vec<Vec<u8>> {
    let frames: Vec<_> = messages.into_iter().map(|message| frame(&message, bytes_max).expect("short")).collect();
    frames.iter().cloned().chain([frames.concat()]).collect()
}

/// Every message in these bytes, and each of them again after it was sent on.
fn all<T: DeserializeOwned + Serialize + Debug>(bytes: &[u8], bytes_max: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let mut frames = Frames::new(bytes, bytes_max);
        while let Ok(Some(message)) = frames.next::<T>().await {
            assert!(frames.given_bytes() <= bytes.len());
            let Ok(sent_on) = frame(&message, bytes_max) else { continue };
            let again = Frames::new(&sent_on[..], bytes_max).next::<T>().await;
            assert_eq!(format!("{:?}", again.expect("a message")), format!("{:?}", Some(message)));
        }
    });
}

#[test]
fn reports_of_a_worker() {
    let reports = [
        Report::Pong,
        Report::Failed("no".to_owned()),
        Report::Print { script: 1, to: Output::Stdout, text: "text".into() },
        Report::Log { script: 0, level: LogLevel::Warn, text: "text".into() },
        Report::News { script: 0, news: runtime::News::Ready },
        Report::Statuses(Vec::new()),
    ];
    let right = right(reports, REPORT_BYTES_MAX);
    holds_for_each(|from| bytes_like(from, &right), |bytes| all::<Report<'static>>(bytes, REPORT_BYTES_MAX));
}

#[test]
fn orders_to_a_worker() {
    let orders = [Order::Ping, Order::TakeRoom { script: 0, number: 1, bytes: 2 }, Order::MayBeLess { script: 3 }];
    let right = right(orders, ORDER_BYTES_MAX);
    holds_for_each(|from| bytes_like(from, &right), |bytes| all::<Order>(bytes, ORDER_BYTES_MAX));
}

#[test]
fn questions_of_a_scripts_side() {
    let right = foreign::right();
    let all = right.concat();
    let right: Vec<Vec<u8>> = right.into_iter().chain([all]).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    holds_for_each(
        |from| bytes_like(from, &right),
        |bytes| {
            let questions = runtime.block_on(foreign::questions(bytes));
            // A number may be written with more bytes than it needs, never with less.
            let needed: usize = questions.iter().map(|(_, bytes)| bytes).sum();
            assert!(needed <= bytes.len(), "{questions:?} of {bytes:?}");
        },
    );
}

#[test]
fn calls_of_scripts() {
    let call = |id, call| NewCall { id, call };
    let peer = PeerId::user(7);
    let calls = vec![
        call(1, Call::SendMessage { to: peer, text: "text".to_owned(), reply_to: Some(5), preview: None }),
        call(2, Call::CreateChat { users: vec![peer; 3], title: "title".to_owned() }),
        call(3, Call::SendLocation { to: peer, latitude: 1.0, longitude: f64::NAN }),
        call(4, Call::GetContacts),
    ];
    let right = right([calls], 1 << 20);
    holds_for_each(|from| bytes_like(from, &right), |bytes| all::<Vec<NewCall>>(bytes, 1 << 20));
}
