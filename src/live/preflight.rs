//! One small request before a run: whether the target can be called at all.

use super::advice::{Refusal, refusal};
use super::plan::LiveWorkload;
use super::target::{Connected, Target};
use crate::domain::Usage;
use aws_sdk_bedrockruntime::types::{
    ContentBlock, ConversationRole, InferenceConfiguration, Message,
};
use std::net::ToSocketAddrs;
use std::time::Duration;

/// Whether anything accepts connections at the target; it costs nothing.
pub(super) fn reach(target: &Target) -> Result<(), Refusal> {
    let Target::Url(url) = target else {
        return Ok(());
    };
    let Ok(uri) = url.parse::<http::Uri>() else {
        return Err(Refusal::UnknownHost(url.clone()));
    };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let usual = if uri.scheme_str() == Some("https") {
        443
    } else {
        80
    };
    let port = uri.port_u16().unwrap_or(usual);
    let addresses: Vec<_> = (host, port)
        .to_socket_addrs()
        .map_err(|_| Refusal::UnknownHost(url.clone()))?
        .collect();
    let answers = addresses
        .iter()
        .any(|at| std::net::TcpStream::connect_timeout(at, Duration::from_secs(3)).is_ok());
    if answers {
        Ok(())
    } else {
        Err(Refusal::NothingListens(url.clone()))
    }
}

/// Asks the model of `workload` for one token and returns what that used.
pub(super) async fn ask(
    connected: &Connected,
    target: &Target,
    workload: &LiveWorkload,
) -> Result<Usage, Refusal> {
    let message = Message::builder()
        .role(ConversationRole::User)
        .content(ContentBlock::Text("Say yes.".to_owned()))
        .build()
        .map_err(|error| Refusal::other(&error.to_string()))?;
    let answer = connected
        .client
        .converse()
        .model_id(&workload.model_id)
        .messages(message)
        .inference_config(InferenceConfiguration::builder().max_tokens(1).build())
        .set_service_tier(workload.tier.clone())
        .set_performance_config(workload.performance.clone())
        .send()
        .await
        .map_err(|error| {
            let place = target.to_string();
            refusal(&error, &place, &workload.model_id, &connected.region)
        })?;
    Ok(answer.usage().map(super::call::usage).unwrap_or_default())
}
