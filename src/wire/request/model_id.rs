//! What a caller may write where an operation asks for a model.

/// Prefixes of inference profile ids.
///
/// Source: the user guide's page on inference profiles and the ids of litellm 1.109.1.
const PREFIXES: [&str; 9] = [
    "us", "eu", "apac", "jp", "au", "ca", "in", "us-gov", "global",
];

/// What a model identifier names. Reading never fails: whether the thing exists is the service's
/// to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelRef {
    /// A model by its id, `anthropic.claude-…`, or by its foundation-model ARN.
    Foundation {
        /// Its id.
        model_id: String,
        /// The Region in its ARN, if it came as one.
        region: Option<String>,
    },
    /// A system-defined inference profile, `us.anthropic.claude-…`, by its id or ARN.
    Profile {
        /// Where it routes: `us`, `eu`, `apac`, `jp`, `au`, `ca`, `in`, `us-gov` or `global`.
        prefix: String,
        /// The model behind it.
        model_id: String,
        /// The Region in its ARN, if it came as one.
        region: Option<String>,
    },
    /// An ARN of something that an account made, whose model only the service knows.
    Resource {
        /// What kind of thing.
        kind: ResourceKind,
        /// Its id: the part of the ARN after the kind.
        id: String,
        /// The Region in its ARN.
        region: String,
    },
    /// Anything else: the plain name of a provisioned model, or nothing that exists.
    Name(String),
}

/// What an account can make of a model and call by ARN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResourceKind {
    /// `application-inference-profile`.
    ApplicationProfile,
    /// `provisioned-model`.
    Provisioned,
    /// `custom-model`.
    Custom,
    /// `custom-model-deployment`.
    CustomDeployment,
    /// `imported-model`.
    Imported,
    /// `prompt-router` and `default-prompt-router`.
    PromptRouter,
    /// `prompt`: a prompt of prompt management.
    Prompt,
    /// `endpoint` of `SageMaker`: a model of the Bedrock Marketplace.
    Endpoint,
}

impl ModelRef {
    /// Reads an identifier, decoded from its path.
    pub fn parse(id: &str) -> Self {
        if id.starts_with("arn:") {
            return parse_arn(id).unwrap_or_else(|| Self::Name(id.to_owned()));
        }
        plain(id, None)
    }

    /// The id of the model, where the identifier tells.
    pub fn model_id(&self) -> Option<&str> {
        match self {
            Self::Foundation { model_id, .. } | Self::Profile { model_id, .. } => Some(model_id),
            Self::Resource { .. } | Self::Name(_) => None,
        }
    }

    /// Who made the model, such as `anthropic`, where the identifier tells.
    pub fn vendor(&self) -> Option<&str> {
        let (vendor, _) = self.model_id()?.split_once('.')?;
        Some(vendor)
    }

    /// The Region of an ARN.
    pub fn region(&self) -> Option<&str> {
        match self {
            Self::Foundation { region, .. } | Self::Profile { region, .. } => region.as_deref(),
            Self::Resource { region, .. } => Some(region),
            Self::Name(_) => None,
        }
    }
}

/// An id without an ARN around it.
fn plain(id: &str, region: Option<&str>) -> ModelRef {
    let region = region.map(str::to_owned);
    let Some((first, rest)) = id.split_once('.') else {
        return ModelRef::Name(id.to_owned());
    };
    // No vendor is called like a geography, but a model id needs a vendor of its own.
    if PREFIXES.contains(&first) && rest.contains('.') {
        return ModelRef::Profile {
            prefix: first.to_owned(),
            model_id: rest.to_owned(),
            region,
        };
    }
    ModelRef::Foundation {
        model_id: id.to_owned(),
        region,
    }
}

/// `arn:partition:service:region:account:kind/id`.
fn parse_arn(arn: &str) -> Option<ModelRef> {
    let mut parts = arn.splitn(6, ':').skip(2);
    let service = parts.next()?;
    let region = parts.next()?;
    let (kind, id) = parts.nth(1)?.split_once('/')?;
    let kind = match (service, kind) {
        ("bedrock", "foundation-model" | "inference-profile") => {
            return Some(plain(id, Some(region)));
        }
        ("bedrock", "application-inference-profile") => ResourceKind::ApplicationProfile,
        ("bedrock", "provisioned-model") => ResourceKind::Provisioned,
        ("bedrock", "custom-model") => ResourceKind::Custom,
        ("bedrock", "custom-model-deployment") => ResourceKind::CustomDeployment,
        ("bedrock", "imported-model") => ResourceKind::Imported,
        ("bedrock", "prompt-router" | "default-prompt-router") => ResourceKind::PromptRouter,
        ("bedrock", "prompt") => ResourceKind::Prompt,
        ("sagemaker", "endpoint") => ResourceKind::Endpoint,
        _ => return None,
    };
    Some(ModelRef::Resource {
        kind,
        id: id.to_owned(),
        region: region.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn foundation(model_id: &str, region: Option<&str>) -> ModelRef {
        ModelRef::Foundation {
            model_id: model_id.to_owned(),
            region: region.map(str::to_owned),
        }
    }

    fn profile(prefix: &str, model_id: &str, region: Option<&str>) -> ModelRef {
        ModelRef::Profile {
            prefix: prefix.to_owned(),
            model_id: model_id.to_owned(),
            region: region.map(str::to_owned),
        }
    }

    const HAIKU: &str = "anthropic.claude-haiku-4-5-20251001-v1:0";

    #[test]
    fn ids_of_models_and_profiles_are_told_apart() {
        assert_eq!(ModelRef::parse(HAIKU), foundation(HAIKU, None));
        let with_context = "amazon.nova-lite-v1:0:24k";
        assert_eq!(
            ModelRef::parse(with_context),
            foundation(with_context, None)
        );
        for prefix in PREFIXES {
            let read = ModelRef::parse(&format!("{prefix}.{HAIKU}"));
            assert_eq!(read, profile(prefix, HAIKU, None));
            assert_eq!(read.vendor(), Some("anthropic"));
        }
        // A geography that does not exist is the vendor of a model that does not exist.
        let mars = ModelRef::parse("mars.anthropic.claude");
        assert_eq!(mars, foundation("mars.anthropic.claude", None));
        assert_eq!(ModelRef::parse("us.claude"), foundation("us.claude", None));
    }

    #[test]
    fn arns_name_models_profiles_and_resources() {
        let parse = |tail: &str| ModelRef::parse(&format!("arn:aws:bedrock:us-east-1:{tail}"));
        assert_eq!(
            parse(&format!(":foundation-model/{HAIKU}")),
            foundation(HAIKU, Some("us-east-1"))
        );
        assert_eq!(
            parse(&format!("123456789012:inference-profile/us.{HAIKU}")),
            profile("us", HAIKU, Some("us-east-1"))
        );
        for (kind, want) in [
            (
                "application-inference-profile",
                ResourceKind::ApplicationProfile,
            ),
            ("provisioned-model", ResourceKind::Provisioned),
            ("custom-model", ResourceKind::Custom),
            ("custom-model-deployment", ResourceKind::CustomDeployment),
            ("imported-model", ResourceKind::Imported),
            ("prompt-router", ResourceKind::PromptRouter),
            ("default-prompt-router", ResourceKind::PromptRouter),
            ("prompt", ResourceKind::Prompt),
        ] {
            let read = parse(&format!("123456789012:{kind}/abc/def"));
            let want = ModelRef::Resource {
                kind: want,
                id: "abc/def".to_owned(),
                region: "us-east-1".to_owned(),
            };
            assert_eq!(read, want);
            assert_eq!(read.vendor(), None);
            assert_eq!(read.region(), Some("us-east-1"));
        }
        let endpoint = ModelRef::parse("arn:aws:sagemaker:eu-west-1:123456789012:endpoint/mine");
        assert!(matches!(
            endpoint,
            ModelRef::Resource {
                kind: ResourceKind::Endpoint,
                ..
            }
        ));
    }

    #[test]
    fn whatever_else_is_a_name() {
        for id in [
            "",
            "my-provisioned-model",
            "arn:",
            "arn:aws:bedrock",
            "arn:aws:s3:::bucket/key",
        ] {
            assert_eq!(ModelRef::parse(id), ModelRef::Name(id.to_owned()));
        }
    }
}
