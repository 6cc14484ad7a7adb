//! Asking the upstream resolvers, from the machine's own namespace. The question goes on as it came but for its number,
//! which is drawn anew together with the socket's port, so that nobody can guess what an answer must look like.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::dns::question_end;

const PATIENCE: Duration = Duration::from_millis(1500);
const MAX_SERVERS: usize = 3;
/// Larger than any size that a resolver is asked for in packets.
const MAX_PACKET_BYTES: usize = 16_384;

/// Asks each resolver in turn, twice; the first answer counts.
pub async fn ask(servers: &[SocketAddr], question: &[u8], stream: bool) -> Option<Vec<u8>> {
    let mut number = [0; 2];
    aws_lc_rs::rand::fill(&mut number).ok()?;
    let asked = number.iter().chain(question.get(2..)?).copied().collect::<Vec<u8>>();
    for server in servers.iter().take(MAX_SERVERS).cycle().take(servers.len().min(MAX_SERVERS) * 2) {
        let once = async { if stream { by_stream(*server, &asked).await } else { by_packet(*server, &asked).await } };
        if let Ok(Ok(mut answer)) = timeout(PATIENCE, once).await {
            answer[..2].copy_from_slice(&question[..2]);
            return Some(answer);
        }
    }
    None
}

async fn by_packet(server: SocketAddr, asked: &[u8]) -> std::io::Result<Vec<u8>> {
    let any: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(server).await?;
    socket.send(asked).await?;
    let mut buffer = vec![0; MAX_PACKET_BYTES];
    loop {
        let size = socket.recv(&mut buffer).await?;
        if answers(asked, &buffer[..size]) {
            buffer.truncate(size);
            buffer.shrink_to_fit();
            return Ok(buffer);
        }
    }
}

async fn by_stream(server: SocketAddr, asked: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    let size = u16::try_from(asked.len()).map_err(std::io::Error::other)?;
    stream.write_all(&[&size.to_be_bytes(), asked].concat()).await?;
    let mut answer = vec![0; stream.read_u16().await?.into()];
    stream.read_exact(&mut answer).await?;
    if answers(asked, &answer) { Ok(answer) } else { Err(std::io::Error::other("an answer to another question")) }
}

/// Whether a packet is an answer to that question: its number, and the question repeated.
fn answers(asked: &[u8], packet: &[u8]) -> bool {
    let Some(end) = question_end(asked) else { return false };
    let same = |range: std::ops::Range<usize>| {
        packet.get(range.clone()).is_some_and(|bytes| bytes.eq_ignore_ascii_case(&asked[range]))
    };
    packet.len() >= end && packet[..2] == asked[..2] && packet[2] & 0x80 != 0 && same(12..end)
}

/// The resolvers that a `resolv.conf` names.
pub fn parse(text: &str) -> Vec<SocketAddr> {
    let address = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let address = (words.next()? == "nameserver").then(|| words.next())??;
        address.parse::<IpAddr>().ok().map(|address| SocketAddr::new(address, 53))
    };
    text.lines().filter_map(address).take(MAX_SERVERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUESTION: &[u8] = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01";

    fn answer_to(question: &[u8]) -> Vec<u8> {
        let mut answer = question.to_vec();
        answer[2] |= 0x80;
        answer
    }

    #[test]
    fn only_an_answer_to_the_question_counts() {
        let good = answer_to(QUESTION);
        assert!(answers(QUESTION, &good));
        assert!(answers(QUESTION, &[&good[..], b"records"].concat()));
        assert!(!answers(QUESTION, QUESTION), "the question itself");
        for place in [0, 1, 13, good.len() - 1] {
            let mut bad = good.clone();
            bad[place] ^= 1;
            assert!(!answers(QUESTION, &bad), "byte {place}");
        }
        for end in 0..good.len() {
            assert!(!answers(QUESTION, &good[..end]));
        }
    }

    #[test]
    fn the_resolvers_of_a_file() {
        let text =
            "# comment\nsearch x\nnameserver 192.0.2.1\nnameserver\t::1\nnameserver fe80::1%eth0\noptions edns0\n";
        assert_eq!(parse(text), ["192.0.2.1:53".parse().unwrap(), "[::1]:53".parse().unwrap()]);
    }

    #[tokio::test]
    async fn the_second_resolver_is_asked_when_the_first_says_nothing_and_the_number_is_put_back() {
        let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let servers = [silent.local_addr().unwrap(), server.local_addr().unwrap()];
        let serve = async {
            let mut buffer = [0; 512];
            loop {
                let (size, from) = server.recv_from(&mut buffer).await.unwrap();
                server.send_to(b"junk", from).await.unwrap();
                server.send_to(&answer_to(&buffer[..size]), from).await.unwrap();
            }
        };
        let answer = tokio::select! {
            answer = ask(&servers, QUESTION, false) => answer,
            () = serve => None,
        };
        assert_eq!(answer.unwrap(), answer_to(QUESTION));
        assert_eq!(ask(&[], QUESTION, false).await, None);
    }
}
