//! The Prometheus text format, version 0.0.4.

use std::fmt::Write;

use super::histogram::{BOUNDS, HistogramTotals};

/// Writes families of samples.
#[derive(Debug)]
pub struct Exposition<'a> {
    out: &'a mut String,
}

/// What a family is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the format's own words
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Label names and values, values not yet escaped.
pub type Labels<'a> = &'a [(&'a str, &'a str)];

// === impl Exposition ===

impl<'a> Exposition<'a> {
    /// Appends to what is there.
    pub fn new(out: &'a mut String) -> Self {
        Self { out }
    }

    /// Begins a family; its samples follow.
    pub fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let _ = writeln!(self.out, "# HELP {name} {help}\n# TYPE {name} {kind}"); // a String takes everything
    }

    /// Adds one sample.
    pub fn sample(&mut self, name: &str, labels: Labels<'_>, value: u64) {
        self.begin(name, "", labels, None);
        self.out.push_str(itoa::Buffer::new().format(value));
        self.out.push('\n');
    }

    /// Adds one sample that is a time, in seconds.
    pub(super) fn time(&mut self, name: &str, labels: Labels<'_>, nanoseconds: u64) {
        self.begin(name, "", labels, None);
        self.seconds(nanoseconds);
    }

    /// Adds the samples of a histogram of durations, in seconds.
    pub(super) fn histogram(&mut self, name: &str, labels: Labels<'_>, totals: &HistogramTotals) {
        let bounds = BOUNDS.iter().map(|(_, bound)| *bound).chain(["+Inf"]);
        let mut count = 0;
        for (bound, bucket) in bounds.zip(totals.buckets) {
            count += bucket;
            self.begin(name, "_bucket", labels, Some(bound));
            let _ = writeln!(self.out, "{count}");
        }
        self.begin(name, "_sum", labels, None);
        self.seconds(totals.nanoseconds);
        self.begin(name, "_count", labels, None);
        let _ = writeln!(self.out, "{count}");
    }

    fn seconds(&mut self, nanoseconds: u64) {
        let _ = writeln!(self.out, "{}.{:09}", nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
    }

    fn begin(&mut self, name: &str, suffix: &str, labels: Labels<'_>, bound: Option<&str>) {
        self.out.push_str(name);
        self.out.push_str(suffix);
        let mut separator = '{';
        for (label, value) in labels.iter().copied().chain(bound.map(|bound| ("le", bound))) {
            self.out.push(separator);
            self.out.push_str(label);
            self.out.push_str("=\"");
            escape(self.out, value);
            self.out.push('"');
            separator = ',';
        }
        self.out.push_str(if separator == '{' { " " } else { "} " });
    }
}

fn escape(out: &mut String, value: &str) {
    for character in value.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            other => out.push(other),
        }
    }
}
