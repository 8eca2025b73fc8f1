//! What a WebRTC client is given.

use std::ffi::c_char;
use std::ptr;

use turn_balance::{IceConfiguration, TurnCredentials, TurnSecret};

use crate::selection::tb_selection;
use crate::text::{c_string, read};

/// W3C's RTCConfiguration of a selection, as JSON: `{"iceServers":[{"urls":[...],"username":...,"credential":...}]}`,
/// the best first, then at most so many runners-up. Without tb_balance_set_urls each server has its address over
/// UDP. `username` and `credential` are for all of them; both NULL: none are said.
///
/// Gives a string to be freed with tb_string_free; NULL where the selection is NULL, only one of the two is, or one is
/// no UTF-8.
///
/// # Safety
/// `username` and `credential` are NULL or strings that end with a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tb_selection_ice_json(
    selection: Option<&tb_selection>,
    runners_up: usize,
    username: *const c_char,
    credential: *const c_char,
) -> *mut c_char {
    // SAFETY: the caller's promise.
    let login = unsafe { (read(username), read(credential)) };
    let Some(selection) = selection else { return ptr::null_mut() };
    let ice = IceConfiguration::new(selection.found(), runners_up);
    let ice = match login {
        (Some(username), Some(credential)) => {
            ice.credentials(&TurnCredentials::new(username, credential))
        }
        (None, None) if username.is_null() && credential.is_null() => ice,
        _ => return ptr::null_mut(),
    };
    serde_json::to_string(&ice).map_or(ptr::null_mut(), |json| c_string(json).into_raw())
}

/// Makes credentials of the secret that is shared with the TURN servers (TURN REST, coturn's `use-auth-secret`): they
/// end at a time, in seconds since 1970. `name` is for whom they are; NULL or "" for nobody. Keep the secret where
/// your users are not.
///
/// Gives true and two strings to be freed with tb_string_free; false where a pointer is NULL, the secret is empty or
/// `name` is no UTF-8.
///
/// # Safety
/// At `secret` are `secret_len` bytes, `name` is NULL or a string that ends with a zero, `username` and `credential` are
/// NULL or may be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tb_mint(
    secret: *const u8,
    secret_len: usize,
    expiry_unix: u64,
    name: *const c_char,
    username: Option<&mut *mut c_char>,
    credential: Option<&mut *mut c_char>,
) -> bool {
    // SAFETY: the caller's promise.
    let for_whom = unsafe { read(name) };
    let (Some(username), Some(credential), false) =
        (username, credential, secret.is_null() || secret_len == 0)
    else {
        return false;
    };
    let Some(for_whom) = for_whom.or(name.is_null().then_some("")) else { return false };
    // SAFETY: the caller's promise.
    let secret = unsafe { std::slice::from_raw_parts(secret, secret_len) };
    let minted = TurnSecret::new(secret).mint(expiry_unix, for_whom);
    *username = c_string(minted.username).into_raw();
    *credential = c_string(minted.password).into_raw();
    true
}
