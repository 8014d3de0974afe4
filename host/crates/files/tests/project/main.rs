//! What a script sees of the folders that it is given, and what comes of what it does there.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod guest;
mod incoming;
mod own_folders;
mod parts;
mod view;

/// What the private folder may hold.
const QUOTA: u64 = 1 << 20;
