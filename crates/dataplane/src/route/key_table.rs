//! A hash map by text that never hashes more of a request than its longest key.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::OnceLock;

use ahash::{AHasher, RandomState};

/// Keys come from the plan, questions from clients: a question longer than every key is answered
/// without reading it, and the hash has keys of its own per process, so that nobody can aim at a bucket.
pub struct KeyTable<T> {
    entries: HashMap<Box<str>, T, ProcessKeys>,
    longest: usize,
}

/// One set of random hash keys for all tables: a plan has tens of thousands, and keys in each would fill the cache.
#[derive(Default, Clone, Copy)]
struct ProcessKeys;

// === impl KeyTable ===

impl<T> Default for KeyTable<T> {
    fn default() -> Self {
        Self { entries: HashMap::default(), longest: 0 }
    }
}

impl<T> KeyTable<T> {
    /// What is stored under exactly this key.
    pub fn get(&self, key: &str) -> Option<&T> {
        if key.len() > self.longest { None } else { self.entries.get(key) }
    }

    /// The entry of this key, made when it is new.
    pub fn entry(&mut self, key: &str, new: impl FnOnce() -> T) -> &mut T {
        self.longest = self.longest.max(key.len());
        self.entries.entry(key.into()).or_insert_with(new)
    }

    /// Every entry, in no order.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.entries.values()
    }

    /// The same, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.entries.values_mut()
    }
}

// === impl ProcessKeys ===

impl BuildHasher for ProcessKeys {
    type Hasher = AHasher;

    fn build_hasher(&self) -> AHasher {
        static KEYS: OnceLock<RandomState> = OnceLock::new();
        KEYS.get_or_init(RandomState::new).build_hasher()
    }
}
