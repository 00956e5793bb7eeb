use std::fmt;
use std::str::FromStr;

use crate::secret::Hidden;

/// Where to find the database on PostgreSQL. Shown without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    url: Hidden,
    shown: String,
}

impl DatabaseUrl {
    /// The whole URL, for the driver.
    pub fn reveal(&self) -> &str {
        self.url.reveal()
    }
}

impl FromStr for DatabaseUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "must be a URL such as postgres://user:password@host/name";
        let rest = ["postgres://", "postgresql://"].iter().find_map(|scheme| text.strip_prefix(scheme)).ok_or(WRONG)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, name) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        // With one of these unescaped in a password, no two programs agree on where it ends, and
        // a piece of it would be taken for the host and be shown.
        if name.contains(['@', '/']) || user.contains('@') || query.contains(['@', '?']) {
            return Err("in the password of the URL, @ is written %40, / %2F, ? %3F and # %23");
        }
        let user = user.split(':').next().unwrap_or_default();
        let host =
            query.split('&').find_map(|pair| pair.strip_prefix("host=")).filter(|_| hosts.is_empty()).unwrap_or(hosts);
        let at = if user.is_empty() { "" } else { "@" };
        Ok(Self { url: text.into(), shown: format!("postgres://{user}{at}{host}/{name}") })
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_is_shown_by_its_place() {
        for (url, shown) in [
            ("postgresql://db:5433/p?password=x&sslmode=require", "postgres://db:5433/p"),
            ("postgres:///p?host=/run/postgresql&user=me&password=x", "postgres:///run/postgresql/p"),
            ("postgres://me:x%40y@one,two/p", "postgres://me@one,two/p"),
        ] {
            assert_eq!(url.parse::<DatabaseUrl>().unwrap().to_string(), shown);
        }
    }
}
