//! A program on its way: from the cache in a moment, or compiled, which takes seconds.
//!
//! Invariant: it goes on whether or not somebody waits for it.

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use sandbox::{Code, Compiler, ComponentSource};
use tokio::sync::watch;

/// See the module. Cheap to clone.
#[derive(Clone)]
pub struct Compiling {
    code: Shared<BoxFuture<'static, Result<Code, String>>>,
    /// It is not in the cache.
    is_long: watch::Receiver<bool>,
}

impl Compiling {
    /// Begins, as a task of its own. `before_compiling` is called where it is not in the cache.
    pub(crate) fn begin(
        compiler: Compiler,
        source: ComponentSource,
        before_compiling: impl FnOnce() + Send + 'static,
    ) -> Self {
        let (long, is_long) = watch::channel(false);
        let task = tokio::spawn(async move {
            let before = || {
                long.send_replace(true);
                before_compiling();
            };
            compiler.compile(source, before).await
        });
        let code = async {
            match task.await {
                Ok(Ok(code)) => Ok(code),
                Ok(Err(error)) => Err(error.to_string()),
                Err(error) => Err(format!("compiling was broken off: {error}")),
            }
        };
        Self { code: code.boxed().shared(), is_long }
    }

    /// One that cannot be had, and why.
    pub fn failed(why: String) -> Self {
        let (_, is_long) = watch::channel(false);
        Self { code: std::future::ready(Err(why)).boxed().shared(), is_long }
    }

    /// The machine code, or why it cannot be had.
    pub async fn code(&self) -> Result<Code, String> {
        self.code.clone().await
    }

    /// The same if it is there in a moment; none where it is being compiled.
    pub(crate) async fn code_at_once(&self) -> Option<Result<Code, String>> {
        let mut is_long = self.is_long.clone();
        let becomes_long = async {
            // It never does where whoever could say so has gone.
            if is_long.wait_for(|is_long| *is_long).await.map(drop).is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            code = self.code() => Some(code),
            () = becomes_long => None,
        }
    }
}
