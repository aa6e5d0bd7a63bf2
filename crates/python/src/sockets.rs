//! From the descriptor numbers that Python knows to sockets that Rust owns.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::os::fd::{BorrowedFd, OwnedFd, RawFd};

use dataplane::engine::Sockets;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// Duplicates every descriptor: Python keeps its own.
pub fn duplicate(given: &HashMap<String, Vec<RawFd>>) -> PyResult<Sockets> {
    given
        .iter()
        .map(|(address, descriptors)| {
            let parsed: SocketAddr = address
                .parse()
                .map_err(|_| PyValueError::new_err(format!("{address} is not an address with a port")))?;
            let sockets = descriptors.iter().map(|&descriptor| duplicate_one(descriptor)).collect::<PyResult<_>>()?;
            Ok((parsed, sockets))
        })
        .collect()
}

#[allow(unsafe_code)]
fn duplicate_one(descriptor: RawFd) -> PyResult<OwnedFd> {
    if descriptor < 0 {
        return Err(PyValueError::new_err(format!("{descriptor} is not a descriptor")));
    }
    // SAFETY: the number is not -1, and it is only used for the one system call below, which duplicates it
    // or fails with EBADF; the caller holds the interpreter and thereby its own descriptor open meanwhile.
    let borrowed = unsafe { BorrowedFd::borrow_raw(descriptor) };
    Ok(borrowed.try_clone_to_owned()?)
}
