//! Something that runs as long as the application does.

use std::error::Error;
use std::pin::Pin;

/// What handlers and servers fail with: any error, `?` converts it.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A server in an [`App`](crate::App): consumer servers are, and whatever else implements this.
///
/// ```
/// use ekafka::{App, Server, ServerFuture, ServiceInfo};
///
/// /// Beats until it is stopped.
/// #[derive(Default)]
/// struct Heart(tokio::sync::Notify);
///
/// impl Server for Heart {
///     fn name(&self) -> &str {
///         "heart"
///     }
///     fn package_name(&self) -> &'static str {
///         "example.heart"
///     }
///     fn info(&self) -> ServiceInfo {
///         ServiceInfo::provider(self.name(), self.package_name())
///     }
///     fn init(&self) -> ServerFuture<'_> {
///         Box::pin(async { Ok(()) })
///     }
///     fn start(&self) -> ServerFuture<'_> {
///         Box::pin(async { Ok(self.0.notified().await) })
///     }
///     fn stop(&self) -> ServerFuture<'_> {
///         Box::pin(async { Ok(self.0.notify_one()) })
///     }
///     fn graceful_stop(&self) -> ServerFuture<'_> {
///         self.stop()
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), ekafka::AppError> {
/// let app = App::new().serve(Heart::default());
/// app.handle().stop();
/// app.run().await
/// # }
/// ```
pub trait Server: Send + Sync {
    /// Its name, such as its table in the configuration.
    fn name(&self) -> &str;

    /// What kind of thing it is, such as `component.ekafka.consumerserver`.
    fn package_name(&self) -> &'static str;

    /// What a registry of services may be told.
    fn info(&self) -> ServiceInfo;

    /// Prepares it; called once, before any server starts.
    fn init(&self) -> ServerFuture<'_>;

    /// Runs until it is stopped or fails. Being stopped is no error.
    fn start(&self) -> ServerFuture<'_>;

    /// Stops it at once, whatever it is doing.
    fn stop(&self) -> ServerFuture<'_>;

    /// Stops it when what it is doing is done, and waits for that.
    fn graceful_stop(&self) -> ServerFuture<'_>;
}

/// A call of a [`Server`].
pub type ServerFuture<'a> = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send + 'a>>;

/// A server as others may see it.
///
/// ```
/// use ekafka::{ServiceInfo, ServiceKind};
///
/// let info = ServiceInfo::provider("s1", "example.heart");
/// assert_eq!(info.kind, ServiceKind::Provider);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceInfo {
    /// The server's name.
    pub name: String,
    /// Its [package](Server::package_name).
    pub package: &'static str,
    /// Whether it offers something or uses it.
    pub kind: ServiceKind,
}

impl ServiceInfo {
    /// The description of a server that offers something.
    pub fn provider(name: impl Into<String>, package: &'static str) -> Self {
        Self {
            name: name.into(),
            package,
            kind: ServiceKind::Provider,
        }
    }
}

/// Which side of a service a server is on.
///
/// ```
/// use ekafka::{Server, ServiceKind, consumerserver::ConsumerServer};
///
/// fn offers_something(server: &ConsumerServer) -> bool {
///     server.info().kind == ServiceKind::Provider
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServiceKind {
    /// It offers something.
    Provider,
    /// It uses something.
    Consumer,
}

/// How a server is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stop {
    No,
    Graceful,
    Hard,
}
