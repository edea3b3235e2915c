use super::ConnError;

#[test]
fn errors_are_small_enough_to_return() {
    assert!(size_of::<ConnError>() <= 64, "{}", size_of::<ConnError>());
}
