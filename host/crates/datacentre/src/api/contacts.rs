//! `contacts.*`.
