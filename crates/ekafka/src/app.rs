//! An application of servers: started together, stopped together, by a signal or by the first failure.

mod signals;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::server::{BoxError, Server};
use signals::{Signal, Signals};

/// Runs servers beside futures of the application's own until a signal comes or one of them fails.
///
/// SIGTERM and SIGINT stop gracefully: servers finish what they are doing, for [`stop_timeout`](Self::stop_timeout) at most.
/// SIGQUIT, and any second signal, stops at once.
///
/// ```
/// use ekafka::App;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), ekafka::AppError> {
/// let app = App::new();
/// let handle = app.handle();
/// // Servers are added by `serve`; a future beside them ends with the application.
/// let app = app.beside(async move {
///     handle.stop();
///     std::future::pending().await
/// });
/// app.run().await
/// # }
/// ```
#[derive(Default)]
#[must_use = "an application does nothing until it runs"]
pub struct App {
    servers: Vec<Arc<dyn Server>>,
    beside: Vec<Beside>,
    stop_timeout: Option<Duration>,
    stop: AppHandle,
}

type Beside = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;

/// Stops an application from anywhere in it.
///
/// ```
/// use ekafka::{App, AppHandle};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), ekafka::AppError> {
/// let app = App::new().beside(std::future::pending());
/// let handle: AppHandle = app.handle();
/// tokio::join!(app.run(), async { handle.stop() }).0
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct AppHandle {
    wish: Arc<watch::Sender<Option<Signal>>>,
}

/// Why an application ended before it was asked to, or not in time.
///
/// ```
/// use ekafka::{App, AppError};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let app = App::new().beside(async { Err("the disk is full".into()) });
/// let error = app.run().await.unwrap_err();
/// assert!(matches!(error, AppError::Failed { .. }));
/// assert_eq!(error.exit_code(), 1);
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppError {
    /// A server, or a future beside it, failed; the others were stopped gracefully.
    #[error("{name} failed")]
    Failed {
        /// The server's name; `beside` for a future.
        name: String,
        /// Why.
        #[source]
        source: BoxError,
    },
    /// A server, or a future beside it, panicked; the others were stopped gracefully.
    #[error("a server panicked: {message}")]
    Panicked {
        /// What it said.
        message: String,
    },
    /// Servers were still busy when the time was up, and were stopped at once.
    #[error("servers have not stopped within {after:?}")]
    Timeout {
        /// The time they had.
        after: Duration,
    },
    /// A signal stopped everything at once.
    #[error("killed by signal {signal}")]
    Killed {
        /// Its number.
        signal: i32,
    },
    /// Signals cannot be received.
    #[error("signals of the operating system cannot be received")]
    Signals(#[source] std::io::Error),
}

impl AppError {
    /// What a process that ends because of this exits with: 128 and the signal's number, else 1.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Killed { signal } => u8::try_from(128 + signal).unwrap_or(u8::MAX),
            _ => 1,
        }
    }
}

impl App {
    /// An application without servers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a server.
    pub fn serve(mut self, server: impl Server + 'static) -> Self {
        self.servers.push(Arc::new(server));
        self
    }

    /// Adds a future of the application's own. Its failure stops the servers, its success does not; it is dropped when they
    /// have stopped.
    pub fn beside(
        mut self,
        future: impl Future<Output = Result<(), BoxError>> + Send + 'static,
    ) -> Self {
        self.beside.push(Box::pin(future));
        self
    }

    /// How long servers may take to stop gracefully.
    ///
    /// Default: 5 s. Handlers that take longer are cut off, and their messages are handled again.
    pub fn stop_timeout(mut self, timeout: Duration) -> Self {
        self.stop_timeout = Some(timeout);
        self
    }

    /// Stops the application from anywhere, as SIGTERM does.
    pub fn handle(&self) -> AppHandle {
        self.stop.clone()
    }

    /// Prepares all servers one after another, starts them together, and waits until all have stopped.
    ///
    /// ```no_run
    /// # async fn example(server: ekafka::consumerserver::ConsumerServer) -> Result<(), ekafka::AppError> {
    /// use std::time::Duration;
    /// use ekafka::App;
    ///
    /// App::new().stop_timeout(Duration::from_secs(30)).serve(server).run().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`AppError`]: the first failure, or why stopping was not graceful. Stopping in time is no error.
    ///
    /// # Cancel safety
    /// Dropping the future stops everything at once.
    pub async fn run(self) -> Result<(), AppError> {
        let mut signals = Signals::listen().map_err(AppError::Signals)?;
        for server in &self.servers {
            server.init().await.map_err(|source| AppError::Failed {
                name: server.name().to_owned(),
                source,
            })?;
        }
        let mut running = Running::start(self.servers, self.beside);
        let mut wish = self.stop.wish.subscribe();
        let ended = tokio::select! {
            ended = running.until_one_fails_or_all_end() => ended,
            signal = stop_wish(&mut signals, &mut wish) => {
                if signal.is_hard {
                    running.stop_at_once().await;
                    return Err(AppError::Killed { signal: signal.number });
                }
                Ok(())
            }
        };
        let timeout = self.stop_timeout.unwrap_or(STOP_TIMEOUT);
        let stopped = tokio::select! {
            stopped = running.stop_gracefully(timeout) => stopped,
            signal = signals.next() => {
                Err(AppError::Killed { signal: signal.number })
            }
        };
        if stopped.is_err() {
            running.stop_at_once().await;
        }
        ended.and(stopped)
    }
}

impl AppHandle {
    /// Stops gracefully, as SIGTERM does.
    pub fn stop(&self) {
        self.wish.send_replace(Some(Signal::GRACEFUL));
    }
}

async fn stop_wish(signals: &mut Signals, wish: &mut watch::Receiver<Option<Signal>>) -> Signal {
    tokio::select! {
        signal = signals.next() => signal,
        // The sender lives as long as the application.
        wished = wish.wait_for(Option::is_some) => match wished {
            Ok(wished) => wished.unwrap_or(Signal::GRACEFUL),
            Err(_) => std::future::pending().await,
        },
    }
}

/// What was started.
struct Running {
    servers: Vec<Arc<dyn Server>>,
    /// Ends with the server's name and result; servers are counted, futures beside them are not.
    tasks: JoinSet<(bool, String, Result<(), BoxError>)>,
    serving: usize,
}

impl Running {
    fn start(servers: Vec<Arc<dyn Server>>, beside: Vec<Beside>) -> Self {
        let mut tasks = JoinSet::new();
        for server in &servers {
            let server = Arc::clone(server);
            tasks.spawn(async move {
                let result = server.start().await;
                (true, server.name().to_owned(), result)
            });
        }
        for future in beside {
            tasks.spawn(async move { (false, "beside".to_owned(), future.await) });
        }
        Self {
            serving: servers.len(),
            servers,
            tasks,
        }
    }

    /// Without servers, the futures beside them are waited for.
    async fn until_one_fails_or_all_end(&mut self) -> Result<(), AppError> {
        let has_servers = self.serving > 0;
        while !has_servers || self.serving > 0 {
            let Some(ended) = self.tasks.join_next().await else {
                break;
            };
            self.note(ended)?;
        }
        Ok(())
    }

    fn note(
        &mut self,
        ended: Result<(bool, String, Result<(), BoxError>), tokio::task::JoinError>,
    ) -> Result<(), AppError> {
        match ended {
            Ok((is_server, name, result)) => {
                self.serving -= usize::from(is_server);
                result.map_err(|source| AppError::Failed { name, source })
            }
            Err(error) if error.is_panic() => {
                // Which one it was is not known: nobody is waited for that may be gone.
                self.serving = self.serving.saturating_sub(1);
                let message = panic_message(&*error.into_panic());
                Err(AppError::Panicked { message })
            }
            Err(_) => Ok(()),
        }
    }

    async fn stop_gracefully(&mut self, timeout: Duration) -> Result<(), AppError> {
        let deadline = Instant::now() + timeout;
        let stopping = async {
            let mut stops = JoinSet::new();
            for server in self.servers.clone() {
                stops.spawn(async move { server.graceful_stop().await });
            }
            let mut result = Ok(());
            while let Some(stopped) = stops.join_next().await {
                if let Ok(Err(error)) = stopped {
                    tracing::warn!(%error, "a server did not stop well");
                }
            }
            while self.serving > 0 {
                let Some(ended) = self.tasks.join_next().await else {
                    break;
                };
                let noted = self.note(ended);
                result = result.and(noted);
            }
            result
        };
        let stopped = tokio::time::timeout_at(deadline, stopping).await;
        stopped.unwrap_or(Err(AppError::Timeout { after: timeout }))
    }

    async fn stop_at_once(&mut self) {
        for server in &self.servers {
            if let Err(error) = server.stop().await {
                tracing::warn!(%error, server = server.name(), "did not stop well");
            }
        }
        self.tasks.shutdown().await;
    }
}

/// What a panic said.
pub(crate) fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.servers.iter().map(|server| server.name()).collect();
        f.debug_struct("App")
            .field("servers", &names)
            .field("beside", &self.beside.len())
            .finish_non_exhaustive()
    }
}

const STOP_TIMEOUT: Duration = Duration::from_secs(5);
