//! A script's new version in its place.
//!
//! Invariant: the new one does nothing on the account before the old one has ended, and the old one ends only once the new one
//! is loaded, if it has a guest. Where that fails the old one goes on with all that it has in memory, and has missed nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use runtime::{End, News, Phase, Script, ScriptConfig, ScriptOutput};
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

/// What of a script is new in its new version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum New {
    /// Its code, or what that imports.
    Code,
    /// Its settings alone.
    Settings,
}

impl Supervisor {
    /// Puts another version of a script in its place, which goes on where it was. The old one holds still while the new one is
    /// loaded. One that has crashed and has no guest is started anew where its code is the same: its new settings hold for the
    /// next start, whatever comes of that.
    ///
    /// # Errors
    /// Where the new one cannot be loaded: the old one, which goes on, and why. The script's log has it too.
    pub async fn replace(
        &self,
        account: &Account,
        script: Script,
        by: ScriptPlan,
        new: New,
    ) -> Result<Script, (Script, String)> {
        if let Err(why) = by.program.code().await {
            say_why_not(&*by.output, &why, GOES_ON);
            return Err((script, why));
        }
        script.hold(true);
        // One that does not come to rest is replaced all the same: that may be what it is replaced for.
        let _ = timeout(REST_WAIT, script.rests()).await;
        if new == New::Settings && script.status().borrow().phase == Phase::BackingOff {
            script.stop().await;
            return Ok(self.start_script(account, by));
        }
        let said_to = Arc::clone(&by.output);
        match self.load_beside(account, by).await {
            Ok((successor, output)) => {
                output.is_on_trial.store(false, Ordering::Relaxed);
                script.stop().await;
                successor.hold(false);
                Ok(successor)
            }
            Err(why) => {
                script.hold(false);
                let _ = timeout(REST_WAIT, script.goes_on()).await;
                say_why_not(&*said_to, &why, GOES_ON);
                Err((script, why))
            }
        }
    }

    /// Loads a script that does not run, to see whether it can be, and does nothing more with it.
    ///
    /// # Errors
    /// Where it cannot be loaded, and why. The script's log has it too.
    pub async fn try_out(&self, account: &Account, plan: ScriptPlan) -> Result<(), String> {
        let said_to = Arc::clone(&plan.output);
        let tried = self.load_beside(account, plan).await;
        let (tried, _) = tried.inspect_err(|why| say_why_not(&*said_to, why, STAYS))?;
        tried.stop().await;
        Ok(())
    }

    /// Loads a script that does nothing on its account until it is held no more. An error says why it is not loaded.
    async fn load_beside(&self, account: &Account, plan: ScriptPlan) -> Result<(Script, Arc<TrialOutput>), String> {
        plan.program.code().await?;
        let output = Arc::new(TrialOutput { output: plan.output, is_on_trial: AtomicBool::new(true) });
        let config = ScriptConfig { is_successor: true, ..plan.config };
        let successor = self.start_script(account, ScriptPlan { config, output: Arc::clone(&output) as _, ..plan });
        let late = || End::Quarantined(format!("it was not loaded within {} s", LOAD_WAIT.as_secs()));
        match timeout(LOAD_WAIT, successor.rests()).await.unwrap_or_else(|_| Err(late())) {
            Ok(()) => Ok((successor, output)),
            Err(end) => Err(why_not(end)),
        }
    }

    fn start_script(&self, account: &Account, plan: ScriptPlan) -> Script {
        self.start_scripts(account, vec![plan]).pop().expect("one plan is one script")
    }
}

/// What becomes of the version before where the new one cannot be loaded.
const GOES_ON: &str = "goes on";
const STAYS: &str = "stays in its place";

/// Says it in the script's log.
fn say_why_not(output: &dyn ScriptOutput, why: &str, before: &str) {
    output.log(LogLevel::Error, &format!("its new version could not be loaded, and the one before {before}: {why}"));
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
