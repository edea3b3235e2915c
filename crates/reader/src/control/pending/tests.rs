use std::task::Waker;

use tokio::sync::oneshot;

use super::*;

#[test]
fn results_come_as_they_are_ready_and_none_is_lost() {
    let mut calls = Calls::default();
    let (first, slow) = oneshot::channel();
    let (second, quick) = oneshot::channel();
    calls.push(async { slow.await.unwrap_or(0) });
    calls.push(async { quick.await.unwrap_or(0) });
    let mut context = Context::from_waker(Waker::noop());
    assert!(calls.poll(&mut context).is_pending());
    second.send(2).unwrap();
    assert_eq!(calls.poll(&mut context), Poll::Ready(2));
    assert!(calls.poll(&mut context).is_pending());
    first.send(1).unwrap();
    assert_eq!(calls.poll(&mut context), Poll::Ready(1));
    assert!(calls.poll(&mut context).is_pending());
}
