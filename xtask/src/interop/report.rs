//! What was tried and how it went, a line for each step.

use std::time::Instant;

use crate::failure::Failure;

/// Counts of the steps so far.
#[derive(Default)]
pub(super) struct Report {
    passed: u32,
    failed: u32,
    skipped: u32,
}

impl Report {
    /// Runs a step; its text says what was seen, its failure what was expected as well.
    pub(super) fn step(&mut self, name: &str, run: impl FnOnce() -> Result<String, Failure>) {
        let start = Instant::now();
        let outcome = run();
        let time = start.elapsed().as_secs_f32();
        match outcome {
            Ok(seen) => {
                self.passed += 1;
                println!("ok       {name}: {seen} ({time:.1} s)");
            }
            Err(failure) => {
                self.failed += 1;
                println!("FAILED   {name}: {failure} ({time:.1} s)");
            }
        }
    }

    /// A step that cannot be tried here.
    pub(super) fn skip(&mut self, name: &str, why: &str) {
        self.skipped += 1;
        println!("skipped  {name}: {why}");
    }

    /// The totals; a failure when a step failed, or when nothing was tried.
    pub(super) fn conclude(self) -> Result<(), Failure> {
        let (passed, failed, skipped) = (self.passed, self.failed, self.skipped);
        println!("{passed} ok, {failed} failed, {skipped} skipped");
        if failed > 0 {
            return Err(Failure::new(format!("{failed} steps failed")));
        }
        if passed == 0 {
            return Err(Failure::new(
                "no client to try: install Java 17 and Maven, or kcat, or confluent-kafka",
            ));
        }
        Ok(())
    }
}
