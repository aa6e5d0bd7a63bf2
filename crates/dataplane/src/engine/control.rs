//! placeholder
use crate::plan::Plan;
use crate::telemetry::Registry;
use std::sync::Arc;
pub struct Control;
impl Control {
    pub fn start(_registry: Arc<Registry>) -> Self {
        Self
    }
    pub fn watch(&mut self, _plan: &Plan) {}
}
