//! The proxy by which a data centre is reached: the one that `--proxy` names, else the environment's, by its conventions.
//!
//! Invariant: a proxy's password is printed nowhere; a wrong address is not repeated.

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context, Result};
use ipnet::IpNet;
use telegram::{DcAddress, Proxy};

use crate::misuse::OrMisuse;
use crate::settings::variable;

/// Where programs look for a proxy for everything.
const VARIABLES: [&str; 2] = ["ALL_PROXY", "all_proxy"];

/// Where they look for what is reached without it.
const EXCLUDING: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// The proxy for this data centre, if there is one. `option` is what `--proxy` says.
pub(crate) fn choose(option: Option<&str>, dc: &DcAddress) -> Result<Option<Proxy>> {
    if let Some(text) = option {
        return Proxy::parse(text).context("--proxy names no proxy").or_misuse().map(Some);
    }
    let excluded = EXCLUDING.into_iter().find_map(variable).unwrap_or_default();
    if is_excluded(&excluded, dc) {
        return Ok(None);
    }
    let found = VARIABLES.into_iter().find_map(|name| Some((name, variable(name)?)));
    let Some((name, text)) = found else { return Ok(None) };
    Proxy::parse(&text).with_context(|| format!("the environment's {name} names no proxy")).map(Some)
}

/// Whether a list of hosts and networks, as NO_PROXY has it, names this data centre.
fn is_excluded(hosts: &str, dc: &DcAddress) -> bool {
    hosts.split([',', ' ']).any(|host| match dc {
        _ if host == "*" => true,
        DcAddress::Telegram => false,
        DcAddress::Custom { address, .. } => names(host, *address),
    })
}

/// Whether an entry of such a list is this address, alone or with its port, or a network that it is in.
fn names(host: &str, address: SocketAddr) -> bool {
    if let Ok(network) = host.parse::<IpNet>() {
        return network.contains(&address.ip());
    }
    if let Ok(socket) = host.parse::<SocketAddr>() {
        return socket == address;
    }
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    match bare.parse::<IpAddr>() {
        Ok(ip) => ip == address.ip(),
        Err(_) => host == "localhost" && address.ip().is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_excluded_is_reached_directly() {
        let custom = |address: &str| DcAddress::Custom {
            address: address.parse().unwrap(),
            public_key_pem: String::new(),
            dc_id: 2,
        };
        for (hosts, dc, expected) in [
            ("", DcAddress::Telegram, false),
            ("*", DcAddress::Telegram, true),
            ("localhost,127.0.0.1", DcAddress::Telegram, false),
            ("", custom("127.0.0.1:1"), false),
            ("localhost", custom("127.0.0.1:1"), true),
            ("example.org, ::1", custom("[::1]:1"), true),
            ("10.0.0.1", custom("10.0.0.1:443"), true),
            ("10.0.0.1:443", custom("10.0.0.1:443"), true),
            ("10.0.0.1:443", custom("10.0.0.1:444"), false),
            ("10.0.0.10", custom("10.0.0.1:443"), false),
            ("10.0.0.0/8", custom("10.200.0.1:443"), true),
            ("10.1.2.3/8 example.org", custom("10.200.0.1:443"), true),
            ("10.0.0.0/8", custom("11.0.0.1:443"), false),
            ("::1/128,fd00::/8", custom("[fd00:1::2]:443"), true),
            ("::/0", custom("10.0.0.1:443"), false),
            ("[::1]", custom("[::1]:1"), true),
            ("0:0:0:0:0:0:0:1", custom("[::1]:1"), true),
            ("10.0.0.0/33,/8,10/", custom("10.0.0.1:443"), false),
        ] {
            assert_eq!(is_excluded(hosts, &dc), expected, "{hosts} {dc:?}");
        }
    }
}
