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
    let pool = Pool::new(1 << 20);
    for _ in 0..20 {
        pool.put(filled(1000));
    }
    // From here on three are needed at a time.
    for _ in 0..2 * LOOK {
        let taken = [pool.take(), pool.take(), pool.take()];
        for buffer in taken {
            pool.put(buffer);
        }
    }
    assert_eq!(kept(&pool), (3, 3000));
    assert!(pool.take().len() == 1000, "those in use are not new ones");
}
