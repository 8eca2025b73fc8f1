//! What hosts ask for names.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};

use crate::host::Host;

impl Host {
    /// Asks this server for the names that no hosts file has, where `tb` is given one.
    pub fn ask_names_of(&mut self, server: IpAddr) {
        self.ask_names_as(&format!("nameserver {server}\n"));
    }

    /// Asks as these lines of resolv.conf have it.
    pub fn ask_names_as(&mut self, lines: &str) {
        let file = self.resolver.get_or_insert_with(|| self.built.file("resolv.conf"));
        fs::write(file, lines).unwrap();
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(file) = &self.resolver {
            let _ = fs::remove_file(file);
        }
    }
}

/// What a request to a name server asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    pub name: String,
    /// Whether it asks for IPv4 addresses.
    pub v4: bool,
    /// Where the question ends.
    end: usize,
}

impl Question {
    pub fn read(request: &[u8]) -> Option<Self> {
        let (mut labels, mut at) = (Vec::new(), 12);
        loop {
            let len = usize::from(*request.get(at)?);
            let label = request.get(at + 1..at + 1 + len)?;
            at += 1 + len;
            if len == 0 {
                break;
            }
            labels.push(String::from_utf8_lossy(label).into_owned());
        }
        let v4 = request.get(at..at + 2)? == [0, 1];
        Some(Self { name: labels.join("."), v4, end: at + 4 })
    }

    /// The answer to a request: this address, or none of the kind.
    pub fn answer(&self, request: &[u8], ip: Ipv4Addr) -> Vec<u8> {
        let count = u8::from(self.v4);
        let header = [&request[..2], &[0x81, 0x80, 0, 1, 0, count, 0, 0, 0, 0]].concat();
        let mut answer = [&header, &request[12..self.end]].concat();
        if self.v4 {
            // The name of the question, A, IN, one second, four bytes.
            answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4]);
            answer.extend(ip.octets());
        }
        answer
    }
}
