//! Which system calls are left, by seccomp: a list of what the standard library, tokio, wasmtime and work with files make.
//!
//! Invariant: a call that is not listed, or not with these arguments, is answered ENOSYS: as by an older kernel, which
//! libraries expect and have another way for.

use crate::LockdownError;

/// Filters them for all threads. Says whether this kernel can.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(crate) fn filter() -> Result<bool, LockdownError> {
    Ok(false)
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(crate) use listed::filter;

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod listed {
    use std::collections::BTreeMap;

    use libc::c_long;
    use seccompiler::{
        BackendError, BpfProgram, Error, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Op, SeccompCondition,
        SeccompFilter, SeccompRule, TargetArch,
    };

    use super::LockdownError;

    /// Harmless with any argument, beside what Landlock says of the paths in them.
    const LISTED: &[c_long] = &[
        // Memory
        libc::SYS_brk,
        libc::SYS_mmap,
        libc::SYS_mprotect,
        libc::SYS_mremap,
        libc::SYS_munmap,
        // Threads, time, chance
        libc::SYS_clock_getres,
        libc::SYS_clock_gettime,
        libc::SYS_clock_nanosleep,
        libc::SYS_exit,
        libc::SYS_exit_group,
        libc::SYS_futex,
        libc::SYS_getegid,
        libc::SYS_geteuid,
        libc::SYS_getgid,
        libc::SYS_getpid,
        libc::SYS_getppid,
        libc::SYS_getrandom,
        libc::SYS_getrusage,
        libc::SYS_gettid,
        libc::SYS_gettimeofday,
        libc::SYS_getuid,
        libc::SYS_membarrier,
        libc::SYS_nanosleep,
        libc::SYS_restart_syscall,
        libc::SYS_rseq,
        libc::SYS_sched_getaffinity,
        libc::SYS_sched_yield,
        libc::SYS_set_robust_list,
        // Its own signals: wasmtime's traps, tokio's waiting for one
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        // Waiting
        libc::SYS_epoll_create1,
        libc::SYS_epoll_ctl,
        libc::SYS_epoll_pwait,
        libc::SYS_eventfd2,
        libc::SYS_ppoll,
        // What is open
        libc::SYS_close,
        libc::SYS_copy_file_range,
        libc::SYS_fadvise64,
        libc::SYS_fallocate,
        libc::SYS_fdatasync,
        libc::SYS_flock,
        libc::SYS_fstat,
        libc::SYS_fstatfs,
        libc::SYS_fsync,
        libc::SYS_ftruncate,
        libc::SYS_getdents64,
        libc::SYS_lseek,
        libc::SYS_pread64,
        libc::SYS_preadv,
        libc::SYS_pwrite64,
        libc::SYS_pwritev,
        libc::SYS_read,
        libc::SYS_readv,
        libc::SYS_sendfile,
        libc::SYS_write,
        libc::SYS_writev,
        // Paths
        libc::SYS_linkat,
        libc::SYS_mkdirat,
        libc::SYS_newfstatat,
        libc::SYS_openat,
        libc::SYS_openat2,
        libc::SYS_readlinkat,
        libc::SYS_renameat,
        libc::SYS_renameat2,
        libc::SYS_statx,
        libc::SYS_symlinkat,
        libc::SYS_unlinkat,
        libc::SYS_utimensat,
        // Sockets that are there: a stream is sent to no other address by a message that names one
        libc::SYS_getsockopt,
        libc::SYS_recvfrom,
        libc::SYS_recvmsg,
        libc::SYS_sendmsg,
        libc::SYS_shutdown,
    ];

    /// Earlier forms of listed ones, which the C library still makes where there are any.
    #[cfg(target_arch = "x86_64")]
    const EARLIER: &[c_long] = &[
        libc::SYS_epoll_wait,
        libc::SYS_link,
        libc::SYS_lstat,
        libc::SYS_mkdir,
        libc::SYS_open,
        libc::SYS_poll,
        libc::SYS_readlink,
        libc::SYS_rename,
        libc::SYS_rmdir,
        libc::SYS_stat,
        libc::SYS_symlink,
        libc::SYS_unlink,
    ];
    #[cfg(target_arch = "aarch64")]
    const EARLIER: &[c_long] = &[];

    /// What one argument must be: its place, the bits that count, and their value.
    struct Is(u8, u64, u64);

    const WORD: u64 = u32::MAX as u64;
    const WHOLE: u64 = u64::MAX;

    /// Listed with these arguments only, all of a line: a call may have several lines.
    const LISTED_WITH: &[(c_long, &[Is])] = &[
        // A thread as C libraries start them, and no process; not in namespaces of its own, which root could have. clone3
        // has its flags where a filter does not see them: the C library comes back with this one.
        (libc::SYS_clone, &[Is(0, !DETACHED, THREAD)]),
        (libc::SYS_prctl, &[Is(0, WORD, libc::PR_SET_NAME as u64)]),
        // Its own priority, limits and signals (abort), and no other process's. Limits are read, not set.
        (libc::SYS_setpriority, &[Is(0, WORD, libc::PRIO_PROCESS as u64), Is(1, WORD, 0)]),
        (libc::SYS_prlimit64, &[Is(0, WORD, 0), Is(2, WHOLE, 0)]),
        // Advice about memory but not the kind that takes pages of the machine out of use, which root could give.
        (libc::SYS_madvise, &[Is(2, WORD & !ADVICE, 0)]),
        (libc::SYS_process_madvise, &[Is(0, WORD, THIS_PROCESS), Is(3, WORD & !ADVICE, 0)]),
        // Locks and flags, but no owner: to one that is another process the kernel would send signals.
        (libc::SYS_fcntl, &[Is(1, WORD, libc::F_DUPFD_CLOEXEC as u64)]),
        (libc::SYS_fcntl, &[Is(1, WORD, libc::F_GETFD as u64)]),
        (libc::SYS_fcntl, &[Is(1, WORD, libc::F_SETFD as u64)]),
        (libc::SYS_fcntl, &[Is(1, WORD, libc::F_GETFL as u64)]),
        (libc::SYS_fcntl, &[Is(1, WORD, libc::F_SETFL as u64)]),
        (libc::SYS_fcntl, &[Is(1, WORD, libc::F_OFD_GETLK as u64)]),
        (libc::SYS_fcntl, &[Is(1, WORD, libc::F_OFD_SETLK as u64)]),
        (libc::SYS_ioctl, &[Is(1, WORD, libc::FIONBIO)]),
        (libc::SYS_ioctl, &[Is(1, WORD, libc::FIONREAD)]),
        (libc::SYS_ioctl, &[Is(1, WORD, libc::FICLONE)]),
        (libc::SYS_ioctl, &[Is(1, WORD, PAGEMAP_SCAN)]),
        // A pair of streams that know each other alone, for tokio's signals.
        (libc::SYS_socketpair, &[Is(0, WORD, libc::AF_UNIX as u64), Is(1, SOCKET_KIND, libc::SOCK_STREAM as u64)]),
        (libc::SYS_sendto, &[Is(4, WHOLE, 0)]),
    ];

    /// The flags of pthread_create.
    const THREAD: u64 = (libc::CLONE_VM
        | libc::CLONE_FS
        | libc::CLONE_FILES
        | libc::CLONE_SIGHAND
        | libc::CLONE_THREAD
        | libc::CLONE_SYSVSEM
        | libc::CLONE_SETTLS
        | libc::CLONE_PARENT_SETTID
        | libc::CLONE_CHILD_CLEARTID) as u64;
    /// The kernel ignores it; musl sets it.
    const DETACHED: u64 = libc::CLONE_DETACHED as u64;
    /// `MADV_HWPOISON` and `MADV_SOFT_OFFLINE` lie above, all others within.
    const ADVICE: u64 = 0x1f;
    /// `PIDFD_SELF`.
    const THIS_PROCESS: u64 = -10_000_i32 as u32 as u64;
    /// `_IOWR('f', 16, struct pm_scan_arg)`.
    const PAGEMAP_SCAN: u64 = 0xC060_6610;
    /// The kind of a socket, without the flags that go with it.
    const SOCKET_KIND: u64 = 0xf;

    /// Filters them for all threads. Says whether this kernel can.
    pub(crate) fn filter() -> Result<bool, LockdownError> {
        let program = program().map_err(Error::Backend)?;
        match seccompiler::apply_filter_all_threads(&program) {
            Ok(()) => Ok(true),
            Err(Error::Seccomp(error)) if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EINVAL)) => {
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn program() -> Result<BpfProgram, BackendError> {
        let mut rules: BTreeMap<c_long, Vec<SeccompRule>> =
            LISTED.iter().chain(EARLIER).map(|call| (*call, Vec::new())).collect();
        for (call, arguments) in LISTED_WITH {
            rules.entry(*call).or_default().push(rule(arguments)?);
        }
        let own = [Is(0, WORD, u64::from(std::process::id()))];
        rules.insert(libc::SYS_tgkill, vec![rule(&own)?]);
        let other = SeccompAction::Errno(libc::ENOSYS as u32);
        let arch = TargetArch::try_from(std::env::consts::ARCH)?;
        SeccompFilter::new(rules, other, SeccompAction::Allow, arch)?.try_into()
    }

    fn rule(arguments: &[Is]) -> Result<SeccompRule, BackendError> {
        let condition = |Is(place, mask, value): &Is| {
            let len = if *mask <= WORD { Len::Dword } else { Len::Qword };
            SeccompCondition::new(*place, len, Op::MaskedEq(*mask), *value)
        };
        SeccompRule::new(arguments.iter().map(condition).collect::<Result<_, _>>()?)
    }
}
