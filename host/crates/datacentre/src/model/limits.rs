//! How much clients may make the data centre keep. Anyone who reaches its address may log in, as as many users as there
//! are test numbers: a bound for each user needs one for all beside it.
//!
//! Invariant: whatever a client can add has a bound here, among the constants of its method, or in the last one of these.

/// See the module. Tests make them small enough to reach.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Uploads one user may have at once, taken by a message or not.
    pub(crate) uploads_per_user_max: i64,
    /// Bytes one user may have uploaded that no message took yet. All bytes of files are those on disk: see
    /// [`super::uploads::BLOCK_BYTES`].
    pub(crate) unfinished_bytes_per_user_max: i64,
    /// The same of all users together.
    pub(crate) unfinished_bytes_max: i64,
    /// Bytes of all finished files together. Those that are unfinished when it is reached may still come on top.
    pub(crate) stored_bytes_max: i64,
    /// How long an upload is kept after its last part, in seconds.
    pub(crate) upload_life_s: i32,
    /// Keys that nobody is logged in with; for one more the oldest goes.
    pub(crate) keys_without_login_max: i64,
    /// Keys one user may be logged in with; for one more the oldest is logged out.
    pub(crate) logins_per_user_max: i64,
    /// Login codes one key may have asked for that are neither used nor expired; for one more the oldest goes.
    pub(crate) codes_per_key_max: i64,
    /// Login tokens one key may have asked for that are known still; for one more the oldest goes. Of them one can be accepted.
    pub(crate) login_tokens_per_key_max: i64,
    /// Logins one user may have exported that are neither imported nor expired; for one more the oldest goes.
    pub(crate) exports_per_user_max: i64,
    /// Bots; of humans there are no more than test numbers.
    pub(crate) bots_max: i64,
    /// Command lists one bot may have, by scope and language.
    pub(crate) command_lists_per_bot_max: i64,
    /// Basic groups one user may ever make, and channels as many.
    pub(crate) chats_made_per_user_max: i64,
    /// Secret chats one user may have asked for that are not discarded; as many discarded ones are remembered.
    pub(crate) secret_chats_per_user_max: i64,
    /// Messages of secret chats that may wait for one key until it says that it has them.
    pub(crate) secret_messages_per_key_max: i64,
    /// Bytes of the database: messages, logs and everything else that is in it.
    pub(crate) database_bytes_max: i64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            uploads_per_user_max: 1_000,
            unfinished_bytes_per_user_max: 4 << 30,
            unfinished_bytes_max: 16 << 30,
            stored_bytes_max: 32 << 30,
            upload_life_s: 24 * 3600,
            keys_without_login_max: 100_000,
            logins_per_user_max: 1_000,
            codes_per_key_max: 10,
            login_tokens_per_key_max: 10,
            exports_per_user_max: 100,
            bots_max: 100_000,
            command_lists_per_bot_max: 1_000,
            chats_made_per_user_max: 10_000,
            secret_chats_per_user_max: 1_000,
            secret_messages_per_key_max: 10_000,
            database_bytes_max: 32 << 30,
        }
    }
}
