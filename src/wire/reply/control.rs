//! Bodies of the control plane and of `CountTokens` (botocore 1.44.5, bedrock 2023-04-20).

use super::json::{count, raw, string};

/// A model, as `ListFoundationModels` and `GetFoundationModel` show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundationModel<'a> {
    /// The model's id, without any profile's prefix.
    pub id: &'a str,
    /// The model's name, such as `Claude Haiku 4.5`.
    pub name: &'a str,
    /// The provider's name, such as `Anthropic`.
    pub provider: &'a str,
    /// The Region that is asked.
    pub region: &'a str,
    /// Whether it reads images.
    pub images: bool,
    /// Whether it can be called without a profile.
    pub on_demand: bool,
    /// Whether Provisioned Throughput exists for it.
    pub provisioned: bool,
}

/// Who made an inference profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProfileKind {
    /// AWS.
    SystemDefined,
    /// A customer, to attribute cost.
    Application,
}

impl ProfileKind {
    /// Its spelling, in answers and in the query's `type`.
    pub fn name(self) -> &'static str {
        match self {
            Self::SystemDefined => "SYSTEM_DEFINED",
            Self::Application => "APPLICATION",
        }
    }
}

/// An inference profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InferenceProfile<'a> {
    /// The profile's id, such as `us.anthropic.claude-haiku-4-5-20251001-v1:0`.
    pub id: &'a str,
    /// The profile's name, such as `US Anthropic Claude Haiku 4.5`.
    pub name: &'a str,
    /// Who made it.
    pub kind: ProfileKind,
    /// The id of the model behind it.
    pub model_id: &'a str,
    /// The Region that is asked.
    pub region: &'a str,
    /// The account that asks.
    pub account: &'a str,
    /// The Regions that serve it; for a global profile none need be listed.
    pub destinations: &'a [&'a str],
    /// When it was made and last changed, as `2025-10-15T00:00:00Z`; `None` leaves both out.
    pub created: Option<&'a str>,
}

/// Part of the list of profiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfilePage<'a, 'b> {
    /// The profiles on it.
    pub profiles: &'b [InferenceProfile<'a>],
    /// The token of the next page.
    pub next: Option<String>,
}

impl<'a, 'b> ProfilePage<'a, 'b> {
    /// The page that `token` names, of at most `size` profiles; `None` where the token is none
    /// that an earlier page gave. The service allows sizes of 1 to 1,000.
    pub fn of(
        profiles: &'b [InferenceProfile<'a>],
        size: Option<usize>,
        token: Option<&str>,
    ) -> Option<Self> {
        let start = match token {
            None => 0,
            Some(token) => token.strip_prefix("page-")?.parse::<usize>().ok()?,
        };
        let rest = profiles.get(start..)?;
        let size = size.unwrap_or(1_000).clamp(1, 1_000);
        let here = &rest[..rest.len().min(size)];
        let end = start + here.len();
        Some(Self {
            profiles: here,
            next: (end < profiles.len()).then(|| format!("page-{end}")),
        })
    }
}

/// Appends the body of `ListFoundationModels`.
pub fn write_foundation_models(models: &[FoundationModel<'_>], out: &mut Vec<u8>) {
    raw("{\"modelSummaries\":[", out);
    list(models, model, out);
    raw("]}", out);
}

/// Appends the body of `GetFoundationModel`.
pub fn write_foundation_model(one: &FoundationModel<'_>, out: &mut Vec<u8>) {
    raw("{\"modelDetails\":", out);
    model(one, out);
    out.push(b'}');
}

/// Appends the body of `ListInferenceProfiles`.
pub fn write_inference_profiles(page: &ProfilePage<'_, '_>, out: &mut Vec<u8>) {
    raw("{\"inferenceProfileSummaries\":[", out);
    list(page.profiles, write_inference_profile, out);
    out.push(b']');
    if let Some(next) = &page.next {
        raw(",\"nextToken\":", out);
        string(next, out);
    }
    out.push(b'}');
}

/// Appends the body of `GetInferenceProfile`, which is also an entry of the list.
pub fn write_inference_profile(profile: &InferenceProfile<'_>, out: &mut Vec<u8>) {
    raw("{\"inferenceProfileName\":", out);
    string(profile.name, out);
    if let Some(created) = profile.created {
        raw(",\"createdAt\":", out);
        string(created, out);
        raw(",\"updatedAt\":", out);
        string(created, out);
    }
    raw(",\"inferenceProfileArn\":", out);
    let resource = match profile.kind {
        ProfileKind::SystemDefined => "inference-profile",
        ProfileKind::Application => "application-inference-profile",
    };
    let partition = partition(profile.region);
    let (region, account, id) = (profile.region, profile.account, profile.id);
    string(
        &format!("arn:{partition}:bedrock:{region}:{account}:{resource}/{id}"),
        out,
    );
    raw(",\"models\":[", out);
    // A global profile names its model once, without a Region.
    let destinations = if profile.destinations.is_empty() {
        &[""]
    } else {
        profile.destinations
    };
    let arn = |destination: &&str, out: &mut Vec<u8>| {
        raw("{\"modelArn\":", out);
        string(&model_arn(destination, partition, profile.model_id), out);
        out.push(b'}');
    };
    list(destinations, arn, out);
    raw("],\"inferenceProfileId\":", out);
    string(profile.id, out);
    raw(",\"status\":\"ACTIVE\",\"type\":\"", out);
    raw(profile.kind.name(), out);
    raw("\"}", out);
}

/// Appends the body of `CountTokens`.
pub fn write_token_count(input_tokens: u64, out: &mut Vec<u8>) {
    count("{\"inputTokens\":", input_tokens, out);
    out.push(b'}');
}

fn model(model: &FoundationModel<'_>, out: &mut Vec<u8>) {
    raw("{\"modelArn\":", out);
    let partition = partition(model.region);
    string(&model_arn(model.region, partition, model.id), out);
    raw(",\"modelId\":", out);
    string(model.id, out);
    raw(",\"modelName\":", out);
    string(model.name, out);
    raw(",\"providerName\":", out);
    string(model.provider, out);
    raw(",\"inputModalities\":[\"TEXT\"", out);
    if model.images {
        raw(",\"IMAGE\"", out);
    }
    raw(
        "],\"outputModalities\":[\"TEXT\"],\"responseStreamingSupported\":true,\
         \"customizationsSupported\":[],\"inferenceTypesSupported\":[",
        out,
    );
    let mut types = Vec::new();
    if model.on_demand {
        types.push("ON_DEMAND");
    } else {
        // Not in the service model's list, but what the service sends for a model that only
        // profiles reach.
        types.push("INFERENCE_PROFILE");
    }
    if model.provisioned {
        types.push("PROVISIONED");
    }
    list(&types, |name, out| string(name, out), out);
    raw("],\"modelLifecycle\":{\"status\":\"ACTIVE\"}}", out);
}

fn model_arn(region: &str, partition: &str, model_id: &str) -> String {
    format!("arn:{partition}:bedrock:{region}::foundation-model/{model_id}")
}

fn partition(region: &str) -> &'static str {
    if region.starts_with("us-gov-") {
        "aws-us-gov"
    } else if region.starts_with("cn-") {
        "aws-cn"
    } else {
        "aws"
    }
}

fn list<T>(items: &[T], mut write: impl FnMut(&T, &mut Vec<u8>), out: &mut Vec<u8>) {
    for (n, item) in items.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        write(item, out);
    }
}

#[cfg(test)]
mod tests;
