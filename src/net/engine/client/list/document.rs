//! A list as the document `tb.servers/1`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::listed::{ListedServer, ServerList};
use crate::net::wire::stun::BINDING_PASSWORD;
use crate::types::{Load, Name};

impl Serialize for ServerList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document = serializer.serialize_struct("ServerList", 5)?;
        document.serialize_field("schema", "tb.servers/1")?;
        document.serialize_field("name", &self.name.as_ref().map(Name::as_str))?;
        document.serialize_field("total", &self.total)?;
        document.serialize_field("ice", &BTreeMap::from([("pwd", BINDING_PASSWORD)]))?;
        document.serialize_field("servers", &self.servers)?;
        document.end()
    }
}

impl Serialize for ListedServer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let urls: Vec<_> = self.ways().iter().map(ToString::to_string).collect();
        let mut server = serializer.serialize_struct("ListedServer", 9)?;
        server.serialize_field("addr", &self.addr)?;
        server.serialize_field("kind", self.kind.as_str())?;
        server.serialize_field("name", &self.name.as_ref().map(Name::as_str))?;
        server.serialize_field("turn", &self.turn)?;
        server.serialize_field("urls", &urls)?;
        server.serialize_field("rtt_ms", &self.rtt.map(ms))?;
        server.serialize_field("load", &self.load.map(Load::share))?;
        server.serialize_field("weight", &self.weight)?;
        server.serialize_field("labels", &self.labels)?;
        server.end()
    }
}

/// Milliseconds, rounded to microseconds.
fn ms(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e3 * 1e3).round() / 1e3
}
