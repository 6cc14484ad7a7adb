//! The confinement of a guest's process, entered by itself between fork and exec.
//!
//! A guest may take over its QEMU; what it has then is what this leaves: a user of its own without any capability, no
//! way to gain one, a session of its own, a network namespace without any device, System V IPC and host name of its own,
//! and a tree that it can't write to and that holds QEMU, its libraries and firmware, `/dev/null` and, with KVM,
//! `/dev/kvm`, all read only: no shell, no `/proc`, no `/sys`, none of the host's files. It has the descriptors that were
//! meant for it and no other. QEMU's own seccomp filter comes on top.
//!
//! Between fork and exec in a program with threads only system calls are safe: another thread may hold the allocator's
//! lock for ever. So everything that needs memory is made before ([`Confinement::prepare`]), and [`Prepared::enter`] is
//! nothing but raw system calls. A step that fails leaves its name on standard error and its errno to the caller.

use std::collections::BTreeSet;
use std::ffi::{CStr, CString, OsStr};
use std::io;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::machine::Accelerator;

/// The tree's own file system holds only folders, links and empty files to mount on.
const TREE_OPTIONS: &CStr = c"size=256k,nr_inodes=512,mode=755";
/// The value that also keeps the kernel from starting a helper such as systemd-coredump (fs/coredump.c); with zero it
/// would be started and given the guest's memory.
const CORE_LIMIT: libc::rlim_t = 1;
const DESCRIPTOR_LIMIT: libc::rlim_t = 4096;
/// As many capabilities as the kernel's format has room for; those that it doesn't have are refused, and that is fine.
const CAPABILITIES: libc::c_int = 64;
const CAPABILITY_VERSION: u32 = 0x2008_0522;

/// What a guest's process is confined to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confinement {
    /// Its user and group.
    pub uid: u32,
    /// Its further groups: `/dev/kvm`'s, where KVM is used.
    pub groups: Vec<u32>,
    /// The host's folder that its tree is mounted on. Nobody else sees the mount.
    pub root: PathBuf,
    /// What of the host its tree shows.
    pub shows: Vec<Show>,
    /// Links in its tree: name and target.
    pub links: Vec<(PathBuf, PathBuf)>,
}

/// Something of the host that a guest's tree shows, read only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Show {
    /// The host's path.
    pub from: PathBuf,
    /// The path in the tree.
    pub to: PathBuf,
    /// What it is.
    pub kind: ShowKind,
}

/// What something shown is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShowKind {
    /// A folder.
    Folder,
    /// A folder that it may write to.
    Own,
    /// A file.
    File,
    /// A file that it may write to.
    OwnFile,
    /// A device.
    Device,
}

/// What a program finds where, on the host.
pub trait Host {
    /// What is there, links followed.
    fn kind(&self, path: &Path) -> Option<ShowKind>;
    /// Where a link leads, if it is one.
    fn link(&self, path: &Path) -> Option<PathBuf>;
}

/// This machine.
pub struct ThisHost;

impl Host for ThisHost {
    fn kind(&self, path: &Path) -> Option<ShowKind> {
        use std::os::unix::fs::FileTypeExt;
        let kind = std::fs::metadata(path).ok()?.file_type();
        Some(match () {
            () if kind.is_dir() => ShowKind::Folder,
            () if kind.is_char_device() => ShowKind::Device,
            () => ShowKind::File,
        })
    }

    fn link(&self, path: &Path) -> Option<PathBuf> {
        std::fs::read_link(path).ok()
    }
}

impl Confinement {
    /// What QEMU needs: itself, libraries and modules, its firmware.
    pub fn plan(uid: u32, accelerator: Accelerator, qemu: &Path, root: PathBuf, host: &dyn Host) -> Self {
        let mut wanted: Vec<PathBuf> = ["/lib", "/lib64", "/usr/lib", "/usr/lib64"].map(PathBuf::from).into();
        let prefixes: BTreeSet<&Path> =
            [Some(Path::new("/usr")), qemu.parent().and_then(Path::parent)].into_iter().flatten().collect();
        for prefix in &prefixes {
            if *prefix != Path::new("/usr") {
                wanted.extend(["lib", "lib64"].map(|folder| prefix.join(folder)));
            }
            let data = ["qemu", "qemu-kvm", "seabios", "sgabios", "vgabios", "edk2", "OVMF"];
            wanted.extend(data.map(|folder| prefix.join("share").join(folder)));
        }
        wanted.extend(["/etc/ld.so.cache", "/dev/null"].map(PathBuf::from));
        wanted.push(qemu.to_owned());
        let mut groups = Vec::new();
        if let Accelerator::Kvm { group } = accelerator {
            wanted.push("/dev/kvm".into());
            groups.extend(group);
        }
        let mut confinement = Confinement { uid, groups, root, shows: Vec::new(), links: Vec::new() };
        confinement.show(wanted, host);
        confinement
    }

    /// Adds a file of the host under another path.
    pub fn show_file(&mut self, from: PathBuf, to: &str) {
        self.shows.push(Show { from, to: to.into(), kind: ShowKind::File });
    }

    /// What a program needs that works in a folder of its own: itself, libraries and modules, the folder, and those files and
    /// devices besides. It takes its user itself.
    pub fn of_daemon(program: &Path, folder: &Path, root: PathBuf, besides: &[&str], host: &dyn Host) -> Self {
        let mut confinement = Confinement { uid: 0, groups: Vec::new(), root, shows: Vec::new(), links: Vec::new() };
        let libraries = ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/dev/null"];
        confinement.show(libraries.iter().chain(besides).map(PathBuf::from).chain([program.to_owned()]), host);
        confinement.shows.push(Show { from: folder.to_owned(), to: folder.to_owned(), kind: ShowKind::Own });
        confinement
    }

    /// What QEMU's tools need for a disk: the tool itself, libraries and modules, a folder of its own as `own`, and what is
    /// given besides.
    pub fn of_tool(uid: u32, program: &Path, folder: &Path, own: &str, besides: Vec<Show>, host: &dyn Host) -> Self {
        let root = folder.join("tree");
        let mut confinement = Confinement { uid, groups: Vec::new(), root, shows: besides, links: Vec::new() };
        let needs = ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/dev/null"];
        confinement.show(needs.iter().map(PathBuf::from).chain([program.to_owned()]), host);
        confinement.shows.push(Show { from: folder.to_owned(), to: own.into(), kind: ShowKind::Own });
        confinement
    }

    /// Shows what there is of those paths.
    fn show(&mut self, wanted: impl IntoIterator<Item = PathBuf>, host: &dyn Host) {
        for path in wanted {
            // `/lib` is a link to `usr/lib` where the two were merged, and must be one in the tree too.
            match (host.link(&path), host.kind(&path)) {
                (Some(target), Some(ShowKind::Folder)) if target.is_relative() => self.links.push((path, target)),
                (_, Some(kind)) if self.shows.iter().all(|show| show.to != path) => {
                    self.shows.push(Show { from: path.clone(), to: path, kind });
                }
                _ => {}
            }
        }
    }

    /// Makes ready the tree alone.
    pub fn prepare_tree(&self) -> io::Result<Tree> {
        Ok(Tree { root: text(self.root.as_os_str())?, steps: self.tree()? })
    }

    /// Makes ready what the process does between fork and exec. `process` gets the line of `/proc/self/stat`, `members`
    /// are the member lists of its control groups, `keep` the descriptors that stay open.
    pub fn prepare(&self, process: RawFd, members: Vec<RawFd>, keep: Vec<RawFd>) -> io::Result<Prepared> {
        let (uid, groups) = (self.uid, self.groups.clone());
        Ok(Prepared {
            uid,
            groups,
            process,
            members,
            keep,
            tree: self.prepare_tree()?,
            #[cfg(feature = "crash-points")]
            kills_at: ["forked", "described", "grouped", "closed", "moved", "confined"]
                .iter()
                .position(|stage| crate::crash::is_last(format_args!("launch:child:{stage}"))),
        })
    }

    /// The steps that build the tree, in order.
    fn tree(&self) -> io::Result<Vec<Step>> {
        let mut steps = Vec::new();
        let mut made = BTreeSet::new();
        for (link, target) in &self.links {
            self.folders(link.parent(), &mut made, &mut steps)?;
            steps.push(Step::Link { target: text(target.as_os_str())?, path: self.inside(link)? });
        }
        for show in &self.shows {
            let path = self.inside(&show.to)?;
            if matches!(show.kind, ShowKind::Folder | ShowKind::Own) {
                self.folders(Some(&show.to), &mut made, &mut steps)?;
            } else {
                self.folders(show.to.parent(), &mut made, &mut steps)?;
                steps.push(Step::File { path: path.clone() });
            }
            let flags = match show.kind {
                ShowKind::Own | ShowKind::OwnFile => libc::MS_NODEV | libc::MS_NOEXEC,
                ShowKind::Device => libc::MS_RDONLY,
                ShowKind::Folder | ShowKind::File => libc::MS_RDONLY | libc::MS_NODEV,
            };
            let flags = flags | libc::MS_NOSUID;
            // A device is written to through the mount; read only refers to the node itself.
            steps.push(Step::Show { from: text(show.from.as_os_str())?, path, flags });
        }
        Ok(steps)
    }

    /// Makes a folder and those above it, once each.
    fn folders(&self, path: Option<&Path>, made: &mut BTreeSet<PathBuf>, steps: &mut Vec<Step>) -> io::Result<()> {
        let mut missing: Vec<&Path> = path.into_iter().flat_map(Path::ancestors).collect();
        missing.retain(|folder| *folder != Path::new("/"));
        for folder in missing.into_iter().rev() {
            if made.insert(folder.to_owned()) {
                steps.push(Step::Folder { path: self.inside(folder)? });
            }
        }
        Ok(())
    }

    fn inside(&self, path: &Path) -> io::Result<CString> {
        text(self.root.join(path.strip_prefix("/").unwrap_or(path)).as_os_str())
    }
}

fn text(path: &OsStr) -> io::Result<CString> {
    Ok(CString::new(path.as_bytes())?)
}

enum Step {
    Folder { path: CString },
    File { path: CString },
    Link { target: CString, path: CString },
    Show { from: CString, path: CString, flags: libc::c_ulong },
}

/// A tree that can be moved into without allocating.
pub struct Tree {
    root: CString,
    steps: Vec<Step>,
}

/// A confinement that can be entered without allocating.
pub struct Prepared {
    uid: u32,
    groups: Vec<u32>,
    process: RawFd,
    members: Vec<RawFd>,
    keep: Vec<RawFd>,
    tree: Tree,
    /// At which stage a test has the agent killed, which only the child can know.
    #[cfg(feature = "crash-points")]
    kills_at: Option<usize>,
}

/// How far the child is on its way to become QEMU.
#[derive(Clone, Copy)]
enum Stage {
    Forked,
    Described,
    Grouped,
    Closed,
    Moved,
    Confined,
}

impl Prepared {
    /// Confines the calling process for good.
    ///
    /// # Safety
    /// Must be called between fork and exec, by the process's only thread; `process`, `members` and `keep` must be open.
    pub unsafe fn enter(&self) -> io::Result<()> {
        // SAFETY: the caller's promise is passed on; each of these only makes system calls on memory made before.
        unsafe {
            self.pass(Stage::Forked);
            step(c"beginning a session", i64::from(libc::setsid()))?;
            self.describe()?;
            self.pass(Stage::Described);
            for group in &self.members {
                step(c"entering the control group", libc::write(*group, c"0".as_ptr().cast(), 1) as i64)?;
            }
            self.pass(Stage::Grouped);
            self.close_others()?;
            self.pass(Stage::Closed);
            let namespaces = libc::CLONE_NEWNS | libc::CLONE_NEWNET | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS;
            step(c"making namespaces", i64::from(libc::unshare(namespaces)))?;
            self.tree.enter()?;
            self.pass(Stage::Moved);
            self.give_up_rights()?;
            self.pass(Stage::Confined);
            Ok(())
        }
    }

    #[cfg(not(feature = "crash-points"))]
    unsafe fn pass(&self, _: Stage) {}

    /// Kills the agent, if a test asked for it here, and lets the next one come upon a child that is no QEMU yet.
    #[cfg(feature = "crash-points")]
    unsafe fn pass(&self, stage: Stage) {
        if self.kills_at == Some(stage as usize) {
            // SAFETY: system calls without pointers.
            unsafe {
                libc::kill(libc::getppid(), libc::SIGKILL);
                libc::usleep(300_000);
            }
        }
    }

    /// Copies `/proc/self/stat` into the file that the process is known by.
    unsafe fn describe(&self) -> io::Result<()> {
        let mut buffer = [0u8; 1024];
        // SAFETY: the path ends in NUL, the buffer is as long as said, and the descriptor is our own.
        unsafe {
            let stat = libc::open(c"/proc/self/stat".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
            step(c"reading /proc/self/stat", i64::from(stat))?;
            let length = libc::read(stat, buffer.as_mut_ptr().cast(), buffer.len());
            step(c"reading /proc/self/stat", length as i64)?;
            libc::close(stat);
            let written = libc::write(self.process, buffer.as_ptr().cast(), length.unsigned_abs());
            step(c"recording the process", written as i64)?;
        }
        Ok(())
    }

    /// Everything above standard error closes at exec, but what is meant for QEMU.
    unsafe fn close_others(&self) -> io::Result<()> {
        const FROM: libc::c_uint = 3;
        // SAFETY: system calls without pointers.
        unsafe {
            let mode = libc::CLOSE_RANGE_CLOEXEC;
            let closed = libc::syscall(libc::SYS_close_range, FROM, libc::c_uint::MAX, mode);
            step(c"closing descriptors", closed)?;
            for fd in &self.keep {
                step(c"keeping a descriptor", i64::from(libc::fcntl(*fd, libc::F_SETFD, 0)))?;
            }
        }
        Ok(())
    }

    unsafe fn give_up_rights(&self) -> io::Result<()> {
        let header = [CAPABILITY_VERSION, 0];
        let none = [0u32; 6];
        // SAFETY: every pointer is to memory of ours as long as the call says. The raw calls change this thread only,
        // which is the process's only one.
        unsafe {
            limit(libc::RLIMIT_CORE, CORE_LIMIT)?;
            limit(libc::RLIMIT_NOFILE, DESCRIPTOR_LIMIT)?;
            libc::umask(0o077);
            for capability in 0..CAPABILITIES {
                libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0);
            }
            let groups = libc::syscall(libc::SYS_setgroups, self.groups.len(), self.groups.as_ptr());
            step(c"taking groups", groups)?;
            step(c"taking the group", libc::syscall(libc::SYS_setresgid, self.uid, self.uid, self.uid))?;
            step(c"taking the user", libc::syscall(libc::SYS_setresuid, self.uid, self.uid, self.uid))?;
            step(c"giving up capabilities", libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr()))?;
            step(c"forgoing new rights", i64::from(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)))
        }
    }
}

impl Tree {
    /// Builds the tree on a file system of its own and makes it the root; the host's is let go.
    ///
    /// # Safety
    /// Must be called between fork and exec, by the process's only thread, in a mount namespace of its own.
    pub unsafe fn enter(&self) -> io::Result<()> {
        let (nothing, slash, here) = (std::ptr::null(), c"/".as_ptr(), c".".as_ptr());
        let root = self.root.as_ptr();
        // SAFETY: all paths are NUL-terminated and outlive the calls; null stands for a parameter that isn't used.
        unsafe {
            let private = libc::mount(nothing, slash, nothing, libc::MS_REC | libc::MS_PRIVATE, nothing.cast());
            step(c"making mounts private", i64::from(private))?;
            let flags = libc::MS_NOSUID | libc::MS_NOEXEC;
            let kind = c"tmpfs".as_ptr();
            step(c"mounting the tree", i64::from(libc::mount(kind, root, kind, flags, TREE_OPTIONS.as_ptr().cast())))?;
            for part in &self.steps {
                part.take()?;
            }
            step(c"entering the tree", i64::from(libc::chdir(root)))?;
            step(c"changing the root", libc::syscall(libc::SYS_pivot_root, here, here))?;
            step(c"letting the host's tree go", i64::from(libc::umount2(here, libc::MNT_DETACH)))?;
            let flags = flags | libc::MS_REMOUNT | libc::MS_RDONLY;
            step(c"closing the tree", i64::from(libc::mount(nothing, slash, nothing, flags, nothing.cast())))?;
            step(c"entering the root", i64::from(libc::chdir(slash)))
        }
    }
}

/// Takes a user without any right but that of reading and writing what its tree shows, whosever it is; and none who is
/// started by it has more. It ends with the thread that started it.
///
/// # Safety
/// Must be called between fork and exec, by the process's only thread, after its tree was entered.
pub unsafe fn become_tool(uid: u32, parent: libc::pid_t, memory: libc::rlim_t) -> io::Result<()> {
    const DAC_OVERRIDE: libc::c_ulong = 1;
    let header = [CAPABILITY_VERSION, 0];
    let bits = 1u32 << DAC_OVERRIDE;
    let rights = [bits, bits, bits, 0, 0, 0];
    // SAFETY: every pointer is to memory of ours as long as the call says. The raw calls change this thread only, which
    // is the process's only one.
    unsafe {
        limit(libc::RLIMIT_CORE, CORE_LIMIT)?;
        limit(libc::RLIMIT_NOFILE, DESCRIPTOR_LIMIT)?;
        limit(libc::RLIMIT_DATA, memory)?;
        for capability in (0..CAPABILITIES).filter(|it| *it != DAC_OVERRIDE as libc::c_int) {
            libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0);
        }
        step(c"keeping rights", i64::from(libc::prctl(libc::PR_SET_KEEPCAPS, 1, 0, 0, 0)))?;
        step(c"taking groups", libc::syscall(libc::SYS_setgroups, 0, std::ptr::null::<libc::gid_t>()))?;
        step(c"taking the group", libc::syscall(libc::SYS_setresgid, uid, uid, uid))?;
        step(c"taking the user", libc::syscall(libc::SYS_setresuid, uid, uid, uid))?;
        step(c"giving up capabilities", libc::syscall(libc::SYS_capset, header.as_ptr(), rights.as_ptr()))?;
        let raised = libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_RAISE, DAC_OVERRIDE, 0, 0);
        step(c"handing on the right to its files", i64::from(raised))?;
        step(c"forgoing new rights", i64::from(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)))?;
    }
    end_with(parent)
}

/// Has the calling process end with the thread that started it, also if that one has ended already.
pub fn end_with(parent: libc::pid_t) -> io::Result<()> {
    // SAFETY: system calls without pointers.
    let is_there = unsafe {
        step(c"being bound", i64::from(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0)))?;
        libc::getppid() == parent
    };
    if is_there { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::ESRCH)) }
}

impl Step {
    unsafe fn take(&self) -> io::Result<()> {
        let nothing = std::ptr::null();
        // SAFETY: all paths are NUL-terminated and outlive the calls; null stands for a parameter that isn't used.
        unsafe {
            match self {
                Step::Folder { path } => step(c"making a folder", i64::from(libc::mkdir(path.as_ptr(), 0o755))),
                Step::File { path } => {
                    // Not opened: a file open for writing would keep the tree from being closed.
                    step(c"making a file", i64::from(libc::mknod(path.as_ptr(), libc::S_IFREG | 0o444, 0)))
                }
                Step::Link { target, path } => {
                    step(c"making a link", i64::from(libc::symlink(target.as_ptr(), path.as_ptr())))
                }
                Step::Show { from, path, flags } => {
                    let bind = libc::mount(from.as_ptr(), path.as_ptr(), nothing, libc::MS_BIND, nothing.cast());
                    step(c"showing a part of the host", i64::from(bind))?;
                    let flags = flags | libc::MS_BIND | libc::MS_REMOUNT;
                    let closed = libc::mount(nothing, path.as_ptr(), nothing, flags, nothing.cast());
                    step(c"closing a part of the host", i64::from(closed))
                }
            }
        }
    }
}

unsafe fn limit(resource: libc::__rlimit_resource_t, value: libc::rlim_t) -> io::Result<()> {
    let bounds = libc::rlimit { rlim_cur: value, rlim_max: value };
    // SAFETY: the pointer is to a structure of ours.
    step(c"setting limits", i64::from(unsafe { libc::setrlimit(resource, &raw const bounds) }))
}

/// Turns a negative result into the error, and leaves the step's name on standard error.
fn step(name: &CStr, result: i64) -> io::Result<()> {
    if result >= 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    // SAFETY: the text is as long as said. That it can't be written changes nothing.
    unsafe { libc::write(libc::STDERR_FILENO, name.as_ptr().cast(), name.count_bytes()) };
    Err(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine with `/lib` merged into `/usr`, as Debian's.
    struct Debian;

    impl Host for Debian {
        fn kind(&self, path: &Path) -> Option<ShowKind> {
            match path.to_str()? {
                "/lib" | "/lib64" | "/usr/lib" | "/usr/lib64" | "/usr/share/qemu" | "/usr/share/seabios" => {
                    Some(ShowKind::Folder)
                }
                "/etc/ld.so.cache" | "/usr/bin/qemu-system-x86_64" => Some(ShowKind::File),
                "/dev/null" | "/dev/kvm" => Some(ShowKind::Device),
                _ => None,
            }
        }

        fn link(&self, path: &Path) -> Option<PathBuf> {
            match path.to_str()? {
                "/lib" => Some("usr/lib".into()),
                "/lib64" => Some("usr/lib64".into()),
                _ => None,
            }
        }
    }

    fn plan(accelerator: Accelerator) -> Confinement {
        let qemu = Path::new("/usr/bin/qemu-system-x86_64");
        Confinement::plan(1_900_000_007, accelerator, qemu, "/run/x/root".into(), &Debian)
    }

    #[test]
    fn the_tree_shows_what_qemu_needs_and_nothing_else() {
        let shown: Vec<_> = plan(Accelerator::Tcg).shows.into_iter().map(|show| show.to).collect();
        let expected = [
            "/usr/lib",
            "/usr/lib64",
            "/usr/share/qemu",
            "/usr/share/seabios",
            "/etc/ld.so.cache",
            "/dev/null",
            "/usr/bin/qemu-system-x86_64",
        ];
        assert_eq!(shown, expected.map(PathBuf::from));
        assert_eq!(plan(Accelerator::Tcg).links.len(), 2);
        assert!(plan(Accelerator::Tcg).groups.is_empty());
    }

    #[test]
    fn with_kvm_the_user_is_in_its_group_and_sees_the_device() {
        let kvm = plan(Accelerator::Kvm { group: Some(106) });
        assert_eq!((kvm.uid, kvm.groups.as_slice()), (1_900_000_007, &[106][..]));
        let device = kvm.shows.iter().find(|show| show.to == Path::new("/dev/kvm")).unwrap();
        assert_eq!(device.kind, ShowKind::Device);
        assert!(plan(Accelerator::Kvm { group: None }).groups.is_empty());
    }

    #[test]
    fn each_folder_is_made_once_and_before_what_it_holds() {
        let mut made = BTreeSet::from([PathBuf::from("/run/x/root")]);
        for step in plan(Accelerator::Tcg).tree().unwrap() {
            let (Step::Folder { path } | Step::File { path } | Step::Link { path, .. }) = step else { continue };
            let path = PathBuf::from(path.into_string().unwrap());
            assert!(made.contains(path.parent().unwrap()), "{}", path.display());
            assert!(made.insert(path));
        }
    }
}
