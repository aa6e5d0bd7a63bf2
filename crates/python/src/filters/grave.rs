//! Where objects of Python wait for their end: they must be let go with the interpreter attached, and an exchange ends
//! without. Each data thread has one, and clears it at its next crossing; the youngest is used again when nobody else has it.

use std::cell::RefCell;

use pyo3::prelude::*;

use super::exchange::Exchange;

/// Beyond so many, objects are let go through pyo3's own queue, which has a lock.
const MOST: usize = 256;

thread_local! {
    static GRAVE: RefCell<Vec<Py<Exchange>>> = const { RefCell::new(Vec::new()) };
}

/// Lets go of an exchange, soon.
pub fn bury(exchange: Py<Exchange>) {
    // While the thread ends its grave may already be gone: then pyo3 takes care.
    let _ = GRAVE.try_with(|grave| {
        let mut grave = grave.borrow_mut();
        if grave.len() < MOST {
            grave.push(exchange);
        }
    });
}

/// One that nobody has any more, to be used again; the others are let go.
pub fn rise(py: Python<'_>) -> Option<Py<Exchange>> {
    // Letting go may run Python code, which may bury: the grave is not borrowed meanwhile.
    while let Some(exchange) = GRAVE.with_borrow_mut(Vec::pop) {
        if is_alone(py, &exchange) {
            return Some(exchange);
        }
    }
    None
}

#[allow(unsafe_code)]
fn is_alone(_attached: Python<'_>, exchange: &Py<Exchange>) -> bool {
    // SAFETY: the pointer is that of an object that `exchange` holds, so it lives during the call, which only reads its
    // count; the interpreter is attached, as the parameter proves.
    let holders = unsafe { pyo3::ffi::Py_REFCNT(exchange.as_ptr()) };
    holders == 1
}
