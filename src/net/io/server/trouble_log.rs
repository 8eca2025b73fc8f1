//! What the log says of what is wrong, and of who mends it. docs/operations.md has every one of these lines.

use tracing::field::display;
use tracing::{info, warn};

use crate::net::engine::server::refusal::TagRefusal;
use crate::net::engine::server::trouble::{Trouble, TroubleEvent, TroubleStage, Unfit};
use crate::types::seconds;

pub(super) fn write(TroubleEvent { trouble, stage, lasts }: &TroubleEvent) {
    let (what, about) = (trouble.as_str(), about(trouble));
    if *stage == TroubleStage::Over {
        return info!(trouble = %what, %about, lasted = %seconds(*lasts), "no longer wrong");
    }
    let lasts = (*stage == TroubleStage::Lasts).then(|| display(seconds(*lasts)));
    match trouble {
        Trouble::Barren => warn!(
            trouble = %what,
            lasts,
            "nothing to offer: the configuration has neither `nodes` nor `turn.bind`, and `join` is off"
        ),
        Trouble::Unchecked { ever: false } => warn!(
            trouble = %what,
            lasts,
            "no superior has checked this server: is it among their `nodes`, or may it join with the same \
             key, and does UDP come through to it?"
        ),
        Trouble::Unchecked { ever: true } => warn!(
            trouble = %what,
            lasts,
            "no superior checks this server any more: do they run, and does UDP come through to it?"
        ),
        Trouble::TurnDown { public } => {
            warn!(trouble = %what, lasts, turn = %public, "the TURN server is still down");
        }
        Trouble::LoadUnknown => {
            warn!(trouble = %what, lasts, "the load of the TURN server is still not known");
        }
        Trouble::Refused { peer, refusal: TagRefusal { message, fault } } => warn!(
            trouble = %what,
            lasts,
            %peer,
            sent = %message.as_str(),
            "not believed, for its tag {fault}: both servers need the same key with the same number"
        ),
        Trouble::Unwelcome { from, why } => warn!(
            trouble = %what,
            lasts,
            %from,
            reason = %why.as_str(),
            "a server that has the key may not join: its address {why}"
        ),
        Trouble::NotTaken { superior, addr, why } => warn!(
            trouble = %what,
            lasts,
            %superior,
            %addr,
            reason = %why.map_or("unknown", Unfit::as_str),
            "a superior does not take this server at this address: it {}",
            why.map_or_else(|| "does not say why".to_owned(), |why| why.to_string())
        ),
        Trouble::Misadvertised { from, place, why } => warn!(
            trouble = %what,
            lasts,
            %from,
            advertise = %place,
            reason = %why.as_str(),
            "a node is not where it advertises: that address {why}; it is taken where its heartbeats come \
             from, if it may be there"
        ),
        Trouble::LeftOut { node, named, why } => warn!(
            trouble = %what,
            lasts,
            %node,
            %named,
            reason = %why.as_str(),
            "what a node names is not passed on: that address {why}"
        ),
        Trouble::SameName { name, nodes: [first, second] } => warn!(
            trouble = %what,
            lasts,
            %name,
            nodes = %format_args!("{first} {second}"),
            "two nodes have one name: who reads it takes them for one"
        ),
        Trouble::SameAddress { addr } => warn!(
            trouble = %what,
            lasts,
            %addr,
            "a TURN server is not listed: a balance server has the same address"
        ),
    }
}

/// Whom it is about; `-`: this server.
fn about(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Barren | Trouble::Unchecked { .. } | Trouble::LoadUnknown => "-".to_owned(),
        Trouble::TurnDown { public: addr }
        | Trouble::Refused { peer: addr, .. }
        | Trouble::Unwelcome { from: addr, .. }
        | Trouble::LeftOut { node: addr, .. }
        | Trouble::SameAddress { addr } => addr.to_string(),
        Trouble::NotTaken { superior, addr, .. } => format!("{superior} {addr}"),
        Trouble::Misadvertised { from, place, .. } => format!("{from} {place}"),
        Trouble::SameName { name, nodes: [first, second] } => format!("{name} {first} {second}"),
    }
}
