//! What a plan names and the profiles do not know.

use super::Joiner;

impl Joiner<'_> {
    /// Reports offers of a plan that are for unknown models.
    pub(super) fn check_plan(&mut self) {
        let variant = self.variant;
        for offer in variant.plan.offers.iter().flatten() {
            if let Err(unknown) = self.catalogue.model(&offer.model) {
                let path = format!("{}.model", offer.path);
                self.problem(&path, unknown.to_string(), unknown.help());
            }
        }
    }
}
