//! Being a member of a group: what to send next, and what an answer means.

pub(crate) mod blobs;
pub(crate) mod classic;
pub(crate) mod verdict;
