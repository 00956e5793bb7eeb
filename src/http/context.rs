//! What the layers around a handler and the handler tell each other about one request.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::domain::id::PartnerId;

/// One request's own facts; cheap to clone.
#[derive(Clone, Default)]
pub struct Context(Arc<Facts>);

#[derive(Default)]
struct Facts {
    id: String,
    partner: OnceLock<PartnerId>,
    ignored: Mutex<Vec<String>>,
}

impl Context {
    /// The facts of a request with this number.
    pub fn new(id: String) -> Self {
        Self(Arc::new(Facts { id, ..Facts::default() }))
    }

    /// The number that the request is found by in the log.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// Notes the partner that the request acts for.
    pub fn acts_for(&self, partner: PartnerId) {
        // A request is identified once; a second time it is the same partner.
        let _ = self.0.partner.set(partner);
    }

    /// The partner that the request acts for.
    pub fn partner(&self) -> Option<PartnerId> {
        self.0.partner.get().copied()
    }

    /// Notes unknown fields or parameters.
    pub fn ignore(&self, names: impl IntoIterator<Item = String>) {
        self.0.ignored.lock().unwrap_or_else(PoisonError::into_inner).extend(names);
    }

    /// The unknown fields and parameters, for `X-Ignored-Fields`.
    pub fn ignored(&self) -> Vec<String> {
        self.0.ignored.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
