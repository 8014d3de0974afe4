//! The sandbox, tried from outside with real guests.

#![cfg(test)]

#[path = "../../../../../tests/guests/built.rs"]
mod built;

mod attacks;
mod cache;
mod callbacks;
mod components;
mod files;
mod handing_over;
mod programs;
mod python;
mod python_2;
mod python_absences;
mod python_bygone;
mod python_files;
mod python_habits;
mod python_scripts;
mod python_snapshot;
mod python_sqlite;
mod python_tgl;
mod python_threads;
mod python_time;
mod support;
