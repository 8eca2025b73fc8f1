//! What went wrong, for C.

use std::any::Any;
use std::ffi::{CString, c_char};
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use turn_balance::Error;

use crate::text::c_string;

/// How a call ended. Later versions may have more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub enum tb_status {
    /// As it should.
    TB_OK = 0,
    /// An argument is NULL that must not be, or is nothing that the function takes.
    TB_INVALID_ARGUMENT = 1,
    /// A root is no address or name, or can be asked nowhere.
    TB_BAD_ROOT = 2,
    /// There is no root to ask, or none by the transport that alone is to be used.
    TB_NO_ROOT = 3,
    /// A name of a root could not be looked up, or has no address of the family asked for.
    TB_RESOLVE = 4,
    /// Nothing answered in time.
    TB_NO_ANSWER = 5,
    /// The network says that there is no way there, or that nothing listens there.
    TB_UNREACHABLE = 6,
    /// The way ended at servers that have nothing to offer.
    TB_DEAD_END = 7,
    /// A leaf answered and no TURN server did, and TB_VERIFY_REQUIRE asks for that.
    TB_UNVERIFIED = 8,
    /// What a descent may send was not enough.
    TB_LIMITED = 9,
    /// By HTTPS nothing was found.
    TB_HTTPS = 10,
    /// A socket could not be opened or used.
    TB_SOCKET = 11,
    /// It cannot be read whom to trust with certificates.
    TB_CA = 12,
    /// The system gave no thread, or nothing to wait with, or no random numbers.
    TB_SYSTEM = 13,
    /// A mistake of this library.
    TB_BUG = 14,
    /// Another error.
    TB_OTHER = 15,
    /// What is required and excluded leaves out whoever there is.
    TB_RULED_OUT = 16,
}

/// An error: a status, and a message for people. Any thread may read it; free it once.
#[derive(Debug)]
pub struct tb_error {
    status: tb_status,
    message: CString,
}

impl tb_error {
    pub(crate) fn new(status: tb_status, message: &str) -> Self {
        Self { status, message: c_string(message) }
    }
}

impl From<Error> for tb_error {
    fn from(error: Error) -> Self {
        let mut message = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            message = format!("{message}: {cause}");
            source = cause.source();
        }
        Self::new(status_of(error.kind()), &message)
    }
}

fn status_of(kind: &str) -> tb_status {
    match kind {
        "endpoint" => tb_status::TB_BAD_ROOT,
        "no_roots" | "no_root_by" => tb_status::TB_NO_ROOT,
        "resolve" | "no_address" => tb_status::TB_RESOLVE,
        "no_answer" => tb_status::TB_NO_ANSWER,
        "unreachable" => tb_status::TB_UNREACHABLE,
        "dead_end" => tb_status::TB_DEAD_END,
        "unverified" => tb_status::TB_UNVERIFIED,
        "limited" => tb_status::TB_LIMITED,
        "ruled_out" => tb_status::TB_RULED_OUT,
        "https" => tb_status::TB_HTTPS,
        "socket" => tb_status::TB_SOCKET,
        "roots" => tb_status::TB_CA,
        "random" => tb_status::TB_SYSTEM,
        _ => tb_status::TB_OTHER,
    }
}

/// Calls what may go wrong, so that no panic comes to C.
pub(crate) fn guard<T>(call: impl FnOnce() -> Result<T, tb_error>) -> Result<T, tb_error> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| Err(bug(&*panic)))
}

fn bug(panic: &(dyn Any + Send)) -> tb_error {
    let said = panic.downcast_ref::<&str>().copied();
    let said = said.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let said = said.unwrap_or("no word of it");
    tb_error::new(tb_status::TB_BUG, &format!("a mistake of this library: {said}"))
}

/// Gives C what came of a call where it wants to have it, and `NULL` in the place of what did not.
pub(crate) fn give<T>(
    result: Result<T, tb_error>,
    place: Option<&mut MaybeUninit<*mut T>>,
    error: Option<&mut MaybeUninit<*mut tb_error>>,
) -> tb_status {
    let (made, failed) = match result {
        Ok(made) => (Some(made), None),
        Err(failed) => (None, Some(failed)),
    };
    let status = failed.as_ref().map_or(tb_status::TB_OK, |failed| failed.status);
    put(made, place);
    put(failed, error);
    status
}

fn put<T>(value: Option<T>, place: Option<&mut MaybeUninit<*mut T>>) {
    if let Some(place) = place {
        place.write(value.map_or(ptr::null_mut(), |value| Box::into_raw(Box::new(value))));
    }
}

/// What kind of error it is; of NULL TB_OK.
#[unsafe(no_mangle)]
pub extern "C" fn tb_error_status(error: Option<&tb_error>) -> tb_status {
    error.map_or(tb_status::TB_OK, |error| error.status)
}

/// What went wrong, where, and what to do: half a sentence, in English. It is there for as long as the error
/// is; of NULL it is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tb_error_message(error: Option<&tb_error>) -> *const c_char {
    error.map_or(ptr::null(), |error| error.message.as_ptr())
}

/// Frees an error. NULL is nothing to free.
#[unsafe(no_mangle)]
pub extern "C" fn tb_error_free(error: Option<Box<tb_error>>) {
    drop(error);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_a_client_has_a_status() {
        let servers = ["listen", "certificate", "thread", "worker", "task", "config", "key"];
        let mut kinds = 0;
        for file in ["src/error.rs", "src/net/engine/client/descent/failure.rs"] {
            let file = format!("{}/../../{file}", env!("CARGO_MANIFEST_DIR"));
            let text = std::fs::read_to_string(file).unwrap();
            let (_, body) = text.split_once("pub fn kind(").unwrap();
            let (body, _) = body.split_once("\n    }\n").unwrap();
            for kind in body.lines().filter_map(|line| line.strip_suffix("\",")?.rsplit('"').next())
            {
                let is_other = status_of(kind) == tb_status::TB_OTHER;
                assert_eq!(is_other, servers.contains(&kind), "{kind}");
                kinds += 1;
            }
        }
        assert_eq!(kinds, 15 + servers.len());
    }

    #[test]
    fn a_panic_becomes_an_error() {
        let caught = guard::<()>(|| panic!("seven of {}", 6)).unwrap_err();
        assert_eq!(caught.status, tb_status::TB_BUG);
        assert_eq!(caught.message.to_str(), Ok("a mistake of this library: seven of 6"));
    }
}
