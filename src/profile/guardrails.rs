//! Reads `profiles/guardrails/DATE.toml`.

use super::figure::{Date, Figure, Figures};
use crate::config::{Section, whole};
use crate::domain::{ByRegion, GuardrailQuotas};

/// Reads the root table of the file `file`, whose stem is `name`.
pub(super) fn read(
    name: &str,
    file: &str,
    s: &mut Section<'_>,
) -> Option<(GuardrailQuotas, Vec<Figure>)> {
    let figures = Figures::new(s, file);
    let as_of = s.required("as_of", Date);
    let units = s.required_table("text_units_per_second", |s| {
        let content = tiers(s, "content", &figures);
        let topics = tiers(s, "topics", &figures);
        let sensitive = s.required_table("sensitive", |s| by_region(s, &figures));
        let words = s.required_table("words", |s| by_region(s, &figures));
        let grounding = s.required_table("grounding", |s| by_region(s, &figures));
        let (content, topics) = (content?, topics?);
        Some(GuardrailQuotas {
            content_classic: content.0,
            content_standard: content.1,
            topics_classic: topics.0,
            topics_standard: topics.1,
            sensitive: sensitive?,
            words: words?,
            grounding: grounding?,
            ..GuardrailQuotas::default()
        })
    });
    let burst = s.required_table("burst", |s| by_region(s, &figures));
    let applies = s.required_table("applies_per_second", |s| by_region(s, &figures));
    let quotas = GuardrailQuotas {
        name: name.to_owned(),
        as_of: as_of?,
        burst: burst?,
        applies_per_second: applies?,
        ..units?
    };
    Some((quotas, figures.into_list()))
}

fn tiers(s: &mut Section<'_>, key: &str, figures: &Figures) -> Option<(ByRegion, ByRegion)> {
    s.required_table(key, |s| {
        let classic = s.required_table("classic", |s| by_region(s, figures));
        let standard = s.required_table("standard", |s| by_region(s, figures));
        Some((classic?, standard?))
    })
}

/// `default` and the Regions that have another figure.
fn by_region(s: &mut Section<'_>, figures: &Figures) -> Option<ByRegion> {
    let default = figures.required(s, "default", whole(1..=1_000_000));
    let named: Vec<String> = s.keys().map(str::to_owned).collect();
    let mut regions = std::collections::BTreeMap::new();
    for region in named.into_iter().filter(|key| key != "default") {
        let (units, _) = figures.required(s, &region, whole(1..=1_000_000))?;
        regions.insert(region, units);
    }
    Some(ByRegion {
        default: default?.0,
        regions,
    })
}
