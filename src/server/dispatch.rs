//! One request from head to reply, in six steps: route, decide, read, handle, reshape, finish.
//!
//! All steps but reading are calls of pure functions; what is left here is the order, the locks and the waiting. Locks
//! are held for a call and never across an await.

use std::sync::Arc;
use std::time::Duration;

use http::header::HeaderName;
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use hyper::body::Incoming;
use hyper::{Request, Response};
use tokio::time::sleep;

use super::admission::{Asker, Refusal, expired_token, name_of, refuse};
use super::body::Outgoing;
use super::connection::{Link, Open, RequestLimit, Takeover};
use super::controlled::Answered;
use super::derive::{Derived, derive};
use super::intake::Intake;
use super::plan::{Happening, Plan, Planned};
use super::record::{answer, decided, ending, misfit, parts_left_out};
use super::route::Route;
use super::socket::Meter;
use super::worlds::{Chosen, UnknownWorld};
use super::{Shell, controlled, errand, forget, proxy};
use crate::chance::{Identity, Roll};
use crate::content::Content;
use crate::digest::{Witness, Witnessed};
use crate::journal::{ActionRecord, Answer, Begun, Ended, Entry, Said};
use crate::message::{BodyError, BodyPlan, Context, Head, Query, Received, Reply, Version};
use crate::operation::{Names, Operation};
use crate::scenario::{
    self, Action, Apply, ContinueMode, Decision, ErrorAnswer, Facts, KeepAliveLimits, MayFire, Staleness,
    Then, Trace,
};
use crate::signature::{AuthMode, Verdict};
use crate::store::{Change, Lag, Look, Store};
use crate::tally::Finished;
use crate::wire::head::{self, Connection, Framing, Line};
use crate::wire::reshape::{At, Modifier, reshape};
use crate::wire::script::{End, Moment, Pace, Script, Step};
use crate::world::{State, World};

/// The body of a refused request that is read before the answer, so that the connection can be used again.
const READ_WHEN_REFUSED_BYTES: u64 = 64 << 10;

/// How long the body of a request may pause, when nothing else is said.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// Answers a request.
///
/// # Errors
/// A script, when the answer is not one that hyper would give.
pub(super) async fn exchange(
    shell: &Arc<Shell>,
    link: &Arc<Link>,
    meter: &Arc<Meter>,
    request: Request<Incoming>,
) -> Result<Response<Outgoing>, Takeover> {
    let (parts, body) = request.into_parts();
    let head = head_of(parts);
    let number = link.next_request();
    if controlled::is_meant(&head, link.role, shell) {
        let reply = match controlled::answer(&head, body, shell).await {
            Answered::Reply(reply) => reply,
            Answered::Events(events) => {
                let mut response = Response::new(Outgoing::events(events, meter.clone()));
                let headers = response.headers_mut();
                headers.insert("content-type", HeaderValue::from_static("text/event-stream"));
                headers.insert("cache-control", HeaderValue::from_static("no-store"));
                return Ok(response);
            }
        };
        let framing = framing(&head, true, number, link, shell, None);
        let lines = head::lines(&reply, &framing);
        return Ok(honest(reply.status, lines, framing.body_of(&reply), shell, meter));
    }
    let bucket = || {
        let world = shell.world();
        match Route::find(&head, &world.account) {
            Route::Cos(Ok(target)) => Some(target.bucket),
            _ => None,
        }
    };
    let chosen = shell.worlds().choose(&head, link.claimed.as_deref(), bucket);
    let Chosen { world, stop } = match chosen {
        Ok(chosen) => chosen,
        Err(UnknownWorld(id)) => {
            let reason = format!("there is no scenario \"{id}\"");
            let refused = proxy::Refused { status: 421, reason: &reason };
            return Ok(proxy::refuse(shell, &shell.world(), link, meter, &head, number, refused));
        }
    };
    match proxy::Asked::of(&head, link, &world.account) {
        proxy::Asked::Usual => {}
        proxy::Asked::Tunnel => return Err(proxy::tunnel(link)),
        proxy::Asked::TunnelInTls => {
            let reason = "a tunnel within TLS is not emulated: speak plain http to the proxy";
            let refused = proxy::Refused { status: 501, reason };
            return Ok(proxy::refuse(shell, &world, link, meter, &head, number, refused));
        }
        proxy::Asked::Elsewhere => {
            let host = head.host();
            let reason =
                format!("{host} is no host of COS or CAS: the proxy refuses it, and connects to nobody");
            let refused = proxy::Refused { status: 403, reason: &reason };
            return Ok(proxy::refuse(shell, &world, link, meter, &head, number, refused));
        }
    }
    link.belongs_to(stop);
    let exchange = Arrived::new(shell, link, world, head, number);
    let patience = shell.config.body_timeout.or(exchange.world.scenario.server.body_timeout);
    let patience = patience.unwrap_or(BODY_TIMEOUT);
    let intake = Intake::new(
        body,
        exchange.head.content_length(),
        patience,
        shell.memory.clone(),
        shell.lanes.clone(),
    );
    exchange.run(intake, meter).await
}

fn head_of(parts: Parts) -> Head {
    let uri = &parts.uri;
    let path = match uri.path() {
        "" => "/",
        path => path,
    };
    Head {
        version: if parts.version == http::Version::HTTP_10 { Version::Http10 } else { Version::Http11 },
        authority: uri.authority().map(|authority| authority.as_str().to_owned()),
        path: path.to_owned(),
        query: Query::parse(uri.query().unwrap_or("")),
        method: parts.method,
        headers: parts.headers,
    }
}

/// A request that was routed and decided on.
struct Arrived<'a> {
    shell: &'a Arc<Shell>,
    link: &'a Arc<Link>,
    world: Arc<World>,
    head: Head,
    route: Route,
    names: Names,
    refusal: Option<Refusal>,
    asker: Asker,
    decision: Decision,
    identity: Identity,
    /// The number of the request on its connection.
    number: u64,
    /// The number of the journal's entry.
    n: u64,
    /// When the head was complete.
    began: Duration,
    /// How many bytes of its body the attempt before had sent.
    earlier_bytes: Option<u64>,
}

/// What has become of an exchange so far.
struct Progress {
    /// The actions that took effect, each with the index of its rule.
    reached: Vec<(usize, ActionRecord)>,
    received_bytes: u64,
    witnessed: Option<Witnessed>,
    /// Whether nothing of the request is left to be read.
    read_whole: bool,
    applied: bool,
    /// A header of the request that does not fit its body.
    misfit: Option<&'static str>,
    /// How many stored parts a completion left out.
    parts_left_out: usize,
    /// What became of the signature, where that was not known from the head.
    signature: Option<&'static str>,
}

/// How an exchange goes out.
enum Fate {
    /// With the answer of the service. Rules may still act on it.
    Reply(Reply),
    /// With an answer that a rule gives in its place.
    Instead(Reply),
    /// With this answer as it is: the body failed before rules could act on an answer.
    Failure(Reply),
    /// Without an answer.
    Script(Script),
}

impl<'a> Arrived<'a> {
    /// Routes a request, checks its signature, and decides which rules act on it.
    fn new(shell: &'a Arc<Shell>, link: &'a Arc<Link>, world: Arc<World>, head: Head, number: u64) -> Self {
        let began = shell.uptime();
        let route = Route::find(&head, &world.account);
        let verdict = route.verify(&head, &world);
        let asker = Asker::of(&verdict, head.access_key_id(), &world);
        let now = world.now();
        let elapsed = world.elapsed(began);
        let (service, operation) = (route.service(), route.operation());
        let mut names = route.names(&head);
        let logical = scenario::logical_request(service, operation, &names, &head);
        let entry = world.keeps_journal.then(|| {
            let said = Said::of(&head, &names, service, operation);
            let mut entry = Entry::new(said, link.number, number, now);
            entry.span = (began, began);
            entry
        });

        // As little as can be is done under the lock, which every request takes.
        let mut locked = world.state();
        let state = &mut *locked;
        let errands = errand::settle(state, &world, now);
        names.part = route.part(&names, &head, &state.store, now);
        let span = route.span(&head, &state.store, now);
        let facts = Facts {
            service,
            operation,
            names: &names,
            head: &head,
            logical,
            connection: link.number,
            request: number,
            tls: link.tls,
            state: state.phases.arrive(world.scenario.states.as_ref(), elapsed),
            span: &span,
        };
        let signature = name_of(&verdict);
        let refusal = match verdict {
            Verdict::Refused(refusal) => Some(Refusal::Signature(refusal)),
            verdict => refuse(&verdict, &facts, &world, &mut state.uses, &mut state.limiter, elapsed),
        };
        let mut context = Context {
            now,
            // Nothing is made yet that would need ids.
            identity: Identity::new(world.seed, logical, 0),
            account: &world.account,
            requester: asker.requester(),
            enforced: world.auth == AuthMode::Strict,
        };
        let refusal = refusal.or_else(|| {
            let denied = route.authorise(&head, &state.store, &context).err()?;
            Some(Refusal::Denied(denied))
        });
        let may_fire = if refusal.is_some() { MayFire::No } else { MayFire::Yes };
        let (rules, counters) = (&world.scenario.rules, &mut state.counters);
        let decision = scenario::decide(rules, &world.index, counters, world.seed, &facts, elapsed, may_fire);
        if let Some(expect) = &world.scenario.expect {
            scenario::count_expected(&expect.requests, counters, &facts, decision.attempt);
        }
        let identity = Identity::new(world.seed, decision.request, decision.arrival);
        // Begun under the lock of the decision, so that the entries are in the order of the matches.
        let begun = entry.map(|mut entry| {
            context.identity = identity;
            decided(&mut entry, &facts, &decision, rules);
            let notes = route.notes(&head);
            if !notes.is_empty() {
                entry.details().notes.extend(notes);
            }
            entry.signature = Some(match (&refusal, signature) {
                (Some(Refusal::Signature(refusal)), _) => {
                    route.refuse_signature(refusal, &head, &context).code.unwrap_or_default()
                }
                (Some(Refusal::Answer(answer)), _) if answer.code == expired_token(service) => {
                    expired_token(service).into()
                }
                (_, signature) => signature.unwrap_or_default().into(),
            });
            state.journal.begin(entry)
        });
        let Begun { n, earlier_bytes } = begun.unwrap_or_else(|| state.journal.pass());
        drop(locked);
        if !errands.is_empty() {
            errand::run(shell, &world, errands);
        }
        Arrived {
            shell,
            link,
            world: world.clone(),
            head,
            route,
            names,
            refusal,
            asker,
            decision,
            identity,
            number,
            n,
            began,
            earlier_bytes,
        }
    }

    fn context(&self) -> Context<'_> {
        self.context_of(&self.asker)
    }

    fn context_of<'b>(&'b self, asker: &'b Asker) -> Context<'b> {
        Context {
            now: self.world.now(),
            identity: self.identity,
            account: &self.world.account,
            requester: asker.requester(),
            enforced: self.world.auth == AuthMode::Strict,
        }
    }

    /// Reads, handles, reshapes and finishes.
    async fn run(self, intake: Intake, meter: &Arc<Meter>) -> Result<Response<Outgoing>, Takeover> {
        let mut progress = Progress {
            reached: Vec::new(),
            received_bytes: 0,
            witnessed: None,
            read_whole: !self.head.announces_body(),
            applied: false,
            misfit: None,
            parts_left_out: 0,
            signature: None,
        };
        let plan = Plan::new(&self.decision, &self.world.scenario.rules, self.world.seed);
        let mut fate = self.fate(&plan, intake, meter, &mut progress).await;
        if let Fate::Reply(reply) | Fate::Failure(reply) = &mut fate {
            self.route.allow_origin(reply, &self.head, &self.world);
        }
        if let Some(latency) = &self.world.scenario.server.latency
            && !matches!(fate, Fate::Script(_))
        {
            let Decision { request, arrival, .. } = self.decision;
            let roll = Roll::new(self.world.seed, "server.latency", request, arrival, 0);
            sleep(scenario::amount(latency, roll)).await;
        }
        self.finish(fate, &plan, progress, meter)
    }

    /// Everything up to the first byte of the answer.
    async fn fate(
        &self,
        plan: &Plan<'_>,
        mut intake: Intake,
        meter: &Meter,
        progress: &mut Progress,
    ) -> Fate {
        if let Some(fate) = self.happen(&plan.head, progress).await {
            return fate;
        }
        let admitted = match &self.refusal {
            Some(Refusal::Signature(refusal)) => {
                Err(self.route.refuse_signature(refusal, &self.head, &self.context()))
            }
            Some(Refusal::Answer(answer)) => Err(self.route.error(answer, &self.head, &self.context())),
            Some(Refusal::Denied(denial)) => Err(denial.reply(&self.head, &self.context())),
            None => self.route.admit(&self.head, &self.world.state().store, &self.context()),
        };
        let reply = match admitted {
            Ok(body_plan) => {
                if let Some(fate) = self.continue_100(plan, meter, progress).await {
                    return fate;
                }
                intake.follow(body_plan);
                if self.world.keeps_journal {
                    intake.observe(self.earlier_bytes.map_or_else(Witness::default, Witness::comparing_at));
                }
                if self.head.announces_body() {
                    plan.paces.iter().for_each(|(planned, _)| progress.reach(planned, None));
                    let asked = body_plan.bytes_per_second.map(Pace::throttle);
                    intake.slow_down(plan.paces.iter().map(|(_, pace)| *pace).chain(asked).collect());
                }
                match self.read(plan, intake, progress).await {
                    Ok(received) => {
                        progress.misfit = misfit(&self.head, &received);
                        let (world, context) = (&self.world, self.context());
                        match derive(&self.route, &self.head, received, world, &self.asker, context).await {
                            Ok(Derived { body, asker, signature }) => {
                                progress.signature = signature;
                                self.handle(plan, &body, &asker, progress)
                            }
                            Err(reply) => reply,
                        }
                    }
                    Err(fate) => return fate,
                }
            }
            Err(reply) => {
                self.read_refused(intake, progress).await;
                reply
            }
        };
        self.happen(&plan.reply, progress).await.unwrap_or(Fate::Reply(reply))
    }

    /// Does with `Expect: 100-continue` what a rule says. Returns how the exchange goes out if that is decided thereby.
    async fn continue_100(&self, plan: &Plan<'_>, meter: &Meter, progress: &mut Progress) -> Option<Fate> {
        let (planned, mode) = plan.continue_100.as_ref().filter(|_| self.head.expects_continue())?;
        progress.reach(planned, None);
        match mode {
            ContinueMode::Never => meter.continue_times(0),
            ContinueMode::Late(after) => sleep(*after).await,
            ContinueMode::Twice => meter.continue_times(2),
            ContinueMode::Refused => {
                let refused = ErrorAnswer {
                    status: Some(417),
                    message: Some("The expectation given in the Expect header cannot be met.".to_owned()),
                    ..ErrorAnswer::of("ExpectationFailed")
                };
                return Some(self.instead_error(&refused));
            }
        }
        None
    }

    /// Lets happen what happens at one moment. Returns how the exchange goes out if that is decided thereby.
    async fn happen(&self, moment: &[(Planned<'_>, Happening<'_>)], progress: &mut Progress) -> Option<Fate> {
        for (planned, happening) in moment {
            progress.reach(planned, None);
            match happening {
                Happening::Moment(Moment::Wait(time)) => sleep(*time).await,
                Happening::Moment(moment) => return Some(Fate::Script(Script::of(*moment))),
                Happening::Answer(action) => return Some(self.instead(action)),
            }
        }
        None
    }

    /// Takes the body, with what happens at places of it.
    ///
    /// # Errors
    /// How the exchange goes out when the body is not read to its end.
    async fn read(
        &self,
        plan: &Plan<'_>,
        mut intake: Intake,
        progress: &mut Progress,
    ) -> Result<Received, Fate> {
        let length =
            if self.head.is_chunked() { None } else { Some(self.head.content_length().unwrap_or(0)) };
        let places = plan.upload_places(length);
        let taken = self.take(&places, &mut intake, progress).await;
        progress.received_bytes = intake.taken();
        progress.witnessed = intake.witnessed();
        match taken {
            Ok(None) => {
                progress.read_whole = true;
                let received = intake.finish().await;
                received.map_err(|error| {
                    Fate::Failure(self.route.refuse_body(error, &self.head, &self.context()))
                })
            }
            // An ending before hyper was asked for the body comes behind `100 Continue` all the same.
            Ok(Some(Fate::Script(script))) if self.head.expects_continue() && !intake.was_asked() => {
                let times = match plan.continue_100 {
                    Some((_, ContinueMode::Never)) => 0,
                    Some((_, ContinueMode::Twice)) => 2,
                    _ => 1,
                };
                Err(Fate::Script(script.after(head::CONTINUE.repeat(times).into())))
            }
            Ok(Some(fate)) => Err(fate),
            Err(error) => Err(Fate::Failure(self.route.refuse_body(error, &self.head, &self.context()))),
        }
    }

    /// Takes the body up to each place where something happens, then to its end. Returns how the exchange goes out
    /// if that is decided at one of the places.
    ///
    /// # Errors
    /// When the body does not arrive whole.
    async fn take(
        &self,
        places: &[(Planned<'_>, Happening<'_>, u64)],
        intake: &mut Intake,
        progress: &mut Progress,
    ) -> Result<Option<Fate>, BodyError> {
        for (planned, happening, offset) in places {
            if !intake.take_until(*offset).await? {
                // The body was shorter than the place: nothing happens there or behind it.
                return Ok(None);
            }
            progress.reach(planned, Some(*offset));
            match happening {
                Happening::Moment(Moment::Wait(time)) => {
                    intake.ask().await?;
                    sleep(*time).await;
                }
                Happening::Moment(moment) => return Ok(Some(Fate::Script(Script::of(*moment)))),
                Happening::Answer(action) => return Ok(Some(self.instead(action))),
            }
        }
        intake.take_until(u64::MAX).await?;
        Ok(None)
    }

    /// Reads the body of a request that was refused by its head, if it is small and on its way.
    async fn read_refused(&self, mut intake: Intake, progress: &mut Progress) {
        let small = self.head.content_length().is_some_and(|length| length <= READ_WHEN_REFUSED_BYTES);
        if !progress.read_whole && small && !self.head.expects_continue() {
            intake.follow(BodyPlan::IGNORED);
            progress.read_whole = intake.take_until(u64::MAX).await.is_ok();
            progress.received_bytes = intake.taken();
        }
    }

    /// What a rule does in the place of the service's answer.
    fn instead(&self, action: &Action) -> Fate {
        match action {
            Action::Error(asked) => self.instead_error(asked),
            Action::ErrorIn200(late) => {
                let asked = ErrorAnswer { status: Some(200), ..ErrorAnswer::of(&late.code) };
                self.instead_error(&asked)
            }
            Action::Redirect { to, status } => {
                let Head { path, query, .. } = &self.head;
                let query = if query.raw().is_empty() { String::new() } else { format!("?{}", query.raw()) };
                let location = HeaderValue::try_from(format!("{to}{path}{query}"))
                    .expect("a host and a target have the characters of a header value");
                let code = if *status == 301 { "PermanentRedirect" } else { "TemporaryRedirect" };
                self.instead_error(&ErrorAnswer {
                    status: Some(*status),
                    message: Some(format!("Please send the request to {to}.")),
                    headers: vec![("Location".to_owned(), Some(location))],
                    ..ErrorAnswer::of(code)
                })
            }
            Action::Respond(response) => {
                let headers =
                    response.headers.iter().map(|(name, value)| (name.clone().into(), value.clone()));
                let headers = headers.collect();
                Fate::Instead(Reply {
                    headers,
                    ..Reply::new(response.status).with_body(response.body.clone())
                })
            }
            Action::Raw { bytes, then } => {
                let moment = match then {
                    Then::Stall => Moment::StallForever,
                    Then::Reset => Moment::WaitThen(Duration::ZERO, End::Reset),
                    Then::Close | Then::Continue => Moment::WaitThen(Duration::ZERO, End::Close),
                };
                Fate::Script(Script::of(moment).after(bytes.clone()))
            }
            other => unreachable!("{} is no answer", other.name()),
        }
    }

    /// An error in the place of the service's answer.
    fn instead_error(&self, asked: &ErrorAnswer) -> Fate {
        let mut reply = self.route.error(asked, &self.head, &self.context());
        self.route.allow_origin(&mut reply, &self.head, &self.world);
        Fate::Instead(reply)
    }

    /// Lets the service answer, and changes the store as far as the rules let it.
    fn handle(&self, plan: &Plan<'_>, received: &Received, asker: &Asker, progress: &mut Progress) -> Reply {
        let context = self.context_of(asker);
        let elapsed = self.world.elapsed(self.shell.uptime());
        let mut state = self.world.state();
        let mut errands = errand::settle(&mut state, &self.world, context.now);
        let State { store, veils, journal, .. } = &mut *state;
        let see = |store: &Store| self.route.handle(&self.head, received, store, &context);
        let mut outcome = match self.look() {
            Some(look) => veils.look(store, look, elapsed, see),
            None => see(store),
        };
        let mut changes = outcome.changes.clone();
        progress.parts_left_out = changes.iter().map(|change| parts_left_out(change, store)).sum();
        if plan.applies() {
            progress.applied = outcome.reply.is_success();
            let (reads, lists) = self.lags(plan, elapsed);
            if (reads, lists) != (Lag::None, Lag::None)
                && veils.cast(store, &outcome.changes, reads, lists)
                && let Some((planned, _)) = &plan.stale
            {
                progress.reach(planned, None);
            }
            outcome.changes.into_iter().for_each(|change| store.apply(change));
        }
        if plan.apply == Apply::Twice {
            let again = Context { identity: self.identity.again(), ..context };
            outcome = self.route.handle(&self.head, received, store, &again);
            changes.extend(outcome.changes.iter().cloned());
            outcome.changes.into_iter().for_each(|change| store.apply(change));
        }
        for (planned, what) in &plan.forgets {
            let forgotten = forget::changes(*what, &self.names, &changes, store, context.now);
            if !forgotten.is_empty() {
                progress.reach(planned, None);
            }
            forgotten.into_iter().for_each(|change| store.apply(change));
        }
        for change in changes.iter().filter(|_| plan.applies()) {
            if let Change::CreateJob { id, .. } = change {
                journal.starts_job(id.clone(), self.n);
            }
        }
        errands.extend(errand::settle(&mut state, &self.world, context.now));
        let is_busy = state.store.due().is_some() || !errands.is_empty();
        drop(state);
        if is_busy {
            errand::run(self.shell, &self.world, errands);
        }
        outcome.reply
    }

    /// What the request looks at, if it can be shown an earlier state of it.
    fn look(&self) -> Option<Look<'_>> {
        let (bucket, key) = (self.names.bucket.as_deref()?, self.names.key.as_deref());
        match self.route.operation()? {
            Operation::GetObject | Operation::HeadObject => Some(Look::Read(bucket, key?)),
            Operation::ListObjects | Operation::ListVersions => Some(Look::List(bucket)),
            _ => None,
        }
    }

    /// Until when this write is not seen by reads and by lists.
    fn lags(&self, plan: &Plan<'_>, elapsed: Duration) -> (Lag, Lag) {
        match (&plan.stale, &self.world.scenario.server.consistency) {
            (Some((_, Staleness::Reads(reads))), _) => (Lag::Looks(*reads), Lag::Looks(*reads)),
            (Some((_, Staleness::For(time))), _) => {
                (Lag::Until(elapsed + *time), Lag::Until(elapsed + *time))
            }
            (None, None) => (Lag::None, Lag::None),
            (None, Some(consistency)) => {
                let reads = match consistency.read_lag_reads.0 {
                    0 => Lag::None,
                    reads => Lag::Looks(reads),
                };
                let lists = match consistency.list_lag {
                    Duration::ZERO => Lag::None,
                    lag => Lag::Until(elapsed + lag),
                };
                (reads, lists)
            }
        }
    }

    /// Gives the answer to hyper, or makes a script of it; and completes the journal before the first byte goes out.
    fn finish(
        &self,
        fate: Fate,
        plan: &Plan<'_>,
        mut progress: Progress,
        meter: &Arc<Meter>,
    ) -> Result<Response<Outgoing>, Takeover> {
        let can_be_kept = progress.read_whole && !matches!(fate, Fate::Failure(_));
        let limits = self.world.scenario.server.keep_alive.as_ref();
        let framing = framing(&self.head, can_be_kept, self.number, self.link, self.shell, limits);
        let (reply, by_hyper) = match fate {
            Fate::Script(script) => {
                self.complete(None, ending(&script), 0, progress, meter);
                return Err(Takeover(script));
            }
            Fate::Reply(reply) => {
                let by_hyper = !plan.touches_the_wire() && reply.bytes_per_second.is_none();
                (reply, by_hyper)
            }
            Fate::Failure(reply) => (reply, true),
            Fate::Instead(reply) => (reply, false),
        };
        // hyper ends a connection only where the answer says so.
        if by_hyper && framing.kept == framing.connection {
            let ended = match framing.kept {
                Connection::KeepAlive => Ended::KeepAlive,
                Connection::Close => Ended::Close,
            };
            let (lines, body) = (head::lines(&reply, &framing), framing.body_of(&reply));
            let head_len = head::encoded_len(framing.version, reply.status, &lines);
            self.complete(Some(answer(&reply, body.len(), &framing)), Some(ended), head_len, progress, meter);
            return Ok(honest(reply.status, lines, body, self.shell, meter));
        }
        let mut answer = answer(&reply, 0, &framing);
        let script = self.reshape(reply, &framing, plan, &mut progress);
        answer.bytes = script.body_len();
        let head_len = match script.steps.first() {
            Some(Step::Write(head)) => {
                // A rule may announce another thing than what was meant.
                let lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
                answer.announces_close =
                    lines.into_iter().any(|line| line.eq_ignore_ascii_case(b"connection: close"));
                head.len() as u64
            }
            _ => 0,
        };
        self.complete(Some(answer), ending(&script), head_len, progress, meter);
        Err(Takeover(script))
    }

    /// Applies the modifiers to an answer and plays in what happens within and behind it.
    fn reshape(&self, reply: Reply, framing: &Framing, plan: &Plan<'_>, progress: &mut Progress) -> Script {
        let rules = &self.world.scenario.rules;
        // An error under status 200 is an answer that is reshaped itself.
        let late = plan.reply.iter().map(|(planned, _)| planned);
        let late = late.filter(|planned| matches!(planned.action, Action::ErrorIn200(_)));
        let modifiers = plan.modifiers.iter().chain(late).map(|planned| Modifier {
            action: planned.action,
            roll: planned.trace.roll(self.world.seed, rules, planned.index),
        });
        let download: Vec<At> = plan.download.iter().map(|(_, at)| *at).collect();
        let done: Vec<Moment> = plan.done.iter().map(|(_, moment)| *moment).collect();
        let reshaped = reshape(reply, framing, modifiers.collect(), &download, &done);

        for (planned, _) in plan.modifiers.iter().zip(&reshaped.modifiers).filter(|(_, worked)| **worked) {
            progress.reach(planned, None);
        }
        for ((planned, _), reached) in plan.download.iter().zip(&reshaped.download) {
            if let Some(offset) = reached {
                progress.reach(planned, Some(*offset));
            }
        }
        for ((planned, _), _) in plan.done.iter().zip(&reshaped.done).filter(|(_, reached)| **reached) {
            progress.reach(planned, None);
        }
        reshaped.script
    }

    /// Takes back the firings of what was not reached, starts the attempts again after an undisturbed success, and
    /// completes the entry of the journal.
    fn complete(
        &self,
        answer: Option<Answer>,
        ended: Option<Ended>,
        head_len: u64,
        progress: Progress,
        meter: &Meter,
    ) {
        let fired = self.decision.fired();
        let unreached: Vec<&Trace> = fired.filter(|trace| !progress.has_reached(trace.rule)).collect();
        let succeeded =
            progress.reached.is_empty() && answer.as_ref().is_some_and(|answer| answer.status < 400);
        let goto =
            progress.reached.iter().find_map(|(rule, _)| self.world.scenario.rules[*rule].goto.as_deref());
        let over = self.shell.uptime();
        let mut state = self.world.state();
        if let Some(goto) = goto {
            state.phases.go_to(goto, self.world.elapsed(over));
        }
        unreached.iter().for_each(|trace| state.counters.retract(trace));
        let actions: Vec<_> = progress.reached.iter().map(|(rule, record)| (*rule, record.action)).collect();
        state.tally.add(&Finished {
            service: self.route.service(),
            operation: self.route.operation(),
            status: answer.as_ref().map(|answer| answer.status),
            actions: &actions,
            took: over.saturating_sub(self.began),
            received_bytes: progress.received_bytes,
            sent_bytes: answer.as_ref().map_or(0, |answer| answer.bytes),
        });
        if succeeded {
            state.counters.succeeded(self.decision.request);
        } else if progress.received_bytes > 0 {
            state.journal.expect_another(self.n);
        }
        state.journal.update(self.n, |entry| {
            let mut prefix = None;
            entry.received.bytes = progress.received_bytes;
            if let Some(witnessed) = progress.witnessed {
                entry.received.sha256 = Some(witnessed.sha256);
                prefix = witnessed.prefix;
            }
            entry.span = (self.began, over);
            entry.applied = progress.applied;
            if let Some(signature) = progress.signature {
                entry.signature = Some(signature.into());
            }
            entry.answer = answer;
            entry.ended = ended;
            if progress.misfit.is_some() || progress.parts_left_out > 0 || prefix.is_some() {
                let details = entry.details();
                details.misfit = progress.misfit;
                details.parts_left_out = progress.parts_left_out;
                details.prefix = prefix;
            }
            if !progress.reached.is_empty() {
                entry.details().actions = progress.reached.into_iter().map(|(_, record)| record).collect();
            }
            for trace in unreached {
                let details = entry.details();
                let id = &self.world.scenario.rules[trace.rule].id;
                if let Some(record) = details.rules.iter_mut().find(|record| record.id == *id) {
                    record.outcome = "not-reached";
                    record.firing = None;
                }
                let note = format!("{id}: not reached: there was no such place, or nothing to work on");
                details.notes.push(note);
            }
        });
        drop(state);
        let open = Open {
            world: self.world.clone(),
            n: self.n,
            sent_before: meter.sent(),
            head_len,
            started: self.shell.started,
            completed: over,
        };
        self.link.answering(open);
    }
}

impl Progress {
    /// An action takes effect.
    fn reach(&mut self, planned: &Planned<'_>, offset: Option<u64>) {
        self.reached.push((planned.trace.rule, planned.record(offset)));
    }

    fn has_reached(&self, rule: usize) -> bool {
        self.reached.iter().any(|(reached, _)| *reached == rule)
    }
}

/// What an answer says about its connection, and what is done with it.
pub(super) fn framing(
    head: &Head,
    can_be_kept: bool,
    number: u64,
    link: &Link,
    shell: &Shell,
    limits: Option<&KeepAliveLimits>,
) -> Framing {
    let mut connection = Connection::Close;
    let mut kept = Connection::Close;
    let can_be_kept = can_be_kept && !shell.stop.is_cancelled();
    if can_be_kept && head.wants_keep_alive() {
        let own = limits.and_then(|limits| {
            let count = u64::from(limits.max_requests.as_ref()?.0);
            Some(RequestLimit { count, announce: limits.announce })
        });
        // The limit that is reached first ends the connection.
        let reached = [own, link.limit].into_iter().flatten().filter(|limit| limit.count <= number);
        (connection, kept) = match reached.min_by_key(|limit| limit.count) {
            None => (Connection::KeepAlive, Connection::KeepAlive),
            Some(limit) if limit.announce => (Connection::Close, Connection::Close),
            Some(_) => (Connection::KeepAlive, Connection::Close),
        };
    }
    Framing { kept, can_be_kept, ..Framing::new(&head.method, head.version, connection) }
}

/// An answer as hyper takes it.
pub(super) fn honest(
    status: u16,
    lines: Vec<Line>,
    body: Content,
    shell: &Shell,
    meter: &Arc<Meter>,
) -> Response<Outgoing> {
    let mut response = Response::new(Outgoing::new(body, meter.clone()));
    *response.status_mut() = StatusCode::from_u16(status).expect("the tables have valid statuses");
    *response.extensions_mut() = shell.spelling.clone();
    for (name, value) in lines {
        let name =
            HeaderName::from_bytes(name.as_bytes()).expect("it is a name of ours or came from a header");
        response.headers_mut().append(name, value);
    }
    response
}
