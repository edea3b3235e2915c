//! ekafka
