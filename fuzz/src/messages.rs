//! The messages of docs/protocol.md as prost derives them, but for what [`super::differential`]
//! says.

use prost::Message;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Request {
    #[prost(uint32, tag = "1")]
    pub(crate) id: u32,
    #[prost(message, repeated, tag = "2")]
    pub(crate) probe: Vec<Probe>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) ping: Vec<Ping>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Probe {
    #[prost(fixed64, tag = "10")]
    pub(crate) nonce: u64,
    #[prost(bytes = "vec", tag = "11")]
    pub(crate) cookie: Vec<u8>,
    #[prost(uint64, tag = "12")]
    pub(crate) view: u64,
    #[prost(bool, tag = "13")]
    pub(crate) names: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Ping {
    #[prost(fixed64, tag = "1")]
    pub(crate) seq: u64,
    #[prost(fixed64, tag = "2")]
    pub(crate) challenge: u64,
    #[prost(fixed64, tag = "3")]
    pub(crate) version: u64,
    #[prost(message, repeated, tag = "4")]
    pub(crate) advertise: Vec<Host>,
    #[prost(bytes = "vec", tag = "5")]
    pub(crate) name: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Response {
    #[prost(uint32, tag = "1")]
    pub(crate) id: u32,
    #[prost(message, repeated, tag = "2")]
    pub(crate) probe: Vec<ProbeReply>,
    #[prost(message, repeated, tag = "4")]
    pub(crate) pong: Vec<Pong>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ProbeReply {
    #[prost(message, repeated, tag = "1")]
    pub(crate) hosts: Vec<Host>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) turn: Vec<Host>,
    #[prost(fixed64, tag = "3")]
    pub(crate) nonce: u64,
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) cookie: Vec<u8>,
    #[prost(bool, tag = "5")]
    pub(crate) retry: bool,
    #[prost(message, repeated, tag = "6")]
    pub(crate) nodes: Vec<Node>,
    #[prost(uint32, tag = "7")]
    pub(crate) total: u32,
    #[prost(bytes = "vec", tag = "8")]
    pub(crate) name: Vec<u8>,
    #[prost(uint64, tag = "9")]
    pub(crate) state: u64,
    #[prost(fixed64, tag = "10")]
    pub(crate) version: u64,
    #[prost(bytes = "vec", tag = "11")]
    pub(crate) rtts: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Host {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) ip: Vec<u8>,
    #[prost(uint32, tag = "2")]
    pub(crate) port: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Node {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) addr: Vec<u8>,
    #[prost(uint64, tag = "2")]
    pub(crate) kind: u64,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) turn: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) name: Vec<u8>,
    #[prost(uint32, tag = "5")]
    pub(crate) hops: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Pong {
    #[prost(fixed64, tag = "1")]
    pub(crate) seq: u64,
    #[prost(fixed64, tag = "2")]
    pub(crate) challenge: u64,
    #[prost(uint32, tag = "3")]
    pub(crate) status: u32,
    #[prost(fixed64, tag = "4")]
    pub(crate) last_seq: u64,
}
