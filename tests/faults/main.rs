//! What is killed or stopped at any moment loses nothing and does nothing twice.

mod databases;
mod ends;
