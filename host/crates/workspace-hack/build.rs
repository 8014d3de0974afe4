//! There is nothing to do: a build script must be there for build-dependencies to count.

fn main() {}
