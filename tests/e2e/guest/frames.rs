//! Sends raw Ethernet frames: `frames DEVICE`, with one frame in hexadecimal a line on standard input. It runs in a guest
//! that does what guests may not, so it needs nothing but the kernel.

use std::io::BufRead as _;

unsafe extern "C" {
    fn socket(domain: i32, kind: i32, protocol: i32) -> i32;
    fn sendto(fd: i32, bytes: *const u8, length: usize, flags: i32, to: *const Address, to_length: u32) -> isize;
}

/// `struct sockaddr_ll`.
#[repr(C)]
struct Address {
    family: u16,
    protocol: u16,
    index: i32,
    hardware: u16,
    packet: u8,
    length: u8,
    address: [u8; 8],
}

const AF_PACKET: i32 = 17;
const SOCK_RAW: i32 = 3;

fn main() {
    let device = std::env::args().nth(1).expect("frames DEVICE");
    let index = std::fs::read_to_string(format!("/sys/class/net/{device}/ifindex")).expect("no such device");
    let index = index.trim().parse().expect("a number");
    // SAFETY: no memory is passed.
    let fd = unsafe { socket(AF_PACKET, SOCK_RAW, 0) };
    assert!(fd >= 0, "no packet socket");
    let to = Address { family: 17, protocol: 0, index, hardware: 0, packet: 0, length: 6, address: [0; 8] };
    let mut sent = 0;
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a line");
        let digits = line.trim();
        let frame: Vec<u8> = (0..digits.len() / 2)
            .map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).expect("hexadecimal"))
            .collect();
        // SAFETY: both pointers lead to that many bytes, which live until the call returns.
        let count = unsafe { sendto(fd, frame.as_ptr(), frame.len(), 0, &to, size_of::<Address>() as u32) };
        assert!(count >= 0, "frame {sent} was not sent");
        sent += 1;
    }
    println!("{sent} sent");
}
