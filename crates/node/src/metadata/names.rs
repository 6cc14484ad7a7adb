//! What things are called on the machine. A name is a function of an id, so that whoever looks for a thing finds it
//! without asking who made it.

use landfall_model::InterfaceId;

/// What the names of namespaces begin with, unless the configuration says otherwise.
pub const NAMESPACE_PREFIX: &str = "lf";

/// What the names of interfaces' TAPs begin with.
pub const PORT_PREFIX: &str = "lf";

/// The name of an interface's TAP: `lf` and the last twelve digits of the id; fourteen characters, where the kernel has
/// room for fifteen.
pub fn port_device(id: InterfaceId) -> String {
    format!("{PORT_PREFIX}{:012x}", id.bits() & 0xffff_ffff_ffff)
}

/// The name of the namespace of the virtual network with that number.
pub fn namespace(prefix: &str, vpc_number: u32) -> String {
    format!("{prefix}-{vpc_number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_named_after_its_interface() {
        let id = "eni-0123456789abcdef0".parse().unwrap();
        assert_eq!(port_device(id), "lf56789abcdef0");
        assert_eq!(port_device(id).len(), 14);
        assert_eq!(namespace(NAMESPACE_PREFIX, 7), "lf-7");
    }
}
