//! A connection against a scripted peer: the other end of an in-memory pipe, or a real port.

mod hostile;
mod login;
mod peer;
mod pipelining;
mod sessions;
mod sharing;
mod tls;
