//! An HTTP client that sends any bytes, and shows all that comes back.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

/// For what is bound to come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut values = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        values.next().map(|(_, value)| value)
    }

    /// What is wrong: it is a problem as RFC 9457 has it, and nothing else.
    pub(crate) fn detail(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status, "{self:?}");
        assert_eq!(problem.as_object().unwrap().len(), 4, "{self:?}");
        problem["detail"].as_str().unwrap().to_owned()
    }
}

/// Sends bytes, and takes all that comes back until the other side ends.
pub(crate) fn exchange(mut stream: impl Read + Write, request: &[u8]) -> Option<Answer> {
    // Who is refused before he has said all may not be able to.
    let _ = stream.write_all(request);
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, head: head.to_owned(), body: body.to_owned() })
}

pub(crate) fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends a request with these headers, each a whole line, and closes behind the answer.
pub(crate) fn ask(addr: SocketAddr, method: &str, path: &str, headers: &[&str]) -> Answer {
    let host = format!("Host: {addr}");
    ask_as(addr, method, path, &[&[host.as_str()], headers].concat())
}

/// The same without a `Host` of its own.
pub(crate) fn ask_as(addr: SocketAddr, method: &str, path: &str, headers: &[&str]) -> Answer {
    let request = request(method, path, headers);
    exchange(connect(addr), request.as_bytes()).unwrap_or_else(|| panic!("no answer to {request}"))
}

pub(crate) fn get(addr: SocketAddr, path: &str) -> Answer {
    ask(addr, "GET", path, &[])
}

/// Asks at a socket in the file system.
pub(crate) fn get_unix(file: &Path, path: &str) -> Answer {
    let stream = UnixStream::connect(file).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    exchange(stream, request("GET", path, &["Host: any.example"]).as_bytes()).unwrap()
}

fn request(method: &str, path: &str, headers: &[&str]) -> String {
    let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
    headers.iter().for_each(|line| request += &format!("{line}\r\n"));
    request + "\r\n"
}
