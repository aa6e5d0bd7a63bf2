//! Path prefixes as a tree of segments: one look-up per segment, whatever the number of prefixes.
//!
//! A walk stops at the first segment that no prefix has, and each byte of a path is hashed at most
//! once, so a path of 30,000 segments costs no more than the longest prefix of the plan.

use super::key_table::KeyTable;
use super::prefix;
use super::{Candidates, RouteIndex};

/// The root stands for the prefix `/`.
pub struct PrefixTree {
    nodes: Vec<Node>,
}

// One cache line: with thousands of prefixes each that a walk sees is a miss. Most nodes are leaves.
#[derive(Default)]
#[repr(align(64))]
struct Node {
    children: Option<Box<KeyTable<usize>>>,
    routes: Candidates,
    /// The nearest node above that has routes.
    shorter: Option<usize>,
}

// === impl PrefixTree ===

impl Default for PrefixTree {
    fn default() -> Self {
        Self { nodes: vec![Node::default()] }
    }
}

impl PrefixTree {
    /// Adds a route behind the routes with the same prefix.
    pub fn insert(&mut self, prefix: &str, route: RouteIndex) {
        let mut node = 0;
        for segment in segments(prefix::trimmed(prefix)) {
            let next = self.nodes.len();
            let child = *self.nodes[node].children.get_or_insert_default().entry(segment, || next);
            if child == next {
                self.nodes.push(Node::default());
            }
            node = child;
        }
        self.nodes[node].routes.push(route);
    }

    /// Lets every node find the next shorter prefix in one step; parents stand before their children.
    pub fn link(&mut self) {
        for node in 0..self.nodes.len() {
            let above = &self.nodes[node];
            let shorter = if above.routes.is_empty() { above.shorter } else { Some(node) };
            let children: Vec<usize> = above.children.iter().flat_map(|children| children.values().copied()).collect();
            for child in children {
                self.nodes[child].shorter = shorter;
            }
        }
    }

    /// Offers the routes of each prefix of the path, the longest first, until one is taken.
    pub fn search(&self, path: &str, mut take: impl FnMut(&[RouteIndex]) -> Option<RouteIndex>) -> Option<RouteIndex> {
        let mut next = Some(self.deepest(path)?);
        while let Some(node) = next {
            let node = &self.nodes[node];
            if let Some(found) = take(&node.routes) {
                return Some(found);
            }
            next = node.shorter;
        }
        None
    }

    fn deepest(&self, path: &str) -> Option<usize> {
        if !path.starts_with('/') {
            return None;
        }
        let mut node = 0;
        for segment in segments(path) {
            let Some(child) = self.nodes[node].children.as_ref().and_then(|children| children.get(segment)) else {
                break;
            };
            node = *child;
        }
        Some(node)
    }
}

/// `/a/b` is `a`, `b`; `/a/` is `a` and an empty one; nothing is nothing.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/').into_iter().flat_map(|path| path.split('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(prefixes: &[&str]) -> PrefixTree {
        let mut tree = PrefixTree::default();
        prefixes.iter().enumerate().for_each(|(route, prefix)| tree.insert(prefix, route));
        tree.link();
        tree
    }

    fn offered(tree: &PrefixTree, path: &str) -> Vec<RouteIndex> {
        let mut offered = Vec::new();
        tree.search(path, |routes| {
            offered.extend_from_slice(routes);
            None
        });
        offered
    }

    #[test]
    fn prefixes_are_offered_longest_first() {
        let tree = tree(&["/", "/a/b", "/a", "/a/b/c/d"]);
        assert_eq!(offered(&tree, "/a/b/c"), [1, 2, 0], "/a/b, then /a, then /");
        assert_eq!(offered(&tree, "/a/b/c/d/e"), [3, 1, 2, 0], "the node without routes is skipped");
        assert_eq!(offered(&tree, "/ab"), [0], "a prefix ends where a segment ends");
        assert_eq!(offered(&tree, "*"), Vec::<RouteIndex>::new(), "`*` has no prefix");
    }

    #[test]
    fn an_empty_segment_counts_as_one() {
        let tree = tree(&["/a//b", "/a"]);
        assert_eq!(offered(&tree, "/a//b"), [0, 1], "the empty segment is one of the prefix");
        assert_eq!(offered(&tree, "/a/b"), [1], "`b` is not the empty segment");
        assert_eq!(offered(&tree, "/a/"), [1], "nor is the end of the path");
    }
}
