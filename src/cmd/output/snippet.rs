use turn_balance::ConfigError;

/// A configuration's errors, each with the text it is about.
pub(crate) fn config_error(error: &ConfigError, _color: bool) -> String {
    let messages = error.diagnostics.iter();
    messages.map(|d| format!("error: {}\n", d.message)).collect()
}
