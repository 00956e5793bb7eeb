//! `parterre partner`: partners, created by the operator. The first with the role `core` can only
//! come from here.

use clap::{Args, Subcommand};

use super::platform::{Access, Platform};
use super::{Failure, answer, refused};
use crate::app::partners;
use crate::config::{Config, Options};
use crate::domain::partner::{PartnerName, Role};
use crate::domain::user::Email;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Create a partner and print its id
    Create(Create),
}

#[derive(Args)]
pub(super) struct Create {
    /// What it is called
    #[arg(long)]
    name: PartnerName,

    /// What it does: org (organizes events), agent (sells tickets), core (operates the platform);
    /// repeated or comma-separated for several
    #[arg(long, required = true, value_delimiter = ',')]
    role: Vec<Role>,

    /// E-mail address of the user who becomes its owner
    #[arg(long, value_name = "EMAIL")]
    owner: Email,

    #[command(flatten)]
    options: Options,
}

pub(super) fn run(Command::Create(create): Command) -> Result<(), Failure> {
    let config = Config::load(create.options)?;
    let platform = Platform::open(&config, Access::Beside)?;
    let (name, owner) = (create.name, create.owner);
    let roles = create.role.into_iter().collect();
    let partner = platform.run(async move |app| {
        let id = app.new_id();
        app.store
            .write(move |tx| partners::create_by_operator(tx, id, &owner, name.clone(), roles))
            .await
            .map_err(refused)
    })?;
    answer(partner.id)
}
