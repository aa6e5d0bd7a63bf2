//! A listener as one data thread sees it: its present configuration, and whom to wake when it closes.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
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
pub struct Place {
    slot: Rc<Slot>,
    at: usize,
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

    /// A place for a task that is about to start. It counts from now on, not from when it first runs: a slot
    /// is empty only when nobody is on the way either.
    pub fn place(self: &Rc<Self>) -> Place {
        let mut tasks = self.tasks.borrow_mut();
        let at = tasks.free.pop().unwrap_or_else(|| {
            tasks.wakers.push(None);
            tasks.wakers.len() - 1
        });
        Place { slot: Rc::clone(self), at }
    }
}

// === impl Place ===

impl Place {
    /// Lets `close` wake the calling task, however deep it waits: a task's waker stays the same for life.
    pub async fn occupy(&self) {
        poll_fn(|cx| {
            self.slot.tasks.borrow_mut().wakers[self.at] = Some(cx.waker().clone());
            Poll::Ready(())
        })
        .await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut tasks = self.slot.tasks.borrow_mut();
        tasks.wakers[self.at] = None;
        tasks.free.push(self.at);
    }
}
