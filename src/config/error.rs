use std::io;
use std::path::PathBuf;

/// Why the configuration is refused. Each says where, and what would be right.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The configuration file cannot be read.
    #[error("the configuration file {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The configuration file is not TOML, or names an option that does not exist or has another
    /// type.
    #[error("the configuration file {}, line {line}: {message}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// A value that is out of its range or malformed.
    #[error("{place}: {message}")]
    Value {
        /// The flag, variable or key.
        place: String,
        /// What would be right.
        message: String,
    },
    /// Options that exclude or require each other.
    #[error("{0}")]
    Conflict(String),
}
