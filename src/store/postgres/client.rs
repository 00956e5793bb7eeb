//! A blocking client that waits for no answer longer than a deadline.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::{self, Runtime};
use tokio::time::timeout;
use tokio_postgres::error::{DbError, SqlState};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Config, Error, Row, SimpleQueryMessage, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long one answer is waited for. Longer than the server's own `statement_timeout`, so that only a server that is
/// frozen, or behind a network that swallows everything, meets it: such a one is silent, but its system goes on
/// acknowledging what it is sent, so no timeout of TCP notices.
pub(super) const ANSWER_TIME: Duration = Duration::from_secs(35);
/// How long the server may take to greet who has reached it: encryption, password, first settings.
const GREETING_TIME: Duration = Duration::from_secs(5);

/// A connection. The driver's blocking client is the same but for the deadline.
pub(super) struct Client {
    runtime: Runtime,
    client: tokio_postgres::Client,
    /// What moves requests and answers while somebody waits; `None` once it has ended or was given up.
    connection: Option<Connection>,
    encoding: Option<String>,
    answer_time: Option<Duration>,
}

type Connection = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

/// Why there is no connection.
pub(super) struct Unreachable {
    /// What the server or the system said.
    pub why: String,
    /// Whether it may be otherwise a moment later.
    pub passing: bool,
}

impl Client {
    /// Connects and runs the settings of the session.
    pub fn connect(config: &Config, tls: MakeRustlsConnect, settings: &str) -> Result<Self, Unreachable> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Unreachable { why: error.to_string(), passing: false })?;
        let places = u32::try_from(config.get_hosts().len().max(1)).unwrap_or(1);
        let limit = config.get_connect_timeout().copied().unwrap_or_default() * places + GREETING_TIME;
        let greeted = runtime.block_on(async {
            let greeting = async {
                let (client, connection) = config.connect(tls).await?;
                let encoding = connection.parameter("server_encoding").map(str::to_owned);
                let mut connection: Option<Connection> = Some(Box::pin(connection));
                beside(&mut connection, pin!(client.batch_execute(settings))).await?;
                Ok::<_, Error>((client, connection, encoding))
            };
            timeout(limit, greeting).await
        });
        let unreachable = match greeted {
            Ok(Ok((client, connection, encoding))) => {
                return Ok(Self { runtime, client, connection, encoding, answer_time: Some(ANSWER_TIME) });
            }
            Ok(Err(error)) => Unreachable::from(error),
            Err(_) => Unreachable { why: format!("it says nothing for {} s", limit.as_secs()), passing: true },
        };
        // A name that is still being looked up is not waited for.
        runtime.shutdown_background();
        Err(unreachable)
    }

    /// The encoding of the database's texts, if the server said it.
    pub fn encoding(&self) -> Option<&str> {
        self.encoding.as_deref()
    }

    /// Waits for answers as long as they take, from here on.
    pub fn be_patient(&mut self) {
        self.answer_time = None;
    }

    pub fn is_closed(&self) -> bool {
        self.connection.is_none() || self.client.is_closed()
    }

    pub fn batch_execute(&mut self, text: &str) -> Result<(), Error> {
        self.wait(async |client| client.batch_execute(text).await)
    }

    pub fn simple_query(&mut self, text: &str) -> Result<Vec<SimpleQueryMessage>, Error> {
        self.wait(async |client| client.simple_query(text).await)
    }

    pub fn prepare(&mut self, text: &str) -> Result<Statement, Error> {
        self.wait(async |client| client.prepare(text).await)
    }

    pub fn query(&mut self, statement: &Statement, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Error> {
        self.wait(async |client| client.query(statement, params).await)
    }

    pub fn query_one(&mut self, text: &str) -> Result<Row, Error> {
        self.wait(async |client| client.query_one(text, &[]).await)
    }

    pub fn execute(&mut self, statement: &Statement, params: &[&(dyn ToSql + Sync)]) -> Result<u64, Error> {
        self.wait(async |client| client.execute(statement, params).await)
    }

    pub fn migrate(&mut self, runner: &refinery::Runner) -> Result<Result<refinery::Report, refinery::Error>, Error> {
        self.wait(async |client| Ok(runner.run_async(client).await))
    }

    /// Waits for one answer. Without one in time the connection is given up: what it was asked for may still happen.
    fn wait<T>(&mut self, ask: impl AsyncFnOnce(&mut tokio_postgres::Client) -> Result<T, Error>) -> Result<T, Error> {
        let Self { runtime, client, connection, answer_time, .. } = self;
        runtime.block_on(async {
            let mut answer = pin!(ask(client));
            let Some(limit) = *answer_time else {
                return beside(connection, answer).await;
            };
            match timeout(limit, beside(connection, answer.as_mut())).await {
                Ok(answered) => answered,
                Err(_) => {
                    tracing::warn!(seconds = limit.as_secs(), "PostgreSQL is silent; the connection is given up.");
                    *connection = None;
                    // Fails now: there is nobody left who could answer.
                    answer.await
                }
            }
        })
    }
}

/// Waits for an answer while the connection works.
async fn beside<T>(
    connection: &mut Option<Connection>,
    mut answer: Pin<&mut impl Future<Output = Result<T, Error>>>,
) -> Result<T, Error> {
    poll_fn(|cx| {
        if let Some(open) = connection
            && let Poll::Ready(ended) = open.as_mut().poll(cx)
        {
            *connection = None;
            ended?;
        }
        answer.as_mut().poll(cx)
    })
    .await
}

impl From<Error> for Unreachable {
    fn from(error: Error) -> Self {
        let refused = error
            .code()
            .is_some_and(|code| *code != SqlState::CANNOT_CONNECT_NOW && *code != SqlState::TOO_MANY_CONNECTIONS);
        Self { why: describe(&error), passing: !refused }
    }
}

/// An error in one line: what the database itself says of it, or else the error with its causes, which the driver keeps
/// apart.
pub(super) fn describe(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(said) = error.downcast_ref::<DbError>() {
            text = said.message().to_owned();
            break;
        }
        let error_text = error.to_string();
        if !text.contains(&error_text) {
            text = format!("{text}: {error_text}");
        }
        next = error.source();
    }
    text.replace('\n', " ")
}
