#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cos_emu_fuzz::jobs(bytes));
