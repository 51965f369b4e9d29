//! A table for people: columns padded to their widest cell, two spaces between them.

use std::fmt;

/// How one column gets its text from a row.
pub(crate) struct Column<R> {
    title: &'static str,
    cell: fn(&R) -> String,
}

/// The finished cells, titles first.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl<R> Column<R> {
    pub(crate) const fn new(title: &'static str, cell: fn(&R) -> String) -> Self {
        Self { title, cell }
    }
}

impl Table {
    pub(crate) fn of<R>(rows: &[R], columns: &[Column<R>]) -> Self {
        let titles = columns.iter().map(|column| column.title.to_owned()).collect();
        let cells = rows
            .iter()
            .map(|row| columns.iter().map(|column| (column.cell)(row)).collect());
        Self {
            rows: std::iter::once(titles).chain(cells).collect(),
        }
    }

    /// Of cells as they are, titles first; every row has as many.
    pub(crate) fn of_cells(rows: Vec<Vec<String>>) -> Self {
        Self { rows }
    }

    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.first().map_or(0, Vec::len);
        (0..columns)
            .map(|c| {
                self.rows
                    .iter()
                    .map(|row| row[c].chars().count())
                    .max()
                    .unwrap_or(0)
            })
            .collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for row in &self.rows {
            let padded: Vec<_> = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell:width$}"))
                .collect();
            writeln!(f, "{}", padded.join("  ").trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [("api", 2), ("größer", 10)];
        let columns = [
            Column::new("NAME", |row: &(&str, i32)| row.0.to_owned()),
            Column::new("READY", |row| row.1.to_string()),
        ];
        insta::assert_snapshot!(Table::of(&rows, &columns), @r"
        NAME    READY
        api     2
        größer  10
        ");
    }
}
