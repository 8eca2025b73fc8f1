//! The client of turn-balance for C: `include/turn_balance.h` is made of what is public here.
//!
//! A pointer that C gives may be `NULL` wherever a function says so, and is an `Option` here; so what is `unsafe`
//! is only to read C's strings and to write where C points. Nothing is shared between calls: each selection
//! has a thread's own runtime, so that there is nothing to start, to stop, or to lose by `fork`.
#![expect(non_camel_case_types, reason = "the names are C's")]
#![expect(unsafe_code, reason = "it speaks to C")]

pub mod balance;
pub mod error;
pub mod ice;
pub mod select;
pub mod selection;
pub mod task;
pub mod text;

use std::ffi::c_char;

/// The version of the library, as "0.1.0". It is there for as long as the library is.
#[unsafe(no_mangle)]
pub extern "C" fn tb_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}
