//! `timeline.csv` as columns.

/// The course of the variants of a run, read from `timeline.csv`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    names: Vec<String>,
    rows: Vec<(String, Vec<Option<f64>>)>,
}

impl Timeline {
    /// Reads the file by the names of its columns, so that columns may be added.
    ///
    /// # Errors
    /// If it is no table with `variant` and `t_s`, or a cell is no number.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header = reader.headers().map_err(|error| error.to_string())?;
        let names: Vec<String> = header.iter().map(str::to_owned).collect();
        let place = |name: &str| {
            let found = names.iter().position(|own| own == name);
            found.ok_or_else(|| format!("there is no column `{name}`"))
        };
        let variant = place("variant")?;
        place("t_s")?;
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| error.to_string())?;
            let line = record.position().map_or(0, csv::Position::line);
            let mut cells = Vec::with_capacity(names.len());
            for (place, cell) in record.iter().enumerate() {
                if place == variant || cell.is_empty() {
                    cells.push(None);
                    continue;
                }
                let value: f64 = cell.parse().map_err(|_| {
                    let column = names.get(place).map_or("", String::as_str);
                    format!("line {line}: `{cell}` in column `{column}` is no number")
                })?;
                cells.push(Some(value).filter(|value| value.is_finite()));
            }
            let name = record.get(variant).unwrap_or_default().to_owned();
            rows.push((name, cells));
        }
        Ok(Self { names, rows })
    }

    /// A column of a variant by time in seconds: `None` where the cell is empty.
    pub(super) fn column(&self, variant: &str, name: &str) -> Vec<(f64, Option<f64>)> {
        let place = |name: &str| self.names.iter().position(|own| own == name);
        let (Some(time), Some(own)) = (place("t_s"), place(name)) else {
            return Vec::new();
        };
        let rows = self.rows.iter().filter(|(of, _)| of == variant);
        let cell = |cells: &[Option<f64>], place: usize| cells.get(place).copied().flatten();
        rows.filter_map(|(_, cells)| Some((cell(cells, time)?, cell(cells, own))))
            .collect()
    }

    /// The width of an interval in seconds, if there are two.
    pub(super) fn width(&self, variant: &str) -> Option<f64> {
        let times = self.column(variant, "t_s");
        match times.as_slice() {
            [first, second, ..] => Some(second.0 - first.0).filter(|width| *width > 0.0),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_name() {
        let text = "variant,t_s,offered,ttft_p99_ms\n\"a, b\",0,5,\n\"a, b\",10,7,250\nc,0,1,2\n";
        let read = Timeline::read(text).unwrap();
        let offered = read.column("a, b", "offered");
        assert_eq!(offered, [(0.0, Some(5.0)), (10.0, Some(7.0))]);
        assert_eq!(read.column("a, b", "ttft_p99_ms")[0], (0.0, None));
        assert_eq!(read.width("a, b"), Some(10.0));
        assert_eq!((read.width("c"), read.column("c", "none").len()), (None, 0));
    }

    #[test]
    fn damage_is_named() {
        assert_eq!(
            Timeline::read("variant,t_s,sent\na,0,x\n").unwrap_err(),
            "line 2: `x` in column `sent` is no number"
        );
        assert_eq!(
            Timeline::read("a,b\n").unwrap_err(),
            "there is no column `variant`"
        );
        assert!(Timeline::read("variant,t_s\na,1,2\n").is_err());
        assert!(Timeline::read("").is_err());
    }
}
