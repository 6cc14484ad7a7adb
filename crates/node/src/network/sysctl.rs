//! Kernel settings of the calling thread's network namespace.

use std::io;
use std::{fs, path::PathBuf};

use crate::crash::crash_point;

/// Sets one, such as `ipv4/ip_forward`, unless it is so already. Returns what it was before.
pub fn ensure(name: &str, value: &str) -> io::Result<String> {
    let path = path(name);
    let error = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    let before = fs::read_to_string(&path).map_err(error)?.trim().to_owned();
    if before != value {
        crash_point!("sysctl:write");
        fs::write(&path, value).map_err(error)?;
        crash_point!("sysctl:written");
    }
    Ok(before)
}

/// Sets one of IPv6, which a kernel needn't have.
pub fn ensure_ipv6(name: &str, value: &str) -> io::Result<()> {
    match ensure(name, value) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// What one is.
pub fn read(name: &str) -> io::Result<String> {
    Ok(fs::read_to_string(path(name))?.trim().to_owned())
}

fn path(name: &str) -> PathBuf {
    PathBuf::from("/proc/sys/net").join(name)
}
