use super::*;

#[test]
fn even_arrivals_have_no_dispersion() {
    let times = (0..1000).map(|i| Moment(i * 100_000));
    let found = Burstiness::of(times, Micros::from_secs(100), &WINDOWS);
    assert_eq!(found.requests, 1000);
    assert!((found.mean_rate.0 - 10.0).abs() < 1e-12);
    assert!(found.gap_cv.unwrap() < 1e-9);
    // 300 s do not fit in 100 s, and a minute fits only once.
    let windows: Vec<u64> = found.windows.iter().map(|w| w.window.0).collect();
    assert_eq!(windows, [1_000_000, 10_000_000]);
    assert!(
        found
            .windows
            .iter()
            .all(|w| w.idc < 1e-9 && (w.peak_to_mean - 1.0).abs() < 1e-9)
    );
}

#[test]
fn dispersion_of_a_known_pattern() {
    // Counts 4, 0, 0, 0: mean 1, variance 3, peak four times the mean.
    let times = [0, 1, 2, 3].map(|i| Moment(i * 1000));
    let found = Burstiness::of(times, Micros::from_secs(4), &[Micros::SECOND]);
    assert!((found.windows[0].idc - 3.0).abs() < 1e-12);
    assert!((found.windows[0].peak_to_mean - 4.0).abs() < 1e-12);
}

#[test]
fn nothing_and_one_arrival_have_no_figures() {
    let none = Burstiness::of([], Micros::ZERO, &WINDOWS);
    assert_eq!(
        (none.requests, none.gap_cv, none.windows.len()),
        (0, None, 0)
    );
    let one = Burstiness::of([Moment(5)], Micros::MINUTE, &WINDOWS);
    assert_eq!(one.gap_cv, None);
}
