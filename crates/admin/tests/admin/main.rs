//! The client against the embedded broker, with the faults that only it can make.

mod calling;
mod setup;
