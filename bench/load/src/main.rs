//! The loads of the benchmark that wrk does not do, and the service that reads uploads.
//!
//! One argument: the JSON of a [`spec::Spec`]. Prints `{"event":"start"}` when the measured time begins and one line with the
//! result when it is over, so that the harness can read the proxy's CPU time at both moments. One thread: the harness pins it.

mod bulk;
mod churn;
mod connection;
mod idle;
mod pace;
mod response;
mod result;
mod sink;
mod spec;
mod steady;
mod tls;

use std::process::ExitCode;

use spec::{Load, Spec};

fn main() -> ExitCode {
    let spec = std::env::args().nth(1).map(|text| serde_json::from_str::<Spec>(&text));
    let spec = match spec {
        Some(Ok(spec)) => spec,
        Some(Err(error)) => return refuse(&format!("the load is not understood: {error}")),
        None => return refuse("give the load as one JSON argument"),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.map_err(|error| error.to_string()).and_then(|runtime| {
        let local = tokio::task::LocalSet::new();
        local.block_on(&runtime, run(spec))
    }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => refuse(&reason),
    }
}

fn refuse(reason: &str) -> ExitCode {
    eprintln!("{reason}");
    ExitCode::FAILURE
}

async fn run(spec: Spec) -> Result<(), String> {
    match spec {
        Spec::Sink { address } => sink::serve(&address).await.map_err(|error| format!("{address}: {error}")),
        Spec::Load { target, load } => {
            let target = connection::Dialer::new(&target)?;
            let tally = match load {
                Load::Steady(load) => steady::run(target, &load).await?,
                Load::Pace(load) => pace::run(target, &load).await?,
                Load::Churn(load) => churn::run(target, &load).await?,
                Load::Bulk(load) => bulk::run(target, &load).await?,
                Load::Idle(load) => idle::run(target, &load).await?,
            };
            tally.print();
            Ok(())
        }
    }
}
