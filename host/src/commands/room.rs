//! A disk that is full at a start.
//!
//! Invariant: only that is waited for. Any other error is said at once.

use std::future::ready;
use std::io::{self, ErrorKind};
use std::time::Duration;

use anyhow::Result;
use datacentre::StartError;
use store::StoreError;
use telegram::login::LoginError;

use crate::output::{Output, sentence};

/// How long to wait before the disk is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// Does this as soon as the disk has room for it. That it waits is said once.
pub(super) async fn when_there_is_room<T>(output: &Output, mut work: impl FnMut() -> Result<T>) -> Result<T> {
    until_there_is_room(output, || ready(work())).await
}

/// The same with what takes a while.
pub(super) async fn until_there_is_room<T, F>(output: &Output, mut work: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let mut is_said = false;
    loop {
        match work().await {
            Err(error) if is_disk_full(&error) => {
                if !std::mem::replace(&mut is_said, true) {
                    output.note(&format!("The start waits until the disk has room: {}", sentence(&error)));
                }
                tokio::time::sleep(PAUSE).await;
            }
            outcome => return outcome,
        }
    }
}

fn is_disk_full(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let of_system = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        matches!(of_system, Some(ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge))
            || matches!(cause.downcast_ref(), Some(StoreError::DiskFull { .. }))
            || matches!(cause.downcast_ref(), Some(LoginError::Store(StoreError::DiskFull { .. })))
            || matches!(cause.downcast_ref(), Some(StartError::NoRoom(_)))
    })
}
