//! Which address a request came from, when proxies may stand in between.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::http::HeaderMap;

/// A network, or one address: `10.0.0.0/8`, `192.0.2.7`, `2001:db8::/32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct Network {
    address: IpAddr,
    /// How many leading bits count.
    prefix: u8,
}

/// The text is neither an address nor a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an IP address or a network such as 10.0.0.0/8")]
pub struct NotNetwork;

impl Network {
    /// Whether the address is in the network. An IPv4 address written as IPv6
    /// (`::ffff:192.0.2.7`) is the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let bits = |address: IpAddr| match address {
            IpAddr::V4(address) => (32, u128::from(address.to_bits())),
            IpAddr::V6(address) => (128, address.to_bits()),
        };
        let ((width, network), (other, address)) = (bits(self.address), bits(address.to_canonical()));
        // A shift by the whole width is what "no bit counts" asks for; `>>` would refuse it.
        let ignored = width - u32::from(self.prefix);
        width == other && (network ^ address).checked_shr(ignored).is_none_or(|difference| difference == 0)
    }
}

impl FromStr for Network {
    type Err = NotNetwork;

    fn from_str(text: &str) -> Result<Self, NotNetwork> {
        let (address, prefix) = match text.trim().split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text.trim(), None),
        };
        let given: IpAddr = address.parse().map_err(|_| NotNetwork)?;
        let address = given.to_canonical();
        let widest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => widest,
            // The prefix of an IPv4 address written as IPv6 counts from the start of the latter.
            Some(_) if given != address => return Err(NotNetwork),
            Some(prefix) => prefix.parse().map_err(|_| NotNetwork)?,
        };
        if prefix > widest {
            return Err(NotNetwork);
        }
        Ok(Self { address, prefix })
    }
}

impl TryFrom<String> for Network {
    type Error = NotNetwork;

    fn try_from(text: String) -> Result<Self, NotNetwork> {
        text.parse()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// The client's address: the peer's, or, when the peer is a trusted proxy, the last address in
/// `X-Forwarded-For` that is not one.
///
/// Only what a trusted proxy wrote counts. It appends the address it saw, so the list is read
/// from its end, and everything before the first untrusted address is the client's own claim. An
/// entry that is no address ends the reading too: the proxy that wrote it stands for its client.
pub fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address| trusted.iter().any(|network| network.contains(address));
    let mut client = peer.to_canonical();
    let lines = headers.get_all("x-forwarded-for");
    let mut claims = lines.iter().rev().flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    while is_trusted(client) {
        match claims.next().map(forwarded_address) {
            Some(Some(address)) => client = address,
            Some(None) | None => break,
        }
    }
    client
}

/// Whether the client spoke TLS with a trusted proxy, by its `X-Forwarded-Proto`.
pub fn came_by_tls(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> bool {
    trusted.iter().any(|network| network.contains(peer.to_canonical()))
        && headers.get("x-forwarded-proto").is_some_and(|schemes| {
            // The first of several is the client's own leg.
            let client = schemes.as_bytes().split(|byte| *byte == b',').next().unwrap_or_default();
            client.trim_ascii().eq_ignore_ascii_case(b"https")
        })
}

/// One entry of the list. Some proxies add the port.
fn forwarded_address(entry: &[u8]) -> Option<IpAddr> {
    let entry = std::str::from_utf8(entry).ok()?.trim();
    let bare = entry.strip_prefix('[').and_then(|entry| entry.strip_suffix(']')).unwrap_or(entry);
    let address = match bare.parse::<IpAddr>() {
        Ok(address) => address,
        Err(_) => entry.parse::<SocketAddr>().ok()?.ip(),
    };
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    /// The client as seen behind the trusted proxies 10.0.0.0/8 and ::1.
    fn seen(peer: &str, forwarded: &[&[u8]]) -> String {
        let trusted = ["10.0.0.0/8", "::1"].map(|network| network.parse().unwrap());
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_bytes(line).unwrap());
        }
        client(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn a_trusted_proxy_says_whether_the_client_spoke_tls() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let mut headers = HeaderMap::new();
        assert!(!came_by_tls("10.0.0.1".parse().unwrap(), &headers, &trusted));
        headers.insert("x-forwarded-proto", HeaderValue::from_static("https"));
        assert!(came_by_tls("10.0.0.1".parse().unwrap(), &headers, &trusted));
        assert!(!came_by_tls("192.0.2.1".parse().unwrap(), &headers, &trusted));
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let cases: &[(&str, &[&[u8]], &str)] = &[
            ("192.0.2.1", &[], "192.0.2.1"),
            ("192.0.2.1", &[b"203.0.113.9"], "192.0.2.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &[b"203.0.113.9"], "203.0.113.9"),
            ("::1", &[b"2001:db8::7"], "2001:db8::7"),
            ("::ffff:10.0.0.1", &[b"203.0.113.9"], "203.0.113.9"),
            ("::ffff:192.0.2.1", &[], "192.0.2.1"),
        ];
        for (peer, forwarded, client) in cases {
            assert_eq!(seen(peer, forwarded), *client, "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn the_last_address_that_is_no_trusted_proxy_is_the_client() {
        let cases: &[(&[&[u8]], &str)] = &[
            (&[b"198.51.100.1, 203.0.113.9"], "203.0.113.9"),
            (&[b"198.51.100.1,203.0.113.9 , 10.9.9.9"], "203.0.113.9"),
            (&[b"198.51.100.1", b"203.0.113.9", b"10.9.9.9"], "203.0.113.9"),
            (&[b"10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ];
        for (forwarded, client) in cases {
            assert_eq!(seen("10.0.0.1", forwarded), *client, "{forwarded:?}");
        }
    }

    #[test]
    fn an_entry_that_is_no_address_ends_the_list() {
        let cases: &[(&[u8], &str)] = &[
            (b"unknown", "10.0.0.1"),
            (b"", "10.0.0.1"),
            (b"203.0.113.9, unknown, 10.0.0.2", "10.0.0.2"),
            (b"203.0.113.9,", "10.0.0.1"),
            (b"\xff", "10.0.0.1"),
            (b"203.0.113.999", "10.0.0.1"),
        ];
        for (forwarded, client) in cases {
            assert_eq!(seen("10.0.0.1", &[forwarded]), *client, "{forwarded:?}");
        }
    }

    #[test]
    fn a_port_behind_the_address_does_not_matter() {
        for (forwarded, client) in [
            ("203.0.113.9:4711", "203.0.113.9"),
            ("[2001:db8::7]:4711", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
        ] {
            assert_eq!(seen("10.0.0.1", &[forwarded.as_bytes()]), client);
        }
    }

    #[test]
    fn a_network_holds_the_addresses_that_share_its_prefix() {
        let holds = |network: &str, address: &str| {
            let network: Network = network.parse().unwrap();
            network.contains(address.parse().unwrap())
        };
        assert!(holds("192.0.2.0/25", "192.0.2.127"));
        assert!(!holds("192.0.2.0/25", "192.0.2.128"));
        assert!(holds("192.0.2.7", "192.0.2.7"));
        assert!(!holds("192.0.2.7", "192.0.2.6"));
        assert!(holds("0.0.0.0/0", "203.0.113.9"));
        assert!(!holds("0.0.0.0/0", "2001:db8::1"));
        assert!(holds("::/0", "2001:db8::1"));
        assert!(holds("2001:db8::/32", "2001:db8:ffff::1"));
        assert!(!holds("2001:db8::/32", "2001:db9::1"));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in
            ["", "proxy.example", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "10.0.0", "::ffff:10.0.0.0/104"]
        {
            assert_eq!(text.parse::<Network>(), Err(NotNetwork), "{text}");
        }
    }
}
