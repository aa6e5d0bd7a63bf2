//! A listener as one data thread sees it: its present configuration, and whom to wake when it closes.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

use crate::plan::Listener;

/// One listener on one data thread.
pub struct Slot {
    listener: RefCell<Arc<Listener>>,
    closing: Cell<bool>,
    /// One per task of this listener: the acceptor and every connection.
    tasks: RefCell<Tasks>,
}

#[derive(Default)]
struct Tasks {
    wakers: Vec<Option<Waker>>,
    free: Vec<usize>,
}

/// A task's place in the list; given back when the task ends.
pub struct Registration<'a> {
    slot: &'a Slot,
    place: usize,
}

// === impl Slot ===

impl Slot {
    /// A slot for a new listener.
    pub fn new(listener: Arc<Listener>) -> Self {
        Self { listener: RefCell::new(listener), closing: Cell::new(false), tasks: RefCell::default() }
    }

    /// The present configuration.
    pub fn listener(&self) -> Arc<Listener> {
        Arc::clone(&self.listener.borrow())
    }

    /// From now on new exchanges follow this configuration.
    pub fn replace(&self, listener: Arc<Listener>) {
        *self.listener.borrow_mut() = listener;
    }

    /// No new connections, no new exchanges.
    pub fn close(&self) {
        self.closing.set(true);
        self.tasks.borrow().wakers.iter().flatten().for_each(Waker::wake_by_ref);
    }

    /// `close` was called.
    pub fn is_closing(&self) -> bool {
        self.closing.get()
    }

    /// Number of tasks that have not ended.
    pub fn open(&self) -> usize {
        let tasks = self.tasks.borrow();
        tasks.wakers.len() - tasks.free.len()
    }

    /// Lets `close` wake the calling task, however deep it waits: a task's waker stays the same for life.
    pub async fn register(&self) -> Registration<'_> {
        poll_fn(|cx| {
            let mut tasks = self.tasks.borrow_mut();
            let waker = Some(cx.waker().clone());
            let place = tasks.free.pop().unwrap_or_else(|| {
                tasks.wakers.push(None);
                tasks.wakers.len() - 1
            });
            tasks.wakers[place] = waker;
            Poll::Ready(Registration { slot: self, place })
        })
        .await
    }
}

// === impl Registration ===

impl Drop for Registration<'_> {
    fn drop(&mut self) {
        let mut tasks = self.slot.tasks.borrow_mut();
        tasks.wakers[self.place] = None;
        tasks.free.push(self.place);
    }
}
