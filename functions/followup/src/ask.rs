//! Somebody on a dashboard that knows nobody wants to act: they say to which address their link shall go. Whether that address
//! may have it is for the alert to say, when it is mailed; here every answer is the same, and nothing is looked up.

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use domain::{AlertKey, EmailAddress, ports::PortError};
use runtime::{
    AlertMessage,
    message::{Envelope, send},
};

use crate::{FollowingUp, Method, PageDoor, answer::Answer, page::Page, parameter, raw_body};

/// Names the alert.
pub(crate) const ALERT: &str = "ask";
/// What the form calls the address.
pub(crate) const ADDRESS: &str = "address";

pub(crate) async fn answer(
    following_up: &FollowingUp,
    request: &ApiGatewayV2httpRequest,
    alert: &str,
    method: Method,
) -> Result<Answer, PortError> {
    let PageDoor::Asking = following_up.page else { return Ok(Answer::NotYours) };
    // What names no alert is asked for all the same: the answer must not tell one from the other.
    let key: Option<AlertKey> = alert.parse().ok();
    if method == Method::Show {
        return Ok(Answer::asking(&Page::ask(key)));
    }
    let body = raw_body(request).and_then(|bytes| String::from_utf8(bytes).ok());
    let address = body.and_then(|body| parameter(&body, ADDRESS)).unwrap_or_default();
    let address = address.trim().parse::<EmailAddress>().ok();
    if let Some((key, address)) = key.zip(address) {
        send(&*following_up.alert_queue, &Envelope::new(AlertMessage::links(key, address)), std::time::Duration::ZERO)
            .await?;
    }
    Ok(Answer::asking(&Page::asked()))
}
