//! Whom a selection asks, and how.

use std::ffi::{c_char, c_int};
use std::mem::MaybeUninit;
use std::path::PathBuf;
use std::time::Duration;

use turn_balance::{
    Balance, Endpoint, Error, Family, HttpsUrl, HttpsUrlError, Limits, Prefix, ServerLabel,
    Transport, Verify,
};

use crate::error::{give, guard, tb_error, tb_status};
use crate::text::read;

/// Which addresses are asked.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub enum tb_family {
    /// Both, which is the default.
    TB_FAMILY_ANY = 0,
    /// IPv4 alone.
    TB_FAMILY_IPV4 = 4,
    /// IPv6 alone.
    TB_FAMILY_IPV6 = 6,
}

/// Whether TURN servers are asked themselves at the end (STUN Binding).
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub enum tb_verify {
    /// They are not: a leaf's word is enough.
    TB_VERIFY_OFF = 0,
    /// They are, and where none answers the best leaf's is named unverified. The default.
    TB_VERIFY_ON = 1,
    /// They are, and where none answers none is named.
    TB_VERIFY_REQUIRE = 2,
}

/// By which means a selection goes.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub enum tb_transport {
    /// UDP, and HTTPS where no UDP passes and there is a root by HTTPS. The default of a tb_balance; no selection
    /// has it.
    TB_TRANSPORT_AUTO = 0,
    /// UDP alone.
    TB_TRANSPORT_UDP = 1,
    /// HTTPS and TCP alone.
    TB_TRANSPORT_HTTPS = 2,
}

/// Whom to ask, and how. It is set up by one thread; then any number of threads may select with it at once.
/// A selection takes what it needs with it, so the handle may be changed or freed while one that was started goes
/// on.
#[derive(Debug, Clone)]
pub struct tb_balance {
    roots: Vec<Endpoint>,
    https_roots: Vec<HttpsUrl>,
    timeout: Duration,
    family: Option<Family>,
    verify: Verify,
    transport: Option<Transport>,
    urls: bool,
    allow: Vec<Prefix>,
    require: Vec<ServerLabel>,
    prefer: Vec<ServerLabel>,
    exclude: Vec<ServerLabel>,
    ca_file: Option<PathBuf>,
}

impl tb_balance {
    /// A client of these settings, on a runtime.
    pub(crate) async fn client(self) -> Result<Balance, Error> {
        let mut builder =
            Balance::builder().timeout(self.timeout).verify(self.verify).urls(self.urls);
        builder = builder.limits(Limits::default().allow(self.allow));
        builder = builder.require(self.require).prefer(self.prefer).exclude(self.exclude);
        for root in self.roots {
            builder = builder.root(root);
        }
        for root in self.https_roots {
            builder = builder.https_root(root);
        }
        if let Some(family) = self.family {
            builder = builder.family(family);
        }
        if let Some(transport) = self.transport {
            builder = builder.transport(transport);
        }
        if let Some(file) = self.ca_file {
            builder = builder.ca_file(file);
        }
        builder.build().await
    }
}

/// One without a root, with the defaults: 10 seconds, both families, TURN servers are asked themselves. Free it with
/// tb_balance_free.
#[unsafe(no_mangle)]
pub extern "C" fn tb_balance_new() -> Box<tb_balance> {
    Box::new(tb_balance {
        roots: Vec::new(),
        https_roots: Vec::new(),
        timeout: Duration::from_secs(10),
        family: None,
        verify: Verify::default(),
        transport: None,
        urls: false,
        allow: Vec::new(),
        require: Vec::new(),
        prefer: Vec::new(),
        exclude: Vec::new(),
        ca_file: None,
    })
}

/// Frees it. NULL is nothing to free.
#[unsafe(no_mangle)]
pub extern "C" fn tb_balance_free(balance: Option<Box<tb_balance>>) {
    drop(balance);
}

/// Adds a root: "root.example", "203.0.113.7:3001", "[2001:db8::7]:3001", or "https://root.example" for networks
/// without UDP. All are asked at once. Port 3001 where none is said.
///
/// Gives TB_OK, or TB_BAD_ROOT and, where `error` is not NULL, what is wrong with it, to be freed with tb_error_free.
///
/// # Safety
/// `root` is NULL or a string that ends with a zero; it is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tb_balance_add_root(
    balance: Option<&mut tb_balance>,
    root: *const c_char,
    error: Option<&mut MaybeUninit<*mut tb_error>>,
) -> tb_status {
    // SAFETY: the caller's promise.
    let root = unsafe { read(root) };
    let added = guard(|| {
        let (Some(balance), Some(root)) = (balance, root) else {
            return Err(tb_error::new(
                tb_status::TB_INVALID_ARGUMENT,
                "the tb_balance or the root is NULL, or the root is no UTF-8",
            ));
        };
        let bad = |why: &dyn std::fmt::Display| {
            // It repeats what is wrong, and no password.
            tb_error::new(tb_status::TB_BAD_ROOT, &why.to_string())
        };
        match root.parse() {
            Ok(root) => balance.https_roots.push(root),
            Err(HttpsUrlError::Scheme(_)) => {
                balance.roots.push(root.parse().map_err(|why| bad(&why))?);
            }
            Err(why) => return Err(bad(&why)),
        }
        Ok(())
    });
    give(added, None, error)
}

/// How long a selection may take, in milliseconds, at least 1.
#[unsafe(no_mangle)]
pub extern "C" fn tb_balance_set_timeout(
    balance: Option<&mut tb_balance>,
    milliseconds: u32,
) -> tb_status {
    let timeout = (milliseconds > 0).then(|| Duration::from_millis(milliseconds.into()));
    set(balance, timeout, |balance, timeout| balance.timeout = timeout)
}

/// Which addresses are asked, of roots and of what they list: one of tb_family.
#[unsafe(no_mangle)]
pub extern "C" fn tb_balance_set_family(
    balance: Option<&mut tb_balance>,
    family: c_int,
) -> tb_status {
    let family = match family {
        0 => Some(None),
        4 => Some(Some(Family::V4)),
        6 => Some(Some(Family::V6)),
        _ => None,
    };
    set(balance, family, |balance, family| balance.family = family)
}

/// Whether TURN servers are asked themselves: one of tb_verify.
#[unsafe(no_mangle)]
pub extern "C" fn tb_balance_set_verify(
    balance: Option<&mut tb_balance>,
    verify: c_int,
) -> tb_status {
    let verify = match verify {
        0 => Some(Verify::Off),
        1 => Some(Verify::On),
        2 => Some(Verify::Require),
        _ => None,
    };
    set(balance, verify, |balance, verify| balance.verify = verify)
}

/// By which means to go: one of tb_transport.
#[unsafe(no_mangle)]
pub extern "C" fn tb_balance_set_transport(
    balance: Option<&mut tb_balance>,
    transport: c_int,
) -> tb_status {
    let transport = match transport {
        0 => Some(None),
        1 => Some(Some(Transport::Udp)),
        2 => Some(Some(Transport::Https)),
        _ => None,
    };
    set(balance, transport, |balance, transport| balance.transport = transport)
}

/// Whether to ask how TURN servers are reached, for tb_selection_url and tb_selection_ice_json. It takes no longer,
/// and a dozen datagrams at most. The default is no.
#[unsafe(no_mangle)]
pub extern "C" fn tb_balance_set_urls(balance: Option<&mut tb_balance>, urls: bool) -> tb_status {
    set(balance, Some(urls), |balance, urls| balance.urls = urls)
}

/// Lets a selection send to addresses that it would not, as "10.0.0.0/8": to what is on the client's own network,
/// or is private while the root is not.
///
/// # Safety
/// `prefix` is NULL or a string that ends with a zero; it is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tb_balance_allow(
    balance: Option<&mut tb_balance>,
    prefix: *const c_char,
) -> tb_status {
    // SAFETY: the caller's promise.
    let prefix = unsafe { read(prefix) }.and_then(|prefix| prefix.parse().ok());
    set(balance, prefix, |balance, prefix| balance.allow.push(prefix))
}

/// Requires a label of TURN servers, as "region=eu"; "name=fra-b" is what one is called. Of several of one key any
/// does. Who is not known to have it is never named, also where nobody else lives.
///
/// # Safety
/// `label` is NULL or a string that ends with a zero; it is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tb_balance_require(
    balance: Option<&mut tb_balance>,
    label: *const c_char,
) -> tb_status {
    // SAFETY: the caller's promise.
    let label = unsafe { read(label) }.and_then(|label| label.parse().ok());
    set(balance, label, |balance, label| balance.require.push(label))
}

/// Prefers TURN servers with this label, however far they are: who has one of more of the preferred keys is better.
///
/// # Safety
/// `label` is NULL or a string that ends with a zero; it is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tb_balance_prefer(
    balance: Option<&mut tb_balance>,
    label: *const c_char,
) -> tb_status {
    // SAFETY: the caller's promise.
    let label = unsafe { read(label) }.and_then(|label| label.parse().ok());
    set(balance, label, |balance, label| balance.prefer.push(label))
}

/// Excludes TURN servers with this label, and whoever is below a balance server that has it.
///
/// # Safety
/// `label` is NULL or a string that ends with a zero; it is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tb_balance_exclude(
    balance: Option<&mut tb_balance>,
    label: *const c_char,
) -> tb_status {
    // SAFETY: the caller's promise.
    let label = unsafe { read(label) }.and_then(|label| label.parse().ok());
    set(balance, label, |balance, label| balance.exclude.push(label))
}

/// Whose signatures count of certificates: a file of certificates (PEM), which each selection reads. NULL: those
/// whom the system trusts, which is the default.
///
/// # Safety
/// `file` is NULL or a string that ends with a zero; it is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tb_balance_set_ca_file(
    balance: Option<&mut tb_balance>,
    file: *const c_char,
) -> tb_status {
    // SAFETY: the caller's promise.
    let read = unsafe { read(file) }.map(PathBuf::from);
    let file = (file.is_null() || read.is_some()).then_some(read);
    set(balance, file, |balance, file| balance.ca_file = file)
}

fn set<T>(
    balance: Option<&mut tb_balance>,
    value: Option<T>,
    set: impl FnOnce(&mut tb_balance, T),
) -> tb_status {
    let (Some(balance), Some(value)) = (balance, value) else {
        return tb_status::TB_INVALID_ARGUMENT;
    };
    set(balance, value);
    tb_status::TB_OK
}
