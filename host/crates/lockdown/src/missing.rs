//! The walls that a kernel lacks, in words.
//!
//! Invariant: each is told, once, by what it leaves open.

use std::fmt;

use landlock::ABI;
use serde::{Deserialize, Serialize};

/// A wall that this kernel lacks: its `Display` is one line for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Missing {
    Files,
    Truncation,
    Tcp,
    Devices,
    SocketsAndSignals,
    Syscalls,
}

/// What of Landlock came with which version of it.
const LANDLOCK_SINCE: [(ABI, Missing); 5] = [
    (ABI::V1, Missing::Files),
    (ABI::V3, Missing::Truncation),
    (ABI::V4, Missing::Tcp),
    (ABI::V5, Missing::Devices),
    (ABI::V6, Missing::SocketsAndSignals),
];

pub(crate) fn missing(landlock: ABI, is_filtered: bool) -> Vec<Missing> {
    let parts = LANDLOCK_SINCE.iter().filter(|(since, _)| landlock < *since).map(|(_, part)| *part);
    parts.chain((!is_filtered).then_some(Missing::Syscalls)).collect()
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Files => "nothing bounds which files it opens (that takes Linux 5.13 with Landlock)",
            Self::Truncation => "a file that it may only read can be emptied (Linux 6.2 with Landlock prevents that)",
            Self::Tcp => {
                "connections are held back by the filter of system calls alone (until Linux 6.7 with Landlock)"
            }
            Self::Devices => {
                "devices are held back by the filter of system calls alone (until Linux 6.10 with Landlock)"
            }
            Self::SocketsAndSignals => {
                "abstract sockets and signals are held back by the filter of system calls alone (until Linux 6.12 with \
                 Landlock)"
            }
            Self::Syscalls => "system calls are not filtered (that takes Linux with seccomp, on x86_64 or aarch64)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{ABI, Missing, missing};

    #[test]
    fn a_kernel_without_a_part_is_told() {
        use Missing::{Devices, Files, SocketsAndSignals, Syscalls, Tcp, Truncation};
        let cases: [(ABI, bool, &[Missing]); 8] = [
            (ABI::V7, true, &[]),
            (ABI::V6, true, &[]),
            (ABI::V5, true, &[SocketsAndSignals]),
            (ABI::V4, true, &[Devices, SocketsAndSignals]),
            (ABI::V3, true, &[Tcp, Devices, SocketsAndSignals]),
            (ABI::V1, true, &[Truncation, Tcp, Devices, SocketsAndSignals]),
            (ABI::Unsupported, true, &[Files, Truncation, Tcp, Devices, SocketsAndSignals]),
            (ABI::V7, false, &[Syscalls]),
        ];
        for (landlock, is_filtered, expected) in cases {
            assert_eq!(missing(landlock, is_filtered), expected, "{landlock:?}, filtered: {is_filtered}");
        }
    }
}
