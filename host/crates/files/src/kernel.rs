//! File systems in which the kernel shows itself, its processes and its devices. No script sees anything of them, however they
//! are mounted into a folder that it is given; what else is mounted there it sees.
//!
//! Invariant: one of them is known by its kind, which is asked of what is open already.

use std::os::fd::AsFd;

use rustix::fs::fstatfs;

/// Their kinds, as statfs(2) numbers them. Devices' own (devtmpfs) is none of those, since its number is tmpfs's: see
/// [`crate::tree::Tree::is_devices`].
const KERNELS_OWN: [u64; 22] = [
    0x9fa0,      // proc
    0x6265_6572, // sysfs
    0x0027_e0eb, // cgroup
    0x6367_7270, // cgroup2
    0x6462_6720, // debugfs
    0x7472_6163, // tracefs
    0x7363_6673, // securityfs
    0xcafe_4a11, // bpf
    0x1cd1,      // devpts
    0xf97c_ff8c, // selinuxfs
    0x4341_5d53, // smackfs
    0x6165_676c, // pstore
    0xde5e_81e4, // efivarfs
    0x6265_6570, // configfs
    0x4249_4e4d, // binfmt_misc
    0x6573_5543, // fusectl
    0x6e73_6673, // nsfs
    0x6e66_7364, // nfsd
    0x6759_6969, // rpc_pipefs
    0x6c6f_6f70, // binderfs
    0x1980_0202, // mqueue
    0x0765_5821, // resctrl
];

/// Whether something that is open lies in one of them.
pub(crate) fn is_kernels_own(opened: impl AsFd) -> bool {
    // The sign is not the number's.
    fstatfs(opened).is_ok_and(|system| KERNELS_OWN.contains(&u64::from(system.f_type as u32)))
}
