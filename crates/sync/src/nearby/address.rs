//! Addresses: those of this laptop, to be shown, and one that a person typed.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The port that is tried first, so that an address without a port will do.
pub const PORT: u16 = 47_820;

/// This laptop's addresses on its networks, as they are to be shown: private ones first.
pub fn own_addresses() -> Vec<Ipv4Addr> {
    let interfaces = match if_addrs::get_if_addrs() {
        Ok(interfaces) => interfaces,
        Err(error) => {
            tracing::warn!(%error, "the addresses of this computer cannot be read");
            return Vec::new();
        }
    };
    let mut addresses: Vec<Ipv4Addr> = interfaces
        .iter()
        .filter(|interface| !interface.is_loopback() && interface.is_oper_up())
        .filter_map(|interface| match interface.ip() {
            IpAddr::V4(ip) => Some(ip),
            IpAddr::V6(_) => None,
        })
        .collect();
    addresses.sort_unstable_by_key(|ip| (!ip.is_private(), ip.is_link_local(), *ip));
    addresses.dedup();
    addresses
}

/// Reads an address as people type it: digits and dots, also the wide ones of a Chinese keyboard, with or without the port.
pub fn read_address(text: &str) -> Option<SocketAddr> {
    let plain: String = text
        .trim()
        .chars()
        .map(|c| match c {
            '。' | '．' => '.',
            '：' => ':',
            '０'..='９' => char::from_u32(c as u32 - '０' as u32 + '0' as u32).unwrap_or(c),
            c => c,
        })
        .filter(|c| !c.is_whitespace())
        .collect();
    let address = plain.parse::<SocketAddr>().ok().or_else(|| {
        plain
            .parse::<IpAddr>()
            .ok()
            .map(|ip| SocketAddr::new(ip, PORT))
    })?;
    is_local(address.ip())
        .then_some(address)
        .filter(|address| address.port() != 0)
}

/// Whether an address can be that of a laptop on the same network: nobody else is called, and nobody else is answered.
pub(super) fn is_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            // 100.64.0.0/10 (RFC 6598): some mobile operators' hotspots give these.
            let [a, b, ..] = ip.octets();
            ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || (a == 100 && b & 0xc0 == 64)
        }
        IpAddr::V6(ip) => {
            ip.is_loopback()
                || ip.is_unique_local()
                || ip.is_unicast_link_local()
                || ip
                    .to_ipv4_mapped()
                    .is_some_and(|ip| is_local(IpAddr::V4(ip)))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_address_is_read_as_people_type_it() {
        for (text, address) in [
            ("192.168.43.7", "192.168.43.7:47820"),
            (" 192.168.43.7:5000 ", "192.168.43.7:5000"),
            ("１９２。168．43。7：5000", "192.168.43.7:5000"),
            ("10.0.0.1 : 80", "10.0.0.1:80"),
        ] {
            assert_eq!(read_address(text), Some(address.parse().unwrap()), "{text}");
        }
        for none in [
            "",
            "laptop",
            "192.168.43",
            "192.168.43.7:0",
            "192.168.43.7:70000",
            "300.1.1.1",
        ] {
            assert_eq!(read_address(none), None, "{none}");
        }
    }

    #[test]
    fn only_the_network_around_is_called_and_answered() {
        for near in [
            "192.168.1.2",
            "10.9.8.7",
            "172.20.10.4",
            "169.254.3.4",
            "100.64.0.9",
            "127.0.0.1",
            "::ffff:10.0.0.1",
            "fe80::1",
        ] {
            assert!(is_local(near.parse().unwrap()), "{near}");
        }
        for far in ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2001:db8::1"] {
            assert!(!is_local(far.parse().unwrap()), "{far}");
            assert_eq!(read_address(far), None);
        }
    }
}
