//! Volumes in a folder of this machine.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use landfall_model::agent::SnapshotMade;
use landfall_model::plan::{ImagePlan, SnapshotPlan, VolumePlan, VolumeSource};
use landfall_model::{ImportSource, VolumeId};

use super::bitmap;
use super::export::{self, Export};
use super::held;
use super::import::{self, ImportPlaces};
use super::key::{DiskKeys, KeySource};
use super::luks;
use super::qcow2::{self, Header};
use super::store::SnapshotStore;
use crate::crash::crash_point;
use crate::driver::{
    DriverError, DriverResult, FetchDiskKeys, FetchSecret, HeldDisk, Imported, OpenDisk, OpenFleece, TellProgress,
    Volumes, Watch,
};

/// What stays free for the machine itself before new volumes are refused.
const RESERVE_BYTES: u64 = 512 << 20;
/// QEMU marks an image that it has open by locks on these bytes (`block/file-posix.c`).
const QEMU_LOCKS: (libc::off_t, libc::off_t) = (100, 200);

/// Keeps volumes as qcow2 files in a folder, as thin clones of the images in another.
#[derive(Clone, Debug)]
pub struct LocalVolumes {
    folder: PathBuf,
    image_folder: PathBuf,
    reserve_bytes: u64,
    store: Option<SnapshotStore>,
    keys: KeySource,
    imports: ImportPlaces,
}

impl LocalVolumes {
    /// Volumes in that folder, which is made if it isn't there; images are found in the other by their files' names.
    pub fn new(folder: PathBuf, image_folder: PathBuf) -> io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let volumes = LocalVolumes {
            folder,
            image_folder,
            reserve_bytes: RESERVE_BYTES,
            store: None,
            keys: KeySource::default(),
            imports: ImportPlaces::default(),
        };
        volumes.clear_unfinished()?;
        Ok(volumes)
    }

    /// The same with another reserve of free space, in bytes.
    pub fn with_reserve(self, reserve_bytes: u64) -> Self {
        LocalVolumes { reserve_bytes, ..self }
    }

    /// The same with a store of snapshots: without, none can be made and no volume be made of one.
    pub fn with_store(self, store: SnapshotStore) -> Self {
        LocalVolumes { store: Some(store), ..self }
    }

    /// The same with places that disks may be imported from.
    pub fn with_imports(self, imports: ImportPlaces) -> Self {
        LocalVolumes { imports, ..self }
    }

    fn path(&self, id: VolumeId) -> PathBuf {
        self.folder.join(format!("{id}.qcow2"))
    }

    /// The name that a volume has until it is whole.
    fn unfinished(&self, id: VolumeId) -> PathBuf {
        self.folder.join(format!(".making-{id}"))
    }

    /// Removes what an agent that died was making. It had no other name yet, so nobody uses it.
    fn clear_unfinished(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(".making-") {
                crash_point!("volume:clear-unfinished");
                fs::remove_file(entry.path())?;
            } else if name.starts_with(export::PREFIX) {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }

    fn create(&self, plan: &VolumePlan) -> DriverResult<()> {
        if let VolumeSource::Import(_) = plan.source {
            return Err(DriverError::Final(format!("{} is to be imported", plan.id)));
        }
        self.create_with(plan, |unfinished, keys| self.fill(plan, unfinished, keys))
    }

    /// Makes a volume of what comes from elsewhere. Returns its size: whole GiB, as all volumes have.
    fn create_imported(&self, plan: &VolumePlan, source: &ImportSource, watch: &Watch<'_>) -> DriverResult<u64> {
        let id = plan.id;
        let room = |more| self.check_room(id, more);
        let mut source = import::Source::open(&self.folder, &self.imports, source, &room, watch)?;
        let size_bytes = source.size_bytes().next_multiple_of(1 << 30).max(plan.size_bytes);
        let plan = VolumePlan { size_bytes, ..plan.clone() };
        self.create_with(&plan, |unfinished, keys| {
            let mut export = Export::open(&self.folder, unfinished, None, keys.map(|keys| &keys.own), true)?;
            source.copy(export.nbd(), &room, watch)?;
            crash_point!("volume:imported");
            let failed = |error: io::Error| DriverError::Retry(format!("{id} can't be filled: {error}"));
            export.close().map_err(failed)?;
            File::open(unfinished).and_then(|file| file.sync_all()).map_err(failed)
        })?;
        Ok(size_bytes)
    }

    fn create_with(
        &self,
        plan: &VolumePlan,
        fill: impl FnOnce(&Path, Option<&DiskKeys>) -> DriverResult<()>,
    ) -> DriverResult<()> {
        let id = plan.id;
        let failed = |error: io::Error| DriverError::Retry(format!("{id} can't be made: {error}"));
        if plan.size_bytes > qcow2::SIZE_MAX {
            return Err(DriverError::Final(format!("{id} is larger than {} TiB", qcow2::SIZE_MAX >> 40)));
        }
        let image = match &plan.source {
            VolumeSource::Blank => None,
            VolumeSource::Image(image) => {
                let (path, header) = self.image(image)?;
                if header.size > plan.size_bytes {
                    return Err(DriverError::Final(format!(
                        "{id} with {} GiB is smaller than its image {} with {} GiB",
                        plan.size_bytes >> 30,
                        image.id,
                        header.size.div_ceil(1 << 30)
                    )));
                }
                Some(path)
            }
            VolumeSource::Chunks(_) | VolumeSource::Import(_) => None,
        };
        let keys = self.keys(plan)?;
        self.check_room(id, 0)?;
        let name = image.as_ref().map(|path| path.to_string_lossy());
        let unfinished = self.unfinished(id);
        crash_point!("volume:create");
        let result = remove_file(&unfinished).and_then(|()| {
            let mut options = OpenOptions::new();
            let file = options.read(true).write(true).create_new(true).mode(0o600).open(&unfinished)?;
            match &keys {
                Some(keys) => luks::create(&unfinished, plan.size_bytes, name.as_deref(), &keys.own)?,
                None => qcow2::write_empty(&file, plan.size_bytes, name.as_deref())?,
            }
            file.sync_all()
        });
        let result = result.map_err(failed).and_then(|()| fill(&unfinished, keys.as_ref())).and_then(|()| {
            crash_point!("volume:link");
            // Unlike a rename, a link never replaces what is there.
            let linked = match fs::hard_link(&unfinished, self.path(id)) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(failed(error)),
                _ => Ok(()),
            };
            crash_point!("volume:linked");
            linked
        });
        result.and(remove_file(&unfinished).map_err(failed))?;
        crash_point!("volume:sync");
        self.sync().map_err(failed)?;
        crash_point!("volume:created");
        Ok(())
    }

    /// Fills a volume that isn't there yet with what it starts as.
    fn fill(&self, plan: &VolumePlan, unfinished: &Path, keys: Option<&DiskKeys>) -> DriverResult<()> {
        let VolumeSource::Chunks(root) = &plan.source else { return Ok(()) };
        let store = self.store.as_ref().ok_or_else(|| no_store(plan.id))?;
        let source = keys.and_then(|keys| keys.source.as_ref()).filter(|_| root.data_key.is_some());
        if root.data_key.is_some() && source.is_none() {
            return Err(DriverError::Final(format!(
                "the key of the snapshot that {} is made of can't be used",
                plan.id
            )));
        }
        let mut export = Export::open(&self.folder, unfinished, None, keys.map(|keys| &keys.own), true)?;
        store.restore(root, source, export.nbd(), &|more| self.check_room(plan.id, more))?;
        crash_point!("volume:filled");
        let failed = |error: io::Error| DriverError::Retry(format!("{} can't be filled: {error}", plan.id));
        export.close().map_err(failed)?;
        File::open(unfinished).and_then(|file| file.sync_all()).map_err(failed)
    }

    /// The keys of a volume that is encrypted.
    fn keys(&self, plan: &VolumePlan) -> DriverResult<Option<DiskKeys>> {
        plan.encrypted.then(|| self.keys.fetch(plan.id)).transpose()
    }

    /// The file of an image, looked at.
    fn image(&self, image: &ImagePlan) -> DriverResult<(PathBuf, Header)> {
        if image.file.is_empty() || image.file.starts_with('.') || image.file.contains(['/', '\0']) {
            return Err(DriverError::Final(format!(
                "{} has a file name that can't be one: {:?}",
                image.id, image.file
            )));
        }
        let path = self.image_folder.join(&image.file);
        let missing =
            |error| DriverError::Retry(format!("the file of {} can't be read on this machine: {error}", image.id));
        let file = open_plain(&path, false).map_err(missing)?;
        let wrong = |why: &str| DriverError::Final(format!("the file of {} {why}", image.id));
        let header = qcow2::read_header(&file).map_err(missing)?.ok_or_else(|| wrong("is no qcow2"))?;
        if header.backed || header.data_elsewhere {
            return Err(wrong("refers to another file"));
        }
        Ok((path, header))
    }

    fn free_bytes(&self, id: VolumeId) -> DriverResult<u64> {
        let facts = nix::sys::statvfs::statvfs(&self.folder)
            .map_err(|errno| DriverError::Retry(format!("the free space for {id} can't be told: {errno}")))?;
        Ok(facts.blocks_available().saturating_mul(facts.fragment_size()))
    }

    fn check_room(&self, id: VolumeId, more_bytes: u64) -> DriverResult<()> {
        let free = self.free_bytes(id)?;
        if free < self.reserve_bytes.saturating_add(more_bytes) {
            return Err(DriverError::Retry(format!(
                "the disk that volumes are on has {} MiB free for the {} MiB of {id} and keeps {} MiB for the machine: make room in {}",
                free >> 20,
                more_bytes >> 20,
                self.reserve_bytes >> 20,
                self.folder.display()
            )));
        }
        Ok(())
    }

    /// Grows a volume, unless a guest has it. Returns its size.
    fn grow(&self, plan: &VolumePlan, has_bytes: u64) -> DriverResult<u64> {
        let (id, size_bytes) = (plan.id, plan.size_bytes);
        let path = self.path(id);
        if is_in_use(&path).map_err(|error| DriverError::Retry(format!("{id} can't be opened: {error}")))? {
            return Ok(has_bytes);
        }
        // A volume that is there isn't lost because its key can't be used for a while: it stays as large as it is.
        let keys = self.keys(plan).map_err(|error| match error {
            DriverError::Final(why) => DriverError::Later(why),
            error => error,
        })?;
        let key = keys.as_ref().map(|keys| &keys.own);
        let failed =
            |words: String| DriverError::Retry(format!("{id} can't grow to {} GiB: {words}", size_bytes >> 30));
        bitmap::remove_unsound(&path, key).map_err(failed)?;
        crash_point!("volume:grow");
        // Nothing that lies below is needed, and no name that stands in the file is followed.
        let disk = export::disk(&path, None, key.is_some());
        bitmap::qemu_img("resize", &["-q".into(), disk, size_bytes.to_string().into()], key).map_err(failed)?;
        Ok(size_bytes)
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }
}

/// Removes a file. None is no error.
fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Opens a file that is no link.
fn open_plain(path: &Path, write: bool) -> io::Result<File> {
    OpenOptions::new().read(true).write(write).custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC).open(path)
}

/// Whether a QEMU has an image open, by the locks that it holds on it.
fn is_in_use(path: &Path) -> io::Result<bool> {
    let file = match open_plain(path, true) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        file => file?,
    };
    let (start, length) = QEMU_LOCKS;
    let mut lock = libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: start,
        l_len: length,
        l_pid: 0,
    };
    // SAFETY: the pointer is to a structure of ours, on a descriptor of ours.
    if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_GETLK, &raw mut lock) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(lock.l_type != libc::F_UNLCK as libc::c_short)
}

impl Volumes for LocalVolumes {
    fn inspect(&self) -> DriverResult<BTreeSet<VolumeId>> {
        let failed = |error: io::Error| DriverError::Retry(format!("volumes can't be listed: {error}"));
        let mut volumes = BTreeSet::new();
        for entry in fs::read_dir(&self.folder).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".qcow2")?.parse::<VolumeId>().ok());
            volumes.extend(id);
        }
        Ok(volumes)
    }

    fn ensure(&self, plan: &VolumePlan) -> DriverResult<u64> {
        let id = plan.id;
        let file = match open_plain(&self.path(id), false) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return self.create(plan).map(|()| plan.size_bytes);
            }
            file => file.map_err(|error| DriverError::Retry(format!("{id} can't be opened: {error}")))?,
        };
        let header = qcow2::read_header(&file);
        let header = header.map_err(|error| DriverError::Retry(format!("{id} can't be read: {error}")))?;
        match header {
            Some(header) if header.data_elsewhere => Err(strays(id)),
            Some(header) if header.encrypted != plan.encrypted => Err(DriverError::Final(format!(
                "the file of {id} is {}encrypted, and is to be otherwise",
                if header.encrypted { "" } else { "not " }
            ))),
            Some(header) if header.size < plan.size_bytes => self.grow(plan, header.size),
            Some(header) => Ok(header.size),
            None => Err(damaged(id)),
        }
    }

    fn import(&self, plan: &VolumePlan, watch: &Watch<'_>) -> DriverResult<Imported> {
        let VolumeSource::Import(source) = &plan.source else {
            return Err(DriverError::Final(format!("{} isn't to be imported", plan.id)));
        };
        let path = self.path(plan.id);
        let size_bytes = match path.symlink_metadata() {
            Ok(_) => self.ensure(plan)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.create_imported(plan, source, watch)?,
            Err(error) => return Err(DriverError::Retry(format!("{} can't be opened: {error}", plan.id))),
        };
        let key = self.keys(plan)?.map(|keys| keys.own);
        let mut export = Export::open(&self.folder, &path, None, key.as_ref(), false)?;
        Ok(Imported { size_bytes, noticed: import::noticed(export.nbd()) })
    }

    fn open(&self, plan: &VolumePlan) -> DriverResult<OpenDisk> {
        let id = plan.id;
        let file = open_plain(&self.path(id), true)
            .map_err(|error| DriverError::Retry(format!("{id} can't be opened: {error}")))?;
        let base = match &plan.source {
            VolumeSource::Blank => None,
            VolumeSource::Image(image) => {
                let (path, _) = self.image(image)?;
                let base = open_plain(&path, false);
                Some(base.map_err(|error| DriverError::Retry(format!("the image of {id} can't be opened: {error}")))?)
            }
            // Filled in whole when it was made.
            VolumeSource::Chunks(_) | VolumeSource::Import(_) => None,
        };
        let key = self.keys(plan)?.map(|keys| keys.own);
        Ok(OpenDisk { volume: id, file: Some(file.into()), base: base.map(Into::into), key })
    }

    fn learn(&self, fetch: Arc<FetchSecret>) {
        if let Some(store) = &self.store {
            store.learn(fetch);
        }
    }

    fn learn_keys(&self, fetch: Arc<FetchDiskKeys>) {
        self.keys.learn(fetch);
    }

    fn fleece(&self, plan: &VolumePlan) -> DriverResult<OpenFleece> {
        let id = plan.id;
        if self.store.is_none() {
            return Err(no_store(id));
        }
        let unread = |error: io::Error| DriverError::Retry(format!("{id} can't be read: {error}"));
        // The guest's own QEMU says in it how large the disk is, as far as this can be believed at all.
        let file = open_plain(&self.path(id), false).map_err(unread)?;
        let size_bytes = qcow2::read_header(&file).map_err(unread)?.ok_or_else(|| damaged(id))?.size;
        if size_bytes > qcow2::SIZE_MAX {
            return Err(damaged(id));
        }
        // Under the volume's own header, for to make another takes seconds.
        let seal = match self.keys(plan)? {
            Some(keys) => {
                let luks = qcow2::read_luks(&file).map_err(unread)?.ok_or_else(|| damaged(id))?;
                Some(held::Seal { luks, key: keys.own })
            }
            None => None,
        };
        held::open(&self.folder, size_bytes, self.free_bytes(id)?.saturating_sub(self.reserve_bytes), seal)
    }

    fn snapshot(
        &self,
        plan: &VolumePlan,
        snapshot: &SnapshotPlan,
        held: Option<HeldDisk>,
        tell: &TellProgress<'_>,
    ) -> DriverResult<SnapshotMade> {
        let (id, store) = (plan.id, self.store.as_ref().ok_or_else(|| no_store(plan.id))?);
        // The store may be on the same disk, and the log is.
        let room = |more| self.check_room(id, more);
        let key = self.keys(plan)?.map(|keys| keys.own);
        if let Some(held) = held {
            let (mut disk, changes) = held::connect(held)?;
            return store.save_held(&mut disk, changes, snapshot, key.as_ref(), &room, tell);
        }
        let path = self.path(id);
        if is_in_use(&path).map_err(|error| DriverError::Retry(format!("{id} can't be opened: {error}")))? {
            return Err(DriverError::InUse(format!("{id} is in use, and nobody holds what it had for a snapshot")));
        }
        let base = match &plan.source {
            VolumeSource::Image(image) => Some(self.image(image)?.0),
            VolumeSource::Blank | VolumeSource::Chunks(_) | VolumeSource::Import(_) => None,
        };
        // Whoever took a guest's QEMU over wrote what it liked. Nobody has the file open now, so its header stands still.
        let unread = |error: io::Error| DriverError::Retry(format!("{id} can't be read: {error}"));
        let file = open_plain(&path, false).map_err(unread)?;
        let header = qcow2::read_header(&file).map_err(unread)?.ok_or_else(|| damaged(id))?;
        if header.data_elsewhere || (header.backed && base.is_none()) {
            return Err(strays(id));
        }
        let mut export = Export::open(&self.folder, &path, base.as_deref(), key.as_ref(), false)?;
        store.save(export.nbd(), snapshot, key.as_ref(), &room, tell)
    }

    fn remove(&self, id: VolumeId) -> DriverResult<()> {
        let failed = |error: io::Error| DriverError::Retry(format!("{id} can't be removed: {error}"));
        let path = self.path(id);
        if is_in_use(&path).map_err(failed)? {
            return Err(DriverError::Retry(format!("{id} is in use; it goes once its instance is stopped")));
        }
        crash_point!("volume:remove");
        remove_file(&self.unfinished(id)).and_then(|()| remove_file(&path)).map_err(failed)?;
        crash_point!("volume:removed");
        self.sync().map_err(failed)
    }
}

/// That a volume's file isn't one any more.
fn damaged(id: VolumeId) -> DriverError {
    DriverError::Final(format!("the file of {id} is damaged: it is no qcow2 any more"))
}

/// That a volume's file tells of a file that isn't known to lie below it.
fn strays(id: VolumeId) -> DriverError {
    DriverError::Final(format!("the file of {id} refers to another file"))
}

/// That snapshots are neither written nor read on this host.
fn no_store(id: VolumeId) -> DriverError {
    DriverError::Final(format!("{id} is on a host without a store of snapshots"))
}

#[cfg(test)]
mod snapshot_tests;
#[cfg(test)]
mod tests;
