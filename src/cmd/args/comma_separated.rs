use std::fmt;
use std::str::FromStr;

use turn_balance::escaped;

/// At least one value, with commas or blanks between: blanks, a comma at the end and the CR of a file
/// from another system mean nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CommaSeparated<T>(pub(crate) Vec<T>);

impl<T: FromStr> FromStr for CommaSeparated<T> {
    type Err = ListError<T::Err>;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut items: Vec<_> = text
            .split(|c: char| c == ',' || c.is_ascii_whitespace())
            .filter(|item| !item.is_empty())
            .collect();
        if items.is_empty() {
            items.push(text); // whose error says why that is none
        }
        let parse = |item: &str| {
            let of_several = (item != text).then(|| item.to_owned());
            item.parse().map_err(|error| ListError { item: of_several, error })
        };
        items.into_iter().map(parse).collect::<Result<_, _>>().map(Self)
    }
}

/// What is wrong with a value of a list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ListError<E> {
    /// Which one, where it is one of several.
    pub(super) item: Option<String>,
    pub(super) error: E,
}

impl<E: fmt::Display> fmt::Display for ListError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (item, error) = (self.item.as_deref().map(escaped), self.error.to_string());
        match item.filter(|item| !error.contains(item)) {
            Some(item) => write!(f, "`{item}`: {error}"),
            None => f.write_str(&error),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for ListError<E> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_and_commas_stand_between() {
        for text in ["1,2", "1, 2", " 1 ,2,", "1,2\r", "1\r\n2\r\n", "1 2", ",1,,2,", "1\t2"] {
            assert_eq!(text.parse(), Ok(CommaSeparated(vec![1, 2])), "{text:?}");
        }
        for text in ["", " ", ",", "\r", "one"] {
            let error = text.parse::<CommaSeparated<u8>>().unwrap_err().to_string();
            assert_eq!(error, text.parse::<u8>().unwrap_err().to_string(), "{text:?}");
        }
        let error = "1, two".parse::<CommaSeparated<u8>>().unwrap_err().to_string();
        assert_eq!(error, "`two`: invalid digit found in string");
    }
}
