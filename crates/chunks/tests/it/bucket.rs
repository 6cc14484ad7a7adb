//! A bucket of a local S3: moto's, where it is installed.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use landfall_chunks::{Bucket, BucketOptions, Manifest, Objects, Options, Session, Trouble, Writer, collect, scrub};

use crate::{noise, skipped, store, view};

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn moto(test: &str) -> Option<(Server, u16)> {
    let python = std::env::var("LANDFALL_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let port = free_port();
    let run = "import sys; from moto.server import main; main(sys.argv[1:])";
    if !Command::new(&python).args(["-c", "import moto.server"]).output().is_ok_and(|output| output.status.success()) {
        skipped(test, &format!("{python} has no moto server"));
        return None;
    }
    let mut command = Command::new(&python);
    command.args(["-c", run, "-H", "127.0.0.1", "-p", &port.to_string()]);
    let server = Server(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(60), "moto didn't come up");
        std::thread::sleep(Duration::from_millis(50));
    }
    // The bucket, by an unsigned request: this moto asks for no signature.
    let made = Command::new("curl")
        .args(["-sf", "-X", "PUT", "--noproxy", "*", &format!("http://127.0.0.1:{port}/backups")])
        .args(["-H", "Authorization: AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/s3/aws4_request"])
        .output();
    if !made.is_ok_and(|output| output.status.success()) {
        skipped(test, "curl couldn't make the bucket");
        return None;
    }
    Some((server, port))
}

fn options(port: u16) -> BucketOptions {
    let mut options = BucketOptions::new("backups", "us-east-1", "AKIDEXAMPLE", "secret");
    options.endpoint = Some(format!("http://127.0.0.1:{port}"));
    options.prefix = "some/folder".into();
    options.parallel = 8;
    options.retry_timeout = Duration::from_millis(600);
    options
}

#[test]
fn snapshots_in_a_bucket() {
    let Some((server, port)) = moto("bucket::snapshots_in_a_bucket") else { return };
    let objects = Arc::new(Bucket::open(&options(port)).unwrap());
    let store = store(objects.clone());
    let writer = Writer::begin(&store, Session(0), 1000, None, Options::default()).unwrap();
    (0..40).for_each(|at| writer.write(at * 20, noise(at)).unwrap());
    let (first, _) = writer.commit().unwrap();
    let base = Arc::new(Manifest::open(&store, &first).unwrap());
    let writer = Writer::begin(&store, Session(1), 1000, Some(base.clone()), Options::default()).unwrap();
    writer.write(20, noise(77)).unwrap();
    writer.write(40, noise(2)).unwrap();
    let (second, written) = writer.commit().unwrap();
    assert_eq!((written.new_chunks, written.repaired_chunks), (1, 0));
    assert_eq!(scrub(&store, &[first, second]).unwrap().good_chunks, 41);
    for (n, read) in store.read_all(base.chunks(0), None).enumerate() {
        let (block, contents) = read.unwrap();
        assert!(block == n as u64 * 20 && contents == noise(n as u64));
    }
    let next = Manifest::open(&store, &second).unwrap();
    assert_eq!(base.differences(&next, 0).unwrap().count(), 1);
    assert_eq!(objects.read("tenant-1/0000000000000000/000000/none").unwrap(), None);
    assert_eq!(objects.size("tenant-1/0000000000000000/000000/none").unwrap(), None);
    // The first goes; what the second shares with it stays.
    let done = collect(&store, &view([second], 2)).unwrap();
    assert!(done.deleted_objects >= 3 && done.live_objects >= 40, "{done:?}");
    assert_eq!(scrub(&store, &[second]).unwrap().good_chunks, 40);
    collect(&store, &view([], 2)).unwrap();
    let mut left = 0;
    objects
        .list("tenant-1", &mut |_| {
            left += 1;
            Ok(())
        })
        .unwrap();
    assert_eq!(left, 0);
    // One that is gone, and one that never answers.
    drop(server);
    let error = objects.read("tenant-1/x").unwrap_err();
    assert_eq!(error.trouble, Trouble::Passing, "{error}");
}

#[test]
fn a_store_that_never_answers_is_given_up_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut options = options(silent.local_addr().unwrap().port());
    options.request_timeout = Duration::from_millis(300);
    let objects = Bucket::open(&options).unwrap();
    let begun = Instant::now();
    let error = objects.write("tenant-1/x", b"body").unwrap_err();
    assert_eq!(error.trouble, Trouble::Passing, "{error}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn a_bucket_that_is_not_there_is_final() {
    let Some((_server, port)) = moto("bucket::a_bucket_that_is_not_there_is_final") else { return };
    let objects = Bucket::open(&BucketOptions { bucket: "elsewhere".into(), ..options(port) }).unwrap();
    let error = objects.write("tenant-1/x", b"body").unwrap_err();
    assert_eq!(error.trouble, Trouble::Lasting, "{error}");
    assert!(!format!("{:?}", options(port)).contains("secret\""));
}
