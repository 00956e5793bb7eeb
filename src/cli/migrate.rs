//! `parterre migrate`: brings the schema of the database to this version, before a start or
//! instead of leaving it to one.

use super::{Failure, answer, platform};
use crate::config::{Config, Options};
use crate::store;

pub(super) fn run(options: Options) -> Result<(), Failure> {
    let config = Config::load(options)?;
    let _lock = platform::lock_alone(&config)?;
    let migrated = store::migrate(&platform::store_config(&config))?;
    match migrated.from {
        Some(from) if from == migrated.to => answer(format_args!("the database has schema {from} already")),
        Some(from) => answer(format_args!("the database went from schema {from} to {}", migrated.to)),
        None => answer(format_args!("the database was created with schema {}", migrated.to)),
    }
}
