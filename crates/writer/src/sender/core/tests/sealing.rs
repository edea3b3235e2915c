//! Batches that are compressed while the sender goes on.

use bytes::BytesMut;
use ekafka_protocol::EncodeError;
use ekafka_protocol::compression::Codec;
use ekafka_protocol::records::SealedBatch;

use super::super::Job;
use super::*;

const LZ4: Compression = Compression::of(Codec::Lz4);

impl Script {
    fn compressing() -> Self {
        Self::new(|rules| rules.compression = LZ4)
    }

    fn jobs(&mut self) -> Vec<Job> {
        let mut jobs = Vec::new();
        self.core.swap_jobs(&mut jobs);
        jobs
    }

    fn finish(&mut self, job: Job) {
        let batch = job.batch.compress(LZ4, BytesMut::new());
        self.core.handle_sealed(job.lane, job.flight, batch);
    }

    fn fail(&mut self, job: Job) {
        let error = EncodeError::Compression {
            codec: "lz4",
            detail: "broken".into(),
        };
        let result: Result<SealedBatch, _> = Err(error);
        self.core.handle_sealed(job.lane, job.flight, result);
    }

    /// Writes a batch to both partitions, so that several may be under way.
    fn prove_compressing(&mut self) {
        let receipts = [self.put(0), self.put(1)];
        assert!(self.depart().is_empty());
        for job in self.jobs() {
            self.finish(job);
        }
        let request = self.depart()[0].0;
        self.answer(request, &[(0, ErrorCode::NONE), (1, ErrorCode::NONE)]);
        assert!(receipts.iter().all(|receipt| class(receipt) == WRITTEN));
    }

    fn written(&mut self, receipts: &[Arc<Receipt>]) {
        for (request, partitions) in self.depart() {
            let answers: Vec<_> = partitions
                .into_iter()
                .map(|partition| (partition, ErrorCode::NONE))
                .collect();
            self.answer(request, &answers);
        }
        assert!(receipts.iter().all(|receipt| class(receipt) == WRITTEN));
    }
}

#[test]
fn a_batch_that_is_being_compressed_holds_its_own_partition_only() {
    let mut script = Script::compressing();
    script.prove_compressing();
    let (slow, other) = (script.put(0), script.put(1));
    assert!(script.depart().is_empty());
    let mut jobs = script.jobs();
    assert_eq!(jobs.len(), 2);
    let number = script.partition(1).lane;
    let mine = jobs.iter().position(|job| job.lane == number).unwrap();
    let job = jobs.swap_remove(mine);
    script.finish(job);
    script.written(&[other]);
    assert_eq!(class(&slow), None);
    script.finish(jobs.remove(0));
    script.written(&[slow]);
}

#[test]
fn batches_leave_in_order_whichever_is_compressed_first() {
    let mut script = Script::compressing();
    script.prove_compressing();
    let receipts = [script.put(0), script.put(0), script.put(0)];
    assert!(script.depart().is_empty());
    let mut jobs = script.jobs();
    assert_eq!(jobs.len(), 3, "full batches are compressed side by side");
    let third = jobs.pop().unwrap();
    let second = jobs.pop().unwrap();
    script.finish(third);
    assert!(script.depart().is_empty());
    script.finish(second);
    assert!(script.depart().is_empty(), "none before the first");
    script.finish(jobs.pop().unwrap());
    let departed = script.depart();
    assert_eq!(departed.len(), 3);
    for (request, _) in departed {
        script.answer(request, &[(0, ErrorCode::NONE)]);
    }
    assert!(receipts.iter().all(|receipt| class(receipt) == WRITTEN));
}

#[test]
fn no_more_are_compressed_ahead_than_may_be_under_way() {
    let mut script = Script::compressing();
    script.prove_compressing();
    for _ in 0..20 {
        script.put(0);
    }
    assert!(script.depart().is_empty());
    assert_eq!(script.jobs().len(), 5);
}

#[test]
fn a_codec_that_fails_fails_its_batch_alone() {
    let mut script = Script::compressing();
    script.prove_compressing();
    let (bad, good) = (script.put(0), script.put(0));
    assert!(script.depart().is_empty());
    let mut jobs = script.jobs();
    let second = jobs.pop().unwrap();
    script.fail(jobs.pop().unwrap());
    assert_eq!(class(&bad), Some(Err(ErrorClass::NotWritten)));
    script.finish(second);
    script.written(&[good]);
}

#[test]
fn what_expires_while_it_is_compressed_is_not_written_and_holds_nothing() {
    let mut script = Script::compressing();
    script.prove_compressing();
    let late = script.put(0);
    assert!(script.depart().is_empty());
    let job = script.jobs().pop().unwrap();
    script.wait(Duration::from_secs(20));
    assert_eq!(class(&late), Some(Err(ErrorClass::NotWritten)));
    let next = script.put(0);
    assert!(script.depart().is_empty(), "the order is kept");
    script.finish(job);
    assert!(script.depart().is_empty());
    let job = script.jobs().pop().unwrap();
    script.finish(job);
    script.written(&[next]);
}

#[test]
fn the_end_of_the_writer_does_not_wait_for_a_codec() {
    let mut script = Script::compressing();
    script.prove_compressing();
    let given_up = script.put(0);
    assert!(script.depart().is_empty());
    let job = script.jobs().pop().unwrap();
    let Undelivered { partitions, .. } = script.core.abandon();
    assert_eq!(partitions[0].not_written, 1);
    assert_eq!(class(&given_up), Some(Err(ErrorClass::NotWritten)));
    script.finish(job);
    assert!(script.depart().is_empty());
    assert_eq!(class(&given_up), Some(Err(ErrorClass::NotWritten)));
    assert_eq!(script.shelf.budget.in_use(), 0);
}

#[test]
fn a_batch_behind_one_that_is_sent_again_waits_for_it() {
    let mut script = Script::compressing();
    script.prove_compressing();
    let first = script.put(0);
    assert!(script.depart().is_empty());
    let job = script.jobs().pop().unwrap();
    script.finish(job);
    let request = script.depart()[0].0;
    let second = script.put(0);
    assert!(script.depart().is_empty());
    let job = script.jobs().pop().unwrap();
    script.lose(request);
    script.finish(job);
    assert!(script.depart().is_empty());
    script.wait(Duration::from_secs(1));
    script.written(&[first]);
    script.written(&[second]);
}
