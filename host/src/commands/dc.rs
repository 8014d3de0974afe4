//! `tglhost dc`: the embedded data centre alone, for development and for tests with any MTProto client.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Result;
use datacentre::{Config, DataCentre};
use serde::Serialize;

use super::room::until_there_is_room;
use crate::data_dir::DataDir;
use crate::output::Output;
use crate::signals::asked_to_end;
use crate::{open_files, readiness};

/// The number of the embedded data centre.
pub(crate) const DC_ID: i32 = 2;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where to listen; port 0 takes any free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename = "ready")]
struct Ready {
    address: SocketAddr,
    dc_id: i32,
    rsa_public_key: PathBuf,
}

/// Serves until it is interrupted. When ready it prints one JSON line.
pub(crate) async fn execute(args: Args, data_dir: &DataDir, output: &Output) -> Result<u8> {
    open_files::allow()?;
    if !args.listen.ip().is_loopback() {
        output.note("Anyone who reaches this address can log in with a test number: keep it to networks you trust.");
    }
    let config = Config { listen: args.listen, data_dir: data_dir.data_centre(), dc_id: DC_ID };
    let data_centre = until_there_is_room(output, || async { Ok(DataCentre::start(config.clone()).await?) }).await?;
    let asked_to_end = asked_to_end(output)?;
    output.json(&Ready {
        address: data_centre.address,
        dc_id: data_centre.dc_id,
        rsa_public_key: data_centre.public_key_path.clone(),
    });
    readiness::tell(output).await;
    let code = asked_to_end.await;
    data_centre.stop().await;
    Ok(code)
}
