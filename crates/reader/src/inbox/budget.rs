//! How many bytes a reader holds, and who may take more.
//!
//! Two shares of one limit. What was fetched, or is on its way, counts as it came; a compressed batch
//! also counts unpacked from the moment it is opened until its last record is handed out. As soon as a
//! compressed batch has come, one half is kept free for unpacking, so that both together stay within the
//! limit, however much the data expands. Either share always lets one in: a single batch that is larger
//! than its share is still read, alone.

#[cfg(test)]
mod tests;

/// The bytes and messages of one reader.
#[derive(Debug)]
pub(super) struct Budget {
    /// Bytes fetched and unpacked together.
    limit: u64,
    /// Messages fetched and not used up, from which on nothing is asked for.
    capacity: u64,
    /// Bytes buffered or set aside for answers under way.
    fetched: u64,
    /// Messages in chunks that are not used up.
    messages: u64,
    /// Bytes of opened batches, beside the compressed ones they came from.
    unpacked: u64,
    /// Whether a compressed batch has come.
    is_packed: bool,
    /// Bytes of the largest opened batch.
    largest: u64,
}

impl Budget {
    pub(super) fn new(limit: u64) -> Self {
        Self {
            limit,
            capacity: u64::MAX,
            fetched: 0,
            messages: 0,
            unpacked: 0,
            is_packed: false,
            largest: 0,
        }
    }

    pub(super) fn set_capacity(&mut self, messages: u64) {
        self.capacity = messages.max(1);
    }

    /// Bytes held or set aside.
    pub(super) fn held(&self) -> u64 {
        self.fetched.saturating_add(self.unpacked)
    }

    pub(super) fn messages(&self) -> u64 {
        self.messages
    }

    /// Whether an answer of at most `wanted` bytes may be asked for by one of so many fetchers.
    pub(super) fn has_room(&self, wanted: u64, fetchers: usize) -> bool {
        let room = self.for_fetching().saturating_sub(self.fetched);
        self.fetched == 0 || (room >= self.share(wanted, fetchers) && self.messages < self.capacity)
    }

    /// Sets bytes aside for an answer: at most `wanted`, and a fair share among the fetchers, since one
    /// that waits for a silent broker holds its share. 0 when there is no room.
    pub(super) fn reserve(&mut self, wanted: u64, fetchers: usize) -> u64 {
        if !self.has_room(wanted, fetchers) {
            return 0;
        }
        let share = self.share(wanted, fetchers);
        self.fetched += share;
        share
    }

    /// Gives back bytes set aside for an answer.
    pub(super) fn unreserve(&mut self, bytes: u64) {
        self.fetched = self.fetched.saturating_sub(bytes);
    }

    /// Takes in what came, whether there is room or not.
    pub(super) fn add(&mut self, bytes: u64, messages: u64, is_packed: bool) {
        self.fetched += bytes;
        self.messages += messages;
        self.is_packed |= is_packed;
    }

    /// What came is used up.
    pub(super) fn remove(&mut self, bytes: u64, messages: u64) {
        self.fetched = self.fetched.saturating_sub(bytes);
        self.messages = self.messages.saturating_sub(messages);
    }

    /// Whether another batch, of an unknown size, may be opened beside those that are.
    pub(super) fn may_unpack(&self) -> bool {
        self.unpacked == 0 || self.unpacked + self.largest <= self.limit / 2
    }

    /// Takes in a compressed batch that was opened.
    pub(super) fn unpack(&mut self, bytes: u64) {
        self.unpacked += bytes;
        self.largest = self.largest.max(bytes);
    }

    /// An opened batch was handed out.
    pub(super) fn repack(&mut self, bytes: u64) {
        self.unpacked = self.unpacked.saturating_sub(bytes);
    }

    fn for_fetching(&self) -> u64 {
        let half = if self.is_packed {
            self.limit / 2
        } else {
            self.limit
        };
        half.min(self.limit.saturating_sub(self.unpacked))
    }

    fn share(&self, wanted: u64, fetchers: usize) -> u64 {
        let fair = self.for_fetching() / (2 * fetchers.max(1) as u64);
        wanted.min(fair.max(SMALLEST_SHARE)).max(1)
    }
}

/// Less than this is not worth a fetch.
const SMALLEST_SHARE: u64 = 16 * 1024;
