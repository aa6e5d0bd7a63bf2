//! Filters that do what a test tells them to, and write down what they saw.

#![allow(dead_code)] // each test file uses its own part of it

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use dataplane::chain::{
    BodyVerdict, Close, FailureVerdict, Filter, FilterBuilder, FilterError, Phases, RequestVerdict, Respond, Step,
    TryRules,
};
use dataplane::plan::PlanError;
use dataplane::plan::document::FilterUse;
use dataplane::respond::Failure;

use crate::play::{PATIENCE, PlanJson, Play};

/// What all filters of a test have seen, in order.
#[derive(Clone, Default)]
pub struct Diary(Arc<(Mutex<Vec<String>>, Condvar)>);

impl Diary {
    fn note(&self, filter: &str, what: &str) {
        self.0.0.lock().unwrap().push(format!("{filter} {what}"));
        self.0.1.notify_all();
    }

    /// Exactly these entries, once all are there: the last ones may be written after the client has its answer.
    pub fn says(&self, expected: &[&str]) {
        let entries = self.0.0.lock().unwrap();
        let short = |entries: &mut Vec<String>| entries.len() < expected.len();
        let (entries, _) = self.0.1.wait_timeout_while(entries, PATIENCE, short).unwrap();
        assert_eq!(*entries, expected, "what the filters saw");
    }
}

pub type Behaviour = Box<dyn Fn(&str, Step<'_>, Moment<'_>, &mut Context<'_>) -> Poll<Answer> + Send + Sync>;

/// A phase with what it gets beside the exchange.
pub enum Moment<'a> {
    Connect,
    Request,
    RequestBody(&'a mut Vec<u8>, bool),
    Attempt,
    Failure(&'a Failure),
    Response,
    ResponseBody(&'a mut Vec<u8>, bool),
    Done,
}

/// Any verdict of any phase.
#[derive(Debug, Clone, Copy)]
pub enum Answer {
    Continue,
    Close,
    Hold,
    Respond(u16),
    Retry,
    Fail,
}

struct Scripted {
    name: String,
    phases: Phases,
    try_rules: TryRules,
    diary: Diary,
    behaviour: Arc<Behaviour>,
}

impl Scripted {
    fn ask(&self, step: Step<'_>, moment: Moment<'_>, cx: &mut Context<'_>) -> Poll<Result<Answer, FilterError>> {
        let what = match &moment {
            Moment::Connect => "connect".to_owned(),
            Moment::Request => format!("request {}", step.exchange.request.path),
            Moment::RequestBody(body, last) => format!("request_body {} {last}", String::from_utf8_lossy(body)),
            Moment::Attempt => format!("attempt {}", step.exchange.attempt.number),
            Moment::Failure(failure) => format!("failure {}", failure.flag.label()),
            Moment::Response => format!("response {}", step.exchange.reply.status),
            Moment::ResponseBody(body, last) => format!("response_body {} {last}", String::from_utf8_lossy(body)),
            Moment::Done => format!("done {}", step.exchange.flag.label()),
        };
        let answer = (self.behaviour)(&self.name, step, moment, cx);
        if answer.is_ready() {
            self.diary.note(&self.name, &what);
        }
        answer.map(|answer| {
            if matches!(answer, Answer::Fail) { Err(FilterError::new(&*self.name, "it broke")) } else { Ok(answer) }
        })
    }
}

fn respond(status: u16) -> Respond {
    Respond { status, headers: vec![(b"x-by".to_vec(), b"filter".to_vec())], body: b"mine".to_vec() }
}

fn body_verdict(answer: Answer) -> BodyVerdict {
    match answer {
        Answer::Hold => BodyVerdict::Hold,
        Answer::Respond(status) => BodyVerdict::Respond(respond(status)),
        _ => BodyVerdict::Continue,
    }
}

impl Filter for Scripted {
    fn name(&self) -> &str {
        &self.name
    }
    fn phases(&self) -> Phases {
        self.phases
    }
    fn try_rules(&self) -> TryRules {
        self.try_rules
    }
    fn on_connect(&self, step: Step<'_>, cx: &mut Context<'_>) -> Poll<Result<Option<Close>, FilterError>> {
        self.ask(step, Moment::Connect, cx).map_ok(|answer| matches!(answer, Answer::Close).then_some(Close))
    }
    fn on_request(&self, step: Step<'_>, cx: &mut Context<'_>) -> Poll<Result<RequestVerdict, FilterError>> {
        self.ask(step, Moment::Request, cx).map_ok(|answer| match answer {
            Answer::Hold => RequestVerdict::Hold,
            Answer::Respond(status) => RequestVerdict::Respond(respond(status)),
            _ => RequestVerdict::Continue,
        })
    }
    fn on_request_body(
        &self,
        step: Step<'_>,
        body: &mut Vec<u8>,
        last: bool,
        cx: &mut Context<'_>,
    ) -> Poll<Result<BodyVerdict, FilterError>> {
        self.ask(step, Moment::RequestBody(body, last), cx).map_ok(body_verdict)
    }
    fn on_attempt(&self, step: Step<'_>, cx: &mut Context<'_>) -> Poll<Result<(), FilterError>> {
        self.ask(step, Moment::Attempt, cx).map_ok(|_| ())
    }
    fn on_failure(
        &self,
        step: Step<'_>,
        failure: &Failure,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<FailureVerdict>, FilterError>> {
        self.ask(step, Moment::Failure(failure), cx).map_ok(|answer| match answer {
            Answer::Retry => Some(FailureVerdict::Retry(Duration::ZERO)),
            Answer::Respond(status) => Some(FailureVerdict::Respond(respond(status))),
            _ => None,
        })
    }
    fn on_response(&self, step: Step<'_>, cx: &mut Context<'_>) -> Poll<Result<Option<Respond>, FilterError>> {
        self.ask(step, Moment::Response, cx).map_ok(|answer| match answer {
            Answer::Respond(status) => Some(respond(status)),
            _ => None,
        })
    }
    fn on_response_body(
        &self,
        step: Step<'_>,
        body: &mut Vec<u8>,
        last: bool,
        cx: &mut Context<'_>,
    ) -> Poll<Result<BodyVerdict, FilterError>> {
        self.ask(step, Moment::ResponseBody(body, last), cx).map_ok(body_verdict)
    }
    fn on_done(&self, step: Step<'_>) {
        let _ = self.ask(step, Moment::Done, &mut Context::from_waker(Waker::noop()));
    }
}

/// Makes the filters of a test by their names.
#[derive(Clone, Default)]
pub struct Cast {
    pub diary: Diary,
    try_rules: TryRules,
    filters: HashMap<&'static str, (Phases, Arc<Behaviour>)>,
}

impl Cast {
    pub fn with(
        mut self,
        name: &'static str,
        phases: Phases,
        behaviour: impl Fn(&str, Step<'_>, Moment<'_>, &mut Context<'_>) -> Poll<Answer> + Send + Sync + 'static,
    ) -> Self {
        self.filters.insert(name, (phases, Arc::new(Box::new(behaviour))));
        self
    }

    /// What all of them ask of every try.
    pub fn trying(mut self, statuses: &[u16], timeout_ms: u64) -> Self {
        self.try_rules.timeout = Duration::from_millis(timeout_ms);
        assert!(statuses.iter().all(|status| self.try_rules.failure_statuses.add(*status)));
        self
    }

    /// When they want to know that a reply is slow.
    pub fn hedging(mut self, after_ms: u64) -> Self {
        self.try_rules.hedge_after = Duration::from_millis(after_ms);
        self
    }

    /// A filter that only looks.
    pub fn watching(self, name: &'static str, phases: Phases) -> Self {
        self.with(name, phases, |_, _, _, _| Poll::Ready(Answer::Continue))
    }

    pub fn play(&self, filters: &[&str]) -> Play {
        self.play_edited(filters, |_| {})
    }

    pub fn play_edited(&self, filters: &[&str], edit: impl FnOnce(&mut PlanJson)) -> Play {
        Play::with(Arc::new(self.clone()), |plan| {
            plan.filters(filters);
            edit(plan);
        })
    }
}

impl FilterBuilder for Cast {
    fn build(&self, filter: &FilterUse) -> Result<Arc<dyn Filter>, PlanError> {
        let found = self.filters.get(filter.name.as_str());
        let (phases, behaviour) = found.ok_or_else(|| PlanError::new(format!("no filter {}", filter.name)))?;
        let (diary, behaviour) = (self.diary.clone(), Arc::clone(behaviour));
        let (name, try_rules) = (filter.name.clone(), self.try_rules);
        Ok(Arc::new(Scripted { name, phases: *phases, try_rules, diary, behaviour }))
    }
}
