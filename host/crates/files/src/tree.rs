//! The tree of folders that a guest sees, and which of the host's lie where in it.
//!
//! Invariant: every place is in exactly one region: the root, /dev, the work folder (/script and /home as two names of
//! one, the private folder laid over the project), or a folder given with `--dir`. A region's layers are looked into in
//! their order, and all but the first are read only.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{AtFlags, Mode, OFlags, Stat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::kernel::is_kernels_own;
use crate::mount::{DEVICES_PATH, HOME_PATH, Mount, Project, SCRIPT_PATH};
use crate::private::{Private, is_signed};
use crate::root::{Root, shared};

/// What a name in the private folder begins with that says: the project's file of this name was removed.
pub(crate) const WHITEOUT_PREFIX: &str = ".wh.";

/// A place in the tree: the names that lead there from the root, no links among them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place(pub(crate) Vec<String>);

impl Place {
    /// Where the tree begins.
    pub fn root() -> Self {
        Self::default()
    }

    pub(crate) fn of(path: &str) -> Self {
        Self(path.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect())
    }

    pub(crate) fn child(&self, name: &str) -> Self {
        Self(self.0.iter().map(String::as_str).chain([name]).map(str::to_owned).collect())
    }

    fn is_above(&self, other: &Self) -> bool {
        other.0.len() > self.0.len() && other.0.starts_with(&self.0)
    }
}

/// One of the host's folders, with all that is in it.
#[derive(Debug)]
pub(crate) struct Layer {
    pub(crate) root: Root,
    pub(crate) kind: LayerKind,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LayerKind {
    /// The private folder: what is written there counts.
    Home,
    Project {
        only: Option<String>,
        writable: bool,
    },
    Mount {
        writable: bool,
    },
    /// The host's devices, of which one is seen. Its folder is read only, and it can be written to.
    Devices,
}

/// The one device of the folder that holds them.
const NULL_NAME: &str = "null";

/// The folder for temporary files in the private folder, which the root has too.
pub(crate) const TMP_NAME: &str = "tmp";

impl Layer {
    pub(crate) fn is_home(&self) -> bool {
        self.kind == LayerKind::Home
    }

    pub(crate) fn writable(&self) -> bool {
        match self.kind {
            LayerKind::Home => true,
            LayerKind::Devices => false,
            LayerKind::Project { writable, .. } | LayerKind::Mount { writable } => writable,
        }
    }

    /// The only name in it that the guest sees, where it sees no other.
    pub(crate) fn only(&self) -> Option<&str> {
        match &self.kind {
            LayerKind::Project { only, .. } => only.as_deref(),
            LayerKind::Devices => Some(NULL_NAME),
            LayerKind::Home | LayerKind::Mount { .. } => None,
        }
    }

    /// Whether it has become one of the host's own folders. A script that sees itself alone may lie in one, and its private
    /// folder does.
    fn is_own(&self) -> bool {
        let may_be = match &self.kind {
            LayerKind::Home | LayerKind::Devices => false,
            LayerKind::Project { only, .. } => only.is_none(),
            LayerKind::Mount { .. } => true,
        };
        // One that cannot be looked into is given to nobody.
        may_be && !self.root.open().is_ok_and(|root| !is_signed(root.as_fd(), "."))
    }

    /// Whether something of this name is kept from the guest.
    pub(crate) fn hides(&self, name: &str, at_its_root: bool) -> bool {
        match &self.kind {
            LayerKind::Home => name.starts_with(WHITEOUT_PREFIX),
            LayerKind::Project { only, .. } => {
                name.starts_with('.') || (at_its_root && only.as_ref().is_some_and(|only| only != name))
            }
            LayerKind::Mount { .. } => false,
            LayerKind::Devices => name != NULL_NAME,
        }
    }
}

/// A part of the tree with layers of its own.
#[derive(Debug)]
pub(crate) struct Region {
    pub(crate) place: Place,
    pub(crate) layers: Vec<Layer>,
}

impl Region {
    /// A device is found by whom it is told of: what goes through all files does not come upon it.
    fn is_listed(&self) -> bool {
        self.layers.iter().all(|layer| layer.kind != LayerKind::Devices)
    }
}

/// All that a guest may see.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub(crate) regions: Vec<Region>,
    pub(crate) names: Names,
}

/// What leads into the tree beside the places of its regions, and what is kept from the guest in all of them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Names {
    /// A second name of the work folder, where it has two: its first is where the script's `__file__` is.
    alias: Option<Place>,
    /// Where relative paths begin.
    cwd: Option<Place>,
    /// What the project's folder is called on the host: it is found in itself under this name, unless something else has it
    /// there, so that a script that was made to be started from the folder above finds its files.
    project_name: Option<String>,
    private: Private,
}

/// A folder of the guest's, and the host's that it is made of. None of those: it is there because something below it is.
#[derive(Clone, Debug)]
pub(crate) struct Folder<'a> {
    pub(crate) place: Place,
    pub(crate) branches: Vec<Branch<'a>>,
}

/// A folder of the host's that is part of one of the guest's.
#[derive(Clone, Debug)]
pub(crate) struct Branch<'a> {
    pub(crate) layer: &'a Layer,
    pub(crate) folder: Arc<OwnedFd>,
    is_root: bool,
}

/// What has a name in a folder.
#[derive(Clone, Debug)]
pub(crate) enum Child<'a> {
    Missing,
    Folder(Folder<'a>),
    /// A file, a link or anything else that is no folder.
    File {
        branch: Branch<'a>,
        about: Box<Stat>,
    },
}

impl Branch<'_> {
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.folder.as_fd()
    }

    pub(crate) fn hides(&self, name: &str) -> bool {
        self.layer.hides(name, self.is_root)
    }

    /// The only name in it that the guest sees, where it sees no other.
    pub(crate) fn only(&self) -> Option<&str> {
        self.layer.only().filter(|_| self.is_root)
    }

    /// Whether it is the whole private folder.
    pub(crate) fn is_home_itself(&self) -> bool {
        self.is_root && self.layer.is_home()
    }

    /// What has this name, links not followed.
    pub(crate) fn about(&self, name: &str) -> Result<Option<Stat>, Errno> {
        if self.hides(name) {
            return Ok(None);
        }
        match rustix::fs::statat(self.fd(), name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(about) => Ok(Some(about)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno),
        }
    }
}

impl Folder<'_> {
    /// The private folder's part of it.
    pub(crate) fn home(&self) -> Option<&Branch<'_>> {
        self.branches.first().filter(|branch| branch.layer.is_home())
    }

    /// Whether the project's file of this name was removed.
    pub(crate) fn is_whited_out(&self, name: &str) -> bool {
        let mark = format!("{WHITEOUT_PREFIX}{name}");
        let marked = |home: &Branch<'_>| rustix::fs::statat(home.fd(), mark, AtFlags::SYMLINK_NOFOLLOW).is_ok();
        self.home().is_some_and(marked)
    }

    /// Whether the project has something of this name that would be seen if the private folder had nothing.
    pub(crate) fn is_below(&self, name: &str) -> Result<bool, Errno> {
        let lower = self.branches.iter().skip(usize::from(self.home().is_some()));
        for branch in lower {
            if branch.about(name)?.is_some() {
                return Ok(!self.is_whited_out(name));
            }
        }
        Ok(false)
    }
}

impl Tree {
    /// Of a project, a private folder and others, all of them opened. Where the project is written to itself, it and the
    /// private folder are two folders; else the one lies over the other.
    pub(crate) fn new(
        project: Option<(&Project, Root)>,
        home: Option<Root>,
        mounts: impl IntoIterator<Item = (Mount, Root)>,
        private: Private,
    ) -> Self {
        let (home_place, script_place) = (Place::of(HOME_PATH), Place::of(SCRIPT_PATH));
        let project_name =
            project.as_ref().and_then(|(project, _)| project.folder.file_name()?.to_str().map(str::to_owned));
        let in_project = project.as_ref().is_some_and(|(project, _)| project.writable);
        let project = project.map(|(Project { only, writable, .. }, root)| Layer {
            root,
            kind: LayerKind::Project { only: only.clone(), writable: *writable },
        });
        let home = home.map(|root| Layer { root, kind: LayerKind::Home });
        let mut tree = Self { names: Names { private, project_name, ..Names::default() }, ..Self::default() };
        let mut add = |place: &Place, layers: Vec<Layer>| {
            if !layers.is_empty() {
                tree.regions.push(Region { place: place.clone(), layers });
                tree.names.cwd = Some(place.clone());
            }
        };
        if in_project || home.is_none() {
            add(&home_place, home.into_iter().collect());
            add(&script_place, project.into_iter().collect());
        } else {
            let is_laid_over = project.is_some();
            add(if is_laid_over { &script_place } else { &home_place }, home.into_iter().chain(project).collect());
            tree.names.alias = is_laid_over.then_some(home_place);
        }
        for (mount, root) in mounts {
            let place = tree.one_name(Place::of(&mount.guest));
            tree.regions.push(Region {
                place,
                layers: vec![Layer { root, kind: LayerKind::Mount { writable: mount.writable } }],
            });
        }
        tree
    }

    /// With a folder of devices, opened.
    pub(crate) fn with_devices(mut self, root: OwnedFd) -> Self {
        let layer = Layer { root: Root::Held(shared(root)), kind: LayerKind::Devices };
        self.regions.push(Region { place: Place::of(DEVICES_PATH), layers: vec![layer] });
        self
    }

    /// Where relative paths begin.
    pub(crate) fn cwd(&self) -> Place {
        self.names.cwd.clone().unwrap_or_default()
    }

    /// Where a name is looked for that the root does not have: temporary files in the private folder, and what may be a
    /// relative path where these begin. At the root itself it is not.
    pub(crate) fn instead_of_root(&self, name: &str, begins_at_root: bool) -> Place {
        let is_home = |region: &&Region| region.layers.first().is_some_and(Layer::is_home);
        match self.regions.iter().find(is_home) {
            Some(home) if name == TMP_NAME => home.place.clone(),
            _ if begins_at_root => self.cwd(),
            _ => Place::root(),
        }
    }

    /// Whether this name in this folder means the folder itself, where nothing else has it.
    pub(crate) fn is_itself(&self, folder: &Folder<'_>, name: &str) -> bool {
        self.names.project_name.as_deref() == Some(name) && Some(&folder.place) == self.names.cwd.as_ref()
    }

    /// Whether this open folder is one in which the kernel shows processes or devices.
    pub(crate) fn is_kernels_own(&self, folder: impl AsFd, about: &Stat) -> bool {
        is_kernels_own(folder) || self.is_devices(about)
    }

    /// Whether this is the folder of devices, which guests have a place of their own for.
    pub(crate) fn is_devices(&self, about: &Stat) -> bool {
        let is_it = |devices: Stat| (devices.st_dev, devices.st_ino) == (about.st_dev, about.st_ino);
        let devices = self.layers().find(|layer| layer.kind == LayerKind::Devices);
        devices.is_some_and(|devices| devices.root.open().and_then(rustix::fs::fstat).is_ok_and(is_it))
    }

    pub(crate) fn private(&self) -> &Private {
        &self.names.private
    }

    /// The private folder.
    pub(crate) fn home(&self) -> Option<&Root> {
        self.layers().find(|layer| layer.is_home()).map(|layer| &layer.root)
    }

    /// All that it is made of.
    pub(crate) fn layers(&self) -> impl Iterator<Item = &Layer> {
        self.regions.iter().flat_map(|region| &region.layers)
    }

    pub(crate) fn root(&self) -> Folder<'_> {
        Folder { place: Place::root(), branches: Vec::new() }
    }

    /// How many names lead to the region that a place is in.
    pub(crate) fn region_depth(&self, place: &Place) -> usize {
        let inside = |region: &&Region| place.0.starts_with(&region.place.0);
        self.regions.iter().filter(inside).map(|region| region.place.0.len()).max().unwrap_or(0)
    }

    /// How a link in a folder leads to an absolute path in the same region.
    pub(crate) fn relative(&self, folder: &Place, path: &str) -> Option<String> {
        let (place, depth) = (self.one_name(Place::of(path)), self.region_depth(folder));
        let is_plain = !place.0.iter().any(|name| matches!(name.as_str(), "." | ".."));
        if !is_plain || self.region_depth(&place) != depth || place.0[..depth] != folder.0[..depth] {
            return None;
        }
        let ups = std::iter::repeat_n("..", folder.0.len() - depth);
        let names: Vec<&str> = ups.chain(place.0[depth..].iter().map(String::as_str)).collect();
        Some(if names.is_empty() { ".".to_owned() } else { names.join("/") })
    }

    /// Whether a place, or one below it, is where a region begins: it cannot be moved or removed.
    pub(crate) fn is_fixed(&self, place: &Place) -> bool {
        let place = self.one_name(place.clone());
        self.regions.iter().any(|region| region.place.0.starts_with(&place.0))
    }

    /// The names that a folder has because a region begins there or below.
    pub(crate) fn fixed_names(&self, place: &Place) -> Vec<String> {
        let mut places: Vec<&Place> =
            self.regions.iter().filter(|region| region.is_listed()).map(|region| &region.place).collect();
        places.extend(&self.names.alias);
        let mut names: Vec<String> = places
            .into_iter()
            .filter(|region| place.is_above(region))
            .map(|region| region.0[place.0.len()].clone())
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// What has this name in a folder.
    pub(crate) fn child<'a>(&'a self, folder: &Folder<'a>, name: &str) -> Result<Child<'a>, Errno> {
        let place = self.one_name(folder.place.child(name));
        if let Some(region) = self.regions.iter().find(|region| region.place == place) {
            let branch = |layer: &'a Layer| Ok(Branch { layer, folder: layer.root.open()?, is_root: true });
            let seen = region.layers.iter().filter(|layer| !layer.is_own());
            return Ok(Child::Folder(Folder { place, branches: seen.map(branch).collect::<Result<_, Errno>>()? }));
        }
        let is_above_a_region = self.regions.iter().any(|region| place.is_above(&region.place));
        let mut branches = Vec::new();
        for branch in &folder.branches {
            let Some(about) = branch.about(name)? else { continue };
            if !branch.layer.is_home() && folder.is_whited_out(name) {
                break;
            }
            let is_folder = rustix::fs::FileType::from_raw_mode(about.st_mode).is_dir();
            if is_folder && !branch.layer.is_home() && self.names.private.is(&about) {
                continue;
            }
            if is_folder {
                let folder = Arc::new(subfolder(branch, name)?);
                let is_hidden = || is_signed(folder.as_fd(), ".") || self.is_kernels_own(&folder, &about);
                if branch.layer.is_home() || !is_hidden() {
                    branches.push(Branch { layer: branch.layer, folder, is_root: false });
                }
            } else if branches.is_empty() && !is_above_a_region {
                return Ok(Child::File { branch: branch.clone(), about: Box::new(about) });
            } else {
                break;
            }
        }
        let is_there = is_above_a_region || !branches.is_empty();
        Ok(if is_there { Child::Folder(Folder { place, branches }) } else { Child::Missing })
    }

    fn one_name(&self, place: Place) -> Place {
        match &self.names.alias {
            Some(alias) if place.0.starts_with(&alias.0) => {
                Place(self.cwd().0.into_iter().chain(place.0.into_iter().skip(alias.0.len())).collect())
            }
            _ => place,
        }
    }
}

/// A folder that is there, if nobody has put anything else in its place meanwhile.
pub(crate) fn subfolder(branch: &Branch<'_>, name: &str) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(branch.fd(), name, flags, Mode::empty())
}
