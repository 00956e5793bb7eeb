//! `parterre key`: API keys, made by the operator.

use clap::{Args, Subcommand};

use super::platform::{Access, Platform};
use super::{Failure, answer, refused, short_text};
use crate::app::api_keys::{self, NewKey};
use crate::config::{Config, Options};
use crate::domain::id::PartnerId;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make an API key and print it
    Create(Create),
}

#[derive(Args)]
pub(super) struct Create {
    /// Id of the partner whom the key acts for
    #[arg(long, value_name = "ID")]
    partner: PartnerId,

    /// What the key is for
    #[arg(long, value_parser = short_text)]
    name: Option<String>,

    #[command(flatten)]
    options: Options,
}

pub(super) fn run(Command::Create(create): Command) -> Result<(), Failure> {
    let config = Config::load(create.options)?;
    let platform = Platform::open(&config, Access::Beside)?;
    let (partner, name) = (create.partner, create.name);
    let key = platform.run(async move |app| {
        let new = NewKey::draw(&app)?;
        app.store.write(move |tx| api_keys::create_by_operator(tx, &new, partner, name.clone())).await.map_err(refused)
    })?;
    answer(key.token)
}
