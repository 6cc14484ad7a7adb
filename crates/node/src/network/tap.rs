//! TAP devices. They persist, so that rules and routes can be there before the guest is, and a guest's next start finds
//! the same device again.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;

use crate::crash::crash_point;

nix::ioctl_write_ptr_bad!(
    /// Binds an opened device to a TAP.
    set_interface,
    libc::TUNSETIFF,
    libc::ifreq
);
nix::ioctl_write_int_bad!(
    /// Lets a TAP stay when nobody has it open.
    set_persistent,
    libc::TUNSETPERSIST
);

/// Where TAPs are made.
pub const DEVICE: &str = "/dev/net/tun";

/// Opens the TAP of that name in the calling thread's namespace, and makes it if it isn't there. Frames are read and
/// written with a header of virtio's, and don't block.
pub fn open(name: &str) -> io::Result<OwnedFd> {
    let file = File::options().read(true).write(true).custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC).open(DEVICE)?;
    // SAFETY: all bytes zero are a valid `ifreq`: it is integers, arrays and a union of such.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    if name.len() >= request.ifr_name.len() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{name} is too long for a device's name")));
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = libc::c_char::from_ne_bytes([from]);
    }
    let flags = libc::IFF_TAP | libc::IFF_NO_PI | libc::IFF_VNET_HDR;
    request.ifr_ifru.ifru_flags = libc::c_short::try_from(flags).unwrap_or_default();
    // SAFETY: the descriptor is open and the request is an `ifreq` that lives through the call.
    unsafe { set_interface(file.as_raw_fd(), &raw const request) }?;
    Ok(file.into())
}

/// Makes the TAP of that name, which stays after this process.
pub fn create(name: &str) -> io::Result<()> {
    crash_point!("tap:create");
    let tap = open(name)?;
    crash_point!("tap:persist");
    // SAFETY: the descriptor is an open TAP; the argument is a plain number.
    unsafe { set_persistent(tap.as_raw_fd(), 1) }?;
    crash_point!("tap:created");
    Ok(())
}
