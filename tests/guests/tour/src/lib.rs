//! Uses what `tgl-guest` gives, one part per message: see `on_message`.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tgl_guest::calls::{Page, get_history, get_peer_info, send_message};
use tgl_guest::{ExitMoment, LogLevel, Message, PeerId, Result, Script, exit, log, message, peer, set_timer, spawn};

#[derive(Default)]
struct Tour {
    our_id: i64,
    answers: u32,
    tasks_ended: Rc<Cell<u32>>,
    chat: Option<PeerId>,
}

impl Script for Tour {
    fn on_our_id(&mut self, id: i64) -> Result {
        self.our_id = id;
        Ok(())
    }

    fn on_message(&mut self, message: Message) -> Result {
        if message.is_outgoing() {
            return Ok(());
        }
        let chat = message.chat();
        self.chat = Some(chat);
        match message.text.as_deref().unwrap_or_default() {
            "closure" => closure(&message)?,
            "task" => self.task(chat)?,
            "failing call" => failing_call(chat)?,
            "error" => Err("as you wished")?,
            "panic" => panic!("as you wished"),
            "look up" => look_up(&message)?,
            "timer" => set_timer(Duration::from_millis(5)),
            "log" => log!(LogLevel::Warn, "{} answers so far", self.answers),
            "exit" => {
                message.reply("goodbye").start()?;
                exit(7, ExitMoment::Drained);
            }
            other => message.reply(&format!("what is {other:?}?")).start()?,
        }
        Ok(())
    }

    fn on_timer(&mut self) -> Result {
        let chat = self.chat.ok_or("nobody asked for a timer")?;
        Ok(send_message(chat, "the timer").start()?)
    }
}

impl Tour {
    /// A conversation written as one function: each line waits for the one before it.
    fn task(&self, chat: PeerId) -> Result {
        let (our_id, tasks_ended) = (self.our_id, Rc::clone(&self.tasks_ended));
        let task = async move {
            let sent = send_message(chat, "a task").preview(false).await?;
            let newest = get_history(chat, Page { offset: 0, limit: 1 }).await?;
            let me = get_peer_info(PeerId::user(our_id)).await?;
            tasks_ended.set(tasks_ended.get() + 1);
            let same = newest.first().is_some_and(|message| message.id == sent.id);
            send_message(chat, &format!("{}: {same}, {}", me.name, tasks_ended.get())).await?;
            Ok(())
        };
        Ok(spawn(task)?)
    }
}

/// Two answers: the second one from the closure of the first, with the script's own state.
fn closure(message: &Message) -> Result {
    let chat = message.chat();
    let said = message.reply("the call").then(move |me: &mut Tour, sent| {
        me.answers += 1;
        let text = format!("the closure: {}, {}", me.answers, sent?.reply_to.is_some());
        Ok(send_message(chat, &text).start()?)
    });
    Ok(said?)
}

fn failing_call(chat: PeerId) -> Result {
    let nobody = PeerId::user(1);
    let asked = send_message(nobody, "hello?").then(move |_: &mut Tour, sent| {
        let text = sent.map_or_else(|error| format!("{:?}", error.kind), |_| "it was sent".to_owned());
        Ok(send_message(chat, &text).start()?)
    });
    Ok(asked?)
}

fn look_up(asked: &Message) -> Result {
    let known = peer(asked.chat()).is_some_and(|peer| peer.id() == asked.chat());
    let held = message(asked.id).is_some_and(|message| message.text == asked.text);
    let unknown = peer(PeerId::user(1)).is_none() && message(i64::MAX).is_none();
    Ok(asked.reply(&format!("{known}, {held}, {unknown}")).start()?)
}

tgl_guest::export!(Tour);
