//! A TURN server that does as it is told: it relays, or fails in one of the ways that there are. It
//! has no socket, and its own codec.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use stun_types::attribute::{
    AlternateServer, ErrorCode, MessageIntegrity, Nonce, Realm, Username, XorMappedAddress,
};
use stun_types::message::{
    BINDING, IntegrityAlgorithm, LongTermKeyCredentials, Message, MessageClass,
    MessageIntegrityCredentials, MessageType, MessageWrite as _, MessageWriteExt as _,
    MessageWriteVec, TransactionId,
};
use stun_types::prelude::AttributeStaticType as _;
use turn_balance::{TurnCredentials, TurnSecret};
use turn_types::attribute::{
    Data, Lifetime, RequestedAddressFamily, XorPeerAddress, XorRelayedAddress,
};
use turn_types::message::{ALLOCATE, CREATE_PERMISSION, DATA, REFRESH, SEND};

/// Who may allocate.
pub const USER: &str = "probe";
/// With which password.
pub const PASSWORD: &str = "salmon";
/// Of which realm.
pub const REALM: &str = "turn.example";

/// How a [`ScriptedTurn`] behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// It relays for [`USER`].
    Healthy,
    /// It relays for anybody.
    Open,
    /// It says 401 whatever comes.
    Unauthorized,
    /// It says 401 whatever comes, each time in another realm's name.
    OtherRealms,
    /// It moves to another realm once, where the same credentials are good.
    NewRealm,
    /// It says 438 to the first signed request.
    StaleOnce,
    /// It says 438 to every signed request.
    Stale,
    /// It refuses to allocate with this error: 486, 508, 403 and others; 300 names another server.
    Refuses(u16),
    /// It does so once.
    RefusesOnce(u16),
    /// It allocates no IPv4 address.
    OnlyV6,
    /// It refuses permissions with this error.
    Permits(u16),
    /// It says nothing.
    Silent,
    /// What it says is no STUN.
    NoStun,
    /// It answers another transaction than the one that was asked.
    WrongTransaction,
    /// It signs with another password than the right one.
    Missigned,
    /// It relays nothing.
    RelaysNothing,
    /// It relays at this address, as it says.
    RelaysAt(SocketAddr),
    /// It says nothing to Allocate once it has seen credentials, and has an allocation.
    SwallowsAllocate,
}

/// What somebody has been given.
#[derive(Debug)]
struct Allocation {
    /// For which request: who sends that again gets the same answer.
    transaction: TransactionId,
    /// Whom it admits.
    admits: Option<SocketAddr>,
}

/// The server.
#[derive(Debug)]
pub struct ScriptedTurn {
    behaviour: Behaviour,
    addr: SocketAddr,
    /// Whose allocations there are.
    allocations: BTreeMap<SocketAddr, Allocation>,
    /// By whose name it knows a port, until his allocation is let go, as coturn does.
    users: BTreeMap<SocketAddr, String>,
    /// What credentials are minted from; `None`: there is [`USER`] alone.
    secret: Option<TurnSecret>,
    nonces: u32,
    signed: u32,
    refused: bool,
}

impl ScriptedTurn {
    /// One at this address.
    pub fn new(addr: SocketAddr, behaviour: Behaviour) -> Self {
        Self {
            behaviour,
            addr,
            allocations: BTreeMap::new(),
            users: BTreeMap::new(),
            secret: None,
            nonces: 0,
            signed: 0,
            refused: false,
        }
    }

    /// The same, where credentials are minted from this secret.
    #[must_use]
    pub fn with_secret(self, secret: TurnSecret) -> Self {
        Self { secret: Some(secret), ..self }
    }

    /// How many allocations there are.
    pub fn allocations(&self) -> usize {
        self.allocations.len()
    }

    /// It behaves otherwise from now on.
    pub fn behave(&mut self, behaviour: Behaviour) {
        self.behaviour = behaviour;
    }

    /// What it sends to whoever has sent this.
    pub fn handle(&mut self, from: SocketAddr, datagram: &[u8]) -> Vec<Vec<u8>> {
        let reply = match (self.behaviour, Message::from_bytes(datagram)) {
            (Behaviour::Silent, _) | (_, Err(_)) => None,
            (Behaviour::NoStun, _) => Some(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
            (Behaviour::WrongTransaction, Ok(message)) => {
                let reply = self.reply(from, &message);
                reply.map(|mut reply| {
                    reply[19] ^= 1;
                    reply
                })
            }
            (_, Ok(message)) => self.reply(from, &message),
        };
        reply.into_iter().collect()
    }

    fn reply(&mut self, from: SocketAddr, message: &Message<'_>) -> Option<Vec<u8>> {
        if message.has_class(MessageClass::Indication) {
            return self.relay(from, message);
        }
        if !message.has_class(MessageClass::Request) {
            return None;
        }
        if message.has_method(BINDING) {
            let mut response = Message::builder_success(message, MessageWriteVec::new());
            let mapped = XorMappedAddress::new(from, message.transaction_id());
            response.add_attribute(&mapped).unwrap();
            return Some(response.finish());
        }
        if let Err(code) = self.admit(from, message) {
            return Some(self.refusal(message, code));
        }
        self.serve(from, message)
    }

    /// Whether a request is signed as it has to be, or which error it gets.
    fn admit(&mut self, from: SocketAddr, message: &Message<'_>) -> Result<(), u16> {
        if self.behaviour == Behaviour::Open {
            return Ok(());
        }
        if !message.has_attribute(MessageIntegrity::TYPE) {
            return Err(401);
        }
        self.signed += 1;
        match self.behaviour {
            Behaviour::Unauthorized | Behaviour::OtherRealms => return Err(401),
            Behaviour::NewRealm if self.signed == 1 => return Err(401),
            Behaviour::Stale => return Err(438),
            Behaviour::StaleOnce if self.signed == 1 => return Err(438),
            _ => {}
        }
        let name = message.attribute::<Username>().map_err(|_| 400_u16)?.username().to_owned();
        let known = self.users.entry(from).or_insert_with(|| name.clone());
        if *known != name {
            return Err(437);
        }
        let credentials = self.credentials(&self.login(&name)?);
        message.validate_integrity(&credentials).map_or(Err(401), |_| Ok(()))
    }

    fn serve(&mut self, from: SocketAddr, message: &Message<'_>) -> Option<Vec<u8>> {
        let id = message.transaction_id();
        let mut response = Message::builder_success(message, MessageWriteVec::new());
        let mut left = None;
        match (message.method(), self.behaviour) {
            (ALLOCATE, Behaviour::Refuses(code)) => return Some(self.refusal(message, code)),
            (ALLOCATE, Behaviour::RefusesOnce(code)) if !self.refused => {
                self.refused = true;
                return Some(self.refusal(message, code));
            }
            (ALLOCATE, Behaviour::OnlyV6)
                if message.attribute::<RequestedAddressFamily>().is_err() =>
            {
                return Some(self.refusal(message, 440));
            }
            (ALLOCATE, _)
                if self.allocations.get(&from).is_some_and(|had| had.transaction != id) =>
            {
                return Some(self.refusal(message, 437));
            }
            (ALLOCATE, behaviour) => {
                self.allocations.insert(from, Allocation { transaction: id, admits: None });
                if behaviour == Behaviour::SwallowsAllocate {
                    return None;
                }
                response.add_attribute(&XorRelayedAddress::new(self.relayed(), id)).unwrap();
                response.add_attribute(&XorMappedAddress::new(from, id)).unwrap();
                response.add_attribute(&Lifetime::new(600)).unwrap();
            }
            (CREATE_PERMISSION, Behaviour::Permits(code)) => {
                return Some(self.refusal(message, code));
            }
            (CREATE_PERMISSION, _) => {
                let peer = message.attribute::<XorPeerAddress>().unwrap().addr(id);
                self.allocations.get_mut(&from)?.admits = Some(peer);
            }
            (REFRESH, _) => {
                assert_eq!(message.attribute::<Lifetime>().unwrap().seconds(), 0);
                if self.allocations.remove(&from).is_none() {
                    return Some(self.refusal(message, 437));
                }
                left = self.users.remove(&from);
            }
            _ => return Some(self.refusal(message, 400)),
        }
        if self.behaviour != Behaviour::Open {
            let name = left.or_else(|| self.users.get(&from).cloned()).unwrap_or_default();
            let mut login =
                self.login(&name).unwrap_or_else(|_| TurnCredentials::new(USER, PASSWORD));
            if self.behaviour == Behaviour::Missigned {
                login.password = "trout".to_owned();
            }
            let credentials = self.credentials(&login);
            response.add_message_integrity(&credentials, IntegrityAlgorithm::Sha1).unwrap();
        }
        Some(response.finish())
    }

    /// What is sent to its own relayed address comes back from there, where that is admitted.
    fn relay(&mut self, from: SocketAddr, message: &Message<'_>) -> Option<Vec<u8>> {
        if !message.has_method(SEND) || self.behaviour == Behaviour::RelaysNothing {
            return None;
        }
        let peer = message.attribute::<XorPeerAddress>().ok()?.addr(message.transaction_id());
        let data = message.attribute::<Data<'_>>().ok()?;
        let admitted = self.allocations.get(&from)?.admits?;
        if peer.ip() != admitted.ip() || peer != self.relayed() {
            return None;
        }
        let kind = MessageType::from_class_method(MessageClass::Indication, DATA);
        let id = TransactionId::generate();
        let mut relayed = Message::builder(kind, id, MessageWriteVec::new());
        relayed.add_attribute(&XorPeerAddress::new(peer, id)).unwrap();
        relayed.add_attribute(&data).unwrap();
        Some(relayed.finish())
    }

    fn refusal(&mut self, message: &Message<'_>, code: u16) -> Vec<u8> {
        self.nonces += 1;
        let mut response = Message::builder_error(message, MessageWriteVec::new());
        response.add_attribute(&ErrorCode::builder(code).build().unwrap()).unwrap();
        if code == 300 {
            response.add_attribute(&AlternateServer::new(self.addr)).unwrap();
        }
        if matches!(code, 401 | 438) {
            response.add_attribute(&Realm::new(&self.realm()).unwrap()).unwrap();
            let nonce = format!("nonce-{}", self.nonces);
            response.add_attribute(&Nonce::new(&nonce).unwrap()).unwrap();
        }
        response.finish()
    }

    fn relayed(&self) -> SocketAddr {
        match self.behaviour {
            Behaviour::RelaysAt(addr) => addr,
            Behaviour::OnlyV6 => "[2001:db8::52]:49213".parse().unwrap(),
            _ => SocketAddr::new(self.addr.ip(), 49213),
        }
    }

    fn realm(&self) -> String {
        match self.behaviour {
            Behaviour::OtherRealms => format!("realm-{}.example", self.nonces),
            Behaviour::NewRealm if self.signed > 0 => "new.example".to_owned(),
            _ => REALM.to_owned(),
        }
    }

    /// What whoever is called so signs with.
    fn login(&self, name: &str) -> Result<TurnCredentials, u16> {
        match &self.secret {
            None => Ok(TurnCredentials::new(USER, PASSWORD)),
            Some(secret) => {
                let (expiry, user) = name.split_once(':').ok_or(401_u16)?;
                Ok(secret.mint(expiry.parse().map_err(|_| 401_u16)?, user))
            }
        }
    }

    fn credentials(&self, login: &TurnCredentials) -> MessageIntegrityCredentials {
        let TurnCredentials { username, password, .. } = login.clone();
        LongTermKeyCredentials::new(username, password, self.realm()).into()
    }
}
