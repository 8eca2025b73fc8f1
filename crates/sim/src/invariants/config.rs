//! A configuration that is read is written down and read as the same; else it is said where it is
//! wrong.

use turn_balance::Config;

pub(crate) fn run(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    match Config::parse(text, "balance.toml") {
        Ok(config) => {
            assert!(config.validate().is_ok());
            let written = config.to_toml();
            assert_eq!(Config::parse(&written, "balance.toml").ok(), Some(config), "{written}");
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert!(!error.diagnostics().is_empty());
            for label in error.diagnostics().iter().flat_map(|diagnostic| diagnostic.labels()) {
                assert!(text.get(label.span()).is_some(), "{label:?}");
            }
        }
    }
}
