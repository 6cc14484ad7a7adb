//! The client against servers that misbehave.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::thread::JoinHandle;

use super::*;

/// What is to come is waited for so long; it costs nothing where it comes.
const SOON: Duration = Duration::from_secs(120);
const GREETING: &str =
    "{\"QMP\": {\"version\": {\"qemu\": {\"major\": 99}}, \"capabilities\": [\"oob\", \"novel\"]}}\n";

struct Server {
    folder: tempfile::TempDir,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves one client with that.
    fn with(serve: impl FnOnce(UnixStream) + Send + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("qmp")).unwrap();
        let thread = std::thread::spawn(move || serve(listener.accept().unwrap().0));
        Server { folder, thread: Some(thread) }
    }

    /// Greets, then answers each command with what `answer` makes of its name and id.
    fn answering(answer: impl Fn(&str, u64) -> Vec<u8> + Send + 'static) -> Self {
        Self::with(move |mut stream| {
            stream.write_all(GREETING.as_bytes()).unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            while let Some(Ok(line)) = lines.next() {
                let command: Value = serde_json::from_str(&line).unwrap();
                let (name, id) = (command["execute"].as_str().unwrap(), command["id"].as_u64().unwrap());
                let bytes = if name == "qmp_capabilities" { ok(id, &json!({})).into_bytes() } else { answer(name, id) };
                if stream.write_all(&bytes).is_err() {
                    break;
                }
            }
        })
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("qmp")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take()
            && !std::thread::panicking()
        {
            thread.join().unwrap();
        }
    }
}

fn ok(id: u64, value: &Value) -> String {
    format!("{}\n", json!({ "return": value, "id": id, "later-field": [1, 2] }))
}

#[test]
fn garbage_unknown_events_and_others_answers_are_passed_over() {
    let server = Server::answering(|_, id| {
        let noise = "\n\u{0}\u{1}garbage\n[1,2]\n\"text\"\n{\"event\":7}\n{\"return\":{\"status\":\"wrong\"}}\n\
                     {\"event\":\"NOVEL\",\"data\":{\"a\":[]},\"timestamp\":{}}\n{\"id\":\"x\",\"return\":1}\n";
        let deep = "[".repeat(5000);
        let mut bytes = b"\xff\xfe not text\n".to_vec();
        bytes.extend(format!("{noise}{deep}\n{}", ok(id, &json!({ "status": "running" }))).into_bytes());
        bytes
    });
    let mut qmp = Qmp::connect(&server.path(), SOON).unwrap();
    assert_eq!(qmp.execute("query-status", json!({}), SOON).unwrap()["status"], "running");
    let event = qmp.wait_event(|event| event.name == "NOVEL", SOON).unwrap();
    assert_eq!(event.data, json!({ "a": [] }));
    drop(qmp);
}

#[test]
fn a_refusal_carries_qemus_words() {
    let server = Server::answering(|_, id| {
        format!("{}\n", json!({ "id": id, "error": { "class": "DeviceNotFound", "desc": "no such disk" } })).into()
    });
    let mut qmp = Qmp::connect(&server.path(), SOON).unwrap();
    let error = qmp.execute("device_del", json!({ "id": "x" }), SOON).unwrap_err();
    assert!(matches!(&error, QmpError::Refused { class, .. } if class == "DeviceNotFound"));
    assert_eq!(error.to_string(), "QEMU refused device_del: no such disk");
    drop(qmp);
}

#[test]
fn a_line_without_end_is_cut_off() {
    let server = Server::answering(|_, _| vec![b'x'; LINE_LIMIT_BYTES + (64 << 10)]);
    let mut qmp = Qmp::connect(&server.path(), SOON).unwrap();
    assert!(matches!(qmp.execute("query-status", json!({}), SOON), Err(QmpError::Oversized)));
    drop(qmp);
}

#[test]
fn noise_without_end_does_not_outlast_the_deadline_nor_fill_memory() {
    let server = Server::with(|mut stream| {
        stream.write_all(GREETING.as_bytes()).unwrap();
        stream.write_all(ok(1, &json!({})).as_bytes()).unwrap();
        while stream.write_all(b"{\"event\":\"X\"}\n??\n").is_ok() {}
    });
    let mut qmp = Qmp::connect(&server.path(), SOON).unwrap();
    // Without a deadline this would never end.
    assert!(matches!(qmp.execute("stop", json!({}), Duration::from_millis(200)), Err(QmpError::Timeout(_))));
    assert!(qmp.events.len() <= EVENTS_KEPT);
    drop(qmp);
}

#[test]
fn a_conversation_of_slow_answers_is_bounded_as_a_whole() {
    let server = Server::answering(|_, id| {
        std::thread::sleep(Duration::from_millis(60));
        ok(id, &json!({})).into_bytes()
    });
    let mut qmp = Qmp::connect(&server.path(), SOON).unwrap();
    qmp.execute("query-status", json!({}), SOON).expect("a slow answer is an answer");
    let mut qmp = qmp.bounded(Duration::from_millis(200));
    // Each answer alone comes in time, and takes at least its sixty milliseconds.
    let answers = (0..100).take_while(|_| qmp.execute("query-status", json!({}), SOON).is_ok()).count();
    assert!(answers <= 3, "{answers}");
    drop(qmp);
}

#[test]
fn silence_and_a_closed_door_have_their_own_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("qmp");
    assert!(matches!(Qmp::connect(&path, SOON), Err(QmpError::Connect(_))));
    let listener = UnixListener::bind(&path).unwrap();
    // Nobody accepts: as when the monitor serves another client.
    let error = Qmp::connect(&path, Duration::from_millis(100)).unwrap_err();
    assert_eq!(error.to_string(), "the monitor did not answer to the connection in time");
    drop(listener);
    let server = Server::with(drop);
    assert!(matches!(Qmp::connect(&server.path(), SOON), Err(QmpError::Closed | QmpError::Io(_))));
}

#[test]
fn descriptors_are_handed_over() {
    use nix::sys::socket::{ControlMessageOwned, recvmsg};
    let server = Server::with(|mut stream| {
        stream.write_all(GREETING.as_bytes()).unwrap();
        let mut line = String::new();
        BufReader::new(stream.try_clone().unwrap()).read_line(&mut line).unwrap();
        stream.write_all(ok(1, &json!({})).as_bytes()).unwrap();
        let mut bytes = [0; 4096];
        let mut space = nix::cmsg_space!([i32; 2]);
        let mut parts = [std::io::IoSliceMut::new(&mut bytes)];
        let message =
            recvmsg::<()>(stream.as_raw_fd(), &mut parts, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC).unwrap();
        let Some(ControlMessageOwned::ScmRights(fds)) = message.cmsgs().unwrap().next() else {
            panic!("no descriptor")
        };
        assert_eq!(fds.len(), 1);
        // SAFETY: the kernel has just made this descriptor for us, and nobody else knows it.
        let mut pipe = std::fs::File::from(unsafe { <OwnedFd as std::os::fd::FromRawFd>::from_raw_fd(fds[0]) });
        pipe.write_all(b"here").unwrap();
        stream.write_all(ok(2, &json!({ "fdset-id": 7, "fd": 12 })).as_bytes()).unwrap();
    });
    let mut qmp = Qmp::connect(&server.path(), SOON).unwrap();
    let (mut reader, writer) = std::io::pipe().unwrap();
    assert_eq!(qmp.add_fd(std::os::fd::AsFd::as_fd(&writer), "what for", SOON).unwrap(), 7);
    drop(writer);
    let mut said = String::new();
    reader.read_to_string(&mut said).unwrap();
    assert_eq!(said, "here");
    drop(qmp);
}
