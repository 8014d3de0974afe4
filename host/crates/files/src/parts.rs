//! A file space for another process: its descriptors, and all else as plain data.
//!
//! Invariant: what is put together again shows the same tree, by the descriptors alone. It opens no folder by a path of the
//! host's, and knows none but those of the host's own folders, to keep them hidden. What the private folder holds is counted
//! anew there.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::MountError;
use crate::root::{Root, shared};
use crate::space::FileSpace;
use crate::tree::{Layer, LayerKind, Names, Place, Region, Tree};

/// All of a file space but the folders that it holds open.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Parts {
    regions: Vec<(Place, Vec<LayerKind>)>,
    names: Names,
    is_local: bool,
    begins_at_root: bool,
    home_bytes_max: u64,
}

impl FileSpace {
    /// What another process needs to have the same, beside [`FileSpace::roots`].
    pub fn parts(&self) -> Parts {
        let tree = self.tree();
        let kinds = |region: &Region| region.layers.iter().map(|layer| layer.kind.clone()).collect();
        Parts {
            regions: tree.regions.iter().map(|region| (region.place.clone(), kinds(region))).collect(),
            names: tree.names.clone(),
            is_local: self.is_local(),
            begins_at_root: self.begins_at_root,
            home_bytes_max: self.quota().bytes_max(),
        }
    }

    /// The folders that are to go along, in this order.
    ///
    /// # Errors
    /// Where the private folder cannot be opened.
    pub fn roots(&self) -> io::Result<Vec<Arc<OwnedFd>>> {
        self.tree().layers().map(|layer| Ok(layer.root.open_or_make()?)).collect()
    }

    /// Puts together what [`FileSpace::parts`] and [`FileSpace::roots`] gave.
    ///
    /// # Errors
    /// Where the descriptors are more or fewer than there were.
    pub fn of_parts(parts: Parts, descriptors: Vec<OwnedFd>) -> Result<Self, MountError> {
        let Parts { regions, names, is_local, begins_at_root, home_bytes_max } = parts;
        let (wanted, given) = (regions.iter().map(|(_, kinds)| kinds.len()).sum(), descriptors.len());
        if wanted != given {
            return Err(MountError::Descriptors { wanted, given });
        }
        let mut roots = descriptors.into_iter().map(shared).map(Root::Held);
        let regions = regions.into_iter().map(|(place, kinds)| Region {
            place,
            layers: kinds.into_iter().zip(&mut roots).map(|(kind, root)| Layer { root, kind }).collect(),
        });
        let tree = Tree { regions: regions.collect(), names };
        let space = Self::in_tree(tree, is_local, home_bytes_max);
        Ok(if begins_at_root { space.beginning_at_root() } else { space })
    }
}
