//! Tables as Helm's library draws them: columns padded to their widest cell, a tab between them.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Cells of several lines get as many lines; the cell is cut off where all of it together is wider than its widest
/// line by more than the library expects, which is the library's mistake.
pub(super) fn draw(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widest = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells
            .map(|cell| cell.split('\n').map(width).max().unwrap_or(0))
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(widest).collect();
    let mut out = String::new();
    for row in rows {
        write_row(&mut out, row, &widths);
    }
    if rows.is_empty() {
        out.push('\n');
    }
    out
}

fn write_row(out: &mut String, row: &[String], widths: &[usize]) {
    let cells: Vec<String> = row
        .iter()
        .zip(widths)
        .map(|(cell, width)| resized(cell, *width))
        .collect();
    let lines: Vec<Vec<&str>> = cells.iter().map(|cell| cell.split('\n').collect()).collect();
    let height = lines.iter().map(Vec::len).max().unwrap_or(0);
    for line in 0..height {
        for (column, (cell, width)) in lines.iter().zip(widths).enumerate() {
            if column > 0 {
                out.push('\t');
            }
            // A line that a cell does not have is one space, where its column is empty altogether.
            let text = cell.get(line).copied();
            out.push_str(&text.map_or_else(|| padded(" ", *width), |text| resized(text, *width)));
        }
        out.push('\n');
    }
}

/// Pads to a width, or cuts off and ends in dots. Nothing is done for a width of zero.
fn resized(text: &str, wanted: usize) -> String {
    let found = width(text);
    if wanted == 0 || found <= wanted {
        return padded(text, wanted);
    }
    let mut out = String::new();
    let mut used = 0;
    for character in text.chars() {
        out.push(character);
        let width = character.width().unwrap_or(0);
        if used + width + 3 >= wanted {
            break;
        }
        used += width;
    }
    out.push_str("...");
    out
}

fn padded(text: &str, wanted: usize) -> String {
    let missing = wanted.saturating_sub(width(text));
    format!("{text}{}", " ".repeat(missing))
}

/// Control characters take no place.
fn width(text: &str) -> usize {
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return text.len();
    }
    text.chars()
        .filter(|character| !character.is_control())
        .collect::<String>()
        .width()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `helm history` (4.1.4) printed it.
    #[test]
    fn cells_of_many_lines_are_cut_off_as_the_library_cuts_them() {
        let rows = [
            vec!["1".to_owned(), "Install complete".to_owned()],
            vec![
                "2".to_owned(),
                "first line\nsecond line that is much longer 日本語".to_owned(),
            ],
        ];
        let expected = "1\tInstall complete                      \n\
                        2\tfirst line                            \n \tsecond line that is much ...          \n";
        assert_eq!(draw(&rows), expected);
    }
}
