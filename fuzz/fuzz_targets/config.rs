//! A configuration that is read is written down and read as the same; else it is said where it is
//! wrong, within the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use turn_balance::Config;

fuzz_target!(|text: &str| {
    match Config::parse(text, "balance.toml") {
        Ok(config) => {
            let written = config.to_toml();
            assert_eq!(Config::parse(&written, "balance.toml").ok(), Some(config), "{written}");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
