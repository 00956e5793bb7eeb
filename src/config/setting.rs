//! Options as they were resolved, to be shown to the operator, and by which name the operator finds each.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::options::LogFormat;
use crate::address::Network;
use crate::secret::Hidden;

/// Where the value of an option came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A flag of the command line.
    Flag,
    /// A variable of the environment.
    Environment,
    /// The configuration file.
    File,
    /// Nobody named it.
    Default,
}

/// One option as it was resolved, to be shown; secrets are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The name, as in the configuration file.
    pub name: &'static str,
    /// The value.
    pub value: String,
    /// Who gave it.
    pub source: Source,
}

impl Setting {
    /// Where the operator finds the option: `--listen`, `PARTERRE_LISTEN`, `listen in the
    /// configuration file`.
    pub fn place(&self) -> String {
        place(self.name, self.source)
    }
}

pub(super) fn place(name: &str, source: Source) -> String {
    match source {
        Source::Flag => format!("--{name}"),
        Source::Environment => variable(name),
        Source::File => format!("{name} in the configuration file"),
        Source::Default => format!("the default of --{name}"),
    }
}

/// The name of an option in the environment: `PARTERRE_TLS_CERT` for `tls-cert`.
pub(super) fn variable(name: &str) -> String {
    format!("PARTERRE_{}", name.to_ascii_uppercase().replace('-', "_"))
}

/// How a value is shown to the operator.
pub(super) trait Shown {
    fn shown(&self) -> String;
}

macro_rules! shown {
    ($($type:ty => |$value:ident| $text:expr;)*) => {$(
        impl Shown for $type {
            fn shown(&self) -> String {
                let $value = self;
                $text
            }
        }
    )*};
}

shown! {
    bool => |value| value.to_string();
    u32 => |value| value.to_string();
    String => |value| value.clone();
    SocketAddr => |value| value.to_string();
    PathBuf => |path| path.display().to_string();
    Hidden => |_secret| "(hidden)".into();
    LogFormat => |format| format!("{format:?}").to_lowercase();
    Vec<Network> => |networks| match networks.as_slice() {
        [] => "none".into(),
        networks => networks.iter().map(Network::to_string).collect::<Vec<_>>().join(", "),
    };
}
