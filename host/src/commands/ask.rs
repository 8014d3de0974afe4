//! The verbs that ask a host at work: `tglhost ps`, `logs`, `deploy` and their like.
//!
//! Invariant: nothing is done here: the host does it, or says why not.

mod log_line;
mod table;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use hyper::Method;
use serde::Serialize;

use crate::api::types::{
    AccountStanding, Accounts, LogQuery, LoginNext, LoginStep, NewTenant, Reloaded, Removed, ScriptStanding, Scripts,
    Token,
};
use crate::api::{Body, Client, Place};
use crate::commands::login::{self, Credentials, Steps};
use crate::commands::serve::{DATA, socket_in};
use crate::misuse::{OrMisuse, misuse};
use crate::output::Output;

/// The environment's variable for a tenant's token.
const TOKEN_VARIABLE: &str = "TGLHOST_TOKEN";
/// How often `top` looks.
const TOP_EVERY: Duration = Duration::from_secs(2);
/// What stands in a URL's path as it is, beside letters and digits.
const PATH_BYTES: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// Which host is asked.
#[derive(clap::Args)]
pub(crate) struct HostArgs {
    /// The host's folder, with its tglhost.toml, on this machine
    #[arg(long = "host", value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// The host's address, http://HOST:PORT, for a tenant whose token is in TGLHOST_TOKEN
    #[arg(long, value_name = "URL", conflicts_with = "folder")]
    at: Option<String>,
}

/// Which host, and which script of it.
#[derive(clap::Args)]
pub(crate) struct ScriptArgs {
    #[command(flatten)]
    host: HostArgs,
    /// Which one, as TENANT/SCRIPT
    #[arg(value_name = "SCRIPT")]
    script: String,
}

/// What is asked.
#[derive(clap::Subcommand)]
pub(crate) enum Verb {
    /// List the scripts of a host at work, and how they stand
    Ps(HostArgs),
    /// Show what scripts of a host at work use, those first that use most CPU, until Ctrl-C
    Top(TopArgs),
    /// Say what each script of a host at work has used since it was started
    Usage(HostArgs),
    /// Show what a script of a host at work has printed and logged
    Logs(LogsArgs),
    /// Put a new version of a script in the place of the one that a host at work runs
    Deploy(DeployArgs),
    /// Start a script of a host at work that does not run
    Start(ScriptArgs),
    /// Stop a script of a host at work until it is started again
    Stop(ScriptArgs),
    /// Stop and start a script of a host at work, from its file as it is now
    Restart(ScriptArgs),
    /// Have a host at work read its files again and do what they say now
    Reload(HostArgs),
    /// Add and remove tenants of a host at work, and give them tokens
    #[command(subcommand)]
    Tenant(TenantVerb),
    /// Look at the accounts of a host at work
    #[command(subcommand)]
    Account(AccountVerb),
}

#[derive(clap::Args)]
pub(crate) struct TopArgs {
    #[command(flatten)]
    host: HostArgs,
    /// Look so many times, and end
    #[arg(short = 'n', long, value_name = "TIMES")]
    times: Option<u64>,
}

#[derive(clap::Args)]
pub(crate) struct LogsArgs {
    #[command(flatten)]
    script: ScriptArgs,
    /// What comes too, until Ctrl-C
    #[arg(short, long)]
    follow: bool,
    /// So many lines from the end [default: all that is kept]
    #[arg(short = 'n', long, value_name = "N")]
    lines: Option<u32>,
}

#[derive(clap::Args)]
pub(crate) struct DeployArgs {
    #[command(flatten)]
    script: ScriptArgs,
    /// Its new version
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(clap::Args)]
pub(crate) struct TenantArgs {
    #[command(flatten)]
    host: HostArgs,
    /// Which one
    #[arg(value_name = "NAME")]
    name: String,
}

#[derive(clap::Subcommand)]
pub(crate) enum TenantVerb {
    /// Make a tenant's folder, for you to fill
    Add(TenantArgs),
    /// Stop what is a tenant's, and put it aside as a whole
    Rm(TenantArgs),
    /// Make a token by which a tenant reaches the host, and only what is its own
    Token(TokenArgs),
}

#[derive(clap::Args)]
pub(crate) struct TokenArgs {
    #[command(flatten)]
    tenant: TenantArgs,
    /// Make none, and forget all that the tenant has
    #[arg(long)]
    revoke: bool,
}

#[derive(clap::Args)]
pub(crate) struct LoginArgs {
    #[command(flatten)]
    host: HostArgs,
    /// Which one, as `account list` names it: one of a tenant's own as TENANT.NAME
    #[arg(value_name = "ACCOUNT")]
    account: String,
    #[command(flatten)]
    credentials: Credentials,
}

#[derive(clap::Subcommand)]
pub(crate) enum AccountVerb {
    /// List the accounts, and how they stand
    List(HostArgs),
    /// Log an account in, also while others are at work
    Login(Box<LoginArgs>),
}

impl Verb {
    /// Asks, and prints what is said.
    pub(crate) async fn execute(self, data: Option<PathBuf>, output: &Output) -> Result<u8> {
        let verb = Asking { data, output };
        match self {
            Self::Ps(host) => verb.ps(&host).await?,
            Self::Top(args) => verb.top(args).await?,
            Self::Usage(host) => verb.usage(&host).await?,
            Self::Logs(args) => verb.logs(args).await?,
            Self::Deploy(DeployArgs { script, file }) => {
                let bytes =
                    std::fs::read(&file).with_context(|| format!("cannot read {}", file.display())).or_misuse()?;
                verb.of_script(&script, Method::PUT, "file", Body::Bytes(bytes), "deployed").await?;
            }
            Self::Start(script) => verb.of_script(&script, Method::POST, "start", Body::None, "started").await?,
            Self::Stop(script) => verb.of_script(&script, Method::POST, "stop", Body::None, "stopped").await?,
            Self::Restart(script) => verb.of_script(&script, Method::POST, "restart", Body::None, "restarted").await?,
            Self::Reload(host) => return verb.reload(&host).await,
            Self::Tenant(TenantVerb::Add(tenant)) => verb.add_tenant(tenant).await?,
            Self::Tenant(TenantVerb::Rm(tenant)) => verb.remove_tenant(&tenant).await?,
            Self::Tenant(TenantVerb::Token(args)) => verb.token(&args).await?,
            Self::Account(AccountVerb::List(host)) => verb.accounts(&host).await?,
            Self::Account(AccountVerb::Login(args)) => verb.log_in(&args).await?,
        }
        Ok(0)
    }
}

/// One verb at work.
struct Asking<'a> {
    data: Option<PathBuf>,
    output: &'a Output,
}

impl Asking<'_> {
    fn client(&self, host: &HostArgs) -> Result<Client> {
        let place = match &host.at {
            Some(url) => {
                let token = std::env::var(TOKEN_VARIABLE).ok().filter(|token| !token.is_empty());
                let token = token
                    .ok_or_else(|| misuse(format_args!("a host at an address wants a token: set {TOKEN_VARIABLE}")))?;
                Place::http(url, token).or_misuse()?
            }
            None => {
                let data = self.data.clone().unwrap_or_else(|| host.folder.join(DATA));
                Place::Socket(socket_in(&data))
            }
        };
        Ok(Client::new(place))
    }

    async fn scripts(&self, client: &Client) -> Result<Vec<ScriptStanding>> {
        Ok(client.ask::<Scripts>(Method::GET, "scripts", Body::None).await?.scripts)
    }

    async fn ps(&self, host: &HostArgs) -> Result<()> {
        for script in self.scripts(&self.client(host)?).await? {
            let name = format!("{}.{}", script.tenant, script.name);
            let line = Line { kind: "script_status", what: &StandingLine::of(&script) };
            self.output.on_account(&script.account).about_script(&name).result(&line, &table::standing(&script));
        }
        Ok(())
    }

    async fn usage(&self, host: &HostArgs) -> Result<()> {
        let scripts = self.scripts(&self.client(host)?).await?;
        if self.output.is_json() {
            self.usage_lines(&scripts);
        } else {
            table::usage(&scripts).iter().for_each(|row| self.output.result(&(), row));
        }
        Ok(())
    }

    fn usage_lines(&self, scripts: &[ScriptStanding]) {
        for script in scripts {
            let name = format!("{}.{}", script.tenant, script.name);
            let line = Line { kind: "script_usage", what: &UsageLine::of(script) };
            self.output.on_account(&script.account).about_script(&name).json(&line);
        }
    }

    async fn top(&self, args: TopArgs) -> Result<()> {
        let client = self.client(&args.host)?;
        let mut top = table::Top::new(self.scripts(&client).await?);
        let mut shown = 0;
        while args.times.is_none_or(|times| shown < times) {
            tokio::select! {
                () = tokio::time::sleep(TOP_EVERY) => {}
                () = self.output.until_nobody_reads() => return Ok(()),
            }
            let scripts = self.scripts(&client).await?;
            if self.output.is_json() {
                self.usage_lines(&scripts);
            } else {
                if args.times.is_none() {
                    self.output.clear_terminal();
                }
                top.rows(scripts).iter().for_each(|row| self.output.result(&(), row));
            }
            shown += 1;
        }
        Ok(())
    }

    async fn logs(&self, args: LogsArgs) -> Result<()> {
        let LogsArgs { script, follow, lines } = args;
        let query = LogQuery { lines, follow };
        let lines = query.lines.map(|lines| format!("&lines={lines}")).unwrap_or_default();
        let path = format!("{}/log?follow={}{lines}", path_of(&script.script)?, query.follow);
        let asked = self.client(&script.host)?;
        let shown = asked.lines(&path, |line| {
            if self.output.is_json() {
                self.output.pass_json_line(line);
            } else {
                self.output.result(&(), &log_line::shown(line));
            }
            Ok(())
        });
        tokio::select! {
            shown = shown => shown,
            () = self.output.until_nobody_reads() => Ok(()),
        }
    }

    async fn of_script(
        &self,
        args: &ScriptArgs,
        method: Method,
        what: &str,
        body: Body,
        done: &'static str,
    ) -> Result<()> {
        let path = format!("{}/{what}", path_of(&args.script)?);
        self.client(&args.host)?.ask::<()>(method, &path, body).await?;
        if self.output.is_json() {
            self.output.about_script(&args.script.replacen('/', ".", 1)).json(&Line { kind: done, what: &() });
        }
        Ok(())
    }

    async fn reload(&self, host: &HostArgs) -> Result<u8> {
        let reloaded: Reloaded = self.client(host)?.ask(Method::POST, "reload", Body::None).await?;
        for trouble in &reloaded.troubles {
            let name = format!("{}.{}", trouble.tenant, trouble.name);
            self.output.about_script(&name).note(&format!("{}/{} {}", trouble.tenant, trouble.name, trouble.why));
        }
        Ok(u8::from(!reloaded.troubles.is_empty()))
    }

    async fn add_tenant(&self, tenant: TenantArgs) -> Result<()> {
        let TenantArgs { host, name } = tenant;
        let client = self.client(&host)?;
        client.ask::<()>(Method::POST, "tenants", Body::json(&NewTenant { name: name.clone() })?).await?;
        let text = format!(
            "{name} is a tenant: fill tenants/{name}/tenant.toml and tenants/{name}/scripts, then `tglhost reload`"
        );
        self.output.result(&Line { kind: "tenant_added", what: &TenantLine { tenant: &name } }, &text);
        Ok(())
    }

    async fn remove_tenant(&self, tenant: &TenantArgs) -> Result<()> {
        let client = self.client(&tenant.host)?;
        let removed: Removed = client.ask(Method::DELETE, &tenant_path(&tenant.name), Body::None).await?;
        let text = format!("{} is no tenant any more; what it had is in {}", tenant.name, removed.kept_in);
        self.output.result(&Line { kind: "tenant_removed", what: &removed }, &text);
        Ok(())
    }

    async fn token(&self, args: &TokenArgs) -> Result<()> {
        let TenantArgs { host, name } = &args.tenant;
        let (client, path) = (self.client(host)?, format!("{}/tokens", tenant_path(name)));
        if args.revoke {
            client.ask::<()>(Method::DELETE, &path, Body::None).await?;
            let text = format!("all tokens of {name} are forgotten");
            self.output.result(&Line { kind: "tokens_revoked", what: &TenantLine { tenant: name } }, &text);
            return Ok(());
        }
        let token: Token = client.ask(Method::POST, &path, Body::None).await?;
        self.output.result(&Line { kind: "token", what: &token }, &token.token);
        Ok(())
    }

    async fn log_in(&self, args: &LoginArgs) -> Result<()> {
        let LoginArgs { host, account, credentials } = args;
        let mut steps = LoginThere { client: self.client(host)?, path: format!("accounts/{}/login", escaped(account)) };
        let user = login::walk(&mut steps, account, credentials, self.output).await?;
        login::tell(account, &user, self.output);
        Ok(())
    }

    async fn accounts(&self, host: &HostArgs) -> Result<()> {
        let accounts: Accounts = self.client(host)?.ask(Method::GET, "accounts", Body::None).await?;
        for account in &accounts.accounts {
            let line = Line { kind: "account_status", what: &AccountLine::of(account) };
            self.output.on_account(&account.name).result(&line, &table::account(account));
        }
        Ok(())
    }
}

/// A login that the host takes the steps of.
struct LoginThere {
    client: Client,
    path: String,
}

impl Steps for LoginThere {
    async fn take(&mut self, step: LoginStep) -> Result<LoginNext> {
        self.client.ask(Method::POST, &self.path, Body::json(&step)?).await
    }
}

/// The path of a script.
fn path_of(script: &str) -> Result<String> {
    let Some((tenant, name)) = script.split_once('/') else {
        bail!(misuse(format_args!("{script:?} names no script: name it as TENANT/SCRIPT; `tglhost ps` lists them")));
    };
    Ok(format!("scripts/{}/{}", escaped(tenant), escaped(name)))
}

fn tenant_path(name: &str) -> String {
    format!("tenants/{}", escaped(name))
}

fn escaped(part: &str) -> percent_encoding::PercentEncode<'_> {
    percent_encoding::utf8_percent_encode(part, PATH_BYTES)
}

/// A line of JSON.
#[derive(Serialize)]
struct Line<'a, T> {
    kind: &'static str,
    #[serde(flatten)]
    what: &'a T,
}

#[derive(Serialize)]
struct TenantLine<'a> {
    tenant: &'a str,
}

/// How a script stands; its account is the line's.
#[derive(Serialize)]
struct StandingLine<'a> {
    tenant: &'a str,
    name: &'a str,
    state: &'a str,
    why: Option<&'a str>,
    waiting_events: u64,
    waiting_calls: u64,
    lost_events: u64,
    crashes: u64,
}

impl<'a> StandingLine<'a> {
    fn of(script: &'a ScriptStanding) -> Self {
        Self {
            tenant: &script.tenant,
            name: &script.name,
            state: script.state.as_str(),
            why: script.why.as_deref(),
            waiting_events: script.waiting_events,
            waiting_calls: script.waiting_calls,
            lost_events: script.lost_events,
            crashes: script.crashes,
        }
    }
}

/// What a script has used.
#[derive(Serialize)]
struct UsageLine<'a> {
    tenant: &'a str,
    name: &'a str,
    #[serde(flatten)]
    usage: &'a crate::api::types::Usage,
}

impl<'a> UsageLine<'a> {
    fn of(script: &'a ScriptStanding) -> Self {
        Self { tenant: &script.tenant, name: &script.name, usage: &script.usage }
    }
}

/// How an account stands.
#[derive(Serialize)]
struct AccountLine<'a> {
    state: &'a str,
    why: Option<&'a str>,
    scripts: u64,
}

impl<'a> AccountLine<'a> {
    fn of(account: &'a AccountStanding) -> Self {
        Self { state: account.state.as_str(), why: account.why.as_deref(), scripts: account.scripts }
    }
}
