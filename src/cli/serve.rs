//! `bedload serve`: a scenario as Bedrock Runtime.

use super::args::{Format, ServeArgs};
use super::exit::Exit;
use super::inputs::{Prepared, Stopped, catalogue, prepare, price_book};
use super::term::{Term, data, talk};
use crate::clock::avoid_huge_pages;
use crate::serve::{Options, Server, Totals};
use crate::sim::Serving;
use crate::wire::request::AccessKey;
use std::env;
use std::fmt::Write;
use std::io;
use std::time::Duration;
use tokio::runtime::Runtime;

/// Runs the verb.
pub fn run(args: &ServeArgs) -> Exit {
    let term = Term::new(args.shared.quiet, args.shared.no_color);
    serve(args, term).unwrap_or_else(|stopped| stopped)
}

fn serve(args: &ServeArgs, term: Term) -> Result<Exit, Stopped> {
    avoid_huge_pages();
    let options = options(args)?;
    let catalogue = catalogue(&args.shared, term)?;
    let book = price_book(&catalogue, &args.shared)?;
    let prepared = prepare(&args.scenario, &args.shared, &[], &catalogue, book, term)?;
    let scenario = &prepared.loaded.scenario;
    let assembled = prepared
        .assembled
        .first()
        .expect("a scenario has at least one variant");
    let mut variants = scenario.variants.iter();
    let variant = variants
        .find(|variant| variant.name == assembled.context.name)
        .expect("what was assembled is a variant of the scenario");
    let named = (scenario.name.as_str(), scenario.seed);
    let serving = Serving::new(named, variant, assembled, &catalogue);
    // Before anybody can know the address, so that an interruption never meets the default handler.
    let mut waiting = Waiting::new()?;
    let described = describe(&prepared, &serving, args);
    allow_connections(args.max_connections);
    let server = Server::start(serving, options).map_err(|error| {
        talk(&format!(
            "error: cannot listen on {}: {error}\n  help: choose another address with `--listen`; \
             port 0 takes a free one",
            args.listen
        ));
        Exit::Unexpected
    })?;
    if args.shared.format == Format::Json {
        data(&format!("{{\"listening\":\"{}\"}}\n", server.url()));
    }
    if !server.addr().ip().is_loopback() {
        talk(
            "warning: this address can be reached from other machines; the server has no TLS, and \
             /_bedload lets anyone change it",
        );
    }
    if !term.quiet {
        talk(&format!(
            "Listening on {url}\n\n{described}\n\
             To call it: export AWS_ENDPOINT_URL_BEDROCK_RUNTIME={url}\n{}",
            credentials(args),
            url = server.url(),
        ));
    }
    let exit = waiting.until_closed(&server, args.grace, term);
    let totals = server.stop(Duration::ZERO);
    if !term.quiet {
        talk(&summary(&totals));
    }
    Ok(exit)
}

fn credentials(args: &ServeArgs) -> &'static str {
    if args.verify_signatures {
        "Requests must be signed with a known key."
    } else {
        "Any credentials do, but the SDKs want some: AWS_ACCESS_KEY_ID=any \
         AWS_SECRET_ACCESS_KEY=any AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1"
    }
}

/// What is served, under which assumptions.
fn describe(prepared: &Prepared, serving: &Serving, args: &ServeArgs) -> String {
    let context = &prepared.assembled[0].context;
    let mut text = String::new();
    let _ = writeln!(
        text,
        "Scenario {}, variant {} ({}), seed {}, Region {}",
        serving.scenario, context.name, context.mode, serving.seed, serving.region
    );
    if prepared.assembled.len() > 1 && args.shared.variants.is_empty() {
        let others = prepared.assembled[1..].iter();
        let others: Vec<&str> = others.map(|one| one.context.name.as_str()).collect();
        let _ = writeln!(
            text,
            "Other variants, with --variant: {}",
            others.join(", ")
        );
    }
    text.push_str("\nModels of the workloads, and the ids that call them:\n");
    for (index, workload) in context.workloads.iter().enumerate() {
        let _ = writeln!(
            text,
            "  {}: {}, {} (latency {}: {})",
            workload.name,
            workload.model_title,
            serving.call_id(index),
            workload.latency_origin,
            workload.latency_source,
        );
    }
    let models = serving.models.len();
    let _ = writeln!(
        text,
        "  and each of the {models} known models in each of its scopes, with its own quota and the \
         answers of `{}`",
        context.workloads[0].name
    );
    text.push_str("\nAssumptions in force:\n");
    for assumption in &context.assumptions {
        let _ = writeln!(
            text,
            "  {} = {}: {}",
            assumption.name, assumption.value, assumption.why
        );
    }
    for warning in &context.warnings {
        let _ = writeln!(text, "warning: {warning}");
    }
    text
}

fn options(args: &ServeArgs) -> Result<Options, Stopped> {
    let mut access_keys = Vec::new();
    for key in &args.access_keys {
        let Some((id, variable)) = key.split_once(':') else {
            talk(
                "error: `--access-key` takes the key's id and the name of an environment variable\n  \
                 help: write it like `--access-key AKIDEXAMPLE:MY_SECRET`, with the secret in \
                 `MY_SECRET`",
            );
            return Err(Exit::Usage);
        };
        access_keys.push(AccessKey {
            id: id.to_owned(),
            secret: secret(variable)?,
            session_token: None,
        });
    }
    if args.verify_signatures && access_keys.is_empty() && args.bearer_tokens.is_empty() {
        access_keys.push(AccessKey {
            id: secret("AWS_ACCESS_KEY_ID")?,
            secret: secret("AWS_SECRET_ACCESS_KEY")?,
            session_token: env::var("AWS_SESSION_TOKEN").ok(),
        });
    }
    let tokens = args.bearer_tokens.iter();
    let bearer_tokens = tokens
        .map(|variable| secret(variable))
        .collect::<Result<_, _>>()?;
    Ok(Options {
        listen: args.listen,
        threads: args.threads,
        verify: args.verify_signatures,
        access_keys,
        bearer_tokens,
        max_body: args.max_body,
        max_header: args.max_header,
        max_connections: args.max_connections,
        header_timeout: args.header_timeout,
        body_timeout: args.body_timeout,
        stall_timeout: args.stall_timeout,
    })
}

/// The value of an environment variable, which no message repeats.
fn secret(variable: &str) -> Result<String, Stopped> {
    match env::var(variable) {
        Ok(value) if !value.is_empty() => Ok(value),
        _ => {
            talk(&format!(
                "error: the environment variable `{}` is not set\n  help: put the secret there; it \
                 is not taken from the command line, where others could read it",
                variable.escape_debug()
            ));
            Err(Exit::Usage)
        }
    }
}

#[cfg(not(unix))]
fn allow_connections(_connections: usize) {}

/// Asks the system for as many descriptors as `connections` need, where it allows them.
#[cfg(unix)]
fn allow_connections(connections: usize) {
    use rustix::process::{Resource, getrlimit, setrlimit};
    // Those of the runtimes, of timers and of the standard streams.
    let wanted = connections as u64 + 100;
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < wanted) {
        limit.current = Some(limit.maximum.map_or(wanted, |most| most.min(wanted)));
        // Where that is refused, connections beyond the limit wait until others end.
        let _ = setrlimit(Resource::Nofile, limit);
    }
}

/// Waits for interruptions.
struct Waiting {
    runtime: Runtime,
    signals: Signals,
}

impl Waiting {
    fn new() -> Result<Self, Stopped> {
        let refused = |error: io::Error| {
            talk(&format!("error: cannot wait for signals: {error}"));
            Exit::Unexpected
        };
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().build().map_err(refused)?;
        let signals = {
            let _guard = runtime.enter();
            Signals::new().map_err(refused)?
        };
        Ok(Self { runtime, signals })
    }

    /// Waits for the first interruption, then until answers have ended or a second one comes.
    fn until_closed(&mut self, server: &Server, grace: Duration, term: Term) -> Exit {
        let Self { runtime, signals } = self;
        runtime.block_on(async {
            signals.next().await;
            if !term.quiet {
                talk("Closing: answers under way may end. Interrupt again to stop at once.");
            }
            server.close(grace);
            let ended = async {
                while !server.has_ended() {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            };
            tokio::select! {
                () = ended => Exit::Met,
                () = signals.next() => Exit::Interrupted,
            }
        })
    }
}

/// The signals that ask a program to end.
#[cfg(unix)]
struct Signals(tokio::signal::unix::Signal, tokio::signal::unix::Signal);

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self(
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        ))
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.0.recv() => {}
            _ = self.1.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "other systems can refuse")]
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}

fn summary(totals: &Totals) -> String {
    format!(
        "Served {} calls: {} throttled, {} with client errors, {} with server errors, {} abandoned. \
         Tokens: {} in, {} read from the cache, {} written to it, {} out.",
        totals.invocations
            + totals.throttles
            + totals.client_errors
            + totals.server_errors
            + totals.abandoned,
        totals.throttles,
        totals.client_errors,
        totals.server_errors,
        totals.abandoned,
        totals.input,
        totals.cache_read,
        totals.cache_write,
        totals.output,
    )
}
