//! Where a request comes from, also behind a proxy.
//!
//! Invariant: the header `x-forwarded-for` counts only when the connection comes from a proxy that the administrator named; otherwise
//! anybody could take any address.

use std::net::{IpAddr, Ipv6Addr};

use axum::http::HeaderMap;
use ipnet::IpNet;

/// Where a request comes from. At first the other end of the connection; the guard puts the client there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// The header that proxies add the address to which they answer.
const FORWARDED: &str = "x-forwarded-for";
/// The most addresses that are read: nobody has more proxies in a row.
const MAX_HOPS: usize = 16;

/// Whether an address is one of a proxy whose word is taken.
pub(crate) fn is_trusted(address: IpAddr, proxies: &[IpNet]) -> bool {
    let address = address.to_canonical();
    proxies.iter().any(|network| network.contains(&address))
}

/// The network that an address counts by: whoever has one address of IPv6 has the 2^64 beside it (RFC 6177).
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
    }
}

/// The client's address: the last one in the row that is no trusted proxy.
pub(super) fn client(peer: IpAddr, headers: &HeaderMap, proxies: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| is_trusted(*address, proxies);
    if !is_trusted(&peer) {
        return peer;
    }
    let mut client = peer;
    let row = headers
        .get_all(FORWARDED)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect::<Vec<_>>();
    for said in row.iter().rev().take(MAX_HOPS) {
        // What is no address was not written by a proxy that is trusted.
        let Some(address) = address(said) else { break };
        client = address;
        if !is_trusted(&address) {
            break;
        }
    }
    client
}

/// An address as proxies write it, with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    text.parse()
        .or_else(|_| text.parse().map(|at: std::net::SocketAddr| at.ip()))
        .ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn client_of(peer: &str, forwarded: &[&str], proxies: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED, value.parse().unwrap());
        }
        let proxies: Vec<IpNet> = proxies.iter().map(|net| net.parse().unwrap()).collect();
        client(peer.parse().unwrap(), &headers, &proxies).to_string()
    }

    #[test]
    fn the_word_of_a_trusted_proxy_is_taken_and_nobody_elses() {
        let net = ["10.0.0.0/8"];
        assert_eq!(client_of("10.0.0.1", &["192.0.2.7"], &net), "192.0.2.7");
        assert_eq!(client_of("192.0.2.9", &["192.0.2.7"], &net), "192.0.2.9");
        assert_eq!(client_of("10.0.0.1", &["192.0.2.7"], &[]), "10.0.0.1");
        assert_eq!(client_of("10.0.0.1", &[], &net), "10.0.0.1");
        assert_eq!(
            client_of("::ffff:10.0.0.1", &["[2001:db8::1]:443"], &net),
            "2001:db8::1"
        );
    }

    #[test]
    fn who_has_one_address_of_ipv6_counts_by_all_that_they_have() {
        let of = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("2001:db8:1:2:ffff::"), "2001:db8:1:2::");
        assert_eq!(of("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(of("192.0.2.7"), "192.0.2.7");
    }

    #[test]
    fn what_a_client_wrote_into_the_header_itself_does_not_count() {
        let net = ["10.0.0.0/8"];
        for forged in ["8.8.8.8, 192.0.2.7", "10.0.0.9, 192.0.2.7", "x, 192.0.2.7"] {
            assert_eq!(
                client_of("10.0.0.1", &[forged], &net),
                "192.0.2.7",
                "{forged}"
            );
        }
        assert_eq!(
            client_of("10.0.0.1", &["192.0.2.7, 10.0.0.2"], &net),
            "192.0.2.7",
            "two proxies in a row"
        );
        assert_eq!(client_of("10.0.0.1", &["garbage"], &net), "10.0.0.1");
        let long = vec!["10.0.0.2"; 1_000].join(",");
        assert_eq!(client_of("10.0.0.1", &[&long], &net), "10.0.0.2");
    }
}
