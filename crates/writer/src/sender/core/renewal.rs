//! A partition whose sequence is in doubt begins its next epoch (KIP-360).

use super::Core;
use crate::error::Cause;
use crate::sender::in_flight::Lane;

impl Core {
    /// Remembers a lane that needs a new epoch.
    pub(super) fn note_doubt(&mut self, number: usize) {
        let in_doubt = self.lanes[number]
            .as_ref()
            .is_some_and(|lane| lane.sequence.is_in_doubt());
        if in_doubt && !self.doubtful.contains(&number) {
            self.doubtful.push(number);
        }
    }

    /// Begins the next epoch wherever one is awaited and nothing of the present one can still arrive.
    pub(super) fn renew(&mut self) {
        for number in std::mem::take(&mut self.doubtful) {
            // Giving a batch up may note a lane that is about to be renewed here a second time.
            let in_doubt = |lane: &Lane| lane.sequence.is_in_doubt();
            if !self.lanes[number].as_ref().is_some_and(in_doubt) {
                continue;
            }
            self.strip(number);
            let Some(lane) = &mut self.lanes[number] else {
                continue;
            };
            if self.producer.renew(&mut lane.sequence) {
                self.list(number);
            } else {
                self.note_doubt(number);
            }
        }
    }

    /// Takes their numbers from the batches of a lane that are known not to be stored. A batch that may be stored keeps
    /// them, and is sent again with them; behind one that has lost them it never can be, for the order's sake, so there it
    /// is given up.
    fn strip(&mut self, number: usize) {
        let Some(lane) = &mut self.lanes[number] else {
            return;
        };
        let mut stuck = Vec::new();
        let mut behind_stripped = false;
        for flight in &mut lane.flights {
            if flight.is_waiting() && flight.stamped.is_some() {
                if !flight.ambiguous {
                    let count = flight.count();
                    if let Some(stamp) = flight.take_stamp() {
                        lane.sequence.handle_unused(stamp, count, false);
                    }
                } else if behind_stripped {
                    stuck.push((flight.id, flight.cause.clone()));
                }
            }
            behind_stripped |= flight.stamped.is_none();
        }
        for (id, cause) in stuck {
            self.fail_for(number, id, cause.unwrap_or(Cause::Expired));
        }
    }
}
