//! Network namespaces with names, made and kept as iproute2 does, so that `ip netns exec` works on them.
//!
//! A namespace belongs to a thread, not to a process: whatever is done in one is done by a thread that was started for it.
//! A file beside ours marks each namespace that Landfall made, because it removes no others.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::statfs::{FsType, fstatfs};

use crate::crash::crash_point;

/// Where iproute2 keeps names of namespaces.
const NAMES: &str = "/run/netns";

/// What the kernel says of a file that is a namespace.
const NSFS_MAGIC: FsType = FsType(0x6e73_6673);

/// The path of the namespace of that name.
pub fn path(name: &str) -> PathBuf {
    Path::new(NAMES).join(name)
}

/// The names of all namespaces, or of what was left of making one.
pub fn list() -> io::Result<BTreeSet<String>> {
    match fs::read_dir(NAMES) {
        Ok(entries) => entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(error) => Err(error),
    }
}

/// Makes the namespace of that name unless it is there. Says whether it was made now.
pub fn ensure(name: &str) -> io::Result<bool> {
    let path = path(name);
    if is_namespace(&path)? {
        return Ok(false);
    }
    share_names()?;
    crash_point!("namespace:name");
    File::options().create(true).append(true).open(&path)?;
    crash_point!("namespace:make");
    std::thread::scope(|scope| {
        let made = scope.spawn(|| -> io::Result<()> {
            unshare(CloneFlags::CLONE_NEWNET)?;
            crash_point!("namespace:mount");
            let own = Some("/proc/thread-self/ns/net");
            mount(own, &path, None::<&str>, MsFlags::MS_BIND, None::<&str>)?;
            Ok(())
        });
        made.join().unwrap_or_else(|_| Err(io::Error::other("the thread that makes a namespace ended")))
    })?;
    crash_point!("namespace:made");
    Ok(true)
}

/// Whether there is a namespace and not just the file that its name hangs on, left by a process that was killed.
fn is_namespace(path: &Path) -> io::Result<bool> {
    match File::open(path) {
        Ok(file) => Ok(fstatfs(&file)?.filesystem_type() == NSFS_MAGIC),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes the folder of names one mount that other mount namespaces follow, so that no copy of it keeps a namespace alive.
fn share_names() -> io::Result<()> {
    fs::create_dir_all(NAMES)?;
    let share = || mount(None::<&str>, NAMES, None::<&str>, MsFlags::MS_SHARED | MsFlags::MS_REC, None::<&str>);
    if share().is_err() {
        // It is no mount yet.
        mount(Some(NAMES), NAMES, None::<&str>, MsFlags::MS_BIND | MsFlags::MS_REC, None::<&str>)?;
        share()?;
    }
    Ok(())
}

/// Removes the name. The namespace goes with it, unless a process is still in it.
pub fn remove(name: &str) -> io::Result<()> {
    let path = path(name);
    // Mounted more than once, if two processes made it at the same time.
    while is_namespace(&path)? {
        crash_point!("namespace:unmount");
        umount2(&path, MntFlags::MNT_DETACH)?;
    }
    crash_point!("namespace:unname");
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Does something in the namespace of that name, on a thread of its own.
pub fn within<T: Send>(name: &str, work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    let file = File::open(path(name))?;
    std::thread::scope(|scope| {
        let done = scope.spawn(|| {
            setns(file.as_fd(), CloneFlags::CLONE_NEWNET)?;
            work()
        });
        done.join().unwrap_or_else(|_| Err(io::Error::other("the thread in the namespace ended")))
    })
}
