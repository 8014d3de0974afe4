//! From a request's bytes to the method that answers it, and back to bytes.
//!
//! Invariant: a method runs only for callers of the kind its line in the table names.

use grammers_tl_types as tl;
use tl::{Cursor, Deserializable, Identifiable, RemoteCall, Serializable, functions};

use super::context::Context;
use super::error::{Answer, bad_request, unauthorized};
use super::{account, auth, bots, contacts, help, messages, nesting, updates, users};

/// Who may call a method.
#[derive(Clone, Copy, PartialEq, Eq)]
enum For {
    /// Anyone, before login too.
    All,
    /// Any user, human or bot.
    Users,
    /// Humans.
    Humans,
    /// Bots.
    Bots,
}

/// Telegram's name of the method a request calls, e.g. `auth.signIn`.
pub(super) fn method_name(request: &[u8]) -> Answer<&'static str> {
    Ok(tl::name_for_id(constructor(request)?))
}

fn constructor(request: &[u8]) -> Answer<u32> {
    u32::from_bytes(request).map_err(|_| bad_request("INPUT_METHOD_INVALID"))
}

fn check_caller(context: &Context<'_>, kind: For) -> Answer<()> {
    if kind == For::All {
        return Ok(());
    }
    if context.me == 0 {
        let standing = &context.standing;
        let name = match () {
            () if standing.password_pending.is_some() => "SESSION_PASSWORD_NEEDED",
            () if standing.revoked => "SESSION_REVOKED",
            () => "AUTH_KEY_UNREGISTERED",
        };
        return Err(unauthorized(name));
    }
    match kind {
        For::Humans if context.bot => Err(bad_request("BOT_METHOD_INVALID")),
        For::Bots if !context.bot => Err(bad_request("USER_BOT_REQUIRED")),
        _ => Ok(()),
    }
}

/// The table: for whom, which method, answered by what.
macro_rules! methods {
    ($($kind:ident $space:ident :: $method:ident => $handler:path;)*) => {
        /// Executes the request: its serialised result.
        pub(super) fn invoke(context: &mut Context<'_>, request: &[u8]) -> Answer<Vec<u8>> {
            if !nesting::is_bounded(request) {
                return Err(bad_request("INPUT_REQUEST_TOO_LONG"));
            }
            match constructor(request)? {
                $(functions::$space::$method::CONSTRUCTOR_ID => {
                    check_caller(context, For::$kind)?;
                    let mut cursor = Cursor::from_slice(&request[4..]);
                    let call = functions::$space::$method::deserialize(&mut cursor)
                        .map_err(|_| bad_request("INPUT_FETCH_ERROR"))?;
                    let result: <functions::$space::$method as RemoteCall>::Return = $handler(context, call)?;
                    Ok(result.to_bytes())
                })*
                _ => Err(bad_request("INPUT_METHOD_INVALID")),
            }
        }
    };
}

methods! {
    All help::GetConfig => help::get_config;
    All help::GetNearestDc => help::get_nearest_dc;

    All auth::SendCode => auth::send_code;
    All auth::ResendCode => auth::resend_code;
    All auth::CancelCode => auth::cancel_code;
    All auth::SignIn => auth::sign_in;
    All auth::SignUp => auth::sign_up;
    All auth::CheckPassword => auth::check_password;
    All auth::ImportBotAuthorization => auth::import_bot_authorization;
    All auth::LogOut => auth::log_out;
    All auth::ImportAuthorization => auth::import_authorization;
    Users auth::ExportAuthorization => auth::export_authorization;
    Humans auth::ResetAuthorizations => auth::reset_authorizations;

    All account::GetPassword => account::get_password;
    Humans account::UpdatePasswordSettings => account::update_password_settings;

    Users users::GetUsers => users::get_users;
    Users users::GetFullUser => users::get_full_user;

    Users messages::SendMessage => messages::send::send_message;
    Humans messages::GetHistory => messages::history::get_history;
    Users messages::GetMessages => messages::history::get_messages;

    Users updates::GetState => updates::get_state;
    Users updates::GetDifference => updates::get_difference;
}
