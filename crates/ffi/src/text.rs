//! Strings that C gives, and those that it gets.

use std::ffi::{CStr, CString, c_char};
use std::fmt::Display;
use std::ptr;

/// A string of C's; `None`: it is `NULL`, or no UTF-8.
///
/// # Safety
/// `NULL`, or a string that ends with a zero and stays as it is while the reference lives.
pub(crate) unsafe fn read<'a>(text: *const c_char) -> Option<&'a str> {
    if text.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(text) }.to_str().ok()
}

/// A text for C. What follows a zero is lost to it in any case.
pub(crate) fn c_string(text: impl Display) -> CString {
    let mut bytes = text.to_string().into_bytes();
    bytes.extend([0]);
    CString::from_vec_with_nul(bytes).unwrap_or_else(|error| {
        let mut bytes = error.into_bytes();
        bytes.retain(|byte| *byte != 0);
        CString::new(bytes).unwrap_or_default()
    })
}

/// Strings that live as long as what they belong to.
#[derive(Debug, Default)]
pub(crate) struct Texts(Vec<CString>);

impl Texts {
    /// Keeps a text. The pointer is valid for as long as `self`, wherever that is moved to.
    pub(crate) fn keep(&mut self, text: impl Display) -> *const c_char {
        let text = c_string(text);
        let pointer = text.as_ptr();
        self.0.push(text);
        pointer
    }

    /// Keeps one that may not be there; `NULL` where it is not.
    pub(crate) fn keep_some(&mut self, text: Option<impl Display>) -> *const c_char {
        text.map_or(ptr::null(), |text| self.keep(text))
    }
}

/// Frees a string that a function gave to be freed. `NULL` is nothing to free.
///
/// # Safety
/// `text` is `NULL`, or what such a function gave, and is not used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tb_string_free(text: *mut c_char) {
    if !text.is_null() {
        // SAFETY: it came of `CString::into_raw`, by the caller's promise.
        drop(unsafe { CString::from_raw(text) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zero_within_is_left_out() {
        assert_eq!(c_string("a\0b"), CString::new("ab").unwrap());
    }
}
