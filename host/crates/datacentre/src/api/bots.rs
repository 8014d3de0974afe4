//! `bots.*`: the commands a bot announces, <https://core.telegram.org/api/bots/commands>.
//!
//! Invariant: a bot has one list for each scope and language.

use grammers_tl_types as tl;
use tl::{Serializable, enums, functions};

use super::context::Context;
use super::error::{Answer, bad_request};
use super::stored_tl::stored;
use crate::model::users;

/// The most commands of one list.
const COMMANDS_MAX: usize = 100;
/// The longest command and description, in characters.
const COMMAND_MAX_CHARS: usize = 32;
const DESCRIPTION_MAX_CHARS: usize = 256;
/// The longest language code, in bytes.
const LANGUAGE_MAX_BYTES: usize = 8;

/// bots.setBotCommands: <https://core.telegram.org/method/bots.setBotCommands>.
pub(super) fn set_bot_commands(context: &mut Context<'_>, call: functions::bots::SetBotCommands) -> Answer<bool> {
    if call.commands.len() > COMMANDS_MAX {
        return Err(bad_request("BOT_COMMANDS_TOO_MUCH"));
    }
    for enums::BotCommand::Command(command) in &call.commands {
        let name = &command.command;
        let name_good = !name.is_empty()
            && name.chars().count() <= COMMAND_MAX_CHARS
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !name_good {
            return Err(bad_request("BOT_COMMAND_INVALID"));
        }
        if command.description.is_empty() || command.description.chars().count() > DESCRIPTION_MAX_CHARS {
            return Err(bad_request("BOT_COMMAND_DESCRIPTION_INVALID"));
        }
    }
    store(context, &call.scope, &call.lang_code, Some(&call.commands.to_bytes()))
}

/// bots.resetBotCommands: <https://core.telegram.org/method/bots.resetBotCommands>.
pub(super) fn reset_bot_commands(context: &mut Context<'_>, call: functions::bots::ResetBotCommands) -> Answer<bool> {
    store(context, &call.scope, &call.lang_code, None)
}

/// bots.getBotCommands: <https://core.telegram.org/method/bots.getBotCommands>.
pub(super) fn get_bot_commands(
    context: &mut Context<'_>,
    call: functions::bots::GetBotCommands,
) -> Answer<Vec<enums::BotCommand>> {
    let commands = users::bot_commands(context.db, context.me, &call.scope.to_bytes(), &call.lang_code)?;
    Ok(stored(&commands).unwrap_or_default())
}

fn store(
    context: &Context<'_>,
    scope: &enums::BotCommandScope,
    language: &str,
    commands: Option<&[u8]>,
) -> Answer<bool> {
    if language.len() > LANGUAGE_MAX_BYTES {
        return Err(bad_request("LANG_CODE_INVALID"));
    }
    let scope = scope.to_bytes();
    let is_new = commands.is_some() && users::bot_commands(context.db, context.me, &scope, language)?.is_none();
    let lists_max = context.model.limits.command_lists_per_bot_max;
    if is_new && users::command_list_count(context.db, context.me)? >= lists_max {
        return Err(bad_request("BOT_COMMANDS_TOO_MUCH"));
    }
    users::set_bot_commands(context.db, context.me, &scope, language, commands)?;
    Ok(true)
}
