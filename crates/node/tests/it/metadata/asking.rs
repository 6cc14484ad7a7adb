//! What a guest asks the services. It asks again, as guests do, until it is answered: a machine may be slow.

use super::*;

/// How long an answer is waited for before the question is put again.
const AGAIN: Duration = Duration::from_secs(1);

pub fn dhcp(number: u32, kind: MessageType, options: &[DhcpOption]) -> Option<Message> {
    talk_dhcp(number, kind, Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST, options)
}

/// A number for each conversation, so that a late answer isn't taken for that to the next question.
pub fn new_transaction() -> u32 {
    static LAST: AtomicU32 = AtomicU32::new(0);
    LAST.fetch_add(1, Ordering::Relaxed)
}

pub fn talk_dhcp(
    number: u32,
    kind: MessageType,
    ciaddr: Ipv4Addr,
    to: Ipv4Addr,
    options: &[DhcpOption],
) -> Option<Message> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).unwrap();
    socket.set_broadcast(true).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.bind_device(Some(b"eth0")).unwrap();
    socket.bind(&"0.0.0.0:68".parse::<SocketAddr>().unwrap().into()).unwrap();
    let socket = UdpSocket::from(socket);
    let none = Ipv4Addr::UNSPECIFIED;
    let mut message = Message::new_with_id(new_transaction(), ciaddr, none, none, none, &mac(number).0);
    message.opts_mut().insert(DhcpOption::MessageType(kind));
    for option in options {
        message.opts_mut().insert(option.clone());
    }
    socket.set_read_timeout(Some(AGAIN)).unwrap();
    let mut buffer = [0; 1500];
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        socket.send_to(&message.to_vec().unwrap(), (to, 67)).unwrap();
        while let Ok((size, _)) = socket.recv_from(&mut buffer) {
            let answer = Message::decode(&mut Decoder::new(&buffer[..size])).unwrap();
            if answer.xid() == message.xid() {
                return Some(answer);
            }
        }
    }
    None
}

/// The answer to a request; `None` where nobody listens.
pub fn http(request: &str) -> Option<String> {
    let mut stream = TcpStream::connect_timeout(&(METADATA, 80).into(), PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(format!("{request}\r\nHost: x\r\n\r\n").as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    Some(String::from_utf8_lossy(&answer).into_owned())
}

pub fn page(path: &str) -> String {
    let answer = http(&format!("GET {path} HTTP/1.1")).expect("the metadata service answers");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{path}: {head}");
    body.to_owned()
}

pub fn question(name: &str) -> Vec<u8> {
    let mut packet = b"\x47\x11\x01\0\0\x01\0\0\0\0\0\0".to_vec();
    for label in name.split('.') {
        packet.push(u8::try_from(label.len()).unwrap());
        packet.extend_from_slice(label.as_bytes());
    }
    packet.extend_from_slice(b"\0\0\x01\0\x01");
    packet
}

/// Asks once; the whole answer, if one comes.
pub fn answer_of(server: IpAddr, name: &str) -> Option<Vec<u8>> {
    let socket = UdpSocket::bind(if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" }).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.send_to(&question(name), (server, 53)).ok()?;
    let mut buffer = [0; 512];
    let (size, from) = socket.recv_from(&mut buffer).ok()?;
    assert_eq!(from, (server, 53).into(), "the answer comes from where the question went");
    Some(buffer[..size].to_vec())
}

/// The address in a resolver's answer, which stands at its end. Whether a question was lost is for another to look at: a
/// resolver that says that it failed, because the one behind it was slow, is asked again.
pub fn resolve(server: impl Into<IpAddr>, name: &str) -> Option<Ipv4Addr> {
    let server = server.into();
    let until = Instant::now() + PATIENCE;
    loop {
        match answer_of(server, name) {
            Some(answer) if answer[3] & 0xf != SERVER_FAILED || Instant::now() > until => {
                return address_at_end(&answer);
            }
            None if Instant::now() > until => return None,
            _ => std::thread::sleep(AGAIN / 10),
        }
    }
}

/// The code of an answer that says that there is none now.
const SERVER_FAILED: u8 = 2;

pub fn resolve_by_stream(server: impl Into<IpAddr>, name: &str) -> Option<Ipv4Addr> {
    let server = server.into();
    let mut stream = TcpStream::connect_timeout(&(server, 53).into(), PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let question = question(name);
    stream.write_all(&u16::try_from(question.len()).unwrap().to_be_bytes()).unwrap();
    stream.write_all(&question).unwrap();
    let mut size = [0; 2];
    stream.read_exact(&mut size).ok()?;
    let mut answer = vec![0; u16::from_be_bytes(size).into()];
    stream.read_exact(&mut answer).ok()?;
    address_at_end(&answer)
}

pub fn address_at_end(answer: &[u8]) -> Option<Ipv4Addr> {
    assert_eq!(answer[..2], [0x47, 0x11]);
    (answer[7] == 1).then(|| <[u8; 4]>::try_from(&answer[answer.len() - 4..]).unwrap().into())
}

/// Waits until something is so.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        match look() {
            Some(seen) => return seen,
            None if Instant::now() < end => std::thread::sleep(Duration::from_millis(20)),
            None => panic!("{what} didn't come about"),
        }
    }
}

/// Kills the process that serves, and waits until it is gone.
pub fn kill(world: &World) {
    let pid = nix::unistd::Pid::from_raw(i32::try_from(world.client.pid().unwrap()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
    until("the end of a process", || {
        world.client.pid().ok().filter(|now| *now == pid.as_raw() as u32).is_none().then_some(())
    });
}
