//! What a host of many tenants is told: `tglhost.toml` and a folder `tenants/NAME` for each tenant, with `tenant.toml` and its
//! scripts. Read and checked, nothing more: no account is opened here and no script run.
//!
//! Invariant: what is not given is denied, and a [`Config`] is whole: every name in it means something that is there.

mod ask;
mod errors;
mod fault;
mod grants;
mod limits;
mod named;
mod read;
mod regular;
mod sections;
mod size;
mod totals;

pub use ask::{Asked, asked_in};
pub use errors::{ERRORS_TOLD_PER_HOUR_MAX, ErrorsTo};
pub use fault::{FAULTS_TOLD_MAX, Fault, Faults};
pub use named::{NAMES_LISTED_MAX, Names, SECRET_BYTES_MAX, Secret};
pub use read::{Config, HostAccount, SCRIPTS, Script, TENANT_FILE, TENANTS, Tenant, TenantAccount, read, unfit_name};
pub use sections::{DataCentre, HOST_FILE, schemas};
pub use size::Size;
pub use totals::{TotalRow, totals};
