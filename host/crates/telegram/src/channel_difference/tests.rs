//! What becomes of a channel's difference that takes long, or is too long to be had.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tl::{Deserializable, Identifiable, Serializable};

use super::*;
use crate::ask::PARTS_MAX;
use crate::ask::tests::{Answering, context, dialog, error, messages_kept};
use crate::difference::{PAGE, RECOVERY_MESSAGES_MAX};
use crate::intake::tests::{ADA, CHANNEL, message};

#[tokio::test]
async fn a_channels_difference_of_very_many_parts_comes_whole() {
    let dir = TempDir::new().unwrap();
    let context = context(&dir);
    let end = 10 + PARTS_MAX as i32 + 5;
    let dc = Answering(move |_, request: &[u8]| {
        let pts = functions::updates::GetChannelDifference::from_bytes(request).unwrap().pts + 1;
        let part = types::updates::ChannelDifference {
            r#final: pts == end,
            pts,
            timeout: None,
            new_messages: if pts == end { vec![message(pts, ADA)] } else { Vec::new() },
            other_updates: Vec::new(),
            chats: Vec::new(),
            users: Vec::new(),
        };
        Ok(enums::updates::ChannelDifference::from(part).to_bytes())
    });
    context.intake().see_channel_pts(CHANNEL, None);
    catch_up(context.clone(), Arc::new(dc)).await.unwrap();
    assert_eq!(context.store.channel_state(CHANNEL).unwrap().pts, Some(end));
    assert_eq!(messages_kept(&context), 1);
    assert!(!context.intake().wants_channel_difference());
}

#[tokio::test]
async fn a_difference_that_floods_is_put_off_and_holds_up_nothing() {
    for (wait_s, is_up_to_date, asked_after_s) in [(30, false, 31), (250, true, 251), (1_000_000, true, 3_601)] {
        let dir = TempDir::new().unwrap();
        let context = context(&dir);
        context.intake().see_channel_pts(CHANNEL, None);
        let dc = Answering(move |_, _: &[u8]| Err(error(420, "FLOOD_WAIT", Some(wait_s))));
        let put_off = tokio::time::timeout(Duration::from_secs(60), catch_up(context.clone(), Arc::new(dc)));
        put_off.await.expect("it is not waited for").unwrap();
        let mut intake = context.intake();
        assert_eq!((intake.wants_channel_difference(), intake.is_up_to_date()), (false, is_up_to_date), "{wait_s}");
        let deadline = Instant::now() + Duration::from_secs(asked_after_s);
        intake.on_deadline(deadline - Duration::from_secs(2));
        assert!(!intake.wants_channel_difference(), "{wait_s}: not before");
        intake.on_deadline(deadline);
        assert!(intake.wants_channel_difference(), "{wait_s}");
    }
}

#[tokio::test]
async fn so_many_messages_are_looked_up_in_a_channel() {
    let dir = TempDir::new().unwrap();
    let context = context(&dir);
    let pages = Arc::new(AtomicUsize::new(0));
    let asked = pages.clone();
    let newest = 1_000_000;
    let dc = Answering(move |method, request: &[u8]| match method {
        functions::updates::GetChannelDifference::CONSTRUCTOR_ID => {
            let dialog = dialog(types::PeerChannel { channel_id: CHANNEL }.into(), newest, Some(newest));
            let (messages, chats, users) = (Vec::new(), Vec::new(), Vec::new());
            let (r#final, timeout, dialog) = (true, None, dialog);
            let answer = types::updates::ChannelDifferenceTooLong { r#final, timeout, dialog, messages, chats, users };
            Ok(enums::updates::ChannelDifference::from(answer).to_bytes())
        }
        functions::messages::GetHistory::CONSTRUCTOR_ID => {
            pages.fetch_add(1, Ordering::Relaxed);
            let before = functions::messages::GetHistory::from_bytes(request).unwrap().offset_id;
            let first = if before == 0 { newest } else { before - 1 };
            let messages = (0..PAGE).map(|at| message(first - at, ADA)).collect();
            let (topics, chats, users) = (Vec::new(), Vec::new(), Vec::new());
            Ok(enums::messages::Messages::from(types::messages::Messages { messages, topics, chats, users }).to_bytes())
        }
        _ => Err(error(400, "METHOD_INVALID", None)),
    });
    context.intake().see_channel_pts(CHANNEL, None);
    catch_up(context.clone(), Arc::new(dc)).await.unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), RECOVERY_MESSAGES_MAX / PAGE as usize);
    assert_eq!(messages_kept(&context), RECOVERY_MESSAGES_MAX);
    assert_eq!(context.store.channel_state(CHANNEL).unwrap().pts, Some(newest));
}
