//! How many files a guest has open, and how many folders it reads.
//!
//! Invariant: one that reaches the limit is told so and lives on; only who hoards other handles is stopped for it.

/// Folders that are being read at one time: the list of each is in memory whole.
pub(super) const LISTINGS_MAX: usize = 32;

/// A guest's open files and folders.
pub(crate) struct Handles {
    open_files: usize,
    open_files_max: usize,
    listings: usize,
}

impl Handles {
    pub(crate) fn new(open_files_max: usize) -> Self {
        Self { open_files: 0, open_files_max, listings: 0 }
    }

    pub(super) fn open_files_max(&self) -> usize {
        self.open_files_max
    }

    pub(super) fn may_open(&self) -> bool {
        self.open_files < self.open_files_max
    }

    pub(super) fn opened(&mut self) {
        self.open_files += 1;
    }

    pub(super) fn closed(&mut self) {
        self.open_files = self.open_files.saturating_sub(1);
    }

    pub(super) fn may_list(&self) -> bool {
        self.listings < LISTINGS_MAX
    }

    pub(super) fn listed(&mut self) {
        self.listings += 1;
    }

    pub(super) fn listing_closed(&mut self) {
        self.listings = self.listings.saturating_sub(1);
    }
}
