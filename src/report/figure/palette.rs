//! The few colours of all pictures. A page restyles them by attribute, such as `[stroke="#0072B2"]`.

/// A colour as SVG writes it.
pub type Colour = &'static str;

/// Titles, totals, bounds.
pub const INK: Colour = "#1B1F24";
/// Labels of axes and ticks.
pub const MUTED: Colour = "#57606A";
/// Lines of the grid.
pub const GRID: Colour = "#E1E4E8";
/// What lies behind a picture and around its labels.
pub const SURFACE: Colour = "#FFFFFF";

/// The colours of series, in order: those of M. Okabe and K. Ito, "Color Universal Design", which people
/// with any colour vision tell apart; black is for text, and yellow is darker so that it shows on white.
/// Markers tell series apart where there is no colour at all.
pub const SERIES: [Colour; 8] = [
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#7F7F7F", "#A89A00",
];

/// The colour of the series with this number.
pub(super) fn series(number: usize) -> Colour {
    SERIES[number % SERIES.len()]
}

/// Red, green and blue.
pub(super) fn rgb(colour: &str) -> (u8, u8, u8) {
    let part = |from: usize| {
        let digits = colour.get(from..from + 2).unwrap_or("00");
        u8::from_str_radix(digits, 16).unwrap_or(0)
    };
    (part(1), part(3), part(5))
}
