//! One running guest.
//!
//! Invariant: an instance is entered by one call at a time, and never again after a trap, a time-out, a host's panic or a
//! call that was given up half-way: its store is dropped with all it holds.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tgl::{CallError, Event, Outcome, RequestId};
use tokio::sync::OwnedSemaphorePermit;
use wasmtime::component::{ResourceTable, TypedFunc};
use wasmtime::{Store, UpdateDeadline};

use crate::bindings::Script;
use crate::clock::SLICE_TICKS;
use crate::computing::once;
use crate::convert::ToGuest;
use crate::errors::{GuestError, StartError, Trap};
use crate::imports::Guest;
use crate::limits::Limiter;
use crate::meter::Meter;
use crate::outlet::Outlet;
use crate::program::{Inner, StartConfig};
use crate::quota::{self, Handles, Quota};
use crate::sandbox::Shared;
use crate::verdict::verdict;
use crate::wasi;
use tgl::{LimitMeter, Limits};

/// A guest. Its methods are the callbacks; each takes what the contract's function of the same name takes.
///
/// They give [`GuestError::Raised`] where the guest reports an error and lives on, and [`GuestError::Trapped`] where it was
/// stopped: then, and after a call's future was dropped before its end, every further call gives [`Trap::Gone`].
pub struct Instance {
    running: Option<Box<Running>>,
    limits: Limits,
    shared: Arc<Shared>,
    meter: Meter,
    limit_meter: LimitMeter,
    outlet: Outlet,
}

/// What is dropped when the guest is stopped. The slot comes last: it is free again only when the store is gone.
struct Running {
    store: Store<Guest>,
    callbacks: Script,
    load: Option<Load>,
    _slot: OwnedSemaphorePermit,
}

/// The interpreter's `load`: source and path in, the guest's error out.
type Load = TypedFunc<(String, String), (Result<(), String>,)>;

enum Callback<'a> {
    Load { source: String, path: String },
    OurId(i64),
    BinlogReplayEnd,
    GetDifferenceEnd,
    Event(&'a Event),
    Completion(RequestId, &'a Result<Outcome, CallError>),
    Timer,
}

impl Instance {
    pub(crate) async fn start(program: &Inner, config: StartConfig) -> Result<Self, StartError> {
        let shared = Arc::clone(&program.shared);
        let slot =
            Arc::clone(&shared.slots).try_acquire_owned().map_err(|_| StartError::HostFull(shared.instances_max))?;
        let limits = config.limits;
        let is_interpreter = program.load.is_some();
        let (meter, outlet) = (
            Meter::new(config.cpu_used),
            Outlet::new(config.host, &limits, config.limit_meter.clone(), is_interpreter),
        );
        // An interpreter goes to the working folder before it runs a program; other guests stay at the root.
        let files = if is_interpreter { config.files } else { config.files.beginning_at_root() };
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.resources_max);
        let guest = Guest {
            wasi: wasi::context(&files, &config.args, &config.env, &outlet).await?,
            table,
            limiter: Limiter::new(&limits, config.limit_meter.clone()),
            outlet: outlet.clone(),
            quota: Quota::new(&files, outlet.clone(), meter.clone(), config.limit_meter.clone()),
            filesystem: quota::no_folders(),
            handles: Handles::new(limits.open_files_max),
            random_bytes_max: limits.random_bytes_max,
        };
        let mut store = store(&shared, guest, &limits, &meter);
        let set_up = async {
            let instance = program.instance.instantiate_async(&mut store).await?;
            let callbacks = program.callbacks.load(&mut store, &instance)?;
            let load = program.load.as_ref().map(|load| instance.get_typed_func(&mut store, load)).transpose()?;
            Ok((callbacks, load))
        };
        meter.begin(limits.load_ms_max);
        let outcome = contain(&shared, &meter, &limits, pin!(set_up)).await;
        match outcome.and_then(|result| {
            result.map_err(|error| verdict(&error, &mut store, &limits, limits.load_ms_max, is_interpreter))
        }) {
            Ok((callbacks, load)) => {
                let running = Box::new(Running { store, callbacks, load, _slot: slot });
                let limit_meter = config.limit_meter;
                Ok(Self { running: Some(running), limits, shared, meter, limit_meter, outlet })
            }
            Err(trap) => {
                trap.limit(true).into_iter().for_each(|limit| config.limit_meter.reached(limit));
                Err(StartError::Trapped(trap))
            }
        }
    }

    /// Runs a program given as text, for interpreters; `path` is where the guest sees it. The guest's error is the
    /// program's traceback.
    pub async fn load(&mut self, source: &str, path: &str) -> Result<(), GuestError> {
        self.call(Callback::Load { source: source.to_owned(), path: path.to_owned() }).await
    }

    /// Tells which account is logged in.
    pub async fn on_our_id(&mut self, id: i64) -> Result<(), GuestError> {
        self.call(Callback::OurId(id)).await
    }

    /// Tells that what was left from last time has been delivered.
    pub async fn on_binlog_replay_end(&mut self) -> Result<(), GuestError> {
        self.call(Callback::BinlogReplayEnd).await
    }

    /// Tells that what was missed while away has been delivered.
    pub async fn on_get_difference_end(&mut self) -> Result<(), GuestError> {
        self.call(Callback::GetDifferenceEnd).await
    }

    /// Delivers an event, by the callback of its kind.
    pub async fn on_event(&mut self, event: &Event) -> Result<(), GuestError> {
        self.call(Callback::Event(event)).await
    }

    /// Delivers the end of a call.
    pub async fn on_completion(
        &mut self,
        id: RequestId,
        result: &Result<Outcome, CallError>,
    ) -> Result<(), GuestError> {
        self.call(Callback::Completion(id, result)).await
    }

    /// Tells that the moment asked for with `set-timer` has come.
    pub async fn on_timer(&mut self) -> Result<(), GuestError> {
        self.call(Callback::Timer).await
    }

    /// Its linear memory, in bytes; 0 once it has trapped.
    pub fn memory_bytes(&self) -> usize {
        self.running.as_ref().map_or(0, |running| running.store.data().limiter.memory_bytes())
    }

    /// Enters the guest. The store is out of `self` meanwhile, so that it goes with this future if that is dropped.
    async fn call(&mut self, callback: Callback<'_>) -> Result<(), GuestError> {
        let Some(mut running) = self.running.take() else { return Err(GuestError::Trapped(Trap::Gone)) };
        let cpu_ms_max = callback.cpu_ms_max(&self.limits);
        let is_load = matches!(callback, Callback::Load { .. });
        self.meter.begin(cpu_ms_max);
        running.store.set_epoch_deadline(SLICE_TICKS);
        running.store.data_mut().limiter.take_memory_refused();
        let outcome = {
            let call = pin!(dispatch(&mut running, callback));
            contain(&self.shared, &self.meter, &self.limits, call).await
        };
        self.outlet.flush_streams(!matches!(outcome, Ok(Ok(_))));
        let trap = match outcome {
            Ok(Ok(result)) => {
                self.running = Some(running);
                return result.map_err(GuestError::Raised);
            }
            Ok(Err(error)) => {
                let is_interpreter = running.load.is_some();
                verdict(&error, &mut running.store, &self.limits, cpu_ms_max, is_interpreter)
            }
            Err(trap) => trap,
        };
        trap.limit(is_load).into_iter().for_each(|limit| self.limit_meter.reached(limit));
        Err(GuestError::Trapped(trap))
    }
}

impl Callback<'_> {
    fn cpu_ms_max(&self, limits: &Limits) -> u64 {
        match self {
            Callback::Load { .. } => limits.load_ms_max,
            _ => limits.cpu_ms_max,
        }
    }
}

/// A store with all its limits set.
fn store(shared: &Shared, guest: Guest, limits: &Limits, meter: &Meter) -> Store<Guest> {
    let mut store = Store::new(&shared.engine, guest);
    store.limiter(|guest| &mut guest.limiter);
    store.set_hostcall_fuel(limits.host_call_bytes_max);
    // The guest's own handles; twice as many, so that the limit on what they stand for is reached first.
    store.set_max_component_handles(limits.resources_max.saturating_mul(2));
    store.set_epoch_deadline(SLICE_TICKS);
    let meter = meter.clone();
    store.epoch_deadline_callback(move |_| -> wasmtime::Result<UpdateDeadline> { meter.slice_over() });
    store
}

async fn dispatch(running: &mut Running, callback: Callback<'_>) -> wasmtime::Result<Result<(), String>> {
    let Running { store, callbacks, load, .. } = running;
    let guest = callbacks.tgl_script_callbacks();
    match callback {
        Callback::Load { source, path } => match load {
            Some(load) => Ok(load.call_async(store, (source, path)).await?.0),
            None => Ok(Err("this program takes no source".to_owned())),
        },
        Callback::OurId(id) => guest.call_on_our_id(store, id).await,
        Callback::BinlogReplayEnd => guest.call_on_binlog_replay_end(store).await,
        Callback::GetDifferenceEnd => guest.call_on_get_difference_end(store).await,
        Callback::Event(event) => match event {
            Event::Message(message) => guest.call_on_message(store, &message.to_guest()).await,
            Event::UserUpdate { user, what } => {
                guest.call_on_user_update(store, &user.to_guest(), what.to_guest()).await
            }
            Event::ChatUpdate { chat, what } => {
                guest.call_on_chat_update(store, &chat.to_guest(), what.to_guest()).await
            }
            Event::SecretChatUpdate { chat, what } => {
                guest.call_on_secret_chat_update(store, &chat.to_guest(), what.to_guest()).await
            }
        },
        Callback::Completion(id, result) => {
            let (outcome, error);
            let result = match result {
                Ok(value) => {
                    outcome = value.to_guest();
                    Ok(&outcome)
                }
                Err(value) => {
                    error = value.to_guest();
                    Err(&error)
                }
            };
            guest.call_on_completion(store, id, result).await
        }
        Callback::Timer => guest.call_on_timer(store).await,
    }
}

/// Runs guest code: interruptible, measured, within the wall-clock limit, and with panics of host functions caught. The
/// future stays where it is: it is large, and most callbacks end within its first turn.
async fn contain<T>(
    shared: &Shared,
    meter: &Meter,
    limits: &Limits,
    mut call: Pin<&mut impl Future<Output = wasmtime::Result<T>>>,
) -> Result<wasmtime::Result<T>, Trap> {
    let _ticking = shared.ticker.run();
    let mut turn = pin!(poll_fn(|context| {
        let poll = catch_unwind(AssertUnwindSafe(|| meter.measure(|| call.as_mut().poll(context))));
        poll.map_or(Poll::Ready(Err(Trap::HostFault)), |poll| poll.map(Ok))
    }));
    if let Poll::Ready(result) = once(turn.as_mut()).await {
        return result;
    }
    let ms_max = limits.wall_ms_max;
    let rest = shared.computing.finish(meter, turn);
    tokio::time::timeout(Duration::from_millis(ms_max), rest).await.unwrap_or(Err(Trap::WallTime { ms_max }))
}
