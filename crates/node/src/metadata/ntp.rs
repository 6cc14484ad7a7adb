//! Time for guests, at 169.254.169.123 and fd00:ec2::123: the answer of a simple server (RFC 4330) from the machine's own clock.

use std::net::Ipv6Addr;
use std::time::{SystemTime, UNIX_EPOCH};

/// Where guests find the time over IPv6.
pub const TIME_SERVER_IPV6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x123);

/// The size of a packet without extensions.
pub const PACKET_BYTES: usize = 48;

/// Seconds from 1900, where NTP's count begins, to 1970.
const SECONDS_TO_1970: u64 = 2_208_988_800;
const CLIENT: u8 = 3;
const SERVER: u8 = 4;
/// The machine's clock is kept by the provider, most likely from the internet's pool: a step below that.
const STRATUM: u8 = 4;

/// A moment as NTP counts it: seconds and their fraction, 32 bits each, wrapping in 2036 as everyone's does.
pub fn timestamp(now: SystemTime) -> u64 {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = since.as_secs().wrapping_add(SECONDS_TO_1970) << 32;
    seconds | ((u64::from(since.subsec_nanos()) << 32) / 1_000_000_000)
}

/// Answers a client's question, which was received at that moment. Anything else gets none, so that two servers can't be
/// made to talk to each other.
pub fn answer(packet: &[u8], received: u64) -> Option<[u8; PACKET_BYTES]> {
    let packet: &[u8; PACKET_BYTES] = packet.first_chunk()?;
    let (version, mode) = (packet[0] >> 3 & 7, packet[0] & 7);
    if mode != CLIENT || !(1..=4).contains(&version) {
        return None;
    }
    let mut reply = [0; PACKET_BYTES];
    reply[0] = version << 3 | SERVER;
    reply[1] = STRATUM;
    reply[2] = packet[2];
    // A clock of about a microsecond's precision (2^-20 s), within 10 ms of the root.
    reply[3] = (-20_i8).to_be_bytes()[0];
    reply[8..12].copy_from_slice(&(65_536_u32 / 100).to_be_bytes());
    reply[12..16].copy_from_slice(b"LOCL");
    reply[16..24].copy_from_slice(&received.to_be_bytes());
    reply[24..32].copy_from_slice(&packet[40..48]);
    reply[32..40].copy_from_slice(&received.to_be_bytes());
    reply[40..48].copy_from_slice(&received.to_be_bytes());
    Some(reply)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_client_gets_its_own_time_back_and_ours() {
        let mut question = [0; PACKET_BYTES];
        question[0] = 4 << 3 | CLIENT;
        question[40..48].copy_from_slice(b"original");
        let now = timestamp(UNIX_EPOCH + Duration::from_millis(1_500));
        assert_eq!(now, (SECONDS_TO_1970 + 1) << 32 | 1 << 31);
        let reply = answer(&question, now).unwrap();
        assert_eq!((reply[0], reply[1]), (4 << 3 | SERVER, STRATUM));
        assert_eq!(&reply[24..32], b"original");
        assert_eq!(reply[40..48], now.to_be_bytes());
    }

    #[test]
    fn nothing_but_a_clients_question_is_answered() {
        assert_eq!(answer(&[0; PACKET_BYTES], 0), None);
        assert_eq!(answer(&[4 << 3 | SERVER; PACKET_BYTES], 0), None);
        assert_eq!(answer(&[4 << 3 | CLIENT; 47], 0), None);
    }
}
