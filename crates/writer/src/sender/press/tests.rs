use ekafka_protocol::records::{BatchBuilder, RecordData};

use super::*;

fn job() -> Job {
    let mut builder = BatchBuilder::new(BytesMut::new());
    let record = RecordData {
        value: Some(&[b'a'; 1000]),
        ..RecordData::default()
    };
    builder.append(&record).unwrap();
    Job {
        lane: 3,
        flight: 7,
        batch: builder.seal(Compression::NONE).unwrap(),
    }
}

#[test]
fn what_was_pressed_goes_back_where_it_came_from() {
    let event = press(job(), Compression::of(Codec::Lz4), BytesMut::new());
    let Event::Sealed {
        lane: 3,
        flight: 7,
        result: Ok(batch),
    } = event
    else {
        panic!("{event:?}")
    };
    assert!(batch.len() < 200 && batch.uncompressed_len() > 1000);
}

#[test]
fn a_codec_that_panics_has_failed() {
    let event = press_by(job(), Compression::of(Codec::Zstd), |_| {
        panic!("a bug in the codec, on purpose")
    });
    let Event::Sealed {
        lane: 3,
        flight: 7,
        result: Err(error),
    } = event
    else {
        panic!("{event:?}")
    };
    assert_eq!(
        error,
        EncodeError::Compression {
            codec: "zstd",
            detail: "the codec panicked".into()
        }
    );
}
