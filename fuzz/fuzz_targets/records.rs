#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ekafka_fuzz::records(data));
