//! What a failed call means.

use std::fmt;

use aws_runtime::retries::classifiers::THROTTLING_ERRORS;
use aws_sdk_dynamodb::{
    config::http::HttpResponse,
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
};
use domain::ports::PortError;

/// Somebody has to mend the deployment; once they have, the same call works.
const MENDABLE: [&str; 7] = [
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "ResourceNotFoundException",
    "UnrecognizedClientException",
];

/// Sorts a failed call: refused for what it says, or for the moment.
///
/// Throttling, time-outs, 5xx, and what a mended deployment cures (a permission, expired credentials, a table) may
/// succeed later. Any other 4xx is about the request itself.
pub(crate) fn sort<E>(service: &'static str, error: SdkError<E, HttpResponse>) -> PortError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let permanent = match &error {
        SdkError::ServiceError(failed) => {
            let code = failed.err().code().unwrap_or_default();
            failed.raw().status().is_client_error() && !THROTTLING_ERRORS.contains(&code) && !MENDABLE.contains(&code)
        }
        SdkError::ConstructionFailure(_) => true,
        _ => false,
    };
    let cause = Described(format!("{}", DisplayErrorContext(&error)));
    if permanent { PortError::permanent(service, cause) } else { PortError::transient(service, cause) }
}

/// The SDK's error chain in one line, since its outermost error says nothing.
#[derive(Debug)]
struct Described(String);

impl fmt::Display for Described {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Described {}

/// Something we stored does not read back.
pub(crate) fn unreadable(service: &'static str, what: impl fmt::Display) -> PortError {
    PortError::permanent(service, format!("unreadable: {what}"))
}
