use super::*;

fn batch(base: i64, delta: i32) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(base.to_be_bytes());
    bytes.extend(49i32.to_be_bytes());
    bytes.extend(0i32.to_be_bytes());
    bytes.push(2);
    bytes.extend([0; 6]);
    bytes.extend(delta.to_be_bytes());
    bytes.resize(61, 0);
    bytes
}

fn message(offset: i64, magic: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(offset.to_be_bytes());
    bytes.extend(14i32.to_be_bytes());
    bytes.extend([0, 0, 0, 0, magic]);
    bytes.resize(26, 0);
    bytes
}

#[track_caller]
fn check(records: &[u8], offset: i64, next: i64, bytes: usize) {
    let found = extent(records, offset);
    assert_eq!((found.next, found.bytes), (next, bytes));
}

#[test]
fn the_leader_epoch_is_that_of_the_last_whole_batch() {
    let mut two = [batch(10, 4), batch(15, 0)].concat();
    two[12..16].copy_from_slice(&3i32.to_be_bytes());
    two[61 + 12..61 + 16].copy_from_slice(&5i32.to_be_bytes());
    assert_eq!(extent(&two, 10).leader_epoch, 5);
    assert_eq!(extent(&two[..100], 10).leader_epoch, 3);
    assert_eq!(extent(&[], 10).leader_epoch, -1);
    assert_eq!(extent(&message(3, 1), 3).leader_epoch, -1);
}

#[test]
fn whole_batches_count_and_the_cut_off_one_does_not() {
    let two = [batch(10, 4), batch(15, 0)].concat();
    check(&two, 12, 16, 122);
    for cut in 1..61 {
        check(&two[..61 + cut], 12, 15, 61);
    }
    check(&[], 12, 12, 0);
}

#[test]
fn s20_the_last_offset_counts_even_if_its_record_was_compacted_away() {
    check(&batch(10, 99), 10, 110, 61);
}

#[test]
fn messages_of_older_formats_carry_their_offset() {
    let set = [message(7, 0), message(8, 1)].concat();
    check(&set, 7, 9, 52);
}

#[test]
fn a_batch_below_the_position_does_not_move_it_back() {
    check(&batch(3, 1), 12, 12, 61);
}

#[test]
fn a_header_that_makes_no_sense_is_left_to_its_reader() {
    let mut bytes = batch(10, 4);
    bytes.extend(batch(15, 0));
    bytes[61 + 8..61 + 12].copy_from_slice(&(-5i32).to_be_bytes());
    check(&bytes, 10, 15, 122);
    let mut extreme = batch(i64::MAX, i32::MAX);
    extreme[23..27].copy_from_slice(&i32::MIN.to_be_bytes());
    check(&extreme, 0, i64::MAX, 61);
}
