//! The scripted tries of an exchange: each meets an answer, a failure, or takes its time.

use std::net::SocketAddr;
use std::time::Duration;

use dataplane::chain::{FailureVerdict, TryRules};
use dataplane::http::ResponseHead;
use dataplane::respond::{Failure, Flag, Retryable};
use dataplane::upstream::Usage;

use super::{Answer, End, Stage, push_all};

/// As many as the core allows.
const ATTEMPTS: u32 = 16;

impl Stage {
    /// One try after the other, until the script has a reply; the reply's body.
    pub(super) async fn attempt(&mut self) -> Result<Vec<Vec<u8>>, End> {
        loop {
            self.set_out().await?;
            (self.answering, self.head_start) = (self.exchange.attempt.number as usize - 1, Duration::ZERO);
            self.hedge().await?;
            let Some(failure) = self.answer()? else { return Ok(self.reply_body()) };
            match self.ask(&failure).await? {
                Some(after) => self.wait(after),
                None if failure.flag == Flag::None => return Ok(self.reply_body()),
                None => return Err(End::Failed(failure)),
            }
            self.exchange.reply = ResponseHead::default();
        }
    }

    async fn set_out(&mut self) -> Result<(), End> {
        self.exchange.attempt.number += 1;
        self.exchange.attempt.head.clone_from(&self.exchange.request);
        self.exchange.attempt.endpoint = Some(SocketAddr::from(([127, 0, 0, 1], 80)));
        self.chain.on_attempt(&mut self.run, &mut self.exchange).await?;
        if self.exchange.attempt.number == 1 {
            self.body = self.request_body().await?;
        }
        self.attempts.push(self.sent());
        Ok(())
    }

    /// Asks the filters about a failure; the time after which there is another try.
    async fn ask(&mut self, failure: &Failure) -> Result<Option<Duration>, End> {
        let attempt = &mut self.exchange.attempt;
        attempt.replayable = self.body.len() <= self.script.held_body && attempt.number < ATTEMPTS;
        attempt.usage = Usage { requests: self.script.active, retries: self.script.retrying, ..Usage::default() };
        match self.chain.on_failure(&mut self.run, &mut self.exchange, failure).await? {
            Some(FailureVerdict::Respond(answer)) => Err(End::Answered(answer)),
            Some(FailureVerdict::Retry(after)) if self.exchange.attempt.replayable => Ok(Some(after)),
            _ => Ok(None),
        }
    }

    /// A try that is slow gets company where the filters say so; whichever comes first is the answer.
    async fn hedge(&mut self) -> Result<(), End> {
        let hedge_after = self.rules().hedge_after;
        let first = self.after(self.answering);
        let slow = first.is_some_and(|after| after > hedge_after) && !hedge_after.is_zero();
        if !slow || !self.script.request.body.is_empty() || self.script.answers.len() < 2 {
            return Ok(());
        }
        if self.ask(&Failure::of_slowness(hedge_after)).await?.is_none() {
            return Ok(());
        }
        self.set_out().await?;
        let place = self.exchange.attempt.number as usize - 1;
        let sooner = |after: Duration| first.is_none_or(|first| after + hedge_after < first);
        if self.after(place).is_some_and(sooner) {
            (self.answering, self.head_start) = (place, hedge_after);
        }
        Ok(())
    }

    /// What the present try meets; none: a reply that no filter takes for a failure.
    fn answer(&mut self) -> Result<Option<Failure>, End> {
        let rules = self.rules();
        let Some(answer) = self.scripted(self.answering) else {
            return Err(End::Failed(Failure::new(Flag::NoEndpoint, "the script has no answers")));
        };
        if let Some(flag) = &answer.failure {
            return Ok(Some(failure(flag)));
        }
        let after = self.after(self.answering).unwrap_or_default() + self.head_start;
        if !rules.timeout.is_zero() && after > rules.timeout {
            self.wait(rules.timeout);
            return Ok(Some(failure(Flag::AttemptTimeout.label())));
        }
        let mut reply = ResponseHead { status: answer.status, keep_alive: true, ..ResponseHead::default() };
        push_all(&mut reply.fields, &answer.headers);
        self.wait(after);
        self.exchange.reply = reply;
        let status = self.exchange.reply.status;
        Ok(rules.failure_statuses.contains(status).then(|| Failure::of_reply(status)))
    }

    fn reply_body(&mut self) -> Vec<Vec<u8>> {
        let (body, trailers) = self
            .scripted(self.answering)
            .map(|answer| (answer.body.clone(), answer.trailers.clone()))
            .unwrap_or_default();
        push_all(&mut self.exchange.response_trailers, &trailers);
        body
    }

    fn rules(&self) -> TryRules {
        self.chain.try_rules().copied().unwrap_or_default()
    }

    /// The last one stands for all that follow.
    fn scripted(&self, place: usize) -> Option<&Answer> {
        self.script.answers.get(place).or(self.script.answers.last())
    }

    /// How long an answer takes; none: it is a failure.
    fn after(&self, place: usize) -> Option<Duration> {
        let answer = self.scripted(place).filter(|answer| answer.failure.is_none())?;
        Some(Duration::try_from_secs_f64(answer.after).unwrap_or_default())
    }
}

fn failure(label: &str) -> Failure {
    let Some(flag) = Flag::all().find(|flag| flag.label() == label) else {
        return Failure::new(Flag::Internal, format!("the script fails with {label}, which is no flag"));
    };
    Failure::new(flag, "as the script says").retryable(match flag {
        Flag::Connect | Flag::ConnectTimeout => Retryable::Always,
        _ => Retryable::Never,
    })
}
