//! What a failed call means.

use std::fmt;

use aws_runtime::retries::classifiers::THROTTLING_ERRORS;
use aws_sdk_dynamodb::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
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
    let cause = described(&error);
    if permanent { PortError::permanent(service, cause) } else { PortError::transient(service, cause) }
}

/// The service's code and status. Its words only where they are about the deployment: others may quote what was sent.
fn described<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> String {
    match error {
        SdkError::ServiceError(failed) => {
            let code = failed.err().code().unwrap_or("no code");
            let words = failed.err().message().filter(|_| MENDABLE.contains(&code)).unwrap_or_default();
            format!("{code} ({}) {words}", failed.raw().status().as_u16()).trim_end().to_owned()
        }
        SdkError::TimeoutError(_) => "timed out".to_owned(),
        SdkError::DispatchFailure(failed) => match failed.as_connector_error() {
            Some(error) => format!("no connection: {error}"),
            None => "no connection".to_owned(),
        },
        SdkError::ResponseError(_) => "the answer was cut off or not understood".to_owned(),
        _ => "the request could not be built".to_owned(),
    }
}

/// Something we stored does not read back.
pub(crate) fn unreadable(service: &'static str, what: impl fmt::Display) -> PortError {
    PortError::permanent(service, format!("unreadable: {what}"))
}
