//! Which brokers, and how to connect to them: the options that every command shares.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use ekafka::admin::Client;
use ekafka::{
    Cluster, Conn, ConnConfig, ConnError, Dialer, Mechanism, Plain, Scram, ScramAlgorithm, Secret,
    TlsConfig,
};
use ekafka_testkit::Builder;

use crate::failure::Failure;

/// The environment variable that holds the password.
const PASSWORD: &str = "EKAFKA_SASL_PASSWORD";

/// How long an administrative call may take.
const CALL_LIMIT: Duration = Duration::from_secs(30);

#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Connection {
    /// Brokers to begin with: host:port, several separated by commas
    #[arg(
        long,
        short,
        visible_alias = "bootstrap-server",
        env = "EKAFKA_BROKERS",
        value_delimiter = ',',
        global = true
    )]
    pub(crate) brokers: Vec<String>,

    /// Encrypt, and trust the certificate authorities of this PEM file
    #[arg(long, value_name = "FILE", global = true)]
    tls_ca: Option<PathBuf>,

    /// Log in: PLAIN:user, SCRAM-SHA-256:user or SCRAM-SHA-512:user; the password comes from
    /// EKAFKA_SASL_PASSWORD or --sasl-password-file
    #[arg(long, value_name = "MECHANISM:USER", global = true)]
    sasl: Option<Login>,

    /// Read the password from this file (a final line end is not part of it)
    #[arg(long, value_name = "FILE", requires = "sasl", global = true)]
    sasl_password_file: Option<PathBuf>,

    /// Let PLAIN send the password without TLS, readable by anyone on the way
    #[arg(long, requires = "sasl", global = true)]
    sasl_plain_without_tls: bool,
}

/// A log-in mechanism and who logs in.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Login {
    kind: LoginKind,
    user: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LoginKind {
    Plain,
    Sha256,
    Sha512,
}

impl Connection {
    /// The brokers that were named.
    pub(crate) fn brokers(&self) -> Result<Vec<String>, Failure> {
        if self.brokers.is_empty() {
            return Err(Failure::usage(
                "which brokers? neither --brokers nor EKAFKA_BROKERS is set",
            )
            .advise("--brokers 127.0.0.1:9092, with `ekafka broker` in another terminal"));
        }
        Ok(self.brokers.clone())
    }

    /// How to connect to them.
    pub(crate) fn config(&self) -> Result<ConnConfig, Failure> {
        let mut config = ConnConfig::default().client_id("ekafka-cli");
        if let Some(file) = &self.tls_ca {
            let tls = TlsConfig::builder().ca_file(file).build();
            config = config.tls(tls.map_err(|error| {
                Failure::new(
                    format_args!("cannot use --tls-ca {}", file.display()),
                    &error,
                )
            })?);
        }
        if let Some(login) = &self.sasl {
            config = config.sasl(login.mechanism(self.password()?)?);
        }
        if self.sasl_plain_without_tls {
            config = config.allow_plaintext_sasl_plain();
        }
        Ok(config)
    }

    /// The embedded broker that admits only who logs in as `--sasl` says; the broker's own TLS has its own files.
    pub(crate) fn guard(&self, broker: Builder) -> Result<Builder, Failure> {
        if self.tls_ca.is_some() {
            return Err(
                Failure::usage("the embedded broker as a process offers no TLS")
                    .advise("leave --tls-ca out"),
            );
        }
        let Some(login) = &self.sasl else {
            return Ok(broker);
        };
        let password = self.password()?;
        let (user, password) = (login.user.as_str(), password.expose());
        Ok(match login.kind {
            LoginKind::Plain => broker.sasl_plain(user, password),
            LoginKind::Sha256 => broker.sasl_scram_256(user, password),
            LoginKind::Sha512 => broker.sasl_scram_512(user, password),
        })
    }

    /// Opens a connection to the first of the brokers that answers.
    pub(crate) async fn dial(&self) -> Result<Conn, Failure> {
        let dialer = Dialer::new(self.config()?);
        let mut failures = Vec::new();
        for broker in self.brokers()? {
            match dialer.dial(&broker).await {
                Ok(conn) => return Ok(conn),
                // Nothing was dialled, nor will it be.
                Err(error @ ConnError::Config(_)) => return Err(Failure::usage(error.to_string())),
                Err(error) => failures.push(error),
            }
        }
        Err(Failure::each("cannot reach any of the brokers", &failures)
            .advise("check --brokers, and whether they expect --tls-ca or --sasl"))
    }

    /// All of the cluster behind the brokers; nothing is dialled yet.
    pub(crate) fn cluster(&self) -> Result<Cluster, Failure> {
        Cluster::new(self.brokers()?, self.config()?)
            .map_err(|error| Failure::usage(error.to_string()))
    }

    /// A client for administrative calls on brokers that can be reached.
    pub(crate) async fn client(&self) -> Result<Client, Failure> {
        // Who cannot be reached at all is told at once, not when the call gives up.
        drop(self.dial().await?);
        Client::builder()
            .cluster(self.cluster()?)
            .timeout(CALL_LIMIT)
            .build()
            .map_err(|error| Failure::new("cannot use --brokers", &error))
    }

    fn password(&self) -> Result<Secret, Failure> {
        match &self.sasl_password_file {
            Some(file) => read_password(file),
            None => std::env::var(PASSWORD).map(Secret::new).map_err(|_| {
                Failure::usage("--sasl needs a password").advise(format!(
                    "set {PASSWORD}, or name a file by --sasl-password-file"
                ))
            }),
        }
    }
}

impl Login {
    fn mechanism(&self, password: Secret) -> Result<Arc<dyn Mechanism>, Failure> {
        let user = self.user.as_str();
        let scram = |algorithm, password| -> Result<Arc<dyn Mechanism>, _> {
            Ok(Arc::new(Scram::new(algorithm, user, password)?))
        };
        match self.kind {
            LoginKind::Plain => Plain::new(user, password).map(|plain| Arc::new(plain) as _),
            LoginKind::Sha256 => scram(ScramAlgorithm::Sha256, password),
            LoginKind::Sha512 => scram(ScramAlgorithm::Sha512, password),
        }
        .map_err(|error| Failure::new("cannot log in", &error))
    }
}

impl FromStr for Login {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (mechanism, user) = text.split_once(':').ok_or("expected MECHANISM:USER")?;
        let kind = match mechanism.to_ascii_uppercase().as_str() {
            "PLAIN" => LoginKind::Plain,
            "SCRAM-SHA-256" => LoginKind::Sha256,
            "SCRAM-SHA-512" => LoginKind::Sha512,
            _ => return Err("the mechanism is PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512".to_owned()),
        };
        if user.is_empty() {
            return Err("the user's name is missing after the colon".to_owned());
        }
        Ok(Self {
            kind,
            user: user.to_owned(),
        })
    }
}

fn read_password(file: &Path) -> Result<Secret, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        Failure::new(
            format_args!("cannot read the password from {}", file.display()),
            &error,
        )
    })?;
    Ok(Secret::new(
        text.strip_suffix('\n')
            .map_or(text.as_str(), |t| t.trim_end_matches('\r')),
    ))
}
