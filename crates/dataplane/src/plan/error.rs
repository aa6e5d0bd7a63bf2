//! Why a plan could not be compiled.

/// One sentence for the operator: which part of the plan, what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanError(String);

// === impl PlanError ===

impl PlanError {
    /// Says what is wrong.
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    /// Puts the place in front: `listener web: ...`.
    #[must_use]
    pub fn at(self, place: &str) -> Self {
        Self(format!("{place}: {}", self.0))
    }
}

impl std::fmt::Display for PlanError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PlanError {}
