//! The writer as its user has it, on any broker. Tests carry the ids of the behaviours they check: `t…` is a behaviour of
//! kafka-go's own test suite, `s…` one that its users' guides promise.

mod kafka_go;
mod told;
mod topics;
