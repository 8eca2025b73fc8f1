//! What the broker's answers have in common.

use std::net::SocketAddr;

use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;

use super::lists::NoList;
use crate::net::http::connection::BODY;
use crate::net::http::problem::HttpProblem;
use crate::types::{Endpoint, quoted};

impl From<NoList> for HttpProblem {
    fn from(no_list: NoList) -> Self {
        match no_list {
            NoList::Unlisted(addr) => unlisted([addr]),
            NoList::NoBalance(addr) => {
                let detail = format!("`{addr}` is no balance server that has a list");
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail).refused([addr.to_string()])
            }
            NoList::Silent(addr) => {
                let detail = format!("balance server `{addr}` does not answer");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(1)
            }
            NoList::Busy => {
                let detail = "too many servers are asked at once";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(1)
            }
        }
    }
}

impl From<BytesRejection> for HttpProblem {
    fn from(refused: BytesRejection) -> Self {
        let status = refused.status();
        if status == StatusCode::PAYLOAD_TOO_LARGE {
            return Self::new(status, format!("the body has more than {} KiB", BODY >> 10));
        }
        Self::new(status, "the body does not come whole, or not as it should")
    }
}

/// Addresses that stand in no list of the last minute.
pub(super) fn unlisted(addrs: impl IntoIterator<Item = SocketAddr>) -> HttpProblem {
    let names: Vec<_> = addrs.into_iter().map(|addr| addr.to_string()).collect();
    let verb = if names.len() == 1 { "is" } else { "are" };
    let detail = format!("`{}` {verb} not listed", names.join("`, `"));
    HttpProblem::new(StatusCode::UNPROCESSABLE_ENTITY, detail).refused(names)
}

/// An address in numbers, with its port.
pub(super) fn addr_of(text: &str) -> Result<SocketAddr, HttpProblem> {
    // The number of an interface says nothing to another host.
    let plain = !text.contains('%');
    let addr = text.parse::<SocketAddr>().ok().filter(|_| plain).map(Endpoint::from);
    match addr {
        Some(Endpoint::Addr(addr)) => Ok(addr),
        _ => {
            let detail = format!("{} is not an address and a port", quoted(text));
            Err(HttpProblem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
                .refused([text.to_owned()]))
        }
    }
}
