//! A script's new version in its place.
//!
//! Invariant: the new one does nothing on the account before the old one has ended, and the old one ends only once the new one
//! is loaded. Where that fails the old one goes on with all that it has in memory, and has missed nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use runtime::{End, News, Script, ScriptConfig, ScriptOutput};
use sandbox::{LogLevel, Output};
use tokio::time::timeout;

use crate::account::Account;
use crate::script::ScriptPlan;
use crate::supervisor::Supervisor;

/// How long the callback under way may take to return before the new version is loaded. Then it is loaded beside a callback,
/// and what that still writes to the script's folder it may not see.
const REST_WAIT: Duration = Duration::from_secs(10);

/// How long a new version may take to be loaded, whatever its worker says: more than its limits let it.
const LOAD_WAIT: Duration = Duration::from_secs(120);

impl Supervisor {
    /// Puts another version of a script in its place, which goes on where it was. The old one holds still while the new one is
    /// loaded.
    ///
    /// # Errors
    /// Where the new one cannot be loaded: the old one, which goes on, and why. The script's log has it too.
    pub async fn replace(&self, account: &Account, script: Script, by: ScriptPlan) -> Result<Script, (Script, String)> {
        if let Err(why) = by.program.code().await {
            say_why_not(&*by.output, &why);
            return Err((script, why));
        }
        script.hold(true);
        // One that does not come to rest is replaced all the same: that may be what it is replaced for.
        let _ = timeout(REST_WAIT, script.rests()).await;
        let output = Arc::new(TrialOutput { output: by.output, is_on_trial: AtomicBool::new(true) });
        let config = ScriptConfig { is_successor: true, ..by.config };
        let plan = ScriptPlan { config, output: Arc::clone(&output) as _, ..by };
        let started = self.start_scripts(account, vec![plan]).into_iter().next();
        let successor = started.expect("one plan is one script");
        let late = || End::Quarantined(format!("it was not loaded within {} s", LOAD_WAIT.as_secs()));
        if let Err(end) = timeout(LOAD_WAIT, successor.rests()).await.unwrap_or_else(|_| Err(late())) {
            script.hold(false);
            let _ = timeout(REST_WAIT, script.goes_on()).await;
            let why = why_not(end);
            say_why_not(&*output, &why);
            return Err((script, why));
        }
        output.is_on_trial.store(false, Ordering::Relaxed);
        script.stop().await;
        successor.hold(false);
        Ok(successor)
    }
}

/// Says it in the script's log.
fn say_why_not(output: &dyn ScriptOutput, why: &str) {
    output.log(LogLevel::Error, &format!("its new version could not be loaded, and the one before goes on: {why}"));
}

/// Why a version that has ended so is not loaded.
fn why_not(end: End) -> String {
    match end {
        End::LoadFailed(why) | End::Quarantined(why) => why.trim_end().to_owned(),
        End::Exited(code) => format!("it ended itself while it was loaded, with code {code}"),
        End::Stopped => "it was stopped".to_owned(),
    }
}

/// A script's output, which does not hear of the end of a version that has not taken its place.
struct TrialOutput {
    output: Arc<dyn ScriptOutput>,
    is_on_trial: AtomicBool,
}

impl ScriptOutput for TrialOutput {
    fn print(&self, to: Output, text: &str) -> bool {
        self.output.print(to, text)
    }

    fn log(&self, level: LogLevel, text: &str) -> bool {
        self.output.log(level, text)
    }

    fn dropped(&self, bytes: u64) {
        self.output.dropped(bytes);
    }

    fn tell(&self, news: &News) {
        let is_of_trial = matches!(news, News::Ended(_)) && self.is_on_trial.load(Ordering::Relaxed);
        if !is_of_trial {
            self.output.tell(news);
        }
    }
}
