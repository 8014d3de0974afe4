//! Answers every incoming message with its own text: cargo xtask run examples/echo-rust

use tgl_guest::{Message, Result, Script};

#[derive(Default)]
struct Echo;

impl Script for Echo {
    fn on_message(&mut self, message: Message) -> Result {
        if let (false, Some(text)) = (message.is_outgoing(), &message.text) {
            message.reply(text).start()?;
        }
        Ok(())
    }
}

tgl_guest::export!(Echo);
