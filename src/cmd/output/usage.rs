use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue};
use turn_balance::escaped;

/// What the command line's parser says, with words of the command line in it that are fit for a
/// terminal.
pub(super) fn harmless(mut error: clap::Error) -> clap::Error {
    let context: Vec<(ContextKind, ContextValue)> =
        error.context().map(|(kind, value)| (kind, value.clone())).collect();
    let words: Vec<String> = context.iter().filter_map(|(_, value)| word(value)).collect();
    for (kind, value) in context {
        let value = match value {
            ContextValue::String(text) => ContextValue::String(escaped(&text)),
            ContextValue::Strings(texts) => {
                ContextValue::Strings(texts.iter().map(|text| escaped(text)).collect())
            }
            ContextValue::StyledStr(text) => ContextValue::StyledStr(without(&text, &words)),
            ContextValue::StyledStrs(texts) => {
                ContextValue::StyledStrs(texts.iter().map(|text| without(text, &words)).collect())
            }
            other => other,
        };
        error.insert(kind, value);
    }
    error
}

/// A word of the command line that is not fit as it is.
fn word(value: &ContextValue) -> Option<String> {
    match value {
        ContextValue::String(text) if escaped(text) != *text => Some(text.clone()),
        _ => None,
    }
}

/// A text that has colours of the parser's own, without what these words do.
fn without(text: &StyledStr, words: &[String]) -> StyledStr {
    let text = text.ansi().to_string();
    words.iter().fold(text, |text, word| text.replace(word, &escaped(word))).into()
}
