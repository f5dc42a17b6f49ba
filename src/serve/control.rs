//! The calls of the control plane that clients commonly make against the same address.

use crate::domain::{ModelProfile, ScopeKind};
use crate::sim::{ACCOUNT, Serving};
use crate::wire::ErrorKind;
use crate::wire::reply::{
    ErrorReply, FoundationModel, InferenceProfile, ProfileKind, ProfilePage,
    write_foundation_model, write_foundation_models, write_inference_profile,
    write_inference_profiles,
};
use crate::wire::request::{ModelFilter, ModelRef, Route};

/// Appends the body of a control-plane answer.
pub(super) fn answer(
    serving: &Serving,
    route: &Route,
    out: &mut Vec<u8>,
) -> Result<(), ErrorReply> {
    match route {
        Route::ListFoundationModels(filter) => {
            let models: Vec<_> = serving
                .models
                .iter()
                .map(|model| foundation(model, &serving.region))
                .filter(|model| passes(filter, model))
                .collect();
            write_foundation_models(&models, out);
        }
        Route::GetFoundationModel { id } => {
            let id = ModelRef::parse(id);
            let known = serving
                .models
                .iter()
                .find(|model| Some(model.model_id.as_str()) == id.model_id());
            let model = known.ok_or_else(|| not_found("model"))?;
            write_foundation_model(&foundation(model, &serving.region), out);
        }
        Route::ListInferenceProfiles(page) => {
            let named = named_profiles(serving);
            let all = profiles(&named, serving);
            let wanted: Vec<_> = all
                .into_iter()
                .filter(|one| {
                    page.kind
                        .as_ref()
                        .is_none_or(|kind| kind == one.kind.name())
                })
                .collect();
            let size = page.max_results.map(|size| size as usize);
            let page = ProfilePage::of(&wanted, size, page.next_token.as_deref());
            let page = page.ok_or_else(|| {
                ErrorReply::new(ErrorKind::Validation, "The provided nextToken is invalid.")
            })?;
            write_inference_profiles(&page, out);
        }
        Route::GetInferenceProfile { id } => {
            let id = id.rsplit('/').next().unwrap_or(id);
            let named = named_profiles(serving);
            let all = profiles(&named, serving);
            let profile = all.iter().find(|profile| profile.id == id);
            write_inference_profile(profile.ok_or_else(|| not_found("inference profile"))?, out);
        }
        Route::Model { .. } | Route::ApplyGuardrail { .. } => {
            return Err(ErrorReply::new(ErrorKind::UnknownOperation, ""));
        }
    }
    Ok(())
}

fn not_found(what: &str) -> ErrorReply {
    let message = format!("The provided {what} identifier does not exist.");
    ErrorReply::new(ErrorKind::ResourceNotFound, message)
}

fn foundation<'a>(model: &'a ModelProfile, region: &'a str) -> FoundationModel<'a> {
    let provider = match model.model_id.split('.').next() {
        Some("anthropic") => "Anthropic",
        Some("amazon") => "Amazon",
        Some("meta") => "Meta",
        Some("openai") => "OpenAI",
        Some(other) => other,
        None => "",
    };
    FoundationModel {
        id: &model.model_id,
        name: &model.title,
        provider,
        region,
        images: provider != "Meta",
        on_demand: model.quota(ScopeKind::InRegion).is_some(),
        provisioned: model.offers.provisioned,
    }
}

fn passes(filter: &ModelFilter, model: &FoundationModel<'_>) -> bool {
    let provider = filter.provider.as_ref();
    let of_provider = provider.is_none_or(|name| name.eq_ignore_ascii_case(model.provider));
    let of_type = match filter.inference.as_deref() {
        Some("ON_DEMAND") => model.on_demand,
        Some("PROVISIONED") => model.provisioned,
        _ => true,
    };
    let output = filter.output.as_deref();
    of_provider
        && of_type
        && output.is_none_or(|output| output == "TEXT")
        && filter.customization.is_none()
}

/// A profile with the texts that its entry borrows.
struct Named<'a> {
    id: String,
    title: String,
    model: &'a ModelProfile,
    destinations: Vec<&'a str>,
}

fn named_profiles(serving: &Serving) -> Vec<Named<'_>> {
    let mut named = Vec::new();
    for model in &serving.models {
        for (prefix, regions) in &model.destinations {
            let (area, destinations) = match prefix.as_str() {
                "global" => ("Global".to_owned(), Vec::new()),
                geo => (
                    geo.to_uppercase(),
                    regions.iter().map(String::as_str).collect(),
                ),
            };
            named.push(Named {
                id: format!("{prefix}.{}", model.model_id),
                title: format!("{area} {}", model.title),
                model,
                destinations,
            });
        }
    }
    named
}

fn profiles<'a>(named: &'a [Named<'a>], serving: &'a Serving) -> Vec<InferenceProfile<'a>> {
    let profile = |one: &'a Named<'a>| InferenceProfile {
        id: &one.id,
        name: &one.title,
        kind: ProfileKind::SystemDefined,
        model_id: &one.model.model_id,
        region: &serving.region,
        account: ACCOUNT,
        destinations: &one.destinations,
        created: None,
    };
    named.iter().map(profile).collect()
}
