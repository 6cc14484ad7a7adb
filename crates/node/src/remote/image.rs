//! Images on a machine that joined: their files come from the control plane when a volume first needs them.
//!
//! A file is written aside, hashed as a whole and put in place only if it is what the control plane says it is; one that
//! was cut off goes on where it stopped. One at a time, so that many launches of one image fetch it once. The disk keeps
//! its reserve: a file that would use it up isn't begun.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{Context, SHA256};
use landfall_model::VolumeId;
use landfall_model::agent::SnapshotMade;
use landfall_model::plan::{ImagePlan, SnapshotPlan, VolumePlan, VolumeSource};

use super::connection::RemoteLink;
use crate::agent::identity::hex;
use crate::crash::crash_point;
use crate::driver::{
    DriverError, DriverResult, FetchDiskKeys, FetchSecret, HeldDisk, Imported, OpenDisk, OpenFleece, TellProgress,
    Volumes, Watch,
};

/// What stays free for the machine itself.
const RESERVE_BYTES: u64 = 1 << 30;
const BUFFER_BYTES: usize = 1 << 20;

/// Volumes whose images are fetched when they are lacking.
pub struct FetchedVolumes<V> {
    volumes: V,
    folder: PathBuf,
    link: Arc<RemoteLink>,
    one_at_a_time: Mutex<()>,
}

impl<V: Volumes> FetchedVolumes<V> {
    /// The same volumes, whose images are looked for in that folder.
    pub fn new(volumes: V, folder: PathBuf, link: Arc<RemoteLink>) -> Self {
        Self { volumes, folder, link, one_at_a_time: Mutex::default() }
    }

    fn ensure_image(&self, image: &ImagePlan) -> DriverResult<()> {
        let boot = image.direct_boot.iter().flat_map(|boot| [Some(&boot.kernel), boot.initrd.as_ref()]);
        // The disk comes last: where there is a disk, all is there.
        for name in boot.flatten().chain([&image.file]) {
            if name.is_empty() || name.starts_with('.') || name.contains(['/', '\0']) {
                return Err(DriverError::Final(format!("{} has a file name that can't be one: {name:?}", image.id)));
            }
            if !self.folder.join(name).exists() {
                let _one = self.one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
                self.ensure_file(name)
                    .map_err(|why| DriverError::Retry(format!("{} isn't on this machine yet: {why}", image.id)))?;
            }
        }
        Ok(())
    }

    fn ensure_file(&self, name: &str) -> Result<(), String> {
        let wanted = self.folder.join(name);
        if wanted.exists() {
            return Ok(());
        }
        let aside = self.folder.join(format!(".fetching-{name}"));
        let shown = |error: io::Error| format!("{}: {error}", aside.display());
        let mut file = OpenOptions::new();
        let mut file = file.create(true).append(true).mode(0o600).open(&aside).map_err(shown)?;
        loop {
            let offset = file.metadata().map_err(shown)?.len();
            let piece = self.link.image(name, offset).map_err(|error| error.to_string())?;
            if offset == piece.size_bytes {
                return self.finish(name, &aside, &piece.sha256);
            }
            if offset > piece.size_bytes || piece.bytes.is_empty() {
                self.discard(&aside);
                return Err("another file was begun under this name, and is fetched anew".into());
            }
            self.check_room(piece.size_bytes - offset)?;
            crash_point!("image:fetch");
            file.write_all(&piece.bytes).map_err(shown)?;
        }
    }

    /// Puts a whole file in place, if it is the one that was asked for.
    fn finish(&self, name: &str, aside: &Path, sha256: &str) -> Result<(), String> {
        let shown = |error: io::Error| format!("{}: {error}", aside.display());
        if file_sha256(aside).map_err(shown)? != sha256 {
            self.discard(aside);
            return Err("what was fetched isn't what the control plane has, and is fetched anew".into());
        }
        let place = || -> io::Result<()> {
            File::open(aside)?.sync_all()?;
            crash_point!("image:place");
            fs::rename(aside, self.folder.join(name))?;
            File::open(&self.folder)?.sync_all()
        };
        place().map_err(shown)
    }

    fn discard(&self, aside: &Path) {
        if let Err(error) = fs::remove_file(aside) {
            tracing::warn!(path = %aside.display(), %error, "what was fetched can't be removed");
        }
    }

    fn check_room(&self, more_bytes: u64) -> Result<(), String> {
        let facts = nix::sys::statvfs::statvfs(&self.folder).map_err(|errno| errno.to_string())?;
        let free = facts.blocks_available().saturating_mul(facts.fragment_size());
        if free < more_bytes.saturating_add(RESERVE_BYTES) {
            return Err(format!(
                "{} MiB are to come, the disk has {} MiB free and keeps {} MiB for the machine: make room in {}",
                more_bytes >> 20,
                free >> 20,
                RESERVE_BYTES >> 20,
                self.folder.display()
            ));
        }
        Ok(())
    }
}

impl<V: Volumes> Volumes for FetchedVolumes<V> {
    fn inspect(&self) -> DriverResult<BTreeSet<VolumeId>> {
        self.volumes.inspect()
    }

    fn ensure(&self, plan: &VolumePlan) -> DriverResult<u64> {
        if let VolumeSource::Image(image) = &plan.source {
            self.ensure_image(image)?;
        }
        self.volumes.ensure(plan)
    }

    fn import(&self, plan: &VolumePlan, watch: &Watch<'_>) -> DriverResult<Imported> {
        self.volumes.import(plan, watch)
    }

    fn open(&self, plan: &VolumePlan) -> DriverResult<OpenDisk> {
        if let VolumeSource::Image(image) = &plan.source {
            self.ensure_image(image)?;
        }
        self.volumes.open(plan)
    }

    fn learn(&self, fetch: Arc<FetchSecret>) {
        self.volumes.learn(fetch);
    }

    fn learn_keys(&self, fetch: Arc<FetchDiskKeys>) {
        self.volumes.learn_keys(fetch);
    }

    fn fleece(&self, plan: &VolumePlan) -> DriverResult<OpenFleece> {
        self.volumes.fleece(plan)
    }

    fn snapshot(
        &self,
        plan: &VolumePlan,
        snapshot: &SnapshotPlan,
        held: Option<HeldDisk>,
        tell: &TellProgress<'_>,
    ) -> DriverResult<SnapshotMade> {
        self.volumes.snapshot(plan, snapshot, held, tell)
    }

    fn remove(&self, id: VolumeId) -> DriverResult<()> {
        self.volumes.remove(id)
    }
}

/// SHA-256 of a file, in hexadecimal.
pub fn file_sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(context.finish().as_ref())),
            length => context.update(&buffer[..length]),
        }
    }
}
