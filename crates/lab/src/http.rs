//! An HTTP client that sends any bytes, and shows all that comes back.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
#[cfg(unix)]
use std::path::Path;

use serde_json::Value;
use socket2::{Domain, Socket, Type};

use crate::patience::PATIENCE;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut values = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        values.next().map(|(_, value)| value)
    }

    /// What is wrong: it is a problem as RFC 9457 has it, with the addresses that are refused where there
    /// are some, and nothing else.
    pub fn detail(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem = self.json();
        assert_eq!(problem["type"], "about:blank", "{self:?}");
        assert_eq!(problem["status"], self.status, "{self:?}");
        let members = 4 + usize::from(problem["refused"].is_array());
        assert_eq!(problem.as_object().unwrap().len(), members, "{self:?}");
        problem["detail"].as_str().unwrap().to_owned()
    }
}

pub fn get(addr: SocketAddr, path: &str) -> Answer {
    ask(addr, "GET", path, &[])
}

/// Sends a request with these headers, each a whole line, and closes behind the answer.
pub fn ask(addr: SocketAddr, method: &str, path: &str, headers: &[&str]) -> Answer {
    send(addr, &request(method, path, &with_host(addr, headers), None))
}

/// The same with a body.
pub fn post(addr: SocketAddr, path: &str, headers: &[&str], body: &str) -> Answer {
    send(addr, &request("POST", path, &with_host(addr, headers), Some(body)))
}

/// Asks at a socket in the file system.
#[cfg(unix)]
pub fn get_unix(file: &Path, path: &str) -> Answer {
    let stream = UnixStream::connect(file).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let host = ["Host: any.example".to_owned()];
    exchange(stream, request("GET", path, &host, None).as_bytes()).unwrap()
}

pub fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// A connection from this address of the host.
pub fn connect_from(from: impl Into<IpAddr>, addr: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(from.into(), 0).into()).unwrap();
    socket.connect(&addr.into()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.into()
}

/// Sends bytes, and takes all that comes back until the other side ends.
pub fn exchange(mut stream: impl Read + Write, request: &[u8]) -> Option<Answer> {
    // Who is refused before he has said all may not be able to.
    let _ = stream.write_all(request);
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, head: head.to_owned(), body: body.to_owned() })
}

fn send(addr: SocketAddr, request: &str) -> Answer {
    exchange(connect(addr), request.as_bytes()).unwrap_or_else(|| panic!("no answer to {request}"))
}

/// Headers with the host that they have, or else the one that is asked.
fn with_host(addr: SocketAddr, headers: &[&str]) -> Vec<String> {
    let named = headers.iter().any(|line| line.starts_with("Host:"));
    let host = (!named).then(|| format!("Host: {addr}"));
    host.into_iter().chain(headers.iter().map(|&line| line.to_owned())).collect()
}

fn request(method: &str, path: &str, headers: &[String], body: Option<&str>) -> String {
    let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
    headers.iter().for_each(|line| request += &format!("{line}\r\n"));
    if let Some(body) = body {
        request += &format!("Content-Length: {}\r\n", body.len());
    }
    request + "\r\n" + body.unwrap_or_default()
}

/// Server-sent events, as they come.
pub struct EventReader {
    reader: BufReader<TcpStream>,
    pub head: String,
    text: String,
}

impl EventReader {
    /// Begins to read them.
    pub fn open(addr: SocketAddr, path: &str, headers: &[&str]) -> Self {
        let mut stream = connect(addr);
        let request = request("GET", path, &with_host(addr, headers), None);
        stream.write_all(request.replace("Connection: close\r\n", "").as_bytes()).unwrap();
        let (mut reader, mut head) = (BufReader::new(stream), String::new());
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(reader.read_line(&mut head).unwrap(), 0, "no head: {head}");
        }
        Self { reader, head, text: String::new() }
    }

    /// The next one, its name and what it tells, past those that tell nothing; `None`: the answer has ended as
    /// one does that is whole.
    pub fn next_event(&mut self) -> Option<(String, Value)> {
        loop {
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                if event != ":" {
                    let (name, data) = event.split_once("\ndata: ").unwrap();
                    let name = name.strip_prefix("event: ").unwrap().to_owned();
                    return Some((name, serde_json::from_str(data).unwrap()));
                }
            }
            let mut line = String::new();
            self.reader.read_line(&mut line).unwrap();
            let len = usize::from_str_radix(line.trim_end(), 16).expect("cut off in the middle");
            let mut chunk = vec![0; len + 2];
            self.reader.read_exact(&mut chunk).unwrap();
            if len == 0 {
                return None;
            }
            self.text += str::from_utf8(&chunk[..len]).unwrap();
        }
    }
}
