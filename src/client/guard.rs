//! Which addresses the whole world can reach, and a resolver that gives no others.
//!
//! An agent chooses whom its schedules write to, and a name may be made to mean any address; so a name is resolved here,
//! all its addresses are judged, and the connection goes to those that were judged. One that only this machine or its
//! network can reach refuses the name as a whole: a mixture is how such a name looks.
//! Source: the special-purpose registries of RFC 6890. Not here: addresses written as digits, which are never
//! resolved; whoever opens a gateway asks [`judge`].

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// A host that not everybody can reach.
#[derive(Debug, thiserror::Error)]
#[error("{host} is {kind}; write allow_private = true in the gateway's config if that is meant")]
pub(crate) struct Private {
    host: String,
    kind: &'static str,
}

/// Resolves names to addresses that the whole world can reach, or not at all.
pub(super) struct Guard;

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // The port is put in by whoever connects.
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            for address in &found {
                judge(name.as_str(), address.ip())?;
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Refuses an address that not everybody can reach.
pub(crate) fn judge(name: &str, address: IpAddr) -> Result<(), Private> {
    let Some(kind) = kind(address) else { return Ok(()) };
    let digits = address.to_string();
    let host = if name == digits { digits } else { format!("{name} ({digits})") };
    Err(Private { host, kind })
}

/// What an address is, if it is not one that the whole world can reach.
fn kind(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => kind_v4(address),
        IpAddr::V6(address) => kind_v6(address),
    }
}

fn kind_v4(address: Ipv4Addr) -> Option<&'static str> {
    match address.octets() {
        [0, ..] => Some("this machine"),
        [127, ..] => Some("this machine (loopback)"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Some("a private network"),
        [100, 64..=127, ..] => Some("a provider's own network"),
        [169, 254, ..] => Some("link-local, where clouds keep their keys"),
        [192, 0, 0 | 2, _] | [198, 18 | 19, ..] | [198, 51, 100, _] | [203, 0, 113, _] | [192, 88, 99, _] => {
            Some("set apart for special purposes")
        }
        [224..=239, ..] => Some("multicast"),
        [240..=255, ..] => Some("reserved or broadcast"),
        _ => None,
    }
}

fn kind_v6(address: Ipv6Addr) -> Option<&'static str> {
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        kind_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some("this machine"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("this machine (loopback)"),
        // IPv4 in other clothes: mapped, translated (NAT64) and 6to4.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            embedded(high, low)
        }
        [0xfc00..=0xfdff, ..] => Some("a private network"),
        [0xfe80..=0xfebf, ..] => Some("link-local"),
        [0xff00..=0xffff, ..] => Some("multicast"),
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] => Some("set apart for special purposes"),
        [0x2000..=0x3fff, ..] => None,
        _ => Some("set apart for special purposes"),
    }
}
