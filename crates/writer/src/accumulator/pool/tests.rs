use super::*;

fn filled(bytes: usize) -> BytesMut {
    BytesMut::zeroed(bytes)
}

/// How many buffers, and their bytes.
fn kept(pool: &Pool) -> (usize, usize) {
    let kept = pool.kept();
    (kept.buffers.len(), kept.bytes)
}

#[test]
fn what_came_last_goes_first_and_keeps_its_length() {
    let pool = Pool::new(1000);
    pool.put(filled(100));
    pool.put(filled(200));
    assert_eq!(pool.take().len(), 200);
    assert_eq!(pool.take().len(), 100);
    assert_eq!(pool.take().capacity(), 0);
}

#[test]
fn no_more_is_kept_than_the_bound() {
    let pool = Pool::new(250);
    for _ in 0..3 {
        pool.put(filled(100));
    }
    assert_eq!(kept(&pool), (2, 200));
}

#[test]
fn what_a_busy_time_left_behind_is_given_back() {
    let pool = Pool::new(10 * MIB);
    for _ in 0..10 {
        pool.put(filled(MIB));
    }
    pool.tidy();
    assert_eq!(kept(&pool), (10, 10 * MIB), "it was busy until now");
    // From here on three are needed at a time.
    for _ in 0..100 {
        let taken = [pool.take(), pool.take(), pool.take()];
        for buffer in taken {
            pool.put(buffer);
        }
    }
    pool.tidy();
    assert_eq!(kept(&pool), (3, 3 * MIB));
    assert_eq!(pool.take().len(), MIB, "those in use are not new ones");
}

#[test]
fn a_little_is_kept_for_good() {
    let pool = Pool::new(10 * MIB);
    for _ in 0..12 {
        pool.put(filled(MIB / 4));
    }
    pool.tidy();
    pool.tidy();
    assert_eq!(kept(&pool), (4, MIB));
}

const MIB: usize = 1 << 20;
