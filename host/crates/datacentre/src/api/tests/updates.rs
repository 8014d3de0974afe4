//! State and differences.
