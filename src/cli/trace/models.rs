//! The profiles of the models that a log names.

use crate::domain::ModelProfile;
use crate::profile::{Catalogue, ProfileKind};

/// The profile of the model that a log calls `name`: by its own name, or by a model id inside of it, as in those of
/// inference profiles.
pub fn known<'c>(catalogue: &'c Catalogue, name: &str) -> Option<&'c ModelProfile> {
    if let Ok(model) = catalogue.model(name) {
        return Some(model);
    }
    let models = catalogue.names(ProfileKind::Model).into_iter();
    let inside = models
        .filter_map(|model| catalogue.model(model).ok())
        .filter(|model| !model.model_id.is_empty() && name.contains(&model.model_id));
    inside.max_by_key(|model| model.model_id.len())
}
