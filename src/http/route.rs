//! One route: its path, its handler and its documentation in one place, so that neither exists without the other.

use axum::handler::Handler;
use axum::http::{Method, StatusCode};
use axum::routing::{MethodRouter, delete, get, patch, post};

use super::fields::{Resource, Shape};
use super::input::BodyDoc;
use super::query::Param;
use crate::app::App;

/// What a route answers with when all is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// `{}`.
    Empty,
    /// One object.
    One,
    /// A list of objects.
    List,
    /// One object in the envelope of version 2.
    Data,
    /// A page of a list in the envelope of version 2.
    Page,
    /// Nothing at all.
    Nothing,
    /// Something that is not of the API: a page, a document.
    Other(&'static str),
}

/// Who may call a route at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Open,
    /// Whoever is signed in or has a key.
    Authenticated,
}

/// A resource by its name and its fields.
pub type Described = (&'static str, fn() -> Vec<Shape>);

/// A route of the API.
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path, with its parameters in braces.
    pub path: &'static str,
    /// What it does, in a few words.
    pub says: &'static str,
    /// The section of the documentation.
    pub tag: &'static str,
    /// Who may call it.
    pub access: Access,
    /// Parameters of the query.
    pub query: &'static [Param],
    /// The body.
    pub body: Option<&'static BodyDoc>,
    /// Whether the body is a file.
    pub upload: bool,
    /// The answer's status.
    pub status: StatusCode,
    /// The answer's form.
    pub answers: Answers,
    /// What the answer holds: the name of the resource and its fields.
    pub resource: Option<Described>,
    /// Statuses of errors besides those that follow from the rest.
    pub errors: &'static [u16],
    pub(super) handler: MethodRouter<App>,
}

impl Route {
    fn new(method: Method, path: &'static str, says: &'static str, handler: MethodRouter<App>) -> Self {
        Self {
            method,
            path,
            says,
            tag: "",
            access: Access::Authenticated,
            query: &[],
            body: None,
            upload: false,
            status: StatusCode::OK,
            answers: Answers::Empty,
            resource: None,
            errors: &[],
            handler,
        }
    }

    /// A route that reads; HEAD comes with it.
    pub fn get<H: Handler<T, App>, T: 'static>(path: &'static str, handler: H, says: &'static str) -> Self {
        Self::new(Method::GET, path, says, get(handler))
    }

    /// A route that creates.
    pub fn post<H: Handler<T, App>, T: 'static>(path: &'static str, handler: H, says: &'static str) -> Self {
        Self::new(Method::POST, path, says, post(handler))
    }

    /// A route that changes.
    pub fn patch<H: Handler<T, App>, T: 'static>(path: &'static str, handler: H, says: &'static str) -> Self {
        Self::new(Method::PATCH, path, says, patch(handler))
    }

    /// A route that removes.
    pub fn delete<H: Handler<T, App>, T: 'static>(path: &'static str, handler: H, says: &'static str) -> Self {
        Self::new(Method::DELETE, path, says, delete(handler))
    }

    /// Answers with one object.
    pub fn one<T: Resource>(mut self) -> Self {
        self.answers = Answers::One;
        self.resource = Some((T::NAME, super::fields::shapes::<T>));
        self
    }

    /// Answers with a list of objects.
    pub fn list<T: Resource>(mut self, query: &'static [Param]) -> Self {
        self.answers = Answers::List;
        self.resource = Some((T::NAME, super::fields::shapes::<T>));
        self.query = query;
        self
    }

    /// Answers with one object in the envelope of version 2.
    pub fn data<T: Resource>(mut self) -> Self {
        self.answers = Answers::Data;
        self.resource = Some((T::NAME, super::fields::shapes::<T>));
        self
    }

    /// Answers with a page of a list in the envelope of version 2.
    pub fn page<T: Resource>(mut self, query: &'static [Param]) -> Self {
        self.answers = Answers::Page;
        self.resource = Some((T::NAME, super::fields::shapes::<T>));
        self.query = query;
        self
    }

    /// Answers with an empty body.
    pub fn nothing(mut self) -> Self {
        self.answers = Answers::Nothing;
        self
    }

    /// Answers with something that is not of the API.
    pub fn other(mut self, media_type: &'static str) -> Self {
        self.answers = Answers::Other(media_type);
        self
    }

    /// Takes a body.
    pub fn body(mut self, body: &'static BodyDoc) -> Self {
        self.body = Some(body);
        self
    }

    /// Takes a file.
    pub fn upload(mut self) -> Self {
        self.upload = true;
        self
    }

    /// Answers 201.
    pub fn created(mut self) -> Self {
        self.status = StatusCode::CREATED;
        self
    }

    /// Sends the browser elsewhere.
    pub fn redirects(mut self) -> Self {
        self.status = StatusCode::SEE_OTHER;
        self
    }

    /// Needs no authentication.
    pub fn open(mut self) -> Self {
        self.access = Access::Open;
        self
    }

    /// May also answer with these errors.
    pub fn errors(mut self, errors: &'static [u16]) -> Self {
        self.errors = errors;
        self
    }

    /// Belongs to a section of the documentation.
    pub fn tag(mut self, tag: &'static str) -> Self {
        self.tag = tag;
        self
    }
}
