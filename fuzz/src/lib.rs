//! The fuzz targets: bodies that tests/random.rs runs too, and a comparison of its
//! decoders with prost's.

mod differential;
/// The messages of proto/balance.proto as prost derives them, but for what [`differential`] says.
mod messages {
    include!(concat!(env!("OUT_DIR"), "/turnbalance.rs"));
}

use turn_balance_sim::invariants::{ALL, Body};

const DIFFERENTIAL: (&str, Body) = ("differential", differential::run);

/// The names of all targets.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.into_iter().chain([DIFFERENTIAL]).map(|(name, _)| name)
}

/// Gives an input to a target. Panics where something does not hold.
pub fn run(name: &str, input: &[u8]) {
    let body = ALL.into_iter().chain([DIFFERENTIAL]).find(|(known, _)| *known == name);
    body.expect("there is such a target").1(input);
}

/// The main function of a target: libFuzzer's or, without it, one that runs the files it is given.
#[macro_export]
macro_rules! target {
    ($name:ident) => {
        #[cfg(fuzzing)]
        libfuzzer_sys::fuzz_target!(|input: &[u8]| $crate::run(stringify!($name), input));

        #[cfg(not(fuzzing))]
        fn main() -> std::io::Result<()> {
            for file in std::env::args_os().skip(1) {
                $crate::run(stringify!($name), &std::fs::read(file)?);
            }
            Ok(())
        }
    };
}
