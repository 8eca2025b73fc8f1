//! Round-trip times from a file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;

use super::Error;
use super::matrix::Matrix;

/// Reads a matrix, with or without names of hosts, or a line of it for each of several snapshots.
pub(crate) fn load(path: &Path, snapshots: Option<(usize, f64)>) -> Result<Vec<Matrix>, Error> {
    let text = read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let lines = lines(&text);
    let parsed = match snapshots {
        Some((hosts, unit)) => parse_snapshots(&lines, hosts, unit),
        None => parse_matrix(&lines).map(|rows| vec![rows]),
    };
    let parsed = parsed.map_err(|error| format!("{}:{error}", path.display()))?;
    match parsed.is_empty() || parsed[0].is_empty() {
        true => Err(format!("{}: it has no numbers", path.display()).into()),
        false => Ok(Matrix::complete(parsed)),
    }
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    let mut file = File::open(path)?;
    if path.extension().is_some_and(|extension| extension == "gz") {
        GzDecoder::new(file).read_to_end(&mut bytes)?;
    } else {
        file.read_to_end(&mut bytes)?;
    }
    Ok(String::from_utf8_lossy(&bytes).trim_start_matches('\u{feff}').to_owned())
}

/// A line's number and its cells.
type Line = (usize, Vec<String>);

/// A matrix, or what is wrong, behind the line and column.
type Parsed<T> = Result<T, String>;

/// The lines that say something. Cells may stand in quotes.
fn lines(text: &str) -> Vec<Line> {
    let said = |line: &&str| !line.trim().is_empty() && !line.starts_with('#');
    let first = text.lines().find(said).unwrap_or_default();
    let comma = [',', ';', '\t'].into_iter().find(|comma| first.contains(*comma)).unwrap_or(' ');
    let cells = |line: &str| {
        let mut quoted = false;
        let cells = line.trim_end().split(|c| {
            quoted ^= c == '"';
            c == comma && !quoted
        });
        cells.map(|cell| cell.trim().trim_matches('"').trim().to_owned()).collect()
    };
    let numbered = text.lines().enumerate().filter(|(_, line)| said(line));
    numbered.map(|(number, line)| (number + 1, cells(line))).collect()
}

/// A time; not a number where it is missing.
fn number(line: usize, column: usize, cell: &str) -> Parsed<f64> {
    if is_missing(cell) {
        return Ok(f64::NAN);
    }
    let rtt = cell.parse().ok().filter(|rtt: &f64| rtt.is_finite() && *rtt >= 0.0);
    rtt.ok_or_else(|| format!("{line}:{}: `{cell}` is no round-trip time", column + 1))
}

fn is_missing(cell: &str) -> bool {
    let cell = cell.to_ascii_lowercase();
    matches!(&*cell, "" | "-" | "-1" | "nan" | "na" | "n/a" | "null" | "none" | "inf")
}

/// Whether it is a word, and so somebody's name.
fn is_name(cell: &str) -> bool {
    !is_missing(cell) && cell.parse::<f64>().is_err()
}

fn parse_snapshots(lines: &[Line], hosts: usize, unit: f64) -> Parsed<Vec<Vec<Vec<f64>>>> {
    let snapshot = |(line, cells): &Line| {
        if cells.len() != hosts * hosts {
            let wanted = hosts * hosts;
            return Err(format!("{line}:1: {} values where {wanted} are due", cells.len()));
        }
        let cells = cells.iter().enumerate();
        let cells: Vec<_> = cells
            .map(|(column, cell)| Ok(number(*line, column, cell)? * unit))
            .collect::<Parsed<_>>()?;
        Ok(cells.chunks(hosts).map(<[f64]>::to_vec).collect())
    };
    lines.iter().map(snapshot).collect()
}

fn parse_matrix(lines: &[Line]) -> Parsed<Vec<Vec<f64>>> {
    let Some(((_, first), below)) = lines.split_first() else { return Ok(Vec::new()) };
    let header = first.iter().skip(1).any(|cell| is_name(cell));
    let below = if header { below } else { lines };
    let named = below.iter().all(|(_, cells)| cells.first().is_some_and(|cell| is_name(cell)));
    let skip = usize::from(named);
    // Rows and columns may name other hosts, in another order: who stands in both is kept.
    let names = |cells: &[String]| cells[skip..].to_vec();
    let columns: Option<BTreeMap<_, _>> = (header && named).then(|| {
        let names = names(first).into_iter().enumerate();
        names.map(|(column, name)| (name, column)).collect()
    });
    let width = first.len() - skip;
    let mut rows = Vec::new();
    for (line, cells) in below {
        if cells.len() != width + skip {
            let count = cells.len();
            return Err(format!("{line}:1: {count} values where {} are due", width + skip));
        }
        let cells = cells.iter().enumerate().skip(skip);
        let row: Parsed<Vec<_>> = cells.map(|(at, cell)| number(*line, at, cell)).collect();
        rows.push(row?);
    }
    let Some(columns) = columns else {
        let (line, count) = (below.last().map_or(1, |(line, _)| *line), rows.len());
        return match count == width {
            true => Ok(rows),
            false => Err(format!(
                "{line}:1: {count} rows of {width} times are no matrix (snapshots: --snapshots)"
            )),
        };
    };
    let known = below
        .iter()
        .zip(rows)
        .filter_map(|((_, cells), row)| columns.get(&cells[0]).map(|column| (*column, row)));
    let known: Vec<_> = known.collect();
    let pick = |row: &Vec<f64>| known.iter().map(|(column, _)| row[*column]).collect();
    Ok(known.iter().map(|(_, row)| pick(row)).collect())
}
